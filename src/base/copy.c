#include "base/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static int copy_any(const char *source, const char *target, xpm_error *err);

/* ---- Copying ---------------------------------------------------------------------------------- */

static int copy_bytes(int from, int to)
{
    char buffer[65536];
    ssize_t got;
    while ((got = read(from, buffer, sizeof buffer)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || xpm__file_append(to, buffer, (size_t)got) < 0)
            return -1;
    }
    return 0;
}

static int copy_file(const char *source, const char *target, mode_t mode)
{
    if (linkat(AT_FDCWD, source, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    int from = open(source, O_RDONLY | O_CLOEXEC), to = -1, status = -1;
    if (from >= 0)
        to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);
    if (to >= 0)
        status = copy_bytes(from, to);
    int saved = errno;
    if (to >= 0 && close(to) < 0 && status == 0) {
        status = -1;
        saved = errno;
    }
    if (from >= 0)
        close(from);
    errno = saved;
    return status;
}

static int copy_folder(const char *source, const char *target, xpm_error *err)
{
    DIR *folder = mkdir(target, 0777) == 0 ? opendir(source) : NULL;
    struct dirent *entry;
    int status = folder != NULL ? 0 : xpm__fail_io(err, source, "copy the folder");
    while (status == 0 && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *from = xpm__format("%s/%s", source, entry->d_name);
        char *to = xpm__format("%s/%s", target, entry->d_name);
        status = copy_any(from, to, err);
        xpm_free(from);
        xpm_free(to);
    }
    if (folder != NULL)
        closedir(folder);
    return status;
}

static int copy_any(const char *source, const char *target, xpm_error *err)
{
    struct stat info;
    if (stat(source, &info) < 0)
        return xpm__fail_io(err, source, "copy");
    if (S_ISDIR(info.st_mode))
        return copy_folder(source, target, err);
    if (!S_ISREG(info.st_mode))
        return xpm__fail(err, XPM_E_IO, source,
                         "%s is neither a file nor a folder, and cannot be copied", source);
    return copy_file(source, target, info.st_mode) < 0 ? xpm__fail_io(err, source, "copy") : 0;
}

/* ---- In place of what is there ---------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

int xpm__remove_all(const char *path)
{
    int status = nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return status < 0 && errno == ENOENT ? 0 : status;
}

static bool is_inside(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    return strncmp(path, folder, size) == 0 && path[size] == '/';
}

/* A folder cannot be copied into itself, nor put in place of one that holds it. */
static int check_apart(const char *source, const char *target, xpm_error *err)
{
    char *slash = strrchr(target, '/');
    char *parent = slash != NULL
                       ? xpm__strndup(target, (size_t)(slash - target) + (slash == target))
                       : xpm__strdup(".");
    char *real_parent = realpath(parent, NULL), *real = realpath(source, NULL);
    int status = 0;
    if (real_parent == NULL || real == NULL) {
        status = xpm__fail_io(err, real == NULL ? source : parent, "copy");
    } else {
        char *place = xpm__format("%s/%s", real_parent, slash != NULL ? slash + 1 : target);
        if (is_inside(place, real) || is_inside(real, place))
            status =
                xpm__fail(err, XPM_E_CONFLICT, source,
                          "%s cannot be copied to %s: one is inside the other", source, target);
        xpm_free(place);
    }
    free(real_parent);
    free(real);
    xpm_free(parent);
    return status;
}

static int make_parent(const char *target, xpm_error *err)
{
    const char *slash = strrchr(target, '/');
    if (slash == NULL || slash == target)
        return 0;
    char *parent = xpm__strndup(target, (size_t)(slash - target));
    int status = xpm__file_mkdirs(parent, err);
    xpm_free(parent);
    return status;
}

int xpm__copy(const char *source, const char *target, xpm_error *err)
{
    static unsigned counter;
    struct stat from, there;
    if (stat(source, &from) < 0)
        return xpm__fail_io(err, source, "copy");
    bool exists = stat(target, &there) == 0;
    if (exists && from.st_ino == there.st_ino && from.st_dev == there.st_dev)
        return 0;
    if (make_parent(target, err) < 0 || check_apart(source, target, err) < 0)
        return -1;
    char *temporary = xpm__format("%s.%d-%u.tmp", target, (int)getpid(),
                                  __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED));
    int status = copy_any(source, temporary, err);
    if (status == 0 && exists && (S_ISDIR(from.st_mode) || S_ISDIR(there.st_mode)))
        status = xpm__remove_all(target) != 0 ? xpm__fail_io(err, target, "replace") : 0;
    if (status == 0 && rename(temporary, target) < 0)
        status = xpm__fail_io(err, target, "write");
    if (status < 0)
        xpm__remove_all(temporary);
    xpm_free(temporary);
    return status;
}
