/* Preloaded into a driver and its jobs: counts the calls by which they change the workspace, and at
 * the call whose number it was given kills the process, or makes that call fail or write half.
 *
 *   XPM_FAULTS_ROOT   the workspace: calls on paths below it are counted, and on files opened there
 *   XPM_FAULTS_STATE  a file of zeros that all processes share: `struct state` below
 *   XPM_FAULTS        WHO:CALL:WHAT[:ONLY],...
 *                       WHO   driver, or a number: the job that is the WHOth to start; or parent, of
 *                             warm jobs, whose calls are those by which it is asked for one, twice
 *                             each: before it and after it
 *                       CALL  the number of the call, from 1; 0 is none, so the calls are only counted
 *                       WHAT  kill, tear (a write does its first half first), short (from then on,
 *                             writes do half), tell (it gets SIGINT, and goes on), or an errno's
 *                             number, with + from that call on
 *                       ONLY  the calls that are counted, as write|create
 *   XPM_FAULTS_CLOCK  seconds that the clock of the day is wrong by
 *
 * A call that only looks is not counted: to die before it is to die before the next that changes. */
#undef _FILE_OFFSET_BITS /* the names without 64 are defined here, and the others as aliases */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FAULTS = 4, MAX_FDS = 4096, WORD = 16 };

/* In step with faults.py. */
struct state {
    int jobs; /* started so far */
    struct {
        unsigned calls, fired;
        int pid;         /* that it fired in */
        char call[WORD]; /* at which */
    } faults[MAX_FAULTS];
};

typedef struct fault {
    int job; /* 0: the driver */
    unsigned call;
    bool kill, half, stays, tell;
    int error;
    char only[64];
} fault;

static const char *state_file;
static fault faults[MAX_FAULTS];
enum { UNCOUNTED = -1, PARENT = -2 };
static int fault_count, me = UNCOUNTED; /* the job's number, 0 in the driver, or one of these */
static pid_t parent;
static const char *root;
static unsigned char tracked[MAX_FDS]; /* descriptors of files below the root */
static time_t wrong;

/* ---- What is due ------------------------------------------------------------------------------ */

static void parse_fault(const char *text, fault *f)
{
    char who[WORD], what[WORD];
    if (sscanf(text, "%15[^:]:%u:%15[^:]:%63s", who, &f->call, what, f->only) < 3)
        abort();
    f->job = strcmp(who, "driver") == 0 ? 0 : strcmp(who, "parent") == 0 ? PARENT : atoi(who);
    f->kill = strcmp(what, "kill") == 0 || strcmp(what, "tear") == 0;
    f->half = strcmp(what, "short") == 0 || strcmp(what, "tear") == 0;
    f->stays = strcmp(what, "short") == 0 || strchr(what, '+') != NULL;
    f->tell = strcmp(what, "tell") == 0;
    f->error = atoi(what);
}

/* Only mapped while it is needed: no job is forked from a process that shares memory with others. */
static struct state *open_state(void)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, state_file, O_RDWR | O_CLOEXEC);
    struct state *state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (state == MAP_FAILED)
        abort();
    return state;
}

static void close_state(struct state *state)
{
    munmap(state, sizeof *state);
}

static int next_job(void)
{
    struct state *state = open_state();
    int number = __atomic_add_fetch(&state->jobs, 1, __ATOMIC_SEQ_CST);
    close_state(state);
    return number;
}

/* A parent of warm jobs has a socket where a job has its lock. A driver's own children that are no jobs
 * (git, say) are let be. */
static int who_am_i(void)
{
    struct stat info;
    bool is_started = getenv("XPM_JOB_LOCK") != NULL;
    parent = getpid();
    if (is_started && syscall(SYS_fstat, 3, &info) == 0 && S_ISSOCK(info.st_mode))
        return PARENT;
    if (is_started)
        return next_job();
    if (getenv("XPM_FAULTS_INSIDE") != NULL)
        return UNCOUNTED;
    setenv("XPM_FAULTS_INSIDE", "1", 1);
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *clock = getenv("XPM_FAULTS_CLOCK");
    char *list = getenv("XPM_FAULTS"), *rest = NULL;
    wrong = clock != NULL ? atol(clock) : 0;
    root = getenv("XPM_FAULTS_ROOT");
    state_file = getenv("XPM_FAULTS_STATE");
    if (state_file == NULL || access(state_file, R_OK | W_OK) < 0 || root == NULL || list == NULL)
        return;
    root = strdup(root); /* programs may change their environment */
    state_file = strdup(state_file);
    list = strdup(list);
    for (char *text = strtok_r(list, ",", &rest); text != NULL; text = strtok_r(NULL, ",", &rest))
        parse_fault(text, &faults[fault_count++]);
    free(list);
    me = who_am_i();
}

static bool counts(const fault *f, const char *call)
{
    const char *at = f->only[0] != '\0' ? strstr(f->only, call) : call;
    return f->job == me && at != NULL;
}

/* What is to happen to this call: nothing, an errno to fail with, or half of it. */
typedef struct due {
    int error;
    bool half, kill;
} due;

static due look_up(const char *call)
{
    due result = {0};
    struct state *state = open_state();
    for (int i = 0; i < fault_count; i++) {
        const fault *f = &faults[i];
        if (!counts(f, call))
            continue;
        unsigned number = __atomic_add_fetch(&state->faults[i].calls, 1, __ATOMIC_SEQ_CST);
        if (f->call == 0 || (f->stays ? number < f->call : number != f->call))
            continue;
        state->faults[i].fired++;
        state->faults[i].pid = getpid();
        snprintf(state->faults[i].call, WORD, "%s", call);
        if (f->tell)
            raise(SIGINT);
        result = (due){.error = f->error, .half = f->half, .kill = f->kill};
    }
    close_state(state);
    return result;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* For a call that has no half. Returns whether it fails, with errno. */
static bool fails(const char *call)
{
    due d = look_up(call);
    if (d.kill)
        die();
    if (d.error != 0)
        errno = d.error;
    return d.error != 0;
}

/* ---- Whose call it is ------------------------------------------------------------------------- */

/* A process that a parent has forked is a job. */
static void settle(void)
{
    if (me == PARENT && getpid() != parent)
        me = next_job();
}

static bool is_tracked(int fd)
{
    settle();
    return me >= 0 && fd >= 0 && fd < MAX_FDS && tracked[fd];
}

/* A job is in its folder, so what it names without a folder is there too. */
static bool is_ours(int dir, const char *path)
{
    settle();
    if (me < 0)
        return false;
    if (path[0] == '/')
        return strncmp(path, root, strlen(root)) == 0;
    return dir == AT_FDCWD ? me > 0 : is_tracked(dir);
}

static int track(int fd, bool ours)
{
    if (fd >= 0 && fd < MAX_FDS)
        tracked[fd] = ours;
    return fd;
}

static void find_next(const char *name, void *function)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol == NULL)
        abort();
    memcpy(function, &symbol, sizeof symbol);
}

#define NEXT(name)                                                                                 \
    static __typeof__(name) *next;                                                                 \
    if (next == NULL)                                                                              \
    find_next(#name, &next)

/* ---- The calls -------------------------------------------------------------------------------- */

int openat(int dir, const char *path, int flags, ...)
{
    NEXT(openat);
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    bool ours = is_ours(dir, path);
    bool changes = (flags & (O_CREAT | O_ACCMODE)) != 0;
    if (ours && changes && fails(flags & O_CREAT ? "create" : "open"))
        return -1;
    return track(next(dir, path, flags, mode), ours);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return openat(AT_FDCWD, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...) __attribute__((alias("openat")));
int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int close(int fd)
{
    NEXT(close);
    bool failed = is_tracked(fd) && fails("close");
    int error = errno;
    track(fd, false);
    int status = next(fd); /* closed it is in any case, as on Linux */
    if (failed)
        errno = error;
    return failed ? -1 : status;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    NEXT(recvmsg);
    bool asked = me == PARENT && getpid() == parent;
    if (asked && fails("ask"))
        return -1;
    ssize_t size = next(fd, message, flags);
    return asked && size > 0 && fails("ask") ? -1 : size;
}

ssize_t write(int fd, const void *data, size_t size)
{
    NEXT(write);
    due d = is_tracked(fd) ? look_up("write") : (due){0};
    ssize_t done = 0;
    if (d.half)
        done = next(fd, data, size > 1 ? size / 2 : size);
    if (d.kill)
        die();
    if (d.error != 0) {
        errno = d.error;
        return -1;
    }
    return d.half ? done : next(fd, data, size);
}

int ftruncate(int fd, off_t size)
{
    NEXT(ftruncate);
    return is_tracked(fd) && fails("truncate") ? -1 : next(fd, size);
}
int ftruncate64(int fd, off64_t size) __attribute__((alias("ftruncate")));

int renameat(int from_dir, const char *from, int dir, const char *path)
{
    NEXT(renameat);
    return is_ours(dir, path) && fails("rename") ? -1 : next(from_dir, from, dir, path);
}

int unlinkat(int dir, const char *path, int flags)
{
    NEXT(unlinkat);
    return is_ours(dir, path) && fails("unlink") ? -1 : next(dir, path, flags);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
    NEXT(mkdirat);
    return is_ours(dir, path) && fails("mkdir") ? -1 : next(dir, path, mode);
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int symlinkat(const char *target, int dir, const char *path)
{
    NEXT(symlinkat);
    return is_ours(dir, path) && fails("symlink") ? -1 : next(target, dir, path);
}

int flock(int fd, int operation)
{
    NEXT(flock);
    return is_tracked(fd) && fails("flock") ? -1 : next(fd, operation);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const environment[])
{
    NEXT(posix_spawn);
    if (me == 0 && fails("spawn"))
        return errno;
    return next(pid, path, actions, attributes, argv, environment);
}

static bool is_parent(pid_t pid)
{
    char file[64], target[WORD] = "";
    snprintf(file, sizeof file, "/proc/%d/fd/3", (int)pid);
    ssize_t size = readlink(file, target, sizeof target - 1);
    return size > 0 && strncmp(target, "socket:", strlen("socket:")) == 0;
}

/* By pidfd_open the driver asks to be told of a process's end. It is refused when that process has
 * ended, if it is a job's: what it has recorded by then must hold. */
static bool watch_fails(pid_t pid)
{
    siginfo_t end;
    if (!fails("watch"))
        return false;
    int error = errno;
    if (!is_parent(pid))
        waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT);
    errno = error;
    return true;
}

long syscall(long number, ...)
{
    NEXT(syscall);
    long given[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        given[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_pidfd_open && me == 0 && watch_fails((pid_t)given[0]))
        return -1;
    return next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

/* ---- The clock -------------------------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    NEXT(clock_gettime);
    int status = next(clock, now);
    if (status == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += wrong;
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    NEXT(gettimeofday);
    int status = next(now, zone);
    if (status == 0)
        now->tv_sec += wrong;
    return status;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
