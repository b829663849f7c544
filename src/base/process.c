#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUT = STDOUT_FILENO };

/* Own session (Ctrl-C is not for it), signals at their defaults and none blocked, standard output
 * to `out`, or nowhere when it is -1. Returns 0 or an errno. */
static int spawn(const char *const *argv, char *const *environment, int out, pid_t *pid)
{
    static const char null[] = "/dev/null";
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    if (out >= 0)
        posix_spawn_file_actions_adddup2(&actions, out, OUT);
    else
        posix_spawn_file_actions_addopen(&actions, OUT, null, O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, null, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, null, O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    int status =
        posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return status;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads to the end. Returns 0, or the errno that says why it gave up. */
static int listen_to(int fd, const xpm__patience *patience, xpm__str *out)
{
    int64_t deadline = now_ms() + (int64_t)(patience->seconds * 1000);
    int hurry = patience->hurry;
    for (;;) {
        char buffer[8192];
        struct pollfd watched[] = {{.fd = fd, .events = POLLIN}, {.fd = hurry, .events = POLLIN}};
        int64_t left = deadline - now_ms();
        int ready = left > 0 ? poll(watched, 2, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return ready < 0 ? errno : ETIMEDOUT;
        if (watched[1].revents != 0) {
            int64_t moment = now_ms() + XPM__MOMENT_MS;
            deadline = moment < deadline ? moment : deadline;
            hurry = -1;
        }
        if (watched[0].revents == 0)
            continue;
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got <= 0)
            return got < 0 ? errno : 0;
        if (out->size + (size_t)got > patience->size)
            return EFBIG;
        xpm__str_add(out, buffer, (size_t)got);
    }
}

int xpm__process_read(const char *const *argv, char *const *environment,
                      const xpm__patience *patience, xpm__str *out)
{
    int ends[2], status = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    int problem = spawn(argv, environment, ends[1], &pid);
    close(ends[1]);
    if (problem != 0) {
        close(ends[0]);
        errno = problem;
        return -1;
    }
    problem = listen_to(ends[0], patience, out);
    close(ends[0]);
    if (problem != 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (problem == 0 && WIFEXITED(status))
        return WEXITSTATUS(status);
    errno = problem != 0 ? problem : EINTR;
    return -1;
}

pid_t xpm__process_leave(const char *const *argv, char *const *environment)
{
    pid_t pid;
    int problem = spawn(argv, environment, -1, &pid);
    errno = problem;
    return problem == 0 ? pid : -1;
}
