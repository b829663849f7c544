/* Exclusive use of directories that jobs share, those of partial identifiers: one writer is let in,
 * of all processes. Jobs of this scheduler wait in a list for each directory; for the other processes
 * there is a lock in the directory, which the job's process takes over and the kernel releases. A
 * job that waits has no slot. All is for the loop's thread. */
#ifndef XPM_SCHEDULE_GUARD_H
#define XPM_SCHEDULE_GUARD_H

#include <experimaestro.h>

#include "base/lockwait.h"
#include "submit/job.h"

typedef struct xpm__guards xpm__guards;

/* `resume` is told, in the loop's thread, of a job that can go on. `waits` is borrowed. */
xpm__guards *xpm__guards_new(xpm__lockwaits *waits, void (*resume)(void *user, xpm_job *job),
                             void *user);
void xpm__guards_free(xpm__guards *guards); /* accepts NULL */

typedef enum xpm__entered {
    XPM__ENTERED,      /* the job has all its locks, or needs none */
    XPM__ENTER_WAITS,  /* it will be told of: call again then */
    XPM__ENTER_FAILED, /* a lock cannot be made: `err` */
} xpm__entered;
/* Takes the locks of the directories that the job shares with others, in order, from where it stopped. */
xpm__entered xpm__guards_take(xpm__guards *guards, xpm_job *job, xpm_error *err);

/* The job's process has the locks now: they are its alone. */
void xpm__guards_hand_over(xpm_job *job);
/* The job has ended, or gives up: the next ones are let in. Does nothing for one that has none. */
void xpm__guards_release(xpm__guards *guards, xpm_job *job);

#endif
