/*
 * warm.h - warm starts, for a binding: a process that has loaded what the tasks of a language need, and
 * from which the processes of jobs are forked. A part of <experimaestro.h>, which includes it. Programs
 * in C have it by xpm_run, and so by xpm_main. How it is started, docs/launchers.md says.
 */
#ifndef EXPERIMAESTRO_WARM_H
#define EXPERIMAESTRO_WARM_H

#include <experimaestro.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a language does around a fork, each with `user`. May be NULL. */
typedef struct xpm_warm_hooks {
    void (*before)(void *user);
    void (*in_parent)(void *user);
    void (*in_child)(void *user);
    void *user;
} xpm_warm_hooks;

/* Forks a process for each job that the scheduler asks for. Returns in each of these what the job's
 * command ends with: its params.json or its script (new: xpm_free); the process is then as one that was
 * started for the job: its streams, folder, session and lock are the job's. In this process it
 * returns NULL when no more jobs are to come; or at once, after telling the scheduler why, when a
 * forked process would not be as a new one: it has threads, child processes, open files, timers, or has
 * printed something. Then it should end without a trace (_exit).
 *
 * `sources`: files that it was made of, besides the program; ends with NULL; may be NULL. Once one
 * has changed, it ends. Copies. */
XPM_API char *xpm_warm_serve(const char *const *sources, const xpm_warm_hooks *hooks);

/* The same, for a reason that the binding knows: tells the scheduler, and forks nothing. */
XPM_API void xpm_warm_refuse(const char *reason);

#ifdef __cplusplus
}
#endif

#endif
