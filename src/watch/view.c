#include "watch/view.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "record/events.h"
#include "record/index.h"

/* ---- Opening ---------------------------------------------------------------------------------- */

int xpm__view_open(const char *workspace, xpm__view *view, xpm_error *err)
{
    char *real = realpath(workspace, NULL);
    *view = (xpm__view){.fd = -1};
    if (real == NULL)
        return xpm__fail_io(err, workspace, "open the workspace");
    view->workspace = xpm__strdup(real);
    free(real);
    view->fd = open(view->workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (view->fd < 0) {
        xpm__fail_io(err, workspace, "open the workspace");
    } else if (!xpm__file_exists(view->fd, "jobs") && !xpm__file_exists(view->fd, "experiments")) {
        xpm__fail(err, XPM_E_STATE, workspace,
                  "%s is no workspace: it has neither jobs nor experiments. Name one with "
                  "--workdir or XPM_WORKDIR",
                  workspace);
    } else {
        return 0;
    }
    xpm__view_close(view);
    return -1;
}

static void free_job(xpm__job_view *job)
{
    xpm_free(job->key);
    xpm_free(job->type);
    xpm_free(job->hash);
    xpm_free(job->experiment);
    xpm_free(job->tags);
    xpm_free(job);
}

void xpm__view_close(xpm__view *view)
{
    for (size_t i = 0; i < view->job_count; i++)
        free_job(view->jobs[i]);
    for (size_t i = 0; i < view->experiment_count; i++) {
        xpm_free(view->experiments[i].name);
        xpm_free(view->experiments[i].run);
        xpm_free(view->experiments[i].host);
        xpm_free(view->experiments[i].status);
    }
    xpm__map_free(&view->by_key);
    xpm_free(view->jobs);
    xpm_free(view->experiments);
    xpm_free(view->workspace);
    if (view->fd >= 0)
        close(view->fd);
    *view = (xpm__view){.fd = -1};
}

/* ---- Jobs ------------------------------------------------------------------------------------- */

static xpm__job_view *new_job(const char *type, const char *hash)
{
    xpm__job_view *job = xpm__zalloc(sizeof *job);
    job->key = xpm__format("%s/%s", type, hash);
    job->type = xpm__strdup(type);
    job->hash = xpm__strdup(hash);
    return job;
}

static void keep_job(xpm__view *view, xpm__job_view *job)
{
    view->jobs = xpm__grow(view->jobs, &view->job_capacity, view->job_count, sizeof *view->jobs);
    view->jobs[view->job_count++] = job;
    xpm__map_set(&view->by_key, job->key, job);
}

static xpm__job_view *add_job(xpm__view *view, const char *type, const char *hash)
{
    char *key = xpm__format("%s/%s", type, hash);
    xpm__job_view *job = xpm__map_find(&view->by_key, key);
    xpm_free(key);
    if (job == NULL)
        keep_job(view, job = new_job(type, hash));
    return job;
}

static int open_job(const xpm__view *view, const xpm__job_view *job, char name[XPM__NAME_SIZE])
{
    char *path = xpm__format("jobs/%s/%s", job->type, job->hash);
    int dir = openat(view->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    xpm__jobdir_name(path, name);
    xpm_free(path);
    return dir;
}

static void read_job(const xpm__view *view, xpm__job_view *job)
{
    char name[XPM__NAME_SIZE];
    int dir = open_job(view, job, name);
    if (dir < 0)
        return;
    xpm__jobdir_read(dir, name, &job->state);
    close(dir);
}

/* ---- Experiments ------------------------------------------------------------------------------ */

typedef struct load {
    xpm__view *view;
    const char *type; /* the folder of jobs being listed */
    xpm__experiment_view *experiment;
    char *run; /* the run's folder, relative to the workspace */
    xpm__job_view **listed;
    size_t listed_count, listed_capacity;
    int status; /* -1 once a log could not be read, with the error in err */
    xpm_error *err;
    xpm__index *index;
    bool indexed; /* it could say so far */
    unsigned states;
    bool with_details;
} load;

static void read_log(load *l, const char *path, xpm__on_line callback)
{
    if (l->status == 0)
        l->status = xpm__events_read_file(l->view->fd, path, callback, l, l->err);
}

static void on_listed(void *user, json_object *line)
{
    load *l = user;
    const char *type, *hash;
    json_object *tags = xpm__json_get(line, "tags");
    if (!xpm__event_job(line, &type, &hash))
        return;
    xpm__job_view *job = add_job(l->view, type, hash);
    xpm_free(job->experiment);
    xpm_free(job->tags);
    job->experiment = xpm__strdup(l->experiment->name);
    job->tags = tags != NULL
                    ? xpm__strdup(json_object_to_json_string_ext(tags, JSON_C_TO_STRING_PLAIN))
                    : NULL;
    l->listed = xpm__grow(l->listed, &l->listed_capacity, l->listed_count, sizeof *l->listed);
    l->listed[l->listed_count++] = job;
}

/* What the scheduler of this run said last of a job: it counts for those that left nothing on disk.
 * A run that crashed before it may have left its log among the living ones. */
static void on_event(void *user, json_object *line)
{
    load *l = user;
    xpm__event event;
    if (!xpm__event_parse(line, &event) ||
        (event.run != NULL && strcmp(event.run, l->experiment->run) != 0))
        return;
    char *key = xpm__format("%s/%s", event.type, event.hash);
    xpm__job_view *job = xpm__map_find(&l->view->by_key, key);
    xpm_free(key);
    if (job == NULL)
        return;
    job->state.state = event.state;
    job->state.reason = event.reason;
}

static void on_log(void *user, const char *name)
{
    load *l = user;
    char *path = xpm__format("%s/events/%s", l->run, name);
    read_log(l, path, on_event);
    xpm_free(path);
}

/* The log of a run that lives, or crashed: ID-N.jsonl. */
static void on_live_log(void *user, const char *name)
{
    load *l = user;
    size_t size = strlen(l->experiment->name);
    if (strncmp(name, l->experiment->name, size) != 0 || name[size] != '-' ||
        strspn(name + size + 1, "0123456789") + strlen(".jsonl") != strlen(name + size + 1))
        return;
    char *path = xpm__format(".events/experiments/%s", name);
    read_log(l, path, on_event);
    xpm_free(path);
}

static bool is_locked(int dir, const char *experiment)
{
    char *path = xpm__format("experiments/%s/lock", experiment);
    bool held = xpm__file_is_locked(dir, path);
    xpm_free(path);
    return held;
}

static void read_status(load *l)
{
    char *path = xpm__format("%s/status.json", l->run);
    json_object *json = xpm__json_read(l->view->fd, path);
    l->experiment->host = xpm__strdup(xpm__json_get_text(json, "hostname"));
    l->experiment->status = xpm__strdup(xpm__json_get_text(json, "status"));
    json_object_put(json);
    xpm_free(path);
}

/* The scheduler's word on a job without evidence stands while the run lives, or if it is final. */
static void judge(const load *l, xpm__job_view *job)
{
    xpm_job_state said = job->state.state;
    xpm_reason reason = job->state.reason;
    bool final = said == XPM_JOB_ERROR && reason == XPM_REASON_DEPENDENCY;
    bool waits = said == XPM_JOB_WAITING || said == XPM_JOB_READY || said == XPM_JOB_SCHEDULED;
    job->state = (xpm__jobdir_state){0};
    read_job(l->view, job);
    if (job->state.state == XPM_JOB_UNSCHEDULED && (final || (waits && l->experiment->running))) {
        job->state.state = said;
        job->state.reason = reason;
    }
}

/* Its latest run; false when it has none. */
static bool begin_experiment(load *l, const char *name)
{
    xpm__view *view = l->view;
    char target[256], *link = xpm__format("experiments/%s/current", name);
    ssize_t size = readlinkat(view->fd, link, target, sizeof target - 1);
    xpm_free(link);
    if (size <= 0)
        return false;
    target[size] = '\0';
    view->experiments = xpm__grow(view->experiments, &view->experiment_capacity,
                                  view->experiment_count, sizeof *view->experiments);
    l->experiment = &view->experiments[view->experiment_count++];
    *l->experiment = (xpm__experiment_view){.name = xpm__strdup(name),
                                            .run = xpm__strdup(target),
                                            .running = is_locked(view->fd, name)};
    l->run = xpm__format("experiments/%s/%s", name, target);
    l->listed_count = 0;
    read_status(l);
    return true;
}

static void end_experiment(load *l)
{
    xpm_free(l->run);
    l->run = NULL;
}

static void read_logs(load *l)
{
    char *jobs = xpm__format("%s/jobs.jsonl", l->run), *events = xpm__format("%s/events", l->run);
    read_log(l, jobs, on_listed);
    xpm__file_each_visible(l->view->fd, events, on_log, l);
    xpm__file_each_visible(l->view->fd, ".events/experiments", on_live_log, l);
    for (size_t i = 0; i < l->listed_count; i++) {
        judge(l, l->listed[i]);
        l->experiment->jobs++;
        l->experiment->by_state[l->listed[i]->state.state]++;
    }
    xpm_free(jobs);
    xpm_free(events);
}

static void on_experiment(void *user, const char *name)
{
    load *l = user;
    if (!begin_experiment(l, name))
        return;
    read_logs(l);
    end_experiment(l);
}

static void on_hash(void *user, const char *name)
{
    load *l = user;
    char *key = xpm__format("%s/%s", l->type, name);
    if (xpm__map_find(&l->view->by_key, key) == NULL)
        read_job(l->view, add_job(l->view, l->type, name));
    xpm_free(key);
}

static void on_type(void *user, const char *name)
{
    load *l = user;
    char *path = xpm__format("jobs/%s", name);
    l->type = name;
    xpm__file_each_visible(l->view->fd, path, on_hash, l);
    xpm_free(path);
}

static int compare_jobs(const void *a, const void *b)
{
    return strcmp((*(xpm__job_view *const *)a)->key, (*(xpm__job_view *const *)b)->key);
}

static int compare_experiments(const void *a, const void *b)
{
    return strcmp(((const xpm__experiment_view *)a)->name, ((const xpm__experiment_view *)b)->name);
}

typedef struct names {
    char **items;
    size_t count, capacity;
} names;

static void on_name(void *user, const char *name)
{
    names *n = user;
    n->items = xpm__grow(n->items, &n->capacity, n->count, sizeof *n->items);
    n->items[n->count++] = xpm__strdup(name);
}

static int no_experiment(const xpm__view *view, const char *experiment, xpm_error *err)
{
    names n = {0};
    xpm__file_each_visible(view->fd, "experiments", on_name, &n);
    const char *near = xpm__nearest(experiment, (const char *const *)n.items, n.count);
    xpm__fail(err, XPM_E_UNKNOWN, experiment,
              "no experiment %s has run in %s%s%s%s `experimaestro experiments list` shows them",
              experiment, view->workspace, near != NULL ? "; did you mean " : ":",
              near != NULL ? near : "", near != NULL ? "?" : "");
    for (size_t i = 0; i < n.count; i++)
        xpm_free(n.items[i]);
    xpm_free(n.items);
    return -1;
}

static void sort(xpm__view *view)
{
    if (view->job_count > 0)
        qsort(view->jobs, view->job_count, sizeof *view->jobs, compare_jobs);
    if (view->experiment_count > 0)
        qsort(view->experiments, view->experiment_count, sizeof *view->experiments,
              compare_experiments);
}

int xpm__view_load(xpm__view *view, const char *experiment, xpm_error *err)
{
    load l = {.view = view, .err = err};
    if (experiment != NULL) {
        on_experiment(&l, experiment);
        if (view->experiment_count == 0)
            l.status = no_experiment(view, experiment, err);
    } else {
        xpm__file_each_visible(view->fd, "experiments", on_experiment, &l);
        xpm__file_each_visible(view->fd, "jobs", on_type, &l);
    }
    xpm_free(l.listed);
    sort(view);
    return l.status;
}

/* ---- From the index --------------------------------------------------------------------------- */

static bool has_state(unsigned states, const xpm__job_view *job)
{
    return (states >> job->state.state & 1) != 0;
}

/* A failure that its marker proves needs no other evidence. */
static bool is_marked_failed(const load *l, const xpm__index_job *indexed, const xpm__job_view *job)
{
    char name[XPM__NAME_SIZE], failed[XPM__NAME_SIZE], done[XPM__NAME_SIZE];
    int dir = indexed->state == XPM_JOB_ERROR ? open_job(l->view, job, name) : -1;
    if (dir < 0)
        return false;
    xpm__jobdir_file(name, ".failed", failed);
    xpm__jobdir_file(name, ".done", done);
    bool marked = xpm__file_exists(dir, failed) && !xpm__file_exists(dir, done);
    close(dir);
    return marked;
}

static void on_indexed(void *user, const xpm__index_job *indexed)
{
    load *l = user;
    xpm__job_view *job = new_job(indexed->type, indexed->hash);
    job->state.state = indexed->done ? XPM_JOB_DONE : indexed->state;
    job->state.reason = indexed->done ? XPM_REASON_NONE : indexed->reason;
    if (l->with_details || !(indexed->done || is_marked_failed(l, indexed, job)))
        judge(l, job);
    l->experiment->jobs++;
    l->experiment->by_state[job->state.state]++;
    if (!has_state(l->states, job)) {
        free_job(job);
        return;
    }
    job->experiment = xpm__strdup(l->experiment->name);
    job->tags = xpm__strdup(indexed->tags);
    keep_job(l->view, job);
}

static void on_indexed_experiment(void *user, const char *name)
{
    load *l = user;
    bool all = (l->states >> XPM_JOB_DONE & 1) != 0;
    size_t done;
    if (l->indexed && begin_experiment(l, name)) {
        xpm__experiment_view *experiment = l->experiment;
        l->indexed =
            xpm__index_jobs(l->index, name, experiment->run, all, on_indexed, l, &done) == 0;
        if (!all) {
            experiment->jobs += done;
            experiment->by_state[XPM_JOB_DONE] += done;
        }
        end_experiment(l);
    }
}

/* What was loaded is let go; the workspace stays open. */
static void forget(xpm__view *view)
{
    xpm__view emptied = {.workspace = view->workspace, .fd = view->fd};
    view->workspace = NULL;
    view->fd = -1;
    xpm__view_close(view);
    *view = emptied;
}

/* 1 when the index has answered; 0 when there is none, or it cannot say. */
static int load_indexed(xpm__view *view, const char *experiment, unsigned states, bool with_details,
                        xpm_error *err)
{
    load l = {.view = view, .indexed = true, .states = states, .with_details = with_details};
    if (xpm__index_open(view->workspace, view->fd, experiment, &l.index, err) < 0)
        return -1;
    if (l.index == NULL)
        return 0;
    if (experiment != NULL)
        on_indexed_experiment(&l, experiment);
    else
        xpm__file_each_visible(view->fd, "experiments", on_indexed_experiment, &l);
    xpm__index_close(l.index);
    if (experiment != NULL && view->experiment_count == 0)
        return no_experiment(view, experiment, err);
    if (!l.indexed)
        forget(view);
    return l.indexed;
}

int xpm__view_load_states(xpm__view *view, const char *experiment, unsigned states,
                          bool with_details, xpm_error *err)
{
    int status = experiment != NULL ? load_indexed(view, experiment, states, with_details, err) : 0;
    if (status != 0) {
        sort(view);
        return status < 0 ? -1 : 0;
    }
    if (xpm__view_load(view, experiment, err) < 0)
        return -1;
    size_t count = view->job_count;
    view->job_count = 0;
    xpm__map_free(&view->by_key);
    for (size_t i = 0; i < count; i++) {
        if (has_state(states, view->jobs[i]))
            keep_job(view, view->jobs[i]);
        else
            free_job(view->jobs[i]);
    }
    return 0;
}

int xpm__view_count(xpm__view *view, const char *experiment, xpm_error *err)
{
    int status = load_indexed(view, experiment, 0, false, err);
    if (status == 0)
        return xpm__view_load(view, experiment, err);
    sort(view);
    return status < 0 ? -1 : 0;
}

/* ---- Finding ---------------------------------------------------------------------------------- */

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

const xpm__job_view *xpm__view_find(const xpm__view *view, const char *name, xpm_error *err)
{
    const xpm__job_view *found = xpm__map_find(&view->by_key, name);
    size_t matches = found != NULL;
    for (size_t i = 0; found == NULL && name[0] != '\0' && i < view->job_count && matches < 2;
         i++) {
        const xpm__job_view *job = view->jobs[i];
        if (starts_with(job->hash, name) || starts_with(job->key, name))
            matches++;
    }
    for (size_t i = 0; found == NULL && matches == 1 && i < view->job_count; i++)
        if (starts_with(view->jobs[i]->hash, name) || starts_with(view->jobs[i]->key, name))
            found = view->jobs[i];
    if (matches == 1)
        return found;
    xpm__fail(err, XPM_E_UNKNOWN, name,
              matches == 0 ? "no job is named %s: give TYPE/HASH or the start of a hash, as "
                             "`experimaestro jobs list` shows them"
                           : "more than one job is named %s: give more of its hash",
              name);
    return NULL;
}
