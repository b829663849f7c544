#include "launch/neighbours.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lockwait.h"
#include "base/mem.h"
#include "base/str.h"

enum { CLAIM_NAME = 48 };

struct xpm__claim {
    xpm__claim *next;
    int lock; /* -1 when another process has it */
    char name[CLAIM_NAME];
};

struct xpm__neighbours {
    int dir, events; /* the folder, on which there is the lock of who looks or claims; its events */
    xpm__claim *own;
    bool is_left; /* the processes that have claims go on */
    char *path;   /* without links */
};

/* ---- The folder ---------------------------------------------------------------------------------- */

static char *folder_path(void)
{
    const char *set = getenv("XPM_SHARE_DIR");
    return set != NULL && set[0] == '/'
               ? xpm__strdup(set)
               : xpm__format("/tmp/experimaestro-share-%u", (unsigned)getuid());
}

/* Anybody may have made one of this name in /tmp. */
static int open_folder(const char *path)
{
    struct stat info;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -1;
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir >= 0 &&
        (fstat(dir, &info) < 0 || info.st_uid != getuid() || (info.st_mode & 022) != 0)) {
        close(dir);
        dir = -1;
    }
    return dir;
}

xpm__neighbours *xpm__neighbours_open(void)
{
    xpm__neighbours *neighbours = xpm__zalloc(sizeof *neighbours);
    char *path = folder_path();
    neighbours->dir = open_folder(path);
    neighbours->path = realpath(path, NULL);
    neighbours->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    /* The last descriptor for writing is that of the lock: the job's process has it until its end. */
    if (neighbours->dir < 0 || neighbours->path == NULL || neighbours->events < 0 ||
        inotify_add_watch(neighbours->events, path, IN_CLOSE_WRITE | IN_DELETE) < 0) {
        xpm__neighbours_close(neighbours);
        neighbours = NULL;
    }
    xpm_free(path);
    return neighbours;
}

void xpm__neighbours_close(xpm__neighbours *neighbours)
{
    if (neighbours == NULL)
        return;
    if (neighbours->dir >= 0)
        close(neighbours->dir);
    if (neighbours->events >= 0)
        close(neighbours->events);
    free(neighbours->path);
    xpm_free(neighbours);
}

void xpm__neighbours_leave(xpm__neighbours *neighbours)
{
    if (neighbours != NULL)
        neighbours->is_left = true;
}

int xpm__neighbours_fd(const xpm__neighbours *neighbours)
{
    return neighbours->events;
}

void xpm__neighbours_heard(xpm__neighbours *neighbours)
{
    char events[4096];
    while (read(neighbours->events, events, sizeof events) > 0)
        continue;
}

/* ---- Claims of others ---------------------------------------------------------------------------- */

/* Tells the lines "UUID BYTES" of a claim; others are passed over. */
static void tell(int dir, const char *name, xpm__neighbours_each each, void *user)
{
    xpm__str text = {0};
    if (xpm__file_read(dir, name, &text) == 0 && text.size > 0)
        for (const char *line = text.data; line != NULL && *line != '\0';) {
            char uuid[128];
            long long bytes;
            const char *end = strchr(line, '\n');
            if (end != NULL && sscanf(line, "%127s %lld\n", uuid, &bytes) == 2 && bytes > 0)
                each(user, uuid, bytes);
            line = end != NULL ? end + 1 : NULL;
        }
    xpm__str_free(&text);
}

/* Whether nobody has its lock. */
static bool is_void(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool free_ = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    return free_;
}

typedef struct telling {
    const xpm__neighbours *neighbours;
    xpm__neighbours_each each;
    void *user;
} telling;

static void look_at(void *user, const char *name)
{
    const telling *t = user;
    for (const xpm__claim *own = t->neighbours->own; own != NULL; own = own->next)
        if (strcmp(own->name, name) == 0)
            return;
    if (is_void(t->neighbours->dir, name))
        unlinkat(t->neighbours->dir, name, 0);
    else
        tell(t->neighbours->dir, name, t->each, t->user);
}

int xpm__neighbours_begin(xpm__neighbours *neighbours, xpm__neighbours_each each, void *user)
{
    telling t = {neighbours, each, user};
    int status;
    while ((status = flock(neighbours->dir, LOCK_EX)) < 0 && errno == EINTR)
        continue;
    if (status < 0)
        return -1;
    xpm__file_each_visible(neighbours->dir, ".", look_at, &t);
    return 0;
}

void xpm__neighbours_end(xpm__neighbours *neighbours)
{
    flock(neighbours->dir, LOCK_UN);
}

/* ---- Claims of one's own ------------------------------------------------------------------------- */

static xpm__claim *add_claim(xpm__neighbours *neighbours, int lock)
{
    xpm__claim *claim = xpm__zalloc(sizeof *claim);
    claim->lock = lock;
    claim->next = neighbours->own;
    neighbours->own = claim;
    return claim;
}

xpm__claim *xpm__neighbours_claim(xpm__neighbours *neighbours, const char *text)
{
    char name[CLAIM_NAME];
    struct timespec now;
    int lock;
    do { /* a name never comes twice: who removes a claim removes that one */
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(name, sizeof name, "%d-%lld.%09ld", (int)getpid(), (long long)now.tv_sec,
                 now.tv_nsec);
        lock = xpm__move_up(
            openat(neighbours->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    } while (lock < 0 && errno == EEXIST);
    if (lock < 0)
        return NULL;
    if (flock(lock, LOCK_EX) < 0 || xpm__file_append(lock, text, strlen(text)) < 0) {
        close(lock);
        unlinkat(neighbours->dir, name, 0);
        return NULL;
    }
    xpm__claim *claim = add_claim(neighbours, lock);
    strcpy(claim->name, name);
    return claim;
}

typedef struct search {
    const xpm__neighbours *neighbours;
    char folder[64];       /* /proc/PID/fd */
    char name[CLAIM_NAME]; /* of the claim; "" until it is found */
} search;

static void look_at_descriptor(void *user, const char *number)
{
    search *s = user;
    char path[PATH_MAX], target[PATH_MAX];
    size_t folder = strlen(s->neighbours->path);
    snprintf(path, sizeof path, "%s/%s", s->folder, number);
    ssize_t size = readlink(path, target, sizeof target - 1);
    target[size > 0 ? size : 0] = '\0';
    if (strncmp(target, s->neighbours->path, folder) == 0 && target[folder] == '/' &&
        strlen(target + folder + 1) < sizeof s->name)
        strcpy(s->name, target + folder + 1);
}

xpm__claim *xpm__neighbours_find(xpm__neighbours *neighbours, pid_t pid, xpm__neighbours_each each,
                                 void *user)
{
    search s = {.neighbours = neighbours};
    snprintf(s.folder, sizeof s.folder, "/proc/%d/fd", (int)pid);
    xpm__file_each_visible(AT_FDCWD, s.folder, look_at_descriptor, &s);
    if (s.name[0] == '\0' || !xpm__file_exists(neighbours->dir, s.name))
        return NULL;
    tell(neighbours->dir, s.name, each, user);
    xpm__claim *claim = add_claim(neighbours, -1);
    strcpy(claim->name, s.name);
    return claim;
}

int xpm__claim_lock(const xpm__claim *claim)
{
    return claim->lock;
}

void xpm__claim_handed(xpm__claim *claim)
{
    if (claim->lock >= 0)
        close(claim->lock);
    claim->lock = -1;
}

void xpm__claim_free(xpm__neighbours *neighbours, xpm__claim *claim)
{
    if (claim == NULL)
        return;
    xpm__claim **at = &neighbours->own;
    while (*at != claim)
        at = &(*at)->next;
    *at = claim->next;
    if (!neighbours->is_left || claim->lock >= 0)
        unlinkat(neighbours->dir, claim->name, 0);
    xpm__claim_handed(claim);
    xpm_free(claim);
}
