/* What a process of Slurm is: one element of a batch (record/array.h), and perhaps one of several
 * processes that run it together. */
#ifndef XPM_RUN_STEP_H
#define XPM_RUN_STEP_H

#include <experimaestro.h>

typedef struct xpm__step {
    const char *id;    /* as Slurm calls it: "123", or "123_4" of an array */
    const char *token; /* by which it was sent, as .pid has it */
    /* Folders of jobs that must be done before it runs; ends with NULL. */
    const char *const *needs;
} xpm__step;

/* NULL when this process has entered none (xpm_array_enter). */
const xpm__step *xpm__step_entered(void);

/* Seconds until Slurm ends this process, as it says when it is first asked; -1 when there is no such
 * limit, or this process has entered no job of Slurm. */
double xpm__step_remaining(void);

/* Which of the processes that run one job together this is: 0 is the one that has the lock, and
 * speaks for it. */
int xpm__step_rank(void);

#endif
