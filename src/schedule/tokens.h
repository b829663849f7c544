/* The tokens that jobs wait for. Jobs of this scheduler wait in a line for each token, and only one
 * that is the first in all its lines tries; between schedulers, tickets in the token's folder say who
 * is first (record/tokendir). A job that waits has no slot and no lock. Who waits is told by the kernel:
 * of changes in the folder by inotify, of a death by a thread that waits for a lock. */
#ifndef XPM_SCHEDULE_TOKENS_H
#define XPM_SCHEDULE_TOKENS_H

#include <uv.h>

#include <experimaestro.h>

#include "base/lockwait.h"
#include "submit/job.h"

typedef struct xpm__tokens xpm__tokens;

/* All is for the loop's thread. `resume` is told of a job whose turn it is: it comes before those
 * that are ready; then `wake` that there is something to do. */
xpm__tokens *xpm__tokens_new(uv_loop_t *loop, xpm__lockwaits *waits,
                             void (*resume)(void *user, xpm_job *job), void (*wake)(void *user),
                             void *user);
/* Gives up all places, after the loop has ended. Accepts NULL. */
void xpm__tokens_free(xpm__tokens *tokens);

/* Whether a ready job may try to start; if not, it waits in its lines. */
bool xpm__tokens_turn(xpm__tokens *tokens, xpm_job *job);

typedef enum xpm__tokens_taken {
    XPM__TOKENS_TAKEN,  /* the job has all that it asked for, or asked for nothing */
    XPM__TOKENS_WAIT,   /* it will be told of */
    XPM__TOKENS_FAILED, /* an error */
} xpm__tokens_taken;
/* Takes the job's tokens, and lists them in its folder; its lock is held. Errors: IO. */
xpm__tokens_taken xpm__tokens_take(xpm__tokens *tokens, xpm_job *job, int jobdir, xpm_error *err);

/* Whether a job is in no other list than those of its tokens. */
bool xpm__tokens_waits(const xpm_job *job);
/* The job has ended, or gives up, or runs elsewhere: it waits no more, and has none, unless a process
 * that it left still holds its lock. Does nothing for one that asked for none. */
void xpm__tokens_release(xpm__tokens *tokens, xpm_job *job);

/* Says whether any job can start now. While none can, others that wait come before. */
void xpm__tokens_compete(xpm__tokens *tokens, bool can_start);

#endif
