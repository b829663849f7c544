/* The walk over what a configuration holds: through lists, sets, dicts and init tasks, depth first,
 * parameters in order of name. It keeps its place on the heap: configurations may nest as deep as
 * memory goes. Everything that visits a graph does it by this walk. */
#ifndef XPM_DECLARE_WALK_H
#define XPM_DECLARE_WALK_H

#include <experimaestro.h>

#include "base/ptrmap.h"
#include "base/str.h"

typedef struct xpm__walk xpm__walk; /* one that goes on */

/* What a visit says: go on, or stop the whole walk, or (enter alone) do not go inside. */
enum { XPM__WALK_STOP = -1, XPM__WALK_ON = 0, XPM__WALK_PAST = 1 };

typedef struct xpm__walker {
    /* Before what the configuration holds is visited; NULL for none. */
    int (*enter)(void *user, xpm_config *config, const xpm__walk *walk);
    /* After; not called for one that was passed over; NULL for none. */
    int (*leave)(void *user, xpm_config *config, const xpm__walk *walk);
    void *user;
    /* Those visited, each with its number from 1 in the order of entering: none is visited twice.
     * NULL when `enter` itself passes over those that it has met. */
    xpm__ptrmap *seen;
    /* Whether what a parameter holds is passed over; NULL for none. */
    bool (*passes)(const xpm_config *config, size_t parameter);
    bool tasks; /* goes from an output to the task that makes it, after what the output holds */
} xpm__walker;

/* Walks from `root`, which is visited as the others are. 0, or -1 when a visit stopped it. */
int xpm__walk_from(xpm_config *root, const xpm__walker *walker);

/* Appends the way from the root to the configuration that is being visited: "layers/2", "" at the
 * root itself. A task reached from its output adds nothing. */
void xpm__walk_path(const xpm__walk *walk, xpm__str *out);

/* The same as an error names it: ".layers[2]". */
void xpm__walk_steps(const xpm__walk *walk, xpm__str *out);

#endif
