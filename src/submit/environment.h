/* The environment of jobs: a snapshot of this process's, taken when a job is submitted and shared
 * by the jobs submitted while it does not change (the process may change its own at any time), and
 * lists of NAME=VALUE that go over it. */
#ifndef XPM_SUBMIT_ENVIRONMENT_H
#define XPM_SUBMIT_ENVIRONMENT_H

#include <stddef.h>

/* A list of NAME=VALUE. Start from {0}. */
typedef struct xpm__variables {
    char **entries;
    size_t count, capacity;
} xpm__variables;

/* Sets a name, in place of an earlier one. */
void xpm__variables_set(xpm__variables *variables, const char *name, const char *value);
/* Adds NAME=VALUE, unless the name is set. */
void xpm__variables_add(xpm__variables *variables, const char *entry);
const char *xpm__variables_get(const xpm__variables *variables, const char *name);
void xpm__variables_free(xpm__variables *variables);

typedef struct xpm__environment {
    int refs; /* atomic */
    xpm__variables variables;
    const char **seen; /* the texts that this process had, to see that they have not changed */
    size_t seen_count;
} xpm__environment;

/* The process's environment and `added` over it: `*last` when nothing has changed since, else a new
 * snapshot that takes its place. `*last` may be NULL. A new reference. */
xpm__environment *xpm__environment_take(xpm__environment **last, const xpm__variables *added);
void xpm__environment_unref(xpm__environment *environment); /* accepts NULL */

/* An array for exec: the snapshot, `over` over it, and `entries` (ends with NULL). Texts are
 * borrowed: xpm_free. */
char **xpm__environment_array(const xpm__environment *environment, const xpm__variables *over,
                              const char *const *entries);

#endif
