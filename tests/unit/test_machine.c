/* What jobs may use of this machine: what nvidia-smi, Slurm and the user say of it, and who has what.
 * The nvidia-smi of these tests is a script of theirs. */
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "folder.h"

#include "base/mem.h"
#include "launch/machine.h"
#include "launch/machine_look.h"

#define GIB ((int64_t)1 << 30)

/* ---- A machine of the tests' own ----------------------------------------------------------------- */

static char *tools; /* the folder of the script, first in PATH */

/* Counts how often it was asked what it has. */
static const char script[] = "#!/bin/sh\n"
                             "cd \"${0%/*}\" || exit 9\n"
                             "[ \"$1\" = -L ] && exec cat list\n"
                             "echo \"$@\" >>asked\n"
                             "cat query\n"
                             "exit $(cat status)\n";

static void say(const char *query, const char *list, const char *status)
{
    xpm_reset(); /* it is asked once by a process */
    unlink(path_of("%s/asked", tools));
    file_put(path_of("%s/query", tools), query);
    file_put(path_of("%s/list", tools), list);
    file_put(path_of("%s/status", tools), status);
}

#define THREE "0, GPU-a, 8192\n1, GPU-b, 16384\n2, GPU-c, 16384\n"
#define SLOTS 64

static xpm__machine *machine_with(const char *query)
{
    say(query, "", "0");
    return xpm__machine_new(SLOTS);
}

static int cores(void)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    return CPU_COUNT(&set);
}

static xpm_requirement *parse(const char *text)
{
    xpm_error err = {0};
    xpm_requirement *requirement = xpm_requirement_parse(text, &err);
    if (requirement == NULL)
        fail_msg("%s", err.message);
    return requirement;
}

static xpm__share *take(xpm__machine *machine, const char *text)
{
    xpm_requirement *requirement = parse(text);
    xpm__share *share = xpm__machine_take(machine, requirement, false);
    xpm_requirement_free(requirement);
    return share;
}

/* The accelerators of a share, as the job is told; "" for none. */
static const char *devices_of(const xpm__share *share)
{
    const char *variable = xpm__share_variables(share)[0];
    return variable != NULL ? strchr(variable, '=') + 1 : "";
}

/* That it can be taken now, with these accelerators. */
static xpm__share *assert_takes(xpm__machine *machine, const char *text, const char *devices)
{
    xpm__share *share = take(machine, text);
    if (share == NULL)
        fail_msg("%s is not free", text);
    assert_string_equal(devices_of(share), devices);
    return share;
}

static void assert_cannot(xpm__machine *machine, const char *text, xpm_code code, const char *part)
{
    xpm_error err = {0};
    xpm_requirement *requirement = parse(text);
    assert_int_equal(xpm__machine_can(machine, requirement, &err), -1);
    assert_error(&err, code, part);
    xpm_requirement_free(requirement);
}

static void assert_can(xpm__machine *machine, const char *text)
{
    xpm_error err = {0};
    xpm_requirement *requirement = parse(text);
    if (xpm__machine_can(machine, requirement, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    xpm_requirement_free(requirement);
}

/* ---- Slots and cores ----------------------------------------------------------------------------- */

TEST(a_job_that_asks_for_nothing_takes_a_slot)
{
    xpm__machine *machine = xpm__machine_new(2);
    xpm__share *a = xpm__machine_take(machine, NULL, false);
    xpm__share *b = xpm__machine_take(machine, NULL, false);
    assert_non_null(a);
    assert_non_null(b);
    assert_false(xpm__machine_has_slot(machine));
    assert_null(xpm__machine_take(machine, NULL, false));
    assert_null(xpm__share_variables(a)[0]);
    assert_null(xpm__share_cores(a));
    assert_int_equal(xpm__share_memory(a), 0);
    xpm__machine_give(machine, a);
    assert_true(xpm__machine_has_slot(machine));
    xpm__machine_give(machine, b);
    xpm__machine_give(machine, NULL);
    xpm__machine_free(machine);
}

TEST(a_job_with_cores_has_so_many_fewer_for_others)
{
    int all = cores();
    xpm__machine *machine = xpm__machine_new(0); /* one slot a core */
    xpm__share *share = xpm__machine_take_request(machine, &(xpm_request){.cores = all}, false);
    assert_non_null(share);
    assert_null(xpm__share_cores(share));
    assert_null(xpm__machine_take(machine, NULL, false));
    assert_null(xpm__machine_take_request(machine, &(xpm_request){.cores = 1}, false));
    xpm__machine_give(machine, share);
    xpm__share *plain = xpm__machine_take(machine, NULL, false);
    assert_null(xpm__machine_take_request(machine, &(xpm_request){.cores = all}, false));
    xpm__machine_give(machine, plain);
    xpm__machine_free(machine);
}

TEST(with_more_slots_than_cores_those_that_ask_for_cores_have_no_more_than_there_are)
{
    int all = cores();
    xpm__machine *machine = xpm__machine_new(2 * all + 1);
    xpm__share *share = xpm__machine_take_request(machine, &(xpm_request){.cores = all}, false);
    assert_null(xpm__machine_take_request(machine, &(xpm_request){.cores = 1}, false));
    for (int i = 0; i <= all; i++) {
        xpm__share *plain = xpm__machine_take(machine, NULL, false);
        assert_non_null(plain);
        xpm__machine_give(machine, plain);
    }
    xpm__machine_give(machine, share);
    xpm__machine_free(machine);
}

TEST(with_fewer_slots_than_cores_a_job_may_still_have_them_all)
{
    xpm__machine *machine = xpm__machine_new(1);
    xpm_request all = {.cores = cores()};
    assert_int_equal(xpm__machine_can_request(machine, &all, NULL), 0);
    xpm__share *share = xpm__machine_take_request(machine, &all, false);
    assert_non_null(share);
    assert_null(xpm__machine_take(machine, NULL, false));
    xpm__machine_give(machine, share);
    xpm__machine_free(machine);
}

TEST(jobs_that_are_pinned_have_cores_of_their_own)
{
    cpu_set_t own, seen;
    int all = cores();
    xpm__machine *machine = xpm__machine_new(SLOTS + all);
    xpm__share *shares[CPU_SETSIZE];
    sched_getaffinity(0, sizeof own, &own);
    CPU_ZERO(&seen);
    for (int i = 0; i < all; i++) {
        shares[i] = xpm__machine_take(machine, NULL, true);
        assert_non_null(shares[i]);
        assert_int_equal(CPU_COUNT(xpm__share_cores(shares[i])), 1);
        CPU_OR(&seen, &seen, xpm__share_cores(shares[i]));
    }
    assert_true(CPU_EQUAL(&seen, &own));
    assert_null(xpm__machine_take(machine, NULL, true));
    xpm__share *anywhere = xpm__machine_take(machine, NULL, false);
    assert_non_null(anywhere);
    xpm__machine_give(machine, anywhere);
    cpu_set_t free_again = *xpm__share_cores(shares[0]);
    xpm__machine_give(machine, shares[0]);
    shares[0] = xpm__machine_take_request(machine, &(xpm_request){.cores = 1}, true);
    assert_true(CPU_EQUAL(xpm__share_cores(shares[0]), &free_again));
    for (int i = all; i-- > 0;)
        xpm__machine_give(machine, shares[i]);
    shares[0] = xpm__machine_take_request(machine, &(xpm_request){.cores = all}, true);
    assert_true(CPU_EQUAL(xpm__share_cores(shares[0]), &own));
    xpm__machine_give(machine, shares[0]);
    xpm__machine_free(machine);
}

/* ---- Memory, duration, resources ----------------------------------------------------------------- */

TEST(memory_is_counted_against_that_of_the_machine)
{
    xpm__machine *machine = machine_with("");
    int64_t all = xpm__machine_host(machine, NULL)->memory;
    assert_true(all > 0);
    xpm__share *most =
        xpm__machine_take_request(machine, &(xpm_request){.memory = all - 1, .seconds = 60}, false);
    assert_int_equal(xpm__share_memory(most), all - 1);
    assert_true(xpm__share_seconds(most) == 60);
    assert_null(xpm__machine_take_request(machine, &(xpm_request){.memory = 2}, false));
    xpm__share *rest = xpm__machine_take_request(machine, &(xpm_request){.memory = 1}, false);
    assert_non_null(rest);
    xpm__machine_give(machine, most);
    xpm__machine_give(machine, rest);
    xpm_error err = {0};
    xpm_request more = {.memory = all + 1};
    assert_int_equal(xpm__machine_can_request(machine, &more, &err), -1);
    assert_error(&err, XPM_E_RANGE, "GiB of memory are asked for, and this machine has ");
    assert_null(xpm__machine_take_request(machine, &more, false));
    xpm__machine_free(machine);
}

TEST(what_the_user_has_counted_is_given_by_name)
{
    setenv("XPM_RESOURCES", " disk=4, licence = 2 ", 1);
    xpm__machine *machine = xpm__machine_new(SLOTS);
    xpm__share *a = assert_takes(machine, "resource(licence) & resource(disk) * 3", "");
    assert_null(take(machine, "resource(disk) * 2"));
    assert_null(take(machine, "resource(licence) * 2"));
    xpm__share *b = assert_takes(machine, "resource(licence) & resource(disk)", "");
    xpm__machine_give(machine, a);
    xpm__share *c = assert_takes(machine, "resource(licence) & resource(disk) * 3", "");
    assert_cannot(machine, "resource(licence)*3", XPM_E_RANGE,
                  "3 of licence are asked for, and XPM_RESOURCES counts 2");
    assert_cannot(machine, "resource(tape)", XPM_E_RANGE,
                  "tape is asked for, and XPM_RESOURCES counts none");
    assert_can(machine, "resource(tape) | resource(disk)");
    xpm__machine_give(machine, b);
    xpm__machine_give(machine, c);
    xpm__machine_free(machine);
    unsetenv("XPM_RESOURCES");
}

TEST(resources_that_make_no_sense_are_refused)
{
    static const char *const wrong[] = {"licence", "=2",      "a=",
                                        "a=x",     "a=-1",    "a=1;b=2",
                                        "1a=2",    "a=1 b=2", "a=99999999999999999999",
                                        "a b=1",   "=",       ",a=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("XPM_RESOURCES", wrong[i], 1);
        xpm__machine *machine = xpm__machine_new(SLOTS);
        assert_cannot(machine, "resource(a)", XPM_E_SYNTAX, "it must be NAME=COUNT");
        assert_null(take(machine, "resource(a)"));
        xpm__machine_free(machine);
    }
    setenv("XPM_RESOURCES", "a=1,b=1,a=2", 1);
    xpm__machine *machine = xpm__machine_new(SLOTS);
    assert_cannot(machine, "resource(a)", XPM_E_RANGE, "a is there twice");
    assert_can(machine, "cpu(cores=1)");
    xpm__machine_free(machine);
    unsetenv("XPM_RESOURCES");
}

/* ---- Accelerators -------------------------------------------------------------------------------- */

TEST(a_part_of_the_memory_is_taken_of_the_one_in_use_and_then_of_the_fullest)
{
    xpm__machine *machine = machine_with(THREE);
    xpm__share *a = assert_takes(machine, "cuda(mem=6G)", "GPU-a"); /* the smallest where it fits */
    xpm__share *b = assert_takes(machine, "cuda(mem=10G)", "GPU-b");
    xpm__share *c = assert_takes(machine, "gpu(mem=4G)", "GPU-b");
    xpm__share *d = assert_takes(machine, "cuda(mem=2G)", "GPU-a"); /* both have 2G left */
    xpm__share *e = assert_takes(machine, "cuda(mem=2G)", "GPU-b");
    xpm__share *f = assert_takes(machine, "cuda(mem=1B)", "GPU-c");
    assert_null(take(machine, "cuda(mem=16G)"));
    assert_null(take(machine, "cuda()"));
    xpm__machine_give(machine, f);
    f = assert_takes(machine, "cuda()", "GPU-c");
    assert_null(take(machine, "cuda(mem=1B)"));
    xpm__share *all[] = {c, a, e, f, b, d};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        xpm__machine_give(machine, all[i]);
    a = assert_takes(machine, "cuda()*3", "GPU-a,GPU-b,GPU-c");
    xpm__machine_give(machine, a);
    xpm__machine_free(machine);
}

TEST(several_accelerators_are_different_ones_and_all_or_none_are_taken)
{
    xpm__machine *machine = machine_with(THREE);
    xpm__share *a = assert_takes(machine, "cuda(mem=1G)*3", "GPU-a,GPU-b,GPU-c");
    xpm__machine_give(machine, a);
    a = assert_takes(machine, "cuda(mem=12G) & cuda(mem=12G) & cuda()", "GPU-a,GPU-b,GPU-c");
    xpm__machine_give(machine, a);
    a = assert_takes(machine, "cuda(mem=9G)", "GPU-b");
    assert_null(take(machine, "cuda(mem=8G)*3"));
    xpm__share *b = assert_takes(machine, "cuda(mem=7G) * 3", "GPU-b,GPU-a,GPU-c");
    xpm__machine_give(machine, a);
    xpm__machine_give(machine, b);
    xpm__machine_free(machine);
}

TEST(of_alternatives_the_first_that_is_free_is_taken)
{
    xpm__machine *machine = machine_with(THREE);
    const char *text = "cuda(mem=32G) | cuda(mem=16G) | mps() | cuda(mem=8G) | cpu(cores=1)";
    xpm__share *a = assert_takes(machine, text, "GPU-b"), *b = assert_takes(machine, text, "GPU-c");
    xpm__share *c = assert_takes(machine, text, "GPU-a"), *d = assert_takes(machine, text, "");
    xpm__machine_give(machine, b);
    b = assert_takes(machine, text, "GPU-c");
    xpm__share *all[] = {a, b, c, d};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        xpm__machine_give(machine, all[i]);
    xpm__machine_free(machine);
}

TEST(what_the_machine_lacks_is_said)
{
    xpm__machine *machine = machine_with("0, GPU-a, 81559\n");
    assert_cannot(machine, "cuda(mem=80G)", XPM_E_RANGE,
                  "1 CUDA accelerator is asked for (80 GiB), and this machine has 1 of CUDA (79.65 "
                  "GiB)");
    assert_cannot(machine, "gpu() * 2", XPM_E_RANGE,
                  "2 accelerators are asked for (all of one, all of one), and this machine has 1");
    assert_cannot(machine, "mps(mem=1G)", XPM_E_RANGE, "1 MPS accelerator is asked for");
    assert_cannot(machine, "cpu(cores=100000) | cuda()*2", XPM_E_RANGE, " for this process; or: 2");
    assert_can(machine, "cuda()*2 | cuda(mem=79G)");
    assert_int_equal(xpm__machine_can(machine, NULL, NULL), 0);
    xpm__machine_free(machine);
    machine = machine_with("");
    assert_cannot(machine, "cuda()", XPM_E_RANGE,
                  "1 CUDA accelerator is asked for (all of one), and this machine has none");
    xpm__machine_free(machine);
}

TEST(the_host_has_what_may_be_asked_for)
{
    setenv("XPM_RESOURCES", "b=2,a=1", 1);
    xpm__machine *machine = machine_with(THREE);
    const xpm_host *host = xpm__machine_host(machine, NULL);
    assert_int_equal(host->cores, cores());
    assert_int_equal(host->accelerator_count, 3);
    assert_int_equal(host->accelerators[0].kind, XPM_ACCELERATOR_CUDA);
    assert_int_equal(host->accelerators[0].memory, 16 * GIB);
    assert_int_equal(host->accelerators[2].memory, 8 * GIB);
    assert_int_equal(host->resource_count, 2);
    assert_string_equal(host->resources[0].name, "a");
    xpm_requirement *fits = parse("cuda(mem=16G)*2 & resource(b)*2");
    assert_int_equal(xpm_host_match(host, fits), 0);
    xpm_requirement_free(fits);
    xpm__machine_free(machine);
    unsetenv("XPM_RESOURCES");
}

/* ---- Any order ----------------------------------------------------------------------------------- */

static unsigned next_number(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33);
}

/* Takes this one, or gives back a share at random. The memory that jobs have of each is counted. */
static void step(xpm__machine *machine, xpm__share **held, int64_t *sizes, size_t *count)
{
    int64_t size = (1 + next_number() % 9) * GIB;
    xpm_accelerator wanted[] = {{.kind = XPM_ACCELERATOR_CUDA, .memory = size},
                                {.kind = XPM_ACCELERATOR_ANY, .memory = size}};
    xpm_resource resource = {.name = "r", .count = 1 + next_number() % 2};
    xpm_request request = {.memory = next_number() % 1000,
                           .accelerators = wanted,
                           .accelerator_count = next_number() % 3,
                           .resources = &resource,
                           .resource_count = next_number() % 2};
    xpm__share *share = xpm__machine_take_request(machine, &request, next_number() % 2 == 0);
    if (share != NULL) {
        held[*count] = share;
        sizes[(*count)++] = size;
    } else if (*count > 0) {
        size_t i = next_number() % *count;
        xpm__machine_give(machine, held[i]);
        held[i] = held[--*count];
        sizes[i] = sizes[*count];
    }
}

static int64_t memory_taken(xpm__share *const *held, const int64_t *sizes, size_t count,
                            const char *uuid)
{
    int64_t taken = 0;
    for (size_t i = 0; i < count; i++)
        taken += strstr(devices_of(held[i]), uuid) != NULL ? sizes[i] : 0;
    return taken;
}

TEST(whatever_the_order_no_more_is_given_than_there_is_and_all_comes_back)
{
    setenv("XPM_RESOURCES", "r=3", 1);
    xpm__machine *machine = machine_with(THREE);
    xpm__share *held[SLOTS];
    int64_t sizes[SLOTS];
    size_t count = 0;
    for (int i = 0; i < 20000; i++) {
        step(machine, held, sizes, &count);
        assert_true(memory_taken(held, sizes, count, "GPU-a") <= 8 * GIB);
        assert_true(memory_taken(held, sizes, count, "GPU-b") <= 16 * GIB);
        assert_true(memory_taken(held, sizes, count, "GPU-c") <= 16 * GIB);
    }
    while (count > 0)
        xpm__machine_give(machine, held[--count]);
    xpm_accelerator whole[3] = {{.kind = XPM_ACCELERATOR_CUDA}};
    whole[1] = whole[2] = whole[0];
    xpm_request all = {.cores = cores(),
                       .memory = xpm__machine_host(machine, NULL)->memory,
                       .accelerators = whole,
                       .accelerator_count = 3,
                       .resources = &(xpm_resource){.name = "r", .count = 3},
                       .resource_count = 1};
    xpm__share *share = xpm__machine_take_request(machine, &all, true);
    assert_non_null(share);
    xpm__machine_give(machine, share);
    xpm__machine_free(machine);
    unsetenv("XPM_RESOURCES");
}

/* ---- Jobs that run already ----------------------------------------------------------------------- */

TEST(a_job_that_runs_already_has_its_share_even_when_it_is_not_free)
{
    xpm__machine *machine = xpm__machine_new(1);
    xpm_requirement *requirement = parse("cpu(cores=100000, mem=1P)");
    xpm__share *a = xpm__machine_force(machine, NULL),
               *b = xpm__machine_force(machine, requirement);
    assert_null(xpm__machine_take(machine, NULL, false));
    xpm__machine_give(machine, a);
    assert_null(xpm__machine_take(machine, NULL, false));
    xpm__machine_give(machine, b);
    a = xpm__machine_take(machine, NULL, false);
    assert_non_null(a);
    xpm__machine_give(machine, a);
    xpm_requirement_free(requirement);
    xpm__machine_free(machine);
}

static pid_t start_cat(const char *variable)
{
    char program[] = "cat", *argv[] = {program, NULL}, *with[] = {(char *)variable, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    pid_t pid;
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    assert_int_equal(posix_spawnp(&pid, "cat", &actions, NULL, argv, with), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    close(ends[1]); /* cat has it too, and waits */
    return pid;
}

TEST(the_accelerators_of_a_process_are_those_that_it_was_started_with)
{
    xpm__machine *machine = machine_with(THREE);
    xpm_requirement *requirement = parse("cuda() | cuda(mem=5G)");
    pid_t pid = start_cat("CUDA_VISIBLE_DEVICES=GPU-c");
    xpm__share *a = xpm__machine_adopt(machine, requirement, pid);
    assert_string_equal(devices_of(a), "GPU-c");
    xpm__share *b = assert_takes(machine, "cuda()*2", "GPU-a,GPU-b");
    xpm__share *c = xpm__machine_adopt(machine, requirement, pid); /* twice: it is not refused */
    assert_string_equal(devices_of(c), "GPU-c");
    xpm__machine_give(machine, b);
    b = xpm__machine_force(machine, requirement); /* not known where: where most is free */
    assert_string_equal(devices_of(b), "GPU-b");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    xpm__share *all[] = {b, c, a};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        xpm__machine_give(machine, all[i]);
    a = assert_takes(machine, "cuda()*3", "GPU-a,GPU-b,GPU-c");
    xpm__machine_give(machine, a);
    xpm_requirement_free(requirement);
    xpm__machine_free(machine);
}

TEST(the_cores_of_a_process_that_is_held_to_some_are_not_given_to_others)
{
    if (cores() < 2)
        skip();
    xpm__machine *machine = xpm__machine_new(SLOTS);
    xpm__share *pinned = xpm__machine_take(machine, NULL, true);
    cpu_set_t first = *xpm__share_cores(pinned);
    xpm__machine_give(machine, pinned);
    pid_t pid = start_cat("A=1");
    assert_int_equal(sched_setaffinity(pid, sizeof first, &first), 0);
    xpm__share *found = xpm__machine_adopt(machine, NULL, pid);
    assert_true(CPU_EQUAL(xpm__share_cores(found), &first));
    pinned = xpm__machine_take(machine, NULL, true);
    assert_false(CPU_EQUAL(xpm__share_cores(pinned), &first));
    xpm__share *again = xpm__machine_adopt(machine, NULL, pid);
    xpm__machine_give(machine, found);
    xpm__machine_give(machine, again);
    xpm__machine_give(machine, pinned);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    xpm__machine_free(machine);
}

/* ---- What nvidia-smi says ------------------------------------------------------------------------ */

TEST(nvidia_smi_is_asked_when_it_is_needed_and_once_by_a_process)
{
    xpm__machine *machine = machine_with(THREE);
    assert_can(machine, "cpu(cores=1, mem=1M)");
    xpm__machine_give(machine, assert_takes(machine, "cpu(cores=1, mem=1M)", ""));
    assert_false(file_is_there(path_of("%s/asked", tools)));
    assert_can(machine, "cuda()");
    xpm__machine_give(machine, assert_takes(machine, "cuda()", "GPU-a"));
    xpm__machine_free(machine);
    machine = xpm__machine_new(1);
    assert_can(machine, "cuda()");
    xpm__machine_free(machine);
    assert_true(file_holds(path_of("%s/asked", tools),
                           "--query-gpu=index,uuid,memory.total --format=csv,noheader,nounits"));
    assert_int_equal(file_counts(path_of("%s/asked", tools), "query"), 1);
}

TEST(an_nvidia_smi_that_fails_is_told_and_no_job_asks_it_again)
{
    say("NVIDIA-SMI has failed: no driver\x1b[0m\n", "", "9");
    xpm__machine *machine = xpm__machine_new(1);
    assert_cannot(machine, "cuda()", XPM_E_IO,
                  "nvidia-smi fails with status 9, so that accelerators are not known: NVIDIA-SMI "
                  "has failed: no driver\\x1b[0m");
    assert_cannot(machine, "cuda() | cpu(cores=1)", XPM_E_IO, "status 9");
    assert_can(machine, "cpu(cores=1) | cuda()");
    for (int i = 0; i < 5; i++)
        assert_null(take(machine, "cuda()"));
    xpm__machine_give(machine, assert_takes(machine, "cuda() | cpu(cores=1)", ""));
    assert_int_equal(file_counts(path_of("%s/asked", tools), "query"), 3);
    assert_null(xpm__machine_host(machine, NULL));
    xpm__machine_free(machine);
    say("No devices were found\n", "", "6");
    machine = xpm__machine_new(1);
    assert_cannot(machine, "cuda()", XPM_E_RANGE, "this machine has none");
    xpm__machine_free(machine);
}

TEST(without_nvidia_smi_there_is_no_accelerator)
{
    char *path = strdup(getenv("PATH"));
    xpm_reset();
    setenv("PATH", "/nowhere", 1);
    xpm__machine *machine = xpm__machine_new(1);
    assert_cannot(machine, "gpu()", XPM_E_RANGE, "this machine has none");
    xpm__machine_free(machine);
    setenv("PATH", path, 1);
    free(path);
}

static void assert_gpus(xpm__gpus *gpus, const char *uuids)
{
    char got[1024] = "";
    for (size_t i = 0; i < gpus->count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i > 0 ? " " : "",
                 gpus->items[i].uuid);
    assert_string_equal(got, uuids);
}

TEST(a_list_of_accelerators_is_read_past_warnings_and_lost_ones)
{
    xpm__gpus gpus = {0};
    const char *text =
        "WARNING: infoROM is corrupted at gpu 0000:02:00.0\r\n\n"
        "0, GPU-8f3a0c1e-1, 81559\r\n 1 ,GPU-2,[N/A]\n2, [GPU is lost], [GPU is lost]\n"
        "7, GPU-3, 1024\n7, GPU-3, 1024\n8, GPU-4;rm, 1\n9, GPU-, 1\n10, GPU-5 1024";
    assert_int_equal(xpm__gpus_parse(&gpus, text, NULL), 0);
    assert_gpus(&gpus, "GPU-8f3a0c1e-1 GPU-3");
    assert_int_equal(gpus.items[0].memory, (int64_t)81559 << 20);
    assert_int_equal(gpus.items[1].index, 7);
    xpm__gpus_free(&gpus);
    assert_int_equal(xpm__gpus_parse(&gpus, "0, GPU-1, [N/A]\n", NULL), 0);
    assert_int_equal(gpus.items[0].memory, 0);
    xpm__gpus_free(&gpus);
}

TEST(a_text_that_is_no_list_of_accelerators_is_refused)
{
    static const char *const wrong[] = {"hello",        "GPU-1, 0, 3", "3 errors\nmore",
                                        "-1, GPU-a, 1", "\x01\xff",    "command not found: 5, 6"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        xpm__gpus gpus = {0};
        xpm_error err = {0};
        assert_int_equal(xpm__gpus_parse(&gpus, wrong[i], &err), -1);
        assert_error(&err, XPM_E_IO, "nvidia-smi says what is no list of accelerators");
        xpm__gpus_free(&gpus);
    }
    xpm__gpus gpus = {0};
    assert_int_equal(xpm__gpus_parse(&gpus, " \n\t\n", NULL), 0);
    assert_int_equal(xpm__gpus_parse(&gpus, "9999999999999999999999, GPU-a, 1\n", NULL), 0);
    assert_int_equal(gpus.count, 0);
}

TEST(memory_that_is_not_its_own_is_that_of_the_machine)
{
    xpm__machine *machine = machine_with("0, GPU-a, [N/A]\n");
    const xpm_host *host = xpm__machine_host(machine, NULL);
    assert_int_equal(host->accelerators[0].memory, host->memory);
    xpm__machine_free(machine);
}

#define DIVIDED                                                                                    \
    "GPU 0: NVIDIA A100 (UUID: GPU-a)\n"                                                           \
    "  MIG 3g.20gb     Device  0: (UUID: MIG-1)\n"                                                 \
    "  MIG 1g.5gb+me   Device  1: (UUID: MIG-GPU-a/7/0)\n"                                         \
    "GPU 1: NVIDIA A100 (UUID: GPU-b)\n"                                                           \
    "GPU 9: NVIDIA A100 (UUID: GPU-z)\n"                                                           \
    "  MIG 3g.20gb     Device  0: (UUID: MIG-9)\n"

TEST(parts_stand_in_the_place_of_an_accelerator_that_is_divided)
{
    say("0, GPU-a, 40960\n1, GPU-b, 40960\n", DIVIDED, "0");
    xpm__machine *machine = xpm__machine_new(SLOTS);
    xpm__share *a = assert_takes(machine, "cuda(mem=4G)", "MIG-GPU-a/7/0");
    xpm__share *b = assert_takes(machine, "cuda(mem=16G)", "MIG-1");
    xpm__share *c = assert_takes(machine, "cuda()", "GPU-b");
    assert_null(take(machine, "cuda(mem=16G)"));
    assert_cannot(machine, "cuda(mem=1G)*2", XPM_E_RANGE,
                  "a process can use one part of a divided one, and nothing beside it");
    xpm__share *all[] = {b, c, a};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        xpm__machine_give(machine, all[i]);
    xpm__machine_free(machine);
}

TEST(accelerators_are_those_that_this_process_may_see)
{
    static const struct {
        const char *visible, *uuids;
    } cases[] = {
        {"", ""},           {"2,0", "GPU-c MIG-1"},
        {"-1", ""},         {"1", "GPU-b"},
        {"GPU-c", "GPU-c"}, {" GPU-b , 2 ", "GPU-b GPU-c"},
        {"1,9,2", "GPU-b"}, {"1,1,2", "GPU-b GPU-c"},
        {"1;2", ""},        {"GPU-", ""},
        {"GPU-a", "MIG-1"}, {"MIG-GPU-a/7/0", "MIG-GPU-a/7/0"},
        {"MIG-", ""},       {"NoDevFiles", ""},
        {"1,", "GPU-b"},    {",1", ""},
        {"1x", ""},         {"99999999999999999999", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        xpm__gpus gpus = {0};
        xpm__gpus_parse(&gpus, "0, GPU-a, 40960\n1, GPU-b, 1\n2, GPU-c, 1\n", NULL);
        xpm__gpus_divide(&gpus, DIVIDED);
        xpm__gpus_restrict(&gpus, cases[i].visible);
        assert_gpus(&gpus, cases[i].uuids);
        xpm__gpus_free(&gpus);
    }
    setenv("CUDA_VISIBLE_DEVICES", "2,1", 1);
    xpm__machine *machine = machine_with(THREE);
    xpm__share *share = assert_takes(machine, "cuda()*2", "GPU-c,GPU-b");
    assert_cannot(machine, "cuda()*3", XPM_E_RANGE, "as CUDA_VISIBLE_DEVICES is \"2,1\"");
    xpm__machine_give(machine, share);
    xpm__machine_free(machine);
    unsetenv("CUDA_VISIBLE_DEVICES");
}

/* ---- Slurm --------------------------------------------------------------------------------------- */

TEST(in_an_allocation_of_slurm_the_machine_is_what_was_allocated)
{
    setenv("SLURM_CPUS_ON_NODE", "1", 1);
    setenv("SLURM_MEM_PER_NODE", "100", 1);
    xpm__machine *machine = machine_with("");
    assert_int_equal(xpm__machine_host(machine, NULL)->cores, cores()); /* a stray variable */
    xpm__machine_free(machine);
    setenv("SLURM_JOB_ID", "7", 1);
    machine = xpm__machine_new(0);
    assert_int_equal(xpm__machine_host(machine, NULL)->cores, 1);
    assert_int_equal(xpm__machine_host(machine, NULL)->memory, 100 << 20);
    assert_cannot(machine, "cpu(cores=2)", XPM_E_RANGE,
                  "2 cores are asked for, and this machine has 1 for this process");
    xpm__machine_free(machine);
    unsetenv("SLURM_MEM_PER_NODE");
    setenv("SLURM_MEM_PER_CPU", "64", 1);
    machine = xpm__machine_new(0);
    assert_int_equal(xpm__machine_host(machine, NULL)->memory, 64 << 20);
    xpm__machine_free(machine);
    setenv("SLURM_CPUS_ON_NODE", "nonsense", 1);
    setenv("SLURM_MEM_PER_CPU", "99999999999999999999", 1);
    machine = xpm__machine_new(0);
    assert_int_equal(xpm__machine_host(machine, NULL)->cores, cores());
    assert_true(xpm__machine_host(machine, NULL)->memory > 100 << 20);
    xpm__machine_free(machine);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_CPUS_ON_NODE");
    unsetenv("SLURM_MEM_PER_CPU");
}

/* ---- All ----------------------------------------------------------------------------------------- */

static int make_tools(void **state)
{
    (void)state;
    tools = folder_new();
    unsetenv("CUDA_VISIBLE_DEVICES");
    unsetenv("XPM_RESOURCES");
    unsetenv("SLURM_JOB_ID");
    file_put(path_of("%s/nvidia-smi", tools), script);
    chmod(path_of("%s/nvidia-smi", tools), 0755);
    setenv("PATH", path_of("%s:%s", tools, getenv("PATH")), 1);
    return 0;
}

static int remove_tools(void **state)
{
    (void)state;
    folder_remove(tools);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_asks_for_nothing_takes_a_slot),
        cmocka_unit_test(a_job_with_cores_has_so_many_fewer_for_others),
        cmocka_unit_test(
            with_more_slots_than_cores_those_that_ask_for_cores_have_no_more_than_there_are),
        cmocka_unit_test(with_fewer_slots_than_cores_a_job_may_still_have_them_all),
        cmocka_unit_test(jobs_that_are_pinned_have_cores_of_their_own),
        cmocka_unit_test(memory_is_counted_against_that_of_the_machine),
        cmocka_unit_test(what_the_user_has_counted_is_given_by_name),
        cmocka_unit_test(resources_that_make_no_sense_are_refused),
        cmocka_unit_test(a_part_of_the_memory_is_taken_of_the_one_in_use_and_then_of_the_fullest),
        cmocka_unit_test(several_accelerators_are_different_ones_and_all_or_none_are_taken),
        cmocka_unit_test(of_alternatives_the_first_that_is_free_is_taken),
        cmocka_unit_test(what_the_machine_lacks_is_said),
        cmocka_unit_test(the_host_has_what_may_be_asked_for),
        cmocka_unit_test(whatever_the_order_no_more_is_given_than_there_is_and_all_comes_back),
        cmocka_unit_test(a_job_that_runs_already_has_its_share_even_when_it_is_not_free),
        cmocka_unit_test(the_accelerators_of_a_process_are_those_that_it_was_started_with),
        cmocka_unit_test(the_cores_of_a_process_that_is_held_to_some_are_not_given_to_others),
        cmocka_unit_test(nvidia_smi_is_asked_when_it_is_needed_and_once_by_a_process),
        cmocka_unit_test(an_nvidia_smi_that_fails_is_told_and_no_job_asks_it_again),
        cmocka_unit_test(without_nvidia_smi_there_is_no_accelerator),
        cmocka_unit_test(a_list_of_accelerators_is_read_past_warnings_and_lost_ones),
        cmocka_unit_test(a_text_that_is_no_list_of_accelerators_is_refused),
        cmocka_unit_test(memory_that_is_not_its_own_is_that_of_the_machine),
        cmocka_unit_test(parts_stand_in_the_place_of_an_accelerator_that_is_divided),
        cmocka_unit_test(accelerators_are_those_that_this_process_may_see),
        cmocka_unit_test(in_an_allocation_of_slurm_the_machine_is_what_was_allocated),
    };
    xpm_set_allocator(leaks_allocator);
    return leaks_check(cmocka_run_group_tests(tests, make_tools, remove_tools));
}
