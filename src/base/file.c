#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

int xpm__file_read(int dir, const char *path, xpm__str *out)
{
    char buffer[16384];
    ssize_t got = -1;
    int saved, fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    while ((got = read(fd, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            xpm__str_add(out, buffer, (size_t)got);
    saved = errno;
    close(fd);
    errno = saved;
    return got < 0 ? -1 : 0;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

/* Two writers of one file never share a temporary: its name carries the process and a counter. */
static void temporary_name(const char *path, char *name, size_t size)
{
    static unsigned counter;
    unsigned number = __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
    snprintf(name, size, "%s.%d-%u.tmp", path, (int)getpid(), number);
}

/* Writes an open temporary, and gives it its name; closes it. */
static int finish(int dir, int fd, const char *temporary, const char *path, const char *data,
                  size_t size)
{
    int status = write_all(fd, data, size);
    if (close(fd) < 0 || (status == 0 && renameat(dir, temporary, dir, path) < 0))
        status = -1;
    if (status < 0) {
        int saved = errno;
        unlinkat(dir, temporary, 0);
        errno = saved;
    }
    return status;
}

int xpm__file_write(int dir, const char *path, const char *data, size_t size, unsigned mode)
{
    char temporary[4096];
    temporary_name(path, temporary, sizeof temporary);
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return -1;
    return finish(dir, fd, temporary, path, data, size);
}

int xpm__file_write_over(int dir, const char *from, const char *path, const char *data, size_t size)
{
    char temporary[4096];
    temporary_name(path, temporary, sizeof temporary);
    if (renameat(dir, from, dir, temporary) < 0)
        return -1;
    int fd = openat(dir, temporary, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0) {
        unlinkat(dir, temporary, 0);
        return -1;
    }
    return finish(dir, fd, temporary, path, data, size);
}

int xpm__file_touch(int dir, const char *path)
{
    int fd = openat(dir, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    return fd < 0 ? -1 : close(fd);
}

int xpm__file_append(int fd, const char *data, size_t size)
{
    return write_all(fd, data, size);
}

int xpm__file_mkdirs(const char *path, xpm_error *err)
{
    if (path[0] == '\0')
        return xpm__fail(err, XPM_E_IO, path, "the empty text names no folder");
    char *copy = xpm__strdup(path);
    int status = 0;
    for (char *slash = copy + 1; status == 0; slash++) {
        slash = strchr(slash, '/');
        if (slash != NULL)
            *slash = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST && errno != EISDIR)
            status = xpm__fail_io(err, copy, "create the folder");
        if (slash == NULL)
            break;
        *slash = '/';
    }
    xpm_free(copy);
    struct stat info;
    if (status == 0 && (stat(path, &info) < 0 || !S_ISDIR(info.st_mode)))
        status = xpm__fail(err, XPM_E_IO, path, "%s is a file, and a folder is needed there", path);
    return status;
}

bool xpm__file_exists(int dir, const char *path)
{
    return faccessat(dir, path, F_OK, 0) == 0;
}

double xpm__file_modified(int dir, const char *path)
{
    struct stat info;
    if (fstatat(dir, path, &info, 0) < 0)
        return 0;
    return (double)info.st_mtim.tv_sec + (double)info.st_mtim.tv_nsec / 1e9;
}

int xpm__file_link(int dir, const char *path, const char *target)
{
    char temporary[4096];
    temporary_name(path, temporary, sizeof temporary);
    if (symlinkat(target, dir, temporary) < 0)
        return -1;
    if (renameat(dir, temporary, dir, path) == 0)
        return 0;
    int saved = errno;
    unlinkat(dir, temporary, 0);
    errno = saved;
    return -1;
}

int xpm__file_cut(int dir, const char *path, size_t from, size_t size)
{
    struct stat info;
    int saved, fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int status = fstat(fd, &info);
    if (status == 0 && (size_t)info.st_size != from) {
        errno = EAGAIN;
        status = -1;
    }
    if (status == 0)
        status = ftruncate(fd, (off_t)size);
    saved = errno;
    close(fd);
    errno = saved;
    return status;
}

static bool is_visible(const char *name)
{
    return name[0] != '.';
}

static bool is_entry(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int each(int dir, const char *path, bool (*counts)(const char *name),
                xpm__file_named callback, void *user)
{
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    if (folder == NULL) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while ((entry = readdir(folder)) != NULL)
        if (counts(entry->d_name))
            callback(user, entry->d_name);
    closedir(folder);
    return 0;
}

int xpm__file_each(int dir, const char *path, xpm__file_named callback, void *user)
{
    return each(dir, path, is_entry, callback, user);
}

int xpm__file_each_visible(int dir, const char *path, xpm__file_named callback, void *user)
{
    return each(dir, path, is_visible, callback, user);
}

int xpm__file_lock(int dir, const char *path, bool wait)
{
    for (;;) {
        struct stat held, named;
        int fd = openat(dir, path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return -1;
        while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
            int saved = errno;
            if (saved == EINTR)
                continue;
            close(fd);
            errno = saved;
            return -1;
        }
        /* Its last holder may have renamed or removed it meanwhile: then it locks nothing. */
        if (fstat(fd, &held) == 0 && fstatat(dir, path, &named, 0) == 0 &&
            held.st_ino == named.st_ino && held.st_dev == named.st_dev)
            return fd;
        close(fd);
    }
}

bool xpm__file_is_locked(int dir, const char *path)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC); /* which may be another user's */
    bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return held;
}
