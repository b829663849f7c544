/* Launchers: where a job runs. Each is a const table of functions; the scheduler knows no other
 * difference between them. A launcher never changes the scheduler's own environment, and builds no
 * shell text from users' values. */
#ifndef XPM_LAUNCH_LAUNCHER_H
#define XPM_LAUNCH_LAUNCHER_H

#include <sys/types.h>

#include <experimaestro.h>

/* A job to start. Everything is borrowed for the time of the call. */
typedef struct xpm__start {
    int directory;            /* the job's folder, where the process starts */
    const char *name;         /* of its files: NAME.out, NAME.err */
    const char *const *argv;  /* ends with NULL; argv[0] is the program's path */
    char *const *environment; /* ends with NULL */
    int lock;                 /* the job's, held; the process gets it as descriptor XPM__LOCK_FD */
    const int *guards;        /* other locks, which it gets as the descriptors after it */
    size_t guard_count;
} xpm__start;

/* A process that was started, or found. */
typedef struct xpm__process {
    pid_t pid;
    int fd; /* readable when it has ended (a pidfd); the caller closes it */
} xpm__process;

/* How a process ended. */
typedef struct xpm__end {
    int code;            /* exit status, when it exited */
    int signal;          /* that killed it, or 0 */
    bool known;          /* false for a process that is not a child of this one */
    bool memory;         /* the kernel killed it, for memory had run out */
    int64_t peak_memory; /* bytes; 0 when not known */
} xpm__end;

typedef struct xpm__launcher {
    const char *name;
    /* Starts a job. 0, or -1 with an error and nothing left of it. */
    int (*start)(const xpm__start *start, xpm__process *process, xpm_error *err);
    /* Takes over the process that a job's .pid names, started by another. -1 when it is no more. */
    int (*adopt)(pid_t pid, xpm__process *process);
    /* Tells a job's process to end. False when it is no more. */
    bool (*cancel)(const xpm__process *process);
    /* Collects the end of a process whose descriptor is readable. */
    void (*end)(const xpm__process *process, xpm__end *end);
} xpm__launcher;

/* Processes of this machine, each in its own session. */
extern const xpm__launcher xpm__local_launcher;

#endif
