/* How far a task is: what is kept of it, and when its status.json is written. */
#include <math.h>
#include <string.h>
#include <sys/wait.h>

#include "experiment.h"
#include "run/runner.h"

/* ---- A task that looks at its own status.json --------------------------------------------------- */

typedef struct {
    int64_t unused;
} loop;

static bool status_has(const char *text)
{
    char content[2048] = "";
    FILE *file = fopen(".experimaestro/status.json", "r");
    if (file == NULL)
        return false;
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    fclose(file);
    return strstr(content, text) != NULL;
}

/* Its exit status is the number of the first line that does not hold. */
static int loop_execute(loop *self, xpm_task *task)
{
    (void)self;
    if (status_has("progress"))
        return 1;
    xpm_task_progress(task, 0, 0.5, "epochs");
    if (!status_has("\"state\":\"running\"") ||
        !status_has("\"progress\":[{\"level\":0,\"progress\":0.5,\"desc\":\"epochs\"}]"))
        return 2;
    xpm_task_progress(task, 0, 0.509, "epochs");
    if (!status_has("\"progress\":0.5,"))
        return 3;
    xpm_task_progress(task, 0, 0.515, "epochs");
    if (!status_has("\"progress\":0.515,"))
        return 4;
    xpm_task_progress(task, 1, 0.1, NULL);
    if (!status_has("{\"level\":1,\"progress\":0.1,\"desc\":null}]"))
        return 5;
    xpm_task_progress(task, 0, 0.75, "a \"quoted\" text");
    if (!status_has("[{\"level\":0,\"progress\":0.75,\"desc\":\"a \\\"quoted\\\" text\"}]"))
        return 6;
    pid_t child = fork();
    if (child == 0) { /* a child does not speak for the job */
        xpm_task_progress(task, 0, 0.9, NULL);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return status_has("\"progress\":0.75,") ? 0 : 7;
}
XPM_TASK(loop, "progress.loop", loop_execute, XPM_INT(unused, XPM_IGNORE_DEFAULT(0)));

TEST(a_status_is_written_when_a_reader_would_see_another_figure)
{
    xpm_error err = {0};
    char *folder = folder_new(), status[PATH_MAX], content[2048] = "";
    xpm_experiment *xp = xpm_experiment_open(folder, "test", NULL, &err);
    xpm_job *job = xpm_job_new(xp, xpm_new("progress.loop"), &err);
    assert_int_equal(xpm_job_submit(job, &err), 0);
    assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_DONE);
    snprintf(status, sizeof status, "%s/.experimaestro/status.json", xpm_job_directory(job));
    FILE *file = fopen(status, "r");
    assert_non_null(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    fclose(file);
    assert_non_null(strstr(content, "\"state\":\"done\""));
    assert_non_null(strstr(content, "\"progress\":0.75,")); /* how far it came */
    xpm_job_unref(job);
    assert_int_equal(xpm_experiment_close(xp, false, &err), 0);
    folder_remove(folder);
}

/* ---- What is kept ------------------------------------------------------------------------------- */

TEST(a_loop_that_goes_on_ends_those_inside_it)
{
    xpm_task task = {0};
    xpm_task_progress(&task, 2, 0.25, "inner");
    assert_int_equal(task.levels, 3);
    assert_true(task.progress[0].value == 0 && task.progress[0].desc == NULL);
    assert_string_equal(task.progress[2].desc, "inner");
    xpm_task_progress(&task, 1, 0.5, "middle");
    assert_int_equal(task.levels, 2);
    xpm_task_progress(&task, 1, 0.5, "other");
    assert_string_equal(task.progress[1].desc, "other");
    xpm__progress_clear(&task);
    assert_int_equal(task.levels, 0);
}

TEST(a_value_is_brought_between_0_and_1_and_no_number_is_passed_over)
{
    xpm_task task = {0};
    xpm_task_progress(&task, 0, 7, NULL);
    assert_true(task.progress[0].value == 1);
    xpm_task_progress(&task, 0, -1, NULL);
    assert_true(task.progress[0].value == 0);
    xpm_task_progress(&task, 0, NAN, NULL);
    assert_true(task.progress[0].value == 0);
    xpm_task_progress(&task, XPM__LEVELS, 0.5, NULL);
    assert_int_equal(task.levels, 1);
    xpm__progress_clear(&task);
}

int main(int argc, char **argv)
{
    if (argc > 1) /* as the program of its own tasks */
        return xpm_main(argc, argv, no_plan);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_is_written_when_a_reader_would_see_another_figure),
        cmocka_unit_test(a_loop_that_goes_on_ends_those_inside_it),
        cmocka_unit_test(a_value_is_brought_between_0_and_1_and_no_number_is_passed_over),
    };
    return RUN_TESTS(tests);
}
