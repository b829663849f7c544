/* The orders that the SSH launcher gives an agent, as lines (wire.h). Each adds one. */
#ifndef XPM_LAUNCH_SSH_ORDER_H
#define XPM_LAUNCH_SSH_ORDER_H

#include "launch/launcher.h"

/* The first: which workspace it is, in which the file `probe` was made, and how many jobs may run at
 * once; 0: as many as there are cores. */
void xpm__order_open(xpm__str *out, const xpm__workspace *workspace, const char *probe, int slots);
/* Starts a job whose files were written here, by its command after the words of `wrapper` (ends with
 * NULL; NULL for none). Errors: IO (they cannot be read), RANGE (the line is longer than any may be). */
int xpm__order_start(xpm__str *out, const xpm__start *start, char *const *wrapper,
                     const char *token, xpm_error *err);
/* Asks after a job that was started. */
void xpm__order_adopt(xpm__str *out, const xpm_job *job, const char *token);
void xpm__order_cancel(xpm__str *out, const char *token);

#endif
