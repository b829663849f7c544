#include "launch/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

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

/* The file of this process's group that counts kills: in the second version of groups, of the line
 * "0::/PATH" in /proc/self/cgroup, and in the first, of the line "N:memory:/PATH". */
static bool find_counter(char path[PATH_MAX])
{
    xpm__str text = {0};
    char group[PATH_MAX - 64];
    bool found = false;
    if (xpm__file_read(AT_FDCWD, "/proc/self/cgroup", &text) == 0 && text.size > 0) {
        for (const char *line = text.data; line != NULL && !found;) {
            const char *end = strchr(line, '\n');
            if (sscanf(line, "0::%4000[^\n]", group) == 1)
                snprintf(path, PATH_MAX, "/sys/fs/cgroup%s/memory.events", group);
            else if (sscanf(line, "%*d:memory:%4000[^\n]", group) == 1)
                snprintf(path, PATH_MAX, "/sys/fs/cgroup/memory%s/memory.oom_control", group);
            else
                path[0] = '\0';
            found = path[0] != '\0' && xpm__file_exists(AT_FDCWD, path);
            line = end != NULL ? end + 1 : NULL;
        }
    }
    xpm__str_free(&text);
    return found;
}

/* Both files have a line "oom_kill N". 0 when there is none. */
static long kills_counted(void)
{
    char path[PATH_MAX];
    xpm__str text = {0};
    long count = 0;
    if (find_counter(path) && xpm__file_read(AT_FDCWD, path, &text) == 0 && text.size > 0) {
        const char *line = strstr(text.data, "oom_kill ");
        count = line != NULL ? strtol(line + strlen("oom_kill "), NULL, 10) : 0;
    }
    xpm__str_free(&text);
    return count;
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
