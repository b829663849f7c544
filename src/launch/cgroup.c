#include "launch/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "launch/cgroup_find.h"

/* A group's name is this, the number of the process that made it, and a number of its own. */
#define PREFIX "experimaestro-"

struct xpm__cgroup {
    const xpm__cgroup_files *files;
    xpm__cgroup *next; /* of those that could not be removed yet */
    char path[];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* each experiment has a thread */
static bool prepared, possible;
static xpm__cgroup_place home; /* where groups are made, when that is possible */
static xpm__cgroup *left;      /* those that could not be removed yet */
static unsigned long number;

/* ---- Files --------------------------------------------------------------------------------------- */

/* Returns 0, or -1 with errno. */
static int put(const char *path, const char *name, const char *text)
{
    char file[PATH_MAX + 64];
    snprintf(file, sizeof file, "%s/%s", path, name);
    int fd = open(file, O_WRONLY | O_CLOEXEC), status = -1;
    if (fd >= 0) {
        status = xpm__file_append(fd, text, strlen(text));
        int saved = errno;
        close(fd);
        errno = saved;
    }
    return status;
}

static int put_bytes(const char *path, const char *name, int64_t bytes)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)bytes);
    return put(path, name, text);
}

/* In the first version swap is counted with memory. */
int xpm__cgroup_set_limit(const xpm__cgroup_files *files, const char *path, int64_t memory)
{
    int64_t swap = files->version == 1 ? memory : 0;
    if (put_bytes(path, files->limit, memory) < 0)
        return -1;
    return put_bytes(path, files->swap, swap) < 0 && errno != ENOENT ? -1 : 0;
}

/* ---- Removing one -------------------------------------------------------------------------------- */

/* The number of the process that made a group of this name; 0 when it is none of ours. */
static pid_t maker(const char *name)
{
    int pid = 0, end = 0;
    sscanf(name, PREFIX "%d-%n", &pid, &end);
    return end > 0 && pid > 0 ? pid : 0;
}

static bool remove_group(const char *path);

static void remove_below(void *user, const char *name)
{
    if (maker(name) == 0)
        return;
    char *path = xpm__format("%s/%s", (const char *)user, name);
    remove_group(path);
    xpm_free(path);
}

/* One that has processes stays, as the kernel does not remove it. An experiment that ran in a job,
 * and was killed, may have left others in the job's. */
static bool remove_group(const char *path)
{
    xpm__file_each(AT_FDCWD, path, remove_below, (char *)path);
    return rmdir(path) == 0 || errno == ENOENT;
}

/* Of those where groups are made, the ones whose maker is no more. */
static void sweep(void *user, const char *name)
{
    pid_t pid = maker(name);
    if (pid > 0 && (pid == getpid() || (kill(pid, 0) < 0 && errno == ESRCH)))
        remove_below(user, name);
}

/* ---- Where they are made ------------------------------------------------------------------------- */

static bool holds(const char *path, const char *name, const char *part)
{
    char *file = xpm__format("%s/%s", path, name);
    xpm__str text = {0};
    bool found = xpm__file_read(AT_FDCWD, file, &text) == 0 && text.size > 0 &&
                 strstr(text.data, part) != NULL;
    xpm__str_free(&text);
    xpm_free(file);
    return found;
}

/* Whether this process is the only one in its group. */
static bool is_alone(void)
{
    char *file = xpm__format("%s/cgroup.procs", home.path), own[32];
    xpm__str text = {0};
    snprintf(own, sizeof own, "%d\n", (int)getpid());
    bool alone = xpm__file_read(AT_FDCWD, file, &text) == 0 && text.size == strlen(own) &&
                 strcmp(text.data, own) == 0;
    xpm__str_free(&text);
    xpm_free(file);
    return alone;
}

/* In the second version, a group that hands memory on to those below has no process itself (but the
 * one above all): where this process is the only one, it goes into one below, as the only process of
 * a unit of systemd that has Delegate=yes may. */
static bool step_down(void)
{
    char *leaf = xpm__format("%s/" PREFIX "%d-driver", home.path, (int)getpid());
    bool done = is_alone() && mkdir(leaf, 0755) == 0;
    if (done && (put(leaf, "cgroup.procs", "0") < 0 ||
                 put(home.path, "cgroup.subtree_control", "+memory") < 0)) {
        put(home.path, "cgroup.procs", "0");
        rmdir(leaf);
        done = false;
    }
    xpm_free(leaf);
    return done;
}

static bool hand_on(void)
{
    return home.files->version == 1 || holds(home.path, "cgroup.subtree_control", "memory") ||
           put(home.path, "cgroup.subtree_control", "+memory") == 0 || step_down();
}

static void forget(void);

static void prepare(void)
{
    prepared = true;
    possible = xpm__cgroup_of(getpid(), &home) && access(home.path, W_OK) == 0 && hand_on();
    if (possible)
        xpm__file_each(AT_FDCWD, home.path, sweep, home.path);
    xpm__at_reset(forget);
}

/* ---- Removing all ---------------------------------------------------------------------------------- */

static void remove_left(void)
{
    for (xpm__cgroup **at = &left; *at != NULL;) {
        xpm__cgroup *group = *at;
        if (remove_group(group->path)) {
            *at = group->next;
            xpm_free(group);
        } else {
            at = &group->next;
        }
    }
}

static void forget(void)
{
    remove_left();
    while (left != NULL) {
        xpm__cgroup *group = left;
        left = group->next;
        xpm_free(group);
    }
    prepared = possible = false;
}

void xpm__cgroup_remove(xpm__cgroup *group)
{
    if (group == NULL)
        return;
    pthread_mutex_lock(&mutex);
    group->next = left;
    left = group;
    remove_left();
    pthread_mutex_unlock(&mutex);
}

/* ---- Making -------------------------------------------------------------------------------------- */

static xpm__cgroup *new_group(const xpm__cgroup_files *files, const char *path)
{
    xpm__cgroup *group = xpm__alloc(sizeof *group + strlen(path) + 1);
    group->files = files;
    group->next = NULL;
    strcpy(group->path, path);
    return group;
}

static xpm__cgroup *make(int64_t memory)
{
    xpm__cgroup *group = NULL;
    char *path = NULL;
    int status;
    do {
        xpm_free(path);
        path = xpm__format("%s/" PREFIX "%d-%lu", home.path, (int)getpid(), ++number);
        status = mkdir(path, 0755);
    } while (status < 0 && errno == EEXIST);
    if (status == 0 && xpm__cgroup_set_limit(home.files, path, memory) == 0)
        group = new_group(home.files, path);
    else if (status == 0)
        rmdir(path);
    xpm_free(path);
    return group;
}

xpm__cgroup *xpm__cgroup_make(int64_t memory)
{
    xpm__cgroup *group = NULL;
    if (memory <= 0)
        return NULL;
    pthread_mutex_lock(&mutex);
    if (!prepared)
        prepare();
    remove_left();
    if (possible)
        group = make(memory);
    pthread_mutex_unlock(&mutex);
    return group;
}

xpm__cgroup *xpm__cgroup_find(pid_t pid)
{
    xpm__cgroup_place place;
    if (!xpm__cgroup_of(pid, &place) || maker(strrchr(place.path, '/') + 1) == 0)
        return NULL;
    return new_group(place.files, place.path);
}

const char *xpm__cgroup_path(const xpm__cgroup *group)
{
    return group->path;
}

bool xpm__cgroup_oom(const xpm__cgroup *group)
{
    return xpm__cgroup_kills(group->files, group->path) > 0;
}
