/* Slurm as a launcher, from inside. Everything that asks Slurm is a command, in a thread of the loop's
 * pool, one at a time (slurm.c); what is sent is gathered into batches (slurm_batch.c), which Slurm takes
 * or not (slurm_sent.c); what has become of it is seen in one list of all that is queued (slurm_queue.c). */
#ifndef XPM_LAUNCH_SLURM_H
#define XPM_LAUNCH_SLURM_H

#include "launch/launcher.h"
#include "launch/slurm_text.h"

typedef struct xpm__slurm_launcher {
    xpm_launcher base;
    char *binpath;  /* "": found in PATH */
    char **options; /* of sbatch; ends with NULL */
    bool ranks;     /* they start several processes of a job */
    double interval_max;
    int submit_max;
} xpm__slurm_launcher;

typedef struct xpm__slurm_site xpm__slurm_site;
typedef struct xpm__slurm_batch xpm__slurm_batch;

/* A job that is to be sent, or is queued, or runs. */
typedef struct xpm__slurm_run {
    xpm__run base;
    xpm__slurm_batch *batch; /* NULL for one that another scheduler has sent */
    size_t index;            /* there */
    char id[XPM__SLURM_ID];  /* "" while Slurm has given none, or it is not known */
    char token[XPM__SLURM_WORD];
    bool adopted, seen;    /* seen: in an answer of Slurm's */
    bool began;            /* and so was that it runs */
    bool cancelled, told;  /* told: Slurm, by scancel */
    bool confirmed;        /* its comment in Slurm was its token */
    bool displaced;        /* the controller has given its number to another job */
    bool traced;           /* something of its batch is in the queue still */
    double heard;          /* when Slurm had it last; 0 for never */
    double gone;           /* since when it has ended, or is not known, without a marker; or 0 */
    xpm__slurm_entry last; /* what was said of it last */
    struct xpm__slurm_run *next, **link; /* of its site */
} xpm__slurm_run;

/* ---- Batches ------------------------------------------------------------------------------------ */

/* One job of a batch. Once that is sent, it is the thread's that sends it, until that has ended. */
typedef struct xpm__slurm_item {
    char *directory, *name; /* of the job's files */
    char *record;           /* in the list */
    size_t record_size;
    int lock; /* the job's, held until it is queued; or -1 */
} xpm__slurm_item;

typedef enum xpm__slurm_sent {
    XPM__SLURM_GATHERED,
    XPM__SLURM_SENDING,
    XPM__SLURM_UNKNOWN, /* nobody has said whether it was taken */
    XPM__SLURM_QUEUED,
} xpm__slurm_sent;

/* Jobs that ask for the same, and go as one. */
struct xpm__slurm_batch {
    xpm__slurm_sent sent;
    char *key;       /* what is equal: all that follows */
    char *arguments; /* of sbatch, each with a NUL after it */
    size_t argument_size;
    char **environment;               /* of sbatch; a new array of new texts, ends with NULL */
    char *program, *binpath, *folder; /* folder: WORKSPACE/.experimaestro/slurm */
    bool python, ranks;
    char *job_name;
    char token[XPM__SLURM_WORD]; /* "" while it was not sent */
    char id[XPM__SLURM_ID];
    xpm__slurm_item *items;
    xpm__slurm_run **runs; /* of the items; NULL for one that has ended, or goes on alone */
    size_t count, item_capacity, run_capacity, left; /* left: runs that have not ended */
    int unseen;   /* answers that did not know it, one after another; of an UNKNOWN one */
    double since; /* of the first of them */
    xpm__slurm_batch *next;
};

/* How the sending went. */
typedef struct xpm__slurm_answer {
    bool taken;
    xpm__slurm_refusal refusal; /* when it was not */
    xpm__str words;             /* why; "" when all is well */
} xpm__slurm_answer;

/* The token of one of its elements, as .pid has it. */
void xpm__slurm_token(const xpm__slurm_batch *batch, size_t index, char token[XPM__SLURM_WORD]);
void xpm__slurm_element_id(const xpm__slurm_batch *batch, size_t index, char id[XPM__SLURM_ID]);

/* What of jobs must be equal that go as one. New: xpm_free. */
char *xpm__slurm_key(const xpm__start *start);
/* A batch for a job of that key, which it takes; still empty. New. */
xpm__slurm_batch *xpm__slurm_batch_new(const xpm__start *start, char *key);
/* Adds a job, with a copy of its lock. Errors: IO. */
int xpm__slurm_batch_add(xpm__slurm_batch *batch, const xpm__start *start, xpm__slurm_run *run,
                         xpm_error *err);
/* Takes the last items, from `count` on, into a new batch. */
xpm__slurm_batch *xpm__slurm_batch_cut(xpm__slurm_batch *batch, size_t count);
/* Leaves one out that was not sent. */
void xpm__slurm_batch_leave_out(xpm__slurm_batch *batch, size_t index);
void xpm__slurm_batch_unlock(xpm__slurm_batch *batch);
void xpm__slurm_batch_free(xpm__slurm_batch *batch); /* accepts NULL */

/* Sends it; for any thread. When `hurry` can be read, there is a moment left for sbatch. The jobs that
 * were taken have it in their .pid, and their locks are free; else the locks are held still, and .pid
 * says nothing unless the answer is unknown. */
void xpm__slurm_batch_send(xpm__slurm_batch *batch, int hurry, xpm__slurm_answer *answer);
/* Says in each .pid what Slurm calls it, and lets the locks go. */
void xpm__slurm_batch_record(xpm__slurm_batch *batch);
/* Removes its list, and its log when that is empty. */
void xpm__slurm_batch_clean(const xpm__slurm_batch *batch);
/* The same for each list in a folder, of whatever scheduler, all of whose jobs have ended. */
void xpm__slurm_sweep(const char *folder);
/* What was said of the jobs of a batch, by Slurm and before they began; "" when nothing. New. */
char *xpm__slurm_log(const char *folder, const char *token);

/* ---- Commands ----------------------------------------------------------------------------------- */

/* A copy of an environment for Slurm's commands: without what says how they are asked, and where this
 * process stands. */
char **xpm__slurm_environment(char *const *environment);
void xpm__slurm_environment_free(char **environment);

/* Arguments of a command. Start from {0}. */
typedef struct xpm__slurm_command {
    char **words; /* ends with NULL */
    size_t count, capacity;
} xpm__slurm_command;
/* The name with the folder before it, unless that is "". */
void xpm__slurm_command_begin(xpm__slurm_command *command, const char *binpath, const char *name);
void xpm__slurm_command_add(xpm__slurm_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void xpm__slurm_command_free(xpm__slurm_command *command);

/* ---- The site ----------------------------------------------------------------------------------- */

typedef enum xpm__slurm_work {
    XPM__SLURM_IDLE,
    XPM__SLURM_CONFIGURE, /* scontrol: how many elements an array may have, and the like */
    XPM__SLURM_SEND,
    XPM__SLURM_LOOK,    /* squeue */
    XPM__SLURM_ACCOUNT, /* sacct */
    XPM__SLURM_CANCEL,  /* scancel */
} xpm__slurm_work;

struct xpm__slurm_site {
    xpm__site base;
    char *binpath;
    uv_timer_t timer;
    bool has_timer, closed;
    char **environment; /* of all commands but sbatch; NULL before the first job */
    xpm__slurm_run *runs;
    xpm__slurm_batch *batches; /* in order of time */
    size_t run_count, locks;   /* locks: runs that are in batches which were not taken yet */
    bool configured;           /* the controller was asked for: */
    size_t array_size;         /* most elements of a batch; 0 while it is not known */
    double kept;               /* seconds for which what has ended is in the queue still */
    bool keeps_comments;       /* some job's was seen */
    size_t submit_max,
        limit; /* jobs in the queue: the user's, and Slurm's as it was learnt; 0: none */
    double interval, interval_max; /* between two looks, in seconds */
    bool no_accounting, swept;     /* swept: old lists were looked for */
    bool has_adopted;              /* there are lists that another scheduler has sent */
    /* On the loop's clock, in seconds: */
    double gathered;         /* since when something is to be sent; 0 for nothing */
    double send_at, look_at; /* what is to be done next, not before */
    double account_at, cancel_at, held_until, limit_until;
    double backoff;          /* after what failed last; 0 */
    double credit, credited; /* requests that may come fast, as of the second */
    bool warned, told_full;
    xpm__slurm_work work; /* that is being done, with: */
    uv_work_t request;
    xpm__slurm_command command;
    xpm__slurm_batch *sending;
    xpm__slurm_answer answer;
    int status, problem; /* as xpm__process_ask says */
    xpm__str out, errors;
    int hurry; /* an eventfd that cuts a question short */
};

double xpm__slurm_now(const xpm__slurm_site *site);
/* Something has changed, or will soon: looks often for a while. */
void xpm__slurm_look_soon(xpm__slurm_site *site);
/* Tells who runs the experiment, once until all is well again. */
void xpm__slurm_warn(xpm__slurm_site *site, const char *what, const char *words);
/* Ends a run, and frees it. */
void xpm__slurm_end(xpm__slurm_run *run, const xpm__end *end);
void xpm__slurm_end_as(xpm__slurm_run *run, xpm_reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Seconds from one request to the next, at least. */
double xpm__slurm_gap(const xpm__slurm_site *site);

/* Makes two of a batch, the first of `count`. */
void xpm__slurm_divide(xpm__slurm_batch *batch, size_t count);
/* `sending` was sent: as `answer` says. */
void xpm__slurm_was_sent(xpm__slurm_site *site);
/* The jobs of a batch are Slurm's now. */
void xpm__slurm_taken(xpm__slurm_site *site, xpm__slurm_batch *batch);

/* Whether a comment is a token of ours. */
bool xpm__slurm_is_token(const char *comment);

/* What squeue, and sacct, have answered of all runs. */
void xpm__slurm_looked(xpm__slurm_site *site, const char *answer);
void xpm__slurm_accounted(xpm__slurm_site *site, const char *answer);
/* Whether sacct is to be asked of it. */
bool xpm__slurm_needs_accounting(const xpm__slurm_run *run);
/* Whether it is not in the queue any more, and has not begun as far as is known. */
bool xpm__slurm_has_vanished(const xpm__slurm_run *run);

#endif
