/* Starting one job: its folder, its lock, its files, its process. */
#ifndef XPM_SCHEDULE_START_H
#define XPM_SCHEDULE_START_H

#include <experimaestro.h>

#include "launch/launcher.h"
#include "record/jobdir.h"
#include "schedule/tokens.h"
#include "submit/job.h"

typedef enum xpm__started {
    XPM__STARTED,   /* a process runs it: `process` */
    XPM__ENDED,     /* it had ended already, or could not start: `state` */
    XPM__ELSEWHERE, /* another process holds its lock */
    XPM__WAITS,     /* its tokens are not free: it will be told of */
} xpm__started;

/* Takes the job's lock and its tokens, writes its folder, and starts its process, which has the lock
 * from then on. */
xpm__started xpm__start_job(xpm_job *job, const xpm__launcher *launcher, xpm__tokens *tokens,
                            xpm__process *process, xpm__jobdir_state *state);

/* Finds the process of a job that was started elsewhere. -1 when .pid names none that lives here; then
 * `*failed` is what its .failed is now, for xpm__failed_since. */
int xpm__adopt_job(const xpm_job *job, const xpm__launcher *launcher, xpm__process *process,
                   xpm__stamp *failed);
/* Whether the job has failed since then: `state` says how. */
bool xpm__failed_since(const xpm_job *job, const xpm__stamp *failed, xpm__jobdir_state *state);

/* Says in the folder of a job that could not be started why. */
void xpm__mark_failed(const xpm_job *job, const char *message);

/* Writes the job's folder, and starts nothing. */
int xpm__generate_job(const xpm_job *job, xpm_error *err);

/* How a job ended whose process is no more: its markers, or else how the process ended, which is
 * then marked. Counts a failure. READY when another process runs it again. */
void xpm__end_job(xpm_job *job, const xpm__end *end, xpm__jobdir_state *state);

#endif
