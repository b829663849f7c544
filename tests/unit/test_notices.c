/* What is told of an experiment, outputs that tasks announce, waits that are woken, and threads that
 * submit at once. This program is what runs its own tasks. */
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/str.h"
#include "experiment.h"
#include "record/outputs.h"

/* ---- Tasks ------------------------------------------------------------------------------------- */

typedef struct {
    int64_t value;
} part;
XPM_CONFIG(part, "notices.part", XPM_INT(value));

typedef struct {
    int64_t number;
    part *part;
    const char *fifo;
} act;

/* Announces as many outputs as its number, and waits for a writer, if there is to be one. */
static int act_execute(act *self, xpm_task *task)
{
    xpm_error err = {0};
    const xpm_value *held = xpm_config_get(xpm_task_config(task), "part");
    for (int64_t i = 1; i <= self->number; i++) {
        xpm_value arguments = xpm_list(i, "a text"), named = xpm_dict("step", (double)i / 2);
        int status =
            xpm_task_register_output(task, held->as.config, "made", &arguments, &named, &err);
        xpm_value_clear(&arguments);
        xpm_value_clear(&named);
        if (status < 0)
            return 1;
    }
    char byte;
    int fd = self->fifo != NULL ? open(self->fifo, O_RDONLY) : -1;
    return self->fifo == NULL || (fd >= 0 && read(fd, &byte, 1) == 1) ? 0 : 2;
}
XPM_RESUMABLE(act, "notices.act", act_execute, XPM_INT(number, XPM_DEFAULT(0)),
              XPM_OBJECT(part, "notices.part", .optional = true),
              XPM_STR(fifo, .optional = true, .flags = XPM_META));

typedef struct {
    part *made;
} use;
static int use_execute(use *self, xpm_task *task)
{
    (void)task;
    return self->made->value == 7 ? 0 : 1;
}
XPM_TASK(use, "notices.use", use_execute, XPM_OBJECT(made, "notices.part"));

/* ---- What the tests share ------------------------------------------------------------------------ */

static void close_experiment(xpm_experiment *xp)
{
    assert_int_equal(xpm_experiment_close(xp, false, NULL), 0);
}

static void assert_notice(xpm_experiment *xp, xpm_notice_kind kind, const xpm_job *job, int state)
{
    xpm_notice notice;
    assert_true(xpm_experiment_next(xp, &notice));
    assert_int_equal(notice.kind, kind);
    assert_ptr_equal(notice.job, job);
    assert_int_equal(notice.state, state);
    xpm_notice_clear(&notice);
}

/* ---- Notices ------------------------------------------------------------------------------------- */

TEST(who_listens_is_told_of_each_change_in_order)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job_unref(submit(xp, xpm_new("notices.act", "number", -1))); /* nobody listens yet */
    assert_int_equal(xpm_experiment_wait(xp, -1), 0);
    xpm_experiment_listen(xp);
    xpm_job *job = submit(xp, xpm_new("notices.act"));
    assert_notice(xp, XPM_NOTICE_SUBMITTED, job, XPM_JOB_UNSCHEDULED);
    assert_notice(xp, XPM_NOTICE_STATE, job, XPM_JOB_READY);
    assert_notice(xp, XPM_NOTICE_STATE, job, XPM_JOB_RUNNING);
    assert_notice(xp, XPM_NOTICE_STATE, job, XPM_JOB_DONE);
    xpm_job_tell(job);
    assert_notice(xp, XPM_NOTICE_STATE, job, XPM_JOB_DONE);
    xpm_job_tell(job);
    xpm_experiment_unlisten(xp);
    assert_notice(xp, XPM_NOTICE_STATE, job, XPM_JOB_DONE); /* what is left is told */
    xpm_notice notice;
    assert_false(xpm_experiment_next(xp, &notice));
    xpm_job_unref(job);
    close_experiment(xp);
    folder_remove(folder);
}

TEST(a_wait_of_any_length_waits)
{
    static const double lengths[] = {1e10, 1e300, INFINITY};
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    for (int i = 0; i < 3; i++) {
        xpm_job *job = submit(xp, xpm_new("notices.act", "number", -1 - i));
        assert_int_equal(xpm_experiment_wait(xp, lengths[i]), 0);
        xpm_job_unref(job);
    }
    close_experiment(xp);
    folder_remove(folder);
}

TEST(a_wait_waits_for_who_listens_but_not_for_itself)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_PREPARE);
    xpm_experiment_listen(xp);
    assert_int_equal(xpm_experiment_wait(xp, 0), 0);
    xpm_job *job = submit(xp, xpm_new("notices.act"));
    xpm_notice notice;
    assert_int_equal(xpm_experiment_wait(xp, 0), 1);
    assert_true(xpm_experiment_next(xp, &notice));
    assert_int_equal(xpm_experiment_wait(xp, -1), 0); /* it would wait for its own thread */
    xpm_notice_clear(&notice);
    assert_int_equal(xpm_experiment_wait(xp, -1), 0);
    xpm_job_tell(job);
    assert_int_equal(xpm_experiment_wait(xp, 0.01), 1);
    xpm_job_unref(job);
    close_experiment(xp); /* with what nobody was told */
    folder_remove(folder);
}

/* ---- Waiting ------------------------------------------------------------------------------------- */

TEST(a_wait_ends_when_there_is_something_to_read)
{
    char *folder = folder_new(), fifo[PATH_MAX];
    int ends[2];
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(pipe(ends), 0);
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *job = submit(xp, xpm_new("notices.act", "fifo", fifo));
    assert_int_equal(xpm_experiment_wait_or(xp, 0.01, ends[0]), 1);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(xpm_experiment_wait_or(xp, -1, ends[0]), 1);
    assert_int_not_equal(xpm_job_wait_or(job, -1, ends[0]), XPM_JOB_DONE);
    int writer = open(fifo, O_WRONLY);
    assert_int_equal(write(writer, "x", 1), 1);
    assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_DONE);
    assert_int_equal(xpm_job_wait_or(job, -1, ends[0]), XPM_JOB_DONE);
    assert_int_equal(xpm_experiment_wait_or(xp, -1, ends[0]), 0);
    close(writer);
    close(ends[0]);
    close(ends[1]);
    xpm_job_unref(job);
    close_experiment(xp);
    folder_remove(folder);
}

/* ---- Threads that submit ------------------------------------------------------------------------- */

typedef struct {
    xpm_experiment *xp;
    xpm_config *shared;
    int first, count;
} planner;

static void *plan_part(void *user)
{
    const planner *p = user;
    for (int i = p->first; i < p->first + p->count; i++)
        xpm_job_unref(submit(
            p->xp, xpm_tag(xpm_new("notices.act", "number", -i, "part", p->shared), "i", i)));
    return NULL;
}

/* Half of the tasks of the one are equal to tasks of the other, and all hold one configuration. */
static void submit_from_two_threads(xpm_run_mode mode, int count)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, mode);
    xpm_config *shared = xpm_config_ref(xpm_new("notices.part", "value", 1));
    xpm_job_unref(submit(xp, xpm_new("notices.act", "part", shared))); /* seals it */
    planner planners[] = {{xp, shared, 1, count}, {xp, shared, 1 + count / 2, count}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, plan_part, &planners[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(xpm_experiment_wait(xp, -1), 0);
    xpm_counts counts = xpm_experiment_counts(xp);
    assert_int_equal(counts.submitted, 1 + count + count / 2);
    assert_int_equal(counts.done, mode == XPM_NORMAL ? 1 + count + count / 2 : 0);
    close_experiment(xp);
    xpm_config_unref(shared);
    folder_remove(folder);
}

TEST(two_threads_plan_at_once)
{
    submit_from_two_threads(XPM_PREPARE, 400);
}

TEST(two_threads_submit_at_once)
{
    submit_from_two_threads(XPM_NORMAL, 12);
}

/* Submits a task for each that is done, up to a number. */
static void *go_on(void *user)
{
    xpm_experiment *xp = user;
    xpm_notice notice;
    for (int next = 1; xpm_experiment_next(xp, &notice); xpm_notice_clear(&notice))
        if (notice.kind == XPM_NOTICE_STATE && notice.state == XPM_JOB_DONE && next <= 8)
            xpm_job_unref(submit(xp, xpm_new("notices.act", "number", -next++)));
    return NULL;
}

TEST(what_a_listener_submits_is_waited_for)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    pthread_t thread;
    xpm_experiment_listen(xp);
    assert_int_equal(pthread_create(&thread, NULL, go_on, xp), 0);
    for (int i = 100; i < 104; i++)
        xpm_job_unref(submit(xp, xpm_new("notices.act", "number", -i)));
    assert_int_equal(xpm_experiment_wait(xp, -1), 0);
    assert_int_equal(xpm_experiment_counts(xp).done, 12);
    xpm_experiment_unlisten(xp);
    pthread_join(thread, NULL);
    close_experiment(xp);
    folder_remove(folder);
}

/* ---- Outputs ------------------------------------------------------------------------------------- */

/* The next output, whatever else is told before. */
static xpm_notice next_output(xpm_experiment *xp)
{
    xpm_notice notice;
    for (;;) {
        assert_true(xpm_experiment_next(xp, &notice));
        if (notice.kind == XPM_NOTICE_OUTPUT)
            return notice;
        xpm_notice_clear(&notice);
    }
}

static void assert_output(xpm_experiment *xp, unsigned watch, xpm_config *config, int number)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    char hex[XPM_HEX_SIZE];
    xpm_notice notice = next_output(xp);
    assert_int_equal(xpm_config_identifier(config, identifier, NULL), 0);
    xpm_identifier_hex(identifier, hex);
    assert_int_equal(notice.watch, watch);
    assert_string_equal(notice.config, hex);
    assert_string_equal(notice.method, "made");
    assert_int_equal(notice.arguments.size, 2);
    assert_int_equal(notice.arguments.as.items[0].as.integer, number);
    assert_string_equal(notice.arguments.as.items[1].as.text, "a text");
    assert_int_equal(notice.named.size, 1);
    assert_string_equal(notice.named.as.items[0].as.text, "step");
    assert_true(notice.named.as.items[1].as.real == number / 2.);
    xpm_notice_clear(&notice);
}

/* What is made of an output is used while its task runs. */
TEST(outputs_are_told_while_the_task_runs_and_are_not_waited_for)
{
    char *folder = folder_new(), fifo[PATH_MAX];
    xpm_error err = {0};
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_config *piece = xpm_config_ref(xpm_new("notices.part", "value", 1));
    xpm_config *task = xpm_new("notices.act", "number", 2, "part", piece, "fifo", fifo);
    xpm_experiment_listen(xp);
    xpm_job *job = submit(xp, task);
    unsigned watch = xpm_job_watch_outputs(job, &err);
    assert_output(xp, watch, piece, 1);
    assert_output(xp, watch, piece, 2);
    xpm_config *made = xpm_new("notices.part", "value", 7);
    assert_int_equal(xpm_config_set_task_soft(made, task, &err), 0);
    xpm_job *used = submit(xp, xpm_new("notices.use", "made", made));
    assert_int_equal(xpm_job_wait(used, -1), XPM_JOB_DONE);
    assert_int_equal(xpm_job_state_now(job), XPM_JOB_RUNNING);
    assert_int_equal(xpm_job_watch_outputs(used, &err), 0);
    assert_error(&err, XPM_E_TYPE, "notices.use is no resumable task");
    int writer = open(fifo, O_WRONLY);
    assert_int_equal(write(writer, "x", 1), 1);
    assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_DONE);
    close(writer);
    char events[64];
    snprintf(events, sizeof events, "\"depends_on\":[\"%.40s", xpm_job_identifier(job));
    assert_true(file_holds(path_of("%s/.events/experiments/test-0.jsonl", folder), events));
    xpm_job_unref(used);
    xpm_job_unref(job);
    close_experiment(xp);
    xpm_config_unref(piece);
    folder_remove(folder);
}

TEST(each_watch_is_told_of_all_outputs_also_of_a_task_that_was_done)
{
    char *folder = folder_new();
    for (int run = 0; run < 2; run++) {
        xpm_experiment *xp = open_in(folder, XPM_NORMAL);
        xpm_config *piece = xpm_config_ref(xpm_new("notices.part", "value", 1));
        xpm_job *job = submit(xp, xpm_new("notices.act", "number", 2, "part", piece));
        xpm_experiment_listen(xp);
        assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_DONE);
        for (unsigned watch = 1; watch <= 2; watch++) {
            assert_int_equal(xpm_job_watch_outputs(job, NULL), watch);
            assert_int_equal(xpm_experiment_wait(xp, 0), 1); /* they are told before the end */
            assert_output(xp, watch, piece, 1);
            assert_output(xp, watch, piece, 2);
        }
        assert_int_equal(xpm_experiment_counts(xp).started, 1 - run);
        xpm_job_unref(job);
        close_experiment(xp);
        xpm_config_unref(piece);
    }
    folder_remove(folder);
}

TEST(a_task_that_was_used_already_stays_a_dependency)
{
    xpm_error err = {0};
    xpm_config *task = xpm_config_ref(xpm_new("notices.act"));
    xpm_config *other = xpm_config_ref(xpm_new("notices.act", "number", 1));
    xpm_config *made = xpm_config_ref(xpm_new("notices.part", "value", 7));
    assert_int_equal(xpm_config_set_task_soft(made, task, &err), 0);
    assert_int_equal(xpm_config_set_task_soft(made, task, &err), 0);
    assert_int_equal(xpm_config_set_task_soft(task, task, &err), 0);
    assert_ptr_equal(xpm_config_task(made), task);
    assert_int_equal(xpm_config_set_task_soft(made, other, &err), -1);
    assert_error(&err, XPM_E_STATE, "an output of notices.act already");
    xpm_config_unref(made);
    xpm_config_unref(other);
    xpm_config_unref(task);
}

/* ---- The file ------------------------------------------------------------------------------------ */

static void assert_read(const char *folder, size_t *offset, const char *text)
{
    xpm__str lines = {0};
    assert_int_equal(xpm__outputs_read(folder, offset, &lines), 0);
    assert_string_equal(lines.size > 0 ? lines.data : "", text);
    xpm__str_free(&lines);
}

TEST(only_whole_lines_are_read_and_a_torn_one_is_ended)
{
    char *folder = folder_new();
    const char *file = path_of("%s/%s", folder, XPM__OUTPUTS_FILE);
    xpm_error err = {0};
    size_t offset = 0;
    assert_read(folder, &offset, "");
    assert_int_equal(xpm__outputs_make(folder), 0);
    assert_read(folder, &offset, "");
    file_put(file, "one\ntw");
    assert_read(folder, &offset, "one\n");
    assert_read(folder, &offset, "");
    assert_int_equal(xpm__outputs_append(folder, "ab", "made", NULL, NULL, &err), 0);
    assert_read(folder, &offset, "tw\n{\"key\":\"ab/made\",\"args\":[],\"kwargs\":{}}\n");
    assert_int_equal(xpm__outputs_append(folder, "ab", "made", NULL, NULL, &err), 0);
    assert_read(folder, &offset, "{\"key\":\"ab/made\",\"args\":[],\"kwargs\":{}}\n");
    folder_remove(folder);
}

TEST(what_is_no_output_is_passed_over)
{
    static const char *const lines[] = {
        "",
        "noise",
        "[]",
        "{}",
        "{\"key\":\"made\"}",
        "{\"key\":1}",
        "{\"key\":\"ab/made\",\"args\":{}}",
        "{\"key\":\"ab/made\",\"args\":[1],\"kwargs\":[2]}",
        "{\"key\":\"ab/made\",\"args\":[]",
    };
    xpm_notice notice = {0};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_false(xpm__outputs_parse(lines[i], strlen(lines[i]), &notice));
    assert_true(xpm__outputs_parse("{\"key\":\"ab/made\"}", 17, &notice));
    assert_string_equal(notice.config, "ab");
    assert_string_equal(notice.method, "made");
    xpm_notice_clear(&notice);
}

TEST(arguments_are_plain_json)
{
    char *folder = folder_new();
    xpm_error err = {0};
    xpm_value nested = xpm_list(1, xpm_dict("a", xpm_list(2, xpm_set(3))));
    assert_int_equal(xpm__outputs_append(folder, "ab", "made", &nested, NULL, &err), -1);
    assert_error(&err, XPM_E_TYPE, "plain JSON");
    assert_string_equal(err.path, "$[1].a[1]");
    xpm_value keys = xpm_dict(1, 2);
    assert_int_equal(xpm__outputs_append(folder, "ab", "made", NULL, &keys, &err), -1);
    assert_string_equal(err.path, "$");
    assert_int_equal(xpm__outputs_append("/nowhere", "ab", "made", NULL, NULL, &err), -1);
    assert_error(&err, XPM_E_IO, "task-outputs.jsonl");
    assert_false(file_is_there(path_of("%s/%s", folder, XPM__OUTPUTS_FILE)));
    xpm_value_clear(&nested);
    xpm_value_clear(&keys);
    folder_remove(folder);
}

int main(int argc, char **argv)
{
    if (argc > 1) /* as the program of its own tasks */
        return xpm_main(argc, argv, no_plan);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_listens_is_told_of_each_change_in_order),
        cmocka_unit_test(a_wait_of_any_length_waits),
        cmocka_unit_test(a_wait_waits_for_who_listens_but_not_for_itself),
        cmocka_unit_test(a_wait_ends_when_there_is_something_to_read),
        cmocka_unit_test(two_threads_plan_at_once),
        cmocka_unit_test(two_threads_submit_at_once),
        cmocka_unit_test(what_a_listener_submits_is_waited_for),
        cmocka_unit_test(outputs_are_told_while_the_task_runs_and_are_not_waited_for),
        cmocka_unit_test(each_watch_is_told_of_all_outputs_also_of_a_task_that_was_done),
        cmocka_unit_test(a_task_that_was_used_already_stays_a_dependency),
        cmocka_unit_test(only_whole_lines_are_read_and_a_torn_one_is_ended),
        cmocka_unit_test(what_is_no_output_is_passed_over),
        cmocka_unit_test(arguments_are_plain_json),
    };
    return RUN_TESTS(tests);
}
