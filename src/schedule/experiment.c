/* The door of an experiment: opens a run with its scheduler, submits jobs to it, waits, closes. */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "identify/identifier.h"
#include "launch/launcher.h"
#include "record/outputs.h"
#include "schedule/scheduler.h"
#include "schedule/start.h"
#include "submit/job.h"

enum { DEFAULT_RETRIES = 3 };

static int usable_cores(void)
{
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

/* As many as descriptors allow: each job that runs has one; the rest of them are for starting jobs, and
 * for the program itself. */
static int bearable(int slots)
{
    enum { REST = 40 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return slots;
    rlim_t most = limit.rlim_cur > REST ? (limit.rlim_cur - REST) / 4 * 3 : 0;
    if (most >= (rlim_t)slots)
        return slots;
    return most > 0 ? (int)most : 1;
}

static char *this_program(void)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    return size > 0 ? xpm__strndup(path, (size_t)size) : NULL;
}

static void free_experiment(xpm_experiment *xp)
{
    xpm__notices_free(xp);
    for (size_t i = 0; i < xp->job_count; i++)
        xpm__job_detach(xp->jobs[i]);
    xpm__rundir_close(xp->run);
    xpm__workspace_unref(xp->workspace);
    xpm__environment_unref(xp->environment);
    xpm__variables_free(&xp->variables);
    xpm_launcher_unref(xp->launcher);
    xpm__map_free(&xp->table);
    xpm__experiment_free_threads(xp);
    xpm_free(xp->jobs);
    for (size_t i = 0; i < xp->output_count; i++)
        xpm_config_unref(xp->outputs[i]);
    xpm_free(xp->outputs);
    xpm_free(xp->program);
    xpm_free(xp->python);
    xpm_free(xp->name);
    xpm_free(xp);
}

xpm_experiment *xpm_experiment_open(const char *workspace, const char *name,
                                    const xpm_experiment_options *options, xpm_error *err)
{
    static const xpm_experiment_options defaults;
    const xpm_experiment_options *o = options != NULL ? options : &defaults;
    xpm_experiment *xp = xpm__zalloc(sizeof *xp);
    xpm__experiment_init_threads(xp);
    xpm__native_declare(); /* before a second thread may use them */
    xp->mode = o->mode;
    xp->warn = o->warn;
    xp->user = o->user;
    xp->name = xpm__strdup(name);
    xp->slots = bearable(o->slots > 0 ? o->slots : usable_cores());
    xp->max_retries = o->max_retries == 0 ? DEFAULT_RETRIES : o->max_retries;
    xp->limits = o->limits;
    xp->program = o->program != NULL ? xpm__strdup(o->program) : this_program();
    xp->python = xpm__strdup(o->python);
    xp->workspace = xpm__workspace_open(workspace, xpm__experiment_writes(xp), err);
    if (xp->workspace == NULL)
        goto fail;
    if (o->mode != XPM_NORMAL)
        return xp;
    if (xpm__environment_check(xp->workspace, o, err) < 0)
        goto fail;
    xp->run = xpm__rundir_open(xp->workspace, name, o, err);
    if (xp->run == NULL)
        goto fail;
    xp->scheduler = xpm__scheduler_start(xp, err);
    if (xp->scheduler == NULL)
        goto fail;
    return xp;
fail:
    free_experiment(xp);
    return NULL;
}

/* ---- Submitting ------------------------------------------------------------------------------- */

static void print_dry_run(const xpm_job *job, const char *what)
{
    if (job->xp->mode == XPM_DRY_RUN)
        fprintf(stderr, "%-9s %s/%s\n", what, xpm_job_type(job), job->hex);
}

/* A job that would run, and the transient ones that it needs: a list, since chains are long. */
static void would_run(xpm_job *job)
{
    job->next = NULL;
    for (xpm_job *last = job; job != NULL; job = job->next) {
        print_dry_run(job, "would run");
        for (size_t i = 0; i < job->dependency_count; i++) {
            xpm_job *dependency = job->dependencies[i];
            if (xpm__job_state(dependency) != XPM_JOB_TRANSIENT)
                continue;
            xpm__job_set_state(dependency, XPM_JOB_READY, XPM_REASON_NONE);
            dependency->next = NULL;
            last = last->next = dependency;
        }
    }
}

static void set_state_of_dry_run(xpm_job *job)
{
    if (xpm_job_is_done(job)) {
        print_dry_run(job, "done");
        xpm__job_set_state(job, XPM_JOB_DONE, XPM_REASON_NONE);
    } else if (xpm__job_transient(job) != XPM_TRANSIENT_NONE) {
        xpm__job_set_state(job, XPM_JOB_TRANSIENT, XPM_REASON_NONE);
    } else {
        would_run(job);
    }
}

static void count_handed(xpm_job *job)
{
    xpm_experiment *xp = job->xp;
    if (job->handed)
        return;
    job->handed = true;
    pthread_mutex_lock(&xp->mutex);
    xp->handed++;
    xpm__notices_add(xp, &(xpm_notice){.kind = XPM_NOTICE_SUBMITTED, .job = job});
    pthread_mutex_unlock(&xp->mutex);
}

static int generate(xpm_job *job, xpm_error *err)
{
    count_handed(job);
    xpm__job_settle(job);
    if (xpm_job_is_done(job)) {
        xpm__job_set_state(job, XPM_JOB_DONE, XPM_REASON_NONE);
        return 0;
    }
    return xpm__generate_job(job, err);
}

static int hand_over(xpm_job *job, xpm_error *err)
{
    xpm_experiment *xp = job->xp;
    xpm__run_job entry = xpm__job_entry(job, NULL);
    if (xpm__rundir_add(xp->run, &entry, err) < 0)
        return -1;
    count_handed(job);
    if (xpm_job_is_done(job)) {
        xpm__job_set_state(job, XPM_JOB_DONE, XPM_REASON_NONE);
        return 0;
    }
    xpm__job_settle(job);
    job->environment = xpm__environment_take(&xp->environment, &xp->variables);
    return 0;
}

/* A job that was handed over already may have been left out, and be wanted now. */
static void submit_again(xpm_job *job)
{
    xpm_experiment *xp = job->xp;
    xpm_job_state state = xpm__job_state(job);
    if (xpm__job_transient(job) != XPM_TRANSIENT_NONE)
        return;
    if (xp->scheduler == NULL) {
        if (state == XPM_JOB_TRANSIENT)
            set_state_of_dry_run(job);
    } else if (state == XPM_JOB_UNSCHEDULED || state == XPM_JOB_TRANSIENT) {
        xpm__job_want(job);
        xpm__scheduler_touch(xp->scheduler, job);
    }
}

static int submit(xpm_job *job, xpm_error *err)
{
    xpm_experiment *xp = job->xp;
    if (job->handed && xpm__job_state(job) != XPM_JOB_ERROR) {
        submit_again(job);
        return 0;
    }
    if (xp->mode == XPM_GENERATE_ONLY)
        return generate(job, err);
    if (xp->mode != XPM_NORMAL) {
        if (!job->handed)
            set_state_of_dry_run(job);
        count_handed(job);
        return 0;
    }
    if (job->handed) { /* it had failed: it is in nobody's hands until it is posted */
        xpm__environment_unref(job->environment);
        job->environment = xpm__environment_take(&xp->environment, &xp->variables);
        xpm__job_set_state(job, XPM_JOB_WAITING, XPM_REASON_NONE);
    } else if (hand_over(job, err) < 0) {
        return -1;
    }
    if (xpm__job_state(job) == XPM_JOB_DONE)
        return 0;
    xpm__scheduler_post(xp->scheduler, job);
    return 0;
}

static int fail_closed(const xpm_job *job, xpm_error *err)
{
    return xpm__fail(err, XPM_E_STATE, job->hex, "the experiment of %s/%s was closed",
                     xpm_job_type(job), job->hex);
}

int xpm_job_submit(xpm_job *job, xpm_error *err)
{
    xpm_experiment *xp = job->xp;
    if (xp == NULL)
        return fail_closed(job, err);
    pthread_mutex_lock(&xp->submitting);
    int status = submit(job, err);
    pthread_mutex_unlock(&xp->submitting);
    return status;
}

void xpm_job_release(xpm_job *job, const char *failure)
{
    xpm_experiment *xp = job->xp;
    if (xp != NULL && xpm__job_release(job, failure) && xp->scheduler != NULL)
        xpm__scheduler_touch(xp->scheduler, job);
}

unsigned xpm_job_watch_outputs(xpm_job *job, xpm_error *err)
{
    xpm_experiment *xp = job->xp;
    if (xp == NULL) {
        fail_closed(job, err);
        return 0;
    }
    if (xpm__outputs_check(job->config->class_, err) < 0)
        return 0;
    unsigned number = __atomic_add_fetch(&xp->watches, 1, __ATOMIC_RELAXED);
    if (xp->scheduler != NULL)
        xpm__scheduler_watch(xp->scheduler, job, number);
    return number;
}

/* What a native task gives in its place; the experiment takes hold of it. */
static xpm_config *outputs_of(xpm_experiment *xp, xpm_config *task, xpm_error *err)
{
    xpm_error own = {0};
    xpm_config *output = task->class_->outputs(task, &own);
    if (output == NULL) {
        if (own.code == XPM_E_OK)
            xpm__fail(&own, XPM_E_CALLBACK, task->class_->name,
                      "%s has no output: its XPM_OUTPUT function gave NULL", task->class_->name);
        if (err != NULL)
            *err = own;
        return NULL;
    }
    if (output == task)
        return task;
    pthread_mutex_lock(&xp->submitting);
    xp->outputs =
        xpm__grow(xp->outputs, &xp->output_capacity, xp->output_count, sizeof(xpm_config *));
    xp->outputs[xp->output_count++] = xpm_config_ref(output);
    pthread_mutex_unlock(&xp->submitting);
    return output;
}

static void set_options(xpm_job *job, const xpm_submit_options *options)
{
    if (options->launcher != NULL)
        xpm_job_set_launcher(job, options->launcher);
    if (options->limits != NULL)
        xpm_job_set_limits(job, options->limits);
    if (options->retry != NULL)
        xpm_job_set_retry(job, options->retry);
    xpm_job_set_transient(job, options->transient);
}

xpm_config *xpm_submit_with(xpm_experiment *xp, xpm_config *task, const xpm_submit_options *options,
                            xpm_error *err)
{
    xpm_job *job = xpm_job_new(xp, task, err);
    if (job != NULL && options != NULL)
        set_options(job, options);
    int status = job != NULL ? xpm_job_submit(job, err) : -1;
    xpm_job_unref(job);
    if (status < 0)
        return NULL;
    return task->class_->outputs != NULL ? outputs_of(xp, task, err) : task;
}

xpm_config *xpm_submit(xpm_experiment *xp, xpm_config *task, xpm_error *err)
{
    return xpm_submit_with(xp, task, NULL, err);
}

int xpm_experiment_add_action(xpm_experiment *xp, xpm_config *action, const char *description,
                              char hex[XPM_HEX_SIZE], xpm_error *err)
{
    if (xpm_config_seal(action, NULL, err) < 0 || xpm__identify_all(action, err) < 0)
        return -1;
    xpm_identifier_hex(action->identifier, hex);
    if (xp->run == NULL)
        return 0;
    return xpm__rundir_add_action(xp->run, action, hex, description, err);
}

/* ---- Stopping and closing --------------------------------------------------------------------- */

void xpm_experiment_stop(xpm_experiment *xp)
{
    pthread_mutex_lock(&xp->mutex);
    xp->stopped = true;
    xpm__experiment_wake(xp);
    pthread_mutex_unlock(&xp->mutex);
    if (xp->scheduler != NULL)
        xpm__scheduler_stop(xp->scheduler);
}

void xpm_experiment_detach(xpm_experiment *xp)
{
    xp->detached = true;
    xpm_experiment_stop(xp);
}

size_t xpm_experiment_hand_over(xpm_experiment *xp, double seconds)
{
    return xpm_experiment_hand_over_or(xp, seconds, -1);
}

size_t xpm_experiment_hand_over_or(xpm_experiment *xp, double seconds, int fd)
{
    if (xp->scheduler == NULL)
        return 0;
    pthread_mutex_lock(&xp->mutex);
    xp->is_counted = false;
    pthread_mutex_unlock(&xp->mutex);
    xpm__scheduler_hand_over(xp->scheduler);
    return xpm__experiment_await_queued(xp, seconds, fd);
}

size_t xpm_experiment_cancel(xpm_experiment *xp)
{
    if (xp->scheduler == NULL)
        return 0;
    xpm_experiment_stop(xp);
    pthread_mutex_lock(&xp->mutex);
    size_t running = xpm__experiment_running(xp);
    pthread_mutex_unlock(&xp->mutex);
    xpm__scheduler_cancel(xp->scheduler);
    return running;
}

bool xpm_job_cancel(xpm_job *job)
{
    xpm_experiment *xp = job->xp;
    if (xp == NULL || xp->scheduler == NULL || !job->handed || xpm__job_has_ended(job))
        return false;
    xpm__scheduler_cancel_job(xp->scheduler, job);
    return true;
}

/* The folders of jobs whose result was wanted for others alone, which have it now. */
static void remove_transient(xpm_experiment *xp)
{
    for (size_t i = 0; i < xp->job_count; i++) {
        const xpm_job *job = xp->jobs[i];
        if (xpm__job_transient(job) != XPM_TRANSIENT_REMOVE || xpm__job_state(job) != XPM_JOB_DONE)
            continue;
        /* Under another name at once: half a folder must not be taken for a job that is done. */
        char *hidden =
            xpm__format("%s/jobs/%s/.%s.removed", xp->workspace->path, xpm_job_type(job), job->hex);
        if (rename(job->directory, hidden) == 0)
            (void)xpm__remove_all(hidden);
        xpm_free(hidden);
    }
}

static int job_state_at(void *user, size_t i, const char **job_id)
{
    const xpm_experiment *xp = user;
    if (i >= xp->job_count)
        return -1;
    *job_id = xp->jobs[i]->hex;
    return (int)xpm__job_state(xp->jobs[i]);
}

int xpm_experiment_close(xpm_experiment *xp, bool failed, xpm_error *err)
{
    int status = 0;
    if (xp == NULL)
        return 0;
    xpm__scheduler_join(xp->scheduler);
    if (xp->run != NULL) {
        failed = failed || xp->by_state[XPM_JOB_ERROR] > 0;
        bool left = xp->detached || (xp->stopped && xpm__experiment_unfinished(xp) > 0);
        const char *end = xp->detached ? "detached"
                          : failed     ? "failed"
                          : left       ? "detached"
                                       : "done";
        if (!failed && !left)
            remove_transient(xp);
        status = xpm__rundir_end(xp->run, end, job_state_at, xp, err);
    }
    free_experiment(xp);
    return status;
}
