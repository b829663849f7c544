/* The local launcher: posix_spawn, which does not slow down as the scheduler's memory grows (it
 * shares it until the exec), and pidfd, so that an end is an event of the loop. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "launch/launcher.h"
#include "launch/oom.h"
#include "record/jobdir.h"

static int open_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int open_stream(const xpm__start *start, const char *suffix, xpm_error *err)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(start->name, suffix, file);
    int fd = openat(start->directory, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        xpm__fail_io(err, file, "create the job's stream");
    return fd;
}

/* Own session, signals at their defaults and none blocked. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
}

static int spawn(const xpm__start *start, int null, int out, int error_stream, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    set_attributes(&attributes);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addfchdir_np(&actions, start->directory);
    posix_spawn_file_actions_adddup2(&actions, null, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, error_stream, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, start->lock, XPM__LOCK_FD);
    int last = XPM__LOCK_FD;
    for (size_t i = 0; i < start->guard_count; i++)
        posix_spawn_file_actions_adddup2(&actions, start->guards[i], ++last);
    posix_spawn_file_actions_addclosefrom_np(&actions, last + 1);
    int status = posix_spawn(pid, start->argv[0], &actions, &attributes, (char **)start->argv,
                             start->environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return status;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static int start_local(const xpm__start *start, xpm__process *process, xpm_error *err)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), status = -1;
    int out = open_stream(start, ".out", err);
    xpm__oom_watch();
    int error_stream = out >= 0 ? open_stream(start, ".err", err) : -1;
    if (error_stream < 0)
        goto end;
    errno = spawn(start, null, out, error_stream, &process->pid);
    if (errno != 0) {
        xpm__fail_io(err, start->argv[0], "start the program");
        goto end;
    }
    process->fd = open_pidfd(process->pid);
    if (process->fd < 0) {
        xpm__fail_io(err, start->argv[0], "watch the process of");
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
        goto end;
    }
    status = 0;
end:
    close_fd(null);
    close_fd(out);
    close_fd(error_stream);
    return status;
}

static int adopt_local(pid_t pid, xpm__process *process)
{
    process->pid = pid;
    process->fd = open_pidfd(pid);
    if (process->fd < 0)
        return -1;
    fcntl(process->fd, F_SETFD, FD_CLOEXEC);
    return 0;
}

static bool cancel_local(const xpm__process *process)
{
    return syscall(SYS_pidfd_send_signal, process->fd, SIGTERM, NULL, 0) == 0;
}

static void end_local(const xpm__process *process, xpm__end *end)
{
    int status;
    struct rusage usage;
    *end = (xpm__end){0};
    if (wait4(process->pid, &status, WNOHANG, &usage) != process->pid)
        return;
    end->known = true;
    end->peak_memory = usage.ru_maxrss * 1024L;
    if (WIFSIGNALED(status))
        end->signal = WTERMSIG(status);
    else
        end->code = WEXITSTATUS(status);
    end->memory = end->signal == SIGKILL && xpm__oom_killed(process->pid);
}

const xpm__launcher xpm__local_launcher = {
    .name = "local",
    .start = start_local,
    .adopt = adopt_local,
    .cancel = cancel_local,
    .end = end_local,
};
