/* Copies of files and folders, by hard links when the file system allows them, else of the bytes; and
 * their removal. */
#ifndef XPM_BASE_COPY_H
#define XPM_BASE_COPY_H

#include <experimaestro.h>

/* Puts a copy of the file or folder `source` at `target`, in place of what is there, making the
 * folders above it. Links are followed. What is there already (the same file) stays. Errors: IO,
 * CONFLICT (one is inside the other). */
int xpm__copy(const char *source, const char *target, xpm_error *err);
/* Removes a file, or a folder with all that is in it; links are not followed. 0, or -1 with errno. */
int xpm__remove_all(const char *path);

#endif
