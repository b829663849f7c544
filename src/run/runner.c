#include "run/runner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "record/array.h"
#include "record/jobdir.h"
#include "record/tokendir.h"
#include "run/step.h"
#include "run/warm.h"

/* Seconds that a task has after it was told to end, and a process after it has recorded its end. */
enum { GRACE = 30, EXIT_GRACE = 60 };

/* One process runs one job: what the handler of a signal needs is here. */
static struct running {
    int dir;  /* the job's folder */
    int lock; /* held until the process ends */
    pid_t pid;
    unsigned failures; /* of earlier attempts */
    xpm_limits limits;
    int nice;
    bool in_group;   /* the kernel holds the job to its memory by a control group */
    bool unmet;      /* a job that it depends on is not done */
    double deadline; /* on the monotonic clock, when there is a limit */
    timer_t grace;   /* kills the process */
    bool has_grace;
    volatile sig_atomic_t told;     /* the signal by which it was told to end */
    volatile sig_atomic_t graceful; /* the task looks at that, and ends by itself */
    void (*raise)(int signal_number);
    char name[XPM__NAME_SIZE];
    char failed[XPM__NAME_SIZE], mark[XPM__NAME_SIZE], pid_file[XPM__NAME_SIZE];
} job = {.dir = -1, .lock = -1};

static void remove_file(const char *suffix)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(job.name, suffix, file);
    unlinkat(job.dir, file, 0);
}

/* ---- Cancellation ----------------------------------------------------------------------------- */

static double monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_over_time(void)
{
    return job.limits.seconds > 0 && monotonic() >= job.deadline;
}

/* The kernel does it, whatever the process is busy with. A handler may call it. */
static void kill_in(time_t seconds)
{
    if (job.has_grace)
        timer_settime(job.grace, 0, &(struct itimerspec){.it_value.tv_sec = seconds}, NULL);
}

static void mark_told(void)
{
    static const char cancelled[] =
        "{\"code\":15,\"reason\":\"cancelled\",\"message\":\"cancelled by a signal\"}";
    static const char timeout[] =
        "{\"code\":15,\"reason\":\"timeout\",\"message\":\"its time limit was reached\"}";
    bool over = is_over_time();
    const char *mark = over ? timeout : cancelled;
    size_t size = over ? sizeof timeout - 1 : sizeof cancelled - 1;
    int fd = openat(job.dir, job.mark, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd >= 0 && write(fd, mark, size) == (ssize_t)size)
        renameat(job.dir, job.mark, job.dir, job.failed);
    if (fd >= 0)
        close(fd);
}

/* Marks the job before anything else: whatever the task does from here on, it ends in error. A task
 * that looks at it goes on for as long as the grace lasts, at whose end the kernel kills the process.
 * It only calls what a handler may. A child that the task forked has the handler too, and must not
 * speak for the job. */
static void on_told(int signal_number)
{
    int saved = errno;
    if (getpid() != job.pid) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    if (__atomic_exchange_n(&job.told, signal_number, __ATOMIC_SEQ_CST) != 0)
        return; /* the first is being heeded, in this thread or in another */
    mark_told();
    kill_in(GRACE);
    if (!job.graceful || !job.has_grace) {
        unlinkat(job.dir, job.pid_file, 0);
        _exit(1);
    }
    if (job.raise != NULL)
        job.raise(signal_number);
    errno = saved;
}

static void set_handlers(void)
{
    struct sigaction action = {.sa_handler = on_told};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static void catch_signals(void)
{
    struct sigevent kill_self = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    job.has_grace = timer_create(CLOCK_MONOTONIC, &kill_self, &job.grace) == 0;
    set_handlers();
}

static void ignore_signals(void)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
}

/* ---- Limits ----------------------------------------------------------------------------------- */

/* The control group that the launcher has made: a process that enters it by itself, now, has started
 * nothing outside of it. */
static void enter_group(const char *group)
{
    char *file = xpm__format("%s/cgroup.procs", group);
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    job.in_group = fd >= 0 && xpm__file_append(fd, "0", 1) == 0; /* 0: the process that writes */
    if (fd >= 0)
        close(fd);
    xpm_free(file);
}

/* What the launcher says of this attempt; removed, as no program that the task starts is meant. */
static void read_start(void)
{
    const char *text = getenv(XPM__START_VARIABLE);
    long long memory = 0, nanoseconds = 0;
    int end = 0;
    if (text != NULL)
        sscanf(text, "%u %lld %lld %d %n", &job.failures, &nanoseconds, &memory, &job.nice, &end);
    if (end > 0 && text[end] != '\0')
        enter_group(text + end);
    job.limits = (xpm_limits){.seconds = (double)nanoseconds / 1e9, .memory = memory};
    unsetenv(XPM__START_VARIABLE);
}

/* At its time limit the process is told to end by a timer of the kernel, whoever else lives. */
static void set_limits(void)
{
    timer_t timer;
    struct sigevent tell = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    double seconds = job.limits.seconds;
    if (seconds > 0 && timer_create(CLOCK_MONOTONIC, &tell, &timer) == 0) {
        struct timespec end = {.tv_sec = (time_t)seconds,
                               .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
        job.deadline = monotonic() + seconds;
        timer_settime(timer, 0, &(struct itimerspec){.it_value = end}, NULL);
    }
    if (job.nice > 0)
        (void)nice(job.nice);
    if (job.limits.memory > 0 && !job.in_group) {
        struct rlimit limit = {(rlim_t)job.limits.memory, (rlim_t)job.limits.memory};
        setrlimit(RLIMIT_DATA, &limit);
    }
}

/* ---- Begin ------------------------------------------------------------------------------------ */

static int enter_folder(const char *params, xpm_task *task, xpm_error *err)
{
    char *real = realpath(params, NULL);
    if (real == NULL)
        return xpm__fail_io(err, params, "read the parameters");
    char *slash = strrchr(real, '/');
    task->directory = xpm__strndup(real, (size_t)(slash - real));
    free(real);
    job.dir = open(task->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (job.dir < 0 || fchdir(job.dir) < 0)
        return xpm__fail_io(err, task->directory, "enter the folder");
    xpm__jobdir_name(task->directory, job.name);
    xpm__jobdir_file(job.name, ".failed", job.failed);
    xpm__jobdir_file(job.name, ".failed.tmp", job.mark);
    xpm__jobdir_file(job.name, ".pid", job.pid_file);
    job.pid = getpid();
    return 0;
}

/* Whether descriptor `fd` is the job's lock file: the variable may have been left by a parent. */
static bool is_lock(int fd, const char *file)
{
    struct stat given, named;
    return fstat(fd, &given) == 0 && fstatat(job.dir, file, &named, 0) == 0 &&
           given.st_dev == named.st_dev && given.st_ino == named.st_ino;
}

/* What was handed over is this process's alone: the lock, those of shared directories, that of its
 * share of the machine. Close-on-exec at once: programs that the task starts do not keep it. */
static void keep_descriptors(void)
{
    for (int fd = job.lock; fd <= XPM__LOCK_FD + XPM__GUARDS_MAX + 1; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Whether the scheduler has handed over the lock. */
static bool has_lock(void)
{
    const char *handed = getenv(XPM__LOCK_VARIABLE);
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(job.name, ".lock", file);
    job.lock = handed != NULL ? atoi(handed) : -1;
    unsetenv(XPM__LOCK_VARIABLE);
    bool handed_over = handed != NULL && is_lock(job.lock, file);
    if (handed_over)
        keep_descriptors();
    return handed_over;
}

static int take_lock(const char *directory, xpm_error *err)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(job.name, ".lock", file);
    job.lock = xpm__file_lock(job.dir, file, true);
    return job.lock < 0 ? xpm__fail_io(err, directory, "lock") : 0;
}

/* Locks the directories that the job shares: those whose locks it was handed are its already. They
 * are let go by the end of the process, as the job's own lock. */
static int take_guard(const char *name, xpm_error *err)
{
    char *path = xpm__format(XPM__PARTIALS "/%s/" XPM__PARTIAL_LOCK, name);
    struct stat named, given;
    int status = -1;
    bool known = job.lock == XPM__LOCK_FD && fstatat(job.dir, path, &named, 0) == 0;
    for (int fd = XPM__LOCK_FD + 1; known && fd <= XPM__LOCK_FD + XPM__GUARDS_MAX; fd++)
        if (fstat(fd, &given) == 0 && given.st_dev == named.st_dev && given.st_ino == named.st_ino)
            status = 0;
    if (status < 0)
        status = xpm__file_lock(job.dir, path, true) < 0 ? xpm__fail_io(err, path, "lock") : 0;
    xpm_free(path);
    return status;
}

static int is_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In order of name, as the scheduler takes them. */
static int take_guards(xpm_error *err)
{
    struct dirent **entries = NULL;
    int status = 0, count = scandirat(job.dir, XPM__PARTIALS, &entries, is_name, alphasort);
    for (int i = 0; i < count; i++) {
        if (status == 0)
            status = take_guard(entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* ---- Record ----------------------------------------------------------------------------------- */

/* `last`: the marker comes next. A child that the task forked does not speak for the job. */
static void record_status(xpm_task *task, bool last)
{
    if (getpid() != job.pid)
        return;
    xpm__status *status = task->status;
    const char *type = strrchr(task->directory, '/');
    const char *start = type;
    while (start > task->directory && start[-1] != '/')
        start--;
    char *task_id = xpm__strndup(start, (size_t)(type - start));
    status->job_id = type + 1;
    status->task_id = task_id;
    status->path = task->directory;
    status->pid = job.pid;
    status->progress = task->progress;
    status->levels = task->levels;
    if (last)
        xpm__jobdir_write_end(job.dir, job.name, status);
    else
        xpm__jobdir_write_status(job.dir, status, NULL);
    xpm_free(task_id);
}

void xpm__runner_record(xpm_task *task)
{
    record_status(task, false);
}

/* A success leaves no trace of its start: what proves it is the marker, written under the lock. */
static int record_done(xpm_task *task)
{
    task->status->state = XPM_JOB_DONE;
    record_status(task, true);
    if (xpm__jobdir_mark_done(job.dir, job.name) < 0) {
        fprintf(stderr, "experimaestro: cannot mark %s as done: %s\n", task->directory,
                strerror(errno));
        return 1;
    }
    remove_file(".py");
    return 0;
}

static xpm_reason reason_of(const xpm_error *err)
{
    if (job.unmet)
        return XPM_REASON_DEPENDENCY;
    if (err->code == XPM_E_TIMEOUT)
        return XPM_REASON_TIMEOUT;
    return err->code == XPM_E_MEMORY ? XPM_REASON_MEMORY : XPM_REASON_FAILED;
}

static int record_failed(xpm_task *task, int code, const xpm_error *err)
{
    xpm__status *status = task->status;
    status->state = XPM_JOB_ERROR;
    status->reason = reason_of(err);
    status->code = code;
    status->failures++;
    record_status(task, true);
    xpm__jobdir_mark_failed(job.dir, job.name, code, status->reason,
                            err->message[0] != '\0' ? err->message : NULL);
    return code;
}

/* The end of a task that was told to end: the marker was written then, and holds whatever the task
 * has done since. */
static int record_told(xpm_task *task)
{
    xpm__jobdir_state marked;
    xpm__status *status = task->status;
    if (!xpm__jobdir_read_markers(job.dir, job.name, &marked) || marked.state != XPM_JOB_ERROR)
        return record_failed(task, 1, &(xpm_error){.message = "it was told to end"});
    status->state = XPM_JOB_ERROR;
    status->reason = marked.reason;
    status->code = marked.code;
    status->failures++;
    record_status(task, true);
    return 1;
}

/* The most that the process, or one that it has waited for, has held at once. */
static int64_t peak_memory(void)
{
    struct rusage own, children;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    long peak = own.ru_maxrss > children.ru_maxrss ? own.ru_maxrss : children.ru_maxrss;
    return peak * (int64_t)1024;
}

/* ---- The steps -------------------------------------------------------------------------------- */

static bool already_done(void)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(job.name, ".done", file);
    return xpm__file_exists(job.dir, file);
}

/* For the job's own stream: the message of a failure that is not the task's. */
static void print_error(int code, const xpm_error *err)
{
    if (code != 0 && err->message[0] != '\0')
        fprintf(stderr, "experimaestro: %s%s%s\n", err->path, err->path[0] != '\0' ? ": " : "",
                err->message);
}

/* Who runs the job; for who has sent it to Slurm, under the name that it has there. */
static void write_pid(void)
{
    const xpm__step *step = xpm__step_entered();
    xpm__pid queued = {.launcher = "slurm"};
    if (step != NULL) {
        snprintf(queued.id, sizeof queued.id, "%s", step->id);
        snprintf(queued.token, sizeof queued.token, "%s", step->token);
    }
    xpm__jobdir_write_pid(job.dir, job.name, step != NULL ? &queued : NULL, job.pid);
}

/* What was given to Slurm before what it depends on had ended: Slurm forgets a dependency that it does
 * not know. */
static int check_needs(xpm_error *err)
{
    const xpm__step *step = xpm__step_entered();
    for (size_t i = 0; step != NULL && step->needs[i] != NULL; i++) {
        char name[XPM__NAME_SIZE];
        xpm__jobdir_name(step->needs[i], name);
        char *done = xpm__format("%s/%s.done", step->needs[i], name);
        job.unmet = !xpm__file_exists(AT_FDCWD, done);
        xpm_free(done);
        if (job.unmet)
            return xpm__fail(err, XPM_E_STATE, NULL, "a job that it depends on is not done: %s",
                             step->needs[i]);
    }
    return 0;
}

static int execute_locked(xpm_task *task, const char *params, xpm_resolver resolve,
                          xpm_executor execute, void *user, xpm_error *err)
{
    xpm__status status = {
        .state = XPM_JOB_RUNNING, .started = xpm__clock_now(), .failures = job.failures};
    int code = 1;
    task->status = &status;
    task->failure = err;
    remove_file(".failed");
    write_pid();
    catch_signals();
    set_limits();
    if (check_needs(err) == 0 && take_guards(err) == 0 &&
        xpm__params_load(params, resolve, user, &task->params, err) == 0) {
        status.resumable = (task->params.task->class_->flags & XPM_CLASS_RESUMABLE) != 0;
        if (!status.resumable)
            xpm__jobdir_renew_figures(job.dir);
        code = execute(user, task, err);
    }
    if (getpid() !=
        job.pid) /* a child that the task forked has come here: its end is no end of the job */
        return code;
    ignore_signals(); /* from here on the end is being written */
    task->failure = NULL;
    status.ended = xpm__clock_now();
    status.peak_memory = peak_memory();
    print_error(code, err);
    if (job.told)
        code = record_told(task);
    else
        code = code == 0 ? record_done(task) : record_failed(task, code, err);
    xpm__locks_release(job.dir);
    kill_in(EXIT_GRACE); /* threads that never end do not keep a process whose end is recorded */
    return code;
}

/* That nothing was begun. */
static int refuse(const xpm_error *err)
{
    fprintf(stderr, "experimaestro: %s\n", err->message);
    return 1;
}

/* One of several processes that run the job together, and not the one that speaks for it. That is said
 * where nobody may have meant it: a variable of this name can be anybody's. */
static int execute_beside(xpm_task *task, xpm_resolver resolve, xpm_executor execute, void *user,
                          xpm_error *err)
{
    int code = 1;
    if (xpm__step_entered() == NULL)
        fprintf(
            stderr,
            "experimaestro: rank %d, as the environment says: rank 0 locks the job, and records "
            "its end\n",
            xpm__step_rank());
    if (check_needs(err) == 0 &&
        xpm__params_load("params.json", resolve, user, &task->params, err) == 0)
        code = execute(user, task, err);
    print_error(code, err);
    return code;
}

static int run_entered(xpm_task *task, xpm_resolver resolve, xpm_executor execute, void *user,
                       xpm_error *err)
{
    bool handed = has_lock(); /* to the one process that it was started as, whatever it inherits */
    if (!handed && xpm__step_rank() > 0)
        return already_done() ? 0 : execute_beside(task, resolve, execute, user, err);
    if (!handed && take_lock(task->directory, err) < 0)
        return refuse(err);
    if (already_done()) {
        remove_file(".lock"); /* just made, to look */
        return 0;
    }
    return execute_locked(task, "params.json", resolve, execute, user, err);
}

/* The params.json that this process is to run: as named, or of its part of a batch, or of the job for
 * which it was forked here. New: xpm_free. */
static char *find_params(const char *named, xpm_error *err)
{
    if (xpm__array_is_named(named))
        return xpm_array_enter(named, err);
    if (!xpm__warm_is_asked(named))
        return xpm__strdup(named);
    char *asked = xpm_warm_serve(NULL, NULL);
    if (asked == NULL)
        _exit(0);
    return asked;
}

int xpm_run(const char *params, xpm_resolver resolve, xpm_executor execute, void *user)
{
    xpm_task task = {0};
    xpm_error err = {0};
    char *entered = find_params(params, &err);
    read_start();
    int code = entered != NULL && enter_folder(entered, &task, &err) == 0
                   ? run_entered(&task, resolve, execute, user, &err)
                   : refuse(&err);
    xpm_free(entered);
    xpm__progress_clear(&task);
    xpm__params_clear(&task.params);
    xpm_free(task.directory);
    return code; /* the lock goes with the process */
}

int xpm_execute_params(const char *params, xpm_resolver resolve, xpm_executor execute, void *user)
{
    xpm_task task = {0};
    xpm_error err = {0};
    int code = 1;
    char *real = realpath(params, NULL);
    if (real == NULL) {
        xpm__fail_io(&err, params, "read the parameters");
    } else if (xpm__params_load(real, resolve, user, &task.params, &err) == 0) {
        task.directory = xpm__strndup(real, (size_t)(strrchr(real, '/') - real));
        code = execute(user, &task, &err);
    }
    print_error(code, &err);
    xpm__progress_clear(&task);
    xpm__params_clear(&task.params);
    xpm_free(task.directory);
    free(real);
    return code;
}

/* ---- What a task may ask ---------------------------------------------------------------------- */

const char *xpm_task_directory(const xpm_task *task)
{
    return task->directory;
}

const char *xpm_task_workspace(const xpm_task *task)
{
    return task->params.workspace;
}

xpm_config *xpm_task_config(const xpm_task *task)
{
    return task->params.task;
}

const xpm_value *xpm_task_tags(const xpm_task *task)
{
    return &task->params.tags;
}

int xpm_task_rank(const xpm_task *task)
{
    return task->status != NULL ? 0 : xpm__step_rank();
}

double xpm_task_remaining(const xpm_task *task)
{
    double by_slurm = task->status != NULL ? xpm__step_remaining() : -1;
    if (task->status == NULL || job.limits.seconds <= 0)
        return by_slurm;
    double left = job.deadline - monotonic();
    left = left > 0 ? left : 0;
    return by_slurm >= 0 && by_slurm < left ? by_slurm : left;
}

bool xpm_task_cancelled(xpm_task *task)
{
    if (task->status == NULL)
        return false;
    job.graceful = 1;
    return job.told != 0;
}

void xpm_task_on_cancel(xpm_task *task, void (*raise)(int signal_number))
{
    if (task->status == NULL)
        return;
    job.raise = raise;
    job.graceful = 1;
    set_handlers(); /* a binding may have put its own in their place */
}

int xpm_task_fail(xpm_task *task, xpm_reason reason, const char *message)
{
    xpm_code code = XPM_E_CALLBACK;
    if (reason == XPM_REASON_TIMEOUT)
        code = XPM_E_TIMEOUT;
    else if (reason == XPM_REASON_MEMORY)
        code = XPM_E_MEMORY;
    if (task->failure != NULL)
        xpm__fail(task->failure, code, "", "%s", message);
    return 1;
}
