#include "record/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lockwait.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "record/events.h"
#include "record/jobdir.h"
#include "record/params.h"

enum { FLUSH_SIZE = 1 << 16 };

/* ---- Opening ---------------------------------------------------------------------------------- */

static int check_name(const char *name, xpm_error *err)
{
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return xpm__fail(err, XPM_E_STATE, name,
                         "\"%s\" cannot name an experiment: it names a folder, so it must not be "
                         "empty, start with a dot or hold a slash",
                         name);
    return 0;
}

static void write_holder(int lock)
{
    char text[512], host[256] = "";
    gethostname(host, sizeof host - 1);
    int size =
        snprintf(text, sizeof text, "{\"hostname\":\"%s\",\"pid\":%d}\n", host, (int)getpid());
    if (ftruncate(lock, 0) == 0 && pwrite(lock, text, (size_t)size, 0) < 0)
        errno = 0; /* it is for people only */
}

/* "process 12 on host", from what the holder wrote. */
static void tell_holder(xpm__workspace *workspace, const char *path,
                        const xpm_experiment_options *options)
{
    if (options == NULL || options->waiting == NULL)
        return;
    json_object *json = xpm__json_read(workspace->fd, path);
    const char *host = xpm__json_get_text(json, "hostname");
    char *holder = host != NULL ? xpm__format("process %d on %s",
                                              json_object_get_int(xpm__json_get(json, "pid")), host)
                                : xpm__strdup("another process");
    options->waiting(options->user, holder);
    xpm_free(holder);
    json_object_put(json);
}

/* The first time that it is asked is before it waits: telling who holds the lock may have taken long. */
static int wait_for_lock(const xpm__rundir *run, const char *path,
                         const xpm_experiment_options *options)
{
    if (options->interrupted != NULL && options->interrupted(options->user)) {
        errno = EINTR;
        return -1;
    }
    char *absolute = xpm__format("%s/%s", run->workspace->path, path);
    int fd = xpm__lockwait(absolute, options->signals > 0 ? options->signals : -1,
                           options->interrupted, options->user);
    int saved = errno;
    xpm_free(absolute);
    errno = saved;
    return fd;
}

static int lock_experiment(xpm__rundir *run, const xpm_experiment_options *options, xpm_error *err)
{
    char *path = xpm__format("experiments/%s/lock", run->experiment);
    run->lock = xpm__file_lock(run->workspace->fd, path, false);
    if (run->lock < 0 && errno == EWOULDBLOCK) {
        tell_holder(run->workspace, path, options);
        run->lock = wait_for_lock(run, path, options);
    }
    int status = 0;
    if (run->lock < 0 && errno == EINTR)
        status = xpm__fail(err, XPM_E_STATE, path, "interrupted while waiting for the lock");
    else if (run->lock < 0)
        status = xpm__fail_io(err, path, "lock the experiment's");
    if (status == 0)
        write_holder(run->lock);
    xpm_free(path);
    return status;
}

/* After that of the latest run of the same second: an earlier one may be gone, and its name would put this
 * one before the others. */
static int first_number(const xpm__rundir *run, const char *stamp)
{
    char latest[XPM__NAME_SIZE], *link = xpm__format("experiments/%s/current", run->experiment);
    ssize_t size = readlinkat(run->workspace->fd, link, latest, sizeof latest - 1);
    size_t length = strlen(stamp);
    xpm_free(link);
    latest[size > 0 ? size : 0] = '\0';
    if (strncmp(latest, stamp, length) != 0)
        return 0;
    return latest[length] == '.' ? atoi(latest + length + 1) + 1 : 1;
}

/* YYYYmmdd_HHMMSS, and .1, .2 ... when runs started in the same second. */
static int make_run(xpm__rundir *run, xpm_error *err)
{
    char stamp[XPM__TIME_SIZE];
    xpm__clock_compact(run->started, stamp);
    for (int number = first_number(run, stamp);; number++) {
        run->run = number == 0 ? xpm__strdup(stamp) : xpm__format("%s.%d", stamp, number);
        run->path =
            xpm__format("%s/experiments/%s/%s", run->workspace->path, run->experiment, run->run);
        if (mkdir(run->path, 0777) == 0)
            break;
        if (errno != EEXIST)
            return xpm__fail_io(err, run->path, "create the folder");
        xpm_free(run->run);
        xpm_free(run->path);
        run->run = run->path = NULL;
    }
    run->fd = open(run->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run->fd < 0 || mkdirat(run->fd, "jobs", 0777) < 0)
        return xpm__fail_io(err, run->path, "write in");
    return 0;
}

/* experiments/ID/current, replaced whole. */
static void point_current(const xpm__rundir *run)
{
    char *link = xpm__format("experiments/%s/current", run->experiment);
    (void)xpm__file_link(run->workspace->fd, link, run->run);
    xpm_free(link);
}

static int open_log(int dir, const char *path, const char *shown, xpm_error *err)
{
    int fd = openat(dir, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        xpm__fail_io(err, shown, "write in");
    return fd;
}

static int open_logs(xpm__rundir *run, xpm_error *err)
{
    for (int number = 0; run->events_path == NULL; number++) {
        run->events_path = xpm__format(".events/experiments/%s-%d.jsonl", run->experiment, number);
        if (xpm__file_exists(run->workspace->fd, run->events_path)) { /* of a run that crashed */
            xpm_free(run->events_path);
            run->events_path = NULL;
        }
    }
    run->jobs.fd = open_log(run->fd, "jobs.jsonl", run->path, err);
    run->objects.fd = open_log(run->fd, "objects.jsonl", run->path, err);
    run->events.fd = open_log(run->workspace->fd, run->events_path, run->workspace->path, err);
    xpm__events_print_version(&run->events.pending); /* written with the first events */
    return run->jobs.fd < 0 || run->objects.fd < 0 || run->events.fd < 0 ? -1 : 0;
}

xpm__rundir *xpm__rundir_open(xpm__workspace *workspace, const char *experiment,
                              const xpm_experiment_options *options, xpm_error *err)
{
    xpm__rundir *run = xpm__zalloc(sizeof *run);
    run->workspace = workspace;
    run->experiment = xpm__strdup(experiment);
    run->fd = run->lock = run->jobs.fd = run->objects.fd = run->events.fd = -1;
    pthread_mutex_init(&run->mutex, NULL);
    char *folder = xpm__format("%s/experiments/%s", workspace->path, experiment);
    int status = check_name(experiment, err);
    if (status == 0)
        status = xpm__file_mkdirs(folder, err);
    xpm_free(folder);
    if (status < 0 || lock_experiment(run, options, err) < 0)
        goto fail;
    run->started = xpm__clock_now();
    if (make_run(run, err) < 0 || open_logs(run, err) < 0 ||
        xpm__rundir_write_status(run, "running", NULL, NULL, err) < 0)
        goto fail;
    point_current(run);
    run->links = xpm__links_new(run->fd);
    run->capture = xpm__capture_start(run->path, run->run, run->started, options);
    run->history = (xpm__history){options->history_max_done, options->history_max_failed};
    return run;
fail:
    xpm__rundir_close(run);
    return NULL;
}

/* ---- Listing ---------------------------------------------------------------------------------- */

static void print_job(const xpm__run_job *job, xpm__str *out)
{
    xpm__json_open(out, '{');
    xpm__json_pair(out, "job_id", job->job_id);
    xpm__json_pair(out, "task_id", job->task_id);
    xpm__json_key(out, "tags");
    xpm__document_write_plain(job->tags, out);
    xpm__json_pair_time(out, "timestamp", xpm__clock_now());
    xpm__json_close(out, '}');
    xpm__str_putc(out, '\n');
}

static int flush_log(xpm__log *log)
{
    int status = xpm__file_append(log->fd, log->pending.data, log->pending.size);
    xpm__str_clear(&log->pending);
    return status;
}

/* In this order: an event never tells of a job that is not listed. With the mutex held. */
static int flush_all(xpm__rundir *run)
{
    int status = flush_log(&run->objects);
    status = flush_log(&run->jobs) < 0 ? -1 : status;
    return flush_log(&run->events) < 0 ? -1 : status;
}

int xpm__rundir_flush(xpm__rundir *run)
{
    pthread_mutex_lock(&run->mutex);
    int status = flush_all(run);
    pthread_mutex_unlock(&run->mutex);
    return status;
}

static int append(xpm__rundir *run, const xpm__run_job *job)
{
    static const xpm__params_context context; /* paths are absolute */
    int status = 0;
    pthread_mutex_lock(&run->mutex);
    xpm__params_write_lines(job->task, &context, &run->written, &run->objects.pending);
    print_job(job, &run->jobs.pending);
    if (run->objects.pending.size > FLUSH_SIZE || run->events.pending.size > FLUSH_SIZE)
        status = flush_all(run);
    pthread_mutex_unlock(&run->mutex);
    return status;
}

int xpm__rundir_add(xpm__rundir *run, const xpm__run_job *job, xpm_error *err)
{
    if (append(run, job) < 0 || xpm__links_add(run->links, job->task_id, job->job_id) < 0)
        return xpm__fail_io(err, run->path, "write in");
    return 0;
}

/* ---- Events ----------------------------------------------------------------------------------- */

static void print_event(const xpm__rundir *run, const xpm__run_job *job, xpm_job_state state,
                        xpm_reason reason, xpm__str *out)
{
    char upper[XPM__REASON_SIZE];
    xpm__json_open(out, '{');
    xpm__json_pair_time(out, "timestamp", xpm__clock_now());
    xpm__json_pair(out, "event_type", "ExperimentJobStateEvent");
    xpm__json_pair(out, "job_id", job->job_id);
    xpm__json_pair(out, "task_id", job->task_id);
    xpm__json_pair(out, "experiment_id", run->experiment);
    xpm__json_pair(out, "run_id", run->run);
    xpm__json_pair(out, "scheduler_state", xpm_job_state_text(state));
    xpm__json_pair(out, "failure_reason", xpm__reason_upper(reason, upper));
    xpm__json_key(out, "tags");
    xpm__json_open(out, '[');
    for (size_t i = 0; i < job->tags->size; i++) {
        xpm__json_open(out, '{');
        xpm__json_pair(out, "key", job->tags->as.items[2 * i].as.text);
        xpm__json_key(out, "value");
        xpm__document_write_plain(&job->tags->as.items[2 * i + 1], out);
        xpm__json_close(out, '}');
    }
    xpm__json_close(out, ']');
    xpm__json_key(out, "depends_on");
    xpm__json_open(out, '[');
    for (const char *const *id = job->depends_on; id != NULL && *id != NULL; id++)
        xpm__json_text(out, *id);
    xpm__json_close(out, ']');
    if (state == XPM_JOB_READY && job->needs != NULL)
        xpm__json_pair(out, "needs", job->needs);
    xpm__json_close(out, '}');
    xpm__str_putc(out, '\n');
}

void xpm__rundir_event(xpm__rundir *run, const xpm__run_job *job, xpm_job_state state,
                       xpm_reason reason)
{
    pthread_mutex_lock(&run->mutex);
    print_event(run, job, state, reason, &run->events.pending);
    pthread_mutex_unlock(&run->mutex);
}

/* ---- Status and end --------------------------------------------------------------------------- */

/* The last line of a run's log. */
static void append_completed(xpm__rundir *run, double now, const char *ended)
{
    xpm__str *out = &run->events.pending;
    pthread_mutex_lock(&run->mutex);
    xpm__json_open(out, '{');
    xpm__json_pair_time(out, "timestamp", now);
    xpm__json_pair(out, "event_type", "RunCompletedEvent");
    xpm__json_pair(out, "experiment_id", run->experiment);
    xpm__json_pair(out, "run_id", run->run);
    xpm__json_pair(out, "status", "completed");
    xpm__json_pair(out, "ended_at", ended);
    xpm__json_close(out, '}');
    xpm__str_putc(out, '\n');
    pthread_mutex_unlock(&run->mutex);
}

/* As the original names it: the class of its configurations, for a Python one. */
static void write_class(const xpm_class *class_, xpm__str *out)
{
    bool python = class_->module[0] != '\0';
    char *name = python ? xpm__format("%s.%s.XPMConfig", class_->module, class_->qualname)
                        : xpm__strdup(class_->name);
    xpm__json_pair(out, "class", name);
    xpm_free(name);
}

static void write_actions(const xpm__rundir *run, xpm__str *out)
{
    xpm__json_key(out, "actions");
    xpm__json_open(out, '{');
    for (size_t i = 0; i < run->action_count; i++) {
        xpm__json_key(out, run->actions[i].id);
        xpm__json_open(out, '{');
        xpm__json_pair(out, "action_id", run->actions[i].id);
        xpm__json_pair(out, "description", run->actions[i].description);
        write_class(run->actions[i].config->class_, out);
        xpm__json_close(out, '}');
    }
    xpm__json_close(out, '}');
}

int xpm__rundir_write_status(xpm__rundir *run, const char *status, xpm__job_states jobs, void *user,
                             xpm_error *err)
{
    xpm__str out = {0};
    char host[256] = "", now[XPM__TIME_SIZE], started[XPM__TIME_SIZE];
    const char *id;
    bool ended = strcmp(status, "running") != 0;
    gethostname(host, sizeof host - 1);
    double seconds = xpm__clock_now();
    xpm__clock_iso(seconds, now);
    xpm__clock_iso(run->started, started);
    xpm__json_open(&out, '{');
    xpm__json_pair_int(&out, "version", 1);
    xpm__json_pair(&out, "experiment_id", run->experiment);
    xpm__json_pair(&out, "run_id", run->run);
    xpm__json_pair(&out, "status", status);
    xpm__json_pair(&out, "hostname", host);
    xpm__json_pair(&out, "started_at", started);
    xpm__json_pair(&out, "ended_at", ended ? now : NULL);
    xpm__json_key(&out, "job_states");
    xpm__json_open(&out, '{');
    for (size_t i = 0; jobs != NULL; i++) {
        int state = jobs(user, i, &id);
        if (state < 0)
            break;
        xpm__json_pair(&out, id, xpm_job_state_text((xpm_job_state)state));
    }
    xpm__json_close(&out, '}');
    xpm__str_puts(&out, ",\"services\":{}");
    write_actions(run, &out);
    xpm__str_puts(&out, ",\"run_tags\":[]");
    xpm__json_pair(&out, "last_updated", now);
    xpm__json_close(&out, '}');
    int written = xpm__file_write(run->fd, "status.json", out.data, out.size, 0666);
    xpm__str_free(&out);
    if (ended)
        append_completed(run, seconds, now);
    return written < 0 ? xpm__fail_io(err, run->path, "write the status in") : 0;
}

int xpm__rundir_end(xpm__rundir *run, const char *status, xpm__job_states jobs, void *user,
                    xpm_error *err)
{
    int linked = xpm__links_end(run->links), saved = errno;
    run->links = NULL;
    int written = xpm__rundir_write_status(run, status, jobs, user, err);
    errno = saved;
    return linked < 0 ? xpm__fail_io(err, run->path, "link the jobs in") : written;
}

int xpm__rundir_add_action(xpm__rundir *run, xpm_config *action, const char *id,
                           const char *description, xpm_error *err)
{
    static const xpm__params_context context; /* paths are absolute */
    for (size_t i = 0; i < run->action_count; i++)
        if (strcmp(run->actions[i].id, id) == 0)
            return 0;
    run->actions =
        xpm__grow(run->actions, &run->action_capacity, run->action_count, sizeof *run->actions);
    run->actions[run->action_count++] =
        (struct xpm__action){.config = xpm_config_ref(action),
                             .id = xpm__strdup(id),
                             .description = xpm__strdup(description)};
    pthread_mutex_lock(&run->mutex);
    xpm__params_write_lines(action, &context, &run->written, &run->objects.pending);
    int status = flush_all(run);
    pthread_mutex_unlock(&run->mutex);
    if (status < 0)
        return xpm__fail_io(err, run->path, "write in");
    return xpm__rundir_write_status(run, "running", NULL, NULL, err);
}

static void keep_events(const xpm__rundir *run)
{
    if (mkdirat(run->fd, "events", 0777) == 0 || errno == EEXIST)
        renameat(run->workspace->fd, run->events_path, run->fd, "events/event-0.jsonl");
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void close_log(xpm__log *log)
{
    close_fd(log->fd);
    xpm__str_free(&log->pending);
}

void xpm__rundir_close(xpm__rundir *run)
{
    if (run == NULL)
        return;
    (void)xpm__links_end(run->links); /* after a failure before: see xpm__rundir_end */
    if (run->events.fd >= 0) {
        /* A full disk loses events, not jobs: their markers are the truth. */
        (void)xpm__rundir_flush(run);
        keep_events(run);
    }
    close_log(&run->jobs);
    close_log(&run->objects);
    close_log(&run->events);
    xpm__capture_end(run->capture);
    if (run->run != NULL)
        xpm__history_trim(run->workspace, run->experiment, run->run, &run->history);
    close_fd(run->fd);
    close_fd(run->lock); /* last: the run is whole by now */
    pthread_mutex_destroy(&run->mutex);
    xpm__ptrmap_free(&run->written);
    for (size_t i = 0; i < run->action_count; i++) {
        xpm_free(run->actions[i].id);
        xpm_free(run->actions[i].description);
        xpm_config_unref(run->actions[i].config);
    }
    xpm_free(run->actions);
    xpm_free(run->events_path);
    xpm_free(run->experiment);
    xpm_free(run->run);
    xpm_free(run->path);
    xpm_free(run);
}
