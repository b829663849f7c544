/* The state of a project's sources, as the system's git tells it. Without git, or outside of any
 * working tree, there is none, and that is no error. */
#ifndef XPM_RECORD_GIT_H
#define XPM_RECORD_GIT_H

#include <experimaestro.h>

#include "base/process.h"

enum { XPM__GIT_CHANGED = 100 }; /* of the paths that have changed, so many are kept */

/* A working tree. */
typedef struct xpm__git {
    char *toplevel;
    char *commit; /* NULL when there is none yet */
    char *branch; /* NULL when HEAD is detached, or git did not tell in time */
    bool known;   /* git told what has changed, in time; else the rest is 0 */
    size_t changed_count;
    char *changed[XPM__GIT_CHANGED]; /* relative to the top level; untracked ones too */
} xpm__git;

/* Those of several paths, each once. Start from {0}. */
typedef struct xpm__gits {
    xpm__git *items;
    size_t count, capacity;
} xpm__gits;

/* How git is asked: in which environment, and for how long it is listened to. */
typedef struct xpm__asking {
    char *const *environment; /* ends with NULL; NULL for an empty one */
    xpm__patience patience;
} xpm__asking;

/* Adds the tree that `path` is in, unless it is there. What is inside `except`, a folder or NULL,
 * has not changed: a workspace is no source. False, adding nothing, when there is no tree. */
bool xpm__gits_add(xpm__gits *gits, const char *path, const char *except,
                   const xpm__asking *asking);
void xpm__gits_print(const xpm__gits *gits, xpm__str *out); /* a JSON array */
void xpm__gits_free(xpm__gits *gits);

#endif
