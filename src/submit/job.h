/* Jobs: one for each identifier. A job's state changes in one function, which records the event
 * first. Fields are marked with the thread that may touch them: S the submitting one until the job
 * is handed to the scheduler, L the scheduler's loop from then on. */
#ifndef XPM_SUBMIT_JOB_H
#define XPM_SUBMIT_JOB_H

#include <experimaestro.h>

#include "submit/experiment.h"

struct xpm_job {
    xpm_experiment *xp; /* NULL once the experiment is closed */
    xpm__workspace *workspace;
    xpm_config *config;
    xpm_config **equals; /* S: equal tasks that were submitted too; each a reference */
    size_t equal_count, equal_capacity;
    int refs;          /* atomic */
    int state, reason; /* atomic */
    char hex[XPM_HEX_SIZE];
    bool handed;     /* S: to the scheduler, or known to be done */
    bool held;       /* the scheduler has a reference: from when it is posted until it has ended */
    char *directory; /* S: absolute */
    xpm__environment *environment; /* taken when it is handed over; L reads */
    xpm__variables variables;      /* over it */
    xpm_value tags;
    xpm_job **dependencies;  /* borrowed: the experiment holds them */
    size_t dependency_count; /* that it waits for; after them come those that are only recorded: */
    size_t soft_count, dependency_capacity;
    struct xpm__dependent {
        xpm_job *job;
        unsigned attempt; /* the job's when it was blocked: of an earlier one, it counts no more */
    } * dependents;       /* L: those that it blocks */
    size_t dependent_count, dependent_capacity;
    size_t blocked;   /* L: how many of its dependencies are not done, and 1 while it is parked */
    unsigned attempt; /* L: how often it has ended in error, or has come to wait anew */
    bool doomed;      /* L: in the list of those that a failure ends */
    xpm_job *next;    /* in the one queue where it is */
    int transient;    /* atomic: an xpm_transient */
    bool needed;      /* L: a job that is not transient waits for it */
    bool cancelled;   /* L: it must not start */
    bool resumable;
    xpm_launcher *launcher; /* S: or NULL, as the experiment's was; a reference */
    char *needs;            /* S: what it needs of this machine, as a text; NULL: a slot */
    struct xpm__lane *lane; /* L: where it waits when it is ready; NULL before it was first */
    int64_t order;          /* L: in which those of all lanes start */
    double ends_by;         /* atomic: when its place ends it, seconds since 1970; 0: not known */
    xpm_limits limits;
    bool has_limits;              /* of its own */
    xpm_retry retry;              /* S, and the loop reads `times` atomically */
    unsigned restarts;            /* L: how often it was started again since it was submitted */
    unsigned failures;            /* L: of its attempts so far, those of earlier runs among them */
    struct xpm__run *run;         /* L: what its launcher knows of it; NULL when it has none */
    struct xpm__running *running; /* L: the process that runs it; NULL when none is known */
    struct xpm__watched *watched; /* L: who watches its outputs; NULL when nobody does */
    struct xpm__guard {
        const char *name; /* of a partial identifier */
        char *directory;  /* that it shares; absolute */
        bool gate;        /* L: no other job of this scheduler is let in there */
        int fd;           /* L: the lock, from when it is taken until the process has it; or -1 */
    } * guards;           /* in order of name, which is that in which they are taken */
    size_t guard_count, guards_taken;
    struct xpm__wants *wants; /* of tokens (submit/token.h); NULL when none */
    bool wanted;              /* experiment's mutex: submitted again, and not looked at since */
    int holds;                /* experiment's mutex: how often it is held back */
    char *failure;            /* experiment's mutex: why it cannot start, from a release; or NULL */
    bool parked;              /* L: blocked until it is released */
    bool touched;             /* inbox's mutex: in the list of those to be looked at again */
    bool cancelling;          /* inbox's mutex: because it is to be cancelled */
    xpm_job *next_touched;    /* in that list */
};

/* Changes a job's state: the event first, then the state, then those who wait are told. */
void xpm__job_set_state(xpm_job *job, xpm_job_state state, xpm_reason reason);

/* Tells who runs the experiment what the job's folder cannot say. */
static inline void xpm__job_warn(const xpm_job *job, const char *message)
{
    if (job->xp->warn != NULL)
        job->xp->warn(job->xp->user, message);
}

/* How the run's files name it; `ids` are those it depends on (xpm__job_depends_on). */
xpm__run_job xpm__job_entry(const xpm_job *job, const char *const *ids);
/* The identifiers of its dependencies, ending with NULL. New: xpm_free; the texts are borrowed. */
const char **xpm__job_depends_on(const xpm_job *job);

static inline xpm_job_state xpm__job_state(const xpm_job *job)
{
    return (xpm_job_state)__atomic_load_n(&job->state, __ATOMIC_ACQUIRE);
}

static inline xpm_transient xpm__job_transient(const xpm_job *job)
{
    return (xpm_transient)__atomic_load_n(&job->transient, __ATOMIC_ACQUIRE);
}

/* How often it may be started again, and the reasons for which it is. */
int xpm__job_max_retries(const xpm_job *job);
bool xpm__job_retries_on(const xpm_job *job, xpm_reason reason);
/* Its limits after as many failures as it has had. */
xpm_limits xpm__job_limits(const xpm_job *job);

static inline bool xpm__job_has_ended(const xpm_job *job)
{
    xpm_job_state state = xpm__job_state(job);
    return state == XPM_JOB_DONE || state == XPM_JOB_ERROR;
}

/* Finds what a sealed task depends on: each task whose output is met first on the way down its
 * parameters (depend.c). */
int xpm__job_find_dependencies(xpm_job *job, xpm_error *err);

/* Releases it once; whether that was the last time. */
bool xpm__job_release(xpm_job *job, const char *failure);
/* Whether it is held back; if not, takes why it cannot start (new: xpm_free), or NULL. */
bool xpm__job_held_back(xpm_job *job, char **failure);

/* A job that was left out is wanted now: it is unfinished, until the scheduler has looked at it. */
void xpm__job_want(xpm_job *job);
void xpm__job_looked_at(xpm_job *job);

/* Lets go of the experiment, which is being closed. */
void xpm__job_detach(xpm_job *job);

#endif
