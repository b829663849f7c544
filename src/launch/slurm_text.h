/* What Slurm's commands print: pure functions, on texts that may be anything. */
#ifndef XPM_LAUNCH_SLURM_TEXT_H
#define XPM_LAUNCH_SLURM_TEXT_H

#include <experimaestro.h>

#include "base/str.h"

enum { XPM__SLURM_ID = 64, XPM__SLURM_STATE = 32, XPM__SLURM_WORD = 64 };

/* Where a state of Slurm's stands. */
typedef enum xpm__slurm_phase {
    XPM__SLURM_WAITS,
    XPM__SLURM_RUNS,
    XPM__SLURM_ENDED,
} xpm__slurm_phase;

/* What a state means; one that is not known counts as RUNS: nothing is concluded from it. */
typedef struct xpm__slurm_meaning {
    xpm__slurm_phase phase;
    xpm_reason reason;    /* of a job that has ended so, and left no marker */
    const char *sentence; /* the same, for people */
} xpm__slurm_meaning;
const xpm__slurm_meaning *xpm__slurm_state(const char *state);

/* A line of squeue or sacct. */
typedef struct xpm__slurm_entry {
    char id[XPM__SLURM_ID];       /* "123" or "123_4" */
    char number[XPM__SLURM_ID];   /* the same job, as the machines call it: "127" */
    char state[XPM__SLURM_STATE]; /* in capitals */
    char reason
        [XPM__SLURM_WORD]; /* of squeue: why it waits, or has ended; of sacct: the exit status */
    char comment[XPM__SLURM_WORD];
    double left; /* seconds that it may still run; 0 when not known */
} xpm__slurm_entry;

#define XPM__SQUEUE_FORMAT "%i|%A|%T|%L|%r|%k"
#define XPM__SACCT_FORMAT "JobID,JobIDRaw,State,ExitCode"
/* Reads the next line that is one of theirs, and goes beyond it; false at the end. */
bool xpm__slurm_next_queued(const char **text, xpm__slurm_entry *entry);
bool xpm__slurm_next_accounted(const char **text, xpm__slurm_entry *entry);

/* Whether the log of a batch says that the job of that number had more memory than it asked for. */
bool xpm__slurm_log_tells_memory(const char *log, const char *number);

/* The number that sbatch --parsable has printed last; false when there is none. */
bool xpm__slurm_submitted(const char *text, char id[XPM__SLURM_ID]);

/* Why a command has failed. */
typedef enum xpm__slurm_refusal {
    XPM__SLURM_REFUSED, /* for good */
    XPM__SLURM_DOWN,    /* nobody answered: it may have been done, or not */
    XPM__SLURM_FULL,    /* too many jobs are queued: less, or later */
    XPM__SLURM_POLICY, /* that, or it asks for more than is ever given: Slurm has one phrase for both */
    XPM__SLURM_ARRAY, /* the array has too many elements */
} xpm__slurm_refusal;
xpm__slurm_refusal xpm__slurm_refusal_of(const char *errors);
/* Whether sacct says that there is no accounting. */
bool xpm__slurm_has_no_accounting(const char *errors);
/* Its words for people, on one line. */
void xpm__slurm_add_words(xpm__str *out, const char *errors);

/* How many elements an array may have, as `scontrol show config` says; 0 when it does not. */
size_t xpm__slurm_array_size(const char *config);
/* For how many seconds it lists what has ended; 0 when it does not say. */
double xpm__slurm_kept(const char *config);

#endif
