/* What a task records: the lines, and what is refused. */
#include <string.h>
#include <unistd.h>

#include "experiment.h"
#include "run/runner.h"

enum { LINES = 10000 };

typedef struct {
    int64_t unused;
} course;

static int course_execute(course *self, xpm_task *task)
{
    xpm_error err = {0};
    (void)self;
    if (xpm_task_record(task, xpm_dict("list", xpm_list_new()), &err) == 0 ||
        strstr(err.message, "the figure list must be a number") == NULL)
        return 1;
    if (xpm_task_record(task, xpm_dict(3, 4), &err) == 0 ||
        access(".experimaestro/figures.jsonl", F_OK) == 0)
        return 2;
    for (int i = 0; i < LINES; i++)
        if (xpm_task_record(task, xpm_dict("step", i, "loss", 1.0 / (i + 1), "of", "a"), &err) < 0)
            return 3;
    return 0;
}
XPM_TASK(course, "figures.course", course_execute, XPM_INT(unused, XPM_IGNORE_DEFAULT(0)));

TEST(each_call_is_a_line_and_what_is_no_scalar_is_refused)
{
    xpm_error err = {0};
    char *folder = folder_new(), path[PATH_MAX], line[256], wanted[256];
    xpm_experiment *xp = xpm_experiment_open(folder, "test", NULL, &err);
    xpm_job *job = xpm_job_new(xp, xpm_new("figures.course"), &err);
    int count = 0;
    assert_int_equal(xpm_job_submit(job, &err), 0);
    assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_DONE);
    snprintf(path, sizeof path, "%s/.experimaestro/figures.jsonl", xpm_job_directory(job));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (; fgets(line, sizeof line, file) != NULL; count++) {
        snprintf(wanted, sizeof wanted, "\"figures\":{\"step\":%d,\"loss\":", count);
        assert_non_null(strstr(line, wanted));
        assert_non_null(strstr(line, ",\"of\":\"a\"}}\n"));
    }
    fclose(file);
    assert_int_equal(count, LINES);
    xpm_job_unref(job);
    assert_int_equal(xpm_experiment_close(xp, false, &err), 0);
    folder_remove(folder);
}

TEST(what_is_no_job_records_nothing)
{
    xpm_error err = {0};
    assert_int_equal(xpm_task_record(NULL, xpm_dict("step", 1), &err), 0);
    assert_int_equal(xpm_task_record(NULL, xpm_dict("step", xpm_set_new()), &err), -1);
    assert_int_equal(err.code, XPM_E_TYPE);
}

int main(int argc, char **argv)
{
    if (argc > 1) /* as the program of its own tasks */
        return xpm_main(argc, argv, no_plan);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_is_a_line_and_what_is_no_scalar_is_refused),
        cmocka_unit_test(what_is_no_job_records_nothing),
    };
    return RUN_TESTS(tests);
}
