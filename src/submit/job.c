#include "submit/job.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/seal.h"
#include "identify/identifier.h"
#include "record/jobdir.h"
#include "submit/token.h"

/* ---- Making ----------------------------------------------------------------------------------- */

static int check_task(const xpm_config *task, xpm_error *err)
{
    const xpm__config_extra *extra = task->extra;
    if (extra != NULL && extra->broken != NULL) {
        if (err != NULL)
            *err = *extra->broken;
        return -1;
    }
    if ((task->class_->flags & XPM_CLASS_TASK) == 0)
        return xpm__fail(err, XPM_E_TYPE, task->class_->name,
                         "%s is a configuration and no task: only a task can be submitted",
                         task->class_->name);
    if (task->submitted)
        return xpm__fail(err, XPM_E_STATE, task->class_->name,
                         "task %s was already submitted: submit a copy, or use what the first "
                         "submission returned",
                         task->class_->name);
    return 0;
}

static xpm_job *new_job(xpm_experiment *xp, xpm_config *task, const char *hex)
{
    xpm_job *job = xpm__zalloc(sizeof *job);
    job->refs = 1; /* the experiment's */
    job->xp = xp;
    job->workspace = xpm__workspace_ref(xp->workspace);
    job->config = xpm_config_ref(task);
    job->tags = xpm_config_tags(task);
    memcpy(job->hex, hex, sizeof job->hex);
    job->directory = xpm__workspace_job(xp->workspace, task->class_->name, hex);
    job->retry = task->class_->retry;
    job->resumable = (task->class_->flags & XPM_CLASS_RESUMABLE) != 0;
    xpm_job_set_launcher(job, xp->launcher);
    return job;
}

static void keep(xpm_experiment *xp, xpm_job *job)
{
    pthread_mutex_lock(&xp->mutex);
    xp->jobs = xpm__grow(xp->jobs, &xp->job_capacity, xp->job_count, sizeof(xpm_job *));
    xp->jobs[xp->job_count++] = job;
    pthread_mutex_unlock(&xp->mutex);
    xpm__map_set(&xp->table, job->hex, job);
}

static xpm_job *find_or_make(xpm_experiment *xp, xpm_config *task, const char *hex, xpm_error *err)
{
    xpm_job *job = xpm__map_find(&xp->table, hex);
    if (job != NULL && job->config->class_ != task->class_ &&
        strcmp(job->config->class_->name, task->class_->name) != 0) {
        xpm__fail(err, XPM_E_CONFLICT, hex, "%s and %s have the same identifier %s",
                  job->config->class_->name, task->class_->name, hex);
        return NULL;
    }
    if (job != NULL) {
        job->equals =
            xpm__grow(job->equals, &job->equal_capacity, job->equal_count, sizeof(xpm_config *));
        job->equals[job->equal_count++] = xpm_config_ref(task);
        return job;
    }
    job = new_job(xp, task, hex);
    if (xpm__job_find_dependencies(job, err) < 0) {
        xpm_job_unref(job);
        return NULL;
    }
    keep(xp, job);
    return job;
}

/* The directory that a generated file shares with other tasks; made here, unless nothing may be. */
static char *shared_directory(void *user, xpm_config *config, const xpm_partial *partial,
                              xpm_error *err)
{
    const xpm_experiment *xp = user;
    char *path = xpm_partial_directory(xp->workspace->path, config, partial, err);
    if (path != NULL && xpm__experiment_writes(xp) && xpm__file_mkdirs(path, err) < 0) {
        xpm_free(path);
        return NULL;
    }
    return path;
}

/* Where each partial identifier of the task has its directory, into which one writer is let. */
static int find_guards(xpm_job *job, xpm_error *err)
{
    const xpm_partial **partials = xpm__class_partials(job->config->class_);
    size_t count = 0;
    int status = 0;
    while (partials[count] != NULL)
        count++;
    if (count > XPM__GUARDS_MAX)
        status = xpm__fail(err, XPM_E_RANGE, job->config->class_->name,
                           "%s has %zu partial identifiers, and %d are the most",
                           job->config->class_->name, count, XPM__GUARDS_MAX);
    if (count > 0 && job->guards == NULL)
        job->guards = xpm__zalloc(count * sizeof *job->guards);
    for (size_t i = job->guard_count; status == 0 && i < count; i++) {
        struct xpm__guard *guard = &job->guards[i];
        *guard = (struct xpm__guard){.name = partials[i]->name, .fd = -1};
        guard->directory =
            xpm_partial_directory(job->workspace->path, job->config, partials[i], err);
        if (guard->directory == NULL)
            status = -1;
        else
            job->guard_count++;
    }
    xpm_free(partials);
    return status;
}

static xpm_job *make_job(xpm_experiment *xp, xpm_config *task, xpm_error *err)
{
    xpm__sealing sealing = {0};
    xpm_job *job = NULL;
    char hex[XPM_HEX_SIZE];
    if (xpm__seal_begin(task, true, &sealing, err) == 0 && xpm__identify_all(task, err) == 0) {
        xpm_identifier_hex(task->identifier, hex);
        xpm__tags_keep(task, xp->warn, xp->user);
        job = find_or_make(xp, task, hex, err);
    }
    if (job == NULL) {
        xpm__seal_abandon(&sealing);
        return NULL;
    }
    xpm__places places = {.directory = job->directory, .shared = shared_directory, .user = xp};
    bool ready = xpm__seal_end(&sealing, &places, err) == 0 && find_guards(job, err) == 0 &&
                 xpm__job_take_tokens(job, task, err) == 0;
    return ready ? job : NULL;
}

xpm_job *xpm_job_new(xpm_experiment *xp, xpm_config *task, xpm_error *err)
{
    xpm_config_ref(task);
    pthread_mutex_lock(&xp->submitting);
    xpm_job *job = check_task(task, err) == 0 ? make_job(xp, task, err) : NULL;
    if (job != NULL) {
        task->submitted = true;
        task->task = task;
        xpm_job_ref(job);
    }
    pthread_mutex_unlock(&xp->submitting);
    xpm_config_unref(task);
    return job;
}

void xpm_job_withdraw(xpm_job *job, xpm_config *task)
{
    if (task->submitted && (job->config != task || !job->handed)) {
        task->submitted = false;
        task->task = NULL;
        xpm__tags_forget(task);
    }
}

/* ---- Life ------------------------------------------------------------------------------------- */

xpm_job *xpm_job_ref(xpm_job *job)
{
    __atomic_add_fetch(&job->refs, 1, __ATOMIC_RELAXED);
    return job;
}

void xpm_job_unref(xpm_job *job)
{
    if (job == NULL || __atomic_sub_fetch(&job->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    xpm_config_unref(job->config);
    for (size_t i = 0; i < job->equal_count; i++)
        xpm_config_unref(job->equals[i]);
    xpm_free(job->equals);
    xpm__workspace_unref(job->workspace);
    xpm__environment_unref(job->environment);
    xpm__variables_free(&job->variables);
    xpm_launcher_unref(job->launcher);
    xpm_free(job->needs);
    xpm_value_clear(&job->tags);
    for (size_t i = 0; i < job->guard_count; i++) {
        if (job->guards[i].fd >= 0)
            close(job->guards[i].fd);
        xpm_free(job->guards[i].directory);
    }
    xpm_free(job->guards);
    xpm__wants_free(job->wants);
    xpm_free(job->failure);
    xpm_free(job->directory);
    xpm_free(job->dependencies);
    xpm_free(job->dependents);
    xpm_free(job);
}

void xpm__job_detach(xpm_job *job)
{
    job->xp = NULL;
    xpm_job_unref(job);
}

/* ---- State ------------------------------------------------------------------------------------ */

const char **xpm__job_depends_on(const xpm_job *job)
{
    size_t count = job->dependency_count + job->soft_count;
    const char **ids = xpm__alloc((count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = job->dependencies[i]->hex;
    ids[count] = NULL;
    return ids;
}

xpm__run_job xpm__job_entry(const xpm_job *job, const char *const *ids)
{
    return (xpm__run_job){.task = job->config,
                          .job_id = job->hex,
                          .task_id = job->config->class_->name,
                          .tags = &job->tags,
                          .depends_on = ids,
                          .needs = job->needs};
}

static void record_event(const xpm_job *job, xpm_job_state state, xpm_reason reason)
{
    const char **ids = xpm__job_depends_on(job);
    xpm__run_job entry = xpm__job_entry(job, ids);
    xpm__rundir_event(job->xp->run, &entry, state, reason);
    xpm_free(ids);
}

void xpm__job_set_state(xpm_job *job, xpm_job_state state, xpm_reason reason)
{
    xpm_experiment *xp = job->xp;
    xpm_job_state before = xpm__job_state(job);
    if (xp->run != NULL) {
        bool was_done = before == XPM_JOB_UNSCHEDULED && state == XPM_JOB_DONE;
        record_event(job, state, reason);
        if (!was_done)
            (void)xpm__rundir_flush(xp->run); /* a full disk loses events, not jobs */
    }
    pthread_mutex_lock(&xp->mutex);
    if (before != XPM_JOB_UNSCHEDULED)
        xp->by_state[before]--;
    xp->by_state[state]++;
    __atomic_store_n(&job->reason, (int)reason, __ATOMIC_RELEASE);
    __atomic_store_n(&job->state, (int)state, __ATOMIC_RELEASE);
    xpm__notices_add(
        xp, &(xpm_notice){.kind = XPM_NOTICE_STATE, .job = job, .state = state, .reason = reason});
    xpm__experiment_wake(xp);
    pthread_mutex_unlock(&xp->mutex);
}

xpm_job_state xpm_job_state_now(const xpm_job *job)
{
    return xpm__job_state(job);
}

xpm_reason xpm_job_reason(const xpm_job *job)
{
    return (xpm_reason)__atomic_load_n(&job->reason, __ATOMIC_ACQUIRE);
}

bool xpm_job_is_done(const xpm_job *job)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/%s.done", job->directory, xpm_job_name(job));
    return size > 0 && (size_t)size < sizeof path && xpm__file_exists(AT_FDCWD, path);
}

/* ---- Holding back ------------------------------------------------------------------------------ */

bool xpm_job_hold(xpm_job *job)
{
    xpm_experiment *xp = job->xp;
    if (xp == NULL || (job->handed && xpm__job_state(job) != XPM_JOB_ERROR))
        return false;
    pthread_mutex_lock(&xp->mutex);
    job->holds++;
    pthread_mutex_unlock(&xp->mutex);
    return true;
}

bool xpm__job_release(xpm_job *job, const char *failure)
{
    xpm_experiment *xp = job->xp;
    bool last = false;
    pthread_mutex_lock(&xp->mutex);
    if (job->holds > 0) {
        last = --job->holds == 0;
        if (failure != NULL && job->failure == NULL)
            job->failure = xpm__strdup(failure);
    }
    pthread_mutex_unlock(&xp->mutex);
    return last;
}

bool xpm__job_held_back(xpm_job *job, char **failure)
{
    xpm_experiment *xp = job->xp;
    pthread_mutex_lock(&xp->mutex);
    bool held = job->holds > 0;
    *failure = held ? NULL : job->failure;
    if (!held)
        job->failure = NULL; /* a later attempt may be luckier */
    pthread_mutex_unlock(&xp->mutex);
    return held;
}

void xpm__job_want(xpm_job *job)
{
    xpm_experiment *xp = job->xp;
    pthread_mutex_lock(&xp->mutex);
    xp->wanted += !job->wanted;
    job->wanted = true;
    pthread_mutex_unlock(&xp->mutex);
}

void xpm__job_looked_at(xpm_job *job)
{
    xpm_experiment *xp = job->xp;
    pthread_mutex_lock(&xp->mutex);
    xp->wanted -= job->wanted;
    job->wanted = false;
    xpm__experiment_wake(xp);
    pthread_mutex_unlock(&xp->mutex);
}

/* ---- Asking ----------------------------------------------------------------------------------- */

void xpm_job_setenv(xpm_job *job, const char *name, const char *value)
{
    if (!job->handed)
        xpm__variables_set(&job->variables, name, value);
}

/* What its own variables go over. */
static const xpm__variables *inherited(const xpm_job *job)
{
    static const xpm__variables none;
    if (job->environment != NULL)
        return &job->environment->variables;
    return job->xp != NULL ? &job->xp->variables : &none;
}

const char *xpm_job_getenv(const xpm_job *job, const char *name)
{
    const char *own = xpm__variables_get(&job->variables, name);
    return own != NULL ? own : xpm__variables_get(inherited(job), name);
}

const char *xpm_job_variable(const xpm_job *job, size_t index)
{
    const xpm__variables *own = &job->variables, *rest = inherited(job);
    if (index < own->count)
        return own->entries[index];
    return index - own->count < rest->count ? rest->entries[index - own->count] : NULL;
}

/* ---- What may be said of it beside its parameters ---------------------------------------------- */

void xpm_job_set_limits(xpm_job *job, const xpm_limits *limits)
{
    if (job->handed)
        return;
    job->limits = *limits;
    job->has_limits = true;
}

void xpm_job_set_retry(xpm_job *job, const xpm_retry *retry)
{
    if (job->handed)
        xpm_job_set_max_retries(job, retry->times);
    else
        job->retry = *retry;
}

void xpm_job_set_max_retries(xpm_job *job, int times)
{
    if (times == 0)
        times = -1; /* 0 is the experiment's number, here, and none was asked for */
    if (!job->handed || times > xpm__job_max_retries(job))
        __atomic_store_n(&job->retry.times, times, __ATOMIC_RELEASE);
}

void xpm_job_set_transient(xpm_job *job, xpm_transient mode)
{
    if (!job->handed || mode < xpm__job_transient(job))
        __atomic_store_n(&job->transient, (int)mode, __ATOMIC_RELEASE);
}

int xpm__job_max_retries(const xpm_job *job)
{
    int times = __atomic_load_n(&job->retry.times, __ATOMIC_ACQUIRE);
    if (times == 0)
        times = job->xp->max_retries;
    return times > 0 ? times : 0;
}

bool xpm__job_retries_on(const xpm_job *job, xpm_reason reason)
{
    unsigned on = job->retry.on;
    if (on == 0 && job->resumable)
        on = XPM_ON(TIMEOUT);
    return (on & (1u << reason)) != 0;
}

xpm_limits xpm__job_limits(const xpm_job *job)
{
    xpm_limits limits = job->limits;
    for (unsigned i = 0; i < job->failures; i++) {
        limits.seconds *= job->retry.more_time > 0 ? job->retry.more_time : 1;
        double memory = (double)limits.memory;
        memory *= job->retry.more_memory > 0 ? job->retry.more_memory : 1;
        limits.memory = memory < (double)INT64_MAX ? (int64_t)memory : INT64_MAX;
    }
    return limits;
}

const char *xpm_job_identifier(const xpm_job *job)
{
    return job->hex;
}

const char *xpm_job_type(const xpm_job *job)
{
    return job->config->class_->name;
}

const char *xpm_job_name(const xpm_job *job)
{
    return xpm__class_short_name(job->config->class_);
}

const char *xpm_job_directory(const xpm_job *job)
{
    return job->directory;
}
