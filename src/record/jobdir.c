#include "record/jobdir.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define STATUS_FILE ".experimaestro/status.json"
#define FIGURES ".experimaestro/figures"
#define FIGURES_SUFFIX ".jsonl"
enum { HOST_SIZE = 256 };

static const char *const reasons[] = {
#define XPM_REASON_TEXT(name, text) text,
    XPM_REASONS(XPM_REASON_TEXT)
#undef XPM_REASON_TEXT
};

static const char *const states[] = {
#define XPM_JOB_STATE_TEXT(name, text) text,
    XPM_JOB_STATES(XPM_JOB_STATE_TEXT)
#undef XPM_JOB_STATE_TEXT
};

const char *xpm_job_state_text(xpm_job_state state)
{
    return (size_t)state < sizeof states / sizeof *states ? states[state] : "unknown";
}

const char *xpm_reason_text(xpm_reason reason)
{
    return (size_t)reason < sizeof reasons / sizeof *reasons ? reasons[reason] : "unknown";
}

xpm_reason xpm__reason_parse(const char *text)
{
    for (size_t i = 1; text != NULL && i < sizeof reasons / sizeof *reasons; i++)
        if (strcasecmp(text, reasons[i]) == 0)
            return (xpm_reason)i;
    return XPM_REASON_FAILED;
}

const char *xpm__reason_upper(xpm_reason reason, char upper[XPM__REASON_SIZE])
{
    size_t i = 0;
    if (reason == XPM_REASON_NONE)
        return NULL;
    for (const char *c = xpm_reason_text(reason); *c != '\0' && i < XPM__REASON_SIZE - 1; c++)
        upper[i++] = (char)toupper((unsigned char)*c);
    upper[i] = '\0';
    return upper;
}

void xpm__jobdir_file(const char *name, const char *suffix, char file[XPM__NAME_SIZE])
{
    snprintf(file, XPM__NAME_SIZE, "%s%s", name, suffix);
}

void xpm__jobdir_name(const char *directory, char name[XPM__NAME_SIZE])
{
    const char *end = strrchr(directory, '/'), *start = end;
    while (start != NULL && start > directory && start[-1] != '/' && start[-1] != '.')
        start--;
    snprintf(name, XPM__NAME_SIZE, "%.*s", start != NULL ? (int)(end - start) : 0,
             start != NULL ? start : "");
}

/* ---- Reading ---------------------------------------------------------------------------------- */

double xpm__jobdir_started(int dir, const char *name)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(name, ".pid", file);
    return xpm__file_modified(dir, file);
}

/* {"code", "reason", "message"}, or the bare exit status of version 1, where 0 is success. */
static void read_failed(int dir, const char *file, xpm__jobdir_state *state)
{
    json_object *json = xpm__json_read(dir, file);
    state->state = XPM_JOB_ERROR;
    state->reason = XPM_REASON_FAILED;
    state->code = 1;
    if (json_object_is_type(json, json_type_int)) {
        state->code = json_object_get_int(json);
        if (state->code == 0) {
            state->state = XPM_JOB_DONE;
            state->reason = XPM_REASON_NONE;
        }
    } else if (json_object_is_type(json, json_type_object)) {
        const char *reason = xpm__json_get_text(json, "reason");
        const char *message = xpm__json_get_text(json, "message");
        if (reason == NULL)
            reason = xpm__json_get_text(json, "failure_status");
        state->reason = xpm__reason_parse(reason);
        if (xpm__json_get(json, "code") != NULL)
            state->code = json_object_get_int(xpm__json_get(json, "code"));
        snprintf(state->message, sizeof state->message, "%s", message != NULL ? message : "");
    }
    json_object_put(json);
}

bool xpm__jobdir_read_markers(int dir, const char *name, xpm__jobdir_state *state)
{
    char file[XPM__NAME_SIZE];
    *state = (xpm__jobdir_state){0};
    xpm__jobdir_file(name, ".done", file);
    if (xpm__file_exists(dir, file)) {
        state->state = XPM_JOB_DONE;
        return true;
    }
    xpm__jobdir_file(name, ".failed", file);
    if (!xpm__file_exists(dir, file))
        return false;
    read_failed(dir, file, state);
    return true;
}

static bool lock_is_held(int dir, const char *name)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(name, ".lock", file);
    return xpm__file_is_locked(dir, file);
}

/* When a process started, in clock ticks since boot: with its number, what tells it from another
 * that has the number later. 0 when there is no such process, or only what is left of it for its
 * parent to read. */
static long long start_time(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    char *field = strrchr(text, ')'); /* the name before it may hold anything */
    if (field == NULL || strchr("ZX", field[2]) != NULL)
        return 0;
    for (int i = 0; field != NULL && i < 20; i++)
        field = strchr(field + 1, ' ');
    return field != NULL ? strtoll(field, NULL, 10) : 0;
}

static void this_host(char host[HOST_SIZE])
{
    host[0] = '\0';
    gethostname(host, HOST_SIZE - 1);
}

/* A process lives under its number when it is of this machine, and started when it is said to have. */
static bool is_alive(json_object *json, pid_t process)
{
    char here[HOST_SIZE];
    const char *host = xpm__json_get_text(json, "host");
    json_object *start = xpm__json_get(json, "start");
    this_host(here);
    if (process <= 0 || (host != NULL && strcmp(host, here) != 0))
        return false;
    long long now = start_time(process);
    return now != 0 && (start == NULL || json_object_get_int64(start) == now);
}

static void copy_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text != NULL ? text : "");
}

/* Whether .pid names a process, or a queue's job. */
static bool read_pid(int dir, const char *name, xpm__pid *pid)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(name, ".pid", file);
    json_object *json = xpm__json_read(dir, file);
    *pid = (xpm__pid){0};
    copy_text(pid->launcher, sizeof pid->launcher, xpm__json_get_text(json, "type"));
    bool is_local = strcmp(pid->launcher, "local") == 0;
    pid_t process = json_object_get_int(xpm__json_get(json, is_local ? "pid" : "process"));
    if (is_alive(json, process))
        pid->process = process;
    if (!is_local) {
        copy_text(pid->id, sizeof pid->id, json_object_get_string(xpm__json_get(json, "pid")));
        copy_text(pid->token, sizeof pid->token, xpm__json_get_text(json, "token"));
    }
    json_object_put(json);
    return is_local ? process > 0 : pid->launcher[0] != '\0';
}

void xpm__jobdir_read_pid(int dir, const char *name, xpm__pid *pid)
{
    read_pid(dir, name, pid);
}

bool xpm__jobdir_is_queued(const char *directory)
{
    char name[XPM__NAME_SIZE];
    xpm__pid pid;
    xpm__jobdir_state marked;
    int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return false;
    xpm__jobdir_name(directory, name);
    read_pid(dir, name, &pid);
    bool queued = xpm__pid_is_queued(&pid) && !xpm__jobdir_read_markers(dir, name, &marked);
    close(dir);
    return queued;
}

static unsigned failures_in(json_object *status)
{
    int failures = json_object_get_int(xpm__json_get(status, "retry_count"));
    return failures > 0 ? (unsigned)failures : 0;
}

unsigned xpm__jobdir_failures(int dir)
{
    json_object *status = xpm__json_read(dir, STATUS_FILE);
    unsigned failures = failures_in(status);
    json_object_put(status);
    return failures;
}

xpm__stamp xpm__jobdir_failed_stamp(int dir, const char *name)
{
    char file[XPM__NAME_SIZE];
    struct stat info;
    xpm__jobdir_file(name, ".failed", file);
    if (fstatat(dir, file, &info, 0) < 0)
        return (xpm__stamp){0};
    return (xpm__stamp){info.st_ino, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

static bool says(json_object *status, xpm_job_state state)
{
    const char *text = xpm__json_get_text(status, "state");
    return text != NULL && strcasecmp(text, xpm_job_state_text(state)) == 0;
}

/* What a job without marker, whose process is no more, has come to: what says that it ran was written
 * before, and what says how it ended just before its marker. UNSCHEDULED when it has not run. */
static void read_unmarked(json_object *status, bool named, xpm__jobdir_state *state)
{
    if (named || says(status, XPM_JOB_RUNNING))
        state->reason = XPM_REASON_LOST;
    else if (says(status, XPM_JOB_DONE) || says(status, XPM_JOB_ERROR))
        state->reason = XPM_REASON_MISSING_OUTPUTS;
    else
        return;
    state->state = XPM_JOB_ERROR;
}

void xpm__jobdir_read(int dir, const char *name, xpm__jobdir_state *state)
{
    char done[XPM__NAME_SIZE];
    xpm__jobdir_state later;
    bool marked = xpm__jobdir_read_markers(dir, name, state);
    json_object *status = xpm__json_read(dir, STATUS_FILE);
    const char *started = xpm__json_get_text(status, "started_time");
    const char *ended = xpm__json_get_text(status, "ended_time");
    xpm__pid pid = {0};
    bool named = !marked && read_pid(dir, name, &pid);
    state->pid = pid.process;
    bool alive = !marked && (state->pid != 0 || lock_is_held(dir, name));
    unsigned failures = failures_in(status);
    state->started = started != NULL ? xpm__clock_parse(started) : xpm__jobdir_started(dir, name);
    state->ended = marked && ended != NULL ? xpm__clock_parse(ended) : 0;
    xpm__jobdir_file(name, ".done", done);
    if (state->state == XPM_JOB_DONE && state->ended <= 0)
        state->ended = xpm__file_modified(dir, done);
    if (alive)
        state->state = XPM_JOB_RUNNING;
    else if (!marked && xpm__jobdir_read_markers(dir, name, &later)) /* it has come since */
        *state = later;
    else if (!marked && xpm__pid_is_queued(&pid))
        state->state = XPM_JOB_SCHEDULED; /* as far as can be seen without asking the queue */
    else if (!marked)
        read_unmarked(status, named, state);
    state->failures = failures;
    json_object_put(status);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static void write_time(xpm__str *out, const char *key, double seconds)
{
    char text[XPM__TIME_SIZE];
    if (seconds > 0)
        xpm__clock_iso(seconds, text);
    xpm__json_pair(out, key, seconds > 0 ? text : NULL);
}

static void print_progress(const xpm__status *s, xpm__str *out)
{
    xpm__json_key(out, "progress");
    xpm__json_open(out, '[');
    for (size_t i = 0; i < s->levels; i++) {
        xpm__json_open(out, '{');
        xpm__json_pair_int(out, "level", (int64_t)i);
        xpm__json_pair_double(out, "progress", s->progress[i].value);
        xpm__json_pair(out, "desc", s->progress[i].desc);
        xpm__json_close(out, '}');
    }
    xpm__json_close(out, ']');
}

static void print_status(const xpm__status *s, xpm__str *out)
{
    const char *state = xpm_job_state_text(s->state);
    char upper[XPM__REASON_SIZE], host[HOST_SIZE];
    const char *reason = xpm__reason_upper(s->reason, upper);
    bool ended = s->state == XPM_JOB_DONE || s->state == XPM_JOB_ERROR;
    xpm__json_open(out, '{');
    xpm__json_pair(out, "job_id", s->job_id);
    xpm__json_pair(out, "task_id", s->task_id);
    xpm__json_pair(out, "path", s->path);
    xpm__json_pair(out, "state", state);
    xpm__json_pair(out, "failure_reason", reason);
    xpm__json_pair(out, "scheduler_state", state);
    xpm__json_pair(out, "scheduler_failure_reason", reason);
    write_time(out, "started_time", s->started);
    write_time(out, "ended_time", s->ended);
    xpm__json_key(out, "exit_code");
    if (ended)
        xpm__json_int(out, s->code);
    else
        xpm__json_null(out);
    xpm__json_pair_int(out, "retry_count", s->failures);
    xpm__json_key(out, "resumable");
    xpm__json_bool(out, s->resumable);
    print_progress(s, out);
    xpm__json_key(out, "process");
    if (s->pid > 0 && !ended) {
        xpm__json_open(out, '{');
        xpm__json_pair(out, "type", "local");
        xpm__json_pair_int(out, "pid", s->pid);
        xpm__json_close(out, '}');
    } else {
        xpm__json_null(out);
    }
    xpm__json_pair(out, "run_group_id", NULL);
    xpm__json_pair_int(out, "events_count", 0);
    this_host(host);
    xpm__json_pair(out, "host", host);
    if (s->peak_memory > 0)
        xpm__json_pair_int(out, "peak_memory", s->peak_memory);
    xpm__json_close(out, '}');
}

int xpm__jobdir_write_status(int dir, const xpm__status *status, xpm_error *err)
{
    xpm__str out = {0};
    print_status(status, &out);
    int written = xpm__file_write(dir, STATUS_FILE, out.data, out.size, 0666);
    if (written < 0 && errno == ENOENT && mkdirat(dir, ".experimaestro", 0777) == 0)
        written = xpm__file_write(dir, STATUS_FILE, out.data, out.size, 0666);
    xpm__str_free(&out);
    return written < 0 ? xpm__fail_io(err, status->path, "write the status in") : 0;
}

void xpm__jobdir_write_end(int dir, const char *name, const xpm__status *status)
{
    xpm__str out = {0};
    char pid[XPM__NAME_SIZE];
    xpm__jobdir_file(name, ".pid", pid);
    print_status(status, &out);
    int written = xpm__file_write_over(dir, pid, STATUS_FILE, out.data, out.size);
    if (written < 0 && errno == ENOENT && mkdirat(dir, ".experimaestro", 0777) == 0)
        written = xpm__file_write_over(dir, pid, STATUS_FILE, out.data, out.size);
    if (written < 0) { /* the file was removed, or whatever: it is not needed for this */
        xpm__jobdir_write_status(dir, status, NULL);
        unlinkat(dir, pid, 0);
    }
    xpm__str_free(&out);
}

int xpm__jobdir_mark_done(int dir, const char *name)
{
    char lock[XPM__NAME_SIZE], done[XPM__NAME_SIZE];
    xpm__jobdir_file(name, ".lock", lock);
    xpm__jobdir_file(name, ".done", done);
    if (renameat(dir, lock, dir, done) == 0)
        return 0;
    return errno == ENOENT ? xpm__file_touch(dir, done) : -1;
}

int xpm__jobdir_mark_failed(int dir, const char *name, int code, xpm_reason reason,
                            const char *message)
{
    char file[XPM__NAME_SIZE];
    xpm__str out = {0};
    xpm__jobdir_file(name, ".failed", file);
    xpm__json_open(&out, '{');
    xpm__json_pair_int(&out, "code", code);
    xpm__json_pair(&out, "reason", xpm_reason_text(reason));
    xpm__json_pair(&out, "message", message);
    xpm__json_close(&out, '}');
    int status = xpm__file_write(dir, file, out.data, out.size, 0666);
    xpm__str_free(&out);
    return status;
}

/* Writes a .pid: of a process, when `process` is not 0, and of a queue, when `queued` is not NULL. */
static int write_pid(int dir, const char *name, const xpm__pid *queued, pid_t process)
{
    char file[XPM__NAME_SIZE], host[HOST_SIZE];
    xpm__str out = {0};
    this_host(host);
    xpm__jobdir_file(name, ".pid", file);
    xpm__json_open(&out, '{');
    xpm__json_pair(&out, "type", queued != NULL ? queued->launcher : "local");
    if (queued != NULL) {
        xpm__json_pair(&out, "pid", queued->id[0] != '\0' ? queued->id : NULL);
        xpm__json_pair(&out, "token", queued->token);
    }
    if (process > 0) {
        xpm__json_pair_int(&out, queued != NULL ? "process" : "pid", process);
        xpm__json_pair_int(&out, "start", start_time(process));
        xpm__json_pair(&out, "host", host);
    }
    xpm__json_close(&out, '}');
    int status = xpm__file_write(dir, file, out.data, out.size, 0666);
    xpm__str_free(&out);
    return status;
}

int xpm__jobdir_write_pid(int dir, const char *name, const xpm__pid *queued, pid_t pid)
{
    return write_pid(dir, name, queued, pid);
}

int xpm__jobdir_write_queued(int dir, const char *name, const xpm__pid *pid)
{
    return write_pid(dir, name, pid, 0);
}

/* ---- Streams ----------------------------------------------------------------------------------- */

static void rotate(int dir, const char *name, const char *suffix, const char *stamp)
{
    char file[XPM__NAME_SIZE], kept[2 * XPM__NAME_SIZE];
    struct stat info;
    xpm__jobdir_file(name, suffix, file);
    if (fstatat(dir, file, &info, AT_SYMLINK_NOFOLLOW) < 0 || info.st_size == 0)
        return;
    snprintf(kept, sizeof kept, "%s.%s%s", name, stamp, suffix);
    for (int number = 1; xpm__file_exists(dir, kept); number++) /* of the same second */
        snprintf(kept, sizeof kept, "%s.%s.%d%s", name, stamp, number, suffix);
    (void)renameat(dir, file, dir, kept); /* else it is emptied */
}

static void make_stamp(char stamp[XPM__TIME_SIZE])
{
    char now[XPM__TIME_SIZE];
    xpm__clock_compact(xpm__clock_now(), now);
    snprintf(stamp, XPM__TIME_SIZE, "%.8s%s", now, now + 9); /* without the underscore */
}

static void rotate_all(int dir, const char *name)
{
    char stamp[XPM__TIME_SIZE];
    make_stamp(stamp);
    rotate(dir, name, ".out", stamp);
    rotate(dir, name, ".err", stamp);
}

void xpm__jobdir_renew(int dir, const char *name)
{
    static const char *const suffixes[] = {".failed", ".pid"};
    char file[XPM__NAME_SIZE];
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        xpm__jobdir_file(name, suffixes[i], file);
        unlinkat(dir, file, 0);
    }
    rotate_all(dir, name);
}

/* ---- Figures ----------------------------------------------------------------------------------- */

int xpm__jobdir_open_figures(const char *directory)
{
    static const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
    char *folder = xpm__format("%s/.experimaestro", directory);
    char *path = xpm__format("%s/" FIGURES FIGURES_SUFFIX, directory);
    int fd = open(path, flags, 0666);
    if (fd < 0 && errno == ENOENT && mkdir(folder, 0777) == 0)
        fd = open(path, flags, 0666);
    xpm_free(folder);
    xpm_free(path);
    return fd;
}

void xpm__jobdir_renew_figures(int dir)
{
    char stamp[XPM__TIME_SIZE];
    make_stamp(stamp);
    rotate(dir, FIGURES, FIGURES_SUFFIX, stamp);
}

/* ---- What is shared --------------------------------------------------------------------------- */

int xpm__jobdir_share(int dir, const char *name, const char *workspace, const char *shared,
                      xpm_error *err)
{
    mkdirat(dir, ".experimaestro", 0777);
    if (mkdirat(dir, XPM__PARTIALS, 0777) < 0 && errno != EEXIST)
        return xpm__fail_io(err, name, "link the shared directory");
    char *locks = xpm__format("%s/%s/" XPM__PARTIAL_LOCKS, workspace, shared);
    int status = xpm__file_mkdirs(locks, err);
    xpm_free(locks);
    if (status < 0)
        return -1;
    char *link = xpm__format(XPM__PARTIALS "/%s", name);
    char *target = xpm__format("../../../../../%s", shared);
    if (symlinkat(target, dir, link) < 0 && errno != EEXIST)
        status = xpm__fail_io(err, name, "link the shared directory");
    xpm_free(link);
    xpm_free(target);
    return status;
}
