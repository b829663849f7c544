/* The control group that counts the memory of a process, in either version of control groups, and
 * what its files say. */
#ifndef XPM_LAUNCH_CGROUP_FIND_H
#define XPM_LAUNCH_CGROUP_FIND_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The names of the files of a version: what they hold is alike. */
typedef struct xpm__cgroup_files {
    int version;
    const char *limit; /* bytes; "max", or a number that is beyond any, for none */
    const char *swap;  /* the same; of swap alone in the second version, with memory in the first */
    const char *events; /* a line "oom_kill N": how often the kernel has killed in it */
} xpm__cgroup_files;

typedef struct xpm__cgroup_place {
    const xpm__cgroup_files *files;
    char path[PATH_MAX]; /* the group's folder */
    size_t root;         /* how much of it is the folder of the group above all */
} xpm__cgroup_place;

/* Where the group of a process is, from the texts of /proc/PID/cgroup and /proc/self/mountinfo.
 * False when memory is counted in none that is mounted here. */
bool xpm__cgroup_locate(const char *groups, const char *mounts, xpm__cgroup_place *place);
/* The same of a process that runs. */
bool xpm__cgroup_of(pid_t pid, xpm__cgroup_place *place);

/* The lowest limit of a group and of those above it, in bytes; 0 when there is none. */
int64_t xpm__cgroup_limit(const xpm__cgroup_place *place);
/* How often the kernel has killed a process of a group, for its memory had run out. */
long xpm__cgroup_kills(const xpm__cgroup_files *files, const char *path);

#endif
