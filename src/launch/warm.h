/* Warm starts: a job's process is forked from a parent that has loaded what the job needs, and waits. Such
 * a parent is started for the second job of a kind that comes within a minute: jobs of a kind have the same
 * program, environment and limits. Until it is ready, and when it cannot be as good as a new program,
 * jobs start cold. For one loop and its thread. */
#ifndef XPM_LAUNCH_WARM_H
#define XPM_LAUNCH_WARM_H

#include "launch/spawn.h"

typedef struct xpm__warm xpm__warm;

/* The process of a job, or 0 when it was not begun after all; with `user` of xpm__warm_start. From the
 * loop, never from inside a call. */
typedef void (*xpm__warm_answered)(void *user, pid_t pid);

/* NULL when the variable XPM_WARM is "0": then no job starts warm. New: close, then free when the loop
 * has ended; both accept NULL. */
xpm__warm *xpm__warm_new(uv_loop_t *loop, xpm__warm_answered answered);
/* Ends the parents; what was asked of them is still done, and not answered. */
void xpm__warm_close(xpm__warm *warm);
void xpm__warm_free(xpm__warm *warm);

/* Asks for a job's process. True when it will be answered: the process has the job's lock and streams from
 * here on. False: start the job cold. `warm` may be NULL. */
bool xpm__warm_start(xpm__warm *warm, const xpm__start *start, const xpm__streams *streams,
                     void *user);
/* The answer for `user` is no more of interest. */
void xpm__warm_forget(xpm__warm *warm, const void *user);

#endif
