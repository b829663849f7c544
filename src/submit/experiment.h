/* An experiment that is open: its jobs, and what those who wait for them need. `submitting` is held
 * by the one thread that submits, to which the table of jobs belongs; the scheduler's thread changes
 * their states; `mutex` guards the counts, which both read, and the notices. */
#ifndef XPM_SUBMIT_EXPERIMENT_H
#define XPM_SUBMIT_EXPERIMENT_H

#include <pthread.h>

#include <experimaestro.h>

#include "base/map.h"
#include "record/rundir.h"
#include "record/workspace.h"
#include "submit/environment.h"

/* A thread that waits, as long as `over` says no. */
typedef struct xpm__waiter {
    bool (*over)(const xpm_experiment *xp, const struct xpm__waiter *waiter); /* with the mutex */
    const xpm_job *job; /* that it waits for; NULL for all */
    bool listens;       /* it was given a notice, and deals with it: it does not wait for these */
    int fd; /* an eventfd that wakes it; -1 for one that waits for the condition `ended` */
    struct xpm__waiter *next;
} xpm__waiter;

/* What has happened, for who listens (notices.c). */
typedef struct xpm__notices {
    bool on;
    struct xpm__notice *first, **last;
    pthread_cond_t added;
    size_t coming;      /* watches of outputs whose files are still to be read */
    size_t given;       /* to who listens, and not cleared yet */
    pthread_t listener; /* that was given the last */
} xpm__notices;

struct xpm_experiment {
    xpm_run_mode mode;
    xpm__workspace *workspace;
    char *name;
    xpm__rundir *run;       /* NULL unless the mode is NORMAL */
    char *program, *python; /* that run native and Python tasks */
    int slots, max_retries;
    xpm_limits limits;      /* of each job, unless it has others */
    xpm_launcher *launcher; /* of the jobs submitted from now on; NULL: this machine */
    xpm_tell warn;          /* or NULL; with its argument */
    void *user;
    xpm__map table; /* identifier to job */
    xpm_job **jobs; /* in order of submission; each a reference */
    size_t job_count, job_capacity;
    xpm_config **outputs; /* that tasks in C gave; each a reference */
    size_t output_count, output_capacity;
    xpm__variables variables;      /* added to the environment of all jobs */
    xpm__environment *environment; /* of the jobs submitted last */
    pthread_mutex_t submitting;    /* recursive: a function of the caller may submit too */
    pthread_mutex_t mutex;
    pthread_cond_t ended; /* what a thread waits for has come */
    size_t handed;        /* jobs that were submitted: those not done or in error are unfinished */
    size_t
        needing; /* jobs that have not ended, and that no queue has, as the scheduler has last seen; */
    bool is_counted; /* since this was asked for */
    size_t wanted;   /* jobs that were left out, are wanted now, and were not looked at since */
    xpm__waiter *waiters;
    xpm__notices notices;
    unsigned watches; /* of outputs, so far; atomic */
    size_t by_state[XPM_JOB_ERROR + 1];
    size_t started;
    bool stopped, detached;
    struct xpm__scheduler *scheduler; /* NULL unless the mode is NORMAL */
};

/* Makes what threads meet at: mutexes, conditions; and frees it. */
void xpm__experiment_init_threads(xpm_experiment *xp);
void xpm__experiment_free_threads(xpm_experiment *xp);

/* Says that queues have so many of the jobs that have not ended. For the scheduler's thread. */
void xpm__experiment_count_queued(xpm_experiment *xp, size_t queued);

/* Waits until they have all, as xpm_experiment_hand_over_or. */
size_t xpm__experiment_await_queued(xpm_experiment *xp, double seconds, int fd);

/* Wakes those whose waiting is over. With the mutex held. */
void xpm__experiment_wake(xpm_experiment *xp);

/* Adds a notice, if somebody listens; takes what it holds. With the mutex held. */
void xpm__notices_add(xpm_experiment *xp, const xpm_notice *notice);
/* Whether nothing is left for who listens; whether that is the calling thread, which deals with a
 * notice. With the mutex held. */
bool xpm__notices_are_dealt_with(const xpm_experiment *xp);
bool xpm__notices_are_here(const xpm_experiment *xp);
void xpm__notices_free(xpm_experiment *xp);

/* Whether its mode lets it write. */
static inline bool xpm__experiment_writes(const xpm_experiment *xp)
{
    return xp->mode == XPM_NORMAL || xp->mode == XPM_GENERATE_ONLY;
}

/* How many submitted jobs have not ended, and will. With the mutex held. */
static inline size_t xpm__experiment_unfinished(const xpm_experiment *xp)
{
    return xp->handed - xp->by_state[XPM_JOB_DONE] - xp->by_state[XPM_JOB_ERROR] -
           xp->by_state[XPM_JOB_TRANSIENT] + xp->wanted;
}

/* How many run. With the mutex held. */
static inline size_t xpm__experiment_running(const xpm_experiment *xp)
{
    return xp->by_state[XPM_JOB_SCHEDULED] + xp->by_state[XPM_JOB_RUNNING];
}

#endif
