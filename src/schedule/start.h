/* Starting one job: its folder, its lock, its files, its process. */
#ifndef XPM_SCHEDULE_START_H
#define XPM_SCHEDULE_START_H

#include <experimaestro.h>

#include "launch/launcher.h"
#include "record/jobdir.h"
#include "schedule/tokens.h"
#include "submit/job.h"

typedef enum xpm__started {
    XPM__STARTED,   /* it runs, or is queued: `run` */
    XPM__ENDED,     /* it had ended already, or could not start: `state` */
    XPM__ELSEWHERE, /* another process holds its lock, or a queue has it */
    XPM__WAITS,     /* its tokens are not free: it will be told of */
} xpm__started;

/* Where a job is to start, and with what. */
typedef struct xpm__place {
    xpm__site *site;
    const xpm_launcher *launcher;
    const xpm__share *share;
} xpm__place;

/* Takes the job's lock and its tokens, writes its folder, and starts it at its place. Its process has
 * the lock from then on, or takes it when its turn in the queue has come. */
xpm__started xpm__start_job(xpm_job *job, const xpm__place *place, xpm__tokens *tokens,
                            xpm__run **run, xpm__jobdir_state *state);

/* Whether a job that asks for accelerators of this machine runs already: it has those that it would wait
 * for. */
bool xpm__has_claim(const xpm_job *job, const xpm_launcher *launcher);

/* What is known of a job that was started elsewhere. */
typedef struct xpm__elsewhere {
    xpm__pid pid;
    xpm__stamp failed; /* what its .failed is now, for xpm__failed_since */
} xpm__elsewhere;
void xpm__look_elsewhere(const xpm_job *job, xpm__elsewhere *elsewhere);
/* Watches what .pid names. NULL when that is nothing that lives, or no more what it names. */
xpm__run *xpm__adopt_job(xpm_job *job, xpm__site *site, const xpm__pid *pid);
/* Whether the job has failed since then: `state` says how. */
bool xpm__failed_since(const xpm_job *job, const xpm__stamp *failed, xpm__jobdir_state *state);
/* The queue does not know of a job that it is said to have: says so no more, unless something else is
 * said by now. */
void xpm__forget_queued(const xpm_job *job, const xpm__pid *pid);

/* Says in the folder of a job that could not be started why. */
void xpm__mark_failed(const xpm_job *job, const char *message);

/* Writes the job's folder, and starts nothing. */
int xpm__generate_job(const xpm_job *job, xpm_error *err);

/* How a job ended whose process is no more: its markers, or else how the process ended, which is
 * then marked. Counts a failure. READY when another process runs it again. False, and nothing was marked,
 * when others that its process has left have the lock: to be called again, `waited`, when it is free. */
bool xpm__end_job(xpm_job *job, const xpm__end *end, bool waited, xpm__jobdir_state *state);

#endif
