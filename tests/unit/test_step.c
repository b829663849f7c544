/* What Slurm starts, without Slurm: the list of a batch, its elements, and several processes of one
 * job. This program is what runs its own tasks. */
#include <sys/wait.h>

#include "experiment.h"

#include "record/array.h"

/* ---- Tasks ------------------------------------------------------------------------------------- */

typedef struct {
    int64_t n;
    const char *out;
} say;

/* Says on its streams, and in its file, what it finds. */
static int say_execute(say *self, xpm_task *task)
{
    (void)task;
    FILE *out = fopen(self->out, "a");
    const char *mine = getenv("STEP_MINE"), *rank = getenv("RANK"), *place = getenv("PMIX_RANK");
    printf("out %d\nplace %s\n", (int)self->n, place != NULL ? place : "none");
    fprintf(stderr, "err %d\n", (int)self->n);
    if (out == NULL)
        return 1;
    fprintf(out, "%s %s;", mine != NULL ? mine : "none", rank != NULL ? rank : "none");
    return fclose(out) == 0 ? 0 : 1;
}
XPM_TASK(say, "step.say", say_execute, XPM_INT(n), XPM_FILE(out, "said"));

/* ---- What the tests share ------------------------------------------------------------------------ */

enum { JOBS = 3 };

/* A workspace with jobs that were made, and not started. */
typedef struct world {
    char *folder, list[PATH_MAX];
    xpm_job *jobs[JOBS];
    xpm_experiment *xp;
} world;

static world world_new(void)
{
    world w = {.folder = folder_new()};
    w.xp = open_in(w.folder, XPM_GENERATE_ONLY);
    for (int i = 0; i < JOBS; i++)
        w.jobs[i] = submit(w.xp, xpm_new("step.say", "n", i));
    return w;
}

static void world_free(world *w)
{
    for (int i = 0; i < JOBS; i++)
        xpm_job_unref(w->jobs[i]);
    xpm_experiment_close(w->xp, false, NULL);
    folder_remove(w->folder);
}

static const char *in_job(const world *w, int index, const char *file)
{
    return path_of("%s/%s", xpm_job_directory(w->jobs[index]), file);
}

static const char *const none[] = {NULL};

/* Writes the list of the first jobs; its path, in the world. */
static const char *list_jobs(world *w, int count, bool ranks, const char *const *needs)
{
    xpm__str list = {0};
    const char *path = w->list;
    snprintf(w->list, sizeof w->list, "%s/t.array", w->folder);
    const char *variables[] = {"STEP_MINE=its own", NULL};
    xpm__array_begin(&list, "t", ranks);
    for (int i = 0; i < count; i++)
        xpm__array_add(&list, &(xpm__element){.directory = xpm_job_directory(w->jobs[i]),
                                              .variables = variables,
                                              .needs = needs});
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(list.data, 1, list.size, file), list.size);
    assert_int_equal(fclose(file), 0);
    xpm__str_free(&list);
    return path;
}

/* Runs `job ARGUMENT` in a process of its own, with variables (NAME, VALUE, ..., NULL) set. Its exit
 * status. */
static int run_job(const char *argument, const char *const *variables)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (; *variables != NULL; variables += 2)
            setenv(variables[0], variables[1], 1);
        execl("/proc/self/exe", "test_step", "job", argument, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}
#define RUN_JOB(argument, ...) run_job(argument, (const char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

/* ---- The list ------------------------------------------------------------------------------------ */

TEST(an_element_is_found_by_its_number_and_the_only_one_by_any)
{
    xpm__str list = {0};
    xpm__array_part part;
    xpm_error err = {0};
    const char *variables[] = {"A=1=2", "B=\n", NULL}, *needs[] = {"/other", NULL};
    xpm__array_begin(&list, "token", true);
    xpm__array_add(&list, &(xpm__element){"/first", NULL, none, none});
    assert_int_equal(xpm__array_find(&list, 7, &part, &err), 0);
    assert_string_equal(part.element.directory, "/first");
    xpm__array_part_clear(&part);
    xpm__array_add(&list, &(xpm__element){"/second", "1 2 3", variables, needs});
    assert_int_equal(xpm__array_find(&list, 1, &part, &err), 0);
    assert_string_equal(part.token, "token");
    assert_true(part.ranks);
    assert_string_equal(part.element.directory, "/second");
    assert_string_equal(part.element.start, "1 2 3");
    assert_string_equal(part.element.variables[0], "A=1=2");
    assert_string_equal(part.element.variables[1], "B=\n");
    assert_null(part.element.variables[2]);
    assert_string_equal(part.element.needs[0], "/other");
    assert_null(part.element.needs[1]);
    xpm__array_part_clear(&part);
    assert_int_equal(xpm__array_find(&list, 2, &part, &err), -1);
    assert_error(&err, XPM_E_RANGE, "no number 2");
    xpm__str_cut(&list, list.size - 1);
    assert_int_equal(xpm__array_find(&list, 1, &part, &err), -1);
    assert_error(&err, XPM_E_SYNTAX, "was cut");
    xpm__str_cut(&list, 3);
    assert_int_equal(xpm__array_find(&list, 0, &part, &err), -1);
    assert_error(&err, XPM_E_SYNTAX, "no list");
    xpm__str_free(&list);
}

/* ---- Elements ------------------------------------------------------------------------------------ */

TEST(an_element_runs_its_own_job_with_its_streams_and_variables)
{
    world w = world_new();
    const char *list = list_jobs(&w, 3, false, none);
    assert_int_equal(RUN_JOB(list, "SLURM_ARRAY_TASK_ID", "1", "STEP_MINE", "inherited"), 0);
    assert_true(file_holds(in_job(&w, 1, "say.out"), "out 1"));
    assert_true(file_holds(in_job(&w, 1, "say.err"), "err 1"));
    assert_true(file_holds(in_job(&w, 1, "said"), "its own none;"));
    assert_true(file_is_there(in_job(&w, 1, "say.done")));
    assert_false(file_is_there(in_job(&w, 0, "say.done")));
    assert_false(file_is_there(in_job(&w, 2, "say.out")));
    assert_int_equal(RUN_JOB(list, "SLURM_ARRAY_TASK_ID", "1"), 0); /* Slurm starts it again */
    assert_true(file_holds(in_job(&w, 1, "said"), "its own none;"));
    assert_int_equal(file_counts(in_job(&w, 1, "said"), ";"), 1);
    assert_int_equal(RUN_JOB(list, "SLURM_ARRAY_TASK_ID", "3"), 1);
    world_free(&w);
}

TEST(an_element_with_a_dependency_that_is_not_done_fails_with_that_reason)
{
    world w = world_new();
    const char *needs[] = {xpm_job_directory(w.jobs[1]), NULL};
    const char *list = list_jobs(&w, 1, false, needs);
    assert_int_equal(RUN_JOB(list), 1);
    assert_true(file_holds(in_job(&w, 0, "say.failed"), "\"reason\":\"dependency\""));
    assert_false(file_is_there(in_job(&w, 0, "said")));
    assert_int_equal(RUN_JOB(in_job(&w, 1, "params.json")), 0);
    assert_int_equal(RUN_JOB(list), 0);
    assert_true(file_is_there(in_job(&w, 0, "say.done")));
    world_free(&w);
}

/* ---- Ranks --------------------------------------------------------------------------------------- */

TEST(a_process_above_rank_0_executes_and_leaves_no_mark)
{
    static const char *const names[] = {"SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "RANK",
                                        "LOCAL_RANK"};
    world w = world_new();
    char params[PATH_MAX];
    snprintf(params, sizeof params, "%s", in_job(&w, 0, "params.json"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(RUN_JOB(params, names[i], "1"), 0);
        assert_int_equal(file_counts(in_job(&w, 0, "said"), ";"), i + 1);
    }
    static const char *const marks[] = {"say.done", "say.failed", "say.pid", "say.lock",
                                        ".experimaestro/status.json"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        assert_false(file_is_there(in_job(&w, 0, marks[i])));
    assert_int_equal(RUN_JOB(params, "RANK", "0", "LOCAL_RANK", "0"), 0);
    assert_true(file_is_there(in_job(&w, 0, "say.done")));
    assert_int_equal(RUN_JOB(params, "RANK", "1"), 0); /* it comes too late to do anything */
    assert_int_equal(file_counts(in_job(&w, 0, "said"), ";"), 5);
    world_free(&w);
}

TEST(in_a_batch_only_slurm_says_the_rank_and_only_where_there_are_several)
{
    world w = world_new();
    const char *alone = list_jobs(&w, 1, false, none);
    assert_int_equal(RUN_JOB(alone, "RANK", "1", "SLURM_PROCID", "2"), 0);
    assert_true(file_holds(in_job(&w, 0, "said"), "its own none;"));
    assert_true(file_is_there(in_job(&w, 0, "say.done")));
    const char *several = list_jobs(&w, 2, true, none);
    assert_int_equal(RUN_JOB(several, "SLURM_ARRAY_TASK_ID", "1", "SLURM_PROCID", "1"), 0);
    assert_true(file_is_there(in_job(&w, 1, "said")));
    assert_false(file_is_there(in_job(&w, 1, "say.done")));
    assert_int_equal(RUN_JOB(several, "SLURM_ARRAY_TASK_ID", "1", "RANK", "1", "PMIX_RANK", "1"),
                     0);
    assert_true(file_is_there(in_job(&w, 1, "say.done")));
    world_free(&w);
}

TEST(what_srun_says_to_mpi_is_left_where_there_are_several)
{
    world w = world_new();
    const char *list = list_jobs(&w, 2, true, none);
    assert_int_equal(RUN_JOB(list, "SLURM_ARRAY_TASK_ID", "0", "SLURM_PROCID", "0", "PMIX_RANK",
                             "0", "RANK", "5"),
                     0);
    assert_true(file_holds(in_job(&w, 0, "say.out"), "place 0"));
    assert_true(file_holds(in_job(&w, 0, "said"), "its own none;"));
    list = list_jobs(&w, 2, false, none);
    assert_int_equal(RUN_JOB(list, "SLURM_ARRAY_TASK_ID", "1", "PMIX_RANK", "0"), 0);
    assert_true(file_holds(in_job(&w, 1, "say.out"), "place none"));
    world_free(&w);
}

TEST(no_rank_executes_before_what_the_job_depends_on)
{
    world w = world_new();
    const char *needs[] = {xpm_job_directory(w.jobs[1]), NULL};
    const char *list = list_jobs(&w, 1, true, needs);
    assert_int_equal(RUN_JOB(list, "SLURM_PROCID", "1"), 1);
    assert_false(file_is_there(in_job(&w, 0, "said")));
    assert_int_equal(RUN_JOB(in_job(&w, 1, "params.json")), 0);
    assert_int_equal(RUN_JOB(list, "SLURM_PROCID", "1"), 0);
    assert_true(file_is_there(in_job(&w, 0, "said")));
    world_free(&w);
}

TEST(a_job_that_is_handed_its_lock_speaks_for_itself_wherever_its_driver_runs)
{
    char *folder = folder_new();
    setenv("RANK", "1", 1);
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *job = submit(xp, xpm_new("step.say", "n", 1));
    assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_DONE);
    assert_true(file_is_there(path_of("%s/say.done", xpm_job_directory(job))));
    unsetenv("RANK");
    xpm_job_unref(job);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return xpm_main(argc, argv, no_plan);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_element_is_found_by_its_number_and_the_only_one_by_any),
        cmocka_unit_test(an_element_runs_its_own_job_with_its_streams_and_variables),
        cmocka_unit_test(an_element_with_a_dependency_that_is_not_done_fails_with_that_reason),
        cmocka_unit_test(a_process_above_rank_0_executes_and_leaves_no_mark),
        cmocka_unit_test(in_a_batch_only_slurm_says_the_rank_and_only_where_there_are_several),
        cmocka_unit_test(what_srun_says_to_mpi_is_left_where_there_are_several),
        cmocka_unit_test(no_rank_executes_before_what_the_job_depends_on),
        cmocka_unit_test(a_job_that_is_handed_its_lock_speaks_for_itself_wherever_its_driver_runs),
    };
    return RUN_TESTS(tests);
}
