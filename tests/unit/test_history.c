/* Which runs of an experiment are kept. */
#include "folder.h"

#include "record/history.h"

static char *folder;

/* A run of the past, as its status.json says; "" for none. */
static void put_run(const char *name, const char *status, const char *tags)
{
    const char *run = path_of("%s/experiments/test/%s", folder, name);
    assert_int_equal(mkdir(run, 0777), 0);
    mkdir(path_of("%s/jobs", run), 0777);
    assert_int_equal(symlink("../../../../../jobs/t/h", path_of("%s/jobs/h", run)), 0);
    char text[256];
    snprintf(text, sizeof text, "{\"status\":\"%s\",\"run_tags\":%s}", status, tags);
    if (status[0] != '\0')
        file_put(path_of("%s/status.json", run), text);
}

static void set_up(void)
{
    folder = folder_new();
    static const char *const folders[] = {"experiments", "experiments/test", "jobs", "jobs/t",
                                          "jobs/t/h"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_int_equal(mkdir(path_of("%s/%s", folder, folders[i]), 0777), 0);
    file_put(path_of("%s/jobs/t/h/t.done", folder), "");
}

static void trim(const char *run, int max_done, int max_failed)
{
    const xpm__workspace workspace = {.path = folder};
    const xpm__history limits = {max_done, max_failed};
    xpm__history_trim(&workspace, "test", run, &limits);
    assert_true(file_is_there(path_of("%s/jobs/t/h/t.done", folder)));
    assert_false(file_is_there(path_of("%s/experiments/test/.trash", folder)));
}

static bool is_kept(const char *run)
{
    return file_is_there(path_of("%s/experiments/test/%s", folder, run));
}

/* The runs of three days; the third has just ended. */
static void put_three(const char *first, const char *second, const char *third)
{
    set_up();
    put_run("20260101_000000", first, "[]");
    put_run("20260102_000000", second, "[]");
    put_run("20260103_000000", third, "[]");
}

static void assert_kept(const char *runs)
{
    assert_int_equal(is_kept("20260101_000000"), runs[0] == '1');
    assert_int_equal(is_kept("20260102_000000"), runs[1] == '1');
    assert_int_equal(is_kept("20260103_000000"), runs[2] == '1');
    folder_remove(folder);
}

TEST(without_limits_all_runs_are_kept)
{
    put_three("failed", "failed", "done");
    trim("20260103_000000", 0, 0);
    assert_kept("111");
}

TEST(a_success_removes_the_failures_before_it)
{
    put_three("failed", "done", "done");
    trim("20260103_000000", 5, 0);
    assert_kept("011");
}

TEST(failures_before_the_newest_success_go_and_those_after_it_are_counted)
{
    put_three("failed", "done", "failed");
    put_run("20260102_120000", "failed", "[]");
    put_run("20260102_130000", "failed", "[]");
    trim("20260103_000000", 0, 2);
    assert_false(is_kept("20260102_120000"));
    assert_true(is_kept("20260102_130000"));
    assert_kept("011");
}

TEST(successes_are_counted_and_the_latest_run_stays)
{
    put_three("done", "completed", "done");
    trim("20260103_000000", 2, 0);
    assert_kept("011");
    put_three("done", "done", "done");
    trim("20260103_000000", XPM_KEEP_NONE, XPM_KEEP_NONE);
    assert_kept("001");
}

TEST(runs_of_one_second_are_in_the_order_of_their_numbers)
{
    put_three("done", "done", "done");
    put_run("20260103_000000.9", "done", "[]");
    put_run("20260103_000000.10", "done", "[]");
    trim("20260103_000000.10", 2, 0);
    assert_true(is_kept("20260103_000000.9"));
    assert_kept("000");
}

TEST(runs_whose_end_is_not_known_or_that_have_tags_are_never_removed)
{
    set_up();
    static const char *const kept[] = {"running", "detached", "paused", ""};
    for (size_t i = 0; i < 4; i++)
        put_run(path_of("2026010%zu_000000", i + 1), kept[i], "[]");
    put_run("20260105_000000", "failed", "[\"paper\"]");
    put_run("20260106_000000", "done", "{\"for\":\"paper\"}");
    put_run("notes", "failed", "[]");
    put_run("20260107_000000", "done", "[]");
    trim("20260107_000000", XPM_KEEP_NONE, XPM_KEEP_NONE);
    for (size_t i = 0; i < 7; i++)
        assert_true(is_kept(path_of("2026010%zu_000000", i + 1)));
    assert_true(is_kept("notes"));
    folder_remove(folder);
}

TEST(a_run_that_has_not_ended_removes_nothing)
{
    put_three("done", "done", "detached");
    trim("20260103_000000", XPM_KEEP_NONE, XPM_KEEP_NONE);
    assert_kept("111");
}

TEST(what_a_crash_has_left_of_a_removal_is_removed)
{
    put_three("done", "done", "done");
    mkdir(path_of("%s/experiments/test/.trash", folder), 0777);
    mkdir(path_of("%s/experiments/test/.trash/20251231_000000", folder), 0777);
    trim("20260103_000000", 1, 0);
    assert_kept("001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_all_runs_are_kept),
        cmocka_unit_test(a_success_removes_the_failures_before_it),
        cmocka_unit_test(failures_before_the_newest_success_go_and_those_after_it_are_counted),
        cmocka_unit_test(successes_are_counted_and_the_latest_run_stays),
        cmocka_unit_test(runs_of_one_second_are_in_the_order_of_their_numbers),
        cmocka_unit_test(runs_whose_end_is_not_known_or_that_have_tags_are_never_removed),
        cmocka_unit_test(a_run_that_has_not_ended_removes_nothing),
        cmocka_unit_test(what_a_crash_has_left_of_a_removal_is_removed),
    };
    return RUN_TESTS(tests);
}
