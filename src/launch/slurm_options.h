/* What sbatch is asked for: the options that users give, and those that the job's needs stand for. */
#ifndef XPM_LAUNCH_SLURM_OPTIONS_H
#define XPM_LAUNCH_SLURM_OPTIONS_H

#include "launch/launcher.h"

/* Checks one option of sbatch, "NAME" or "NAME=VALUE". Errors: RANGE (not written so, set by the
 * library itself, or unknown and near a known one). */
int xpm__slurm_check_option(const char *option, xpm_error *err);

/* Whether options (end with NULL) say that a job is several processes. */
bool xpm__slurm_has_ranks(const char *const *options);

/* Whether Slurm can be asked for the first alternative. Errors: RANGE. */
int xpm__slurm_can(const xpm_requirement *requirement, xpm_error *err);

/* What one job needs. */
typedef struct xpm__slurm_need {
    const xpm_requirement *requirement; /* NULL for nothing */
    xpm_limits limits;                  /* of this attempt */
    double growth;                      /* of the memory asked for, after failures; 1 at first */
} xpm__slurm_need;

/* Adds to `out` the arguments of sbatch for a job, each with a NUL after it: what it needs, unless
 * `options` say it, then these. */
void xpm__slurm_add_arguments(const char *const *options, const xpm__slurm_need *need,
                              xpm__str *out);

#endif
