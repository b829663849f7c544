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

enum { OUT, ERRORS, STREAMS };

/* What a program gets of this process's descriptors; -1 for none, and nowhere. */
typedef struct descriptors {
    int in;
    int streams[STREAMS]; /* standard output and error */
    int keep;
} descriptors;

/* Own session (Ctrl-C is not for it), signals at their defaults and none blocked. Returns 0 or an
 * errno. */
static int spawn(const char *const *argv, char *const *environment, const descriptors *given,
                 pid_t *pid)
{
    static const char null[] = "/dev/null";
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int last = STDERR_FILENO;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < STREAMS; i++)
        if (given->streams[i] >= 0)
            posix_spawn_file_actions_adddup2(&actions, given->streams[i], STDOUT_FILENO + i);
        else
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO + i, null, O_WRONLY, 0);
    if (given->in >= 0)
        posix_spawn_file_actions_adddup2(&actions, given->in, STDIN_FILENO);
    else
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, null, O_RDONLY, 0);
    if (given->keep >= 0)
        posix_spawn_file_actions_adddup2(&actions, given->keep, ++last);
    posix_spawn_file_actions_addclosefrom_np(&actions, last + 1);
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

/* Reads what a descriptor has for now; it is closed, and -1, at its end. Returns 0 or an errno. */
static int read_some(int *fd, size_t limit, xpm__str *out)
{
    char buffer[8192];
    ssize_t got = read(*fd, buffer, sizeof buffer);
    if (got < 0)
        return errno;
    if (got == 0) {
        close(*fd);
        *fd = -1;
    } else if (out->size + (size_t)got > limit) {
        return EFBIG;
    } else {
        xpm__str_add(out, buffer, (size_t)got);
    }
    return 0;
}

/* Reads both streams to their end. Returns 0, or the errno that says why it gave up. */
static int listen_to(int fds[STREAMS], const xpm__patience *patience,
                     xpm__str *const texts[STREAMS])
{
    int64_t deadline = now_ms() + (int64_t)(patience->seconds * 1000);
    int hurry = patience->hurry, problem = 0;
    while (problem == 0 && (fds[OUT] >= 0 || fds[ERRORS] >= 0)) {
        struct pollfd watched[] = {{.fd = fds[OUT], .events = POLLIN},
                                   {.fd = fds[ERRORS], .events = POLLIN},
                                   {.fd = hurry, .events = POLLIN}};
        int64_t left = deadline - now_ms();
        int ready = left > 0 ? poll(watched, STREAMS + 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return ready < 0 ? errno : ETIMEDOUT;
        if (watched[STREAMS].revents != 0) {
            int64_t moment = now_ms() + XPM__MOMENT_MS;
            deadline = moment < deadline ? moment : deadline;
            hurry = -1;
        }
        for (int i = 0; i < STREAMS && problem == 0; i++)
            if (watched[i].revents != 0)
                problem = read_some(&fds[i], patience->size, texts[i]);
    }
    return problem;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

int xpm__process_ask(const char *const *argv, char *const *environment,
                     const xpm__patience *patience, int keep, xpm__str *out, xpm__str *errors)
{
    xpm__str *const texts[STREAMS] = {out, errors};
    descriptors given = {.in = -1, .streams = {-1, -1}, .keep = keep};
    int fds[STREAMS] = {-1, -1}, status = 0, problem = 0;
    pid_t pid;
    for (int i = 0; i < STREAMS && problem == 0; i++) {
        int ends[2];
        if (texts[i] == NULL)
            continue;
        problem = pipe2(ends, O_CLOEXEC) < 0 ? errno : 0;
        if (problem == 0) {
            fds[i] = ends[0];
            given.streams[i] = ends[1];
        }
    }
    if (problem == 0)
        problem = spawn(argv, environment, &given, &pid);
    bool started = problem == 0;
    for (int i = 0; i < STREAMS; i++)
        close_fd(given.streams[i]);
    if (started)
        problem = listen_to(fds, patience, texts);
    for (int i = 0; i < STREAMS; i++)
        close_fd(fds[i]);
    if (started && problem != 0)
        kill(-pid, SIGKILL); /* its session's first group */
    while (started && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (problem == 0 && WIFEXITED(status))
        return WEXITSTATUS(status);
    errno = problem != 0 ? problem : EINTR;
    return -1;
}

int xpm__process_read(const char *const *argv, char *const *environment,
                      const xpm__patience *patience, xpm__str *out)
{
    return xpm__process_ask(argv, environment, patience, -1, out, NULL);
}

pid_t xpm__process_leave(const char *const *argv, char *const *environment)
{
    static const descriptors nothing = {.in = -1, .streams = {-1, -1}, .keep = -1};
    pid_t pid;
    int problem = spawn(argv, environment, &nothing, &pid);
    errno = problem;
    return problem == 0 ? pid : -1;
}

pid_t xpm__process_talk(const char *const *argv, char *const *environment, int fds[3])
{
    enum { ALL = 3 };
    int pipes[ALL][2], theirs[ALL] = {-1, -1, -1}, made = 0, problem = 0;
    pid_t pid = -1;
    while (made < ALL && pipe2(pipes[made], O_CLOEXEC) == 0)
        made++;
    if (made < ALL)
        problem = errno;
    for (int i = 0; i < made; i++) {
        bool reads = i == STDIN_FILENO; /* what the program reads, this process writes */
        theirs[i] = pipes[i][reads ? 0 : 1];
        fds[i] = pipes[i][reads ? 1 : 0];
    }
    descriptors given = {.in = theirs[0], .streams = {theirs[1], theirs[2]}, .keep = -1};
    if (problem == 0)
        problem = spawn(argv, environment, &given, &pid);
    for (int i = 0; i < made; i++) {
        close(theirs[i]);
        if (problem != 0)
            close(fds[i]);
    }
    errno = problem;
    return problem == 0 ? pid : -1;
}
