/* Retries, limits, cancellation and transient jobs, from C, with processes: this program is what runs
 * its own tasks. */
#include <signal.h>
#include <time.h>

#include "experiment.h"

/* ---- Tasks ------------------------------------------------------------------------------------- */

typedef struct {
    int64_t lucky; /* the attempt that succeeds */
    int64_t reason;
    const char *tries;
} try_task;

/* Fails for its reason until its attempt is the lucky one. */
static int try_execute(try_task *self, xpm_task *task)
{
    FILE *tries = fopen(self->tries, "a");
    if (tries == NULL)
        return 1;
    fputc('x', tries);
    long count = ftell(tries);
    fclose(tries);
    return count >= self->lucky ? 0 : xpm_task_fail(task, (xpm_reason)self->reason, "no luck");
}
XPM_RESUMABLE(try_task, "retry.try", try_execute, XPM_INT(lucky),
              XPM_INT(reason, XPM_DEFAULT(XPM_REASON_TIMEOUT)), XPM_FILE(tries, "tries"));
typedef try_task stated;
static int stated_execute(stated *self, xpm_task *task)
{
    return try_execute(self, task);
}
XPM_TASK(stated, "retry.stated", stated_execute, XPM_INT(lucky), XPM_INT(reason),
         XPM_FILE(tries, "tries"), XPM_RETRY(.on = XPM_ON(MEMORY) | XPM_ON(FAILED), .times = 2));

typedef struct {
    bool looks;
    const char *pipe, *cleaned;
} hold;

/* Says that it runs, then waits for a signal; one that looks at it puts things in order. */
static int hold_execute(hold *self, xpm_task *task)
{
    if (self->looks)
        xpm_task_cancelled(task);
    FILE *pipe = fopen(self->pipe, "w");
    if (pipe == NULL || fclose(pipe) != 0)
        return 1;
    while (!(self->looks && xpm_task_cancelled(task)))
        nanosleep(&(struct timespec){.tv_sec = 60}, NULL); /* a signal ends it */
    FILE *cleaned = fopen(self->cleaned, "w");
    return cleaned != NULL && fclose(cleaned) == 0 ? 0 : 1;
}
XPM_TASK(hold, "retry.hold", hold_execute, XPM_BOOL(looks), XPM_PATH(pipe, .optional = true),
         XPM_FILE(cleaned, "cleaned"));

typedef struct {
    int64_t n;
    xpm_objects before;
} step;

static int step_execute(step *self, xpm_task *task)
{
    (void)self;
    (void)task;
    return 0;
}
XPM_TASK(step, "retry.step", step_execute, XPM_INT(n),
         XPM_OBJECTS(before, "retry.step", .optional = true));

/* ---- What the tests share ------------------------------------------------------------------------ */

/* How it ends, and in how many attempts. */
static void assert_ends(xpm_job *job, xpm_job_state state, long attempts)
{
    struct stat info;
    xpm_error err = {0};
    assert_int_equal(xpm_job_submit(job, &err), 0);
    assert_int_equal(xpm_job_wait(job, -1), state);
    assert_int_equal(stat(path_of("%s/tries", xpm_job_directory(job)), &info), 0);
    assert_int_equal(info.st_size, attempts);
    xpm_job_unref(job);
}

/* ---- Tests --------------------------------------------------------------------------------------- */

TEST(a_resumable_task_is_retried_on_a_timeout_and_on_nothing_else)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    assert_ends(make(xp, xpm_new("retry.try", "lucky", 3)), XPM_JOB_DONE, 3);
    assert_ends(make(xp, xpm_new("retry.try", "lucky", 9)), XPM_JOB_ERROR, 4);
    assert_ends(make(xp, xpm_new("retry.try", "lucky", 2, "reason", (int64_t)XPM_REASON_FAILED)),
                XPM_JOB_ERROR, 1);
    xpm_job *none = make(xp, xpm_new("retry.try", "lucky", 8));
    xpm_job_set_max_retries(none, 0);
    assert_ends(none, XPM_JOB_ERROR, 1);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

TEST(a_class_may_state_its_policy_and_a_job_another)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    int64_t memory = XPM_REASON_MEMORY, timeout = XPM_REASON_TIMEOUT;
    assert_ends(make(xp, xpm_new("retry.stated", "lucky", 3, "reason", memory)), XPM_JOB_DONE, 3);
    assert_ends(make(xp, xpm_new("retry.stated", "lucky", 2, "reason", timeout)), XPM_JOB_ERROR, 1);
    xpm_job *job = make(xp, xpm_new("retry.stated", "lucky", 6, "reason", timeout));
    xpm_job_set_retry(job, &(xpm_retry){.on = XPM_ON(TIMEOUT), .times = 5});
    assert_ends(job, XPM_JOB_DONE, 6);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

static char last_warning[512];

static void keep_warning(void *user, const char *message)
{
    (void)user;
    snprintf(last_warning, sizeof last_warning, "%s", message);
}

TEST(a_resumable_task_that_has_used_up_its_attempts_is_left_alone_until_it_has_more)
{
    char *folder = folder_new();
    xpm_error err = {0};
    for (int run = 0; run < 3; run++) {
        xpm_experiment_options options = {.warn = keep_warning, .max_retries = run == 2 ? 9 : 1};
        xpm_experiment *xp = xpm_experiment_open(folder, "test", &options, &err);
        assert_non_null(xp);
        last_warning[0] = '\0';
        assert_ends(make(xp, xpm_new("retry.try", "lucky", 5)),
                    run == 2 ? XPM_JOB_DONE : XPM_JOB_ERROR, run == 2 ? 5 : 2);
        xpm_experiment_close(xp, false, NULL);
        bool warned = strstr(last_warning, "has failed 2 times, and max_retries is 1") != NULL;
        assert_int_equal(warned, run == 1);
    }
    folder_remove(folder);
}

/* A job that holds, once it does. */
static xpm_job *held(xpm_experiment *xp, const char *folder, bool looks, const xpm_limits *limits)
{
    xpm_error err = {0};
    const char *path = path_of("%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0666), 0);
    xpm_job *job = make(xp, xpm_new("retry.hold", "looks", looks, "pipe", path));
    if (limits != NULL)
        xpm_job_set_limits(job, limits);
    assert_int_equal(xpm_job_submit(job, &err), 0);
    FILE *pipe = fopen(path, "r");
    assert_int_equal(fgetc(pipe), EOF);
    fclose(pipe);
    assert_int_equal(unlink(path), 0);
    return job;
}

TEST(a_task_that_looks_whether_it_was_told_to_end_can_put_things_in_order)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    for (int looks = 0; looks < 2; looks++) {
        xpm_job *job = held(xp, folder, looks, NULL);
        assert_true(xpm_job_cancel(job));
        assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_ERROR);
        assert_int_equal(xpm_job_reason(job), XPM_REASON_CANCELLED);
        assert_int_equal(file_is_there(path_of("%s/cleaned", xpm_job_directory(job))), looks);
        assert_false(xpm_job_cancel(job));
        xpm_job_unref(job);
    }
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

TEST(a_time_limit_tells_the_task_to_end)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *job = held(xp, folder, true, &(xpm_limits){.seconds = 0.3});
    assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_ERROR);
    assert_int_equal(xpm_job_reason(job), XPM_REASON_TIMEOUT);
    assert_true(file_is_there(path_of("%s/cleaned", xpm_job_directory(job))));
    xpm_job_unref(job);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

TEST(an_experiment_that_is_cancelled_ends_what_runs_and_starts_nothing)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_error err = {0};
    xpm_job *running = held(xp, folder, false, NULL);
    xpm_job *waiting = make(xp, xpm_new("retry.step", "n", 1));
    assert_true(xpm_job_hold(waiting));
    assert_int_equal(xpm_job_submit(waiting, &err), 0);
    assert_int_equal(xpm_experiment_cancel(xp), 1);
    assert_int_equal(xpm_experiment_drain(xp, -1), 0);
    assert_int_equal(xpm_job_reason(running), XPM_REASON_CANCELLED);
    assert_int_equal(xpm_experiment_counts(xp).started, 1);
    xpm_job_unref(running);
    xpm_job_unref(waiting);
    xpm_experiment_close(xp, true, NULL);
    folder_remove(folder);
}

TEST(a_job_that_waits_and_is_cancelled_takes_those_with_it_that_wait_for_it)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_error err = {0};
    xpm_config *first = xpm_new("retry.step", "n", 1);
    xpm_job *job = make(xp, first);
    assert_true(xpm_job_hold(job));
    assert_int_equal(xpm_job_submit(job, &err), 0);
    xpm_job *next = make(xp, xpm_new("retry.step", "n", 2, "before", xpm_list(first)));
    assert_int_equal(xpm_job_submit(next, &err), 0);
    assert_true(xpm_job_cancel(job));
    assert_int_equal(xpm_experiment_wait(xp, -1), 0);
    assert_int_equal(xpm_job_reason(job), XPM_REASON_CANCELLED);
    assert_int_equal(xpm_job_reason(next), XPM_REASON_DEPENDENCY);
    xpm_job_release(job, NULL); /* too late */
    xpm_job_unref(job);
    xpm_job_unref(next);
    xpm_experiment_close(xp, true, NULL);
    folder_remove(folder);
}

TEST(a_long_chain_of_transient_jobs_is_run_when_its_end_is_needed)
{
    enum { LENGTH = 20 };
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_error err = {0};
    xpm_config *last = NULL;
    for (int64_t n = 0; n <= LENGTH; n++) {
        last = last == NULL ? xpm_new("retry.step", "n", n)
                            : xpm_new("retry.step", "n", n, "before", xpm_list(last));
        xpm_job *job = make(xp, last);
        xpm_job_set_transient(job, n < LENGTH ? XPM_TRANSIENT_KEEP : XPM_TRANSIENT_NONE);
        assert_int_equal(xpm_job_submit(job, &err), 0);
        if (n == LENGTH - 1) {
            assert_int_equal(xpm_experiment_wait(xp, -1), 0);
            assert_int_equal(xpm_experiment_counts(xp).transient, LENGTH);
            assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_TRANSIENT);
        }
        xpm_job_unref(job);
    }
    assert_int_equal(xpm_experiment_wait(xp, -1), 0);
    assert_int_equal(xpm_experiment_counts(xp).done, LENGTH + 1);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return xpm_main(argc, argv, no_plan);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumable_task_is_retried_on_a_timeout_and_on_nothing_else),
        cmocka_unit_test(a_class_may_state_its_policy_and_a_job_another),
        cmocka_unit_test(
            a_resumable_task_that_has_used_up_its_attempts_is_left_alone_until_it_has_more),
        cmocka_unit_test(a_task_that_looks_whether_it_was_told_to_end_can_put_things_in_order),
        cmocka_unit_test(a_time_limit_tells_the_task_to_end),
        cmocka_unit_test(an_experiment_that_is_cancelled_ends_what_runs_and_starts_nothing),
        cmocka_unit_test(a_job_that_waits_and_is_cancelled_takes_those_with_it_that_wait_for_it),
        cmocka_unit_test(a_long_chain_of_transient_jobs_is_run_when_its_end_is_needed),
    };
    return RUN_TESTS(tests);
}
