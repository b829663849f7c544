/* What a workspace needs of its file system, tried in a folder of its own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "watch/doctor.h"

enum {
    ROUNDS = 100,      /* of a race between two processes */
    WHOLE = 4096,      /* bytes of a file that is replaced */
    LINE = 128,        /* bytes of a line that is appended */
    NEWS_MS = 5000,    /* to be told of a change */
    FREE_MIB = 256,    /* less is low */
    FREE_FILES = 10000 /* the same */
};
static const double skew_limit = 2; /* seconds */

typedef struct scratch {
    xpm__examination *e;
    char name[64]; /* of the folder, in the workspace */
    int fd;
    int alive; /* closed by the end of this process, whatever it is: then the folder is removed */
    pid_t remover;
} scratch;

__attribute__((format(printf, 3, 4))) static void found(xpm__examination *e, const char *kind,
                                                        const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    xpm__doctor_note(e, &(xpm__finding){.kind = kind, .path = "."}, "%s", what);
}

/* ---- The folder ------------------------------------------------------------------------------- */

static void remove_name(void *user, const char *name)
{
    unlinkat(*(const int *)user, name, 0);
}

static void remove_scratch(const scratch *s)
{
    int fd = openat(s->e->fd, s->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    xpm__file_each(s->e->fd, s->name, remove_name, &fd);
    close(fd);
    unlinkat(s->e->fd, s->name, AT_REMOVEDIR);
}

/* Waits for the end of its parent, by whatever cause, and removes what it has made. */
__attribute__((noreturn)) static void run_remover(const scratch *s, int end)
{
    char none;
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    close(s->alive);
    while (read(end, &none, 1) < 0 && errno == EINTR)
        continue;
    remove_scratch(s);
    _exit(0);
}

static int open_scratch(scratch *s)
{
    int ends[2];
    snprintf(s->name, sizeof s->name, ".doctor-%d", (int)getpid());
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    s->alive = ends[1];
    s->remover = fork();
    if (s->remover == 0)
        run_remover(s, ends[0]);
    close(ends[0]);
    if (s->remover > 0 && mkdirat(s->e->fd, s->name, 0700) == 0)
        s->fd = openat(s->e->fd, s->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return s->fd < 0 ? -1 : 0;
}

static void close_scratch(scratch *s)
{
    if (s->fd >= 0)
        close(s->fd);
    if (s->alive >= 0)
        close(s->alive);
    while (s->remover > 0 && waitpid(s->remover, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* The exit status of a child; 128 when it did not exit. */
static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 128;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* ---- Locks ------------------------------------------------------------------------------------ */

enum { PROBE_FREE, PROBE_HELD, PROBE_ERROR };

/* In a process of its own: there are file systems on which a process never meets its own locks. */
static int probe_lock(const scratch *s)
{
    pid_t child = fork();
    if (child == 0) {
        int fd = openat(s->fd, "lock", O_RDWR | O_CLOEXEC);
        if (fd < 0)
            _exit(PROBE_ERROR);
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            _exit(PROBE_FREE);
        _exit(errno == EWOULDBLOCK ? PROBE_HELD : PROBE_ERROR);
    }
    return child < 0 ? PROBE_ERROR : wait_for(child);
}

/* A process that holds what it inherits until it is killed, or `end`, which is ours, is closed. */
static pid_t start_holder(int *end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    *end = ends[1];
    pid_t child = fork();
    if (child == 0) {
        char none;
        close(ends[1]);
        while (read(ends[0], &none, 1) < 0 && errno == EINTR)
            continue;
        _exit(0);
    }
    close(ends[0]);
    return child;
}

static void check_locks(const scratch *s)
{
    int fd = xpm__file_lock(s->fd, "lock", false);
    if (fd < 0) {
        found(s->e, "locks",
              "flock(2) does not work here (%s): a job could run twice at a time. Use a file "
              "system with locks (NFS: its lock service must run; Lustre: mount with flock)",
              strerror(errno));
        return;
    }
    if (probe_lock(s) != PROBE_HELD)
        found(s->e, "locks",
              "two processes get the same lock: a job could run twice at a time. Use a file system "
              "whose locks exclude (Lustre: mount with flock)");
    int end = -1;
    pid_t holder = start_holder(&end);
    close(fd);
    if (holder > 0 && probe_lock(s) != PROBE_HELD)
        found(s->e, "locks", "a lock is not handed over to a child: a job that runs looks dead");
    if (holder > 0 && kill(holder, SIGKILL) == 0)
        wait_for(holder);
    if (end >= 0)
        close(end);
    if (holder > 0 && probe_lock(s) != PROBE_FREE)
        found(s->e, "locks",
              "a lock is not let go when its process is killed: a job that died looks alive");
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static pid_t start_renaming(const scratch *s)
{
    char text[WHOLE];
    pid_t child = fork();
    for (int i = 0; child == 0 && i < ROUNDS; i++) {
        memset(text, i % 2 == 0 ? 'a' : 'b', sizeof text);
        if (xpm__file_write(s->fd, "renamed", text, sizeof text, 0600) < 0)
            _exit(1);
    }
    if (child == 0)
        _exit(0);
    return child;
}

static bool reads_whole(const scratch *s)
{
    xpm__str text = {0};
    bool whole = xpm__file_read(s->fd, "renamed", &text) == 0 && text.size == WHOLE;
    for (size_t i = 1; whole && i < text.size; i++)
        whole = text.data[i] == text.data[0];
    xpm__str_free(&text);
    return whole;
}

static void check_rename(const scratch *s)
{
    char text[WHOLE];
    int status = 0;
    bool whole = true;
    memset(text, 'a', sizeof text);
    if (xpm__file_write(s->fd, "renamed", text, sizeof text, 0600) < 0) {
        found(s->e, "rename", "a file cannot be written here: %s", strerror(errno));
        return;
    }
    pid_t child = start_renaming(s);
    while (child > 0 && waitpid(child, &status, WNOHANG) == 0)
        whole = reads_whole(s) && whole;
    if (!whole || status != 0)
        found(s->e, "rename",
              "a file that is replaced by a rename is seen missing or torn by another process: "
              "readers may see states that never were");
}

static pid_t start_appending(const scratch *s, char letter)
{
    char line[LINE];
    pid_t child = fork();
    if (child != 0)
        return child;
    int fd = openat(s->fd, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    memset(line, letter, sizeof line);
    line[LINE - 1] = '\n';
    for (int i = 0; fd >= 0 && i < ROUNDS; i++)
        if (xpm__file_append(fd, line, sizeof line) < 0)
            _exit(1);
    _exit(fd < 0);
}

static bool has_whole_lines(const scratch *s)
{
    xpm__str text = {0};
    bool whole = xpm__file_read(s->fd, "log", &text) == 0 && text.size == (size_t)2 * ROUNDS * LINE;
    for (size_t i = 0; whole && i < text.size; i++) {
        bool ends = i % LINE == LINE - 1;
        whole = ends ? text.data[i] == '\n' : text.data[i] == text.data[i - i % LINE];
    }
    xpm__str_free(&text);
    return whole;
}

static void check_append(const scratch *s)
{
    pid_t first = start_appending(s, 'a'), second = start_appending(s, 'b');
    int failed = (first > 0 ? wait_for(first) : 1) | (second > 0 ? wait_for(second) : 1);
    if (failed != 0 || !has_whole_lines(s))
        found(s->e, "append",
              "lines that two processes append to one file are torn or lost: logs may miss events");
}

static void check_links(const scratch *s)
{
    char text[16];
    if (symlinkat("target", s->fd, "link") < 0 || readlinkat(s->fd, "link", text, sizeof text) != 6)
        found(s->e, "links", "symbolic links cannot be made here (%s), and runs need them",
              strerror(errno));
}

static void check_clock(const scratch *s)
{
    struct stat info;
    double before = xpm__clock_now();
    if (xpm__file_touch(s->fd, "time") < 0 || fstatat(s->fd, "time", &info, 0) < 0)
        return;
    double made = (double)info.st_mtim.tv_sec + (double)info.st_mtim.tv_nsec / 1e9;
    double after = xpm__clock_now();
    double skew = made < before ? made - before : made > after ? made - after : 0;
    if (skew > skew_limit || skew < -skew_limit)
        found(s->e, "clock",
              "the file system's clock is %.1f seconds %s this machine's: times of jobs are wrong "
              "by as much. Synchronise both (NTP)",
              skew < 0 ? -skew : skew, skew < 0 ? "behind" : "ahead of");
}

/* ---- News ------------------------------------------------------------------------------------- */

static void check_news(const scratch *s)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", s->e->workspace, s->name);
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0 || inotify_add_watch(fd, path, IN_CREATE) < 0) {
        found(s->e, "inotify",
              "changes of files cannot be watched (%s): raise fs.inotify.max_user_instances and "
              "fs.inotify.max_user_watches",
              strerror(errno));
    } else {
        pid_t child = fork();
        if (child == 0)
            _exit(xpm__file_touch(s->fd, "news") < 0);
        struct pollfd watched = {.fd = fd, .events = POLLIN};
        if (child < 0 || wait_for(child) != 0 || poll(&watched, 1, NEWS_MS) != 1)
            found(s->e, "inotify", "a change that another process makes here is not told");
    }
    if (fd >= 0)
        close(fd);
}

/* ---- What it is ------------------------------------------------------------------------------- */

#define NETWORK                                                                                    \
    "a network file system: changes made on other hosts are not told (inotify), and are seen "     \
    "late; all hosts need the same clock"

static const struct {
    unsigned long magic;
    const char *name, *means;
} types[] = {
    {NFS_SUPER_MAGIC, "NFS", NETWORK},
    {SMB_SUPER_MAGIC, "SMB", NETWORK},
    {CIFS_SUPER_MAGIC, "CIFS", NETWORK},
    {SMB2_SUPER_MAGIC, "SMB2", NETWORK},
    {CEPH_SUPER_MAGIC, "Ceph", NETWORK},
    {AFS_SUPER_MAGIC, "AFS", NETWORK},
    {0x0bd00bd0, "Lustre", NETWORK "; locks work if it is mounted with flock"},
    {0x47504653, "GPFS", NETWORK},
    {0x19830326, "BeeGFS", NETWORK},
    {V9FS_MAGIC, "9p", NETWORK},
    {FUSE_SUPER_MAGIC, "FUSE",
     "a file system in a process: what it can do is that program's affair"},
    {OVERLAYFS_SUPER_MAGIC, "overlay", "the file system of a container: it may go with it"},
    {TMPFS_MAGIC, "tmpfs", "memory: the workspace does not survive a restart of the machine"},
};

static void check_type(xpm__examination *e)
{
    struct statfs info;
    if (fstatfs(e->fd, &info) < 0)
        return;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if ((unsigned long)info.f_type == types[i].magic)
            xpm__doctor_note(e, &(xpm__finding){.kind = "file-system", .path = ".", .note = true},
                             "%s: %s", types[i].name, types[i].means);
}

static void check_space(xpm__examination *e)
{
    struct statvfs info;
    if (fstatvfs(e->fd, &info) < 0)
        return;
    unsigned long long mib = (unsigned long long)info.f_bavail * info.f_frsize >> 20;
    if (mib < FREE_MIB)
        found(e, "space", "%llu MiB are free: jobs that cannot write fail", mib);
    if (info.f_files > 0 && info.f_favail < FREE_FILES)
        found(e, "space", "%llu more files can be made (inodes), and a job makes eight",
              (unsigned long long)info.f_favail);
}

void xpm__doctor_fs(xpm__examination *e)
{
    scratch s = {.e = e, .fd = -1, .alive = -1};
    check_type(e);
    check_space(e);
    if (open_scratch(&s) < 0) {
        found(e, "writable", "nothing can be written here: %s", strerror(errno));
    } else {
        check_locks(&s);
        check_rename(&s);
        check_append(&s);
        check_links(&s);
        check_clock(&s);
        check_news(&s);
    }
    close_scratch(&s);
}
