/* Control groups of jobs: where they are, from texts of all kinds of systems; and, where this machine
 * lets groups be made, what the kernel does with real ones. */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "experiment.h"

#include "launch/cgroup.h"
#include "launch/cgroup_find.h"
#include "record/jobdir.h"

enum { MIB = 1 << 20 };

/* ---- Where a group is ---------------------------------------------------------------------------- */

#define V1_MOUNT                                                                                   \
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
#define V2_MOUNT "41 31 0:38 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define OTHERS                                                                                     \
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"                                   \
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"

static void assert_place(const char *groups, const char *mounts, int version, const char *path)
{
    xpm__cgroup_place place;
    assert_true(xpm__cgroup_locate(groups, mounts, &place));
    assert_int_equal(place.files->version, version);
    assert_string_equal(place.path, path);
    assert_true(place.root <= strlen(place.path));
}

TEST(the_group_is_found_in_both_versions_and_where_they_are_mixed)
{
    assert_place("0::/user.slice/a.scope\n", OTHERS V2_MOUNT, 2,
                 "/sys/fs/cgroup/user.slice/a.scope");
    assert_place("4:memory:/jobs/one two\n1:cpu:/\n", OTHERS V1_MOUNT, 1,
                 "/sys/fs/cgroup/memory/jobs/one two");
    assert_place("0::/unified\n4:blkio,memory:/x\n", V2_MOUNT OTHERS V1_MOUNT, 1,
                 "/sys/fs/cgroup/memory/x");
    assert_place("4:memory:/\n", V1_MOUNT, 1, "/sys/fs/cgroup/memory");
}

TEST(in_a_container_the_path_begins_with_what_is_mounted)
{
    const char *mounts = "9 1 0:3 /docker/12 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
    assert_place("4:memory:/docker/12\n", mounts, 1, "/sys/fs/cgroup/memory");
    assert_place("4:memory:/docker/12/in\n", mounts, 1, "/sys/fs/cgroup/memory/in");
    xpm__cgroup_place place;
    assert_false(xpm__cgroup_locate("4:memory:/docker/123\n", mounts, &place));
    assert_false(xpm__cgroup_locate("4:memory:/elsewhere\n", mounts, &place));
    assert_false(xpm__cgroup_locate("0::/../outside\n", V2_MOUNT, &place));
}

TEST(without_a_group_that_is_mounted_none_is_found)
{
    static const char *const texts[] = {
        "", "\n", "nonsense", "::", "0::", "4:memory", "1:cpu:/\n", "4:memory:/a\n"};
    xpm__cgroup_place place;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(xpm__cgroup_locate(texts[i], V2_MOUNT, &place));
        assert_false(xpm__cgroup_locate("0::/\n", texts[i], &place));
        assert_false(xpm__cgroup_locate("4:memory:/\n", OTHERS, &place));
    }
}

/* ---- What its files say -------------------------------------------------------------------------- */

TEST(the_lowest_limit_of_all_groups_above_counts)
{
    char *folder = folder_new();
    xpm__cgroup_place place;
    char mount[PATH_MAX];
    snprintf(mount, sizeof mount, "9 1 0:3 / %s/top rw - cgroup2 none rw\n", folder);
    file_put(path_of("%s/memory.max", folder), "1\n"); /* above what is mounted */
    mkdir(path_of("%s/top", folder), 0755);
    mkdir(path_of("%s/top/a", folder), 0755);
    mkdir(path_of("%s/top/a/b", folder), 0755);
    assert_true(xpm__cgroup_locate("0::/a/b\n", mount, &place));
    assert_int_equal(xpm__cgroup_limit(&place), 0);
    file_put(path_of("%s/top/a/b/memory.max", folder), "max\n");
    file_put(path_of("%s/top/a/memory.max", folder), "5000\n");
    assert_int_equal(xpm__cgroup_limit(&place), 5000);
    file_put(path_of("%s/top/memory.max", folder), "4000\n");
    assert_int_equal(xpm__cgroup_limit(&place), 4000);
    file_put(path_of("%s/top/a/b/memory.max", folder), "9223372036854771712\n");
    assert_int_equal(xpm__cgroup_limit(&place), 4000);
    file_put(path_of("%s/top/a/b/memory.events", folder),
             "low 0\noom 3\noom_kill 2\noom_group_kill 0\n");
    assert_int_equal(xpm__cgroup_kills(place.files, place.path), 2);
    assert_int_equal(xpm__cgroup_kills(place.files, folder), 0);
    folder_remove(folder);
}

TEST(a_limit_is_one_of_swap_too_where_that_is_counted)
{
    char *folder = folder_new();
    xpm__cgroup_place first, second;
    assert_true(xpm__cgroup_locate("4:memory:/\n", V1_MOUNT, &first));
    assert_true(xpm__cgroup_locate("0::/\n", V2_MOUNT, &second));
    assert_int_equal(xpm__cgroup_set_limit(second.files, folder, 5000), -1);
    file_put(path_of("%s/memory.max", folder), "");
    assert_int_equal(xpm__cgroup_set_limit(second.files, folder, 5000), 0);
    assert_true(file_holds(path_of("%s/memory.max", folder), "5000"));
    file_put(path_of("%s/memory.swap.max", folder), "");
    assert_int_equal(xpm__cgroup_set_limit(second.files, folder, 6000), 0);
    assert_true(file_holds(path_of("%s/memory.swap.max", folder), "0"));
    file_put(path_of("%s/memory.limit_in_bytes", folder), "");
    file_put(path_of("%s/memory.memsw.limit_in_bytes", folder), "");
    assert_int_equal(xpm__cgroup_set_limit(first.files, folder, 7000), 0);
    assert_true(file_holds(path_of("%s/memory.memsw.limit_in_bytes", folder), "7000"));
    folder_remove(folder);
}

/* ---- The kernel ---------------------------------------------------------------------------------- */

/* Where none can be made, the test is passed over. */
static xpm__cgroup *make_or_skip(int64_t memory)
{
    xpm__cgroup *group = xpm__cgroup_make(memory);
    if (group == NULL) {
        print_message("no control group of memory can be made here: passed over\n");
        skip();
    }
    return group;
}

/* A process that enters the group, and writes to that much memory there. Returns its wait status. */
static int use_memory(const xpm__cgroup *group, size_t size)
{
    int status;
    const char *file = path_of("%s/cgroup.procs", xpm__cgroup_path(group));
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(file, O_WRONLY);
        if (write(fd, "0", 1) != 1)
            _exit(2);
        char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (size_t i = 0; memory != MAP_FAILED && i < size; i += 4096)
            memory[i] = 1;
        _exit(memory != MAP_FAILED ? 0 : 3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

TEST(a_group_holds_its_processes_to_its_memory_and_tells_when_it_was_not_enough)
{
    xpm__cgroup *group = make_or_skip(64 * MIB);
    assert_int_equal(use_memory(group, 16 * MIB), 0);
    assert_false(xpm__cgroup_oom(group));
    int status = use_memory(group, 256 * MIB);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(xpm__cgroup_oom(group));
    char *path = strdup(xpm__cgroup_path(group));
    xpm__cgroup_remove(group);
    while (file_is_there(path)) /* the kernel may be a moment behind the end of a process */
        xpm__cgroup_remove(xpm__cgroup_make(MIB));
    free(path);
}

TEST(of_two_groups_one_knows_nothing_of_the_other)
{
    xpm__cgroup *full = make_or_skip(16 * MIB), *other = xpm__cgroup_make(64 * MIB);
    assert_string_not_equal(xpm__cgroup_path(full), xpm__cgroup_path(other));
    assert_true(WIFSIGNALED(use_memory(full, 64 * MIB)));
    assert_int_equal(use_memory(other, 16 * MIB), 0);
    assert_true(xpm__cgroup_oom(full));
    assert_false(xpm__cgroup_oom(other));
    xpm__cgroup_remove(full);
    xpm__cgroup_remove(other);
}

/* A process in the group that lives until `*end` is closed. */
static pid_t stay_in(const xpm__cgroup *group, int *end)
{
    int ends[2], ready[2];
    char byte;
    const char *file = path_of("%s/cgroup.procs", xpm__cgroup_path(group));
    assert_true(pipe(ends) == 0 && pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(file, O_WRONLY);
        close(ends[1]);
        if (write(fd, "0", 1) == 1 && write(ready[1], "", 1) == 1)
            _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
        _exit(2);
    }
    close(ends[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *end = ends[1];
    return pid;
}

TEST(a_group_with_a_process_is_found_by_it_and_removed_when_it_has_gone)
{
    xpm__cgroup *group = make_or_skip(64 * MIB);
    char *path = strdup(xpm__cgroup_path(group));
    int end;
    pid_t pid = stay_in(group, &end);
    xpm__cgroup *found = xpm__cgroup_find(pid);
    assert_non_null(found);
    assert_string_equal(xpm__cgroup_path(found), path);
    xpm__cgroup_remove(found);
    assert_null(xpm__cgroup_find(getpid()));
    xpm__cgroup_remove(group);
    assert_true(file_is_there(path));
    close(end);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    while (file_is_there(path))
        xpm__cgroup_remove(xpm__cgroup_make(MIB));
    free(path);
}

TEST(what_a_killed_process_has_left_is_removed_by_the_next)
{
    xpm__cgroup *group = make_or_skip(MIB);
    char *path = strdup(xpm__cgroup_path(group)), kept[PATH_MAX];
    *strrchr(path, '/') = '\0';
    xpm__cgroup_remove(group);
    snprintf(kept, sizeof kept, "%s/other-1-1", path);
    pid_t pid = fork();
    if (pid == 0) {
        xpm__cgroup *mine = xpm__cgroup_make(MIB);
        mkdir(path_of("%s/experimaestro-%d-9", xpm__cgroup_path(mine), getpid()), 0755);
        _exit(strncmp(xpm__cgroup_path(mine), path, strlen(path)) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    const char *left = path_of("%s/experimaestro-%d-2", path, pid);
    const char *living = path_of("%s/experimaestro-%d-1", path, getppid());
    assert_true(mkdir(kept, 0755) == 0 && mkdir(living, 0755) == 0);
    mkdir(left, 0755);
    xpm_reset(); /* as in a new process */
    xpm__cgroup_remove(xpm__cgroup_make(MIB));
    assert_false(file_is_there(left));
    assert_true(file_is_there(kept));
    assert_true(file_is_there(living));
    rmdir(kept);
    rmdir(living);
    free(path);
}

TEST(no_group_is_made_for_no_limit)
{
    assert_null(xpm__cgroup_make(0));
    assert_null(xpm__cgroup_make(-1));
    xpm__cgroup_remove(NULL);
}

/* ---- A job in a group ---------------------------------------------------------------------------- */

typedef struct {
    int64_t size;
    const char *out;
} use;

/* Writes which limit of data it has, and its groups, then uses so many bytes. */
static int use_execute(use *self, __attribute__((unused)) xpm_task *task)
{
    struct rlimit data;
    FILE *out = fopen(self->out, "w"), *groups = fopen("/proc/self/cgroup", "r");
    if (out == NULL || groups == NULL || getrlimit(RLIMIT_DATA, &data) < 0)
        return 1;
    fprintf(out, "%s %s\n", getenv(XPM__START_VARIABLE) == NULL ? "clean" : "seen",
            data.rlim_cur == RLIM_INFINITY ? "free" : "limited");
    for (int c; (c = fgetc(groups)) != EOF;)
        fputc(c, out);
    fclose(groups);
    if (fclose(out) != 0)
        return 1;
    char *memory =
        mmap(NULL, (size_t)self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int64_t i = 0; memory != MAP_FAILED && i < self->size; i += 4096)
        memory[i] = 1;
    return memory != MAP_FAILED ? 0 : 3;
}
XPM_TASK(use, "cgroup.use", use_execute, XPM_INT(size), XPM_FILE(out, "out.txt"));

/* The job of a task that uses `size` bytes, with a limit of 64 MiB. */
static xpm_job *run(xpm_experiment *xp, double size)
{
    xpm_job *job = make(xp, xpm_new("cgroup.use", "size", size));
    xpm_job_set_limits(job, &(xpm_limits){.memory = 64 * MIB});
    assert_int_equal(xpm_job_submit(job, NULL), 0);
    xpm_job_wait(job, -1);
    return job;
}

TEST(a_job_with_a_limit_is_held_to_it_by_a_group_of_its_own)
{
    xpm__cgroup_remove(make_or_skip(MIB)); /* where that can be */
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *small = run(xp, 16 * MIB);
    assert_int_equal(xpm_job_state_now(small), XPM_JOB_DONE);
    const char *out = path_of("%s/out.txt", xpm_job_directory(small));
    assert_true(file_holds(out, "clean free"));
    assert_true(file_holds(out, "/experimaestro-"));
    xpm_job *big = run(xp, 256 * MIB);
    assert_int_equal(xpm_job_state_now(big), XPM_JOB_ERROR);
    assert_int_equal(xpm_job_reason(big), XPM_REASON_MEMORY);
    xpm_job_unref(small);
    xpm_job_unref(big);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

/* A sanitizer needs more data than any limit of memory allows. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

/* Runs a job's task again, by hand, in a group that is not there. Its exit status. */
static int run_by_hand(const char *program, const xpm_job *job)
{
    const char *params = path_of("%s/params.json", xpm_job_directory(job));
    pid_t pid = fork();
    if (pid == 0) {
        setenv(XPM__START_VARIABLE, "0 0 67108864 0 /none", 1);
        execl(program, program, "job", params, NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

TEST(a_job_whose_group_is_not_there_limits_its_own_data)
{
    if (IS_SANITIZED)
        skip();
    char *folder = folder_new();
    xpm_error err;
    xpm_experiment_options options = {.mode = XPM_GENERATE_ONLY};
    xpm_experiment *xp = xpm_experiment_open(folder, "test", &options, &err);
    xpm_job *small = submit(xp, xpm_new("cgroup.use", "size", (double)MIB));
    xpm_job *big = submit(xp, xpm_new("cgroup.use", "size", 256. * MIB));
    assert_int_equal(run_by_hand("/proc/self/exe", small), 0);
    assert_true(file_holds(path_of("%s/out.txt", xpm_job_directory(small)), "clean limited"));
    assert_int_equal(run_by_hand("/proc/self/exe", big), 3);
    xpm_job_unref(small);
    xpm_job_unref(big);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return xpm_main(argc, argv, no_plan);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_group_is_found_in_both_versions_and_where_they_are_mixed),
        cmocka_unit_test(in_a_container_the_path_begins_with_what_is_mounted),
        cmocka_unit_test(without_a_group_that_is_mounted_none_is_found),
        cmocka_unit_test(the_lowest_limit_of_all_groups_above_counts),
        cmocka_unit_test(
            a_group_holds_its_processes_to_its_memory_and_tells_when_it_was_not_enough),
        cmocka_unit_test(of_two_groups_one_knows_nothing_of_the_other),
        cmocka_unit_test(a_group_with_a_process_is_found_by_it_and_removed_when_it_has_gone),
        cmocka_unit_test(what_a_killed_process_has_left_is_removed_by_the_next),
        cmocka_unit_test(a_limit_is_one_of_swap_too_where_that_is_counted),
        cmocka_unit_test(no_group_is_made_for_no_limit),
        cmocka_unit_test(a_job_with_a_limit_is_held_to_it_by_a_group_of_its_own),
        cmocka_unit_test(a_job_whose_group_is_not_there_limits_its_own_data),
    };
    return RUN_TESTS(tests);
}
