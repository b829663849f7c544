/* Whether the kernel has killed a process because memory had run out: it says so in its log, which
 * may not be readable, and counts it in the control group. */
#ifndef XPM_LAUNCH_OOM_H
#define XPM_LAUNCH_OOM_H

#include <stdbool.h>
#include <sys/types.h>

/* Called before the first process is started: kills so far are none of ours. */
void xpm__oom_watch(void);
/* Asked of a process that SIGKILL ended, soon after: whether the log names it, or a kill was counted
 * since the last call. */
bool xpm__oom_killed(pid_t pid);

#endif
