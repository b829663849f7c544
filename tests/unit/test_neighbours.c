/* Accelerators of a machine that several experiments share: two openers, and processes that are killed. */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "folder.h"

#include "launch/machine.h"

#define GIB ((int64_t)1 << 30)

static char *folder; /* of the claims, and of the nvidia-smi of these tests */

static const xpm_accelerator one = {.kind = XPM_ACCELERATOR_CUDA};
static const xpm_accelerator part = {.kind = XPM_ACCELERATOR_CUDA, .memory = 6 * GIB};

static xpm__share *take(xpm__machine *machine, const xpm_accelerator *wanted)
{
    xpm_request request = {.accelerators = wanted, .accelerator_count = 1};
    return xpm__machine_take_request(machine, &request, false);
}

static xpm__machine *join(void)
{
    xpm__machine *machine = xpm__machine_new(8);
    assert_true(xpm__machine_join(machine) >= 0);
    return machine;
}

/* Waits until it can be taken: woken by what others give back. */
static xpm__share *await(xpm__machine *machine, const xpm_accelerator *wanted)
{
    xpm__share *share;
    while ((share = take(machine, wanted)) == NULL) {
        struct pollfd watched = {.fd = xpm__machine_join(machine), .events = POLLIN};
        if (poll(&watched, 1, FOLDER_DEADLINE_MS) <= 0)
            fail_msg("nothing was heard of what was given back");
        xpm__machine_heard(machine);
    }
    return share;
}

static size_t claims(void)
{
    size_t count = 0;
    DIR *dir = opendir(path_of("%s/claims", folder));
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

TEST(what_one_has_the_other_does_not_get_until_it_hears_that_it_is_free)
{
    xpm__machine *a = join(), *b = join();
    xpm__share *mine = take(a, &one);
    assert_non_null(mine);
    assert_null(take(b, &one));
    assert_null(take(b, &part));
    assert_int_equal(claims(), 1);
    xpm__machine_give(a, mine);
    xpm__share *theirs = await(b, &one);
    assert_null(take(a, &part));
    xpm__machine_give(b, theirs);
    assert_int_equal(claims(), 0);
    xpm__machine_free(a);
    xpm__machine_free(b);
}

TEST(its_memory_is_counted_over_all)
{
    xpm__machine *a = join(), *b = join();
    xpm__share *first = take(a, &part), *second = take(b, &part);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(take(a, &part)); /* 12 of 16 */
    assert_null(take(b, &one));
    xpm__machine_give(a, first);
    assert_null(take(a, &one));
    xpm__machine_give(b, second);
    first = take(a, &one);
    assert_non_null(first);
    xpm__machine_give(a, first);
    xpm__machine_free(a);
    xpm__machine_free(b);
}

TEST(looking_wakes_nobody)
{
    xpm__machine *a = join(), *b = join();
    xpm__share *mine = take(a, &one);
    xpm__machine_heard(b);
    assert_null(take(b, &one));
    assert_null(take(a, &one));
    struct pollfd watched[] = {{.fd = xpm__machine_join(a), .events = POLLIN},
                               {.fd = xpm__machine_join(b), .events = POLLIN}};
    assert_int_equal(poll(watched, 2, 0), 0);
    xpm__machine_give(a, mine);
    assert_int_equal(poll(watched, 2, 0), 2);
    xpm__machine_free(a);
    xpm__machine_free(b);
}

TEST(a_job_of_an_experiment_that_was_killed_keeps_what_it_has_until_its_own_end)
{
    int pids[2];
    pid_t job, driver;
    assert_int_equal(pipe(pids), 0);
    driver = fork();
    if (driver == 0) {
        char program[] = "tail", follow[] = "-f", null[] = "/dev/null";
        char *argv[] = {program, follow, null, NULL};
        xpm__share *share = take(join(), &one);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, xpm__share_lock(share), 3);
        posix_spawn_file_actions_addclosefrom_np(&actions, 4);
        posix_spawnp(&job, "tail", &actions, NULL, argv, environ);
        xpm__share_handed(share);
        if (xpm__share_lock(share) != -1 || write(pids[1], &job, sizeof job) != sizeof job)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(pids[0], &job, sizeof job), sizeof job);
    xpm__machine *machine = join(), *adopter = join();
    assert_null(take(machine, &one));
    kill(driver, SIGKILL);
    waitpid(driver, NULL, 0);
    assert_null(take(machine, &one));
    xpm_request request = {.accelerators = &one, .accelerator_count = 1};
    xpm__share *adopted = xpm__machine_adopt_request(adopter, &request, job);
    assert_string_equal(xpm__share_variables(adopted)[0], "CUDA_VISIBLE_DEVICES=GPU-one");
    assert_null(take(adopter, &one)); /* once its own, and once that of its claim: it is one */
    assert_null(take(machine, &one));
    kill(job, SIGKILL);
    xpm__share *share = await(machine, &one);
    assert_null(take(adopter, &one));
    xpm__machine_give(machine, share);
    xpm__machine_give(adopter, adopted);
    share = take(adopter, &one);
    assert_non_null(share);
    xpm__machine_give(adopter, share);
    assert_int_equal(claims(), 0);
    xpm__machine_free(machine);
    xpm__machine_free(adopter);
    close(pids[0]);
    close(pids[1]);
}

TEST(a_folder_that_others_may_write_to_is_not_trusted)
{
    assert_int_equal(mkdir(path_of("%s/open", folder), 0700), 0);
    assert_int_equal(chmod(path_of("%s/open", folder), 0777), 0);
    setenv("XPM_SHARE_DIR", path_of("%s/open", folder), 1);
    xpm__machine *machine = xpm__machine_new(8);
    assert_int_equal(xpm__machine_join(machine), -1);
    xpm__share *share = take(machine, &one); /* alone, as without neighbours */
    assert_non_null(share);
    assert_int_equal(xpm__share_lock(share), -1);
    xpm__machine_give(machine, share);
    xpm__machine_free(machine);
    setenv("XPM_SHARE_DIR", path_of("%s/claims", folder), 1);
}

TEST(a_claim_that_makes_no_sense_holds_nothing)
{
    xpm__machine *machine = join();
    const char *path = path_of("%s/claims/1-1", folder);
    file_put(path, "nonsense\nGPU-one -5\nGPU-one\n\nGPU-other 5\nGPU-one 99");
    int fd = open(path, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    xpm__share *share = take(machine, &one);
    assert_non_null(share);
    xpm__machine_give(machine, share);
    assert_true(file_is_there(path));
    close(fd);
    share = take(machine, &one);
    assert_false(file_is_there(path));
    xpm__machine_give(machine, share);
    xpm__machine_free(machine);
}

static int make_folder(void **state)
{
    (void)state;
    folder = folder_new();
    unsetenv("CUDA_VISIBLE_DEVICES");
    file_put(path_of("%s/nvidia-smi", folder), "#!/bin/sh\necho 0, GPU-one, 16384\n");
    chmod(path_of("%s/nvidia-smi", folder), 0755);
    setenv("PATH", path_of("%s:%s", folder, getenv("PATH")), 1);
    setenv("XPM_SHARE_DIR", path_of("%s/claims", folder), 1);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_has_the_other_does_not_get_until_it_hears_that_it_is_free),
        cmocka_unit_test(its_memory_is_counted_over_all),
        cmocka_unit_test(looking_wakes_nobody),
        cmocka_unit_test(
            a_job_of_an_experiment_that_was_killed_keeps_what_it_has_until_its_own_end),
        cmocka_unit_test(a_folder_that_others_may_write_to_is_not_trusted),
        cmocka_unit_test(a_claim_that_makes_no_sense_holds_nothing),
    };
    xpm_set_allocator(leaks_allocator);
    return leaks_check(cmocka_run_group_tests(tests, make_folder, remove_folder));
}
