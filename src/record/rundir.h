/* A run of an experiment on disk: its lock, its status, the jobs and objects that it lists, its log
 * of events. One run of an experiment exists at a time. What is appended is kept until the next
 * flush: a state that changes flushes, a job that was done before does not, so that submitting
 * many of those costs few writes. Appending and flushing are for any thread. */
#ifndef XPM_RECORD_RUNDIR_H
#define XPM_RECORD_RUNDIR_H

#include <pthread.h>

#include <experimaestro.h>

#include "base/ptrmap.h"
#include "base/str.h"
#include "record/environment.h"
#include "record/history.h"
#include "record/links.h"
#include "record/workspace.h"

/* A log of lines, and those that are not written yet. */
typedef struct xpm__log {
    int fd;
    xpm__str pending;
} xpm__log;

typedef struct xpm__rundir {
    xpm__workspace *workspace; /* borrowed */
    char *experiment, *run;    /* "digits", "20261123_102030" */
    char *path;                /* of the run's folder, absolute */
    int fd, lock;
    pthread_mutex_t mutex; /* guards: */
    xpm__log jobs, objects, events;
    char *events_path; /* of the live log, relative to the workspace */
    double started;
    xpm__links *links;
    xpm__ptrmap written; /* objects that objects.jsonl has */
    struct xpm__action {
        xpm_config *config; /* a reference: `written` knows it by its address */
        char *id, *description;
    } * actions;
    size_t action_count, action_capacity;
    xpm__capture *capture;
    xpm__history history;
} xpm__rundir;

/* Locks the experiment (telling `waiting` who holds it, if another does) and makes a run. */
xpm__rundir *xpm__rundir_open(xpm__workspace *workspace, const char *experiment,
                              const xpm_experiment_options *options, xpm_error *err);

/* A job of the run, as events and listings know it. */
typedef struct xpm__run_job {
    const xpm_config *task;
    const char *job_id, *task_id;
    const xpm_value *tags;
    const char *const *depends_on; /* job ids, ends with NULL */
    const char *needs; /* of its machine, which it waits for when it is ready; or NULL */
} xpm__run_job;

/* Lists a job that was submitted: jobs.jsonl, objects.jsonl, the link to its folder. */
int xpm__rundir_add(xpm__rundir *run, const xpm__run_job *job, xpm_error *err);
/* Lists an action, a sealed and identified configuration, unless it is listed: objects.jsonl, and
 * status.json, which is written anew. */
int xpm__rundir_add_action(xpm__rundir *run, xpm_config *action, const char *id,
                           const char *description, xpm_error *err);
/* Writes what was appended. 0, or -1 with errno: those lines are lost. */
int xpm__rundir_flush(xpm__rundir *run);
/* Appends the event of a job's new state. */
void xpm__rundir_event(xpm__rundir *run, const xpm__run_job *job, xpm_job_state state,
                       xpm_reason reason);

/* Writes status.json. `jobs` gives the state of job number i, and its id; -1 past the last. */
typedef int (*xpm__job_states)(void *user, size_t i, const char **job_id);
int xpm__rundir_write_status(xpm__rundir *run, const char *status, xpm__job_states jobs, void *user,
                             xpm_error *err);
/* The last one: no job is listed after it. Errors: IO, also of a link that could not be made. */
int xpm__rundir_end(xpm__rundir *run, const char *status, xpm__job_states jobs, void *user,
                    xpm_error *err);

/* Moves the log of events into the run's folder, removes earlier runs as the options said, lets the
 * lock go, and frees. Accepts NULL. */
void xpm__rundir_close(xpm__rundir *run);

#endif
