#include "launch/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "launch/cgroup_find.h"

enum { RECORD_SIZE = 8192, RECENT = 60 /* seconds */ };

/* ---- The kernel's log ---------------------------------------------------------------------------- */

/* A record of /dev/kmsg is "LEVEL,NUMBER,MICROSECONDS,-;MESSAGE", the time since boot. */
static bool tells_of(const char *record, pid_t pid, long long now)
{
    char killed[64];
    long long micros;
    const char *message = strchr(record, ';');
    if (message == NULL || sscanf(record, "%*d,%*d,%lld", &micros) != 1 ||
        now - micros / 1000000 > RECENT)
        return false;
    snprintf(killed, sizeof killed, "Killed process %d (", (int)pid);
    return strstr(message, killed) != NULL;
}

/* False also when the log cannot be read. */
static bool log_tells_of(pid_t pid)
{
    char record[RECORD_SIZE];
    struct timespec now;
    ssize_t size;
    bool found = false;
    int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    clock_gettime(CLOCK_BOOTTIME, &now);
    /* EPIPE: the record was overwritten; the next read gives the one after it. */
    while (!found && ((size = read(fd, record, sizeof record - 1)) > 0 || errno == EPIPE)) {
        if (size <= 0)
            continue;
        record[size] = '\0';
        found = tells_of(record, pid, now.tv_sec);
    }
    close(fd);
    return found;
}

/* ---- The control group --------------------------------------------------------------------------- */

/* Of this process's group; 0 where memory is counted in none. */
static long kills_counted(void)
{
    xpm__cgroup_place place;
    return xpm__cgroup_of(getpid(), &place) ? xpm__cgroup_kills(place.files, place.path) : 0;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of each experiment, one asks */
static long counted = -1;

void xpm__oom_watch(void)
{
    pthread_mutex_lock(&mutex);
    if (counted < 0)
        counted = kills_counted();
    pthread_mutex_unlock(&mutex);
}

bool xpm__oom_killed(pid_t pid)
{
    pthread_mutex_lock(&mutex);
    long before = counted;
    counted = kills_counted();
    bool more = counted > before;
    pthread_mutex_unlock(&mutex);
    return more || log_tells_of(pid);
}
