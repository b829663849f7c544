/* The doctor's insides: what it takes for left behind, and how it counts. */
#include "watch/doctor.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "folder.h"

static const char *const names[] = {"params.json", "status.json", NULL};

/* The number of a process that is no more. */
static int dead(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return (int)child;
}

TEST(a_temporary_of_a_process_that_has_ended_is_left)
{
    assert_true(xpm__doctor_is_left(path_of("params.json.%d-0.tmp", dead()), names));
    assert_true(xpm__doctor_is_left(path_of("status.json.%d-4711.tmp", dead()), names));
}

TEST(what_a_living_process_writes_is_not_left)
{
    assert_false(xpm__doctor_is_left(path_of("params.json.%d-0.tmp", (int)getpid()), names));
}

TEST(what_has_another_name_is_not_left)
{
    static const char *const others[] = {"mine.%d-0.tmp",         "params.json.%d.tmp",
                                         "params.json.%d-0",      "params.json.%d-0.tmp.gz",
                                         "params.jsonx.%d-0.tmp", "xparams.json.%d-0.tmp"};
    int pid = dead();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", pid);
        const char *mark = strchr(others[i], '%');
        const char *file =
            path_of("%.*s%s%s", (int)(mark - others[i]), others[i], number, mark + 2);
        assert_false(xpm__doctor_is_left(file, names));
    }
    assert_false(xpm__doctor_is_left("params.json", names));
    assert_false(xpm__doctor_is_left("params.json.0-0.tmp", names));
    assert_false(xpm__doctor_is_left("params.json.-1-0.tmp", names));
}

/* ---- Counting --------------------------------------------------------------------------------- */

typedef struct told {
    size_t count;
    xpm__outcome last;
    char why[64];
} told;

static void on_finding(void *user, const xpm__finding *finding)
{
    told *t = user;
    t->count++;
    t->last = finding->outcome;
    snprintf(t->why, sizeof t->why, "%s", finding->why != NULL ? finding->why : "");
}

static int succeed(void *user, xpm_error *err)
{
    (void)err;
    ++*(int *)user;
    return 0;
}

static int refuse(void *user, xpm_error *err)
{
    ++*(int *)user;
    return xpm_fail(err, XPM_E_STATE, "", "not now");
}

static xpm__doctor_report count(bool fix, bool note, const char *remedy, xpm__repair repair,
                                int *repairs, told *t)
{
    xpm__doctor_report report = {0};
    xpm__examination e = {.fix = fix, .tell = on_finding, .user = t, .report = &report};
    xpm__finding finding = {.kind = "k", .path = "p", .what = "w", .remedy = remedy, .note = note};
    *t = (told){0};
    *repairs = 0;
    xpm__doctor_found(&e, &finding, repair, repairs);
    return report;
}

TEST(a_finding_remains_until_it_is_repaired)
{
    told t;
    int repairs;
    xpm__doctor_report r = count(false, false, "mend", succeed, &repairs, &t);
    assert_true(r.findings == 1 && r.repairable == 1 && r.remaining == 1);
    assert_true(repairs == 0 && t.count == 1 && t.last == XPM__FOUND);
    r = count(true, false, "mend", succeed, &repairs, &t);
    assert_true(r.findings == 1 && r.repairable == 1 && r.remaining == 0);
    assert_true(repairs == 1 && t.count == 2 && t.last == XPM__REPAIRED);
    r = count(true, false, "mend", refuse, &repairs, &t);
    assert_true(r.remaining == 1 && repairs == 1 && t.last == XPM__LEFT);
    assert_string_equal(t.why, "not now");
    r = count(true, false, NULL, NULL, &repairs, &t);
    assert_true(r.findings == 1 && r.repairable == 0 && r.remaining == 1 && t.count == 1);
}

TEST(a_note_is_no_finding)
{
    told t;
    int repairs;
    xpm__doctor_report r = count(true, true, NULL, NULL, &repairs, &t);
    assert_true(r.notes == 1 && r.findings == 0 && r.remaining == 0 && t.count == 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_temporary_of_a_process_that_has_ended_is_left),
        cmocka_unit_test(what_a_living_process_writes_is_not_left),
        cmocka_unit_test(what_has_another_name_is_not_left),
        cmocka_unit_test(a_finding_remains_until_it_is_repaired),
        cmocka_unit_test(a_note_is_no_finding),
    };
    return RUN_TESTS(tests);
}
