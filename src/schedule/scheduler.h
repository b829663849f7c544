/* The scheduler: one thread, one loop. Each job has a count of what blocks it; at zero it goes to
 * the end of the ready queue, and starts when a slot is free. Other threads only post messages. */
#ifndef XPM_SCHEDULE_SCHEDULER_H
#define XPM_SCHEDULE_SCHEDULER_H

#include <experimaestro.h>

#include "submit/experiment.h"

typedef struct xpm__scheduler xpm__scheduler;

/* Starts the thread of an experiment. */
xpm__scheduler *xpm__scheduler_start(xpm_experiment *xp, xpm_error *err);
/* Hands it a job, of which it then holds a reference until the job has ended. */
void xpm__scheduler_post(xpm__scheduler *scheduler, xpm_job *job);
/* Looks again at a job that was handed over: it is no longer held back, or its result is wanted more
 * than before. */
void xpm__scheduler_touch(xpm__scheduler *scheduler, xpm_job *job);
void xpm__scheduler_cancel_job(xpm__scheduler *scheduler, xpm_job *job);
/* Tells of what a job announces, as watch `number`. */
void xpm__scheduler_watch(xpm__scheduler *scheduler, xpm_job *job, unsigned number);
/* Starts no further job; none is being started when it returns. Not for the loop's own thread. */
void xpm__scheduler_stop(xpm__scheduler *scheduler);
/* From now on jobs go to their queue before what they depend on has ended there, and how many are there is
 * counted (xpm__experiment_count_queued): for the first time after this call. */
void xpm__scheduler_hand_over(xpm__scheduler *scheduler);
/* Tells all that runs to end. */
void xpm__scheduler_cancel(xpm__scheduler *scheduler);
/* Ends the thread, leaving alone what runs, and frees. Accepts NULL. */
void xpm__scheduler_join(xpm__scheduler *scheduler);

#endif
