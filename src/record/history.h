/* Which runs of an experiment are kept. Only folders of runs go, that are known to have ended well or
 * badly: never a job's, nor one that has tags. */
#ifndef XPM_RECORD_HISTORY_H
#define XPM_RECORD_HISTORY_H

#include "record/workspace.h"

/* As the options of an experiment say: 0 for all, XPM_KEEP_NONE. */
typedef struct xpm__history {
    int max_done, max_failed;
} xpm__history;

/* Removes the runs that are too many, with the experiment's lock held by `run`, which is kept, and
 * must have ended: else nothing is removed. */
void xpm__history_trim(const xpm__workspace *workspace, const char *experiment, const char *run,
                       const xpm__history *limits);

#endif
