/* The list of what was given to Slurm at once: what each of its elements runs, and with what. The
 * driver writes it, and each element finds its own part by its number. */
#ifndef XPM_RECORD_ARRAY_H
#define XPM_RECORD_ARRAY_H

#include <experimaestro.h>

#include "base/str.h"

/* Where lists are, in the workspace, and how they are named: TOKEN.array; beside each, TOKEN.log has
 * what Slurm, and what comes before the job, say. */
#define XPM__ARRAYS ".experimaestro/slurm"
#define XPM__ARRAY_SUFFIX ".array"

/* What one element runs. */
typedef struct xpm__element {
    const char *directory;        /* the job's folder */
    const char *start;            /* the value of XPM__START_VARIABLE; NULL for none */
    const char *const *variables; /* NAME=VALUE, over what it inherits; ends with NULL */
    const char *const *needs;     /* folders of jobs that must be done before; ends with NULL */
} xpm__element;

/* A list is texts, each with a NUL after it: NAME=VALUE. An empty one ends an element, and what
 * stands before the first of them, which is of all. `ranks`: each element is started once for each
 * of its tasks. */
void xpm__array_begin(xpm__str *out, const char *token, bool ranks);
void xpm__array_add(xpm__str *out, const xpm__element *element);

/* One that was read. Texts are borrowed from the list. */
typedef struct xpm__array_part {
    const char *token;
    bool ranks, is_last; /* is_last: nothing follows the element */
    xpm__element element;
    const char **texts; /* what its two lists are in */
} xpm__array_part;

/* Finds element `index`; in a list of one, that one, whatever `index` says. New:
 * xpm__array_part_clear. Errors: SYNTAX (no list, or one that was cut), RANGE (it has no such
 * element). */
int xpm__array_find(const xpm__str *list, size_t index, xpm__array_part *part, xpm_error *err);
void xpm__array_part_clear(xpm__array_part *part);

/* Whether that is a list's path. */
bool xpm__array_is_named(const char *path);

#endif
