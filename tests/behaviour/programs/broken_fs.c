/* Preloaded into a command: what the variable BROKEN names works as on a bad file system. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static int is_broken(const char *what)
{
    const char *broken = getenv("BROKEN");
    return broken != NULL && strcmp(broken, what) == 0;
}

static int fail(int code)
{
    errno = code;
    return -1;
}

#define REAL(type, name, ...) (__extension__(type(*)(__VA_ARGS__)) dlsym(RTLD_NEXT, name))

int flock(int fd, int operation)
{
    if (is_broken("no-locks"))
        return fail(ENOLCK);
    if (is_broken("locks-for-all"))
        return 0;
    return REAL(int, "flock", int, int)(fd, operation);
}

/* A rename that removes first. */
int renameat(int from, const char *old, int to, const char *new)
{
    if (is_broken("rename")) {
        struct timespec gap = {.tv_nsec = 1000000};
        unlinkat(to, new, 0);
        nanosleep(&gap, NULL);
    }
    return REAL(int, "renameat", int, const char *, int, const char *)(from, old, to, new);
}

static int open_in(const char *name, int dir, const char *path, int flags, mode_t mode)
{
    if (is_broken("append"))
        flags &= ~O_APPEND;
    return REAL(int, name, int, const char *, int, ...)(dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_in("openat64", dir, path, flags, mode);
}

int symlinkat(const char *target, int dir, const char *path)
{
    if (is_broken("links"))
        return fail(EPERM);
    return REAL(int, "symlinkat", const char *, int, const char *)(target, dir, path);
}

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    if (is_broken("inotify"))
        return fail(ENOSPC);
    return REAL(int, "inotify_add_watch", int, const char *, uint32_t)(fd, path, mask);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = REAL(int, "clock_gettime", clockid_t, struct timespec *)(clock, now);
    if (is_broken("clock"))
        now->tv_sec -= 7;
    return status;
}

int fstatvfs64(int fd, struct statvfs64 *info)
{
    int status = REAL(int, "fstatvfs64", int, struct statvfs64 *)(fd, info);
    if (is_broken("space"))
        info->f_bavail = 1;
    if (is_broken("inodes")) {
        info->f_files = 1000;
        info->f_favail = 3;
    }
    return status;
}

int fstatfs64(int fd, struct statfs64 *info)
{
    int status = REAL(int, "fstatfs64", int, struct statfs64 *)(fd, info);
    if (is_broken("network"))
        info->f_type = 0x6969;
    return status;
}

int mkdirat(int dir, const char *path, mode_t mode)
{
    if (is_broken("read-only"))
        return fail(EROFS);
    return REAL(int, "mkdirat", int, const char *, mode_t)(dir, path, mode);
}
