/*
 * task.h - inside a task's process: running a job, loading what it is, and what a task may ask and say
 * while it runs. A part of <experimaestro.h>, which includes it.
 */
#ifndef EXPERIMAESTRO_TASK_H
#define EXPERIMAESTRO_TASK_H

#include <experimaestro.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Executes a task. 0 is success, another value the exit status of the failure, whose message may be
 * put into err; the codes MEMORY and TIMEOUT there are reasons. */
typedef int (*xpm_executor)(void *user, xpm_task *task, xpm_error *err);

/* Runs the job of a params.json, as what a launcher starts: takes over the job's lock (waits for
 * it when started by hand), goes to the job's directory, loads the parameters, executes, and
 * records the end. Returns the exit status for the process: 0 for success. A job that is done
 * already is not executed. In the place of a params.json it takes the list of a batch of Slurm, of
 * which it enters the part that Slurm has started it for. Where several processes run one job
 * (SLURM_PROCID, OMPI_COMM_WORLD_RANK, PMI_RANK, PMIX_RANK, RANK, LOCAL_RANK), those above 0 only
 * load and execute. In a process from which jobs are to be forked (docs/launchers.md) it returns in
 * the process of each job, and so more than once. */
XPM_API int xpm_run(const char *params, xpm_resolver resolve, xpm_executor execute, void *user);

/* Enters the part of a batch of Slurm (WORKSPACE/.experimaestro/slurm/TOKEN.array) that this process
 * was started for, as xpm_run does with such a list: its standard streams are the job's from then
 * on, and so is its environment. Gives the params.json to run. For bindings, which must know the
 * environment first. New: xpm_free. Errors: IO, SYNTAX, RANGE. */
XPM_API char *xpm_array_enter(const char *list, xpm_error *err);

/* Executes the task of a params.json where one stands: no lock, no record, the working directory
 * stays. Returns the exit status for the process. */
XPM_API int xpm_execute_params(const char *params, xpm_resolver resolve, xpm_executor execute,
                               void *user);

/* Loads what a params.json describes; the last object, the task, is returned. New (a reference):
 * xpm_config_unref. Errors: IO, FORMAT (truncated, not understood), VERSION (newer), those of
 * `resolve`. With `resolve` NULL, classes are found by xpm_class_find. */
XPM_API xpm_config *xpm_params_load(const char *params, xpm_resolver resolve, void *user,
                                    xpm_error *err);

/* What today's classes make of the params.json of an old job, as one line of JSON: `path`, `type`,
 * `old` and `new` (identifiers), `changes` (sentences), `declared` (all of them come from names of
 * the past that are declared), `files` (generated files that have another place in the job's folder
 * today: the new to the old one), `shared` (the same for folders of partial identifiers, in the
 * workspace); or `path` and `error`. New: xpm_free. */
XPM_API char *xpm_params_compare(const char *params, xpm_resolver resolve, void *user);

XPM_API const char *xpm_task_directory(const xpm_task *task); /* absolute; the working directory */
XPM_API const char *xpm_task_workspace(const xpm_task *task); /* absolute */
XPM_API xpm_config *xpm_task_config(const xpm_task *task);    /* borrowed */
XPM_API const xpm_value *xpm_task_tags(const xpm_task *task); /* a dict; borrowed */
/* Says how far the task is, for those who watch it: `value` goes from 0 to 1, in the loop number
 * `level` (0 is the outer one, and 15 the last; what was said of the loops inside it is forgotten),
 * and `desc` says of what, or is NULL. Copies. Costs little when called often: the record is
 * written when the value has changed by more than 0.01. A value that is no number is passed over.
 * From one thread at a time. */
XPM_API void xpm_task_progress(xpm_task *task, unsigned level, double value, const char *desc);

/* Records figures of the task's course: `figures` is a dict of texts with numbers, texts, true, false or
 * none, as xpm_dict("step", step, "loss", loss); takes it. A line with the time is appended to
 * .experimaestro/figures.jsonl in the job's folder (docs/formats.md), at once: it costs some
 * microseconds, and is there when the process is killed. A task that is started anew begins a new
 * file, a resumable one goes on with its own. A process that does not speak for its job, as a rank
 * above 0, records nothing, nor does what is no job (NULL). From any thread. Errors: TYPE, IO (nothing was recorded). */
XPM_API int xpm_task_record(xpm_task *task, xpm_value figures, xpm_error *err);

/* Which of the processes that run the job together this is (docs/slurm.md); 0 for the one that has the lock
 * and records its end, whatever variables it has inherited. */
XPM_API int xpm_task_rank(const xpm_task *task);
/* Seconds until the time limit of the job ends it, or Slurm does, which is asked once; negative when
 * there is no limit. */
XPM_API double xpm_task_remaining(const xpm_task *task);
/* Whether the task was told to end. From the first call on, a signal no longer ends the process at
 * once: the task has 30 seconds to put things in order and return. */
XPM_API bool xpm_task_cancelled(xpm_task *task);
/* The same from the beginning, and `raise` is called in the handler of each signal: it may only call
 * what a handler may. */
XPM_API void xpm_task_on_cancel(xpm_task *task, void (*raise)(int signal_number));
/* Says why the task ends in error, and returns the exit status for it to return: TIMEOUT stops a
 * resumable task which sees that its time will not do, to be started again; MEMORY, FAILED. */
XPM_API int xpm_task_fail(xpm_task *task, xpm_reason reason, const char *message);

/* A file of a configuration that several tasks may want to compute, in the workspace's config/
 * folder, under an exclusive lock between processes: waits for it. Gives the absolute path (new:
 * xpm_free); returns a handle that xpm_cache_unlock releases, -1 when it failed. Errors: IO. */
XPM_API int xpm_cache_lock(const char *workspace, const char *typename_, const char *identifier,
                           const char *file, char **path, xpm_error *err);
XPM_API void xpm_cache_unlock(int handle);

#ifdef __cplusplus
}
#endif

#endif
