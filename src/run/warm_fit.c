/* Whether a fork of this process is as a new process: nothing of what it holds may be shared by two
 * jobs, be lost by a fork, or have been done for one job alone. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "record/jobdir.h"
#include "run/warm.h"

static bool refuse(char *reason, const char *what, const char *name)
{
    snprintf(reason, XPM__WARM_REASON_SIZE, "%s%s", what, name);
    return false;
}

/* ---- Threads and children --------------------------------------------------------------------- */

static void count(void *user, const char *name)
{
    (void)name;
    ++*(size_t *)user;
}

static size_t threads(void)
{
    size_t found = 0;
    xpm__file_each_visible(AT_FDCWD, "/proc/self/task", count, &found);
    return found;
}

/* Libraries that keep threads for later, as those of linear algebra do, end them before a fork, and start
 * them anew when they are needed. They are given the occasion. */
static bool is_single(void)
{
    enum { TRIES = 50 };
    if (threads() == 1)
        return true;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    /* One that was joined is listed for a moment still. */
    for (int i = 0; i < TRIES && threads() > 1; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return threads() == 1;
}

static bool is_childless(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT | __WALL) <
               0 &&
           errno == ECHILD;
}

/* ---- Open files ------------------------------------------------------------------------------- */

typedef struct surplus {
    char target[XPM__WARM_REASON_SIZE / 2];
} surplus;

static void find_surplus(void *user, const char *name)
{
    surplus *found = user;
    char path[64], target[PATH_MAX];
    int fd = atoi(name);
    if (fd <= XPM__LOCK_FD || found->target[0] != '\0')
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(path, target, sizeof target - 1);
    if (size <= 0)
        return;
    target[size] = '\0';
    /* The folder that lists them is one of them. */
    snprintf(path, sizeof path, "/proc/%d/fd", (int)getpid());
    if (strcmp(target, path) != 0)
        snprintf(found->target, sizeof found->target, "%.*s", (int)sizeof found->target - 1,
                 target);
}

/* Its streams are files without a name, into which nothing was written. */
static bool is_silent(int fd)
{
    struct stat stream;
    return fstat(fd, &stream) == 0 && S_ISREG(stream.st_mode) && stream.st_nlink == 0 &&
           stream.st_size == 0;
}

/* ---- Memory and timers ------------------------------------------------------------------------ */

/* Memory that a fork shares with its parent, and does not copy. */
static bool shares_memory(void)
{
    xpm__str maps = {0};
    bool shares = xpm__file_read(AT_FDCWD, "/proc/self/maps", &maps) < 0 || maps.size == 0 ||
                  strstr(maps.data, " rw-s ") != NULL;
    xpm__str_free(&maps);
    return shares;
}

static bool locks_memory(void)
{
    xpm__str status = {0};
    bool locks = false;
    if (xpm__file_read(AT_FDCWD, "/proc/self/status", &status) == 0 && status.size > 0) {
        const char *line = strstr(status.data, "VmLck:");
        locks = line != NULL && strtol(line + strlen("VmLck:"), NULL, 10) > 0;
    }
    xpm__str_free(&status);
    return locks;
}

static bool has_timers(void)
{
    static const __itimer_which_t kinds[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    xpm__str timers = {0};
    struct itimerval value;
    bool found = xpm__file_read(AT_FDCWD, "/proc/self/timers", &timers) == 0 && timers.size > 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        found |= getitimer(kinds[i], &value) == 0 &&
                 (value.it_value.tv_sec > 0 || value.it_value.tv_usec > 0);
    xpm__str_free(&timers);
    return found;
}

static bool dies_with_parent(void)
{
    int signal_number = 0;
    return prctl(PR_GET_PDEATHSIG, &signal_number) == 0 && signal_number != 0;
}

/* ----------------------------------------------------------------------------------------------- */

bool xpm__warm_is_fit(char reason[XPM__WARM_REASON_SIZE])
{
    surplus found = {0};
    fflush(NULL);
    if (!is_silent(STDOUT_FILENO) || !is_silent(STDERR_FILENO))
        return refuse(reason, "something was printed, or a stream replaced", "");
    if (!is_single())
        return refuse(reason, "there are threads", "");
    if (!is_childless())
        return refuse(reason, "there are child processes", "");
    if (xpm__file_each_visible(AT_FDCWD, "/proc/self/fd", find_surplus, &found) < 0 ||
        found.target[0] != '\0')
        return refuse(reason, "a file was left open: ", found.target);
    if (shares_memory())
        return refuse(reason, "there is memory that is shared with other processes", "");
    if (locks_memory() || has_timers() || dies_with_parent())
        return refuse(reason, "memory is locked, or a timer or a signal of its end was asked for",
                      "");
    return true;
}
