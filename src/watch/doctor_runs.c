/* Experiments and their runs: what they say, against their locks and the jobs' own word. One that
 * goes on is only read for the jobs that it lists. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "record/jobdir.h"
#include "watch/doctor.h"

static const char live_logs[] = ".events/experiments";

/* A log of events that no run has put away. */
typedef struct live_log {
    char *name, *path; /* the path is relative to the workspace */
    char *experiment;
    char *run; /* as its lines say, or NULL */
    double last;
} live_log;

/* An experiment that is looked at. */
typedef struct ward {
    xpm__examination *e;
    live_log *logs; /* of all experiments */
    size_t log_count, log_capacity;
    char *name, *path;
    bool alive;
    int lock;   /* held for repairs; -1 */
    char *last; /* of its runs, by name; NULL when there is none */
} ward;

/* One of its runs. */
typedef struct run_view {
    ward *w;
    char *name, *path;
    json_object *status; /* NULL when it is none */
} run_view;

/* Under the experiment's lock, or not at all. */
static int check_lock(const ward *w, xpm_error *err)
{
    if (w->lock >= 0)
        return 0;
    return xpm__fail(err, XPM_E_STATE, w->path, "the lock of the experiment cannot be had");
}

static int end(int status, const char *path, xpm_error *err)
{
    return status == 0 ? 0 : xpm__fail_io(err, path, "repair");
}

/* ---- Logs ------------------------------------------------------------------------------------- */

/* What the lines of a log are like. */
typedef struct lines {
    size_t bad;         /* lines that cannot be read, the last one not counted */
    size_t size, whole; /* bytes; those until the end of its last line */
    bool readable;      /* what follows that end: a line without its end, or a part of one */
} lines;

typedef void (*on_line)(void *user, json_object *line);

static void read_lines(int dir, const char *path, lines *l, on_line callback, void *user)
{
    xpm__str text = {0};
    const char *problem;
    *l = (lines){0};
    if (xpm__file_read(dir, path, &text) == 0)
        l->size = text.size;
    for (size_t at = 0; at < text.size;) {
        const char *line = text.data + at, *newline = memchr(line, '\n', text.size - at);
        size_t size = newline != NULL ? (size_t)(newline - line) : text.size - at;
        json_object *json = xpm__json_parse(line, size, &problem);
        if (json != NULL && callback != NULL)
            callback(user, json);
        if (newline == NULL)
            l->readable = json != NULL;
        else
            l->bad += json == NULL;
        json_object_put(json);
        at += size + 1;
        if (newline != NULL)
            l->whole = at;
    }
    xpm__str_free(&text);
}

typedef struct torn {
    const ward *w;
    const char *path;
    const lines *lines;
} torn;

/* A last line that is whole is given its end, and any other is cut off. */
static int repair_torn(void *user, xpm_error *err)
{
    const torn *t = user;
    int dir = t->w->e->fd, status = -1;
    if (check_lock(t->w, err) < 0)
        return -1;
    if (!t->lines->readable)
        return end(xpm__file_cut(dir, t->path, t->lines->size, t->lines->whole), t->path, err);
    int fd = openat(dir, t->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd >= 0)
        status = xpm__file_append(fd, "\n", 1);
    if (fd >= 0)
        close(fd);
    return end(status, t->path, err);
}

static void tell_lines(const ward *w, const char *path, const lines *l)
{
    torn t = {.w = w, .path = path, .lines = l};
    if (l->bad > 0)
        xpm__doctor_note(w->e, &(xpm__finding){.kind = "lines-unreadable", .path = path},
                         "%zu line%s cannot be read, and what %s told is lost: readers pass over",
                         l->bad, l->bad > 1 ? "s" : "", l->bad > 1 ? "they" : "it");
    xpm__finding finding = {.kind = "line-torn",
                            .path = path,
                            .what = "its last line was not written to its end",
                            .remedy = l->readable ? "end the line" : "cut it off"};
    if (l->whole < l->size)
        xpm__doctor_found(w->e, &finding, repair_torn, &t);
}

/* ---- Logs that were left ---------------------------------------------------------------------- */

static void on_event(void *user, json_object *line)
{
    live_log *log = user;
    const char *run = xpm__json_get_text(line, "run_id");
    json_object *timestamp = xpm__json_get(line, "timestamp");
    if (log->run == NULL)
        log->run = xpm__strdup(run);
    if (json_object_is_type(timestamp, json_type_double) ||
        json_object_is_type(timestamp, json_type_int))
        log->last = json_object_get_double(timestamp);
}

/* ID-N.jsonl */
static void on_live_log(void *user, const char *name)
{
    ward *w = user;
    lines l;
    const char *dash = strrchr(name, '-'), *digits = dash != NULL ? dash + 1 : "";
    size_t size = strspn(digits, "0123456789");
    if (dash == NULL || size == 0 || strcmp(digits + size, ".jsonl") != 0)
        return;
    w->logs = xpm__grow(w->logs, &w->log_capacity, w->log_count, sizeof *w->logs);
    live_log *log = &w->logs[w->log_count++];
    *log = (live_log){.name = xpm__strdup(name),
                      .path = xpm__format("%s/%s", live_logs, name),
                      .experiment = xpm__strndup(name, (size_t)(dash - name))};
    read_lines(w->e->fd, log->path, &l, on_event, log);
}

static void free_logs(ward *w)
{
    for (size_t i = 0; i < w->log_count; i++) {
        xpm_free(w->logs[i].name);
        xpm_free(w->logs[i].path);
        xpm_free(w->logs[i].experiment);
        xpm_free(w->logs[i].run);
    }
    xpm_free(w->logs);
}

typedef struct putting {
    const run_view *run;
    const live_log *log;
} putting;

/* As the end of a run does, beside what is there already. */
static int put_away(void *user, xpm_error *err)
{
    const putting *p = user;
    const run_view *run = p->run;
    int dir = run->w->e->fd;
    if (check_lock(run->w, err) < 0)
        return -1;
    char *folder = xpm__format("%s/events", run->path), *target = NULL;
    int status = mkdirat(dir, folder, 0777) == 0 || errno == EEXIST ? 0 : -1;
    for (int number = 0; status == 0 && target == NULL; number++) {
        target = xpm__format("%s/event-%d.jsonl", folder, number);
        if (xpm__file_exists(dir, target)) {
            xpm_free(target);
            target = NULL;
        }
    }
    if (status == 0)
        status = renameat(dir, p->log->path, dir, target);
    status = end(status, p->log->path, err);
    xpm_free(folder);
    xpm_free(target);
    return status;
}

static void look_at_live_logs(const run_view *run)
{
    ward *w = run->w;
    lines l;
    for (size_t i = 0; i < w->log_count; i++) {
        const live_log *log = &w->logs[i];
        putting p = {.run = run, .log = log};
        xpm__finding finding = {.kind = "log-left",
                                .path = log->path,
                                .what = "the run of this log has ended, and has not put it away",
                                .remedy = "move it into the run's folder"};
        if (strcmp(log->experiment, w->name) != 0 || log->run == NULL ||
            strcmp(log->run, run->name) != 0)
            continue;
        read_lines(w->e->fd, log->path, &l, NULL, NULL);
        tell_lines(w, log->path, &l);
        xpm__doctor_found(w->e, &finding, put_away, &p);
    }
}

/* ---- Listed jobs ------------------------------------------------------------------------------ */

/* The run says that a job is done, and the job does not: asked again, as it may be by now. */
static bool is_gone(const xpm__examination *e, const char *type, const char *hash)
{
    char name[XPM__NAME_SIZE];
    xpm__jobdir_state state = {0};
    char *folder = xpm__format("jobs/%s/%s", type, hash);
    int dir = openat(e->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    xpm__jobdir_name(folder, name);
    bool done =
        dir >= 0 && xpm__jobdir_read_markers(dir, name, &state) && state.state == XPM_JOB_DONE;
    if (dir >= 0)
        close(dir);
    xpm_free(folder);
    return !done;
}

static void on_listed(void *user, json_object *line)
{
    const run_view *run = user;
    xpm__examination *e = run->w->e;
    const char *type = xpm__json_get_text(line, "task_id");
    const char *hash = xpm__json_get_text(line, "job_id");
    if (type == NULL || hash == NULL)
        return;
    char *key = xpm__format("%s/%s", type, hash);
    const char *said = xpm__json_get_text(xpm__json_get(run->status, "job_states"), hash);
    xpm__doctor_job *job = xpm__map_find(&e->by_key, key);
    if (job != NULL)
        job->listed = true;
    bool done = said != NULL && strcasecmp(said, xpm_job_state_text(XPM_JOB_DONE)) == 0;
    if (done && (job == NULL || job->state != XPM_JOB_DONE) && is_gone(e, type, hash))
        xpm__doctor_note(e, &(xpm__finding){.kind = "gone", .path = run->path, .note = true},
                         "its job %s was done, and is no more: a run that wants it starts it again",
                         key);
    xpm_free(key);
}

/* ---- Runs ------------------------------------------------------------------------------------- */

static void on_kept_log(void *user, const char *name)
{
    const run_view *run = user;
    lines l;
    char *path = xpm__format("%s/events/%s", run->path, name);
    read_lines(run->w->e->fd, path, &l, NULL, NULL);
    tell_lines(run->w, path, &l);
    xpm_free(path);
}

static void look_at_logs(const run_view *run)
{
    lines l;
    char *objects = xpm__format("%s/objects.jsonl", run->path);
    char *events = xpm__format("%s/events", run->path);
    read_lines(run->w->e->fd, objects, &l, NULL, NULL);
    tell_lines(run->w, objects, &l);
    xpm__file_each(run->w->e->fd, events, on_kept_log, (void *)run);
    xpm_free(objects);
    xpm_free(events);
    look_at_live_logs(run);
}

/* When something was heard of the run last. */
static double last_heard(const run_view *run)
{
    const ward *w = run->w;
    double last = 0;
    for (size_t i = 0; i < w->log_count; i++)
        if (w->logs[i].run != NULL && strcmp(w->logs[i].experiment, w->name) == 0 &&
            strcmp(w->logs[i].run, run->name) == 0 && w->logs[i].last > last)
            last = w->logs[i].last;
    char *jobs = xpm__format("%s/jobs.jsonl", run->path);
    if (last <= 0)
        last = xpm__file_modified(w->e->fd, jobs);
    xpm_free(jobs);
    return last;
}

/* Everything else that the status says is kept. */
static int end_run(void *user, xpm_error *err)
{
    run_view *run = user;
    char now[XPM__TIME_SIZE], ended[XPM__TIME_SIZE];
    if (check_lock(run->w, err) < 0)
        return -1;
    json_object *status = run->status;
    if (status == NULL) {
        status = run->status = json_object_new_object();
        json_object_object_add(status, "version", json_object_new_int(1));
        json_object_object_add(status, "experiment_id", json_object_new_string(run->w->name));
        json_object_object_add(status, "run_id", json_object_new_string(run->name));
    }
    xpm__clock_iso(xpm__clock_now(), now);
    xpm__clock_iso(last_heard(run), ended);
    json_object_object_add(status, "status", json_object_new_string("failed"));
    json_object_object_add(status, "ended_at", json_object_new_string(ended));
    json_object_object_add(status, "last_updated", json_object_new_string(now));
    const char *text = json_object_to_json_string_ext(status, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE);
    char *path = xpm__format("%s/status.json", run->path);
    int written = xpm__file_write(run->w->e->fd, path, text, strlen(text), 0666);
    written = end(written, path, err);
    xpm_free(path);
    return written;
}

static void look_at_status(run_view *run)
{
    const char *said = xpm__json_get_text(run->status, "status");
    xpm__finding crashed = {.kind = "run-crashed",
                            .path = run->path,
                            .what = "the run says that it goes on, and its process has ended",
                            .remedy = "mark it failed, at the time of its last event"};
    xpm__finding broken = crashed;
    broken.kind = "run-unreadable";
    broken.what = "the run's status.json is missing or broken";
    if (said == NULL)
        xpm__doctor_found(run->w->e, &broken, end_run, run);
    else if (strcasecmp(said, "running") == 0)
        xpm__doctor_found(run->w->e, &crashed, end_run, run);
}

typedef struct sweeping {
    const ward *w;
    const char *folder;
} sweeping;

static int remove_path(void *user, xpm_error *err)
{
    const ward *w = ((const torn *)user)->w;
    const char *path = ((const torn *)user)->path;
    if (check_lock(w, err) < 0)
        return -1;
    return end(unlinkat(w->e->fd, path, 0), path, err);
}

static void on_file(void *user, const char *name)
{
    static const char *const names[] = {"status.json", "environment.json", "current", NULL};
    const sweeping *s = user;
    if (!xpm__doctor_is_left(name, names))
        return;
    char *path = xpm__format("%s/%s", s->folder, name);
    torn t = {.w = s->w, .path = path};
    xpm__finding finding = {.kind = "temporary",
                            .path = path,
                            .what = "a temporary file of a writer that has ended",
                            .remedy = "remove it"};
    xpm__doctor_found(s->w->e, &finding, remove_path, &t);
    xpm_free(path);
}

static void sweep(const ward *w, const char *folder)
{
    sweeping s = {.w = w, .folder = folder};
    if (!w->alive)
        xpm__file_each(w->e->fd, folder, on_file, &s);
}

static void look_at_run(run_view *run, const char *jobs)
{
    lines l;
    bool broken;
    char *path = xpm__format("%s/status.json", run->path);
    run->status = xpm__doctor_json(run->w->e->fd, path, &broken);
    if (!json_object_is_type(run->status, json_type_object)) {
        json_object_put(run->status);
        run->status = NULL;
    }
    read_lines(run->w->e->fd, jobs, &l, on_listed, run);
    if (!run->w->alive) {
        tell_lines(run->w, jobs, &l);
        look_at_status(run);
        look_at_logs(run);
        sweep(run->w, run->path);
    }
    json_object_put(run->status);
    xpm_free(path);
}

static void on_run(void *user, const char *name)
{
    ward *w = user;
    struct stat info;
    run_view run = {.w = w, .name = (char *)name, .path = xpm__format("%s/%s", w->path, name)};
    char *jobs = xpm__format("%s/jobs.jsonl", run.path);
    bool is_run = fstatat(w->e->fd, run.path, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                  S_ISDIR(info.st_mode) && xpm__file_exists(w->e->fd, jobs);
    if (is_run) {
        w->e->report->runs++;
        if (w->last == NULL || strverscmp(name, w->last) > 0) {
            xpm_free(w->last);
            w->last = xpm__strdup(name);
        }
        look_at_run(&run, jobs);
    }
    xpm_free(jobs);
    xpm_free(run.path);
}

/* ---- Experiments ------------------------------------------------------------------------------ */

static int point_current(void *user, xpm_error *err)
{
    const ward *w = user;
    if (check_lock(w, err) < 0)
        return -1;
    char *link = xpm__format("%s/current", w->path);
    int status =
        w->last != NULL ? xpm__file_link(w->e->fd, link, w->last) : unlinkat(w->e->fd, link, 0);
    status = end(status, link, err);
    xpm_free(link);
    return status;
}

static void look_at_current(ward *w)
{
    struct stat own, target;
    char *link = xpm__format("%s/current", w->path);
    bool dangles = fstatat(w->e->fd, link, &own, AT_SYMLINK_NOFOLLOW) == 0 &&
                   S_ISLNK(own.st_mode) && fstatat(w->e->fd, link, &target, 0) < 0 &&
                   errno == ENOENT;
    xpm__finding finding = {.kind = "current-dangling",
                            .path = link,
                            .what = "the run that it points at is gone",
                            .remedy = w->last != NULL ? "point it at the latest run"
                                                      : "remove it: there is no run"};
    if (dangles && !w->alive)
        xpm__doctor_found(w->e, &finding, point_current, w);
    xpm_free(link);
}

static void on_experiment(void *user, const char *name)
{
    ward *w = user;
    w->name = (char *)name;
    w->path = xpm__format("experiments/%s", name);
    w->lock = -1;
    w->last = NULL;
    char *lock = xpm__format("%s/lock", w->path);
    w->alive = xpm__file_is_locked(w->e->fd, lock);
    if (w->e->fix && !w->alive)
        w->lock = xpm__file_lock(w->e->fd, lock, false);
    xpm__file_each(w->e->fd, w->path, on_run, w);
    sweep(w, w->path);
    look_at_current(w);
    if (w->lock >= 0)
        close(w->lock);
    xpm_free(lock);
    xpm_free(w->path);
    xpm_free(w->last);
}

/* ---- Experiments of version 1 ----------------------------------------------------------------- */

typedef struct old_links {
    xpm__examination *e;
    const char *folder, *type;
} old_links;

static void on_old_hash(void *user, const char *hash)
{
    const old_links *l = user;
    char *key = xpm__format("%s/%s", l->type, hash);
    xpm__doctor_job *job = xpm__map_find(&l->e->by_key, key);
    if (job != NULL)
        job->listed = true;
    xpm_free(key);
}

static void on_old_type(void *user, const char *type)
{
    old_links l = *(const old_links *)user;
    char *folder = xpm__format("%s/%s", l.folder, type);
    l.type = type;
    xpm__file_each(l.e->fd, folder, on_old_hash, &l);
    xpm_free(folder);
}

static void on_old_experiment(void *user, const char *name)
{
    static const char *const folders[] = {"jobs", "jobs.bak"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *folder = xpm__format("xp/%s/%s", name, folders[i]);
        old_links l = {.e = user, .folder = folder};
        xpm__file_each(l.e->fd, folder, on_old_type, &l);
        xpm_free(folder);
    }
}

void xpm__doctor_runs(xpm__examination *e)
{
    ward w = {.e = e};
    xpm__file_each(e->fd, live_logs, on_live_log, &w);
    xpm__file_each_visible(e->fd, "experiments", on_experiment, &w);
    xpm__file_each(e->fd, "xp", on_old_experiment, e);
    free_logs(&w);
}
