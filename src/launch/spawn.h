/* Starting a job's process on this machine as a new program. */
#ifndef XPM_LAUNCH_SPAWN_H
#define XPM_LAUNCH_SPAWN_H

#include "launch/launcher.h"

/* A process that was started, or found. */
typedef struct xpm__process {
    pid_t pid;
    int fd; /* readable when it has ended (a pidfd); the caller closes it */
} xpm__process;

/* Opens the pidfd of a process; -1 with errno when it is no more. */
int xpm__process_open(pid_t pid, xpm__process *process);
/* How a process ended whose descriptor is readable; it is not known of one that is no child. */
void xpm__process_collect(const xpm__process *process, xpm__end *end);
/* Before that: kills what is left in its group of a process that was killed, or has failed, without a
 * marker in its job's folder. What it has forked would keep the job's lock. */
void xpm__process_end_rest(const xpm__process *process, int folder, const char *name);
void xpm__process_tell(const xpm__process *process, int signal_number);

/* Kills a process that this one has started, and waits for its end. */
void xpm__process_kill(const xpm__process *process);

/* The streams of a job: /dev/null, and NAME.out and NAME.err in its folder, emptied. */
typedef struct xpm__streams {
    int in, out, err; /* -1 for none */
} xpm__streams;
/* Errors: IO. */
int xpm__streams_open(const xpm__start *start, xpm__streams *streams, xpm_error *err);
void xpm__streams_close(const xpm__streams *streams);

/* Starts the command, after the words of `wrapper` (ends with NULL; NULL for none). Errors: IO. */
int xpm__spawn(const xpm__start *start, const char *const *wrapper, const xpm__streams *streams,
               xpm__process *process, xpm_error *err);

#endif
