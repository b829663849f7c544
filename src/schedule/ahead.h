/* Jobs that go to a queue before what they depend on has ended there: the queue keeps the order. */
#ifndef XPM_SCHEDULE_AHEAD_H
#define XPM_SCHEDULE_AHEAD_H

#include "launch/launcher.h"
#include "submit/job.h"

/* What a queue calls a job that it has; NULL when none has it, or it is not known yet. */
const char *xpm__ahead_id(const xpm_job *job);
/* Whether a job that waits may go to its queue, which has all that it waits for. */
bool xpm__ahead_may(const xpm_job *job);

/* How much keeps a ready job back: 0 when all that it depends on is done, or in its queue; else how many
 * have not ended. `failed`: one of them has failed. */
size_t xpm__ahead_blocked(const xpm_job *job, bool *failed);

/* What it waits for: names in the queue, and folders; each ends with NULL. New: clear. */
typedef struct xpm__ahead {
    const char **ids, **folders;
} xpm__ahead;
xpm__ahead xpm__ahead_of(const xpm_job *job);
void xpm__ahead_clear(xpm__ahead *ahead);

#endif
