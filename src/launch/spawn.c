/* The cold start: posix_spawn, which does not slow down as the scheduler's memory grows (it shares it
 * until the exec), and pidfd, so that an end is an event of the loop. */
#include "launch/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "launch/oom.h"

int xpm__process_open(pid_t pid, xpm__process *process)
{
    process->pid = pid;
    process->fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return process->fd < 0 ? -1 : fcntl(process->fd, F_SETFD, FD_CLOEXEC);
}

void xpm__process_kill(const xpm__process *process)
{
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
}

/* Its number is its own until it is collected; and then its group's, while that has processes: so no other
 * process has the number of another's child. */
static bool may_have_failed(const xpm__process *process)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
        return info.si_pid == process->pid && (info.si_code != CLD_EXITED || info.si_status != 0);
    return syscall(SYS_pidfd_send_signal, process->fd, 0, NULL, 0) == 0 ||
           (kill(process->pid, 0) < 0 && errno == ESRCH);
}

void xpm__process_end_rest(const xpm__process *process, int folder, const char *name)
{
    xpm__jobdir_state state;
    if (may_have_failed(process) && !xpm__jobdir_read_markers(folder, name, &state))
        kill(-process->pid, SIGKILL);
}

void xpm__process_collect(const xpm__process *process, xpm__end *end)
{
    int status;
    struct rusage usage;
    *end = (xpm__end){0};
    if (wait4(process->pid, &status, WNOHANG, &usage) != process->pid)
        return; /* it is no child of this process */
    end->known = true;
    end->peak_memory = usage.ru_maxrss * 1024L;
    if (WIFSIGNALED(status))
        end->signal = WTERMSIG(status);
    else
        end->code = WEXITSTATUS(status);
    end->memory = end->signal == SIGKILL && xpm__oom_killed(process->pid);
}

void xpm__process_tell(const xpm__process *process, int signal_number)
{
    (void)syscall(SYS_pidfd_send_signal, process->fd, signal_number, NULL, 0);
}

/* ---- Streams ---------------------------------------------------------------------------------- */

static int open_stream(const xpm__start *start, const char *suffix, xpm_error *err)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(start->name, suffix, file);
    int fd = openat(start->directory, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        xpm__fail_io(err, file, "create the job's stream");
    return fd;
}

int xpm__streams_open(const xpm__start *start, xpm__streams *streams, xpm_error *err)
{
    streams->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    streams->out = open_stream(start, ".out", err);
    streams->err = streams->out >= 0 ? open_stream(start, ".err", err) : -1;
    if (streams->err >= 0)
        return 0;
    xpm__streams_close(streams);
    return -1;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void xpm__streams_close(const xpm__streams *streams)
{
    close_fd(streams->in);
    close_fd(streams->out);
    close_fd(streams->err);
}

/* ---- Starting --------------------------------------------------------------------------------- */

/* Own session, signals at their defaults and none blocked. */
static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static void set_actions(const xpm__start *start, const xpm__streams *streams,
                        posix_spawn_file_actions_t *actions)
{
    posix_spawn_file_actions_init(actions);
    posix_spawn_file_actions_addfchdir_np(actions, start->directory);
    posix_spawn_file_actions_adddup2(actions, streams->in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(actions, streams->out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(actions, streams->err, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(actions, start->lock, XPM__LOCK_FD);
    int last = XPM__LOCK_FD;
    for (size_t i = 0; i < start->guard_count; i++)
        posix_spawn_file_actions_adddup2(actions, start->guards[i], ++last);
    posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
}

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words != NULL && words[count] != NULL)
        count++;
    return count;
}

/* The words of a wrapper and those of a command. The texts are borrowed: xpm_free. */
static const char **join(const char *const *wrapper, const char *const *argv)
{
    size_t before = count_words(wrapper), count = count_words(argv);
    const char **words = xpm__alloc((before + count + 1) * sizeof *words);
    for (size_t i = 0; i < before; i++)
        words[i] = wrapper[i];
    memcpy(words + before, argv, (count + 1) * sizeof *words);
    return words;
}

static int spawn(const xpm__start *start, const char *const *wrapper, const xpm__streams *streams,
                 pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    set_attributes(&attributes);
    set_actions(start, streams, &actions);
    const char **argv = join(wrapper, start->argv);
    int status = (wrapper != NULL ? posix_spawnp : posix_spawn)(pid, argv[0], &actions, &attributes,
                                                                (char **)argv, start->environment);
    xpm_free(argv);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return status;
}

/* A process has the cores of the thread that starts it: this one takes the job's for that time. */
static int spawn_on_cores(const xpm__start *start, const char *const *wrapper,
                          const xpm__streams *streams, pid_t *pid)
{
    const cpu_set_t *cores = start->share != NULL ? xpm__share_cores(start->share) : NULL;
    cpu_set_t own;
    if (cores == NULL || sched_getaffinity(0, sizeof own, &own) < 0)
        return spawn(start, wrapper, streams, pid);
    sched_setaffinity(0, sizeof *cores, cores);
    int status = spawn(start, wrapper, streams, pid);
    sched_setaffinity(0, sizeof own, &own);
    return status;
}

int xpm__spawn(const xpm__start *start, const char *const *wrapper, const xpm__streams *streams,
               xpm__process *process, xpm_error *err)
{
    const char *program = wrapper != NULL ? wrapper[0] : start->argv[0];
    errno = spawn_on_cores(start, wrapper, streams, &process->pid);
    if (errno != 0)
        return xpm__fail_io(err, program, "start the program");
    if (xpm__process_open(process->pid, process) == 0)
        return 0;
    xpm__fail_io(err, program, "watch the process of");
    xpm__process_kill(process);
    return -1;
}
