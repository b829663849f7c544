/* The truth of every job's state: what its files say against what its markers and its lock prove. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/copy.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "record/jobdir.h"
#include "watch/doctor.h"

static const char status_file[] = ".experimaestro/status.json";

/* What can be wrong with a job, in the order of repair: markers, then what is made from them. */
typedef enum trouble {
    TWO_ENDS,
    FAILED_UNREADABLE,
    LOST,
    UNMARKED,
    PID_LEFT,
    STATUS_UNREADABLE,
    STATUS_WRONG,
    TEMPORARY,
    LOCK_LEFT,
    PARAMS_UNREADABLE,
    PARAMS_MISSING,
    IDENTIFIER,
    TROUBLES,
} trouble;

/* A job that is looked at. */
typedef struct patient {
    xpm__examination *e;
    const char *key; /* TYPE/HASH */
    char *folder;    /* jobs/TYPE/HASH */
    const char *hash;
    int dir;
    char name[XPM__NAME_SIZE];
    xpm__jobdir_state state;
    unsigned troubles; /* a bit each */
    char said[32];     /* the state in status.json */
    char identifier[XPM_HEX_SIZE];
    size_t temporaries;
} patient;

static bool has(const patient *p, const char *suffix)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(p->name, suffix, file);
    return xpm__file_exists(p->dir, file);
}

static void remove_file(const patient *p, const char *suffix)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(p->name, suffix, file);
    unlinkat(p->dir, file, 0);
}

static double modified(const patient *p, const char *suffix)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(p->name, suffix, file);
    return xpm__file_modified(p->dir, file);
}

/* ---- Looking ---------------------------------------------------------------------------------- */

static void set(patient *p, trouble what)
{
    p->troubles |= 1U << what;
}

static bool suffers(const patient *p, trouble what)
{
    return (p->troubles & 1U << what) != 0;
}

/* A marker of failure is an object, or the exit status alone. */
static bool failed_is_broken(const patient *p)
{
    char file[XPM__NAME_SIZE];
    bool broken;
    xpm__jobdir_file(p->name, ".failed", file);
    json_object *json = xpm__doctor_json(p->dir, file, &broken);
    broken = broken || (json != NULL && !json_object_is_type(json, json_type_object) &&
                        !json_object_is_type(json, json_type_int));
    json_object_put(json);
    return broken;
}

/* Whether NAME.pid names a process that this machine cannot tell the end of. */
static bool is_foreign(const patient *p)
{
    char file[XPM__NAME_SIZE];
    bool broken;
    xpm__jobdir_file(p->name, ".pid", file);
    json_object *json = xpm__doctor_json(p->dir, file, &broken);
    const char *type = xpm__json_get_text(json, "type");
    bool foreign = type != NULL && strcmp(type, "local") != 0;
    json_object_put(json);
    return foreign;
}

/* The process that has just marked the job holds its lock still, which may be the marker by now. */
static bool is_held(const patient *p)
{
    char lock[XPM__NAME_SIZE], done[XPM__NAME_SIZE];
    xpm__jobdir_file(p->name, ".lock", lock);
    xpm__jobdir_file(p->name, ".done", done);
    return xpm__file_is_locked(p->dir, lock) || xpm__file_is_locked(p->dir, done);
}

static void look_at_markers(patient *p)
{
    bool done = has(p, ".done"), failed = has(p, ".failed");
    if (done && failed)
        set(p, TWO_ENDS);
    else if (failed && failed_is_broken(p))
        set(p, FAILED_UNREADABLE);
    if (p->state.state == XPM_JOB_ERROR && p->state.reason == XPM_REASON_LOST && !failed)
        set(p, LOST);
    else if (!done && !failed && p->state.reason == XPM_REASON_MISSING_OUTPUTS)
        set(p, UNMARKED);
    if (!suffers(p, LOST) && has(p, ".pid"))
        set(p, PID_LEFT);
    if (done && has(p, ".lock"))
        set(p, LOCK_LEFT);
}

/* Only ends are compared: what a status says of a job that waits is its scheduler's to know. */
static void look_at_status(patient *p)
{
    bool broken;
    json_object *json = xpm__doctor_json(p->dir, status_file, &broken);
    const char *said = xpm__json_get_text(json, "state");
    const char *is = xpm_job_state_text(p->state.state);
    bool ends = said != NULL && (strcasecmp(said, xpm_job_state_text(XPM_JOB_DONE)) == 0 ||
                                 strcasecmp(said, xpm_job_state_text(XPM_JOB_ERROR)) == 0);
    bool ended = p->state.state == XPM_JOB_DONE || p->state.state == XPM_JOB_ERROR;
    if (broken || (json != NULL && said == NULL))
        set(p, STATUS_UNREADABLE);
    else if (said != NULL && (ends || ended) && strcasecmp(said, is) != 0)
        set(p, STATUS_WRONG);
    snprintf(p->said, sizeof p->said, "%s", said != NULL ? said : "");
    json_object_put(json);
}

static void look_at_params(patient *p)
{
    bool broken;
    json_object *json = xpm__doctor_json(p->dir, "params.json", &broken);
    json_object *objects = xpm__json_get(json, "objects");
    size_t count =
        json_object_is_type(objects, json_type_array) ? json_object_array_length(objects) : 0;
    json_object *task = count > 0 ? json_object_array_get_idx(objects, count - 1) : NULL;
    const char *identifier = xpm__json_get_text(task, "identifier");
    if (broken || (json != NULL && count == 0))
        set(p, PARAMS_UNREADABLE);
    else if (json == NULL && p->state.state == XPM_JOB_DONE)
        set(p, PARAMS_MISSING);
    else if (identifier != NULL && strcmp(identifier, p->hash) != 0)
        set(p, IDENTIFIER);
    snprintf(p->identifier, sizeof p->identifier, "%s", identifier != NULL ? identifier : "");
    json_object_put(json);
}

typedef struct sweeping {
    patient *p;
    const char *folder; /* in the job's: "." or where the status is */
    bool remove;
} sweeping;

/* The files of a job that are written by a rename, and what a handler of signals writes. */
static bool is_temporary(const patient *p, const char *file)
{
    char failed[XPM__NAME_SIZE], pid[XPM__NAME_SIZE], script[XPM__NAME_SIZE], mark[XPM__NAME_SIZE];
    xpm__jobdir_file(p->name, ".failed", failed);
    xpm__jobdir_file(p->name, ".pid", pid);
    xpm__jobdir_file(p->name, ".py", script);
    xpm__jobdir_file(p->name, ".failed.tmp", mark);
    const char *names[] = {"params.json", "status.json", "locks.json", failed, pid, script, NULL};
    size_t size = strlen(file);
    if (size < 4 || strcmp(file + size - 4, ".tmp") != 0)
        return false;
    return strcmp(file, mark) == 0 || xpm__doctor_is_left(file, names);
}

static void sweep_name(void *user, const char *name)
{
    const sweeping *s = user;
    if (!is_temporary(s->p, name))
        return;
    s->p->temporaries++;
    char *path = xpm__format("%s/%s", s->folder, name);
    if (s->remove)
        unlinkat(s->p->dir, path, 0);
    xpm_free(path);
}

static void sweep(patient *p, bool remove)
{
    static const char *const folders[] = {".", ".experimaestro"};
    p->temporaries = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        sweeping s = {.p = p, .folder = folders[i], .remove = remove};
        xpm__file_each(p->dir, folders[i], sweep_name, &s);
    }
}

/* A job that runs is left alone: its process has the say. */
static void look(patient *p)
{
    p->troubles = 0;
    xpm__jobdir_read(p->dir, p->name, &p->state);
    bool marked = has(p, ".done") || has(p, ".failed");
    if (p->state.state == XPM_JOB_RUNNING || is_held(p) || (!marked && is_foreign(p)))
        return;
    look_at_markers(p);
    if (!suffers(p, LOST) && !suffers(p, UNMARKED))
        look_at_status(p);
    look_at_params(p);
    sweep(p, false);
    if (p->temporaries > 0)
        set(p, TEMPORARY);
}

/* ---- Repairs, under the job's lock ------------------------------------------------------------ */

static json_object *text_or_null(const char *text)
{
    return text != NULL ? json_object_new_string(text) : NULL;
}

/* What the markers prove is set, and the rest kept: when it began, how often it has failed. */
static int edit_status(const patient *p, json_object *json, double ended)
{
    char upper[XPM__REASON_SIZE], time[XPM__TIME_SIZE];
    const char *state = xpm_job_state_text(p->state.state);
    const char *reason = xpm__reason_upper(p->state.reason, upper);
    xpm__clock_iso(ended, time);
    json_object_object_add(json, "state", json_object_new_string(state));
    json_object_object_add(json, "scheduler_state", json_object_new_string(state));
    json_object_object_add(json, "failure_reason", text_or_null(reason));
    json_object_object_add(json, "scheduler_failure_reason", text_or_null(reason));
    json_object_object_add(json, "ended_time", json_object_new_string(time));
    json_object_object_add(json, "exit_code", json_object_new_int(p->state.code));
    json_object_object_add(json, "process", NULL);
    const char *text = json_object_to_json_string_ext(json, XPM__DOCTOR_JSON);
    return xpm__file_write(p->dir, status_file, text, strlen(text), 0666);
}

static int make_status(const patient *p, double ended)
{
    char *type = xpm__strndup(p->key, (size_t)(p->hash - p->key - 1));
    char *path = xpm__format("%s/%s", p->e->workspace, p->folder);
    xpm__status status = {.job_id = p->hash,
                          .task_id = type,
                          .path = path,
                          .state = p->state.state,
                          .reason = p->state.reason,
                          .started = modified(p, ".pid"),
                          .ended = ended,
                          .code = p->state.code};
    int written = xpm__jobdir_write_status(p->dir, &status, NULL);
    xpm_free(type);
    xpm_free(path);
    return written;
}

static int write_status(const patient *p)
{
    bool broken;
    double ended = modified(p, p->state.state == XPM_JOB_DONE ? ".done" : ".failed");
    json_object *json = xpm__doctor_json(p->dir, status_file, &broken);
    int written = json_object_is_type(json, json_type_object) ? edit_status(p, json, ended)
                                                              : make_status(p, ended);
    json_object_put(json);
    return written;
}

static int repair_status(patient *p)
{
    if (xpm__jobdir_read_markers(p->dir, p->name, &p->state))
        return write_status(p);
    return unlinkat(p->dir, status_file, 0);
}

static int repair_two_ends(patient *p)
{
    if (has(p, ".done"))
        remove_file(p, ".failed");
    return 0;
}

static int repair_failed(patient *p)
{
    if (has(p, ".done") || !failed_is_broken(p))
        return 0;
    return xpm__jobdir_mark_failed(p->dir, p->name, 1, XPM_REASON_FAILED,
                                   "it failed; its marker, which says how, could not be read");
}

static int repair_lost(patient *p)
{
    if (xpm__jobdir_read_markers(p->dir, p->name, &p->state))
        return 0; /* it was run again meanwhile */
    if (xpm__jobdir_mark_failed(p->dir, p->name, 1, XPM_REASON_LOST,
                                "its process was killed, and nobody was there to say how") < 0)
        return -1;
    xpm__jobdir_read_markers(p->dir, p->name, &p->state);
    int status = write_status(p);
    remove_file(p, ".pid");
    return status;
}

static int repair_pid(patient *p)
{
    remove_file(p, ".pid");
    return 0;
}

static int repair_temporary(patient *p)
{
    sweep(p, true);
    return 0;
}

static int repair_lock(patient *p)
{
    (void)p; /* with any repair of a job that is done, at the end */
    return 0;
}

/* `file`: of which the finding is, * being NAME. */
static const struct {
    const char *kind, *file, *what, *remedy;
    int (*repair)(patient *p);
} troubles[TROUBLES] = {
    [TWO_ENDS] = {"two-ends", "/*.failed", "the job is marked done, and failed as well",
                  "remove this marker: a job that is done stays done", repair_two_ends},
    [FAILED_UNREADABLE] = {"failed-unreadable", "/*.failed", "this marker of failure is broken",
                           "write it anew: failed, for a reason unknown", repair_failed},
    [LOST] = {"lost", "", "it says that it runs, and no process runs it",
              "mark it failed, with the reason lost", repair_lost},
    [UNMARKED] = {"unmarked", "/.experimaestro/status.json",
                  "it says that the job has ended, and the marker that proves it is missing",
                  "remove this status: the job counts as not started", repair_status},
    [PID_LEFT] = {"pid-left", "/*.pid", "the process that it names has ended", "remove it",
                  repair_pid},
    [STATUS_UNREADABLE] = {"status-unreadable", "/.experimaestro/status.json",
                           "this status is broken", "write it anew, from the job's markers",
                           repair_status},
    [STATUS_WRONG] = {"status-wrong", "/.experimaestro/status.json", "",
                      "write it anew, from the job's markers", repair_status},
    [TEMPORARY] = {"temporary", "", "", "remove them", repair_temporary},
    [LOCK_LEFT] = {"lock-left", "/*.lock", "the job is done, and needs no lock", "remove it",
                   repair_lock},
    [PARAMS_UNREADABLE] = {"params-unreadable", "/params.json",
                           "these parameters are broken: unless it is done, the job's next start "
                           "writes them anew",
                           NULL, NULL},
    [PARAMS_MISSING] = {"params-missing", "", "the job is done, and its params.json is missing",
                        NULL, NULL},
    [IDENTIFIER] = {"identifier", "/params.json", "", NULL, NULL},
};

/* ---- Telling ---------------------------------------------------------------------------------- */

typedef struct repairing {
    patient *p;
    trouble what;
    int lock; /* -1 when another holds it */
    const char *why;
} repairing;

static int repair(void *user, xpm_error *err)
{
    const repairing *r = user;
    if (r->lock < 0)
        return xpm__fail(err, XPM_E_STATE, r->p->folder, "%s", r->why);
    if (troubles[r->what].repair(r->p) == 0)
        return 0;
    return xpm__fail_io(err, r->p->folder, "write in");
}

static void describe(const patient *p, trouble what, xpm__str *out)
{
    if (what == STATUS_WRONG)
        xpm__str_printf(out, "it says %s, and the job is %s", p->said,
                        xpm_job_state_text(p->state.state));
    else if (what == TEMPORARY)
        xpm__str_printf(out, "%zu temporary file%s of writers that have ended", p->temporaries,
                        p->temporaries > 1 ? "s" : "");
    else if (what == IDENTIFIER)
        xpm__str_printf(out, "it is of the job %s, and lies in another's folder", p->identifier);
    else
        xpm__str_puts(out, troubles[what].what);
}

static void tell(repairing *r)
{
    const char *file = troubles[r->what].file, *star = strchr(file, '*');
    xpm__str path = {0}, what = {0};
    xpm__str_puts(&path, r->p->folder);
    xpm__str_add(&path, file, star != NULL ? (size_t)(star - file) : strlen(file));
    if (star != NULL)
        xpm__str_printf(&path, "%s%s", r->p->name, star + 1);
    describe(r->p, r->what, &what);
    xpm__finding finding = {.kind = troubles[r->what].kind,
                            .path = path.data,
                            .what = what.data,
                            .remedy = troubles[r->what].remedy};
    xpm__doctor_found(r->p->e, &finding, repair, r);
    xpm__str_free(&path);
    xpm__str_free(&what);
}

static int lock_job(const patient *p, const char **why)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(p->name, ".lock", file);
    int lock = xpm__file_lock(p->dir, file, false);
    if (lock < 0)
        *why = errno == EWOULDBLOCK ? "its lock is held: it is being started" : strerror(errno);
    return lock;
}

static void treat(patient *p)
{
    unsigned first = p->troubles;
    look(p); /* once more: what was seen may have been a change under way */
    p->troubles &= first;
    if (p->troubles == 0)
        return;
    repairing r = {.p = p, .lock = -1};
    if (p->e->fix)
        r.lock = lock_job(p, &r.why);
    for (int what = 0; what < TROUBLES; what++) {
        r.what = (trouble)what;
        if (suffers(p, r.what))
            tell(&r);
    }
    if (r.lock >= 0 && has(p, ".done"))
        remove_file(p, ".lock");
    if (r.lock >= 0)
        close(r.lock);
}

/* ---- All of them ------------------------------------------------------------------------------ */

typedef struct listing {
    xpm__examination *e;
    const char *type;
} listing;

static xpm__doctor_job *add_job(xpm__examination *e, const char *type, const char *hash)
{
    xpm__doctor_job *job = xpm__zalloc(sizeof *job);
    job->key = xpm__format("%s/%s", type, hash);
    e->jobs = xpm__grow(e->jobs, &e->job_capacity, e->job_count, sizeof *e->jobs);
    e->jobs[e->job_count++] = job;
    xpm__map_set(&e->by_key, job->key, job);
    e->report->jobs++;
    return job;
}

/* TYPE/HASH of the job that a link stands for, or NULL. New: xpm_free. */
static char *link_target(const patient *p)
{
    char target[1024];
    ssize_t size = readlinkat(p->e->fd, p->folder, target, sizeof target - 1);
    if (size < 0)
        return NULL;
    target[size] = '\0';
    return xpm__strdup(strncmp(target, "../", 3) == 0 ? target + 3 : target);
}

static int remove_hidden(void *user, xpm_error *err)
{
    char *path = user;
    return xpm__remove_all(path) == 0 ? 0 : xpm__fail_io(err, path, "remove");
}

/* .HASH.removed: nobody's any more. */
static void on_hidden(const listing *l, const char *name)
{
    const char *end = strrchr(name, '.');
    char *folder = xpm__format("jobs/%s/%s", l->type, name);
    char *path = xpm__format("%s/%s", l->e->workspace, folder);
    xpm__finding finding = {.kind = "removed-left",
                            .path = folder,
                            .what = "the removal of this transient job's folder was cut short",
                            .remedy = "remove the rest"};
    if (end > name && strcmp(end, ".removed") == 0)
        xpm__doctor_found(l->e, &finding, remove_hidden, path);
    xpm_free(path);
    xpm_free(folder);
}

static void on_hash(void *user, const char *hash)
{
    const listing *l = user;
    xpm__doctor_job *job;
    if (hash[0] == '.') {
        on_hidden(l, hash);
        return;
    }
    patient p = {.e = l->e, .folder = xpm__format("jobs/%s/%s", l->type, hash)};
    p.dir = openat(l->e->fd, p.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p.dir >= 0) {
        job = add_job(l->e, l->type, hash);
        job->target = link_target(&p);
        p.key = job->key;
        p.hash = job->key + strlen(l->type) + 1;
        xpm__jobdir_name(p.folder, p.name);
        if (job->target != NULL)
            xpm__jobdir_read(p.dir, p.name, &p.state);
        else
            look(&p);
        if (p.troubles != 0)
            treat(&p);
        job->state = p.state.state;
        close(p.dir);
    }
    xpm_free(p.folder);
}

static void on_type(void *user, const char *type)
{
    listing *l = user;
    char *path = xpm__format("jobs/%s", type);
    l->type = type;
    xpm__file_each(l->e->fd, path, on_hash, l);
    xpm_free(path);
}

void xpm__doctor_jobs(xpm__examination *e)
{
    listing l = {.e = e};
    xpm__file_each_visible(e->fd, "jobs", on_type, &l);
}
