/*
 * notices.h - what happens while an experiment runs, for a program that acts on it. A part of
 * experimaestro.h, which includes it.
 */
#ifndef EXPERIMAESTRO_NOTICES_H
#define EXPERIMAESTRO_NOTICES_H

#include <experimaestro.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Listening --------------------------------------------------------------------------------- */

/* Something that has happened. They are told one by one, in order. */
typedef enum xpm_notice_kind {
    XPM_NOTICE_SUBMITTED, /* `job` was submitted for the first time in this run */
    XPM_NOTICE_STATE,     /* its state has changed, to `state` with `reason` */
    XPM_NOTICE_OUTPUT,    /* it has announced an output, which `watch` watches */
} xpm_notice_kind;

typedef struct xpm_notice {
    xpm_notice_kind kind;
    xpm_job *job;
    xpm_job_state state;
    xpm_reason reason;
    /* Of an output, as xpm_task_register_output was given it. */
    unsigned watch;
    char *config, *method;      /* the configuration's identifier (64 hex digits), and a name */
    xpm_value arguments, named; /* a list, and a dict with texts as keys */
} xpm_notice;

/* Keeps notices, from now on, until xpm_experiment_unlisten. */
XPM_API void xpm_experiment_listen(xpm_experiment *xp);
/* Keeps no further one: xpm_experiment_next gives those that are left, and then ends. Who listens must
 * have ended when the experiment is closed. */
XPM_API void xpm_experiment_unlisten(xpm_experiment *xp);
/* Waits for the next notice, in a thread that may submit tasks because of it; false when there will be
 * none. It is the caller's: xpm_notice_clear, which says that it was dealt with. */
XPM_API bool xpm_experiment_next(xpm_experiment *xp, xpm_notice *notice);
XPM_API void xpm_notice_clear(xpm_notice *notice);
/* Adds a notice of the state of a job as it is now, for who did not listen before. */
XPM_API void xpm_job_tell(xpm_job *job);
/* Asks for notices of the outputs that the job of a resumable task announces, those that it has
 * announced already first, in this run or before; each once. Returns the number of the watch, from 1.
 * Without xpm_experiment_listen before, and in a mode in which nothing runs, there are none. 0 when it
 * failed. Errors: TYPE (another task), STATE (the experiment was closed). */
XPM_API unsigned xpm_job_watch_outputs(xpm_job *job, xpm_error *err);

/* ---- Inside a task's process -------------------------------------------------------------------- */

/* Announces an output while a resumable task runs, to those who watch its job: what a function named
 * `method`, which they know, makes of a configuration of this task with these arguments (a list, and a
 * dict with texts as keys; NULL for none). They are plain JSON: none, bools, ints, floats, texts, lists and
 * dicts. Nothing is told when the task is not run as a job. Errors: TYPE (such a value; another task),
 * IO. */
XPM_API int xpm_task_register_output(xpm_task *task, xpm_config *config, const char *method,
                                     const xpm_value *arguments, const xpm_value *named,
                                     xpm_error *err);

#ifdef __cplusplus
}
#endif

#endif
