/* How long Slurm lets this process run, when it is one of its jobs. */
#ifndef XPM_RUN_ALLOTTED_H
#define XPM_RUN_ALLOTTED_H

/* Seconds; -1 when there is no limit, or it is not known. It is asked of Slurm at the first call that is
 * answered. */
double xpm__allotted_left(void);

#endif
