/* Real experiments, with processes: this program is what runs its own tasks. */
#include <errno.h>
#include <signal.h>
#include <sys/file.h>

#include "experiment.h"

/* ---- Tasks ------------------------------------------------------------------------------------- */

typedef struct {
    int64_t code, kill;
    const char *variable;
    xpm_objects after;
    const char *out;
} act;

/* Writes the value of a variable, then dies, fails or succeeds as it is told. */
static int act_execute(act *self, xpm_task *task)
{
    const char *value = self->variable != NULL ? getenv(self->variable) : NULL;
    FILE *out = fopen(self->out, "w");
    char cwd[PATH_MAX];
    if (out == NULL || getcwd(cwd, sizeof cwd) == NULL)
        return 1;
    fprintf(out, "%s %d %d", value != NULL ? value : "none", getsid(0) == getpid(),
            strcmp(cwd, xpm_task_directory(task)) == 0);
    fclose(out);
    if (self->kill > 0)
        raise((int)self->kill);
    return (int)self->code;
}
XPM_TASK(act, "run.act", act_execute, XPM_INT(code, XPM_IGNORE_DEFAULT(0)),
         XPM_INT(kill, XPM_IGNORE_DEFAULT(0)), XPM_STR(variable, .optional = true),
         XPM_OBJECTS(after, "run.act", .optional = true), XPM_FILE(out, "out.txt"));

/* ---- What the tests share ------------------------------------------------------------------------ */

static void assert_job(xpm_job *job, xpm_job_state state, xpm_reason reason)
{
    assert_int_equal(xpm_job_wait(job, -1), state);
    assert_int_equal(xpm_job_reason(job), reason);
    xpm_job_unref(job);
}

static void assert_file(const char *path, const char *text)
{
    char content[256] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(content, 1, sizeof content - 1, file);
    content[size] = '\0';
    fclose(file);
    assert_string_equal(content, text);
}

/* ---- Tests ------------------------------------------------------------------------------------- */

TEST(a_job_has_its_own_session_its_folder_and_its_environment)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_error err = {0};
    xpm_experiment_setenv(xp, "RUN_TEST", "of the experiment");
    xpm_job *job = xpm_job_new(xp, xpm_new("run.act", "variable", "RUN_TEST"), &err);
    assert_string_equal(xpm_job_getenv(job, "RUN_TEST"), "of the experiment");
    xpm_job_setenv(job, "RUN_TEST", "of the job");
    assert_string_equal(xpm_job_getenv(job, "RUN_TEST"), "of the job");
    assert_string_equal(xpm_job_variable(job, 0), "RUN_TEST=of the job");
    assert_string_equal(xpm_job_variable(job, 1), "RUN_TEST=of the experiment");
    assert_null(xpm_job_variable(job, 2));
    assert_int_equal(xpm_job_submit(job, &err), 0);
    assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_DONE);
    assert_file(path_of("%s/out.txt", xpm_job_directory(job)), "of the job 1 1");
    xpm_job_unref(job);
    xpm_job *other = submit(xp, xpm_new("run.act", "variable", "RUN_TEST", "code", 0.0));
    assert_job(other, XPM_JOB_DONE, XPM_REASON_NONE); /* equal: the same job, not run again */
    assert_int_equal(xpm_experiment_counts(xp).started, 1);
    assert_int_equal(xpm_experiment_close(xp, false, &err), 0);
    folder_remove(folder);
}

TEST(a_failure_has_its_reason_and_what_depends_on_it_is_not_started)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_config *failing = xpm_new("run.act", "code", 3);
    xpm_job *failed = submit(xp, failing);
    xpm_job *killed = submit(xp, xpm_new("run.act", "kill", SIGKILL));
    xpm_job *after = submit(xp, xpm_new("run.act", "after", xpm_list(failing)));
    xpm_job *cancelled = submit(xp, xpm_new("run.act", "kill", SIGTERM));
    assert_job(failed, XPM_JOB_ERROR, XPM_REASON_FAILED);
    assert_job(killed, XPM_JOB_ERROR, XPM_REASON_FAILED);
    assert_job(cancelled, XPM_JOB_ERROR, XPM_REASON_CANCELLED);
    assert_false(file_is_there(xpm_job_directory(after)));
    assert_job(after, XPM_JOB_ERROR, XPM_REASON_DEPENDENCY);
    assert_int_equal(xpm_experiment_wait(xp, -1), 0);
    assert_int_equal(xpm_experiment_counts(xp).failed, 4);
    xpm_experiment_close(xp, true, NULL);
    folder_remove(folder);
}

TEST(a_finished_job_is_not_run_again_and_a_failed_one_is)
{
    char *folder = folder_new();
    for (size_t run = 0; run < 2; run++) {
        xpm_experiment *xp = open_in(folder, XPM_NORMAL);
        xpm_job *done = submit(xp, xpm_new("run.act"));
        xpm_job *failed = submit(xp, xpm_new("run.act", "code", 1));
        assert_int_equal(xpm_experiment_wait(xp, -1), 0);
        assert_int_equal(xpm_experiment_counts(xp).started, run == 0 ? 2 : 1);
        assert_job(done, XPM_JOB_DONE, XPM_REASON_NONE);
        assert_job(failed, XPM_JOB_ERROR, XPM_REASON_FAILED);
        xpm_experiment_close(xp, false, NULL);
    }
    folder_remove(folder);
}

TEST(a_failed_job_submitted_again_in_the_same_run_is_run_again)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *first = submit(xp, xpm_new("run.act", "code", 1));
    assert_int_equal(xpm_job_wait(first, -1), XPM_JOB_ERROR);
    xpm_job *second = submit(xp, xpm_new("run.act", "code", 1));
    assert_ptr_equal(first, second);
    assert_int_equal(xpm_job_wait(second, -1), XPM_JOB_ERROR);
    assert_int_equal(xpm_experiment_counts(xp).started, 2);
    xpm_job_unref(first);
    xpm_job_unref(second);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

TEST(a_failed_job_submitted_again_gets_the_environment_of_then)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    for (int i = 0; i < 2; i++) {
        xpm_experiment_setenv(xp, "RUN_AGAIN", i == 0 ? "first" : "second");
        xpm_job *job = submit(xp, xpm_new("run.act", "code", 1, "variable", "RUN_AGAIN"));
        assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_ERROR);
        assert_file(path_of("%s/out.txt", xpm_job_directory(job)),
                    i == 0 ? "first 1 1" : "second 1 1");
        xpm_job_unref(job);
    }
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

static xpm_job *prepare(xpm_experiment *xp, int64_t code, int holds)
{
    xpm_error err = {0};
    xpm_job *job = xpm_job_new(xp, xpm_new("run.act", "code", code), &err);
    for (int i = 0; i < holds; i++)
        assert_true(xpm_job_hold(job));
    assert_int_equal(xpm_job_submit(job, &err), 0);
    assert_false(xpm_job_hold(job)); /* too late */
    return job;
}

TEST(a_job_that_is_held_back_starts_when_it_was_released_as_often)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *job = prepare(xp, 0, 2);
    xpm_job_release(job, NULL);
    assert_int_equal(xpm_job_wait(job, 0.1), XPM_JOB_WAITING);
    xpm_job_release(job, NULL);
    xpm_job_release(job, "once too often: nothing happens");
    assert_job(job, XPM_JOB_DONE, XPM_REASON_NONE);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

TEST(a_job_that_cannot_be_prepared_fails_with_what_depends_on_it_and_may_be_tried_again)
{
    char *folder = folder_new();
    xpm_error err = {0};
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_config *task = xpm_new("run.act", "code", 0);
    xpm_job *job = xpm_job_new(xp, task, &err);
    xpm_job_hold(job);
    xpm_job_hold(job);
    xpm_job_release(job, "no network"); /* before it is submitted */
    assert_int_equal(xpm_job_submit(job, &err), 0);
    xpm_job *after = submit(xp, xpm_new("run.act", "after", xpm_list(task)));
    xpm_job_release(job, NULL);
    assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_ERROR);
    assert_file(path_of("%s/act.failed", xpm_job_directory(job)),
                "{\"code\":1,\"reason\":\"failed\",\"message\":\"no network\"}");
    assert_job(after, XPM_JOB_ERROR, XPM_REASON_DEPENDENCY);
    assert_true(xpm_job_hold(job));
    assert_int_equal(xpm_job_submit(job, &err), 0);
    xpm_job_release(job, NULL);
    assert_job(job, XPM_JOB_DONE, XPM_REASON_NONE);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

TEST(an_experiment_is_closed_with_jobs_that_are_held_back)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *job = prepare(xp, 0, 1), *released = prepare(xp, 3, 1);
    xpm_experiment_stop(xp);
    xpm_job_release(released, NULL);
    assert_true(xpm_job_wait(job, -1) <= XPM_JOB_WAITING); /* it will not start */
    xpm_experiment_close(xp, true, NULL);
    xpm_job_release(job, NULL);
    xpm_job_unref(job);
    xpm_job_unref(released);
    folder_remove(folder);
}

TEST(a_dependency_that_is_given_is_waited_for_and_does_not_count)
{
    char *folder = folder_new();
    xpm_error err = {0};
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_config *failing = xpm_new("run.act", "code", 1);
    xpm_config *task = xpm_config_ref(xpm_new("run.act", "code", 0));
    uint8_t before[XPM_IDENTIFIER_SIZE], after[XPM_IDENTIFIER_SIZE];
    xpm_config_identifier(task, before, &err);
    assert_int_equal(xpm_config_add_dependency(task, failing, &err), -1);
    assert_error(&err, XPM_E_STATE, "nothing to wait for");
    xpm_job *first = submit(xp, failing);
    assert_int_equal(xpm_config_add_dependency(task, failing, &err), 0);
    assert_ptr_equal(xpm_config_dependency(task, 0), failing);
    assert_null(xpm_config_dependency(task, 1));
    xpm_config_identifier(task, after, &err);
    assert_memory_equal(before, after, sizeof before);
    xpm_job *job = submit(xp, task);
    assert_job(job, XPM_JOB_ERROR, XPM_REASON_DEPENDENCY);
    assert_int_equal(xpm_config_add_dependency(task, failing, &err), -1);
    assert_error(&err, XPM_E_STATE, "cannot change");
    xpm_job_unref(first);
    xpm_config_unref(task);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

TEST(a_task_that_is_withdrawn_can_be_submitted_again)
{
    char *folder = folder_new();
    xpm_error err = {0};
    xpm_experiment *xp = open_in(folder, XPM_DRY_RUN);
    xpm_config *task = xpm_config_ref(xpm_new("run.act"));
    xpm_job *job = xpm_job_new(xp, task, &err);
    xpm_job_withdraw(job, task);
    assert_null(xpm_config_task(task));
    assert_int_equal(xpm_experiment_counts(xp).submitted, 0);
    xpm_job_unref(job);
    job = submit(xp, task);
    xpm_job_withdraw(job, task); /* too late */
    assert_ptr_equal(xpm_config_task(task), task);
    assert_int_equal(xpm_experiment_counts(xp).submitted, 1);
    xpm_job_unref(job);
    xpm_config_unref(task);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

TEST(a_task_is_submitted_once)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_DRY_RUN);
    xpm_config *task = xpm_config_ref(xpm_new("run.act"));
    xpm_error err = {0};
    assert_ptr_equal(xpm_submit(xp, task, &err), task);
    assert_null(xpm_submit(xp, task, &err));
    assert_error(&err, XPM_E_STATE, "was already submitted");
    xpm_config_unref(task);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

TEST(an_equal_task_lives_as_long_as_the_experiment)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_DRY_RUN);
    xpm_error err = {0};
    xpm_config *first = xpm_submit(xp, xpm_new("run.act"), &err);
    xpm_config *second = xpm_submit(xp, xpm_new("run.act"), &err);
    assert_ptr_not_equal(first, second);
    assert_string_equal(xpm_text(second, "out"), xpm_text(first, "out"));
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

TEST(a_dry_run_writes_nothing_and_generate_only_starts_nothing)
{
    char *folder = folder_new();
    const char *workspace = path_of("%s/workspace", folder);
    xpm_experiment *dry = open_in(workspace, XPM_DRY_RUN);
    xpm_job_unref(submit(dry, xpm_new("run.act")));
    xpm_experiment_close(dry, false, NULL);
    assert_false(file_is_there(workspace));
    xpm_experiment *generate = open_in(workspace, XPM_GENERATE_ONLY);
    xpm_job *job = submit(generate, xpm_new("run.act"));
    assert_true(file_is_there(path_of("%s/params.json", xpm_job_directory(job))));
    assert_false(file_is_there(path_of("%s/act.out", xpm_job_directory(job))));
    xpm_job_unref(job);
    xpm_experiment_close(generate, false, NULL);
    folder_remove(folder);
}

TEST(a_chain_and_a_fan_run_in_order)
{
    enum { LENGTH = 30 };
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_error err = {0};
    xpm_value all = xpm_list_new();
    xpm_config *last = xpm_submit(xp, xpm_new("run.act", "variable", "first"), &err);
    for (int i = 0; i < LENGTH; i++) {
        last = xpm_submit(xp, xpm_new("run.act", "after", xpm_list(last)), &err);
        assert_non_null(last);
        xpm_list_append(&all, xpm_object(last));
    }
    assert_non_null(xpm_submit(xp, xpm_new("run.act", "after", all), &err));
    assert_int_equal(xpm_experiment_wait(xp, -1), 0);
    assert_int_equal(xpm_experiment_counts(xp).done, LENGTH + 2);
    assert_int_equal(xpm_experiment_close(xp, false, &err), 0);
    folder_remove(folder);
}

TEST(a_stopped_experiment_starts_no_further_job)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_error err = {0};
    xpm_experiment_stop(xp);
    xpm_submit(xp, xpm_new("run.act"), &err);
    assert_int_equal(xpm_experiment_wait(xp, -1), 1);
    assert_int_equal(xpm_experiment_counts(xp).started, 0);
    xpm_experiment_close(xp, true, NULL);
    folder_remove(folder);
}

TEST(a_workspace_that_is_a_file_is_an_error_that_names_it)
{
    char *folder = folder_new();
    const char *file = path_of("%s/file", folder);
    xpm_error err = {0};
    fclose(fopen(file, "w"));
    assert_null(xpm_experiment_open(file, "test", NULL, &err));
    assert_error(&err, XPM_E_IO, "is a file, and a folder is needed there");
    assert_string_equal(err.path, file);
    folder_remove(folder);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return xpm_main(argc, argv, no_plan);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_has_its_own_session_its_folder_and_its_environment),
        cmocka_unit_test(a_failure_has_its_reason_and_what_depends_on_it_is_not_started),
        cmocka_unit_test(a_finished_job_is_not_run_again_and_a_failed_one_is),
        cmocka_unit_test(a_failed_job_submitted_again_in_the_same_run_is_run_again),
        cmocka_unit_test(a_failed_job_submitted_again_gets_the_environment_of_then),
        cmocka_unit_test(a_job_that_is_held_back_starts_when_it_was_released_as_often),
        cmocka_unit_test(
            a_job_that_cannot_be_prepared_fails_with_what_depends_on_it_and_may_be_tried_again),
        cmocka_unit_test(an_experiment_is_closed_with_jobs_that_are_held_back),
        cmocka_unit_test(a_dependency_that_is_given_is_waited_for_and_does_not_count),
        cmocka_unit_test(a_task_that_is_withdrawn_can_be_submitted_again),
        cmocka_unit_test(a_task_is_submitted_once),
        cmocka_unit_test(an_equal_task_lives_as_long_as_the_experiment),
        cmocka_unit_test(a_dry_run_writes_nothing_and_generate_only_starts_nothing),
        cmocka_unit_test(a_chain_and_a_fan_run_in_order),
        cmocka_unit_test(a_stopped_experiment_starts_no_further_job),
        cmocka_unit_test(a_workspace_that_is_a_file_is_an_error_that_names_it),
    };
    return RUN_TESTS(tests);
}
