/* The jobs that are ready, in lanes: those of one lane need the same, in one place, at one priority,
 * and start in order. A job that waits for much of this machine does not keep those of other lanes
 * that need less, until so many have passed it that it has its turn: then what it needs is kept
 * for it, and those start that need nothing of it. */
#ifndef XPM_SCHEDULE_LANES_H
#define XPM_SCHEDULE_LANES_H

#include "launch/launcher.h"
#include "submit/job.h"

typedef struct xpm__lanes xpm__lanes;

/* Finds, or opens, where the jobs of a launcher run. NULL with an error. */
typedef xpm__site *(*xpm__site_finder)(void *user, const xpm_launcher *launcher, xpm_error *err);

/* `plain` is the launcher of jobs that have none, borrowed as `machine` is. */
xpm__lanes *xpm__lanes_new(xpm_launcher *plain, xpm__machine *machine, xpm__site_finder find,
                           void *user);
void xpm__lanes_free(xpm__lanes *lanes); /* accepts NULL */

/* Adds a ready job, behind those that were ready before; `first`: before all others. */
int xpm__lanes_add(xpm__lanes *lanes, xpm_job *job, bool first, xpm_error *err);
bool xpm__lanes_remove(xpm__lanes *lanes, xpm_job *job); /* whether it was there */

/* Takes the next job that can start now, with what it needs of this machine (NULL elsewhere), which
 * is the caller's to give back. NULL when there is none. */
xpm_job *xpm__lanes_take(xpm__lanes *lanes, xpm__share **share);

/* Where a job runs, and by which launcher: known from when it was added. */
xpm__site *xpm__lane_site(const xpm_job *job);
const xpm_launcher *xpm__lane_launcher(const xpm_job *job);

#endif
