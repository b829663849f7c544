/* Jobs that share this machine, with processes: this program is what runs its own tasks, and its
 * nvidia-smi is a script. */
#include <fcntl.h>
#include <sched.h>

#include "experiment.h"

#include "launch/machine.h"

typedef struct {
    int64_t n;
    const char *pipe, *out;
} use;

/* Writes what it has of the machine, then waits for somebody who reads from its pipe, if it has one. */
static int use_execute(use *self, __attribute__((unused)) xpm_task *task)
{
    cpu_set_t cores;
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    FILE *out = fopen(self->out, "w");
    if (out == NULL || sched_getaffinity(0, sizeof cores, &cores) < 0)
        return 1;
    fprintf(out, "%s %d\n", visible != NULL ? visible : "none", CPU_COUNT(&cores));
    if (fclose(out) != 0)
        return 1;
    FILE *pipe = self->pipe != NULL ? fopen(self->pipe, "w") : NULL;
    return pipe == NULL || fclose(pipe) == 0 ? 0 : 1;
}
XPM_TASK(use, "share.use", use_execute, XPM_INT(n), XPM_PATH(pipe, .optional = true),
         XPM_FILE(out, "out.txt"));

static xpm_launcher *local(const char *needs, bool pin)
{
    xpm_error err = {0};
    xpm_launcher *launcher = xpm_launcher_local(&(xpm_local_options){.pin = pin}, &err);
    xpm_requirement *requirement = needs != NULL ? xpm_requirement_parse(needs, &err) : NULL;
    if (requirement != NULL && xpm_launcher_require(launcher, requirement, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(err.message, "");
    xpm_requirement_free(requirement);
    return launcher;
}

static xpm_job *start(xpm_experiment *xp, xpm_launcher *launcher, double n, const char *pipe)
{
    xpm_job *job = make(xp, pipe != NULL ? xpm_new("share.use", "n", n, "pipe", pipe)
                                         : xpm_new("share.use", "n", n));
    xpm_job_set_launcher(job, launcher);
    assert_int_equal(xpm_job_submit(job, NULL), 0);
    return job;
}

/* Lets a task go on that waits at its pipe. */
static void release(const char *pipe)
{
    char text[8];
    FILE *file = fopen(pipe, "r");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text, file), 0);
    fclose(file);
}

static void assert_done(xpm_job *job, const char *has)
{
    assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_DONE);
    if (!file_holds(path_of("%s/out.txt", xpm_job_directory(job)), has))
        fail_msg("a job has not %s but %s", has,
                 file_text(path_of("%s/out.txt", xpm_job_directory(job))));
    xpm_job_unref(job);
}

static char *pipe_in(const char *folder, const char *name)
{
    char *pipe = strdup(path_of("%s/%s", folder, name));
    assert_int_equal(mkfifo(pipe, 0600), 0);
    return pipe;
}

TEST(an_accelerator_is_given_to_one_job_at_a_time_and_others_pass_those_that_wait_for_it)
{
    char *folder = folder_new(), *pipe = pipe_in(folder, "pipe");
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_launcher *gpu = local("cuda()", false), *plain = local(NULL, false);
    xpm_job *first = start(xp, gpu, 1, pipe), *second = start(xp, gpu, 2, NULL);
    assert_done(start(xp, plain, 3, NULL), "none");
    assert_int_equal(xpm_job_state_now(second), XPM_JOB_READY);
    release(pipe);
    assert_done(first, "GPU-one ");
    assert_done(second, "GPU-one ");
    xpm_launcher_unref(gpu);
    xpm_launcher_unref(plain);
    assert_int_equal(xpm_experiment_close(xp, false, NULL), 0);
    free(pipe);
    folder_remove(folder);
}

TEST(its_memory_is_shared_by_those_who_ask_for_a_part)
{
    char *folder = folder_new(), *pipes[] = {pipe_in(folder, "a"), pipe_in(folder, "b")};
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_launcher *half = local("cuda(mem=8G)", false);
    xpm_job *first = start(xp, half, 1, pipes[0]), *second = start(xp, half, 2, pipes[1]);
    xpm_job *third = start(xp, half, 3, NULL);
    release(pipes[1]); /* it runs, beside the first */
    assert_done(second, "GPU-one ");
    assert_done(third, "GPU-one ");
    assert_int_equal(xpm_job_state_now(first), XPM_JOB_RUNNING);
    release(pipes[0]);
    assert_done(first, "GPU-one ");
    xpm_launcher_unref(half);
    assert_int_equal(xpm_experiment_close(xp, false, NULL), 0);
    free(pipes[0]);
    free(pipes[1]);
    folder_remove(folder);
}

TEST(a_job_that_is_pinned_runs_on_its_own_cores_alone)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_launcher *pinned = local("cpu(cores=1)", true);
    assert_done(start(xp, pinned, 1, NULL), "none 1\n");
    xpm_launcher_unref(pinned);
    assert_int_equal(xpm_experiment_close(xp, false, NULL), 0);
    folder_remove(folder);
}

/* Whether other experiments may have a part of the accelerator. */
static bool is_free(void)
{
    static const xpm_accelerator part = {.kind = XPM_ACCELERATOR_CUDA, .memory = 1 << 30};
    xpm_request request = {.accelerators = &part, .accelerator_count = 1};
    xpm__machine *machine = xpm__machine_new(1);
    assert_true(xpm__machine_join(machine) >= 0);
    xpm__share *share = xpm__machine_take_request(machine, &request, false);
    xpm__machine_give(machine, share);
    xpm__machine_free(machine);
    return share != NULL;
}

TEST(a_job_holds_its_claim_whatever_descriptors_were_free)
{
    char *folder = folder_new(), *pipe = pipe_in(folder, "pipe");
    int low = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (low != 3)
        dup2(low, 3);
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_launcher *gpu = local("cuda()", false), *plain = local(NULL, false);
    assert_done(start(xp, gpu, 1, NULL), "GPU-one ");
    close(3); /* where a job has its lock */
    xpm_job *job = start(xp, gpu, 2, pipe);
    assert_done(start(xp, plain, 3, NULL), "none"); /* which was started after it */
    assert_int_equal(xpm_job_state_now(job), XPM_JOB_RUNNING);
    assert_false(is_free());
    release(pipe);
    assert_done(job, "GPU-one ");
    assert_true(is_free());
    if (low != 3)
        close(low);
    xpm_launcher_unref(gpu);
    xpm_launcher_unref(plain);
    assert_int_equal(xpm_experiment_close(xp, false, NULL), 0);
    free(pipe);
    folder_remove(folder);
}

TEST(a_job_keeps_its_accelerator_when_its_experiment_is_left)
{
    char *folder = folder_new(), *pipe = pipe_in(folder, "pipe");
    xpm_launcher *gpu = local("cuda()", false), *plain = local(NULL, false);
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *job = start(xp, gpu, 1, pipe);
    assert_done(start(xp, plain, 2, NULL), "none"); /* which was started after it */
    xpm_job_unref(job);
    xpm_experiment_detach(xp);
    assert_int_equal(xpm_experiment_close(xp, false, NULL), 0);
    assert_false(is_free());
    xp = open_in(folder, XPM_NORMAL);
    job = start(xp, gpu, 1, pipe); /* and with the next, which finds it */
    assert_done(start(xp, plain, 3, NULL), "none");
    assert_int_equal(xpm_job_state_now(job), XPM_JOB_RUNNING);
    assert_false(is_free());
    release(pipe);
    assert_done(job, "GPU-one ");
    assert_true(is_free());
    xpm_launcher_unref(gpu);
    xpm_launcher_unref(plain);
    assert_int_equal(xpm_experiment_close(xp, false, NULL), 0);
    free(pipe);
    folder_remove(folder);
}

TEST(what_the_machine_of_the_experiment_never_has_fails)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    setenv("XPM_RESOURCES", "licence=1", 1);
    xpm_launcher *licensed = local("resource(licence)", false);
    unsetenv("XPM_RESOURCES");
    for (double n = 1; n <= 2; n++) {
        xpm_job *job = start(xp, licensed, n, NULL);
        assert_int_equal(xpm_job_wait(job, FOLDER_DEADLINE_MS / 1000.), XPM_JOB_ERROR);
        assert_true(file_holds(path_of("%s/use.failed", xpm_job_directory(job)),
                               "licence is asked for, and XPM_RESOURCES counts none"));
        xpm_job_unref(job);
    }
    xpm_launcher_unref(licensed);
    assert_int_equal(xpm_experiment_close(xp, false, NULL), 0);
    folder_remove(folder);
}

/* ---- All ----------------------------------------------------------------------------------------- */

static char *tools;

static int make_tools(void **state)
{
    (void)state;
    tools = folder_new();
    unsetenv("CUDA_VISIBLE_DEVICES");
    file_put(path_of("%s/nvidia-smi", tools), "#!/bin/sh\necho 0, GPU-one, 16384\n");
    chmod(path_of("%s/nvidia-smi", tools), 0755);
    setenv("PATH", path_of("%s:%s", tools, getenv("PATH")), 1);
    setenv("XPM_SHARE_DIR", path_of("%s/claims", tools), 1);
    return 0;
}

static int remove_tools(void **state)
{
    (void)state;
    folder_remove(tools);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return xpm_main(argc, argv, no_plan);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            an_accelerator_is_given_to_one_job_at_a_time_and_others_pass_those_that_wait_for_it),
        cmocka_unit_test(its_memory_is_shared_by_those_who_ask_for_a_part),
        cmocka_unit_test(a_job_that_is_pinned_runs_on_its_own_cores_alone),
        cmocka_unit_test(a_job_holds_its_claim_whatever_descriptors_were_free),
        cmocka_unit_test(a_job_keeps_its_accelerator_when_its_experiment_is_left),
        cmocka_unit_test(what_the_machine_of_the_experiment_never_has_fails),
    };
    xpm_set_allocator(leaks_allocator);
    return leaks_check(cmocka_run_group_tests(tests, make_tools, remove_tools));
}
