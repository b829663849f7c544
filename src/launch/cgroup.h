/* A control group for one job, in which the kernel holds all its processes together to a limit of
 * memory. It is made below the group of this process, where this process may do that; the job's
 * process enters it by itself, before it does anything else (XPM__START_VARIABLE). */
#ifndef XPM_LAUNCH_CGROUP_H
#define XPM_LAUNCH_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "launch/cgroup_find.h"

typedef struct xpm__cgroup xpm__cgroup;

/* Makes one whose processes have `memory` bytes together, swap included. NULL where none can be made,
 * or for a limit of 0. The first call of a process removes the empty ones that dead processes have
 * left. New: xpm__cgroup_remove. */
xpm__cgroup *xpm__cgroup_make(int64_t memory);
/* The one that the process of a job is in, which was made by another process; NULL when it is in none.
 * New: xpm__cgroup_remove. */
xpm__cgroup *xpm__cgroup_find(pid_t pid);
/* Its folder. Borrowed. */
const char *xpm__cgroup_path(const xpm__cgroup *group);
/* Whether the kernel has killed a process of it because its memory had run out. */
bool xpm__cgroup_oom(const xpm__cgroup *group);
/* Once the job has ended. While processes that it left behind are in it, it stays; it is tried again
 * whenever another one is made or removed. Accepts NULL. */
void xpm__cgroup_remove(xpm__cgroup *group);

/* Gives a group a limit, and one of swap where the kernel counts it. 0, or -1 with errno. */
int xpm__cgroup_set_limit(const xpm__cgroup_files *files, const char *path, int64_t memory);

#endif
