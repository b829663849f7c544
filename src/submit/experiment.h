/* An experiment that is open: its jobs, and what those who wait for them need. The thread that
 * submits owns the table of jobs; the scheduler's thread changes their states; `mutex` guards the
 * counts, which both read. */
#ifndef XPM_SUBMIT_EXPERIMENT_H
#define XPM_SUBMIT_EXPERIMENT_H

#include <pthread.h>

#include <experimaestro.h>

#include "base/map.h"
#include "record/rundir.h"
#include "record/workspace.h"
#include "submit/environment.h"

struct xpm_experiment {
    xpm_run_mode mode;
    xpm__workspace *workspace;
    char *name;
    xpm__rundir *run;       /* NULL unless the mode is NORMAL */
    char *program, *python; /* that run native and Python tasks */
    int slots, max_retries;
    xpm_limits limits; /* of each job, unless it has others */
    xpm_tell warn;     /* or NULL; with its argument */
    void *user;
    xpm__map table; /* identifier to job */
    xpm_job **jobs; /* in order of submission; each a reference */
    size_t job_count, job_capacity;
    xpm_config **outputs; /* that tasks in C gave; each a reference */
    size_t output_count, output_capacity;
    xpm__variables variables;      /* added to the environment of all jobs */
    xpm__environment *environment; /* of the jobs submitted last */
    pthread_mutex_t mutex;
    pthread_cond_t ended; /* a job has ended */
    size_t handed;        /* jobs that were submitted: those not done or in error are unfinished */
    size_t wanted;  /* jobs that were left out, are wanted now, and were not looked at since */
    size_t waiters; /* threads that wait for one job */
    size_t by_state[XPM_JOB_ERROR + 1];
    size_t started;
    bool stopped, draining, detached;
    struct xpm__scheduler *scheduler; /* NULL unless the mode is NORMAL */
};

/* The time of `ended`'s clock `seconds` from now. */
struct timespec xpm__deadline_in(double seconds);

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
