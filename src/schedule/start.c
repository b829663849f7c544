#include "schedule/start.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "launch/command.h"
#include "launch/requirement.h"
#include "record/params.h"
#include "record/tokendir.h"
#include "schedule/ahead.h"

/* A link to an old job whose folder is gone stands for nothing (record/relink.h). */
static bool remove_dangling(int dir, const char *path)
{
    struct stat own, target;
    return fstatat(dir, path, &own, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(own.st_mode) &&
           fstatat(dir, path, &target, 0) < 0 && errno == ENOENT && unlinkat(dir, path, 0) == 0;
}

/* Opens jobs/TYPE/HASH, making it; `fresh` says that it was not there. */
static int open_folder(const xpm_job *job, bool *fresh, xpm_error *err)
{
    char path[1024];
    int dir = job->workspace->fd;
    snprintf(path, sizeof path, "jobs/%s/%s", xpm_job_type(job), job->hex);
    *fresh = mkdirat(dir, path, 0777) == 0;
    if (!*fresh && errno == ENOENT) {
        char folder[512];
        snprintf(folder, sizeof folder, "jobs/%s", xpm_job_type(job));
        mkdirat(dir, folder, 0777);
        *fresh = mkdirat(dir, path, 0777) == 0;
    }
    if (!*fresh && errno == EEXIST && remove_dangling(dir, path))
        *fresh = mkdirat(dir, path, 0777) == 0;
    int made = errno, fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        errno = made; /* it is not there because it could not be made */
    if (fd < 0)
        xpm__fail_io(err, job->directory, "make the job's folder");
    return fd;
}

static int write_params(const xpm_job *job, const xpm__command *command, int folder, xpm_error *err)
{
    xpm__str out = {0};
    xpm__params_context context = {.workspace = job->workspace->path,
                                   .directory = job->directory,
                                   .language = command->language,
                                   .program = command->program};
    xpm__params_write(job->config, &job->tags, &context, &out);
    int status = xpm__file_write(folder, "params.json", out.data, out.size, 0666);
    xpm__str_free(&out);
    return status < 0 ? xpm__fail_io(err, job->directory, "write the parameters in") : 0;
}

static int link_partials(const xpm_job *job, int folder, xpm_error *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < job->guard_count; i++)
        status =
            xpm__jobdir_share(folder, job->guards[i].name, job->workspace->path,
                              job->guards[i].directory + strlen(job->workspace->path) + 1, err);
    return status;
}

static int write_files(const xpm_job *job, const xpm__command *command, int folder, xpm_error *err)
{
    if (write_params(job, command, folder, err) < 0 || link_partials(job, folder, err) < 0)
        return -1;
    return xpm__command_write_script(command, job, folder, err);
}

/* Of a command whose files are written. */
static xpm__run *launch(xpm_job *job, const xpm__place *place, const xpm__command *command,
                        int folder, int lock, xpm_error *err)
{
    char **environment = xpm__command_environment(command, job, place->share);
    int guards[XPM__GUARDS_MAX + 1];
    size_t guard_count = 0;
    xpm__ahead ahead = xpm__ahead_of(job);
    for (; guard_count < job->guard_count; guard_count++)
        guards[guard_count] = job->guards[guard_count].fd;
    if (place->share != NULL && xpm__share_lock(place->share) >= 0)
        guards[guard_count++] = xpm__share_lock(place->share);
    xpm__start start = {.job = job,
                        .launcher = place->launcher,
                        .directory = folder,
                        .name = xpm_job_name(job),
                        .argv = command->argv,
                        .environment = environment,
                        .start = command->start[0] != '\0' ? command->start : NULL,
                        .lock = lock,
                        .guards = guards,
                        .guard_count = guard_count,
                        .after = ahead.ids,
                        .needs = ahead.folders,
                        .share = place->share};
    xpm__run *run = place->site->table->start(place->site, &start, err);
    xpm__ahead_clear(&ahead);
    xpm_free(environment);
    return run;
}

static xpm__run *write_and_launch(xpm_job *job, const xpm__place *place, int folder, int lock,
                                  xpm_error *err)
{
    xpm__command command;
    xpm__run *run = NULL;
    if (xpm__command_make(job, &command, err) == 0 && write_files(job, &command, folder, err) == 0)
        run = launch(job, place, &command, folder, lock, err);
    xpm__command_clear(&command);
    return run;
}

/* The end of a job that nobody else will record. Where its folder cannot say it, who runs the experiment
 * is told. */
static void record_end(const xpm_job *job, int folder, const xpm__jobdir_state *state,
                       int64_t peak_memory)
{
    xpm__status status = {.job_id = job->hex,
                          .task_id = xpm_job_type(job),
                          .path = job->directory,
                          .state = state->state,
                          .reason = state->reason,
                          .started = xpm__jobdir_started(folder, xpm_job_name(job)),
                          .ended = state->ended,
                          .code = state->code,
                          .failures = job->failures + 1,
                          .resumable = job->resumable,
                          .peak_memory = peak_memory};
    char pid[XPM__NAME_SIZE];
    xpm__jobdir_write_status(folder, &status, NULL);
    if (xpm__jobdir_mark_failed(folder, xpm_job_name(job), state->code, state->reason,
                                state->message) < 0) {
        char *message = xpm__format("cannot record in %s how it ended (%s): %s", job->directory,
                                    state->message, strerror(errno));
        xpm__job_warn(job, message);
        xpm_free(message);
    }
    xpm__jobdir_file(xpm_job_name(job), ".pid", pid);
    unlinkat(folder, pid, 0);
}

static void set_failed(xpm__jobdir_state *state, xpm_reason reason, int code, const char *message)
{
    *state = (xpm__jobdir_state){
        .state = XPM_JOB_ERROR, .reason = reason, .code = code, .ended = xpm__clock_now()};
    snprintf(state->message, sizeof state->message, "%s", message);
}

/* Whether a resumable job has used up its attempts in earlier runs: then it is not started, and its
 * last failure stands. */
static bool has_given_up(xpm_job *job, int folder, xpm__jobdir_state *state)
{
    if (!job->resumable || job->restarts > 0)
        return false;
    job->failures = xpm__jobdir_failures(folder);
    return job->failures > 0 && job->failures >= (unsigned)xpm__job_max_retries(job) &&
           xpm__jobdir_read_markers(folder, xpm_job_name(job), state);
}

/* A failure that the job's folder cannot say: who runs the experiment is told. */
static void fail_unrecorded(const xpm_job *job, const xpm_error *err, xpm__jobdir_state *state)
{
    set_failed(state, XPM_REASON_FAILED, 1, err->message);
    xpm__job_warn(job, state->message);
}

static void tell_given_up(const xpm_job *job)
{
    char *message = xpm__format(
        "%s/%s is not started again: it has failed %u times, and max_retries is %d. Submit it with "
        "more, or remove %s/%s.failed",
        xpm_job_type(job), job->hex, job->failures, xpm__job_max_retries(job), job->directory,
        xpm_job_name(job));
    xpm__job_warn(job, message);
    xpm_free(message);
}

static xpm__started start_locked(xpm_job *job, const xpm__place *place, xpm__tokens *tokens,
                                 int folder, int lock, bool fresh, xpm__run **run,
                                 xpm__jobdir_state *state)
{
    xpm_error err = {0};
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(xpm_job_name(job), ".done", file);
    if (!fresh && xpm__file_exists(folder, file)) {
        *state = (xpm__jobdir_state){.state = XPM_JOB_DONE};
        xpm__jobdir_file(xpm_job_name(job), ".lock", file);
        unlinkat(folder, file, 0); /* just made, by whoever came while the job ended */
        return XPM__ENDED;
    }
    if (!fresh && has_given_up(job, folder, state)) {
        tell_given_up(job);
        return XPM__ENDED;
    }
    if (!fresh && xpm__jobdir_is_queued(job->directory))
        return XPM__ELSEWHERE;
    if (!fresh)
        xpm__locks_release(folder); /* of an attempt that was killed */
    xpm__tokens_taken taken = xpm__tokens_take(tokens, job, folder, &err);
    if (taken == XPM__TOKENS_WAIT)
        return XPM__WAITS;
    if (!fresh)
        xpm__jobdir_renew(folder, xpm_job_name(job));
    if (taken == XPM__TOKENS_TAKEN)
        *run = write_and_launch(job, place, folder, lock, &err);
    if (*run != NULL)
        return XPM__STARTED;
    /* One that was started and could not be watched may have come to its end all the same. */
    if (xpm__jobdir_read_markers(folder, xpm_job_name(job), state))
        return XPM__ENDED;
    set_failed(state, XPM_REASON_FAILED, 1, err.message);
    record_end(job, folder, state, 0);
    xpm__locks_release(folder);
    return XPM__ENDED;
}

xpm__started xpm__start_job(xpm_job *job, const xpm__place *place, xpm__tokens *tokens,
                            xpm__run **run, xpm__jobdir_state *state)
{
    xpm_error err = {0};
    bool fresh;
    char file[XPM__NAME_SIZE];
    xpm__started started = XPM__ENDED;
    *state = (xpm__jobdir_state){0};
    *run = NULL;
    int folder = open_folder(job, &fresh, &err);
    if (folder < 0) {
        fail_unrecorded(job, &err, state);
        return XPM__ENDED;
    }
    xpm__jobdir_file(xpm_job_name(job), ".lock", file);
    int lock = xpm__file_lock(folder, file, false);
    if (lock >= 0) {
        started = start_locked(job, place, tokens, folder, lock, fresh, run, state);
        close(
            lock); /* the process holds it now, if one was started, or its site until it is queued */
    } else if (errno == EWOULDBLOCK) {
        started = XPM__ELSEWHERE;
    } else {
        xpm__fail_io(&err, job->directory, "lock");
        fail_unrecorded(job, &err, state);
    }
    close(folder);
    return started;
}

/* -1 when there is none. */
static int open_existing(const xpm_job *job)
{
    return open(job->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool xpm__has_claim(const xpm_job *job, const xpm_launcher *launcher)
{
    char file[XPM__NAME_SIZE];
    bool asks =
        launcher->table->is_here && xpm__requirement_has_accelerators(launcher->requirement);
    int folder = asks ? open_existing(job) : -1;
    if (folder < 0)
        return false;
    xpm__jobdir_file(xpm_job_name(job), ".lock", file);
    bool runs = xpm__file_is_locked(folder, file);
    close(folder);
    return runs;
}

void xpm__look_elsewhere(const xpm_job *job, xpm__elsewhere *elsewhere)
{
    int folder = open_existing(job);
    *elsewhere = (xpm__elsewhere){0};
    if (folder < 0)
        return;
    xpm__jobdir_read_pid(folder, xpm_job_name(job), &elsewhere->pid);
    elsewhere->failed = xpm__jobdir_failed_stamp(folder, xpm_job_name(job));
    close(folder);
}

/* One of a queue has a process once it runs. */
static bool is_same(const xpm__pid *a, const xpm__pid *b)
{
    return strcmp(a->token, b->token) == 0 && (a->process == b->process || a->token[0] != '\0');
}

/* What is watched is what was meant, if .pid still names it: a number is not given anew to another
 * process while a descriptor is open for it. */
xpm__run *xpm__adopt_job(xpm_job *job, xpm__site *site, const xpm__pid *pid)
{
    xpm__elsewhere now;
    xpm__run *run = site->table->adopt(site, job, pid);
    if (run == NULL)
        return NULL;
    xpm__look_elsewhere(job, &now);
    if (is_same(&now.pid, pid))
        return run;
    site->table->forget(run);
    return NULL;
}

void xpm__forget_queued(const xpm_job *job, const xpm__pid *pid)
{
    char file[XPM__NAME_SIZE];
    xpm__pid now;
    int folder = open_existing(job);
    xpm__jobdir_file(xpm_job_name(job), ".lock", file);
    int lock = folder >= 0 ? xpm__file_lock(folder, file, false) : -1;
    if (lock >= 0) {
        xpm__jobdir_read_pid(folder, xpm_job_name(job), &now);
        xpm__jobdir_file(xpm_job_name(job), ".pid", file);
        if (is_same(&now, pid))
            unlinkat(folder, file, 0);
        close(lock);
    }
    if (folder >= 0)
        close(folder);
}

bool xpm__failed_since(const xpm_job *job, const xpm__stamp *failed, xpm__jobdir_state *state)
{
    int folder = open_existing(job);
    bool since = false;
    if (folder < 0)
        return false;
    xpm__stamp now = xpm__jobdir_failed_stamp(folder, xpm_job_name(job));
    if (now.inode != 0 && memcmp(&now, failed, sizeof now) != 0)
        since = xpm__jobdir_read_markers(folder, xpm_job_name(job), state) &&
                state->state == XPM_JOB_ERROR;
    if (since)
        state->failures = xpm__jobdir_failures(folder);
    close(folder);
    return since;
}

int xpm__generate_job(const xpm_job *job, xpm_error *err)
{
    bool fresh;
    xpm__command command;
    int folder = open_folder(job, &fresh, err);
    if (folder < 0)
        return -1;
    int status = xpm__command_make(job, &command, err);
    if (status == 0)
        status = write_files(job, &command, folder, err);
    xpm__command_clear(&command);
    close(folder);
    return status;
}

/* The same for a job whose process has died, and its lock with it, or that was not started: unless
 * another has it (false), or has left a marker meanwhile. That marker then counts, and is put into
 * `state`; a failure only when it is none of before, which is `again`. */
static bool record_unlocked(const xpm_job *job, int folder, xpm__jobdir_state *state,
                            int64_t peak_memory, bool again)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_state marked;
    xpm__jobdir_file(xpm_job_name(job), ".lock", file);
    int lock = xpm__file_lock(folder, file, false);
    if (lock < 0)
        return errno != EWOULDBLOCK;
    bool is_marked = xpm__jobdir_read_markers(folder, xpm_job_name(job), &marked);
    if (is_marked && marked.state == XPM_JOB_DONE)
        unlinkat(folder, file, 0); /* just made */
    if (is_marked && (marked.state == XPM_JOB_DONE || !again))
        *state = marked;
    else
        record_end(job, folder, state, peak_memory);
    close(lock);
    return true;
}

void xpm__mark_failed(const xpm_job *job, const char *message)
{
    xpm__jobdir_state state;
    xpm_error err = {0};
    bool fresh;
    int folder = open_folder(job, &fresh, &err);
    if (folder < 0)
        return;
    set_failed(&state, XPM_REASON_FAILED, 1, message);
    (void)record_unlocked(job, folder, &state, 0, true);
    close(folder);
}

/* What the way in which a process ended says of its job, which left no marker. */
static void judge(const xpm_job *job, const xpm__end *end, double started, xpm__jobdir_state *state)
{
    char message[128];
    xpm_limits limits = xpm__job_limits(job);
    bool killed = end->signal == SIGKILL;
    if (end->reason != XPM_REASON_NONE) {
        set_failed(state, end->reason, end->code, end->message);
    } else if (!end->known) {
        set_failed(state, XPM_REASON_LOST, 1, "its process ended without saying how");
    } else if (end->memory) {
        set_failed(state, XPM_REASON_MEMORY, 128 + SIGKILL,
                   "the kernel killed it, because memory had run out");
    } else if (killed && limits.seconds > 0 && started > 0 &&
               xpm__clock_now() - started >= limits.seconds) {
        snprintf(message, sizeof message, "killed: its time limit of %g seconds was over",
                 limits.seconds);
        set_failed(state, XPM_REASON_TIMEOUT, 128 + SIGKILL, message);
    } else if (end->signal != 0) {
        snprintf(message, sizeof message, "killed by signal %d (%s)", end->signal,
                 strsignal(end->signal));
        set_failed(state, job->cancelled ? XPM_REASON_CANCELLED : XPM_REASON_FAILED,
                   128 + end->signal, message);
    } else {
        snprintf(message, sizeof message,
                 "its process exited with status %d and left no word of its end: see its .err",
                 end->code);
        set_failed(state, XPM_REASON_FAILED, end->code, message);
    }
}

bool xpm__end_job(xpm_job *job, const xpm__end *end, bool waited, xpm__jobdir_state *state)
{
    bool is_free = true;
    int folder = open_existing(job);
    if (folder < 0) {
        set_failed(state, XPM_REASON_LOST, 1, "its folder was removed while it ran");
        return true;
    }
    if (waited || !xpm__jobdir_read_markers(folder, xpm_job_name(job), state)) {
        judge(job, end, xpm__jobdir_started(folder, xpm_job_name(job)), state);
        is_free = record_unlocked(job, folder, state, end->peak_memory, false);
    }
    if (!is_free && !end->known) /* who had started it has done so again */
        *state = (xpm__jobdir_state){.state = XPM_JOB_READY};
    else if (is_free && state->state == XPM_JOB_ERROR) {
        unsigned recorded = xpm__jobdir_failures(folder);
        job->failures = recorded > job->failures ? recorded : job->failures + 1;
    }
    close(folder);
    return is_free || !end->known;
}
