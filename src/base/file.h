/* Files: the only place that writes one. A file is whole or not there (temporary in the same folder,
 * then rename); a log gets one line a write. Paths are as openat(2) takes them: relative to `dir`,
 * which may be AT_FDCWD. */
#ifndef XPM_BASE_FILE_H
#define XPM_BASE_FILE_H

#include <fcntl.h>

#include <experimaestro.h>

#include "base/str.h"

/* Reads a whole file. Returns 0, or -1 with errno. */
int xpm__file_read(int dir, const char *path, xpm__str *out);
/* Writes it whole, with permissions `mode` less the umask. Returns 0, or -1 with errno. */
int xpm__file_write(int dir, const char *path, const char *data, size_t size, unsigned mode);
/* The same, out of the file `from`, which is no more afterwards: no file is made, and none is freed
 * (ext4 passes over what was freed in the last minutes each time that it makes one). When it fails,
 * `from` may be gone. */
int xpm__file_write_over(int dir, const char *from, const char *path, const char *data,
                         size_t size);
/* Creates it empty, if it is not there. */
int xpm__file_touch(int dir, const char *path);
/* Appends in one write to an open log. */
int xpm__file_append(int fd, const char *data, size_t size);
/* Makes a folder and its parents; one that exists is fine. */
int xpm__file_mkdirs(const char *path, xpm_error *err);
bool xpm__file_exists(int dir, const char *path);
/* When it was written last, in seconds since 1970; 0 when it is not there. */
double xpm__file_modified(int dir, const char *path);
/* Makes a symbolic link, in place of what is there. Returns 0, or -1 with errno. */
int xpm__file_link(int dir, const char *path, const char *target);
/* Shortens a log to `size` bytes, unless it has grown beyond `from` meanwhile. */
int xpm__file_cut(int dir, const char *path, size_t from, size_t size);
/* Calls back for each entry of a folder, in no order. 0, or -1 with errno when it cannot be opened. */
typedef void (*xpm__file_named)(void *user, const char *name);
int xpm__file_each(int dir, const char *path, xpm__file_named callback, void *user);
/* The same, without the names that begin with a dot. */
int xpm__file_each_visible(int dir, const char *path, xpm__file_named callback, void *user);

/* Opens (creating) and locks a file with flock(2), as the original's lock library does. Returns its
 * descriptor, close-on-exec; -1 with errno EWOULDBLOCK when another holds it and `wait` is false. */
int xpm__file_lock(int dir, const char *path, bool wait);
/* Whether somebody holds such a lock. */
bool xpm__file_is_locked(int dir, const char *path);

#endif
