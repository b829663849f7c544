/* Errors: written once, where they happen, into the caller's xpm_error. Every function here returns
 * -1 (or NULL for the caller to return) so that a failing line reads `return xpm__fail(...)`. */
#ifndef XPM_BASE_ERROR_H
#define XPM_BASE_ERROR_H

#include <experimaestro.h>

/* Sets code, path ("" when NULL) and a printf-like message; err may be NULL. Always -1. */
int xpm__fail(xpm_error *err, xpm_code code, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* XPM_E_IO about a file, ending with errno's text. Always -1. */
int xpm__fail_io(xpm_error *err, const char *path, const char *what);

/* The candidate nearest to `name` in edit distance, when near enough to be a slip; else NULL. */
const char *xpm__nearest(const char *name, const char *const *candidates, size_t count);

#endif
