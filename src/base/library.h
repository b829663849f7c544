/* Libraries that are loaded when they are first used. One that is linked is mapped and relocated in every
 * process, and the processes that run jobs, which are many and short, need few of them. */
#ifndef XPM_BASE_LIBRARY_H
#define XPM_BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* A function of a library, and where its address goes in a table of the caller's. */
typedef struct xpm__library_function {
    const char *name;
    size_t offset;
} xpm__library_function;

/* Loads the library `file`, for the life of the process, and fills the table; false when it is not there,
 * or lacks one of the functions. */
bool xpm__library_load(const char *file, const xpm__library_function *functions, size_t count,
                       void *table);

#endif
