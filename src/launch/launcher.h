/* Launchers, from inside: a const table of functions each, and nothing else that the scheduler knows
 * of where jobs run. A launcher at work in one scheduler is a site: it has the scheduler's loop, starts
 * jobs, watches them, and tells how they ended. All of it is for the loop's thread. A launcher never
 * changes the scheduler's own environment, and builds no shell text from users' values. */
#ifndef XPM_LAUNCH_LAUNCHER_H
#define XPM_LAUNCH_LAUNCHER_H

#include <sys/types.h>

#include <uv.h>

#include <experimaestro.h>

#include "launch/machine.h"
#include "record/jobdir.h"
#include "submit/job.h"

typedef struct xpm__launcher_table xpm__launcher_table;

/* Each launcher's own struct starts with it. It does not change once it was given to a job. */
struct xpm_launcher {
    const xpm__launcher_table *table;
    int refs; /* atomic */
    int priority, nice;
    bool pin; /* its jobs have cores of their own */
    xpm_limits limits;
    xpm__variables variables;     /* over the inherited environment, under the job's */
    xpm_requirement *requirement; /* NULL: one slot; and as a text */
    char *needs;
    char *python; /* the interpreter at its place; NULL: the experiment's */
};

/* How a job ended, as far as its launcher can tell: what its folder says comes first. */
typedef struct xpm__end {
    int code;            /* exit status, when it exited */
    int signal;          /* that killed it, or 0 */
    bool known;          /* false: nothing is known but that it runs no more */
    bool memory;         /* the kernel killed it, for memory had run out */
    int64_t peak_memory; /* bytes; 0 when not known */
    xpm_reason reason;   /* that the launcher gives, with its words; NONE: judge by the rest */
    char message[256];
    bool again;        /* it was never begun, and is to be started again */
    const char *token; /* then, of a job of a queue: by which its .pid names it. Borrowed */
} xpm__end;

/* A job to start. Everything is borrowed for the time of the call. */
typedef struct xpm__start {
    xpm_job *job;
    const xpm_launcher *launcher;
    int directory;            /* the job's folder, where the process starts */
    const char *name;         /* of its files: NAME.out, NAME.err */
    const char *const *argv;  /* ends with NULL; argv[0] is the program's path */
    char *const *environment; /* ends with NULL */
    const char *start; /* the entry XPM__START_VARIABLE of that environment; NULL when not there */
    int lock;          /* the job's, held; the process gets it as descriptor XPM__LOCK_FD */
    const int *guards; /* other locks, which it gets as the descriptors after it */
    size_t guard_count;
    /* Of a job that goes to a queue before what it depends on has ended: their names in that queue,
     * and their folders, of which it looks at the markers; each ends with NULL. */
    const char *const *after, *const *needs;
    const xpm__share *share; /* what it may use of this machine, until it ends; NULL elsewhere */
} xpm__start;

typedef struct xpm__site xpm__site;

/* A job that runs, or is queued. Each launcher's own struct starts with it. */
typedef struct xpm__run {
    xpm__site *site;
    void *user; /* the scheduler's own */
    xpm_job *job;
} xpm__run;

/* What a site tells, from the loop; never from inside a call to it. */
typedef struct xpm__site_events {
    void (*began)(xpm__run *run); /* a job that was queued runs now */
    /* A job has ended. The run is freed by the site after this call. */
    void (*ended)(xpm__run *run, const xpm__end *end);
    void (*freed)(void *user); /* there is room again: start what waits */
    /* It is known what the queue calls a job (the table's `id`) that was started, or adopted, without. */
    void (*named)(xpm__run *run);
} xpm__site_events;

struct xpm__site {
    const xpm__launcher_table *table;
    char *place;
    uv_loop_t *loop;
    const xpm__site_events *events;
    void *user;      /* of `freed` */
    xpm__site *next; /* the scheduler's list */
};

struct xpm__launcher_table {
    const char *name;
    /* Whether its jobs run on this machine: they take a share of it, and the lock is handed to their
     * process. Else the lock is let go once the job is queued, and the process takes it. */
    bool is_here;
    void (*free)(xpm_launcher *launcher); /* what is its own; may be NULL */
    /* Whether what is asked for can ever be given there; NULL: whatever it is. Errors: RANGE. */
    int (*can)(const xpm_launcher *launcher, const xpm_requirement *requirement, xpm_error *err);
    /* Launchers with one place share a site: a text that is borrowed from the launcher. */
    const char *(*place)(const xpm_launcher *launcher);
    /* Whether what a .pid of this launcher names is at that site; NULL: always. */
    bool (*has)(const xpm__site *site, const xpm__pid *pid);
    /* Opens the site of that place; its first fields are the caller's to set. New: destroy. */
    xpm__site *(*open)(const xpm_launcher *launcher, xpm_error *err);
    /* Forgets all its runs, which go on alone, and closes its handles. */
    void (*close)(xpm__site *site);
    void (*destroy)(xpm__site *site); /* after the loop has ended */
    /* Starts a job, or gathers it, to be sent at `flush`. NULL with an error, and nothing left of it. */
    xpm__run *(*start)(xpm__site *site, const xpm__start *start, xpm_error *err);
    void (*flush)(xpm__site *site); /* all that could be started was; may be NULL */
    /* How many more jobs it takes now; NULL: any number. */
    size_t (*room)(const xpm__site *site);
    /* Takes over a job that was started, or queued, by another scheduler, whose .pid is of this
     * launcher. NULL when it is no more. */
    xpm__run *(*adopt)(xpm__site *site, xpm_job *job, const xpm__pid *pid);
    /* Tells a job to end, which `ended` then says. */
    void (*cancel)(xpm__run *run);
    void (*forget)(xpm__run *run); /* it goes on alone */
    /* What its queue calls a job, by which others may be told to come after it; "" while that is not
     * known. NULL: it has no queue that keeps jobs in order. */
    const char *(*id)(const xpm__run *run);
};

extern const xpm__launcher_table xpm__local_table, xpm__slurm_table, xpm__ssh_table;

/* Makes what all launchers share. The struct is of `size` bytes, zeroed. */
xpm_launcher *xpm__launcher_new(const xpm__launcher_table *table, size_t size);
/* The launcher that a .pid names, with its defaults; NULL when there is none of this name. New. */
xpm_launcher *xpm__launcher_named(const xpm__pid *pid);

/* Words of a command, which end with NULL; a copy of none is NULL. New: xpm__words_free, which accepts
 * NULL. */
char **xpm__words_copy(const char *const *words);
void xpm__words_free(char **words);

/* A job that is submitted has the variables of its launcher, under its own, and the limits of its
 * launcher or of the experiment, unless it has others. */
void xpm__job_settle(xpm_job *job);

/* Says how many seconds its place lets a job run still; 0 when that is not known. */
void xpm__job_set_end(xpm_job *job, double seconds);

#endif
