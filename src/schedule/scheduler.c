#include "schedule/scheduler.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <uv.h>

#include "base/error.h"
#include "base/mem.h"
#include "launch/launcher.h"
#include "schedule/guard.h"
#include "schedule/start.h"
#include "submit/job.h"

enum {
    STACK_SIZE = 64 << 20, /* graphs are walked on it; only what is used is ever mapped */
    RETRY_MS = 100         /* until one that is starting elsewhere says which process it is */
};

/* A first-in first-out list of jobs, linked by their `next`. */
typedef struct queue {
    xpm_job *first, **last;
} queue;

struct xpm__scheduler {
    xpm_experiment *xp;
    const xpm__launcher *launcher;
    uv_thread_t thread;
    uv_loop_t loop;
    uv_async_t wake;
    pthread_mutex_t mutex; /* guards what other threads post: */
    queue posted;
    xpm_job *released; /* linked by next_free; each a reference */
    bool stop, quit;
    queue ready; /* the loop's own from here on */
    xpm__guards *guards;
    int free_slots;
    bool stopped;
};

/* A job that runs, and the handle that tells its end. */
typedef struct running {
    uv_poll_t poll;   /* of a process */
    uv_timer_t timer; /* or until it can be found */
    xpm__scheduler *scheduler;
    xpm_job *job;
    xpm__process process;
} running;

static void watch_elsewhere(xpm__scheduler *s, xpm_job *job, pid_t pid);
static void start_ready(xpm__scheduler *s);

/* ---- Queues ----------------------------------------------------------------------------------- */

static void queue_init(queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

static void queue_add(queue *q, xpm_job *job)
{
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
}

static xpm_job *queue_take(queue *q)
{
    xpm_job *job = q->first;
    if (job != NULL) {
        q->first = job->next;
        if (q->first == NULL)
            q->last = &q->first;
    }
    return job;
}

/* ---- What blocks what ------------------------------------------------------------------------- */

static void make_ready(xpm__scheduler *s, xpm_job *job)
{
    xpm__job_set_state(job, XPM_JOB_READY, XPM_REASON_NONE);
    queue_add(&s->ready, job);
}

static void add_dependent(xpm_job *job, xpm_job *dependent)
{
    job->dependents = xpm__grow(job->dependents, &job->dependent_capacity, job->dependent_count,
                                sizeof *job->dependents);
    job->dependents[job->dependent_count++] =
        (struct xpm__dependent){dependent, dependent->attempt};
}

/* Whether a job still waits for the one that has it among its dependents. */
static bool waits(const struct xpm__dependent *dependent)
{
    const xpm_job *job = dependent->job;
    return job->attempt == dependent->attempt && xpm__job_state(job) == XPM_JOB_WAITING;
}

static void finish_job(xpm__scheduler *s, xpm_job *job)
{
    xpm__job_set_state(job, XPM_JOB_DONE, XPM_REASON_NONE);
    for (size_t i = 0; i < job->dependent_count; i++) {
        struct xpm__dependent *dependent = &job->dependents[i];
        if (waits(dependent) && --dependent->job->blocked == 0)
            make_ready(s, dependent->job);
    }
    job->dependent_count = 0;
    job->held = false;
    xpm_job_unref(job);
}

/* Ends a job in error, and with it all those that can now never start: a list, since chains are
 * long. The state comes last: from then on the job may be submitted again, by another thread. */
static void fail_job(xpm_job *job, xpm_reason reason)
{
    queue failed;
    queue_init(&failed);
    queue_add(&failed, job);
    while ((job = queue_take(&failed)) != NULL) {
        for (size_t i = 0; i < job->dependent_count; i++) {
            struct xpm__dependent *dependent = &job->dependents[i];
            if (!waits(dependent) || dependent->job->doomed)
                continue;
            dependent->job->doomed = true;
            queue_add(&failed, dependent->job);
        }
        job->dependent_count = 0;
        job->doomed = false;
        job->attempt++;
        job->held = false;
        xpm__job_set_state(job, XPM_JOB_ERROR, reason);
        xpm_job_unref(job);
        reason = XPM_REASON_DEPENDENCY;
    }
}

static void end_job(xpm__scheduler *s, xpm_job *job, const xpm__jobdir_state *state)
{
    xpm__guards_release(s->guards, job);
    if (state->state == XPM_JOB_DONE)
        finish_job(s, job);
    else
        fail_job(job, state->reason);
}

/* Ends a job that cannot start, and says so in its folder. */
static void fail_to_start(xpm_job *job, const char *message)
{
    xpm__mark_failed(job, message);
    fail_job(job, XPM_REASON_FAILED);
}

static void accept_job(xpm__scheduler *s, xpm_job *job)
{
    bool fails = false;
    job->blocked = 0;
    for (size_t i = 0; i < job->dependency_count; i++) {
        xpm_job *dependency = job->dependencies[i];
        xpm_job_state state = xpm__job_state(dependency);
        fails |= state == XPM_JOB_ERROR;
        if (state == XPM_JOB_DONE || state == XPM_JOB_ERROR)
            continue;
        add_dependent(dependency, job);
        job->blocked++;
    }
    char *failure;
    job->parked = xpm__job_held_back(job, &failure);
    job->blocked += job->parked;
    if (fails) {
        fail_job(job, XPM_REASON_DEPENDENCY);
    } else if (failure != NULL) {
        fail_to_start(job, failure);
    } else if (job->blocked == 0) {
        make_ready(s, job);
    } else {
        xpm__job_set_state(job, XPM_JOB_WAITING, XPM_REASON_NONE);
    }
    xpm_free(failure);
}

/* A job that was released; one that has failed meanwhile is let be. */
static void unpark(xpm__scheduler *s, xpm_job *job)
{
    char *failure;
    if (!job->parked || xpm__job_held_back(job, &failure))
        return;
    job->parked = false;
    if (xpm__job_state(job) == XPM_JOB_WAITING) {
        if (failure != NULL)
            fail_to_start(job, failure);
        else if (--job->blocked == 0)
            make_ready(s, job);
    }
    xpm_free(failure);
}

/* ---- Running ---------------------------------------------------------------------------------- */

static void free_running(uv_handle_t *handle)
{
    running *r = handle->data;
    if (r->process.fd >= 0)
        close(r->process.fd);
    xpm_free(r);
}

/* A handle that ends is closed; what it needed of the job is in its `data` until then. */
static void release(running *r, uv_handle_t *handle)
{
    r->scheduler->free_slots++;
    uv_close(handle, free_running);
}

static void on_process_end(uv_poll_t *poll, int status, int events)
{
    running *r = poll->data;
    xpm__scheduler *s = r->scheduler;
    xpm_job *job = r->job;
    xpm__end end;
    xpm__jobdir_state state;
    (void)status;
    (void)events;
    s->launcher->end(&r->process, &end);
    release(r, (uv_handle_t *)poll);
    xpm__end_job(job, &end, &state);
    end_job(s, job, &state);
    start_ready(s);
}

static void on_retry(uv_timer_t *timer)
{
    running *r = timer->data;
    xpm__scheduler *s = r->scheduler;
    release(r, (uv_handle_t *)timer);
    queue_add(&s->ready, r->job);
    start_ready(s);
}

static running *new_running(xpm__scheduler *s, xpm_job *job)
{
    running *r = xpm__zalloc(sizeof *r);
    r->scheduler = s;
    r->job = job;
    r->process.fd = -1;
    r->poll.data = r->timer.data = r;
    s->free_slots--;
    return r;
}

static void watch_process(xpm__scheduler *s, xpm_job *job, const xpm__process *process)
{
    running *r = new_running(s, job);
    r->process = *process;
    uv_poll_init(&s->loop, &r->poll, process->fd);
    uv_poll_start(&r->poll, UV_READABLE, on_process_end);
    xpm__job_set_state(job, XPM_JOB_RUNNING, XPM_REASON_NONE);
}

/* Another process of this workspace runs it: its end is waited for, and its markers read. */
static void watch_elsewhere(xpm__scheduler *s, xpm_job *job, pid_t pid)
{
    xpm__process process;
    if (pid > 0 && s->launcher->adopt(pid, &process) == 0) {
        watch_process(s, job, &process);
        return;
    }
    running *r = new_running(s, job);
    uv_timer_init(&s->loop, &r->timer);
    uv_timer_start(&r->timer, on_retry, RETRY_MS, 0);
}

static void count_start(xpm_experiment *xp)
{
    pthread_mutex_lock(&xp->mutex);
    xp->started++;
    pthread_mutex_unlock(&xp->mutex);
}

/* Whether a job has the shared directories that it needs; if not, it comes back when it may go on. */
static bool enter_guards(xpm__scheduler *s, xpm_job *job)
{
    xpm_error err = {0};
    xpm__entered entered = xpm__guards_take(s->guards, job, &err);
    if (entered == XPM__ENTER_FAILED) {
        xpm__guards_release(s->guards, job);
        fail_to_start(job, err.message);
    }
    return entered == XPM__ENTERED;
}

static void start_ready(xpm__scheduler *s)
{
    xpm_job *job;
    while (s->free_slots > 0 && !s->stopped && (job = queue_take(&s->ready)) != NULL) {
        xpm__process process;
        xpm__jobdir_state state;
        if (!enter_guards(s, job))
            continue;
        switch (xpm__start_job(job, s->launcher, &process, &state)) {
        case XPM__STARTED:
            count_start(s->xp);
            xpm__guards_hand_over(job);
            watch_process(s, job, &process);
            break;
        case XPM__ENDED:
            end_job(s, job, &state);
            break;
        case XPM__ELSEWHERE:
            xpm__guards_release(s->guards, job); /* who runs it needs them */
            watch_elsewhere(s, job, state.pid);
            break;
        }
    }
}

/* ---- The loop --------------------------------------------------------------------------------- */

static void close_handle(uv_handle_t *handle, void *user)
{
    (void)user;
    if (!uv_is_closing(handle))
        uv_close(handle, handle->data != NULL ? free_running : NULL);
}

static void unpark_all(xpm__scheduler *s, xpm_job *released)
{
    while (released != NULL) {
        xpm_job *next = released->next_free;
        pthread_mutex_lock(&s->mutex);
        released->releasing = false; /* it may be listed again from here on */
        pthread_mutex_unlock(&s->mutex);
        unpark(s, released);
        xpm_job_unref(released);
        released = next;
    }
}

static void on_wake(uv_async_t *wake)
{
    xpm__scheduler *s = wake->loop->data;
    xpm_job *job;
    pthread_mutex_lock(&s->mutex);
    queue posted = s->posted;
    bool quit = s->quit;
    if (posted.first == NULL)
        queue_init(&posted);
    queue_init(&s->posted);
    xpm_job *released = s->released;
    s->released = NULL;
    s->stopped = s->stop;
    pthread_mutex_unlock(&s->mutex);
    for (job = posted.first; job != NULL;) {
        xpm_job *next = job->next;
        accept_job(s, job);
        job = next;
    }
    unpark_all(s, released);
    while ((job = xpm__guards_next(s->guards)) != NULL)
        queue_add(&s->ready, job);
    if (quit)
        uv_walk(&s->loop, close_handle, NULL);
    else
        start_ready(s);
}

/* Signals are for the thread that submits. */
static void block_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}

static void run_loop(void *user)
{
    xpm__scheduler *s = user;
    block_signals();
    uv_run(&s->loop, UV_RUN_DEFAULT);
}

/* A shared directory was left, and this job is the next to enter it. */
static void resume(void *user, xpm_job *job)
{
    xpm__scheduler *s = user;
    queue_add(&s->ready, job);
}

static void wake(void *user)
{
    xpm__scheduler *s = user;
    uv_async_send(&s->wake);
}

xpm__scheduler *xpm__scheduler_start(xpm_experiment *xp, xpm_error *err)
{
    xpm__scheduler *s = xpm__zalloc(sizeof *s);
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_SIZE};
    s->xp = xp;
    s->launcher = &xpm__local_launcher;
    s->free_slots = xp->slots;
    s->guards = xpm__guards_new(resume, wake, s);
    queue_init(&s->posted);
    queue_init(&s->ready);
    pthread_mutex_init(&s->mutex, NULL);
    int status = uv_loop_init(&s->loop);
    if (status == 0) {
        s->loop.data = s;
        status = uv_async_init(&s->loop, &s->wake, on_wake);
        s->wake.data = NULL;
        if (status == 0)
            status = uv_thread_create_ex(&s->thread, &options, run_loop, s);
    }
    if (status == 0)
        return s;
    xpm__fail(err, XPM_E_IO, xp->name, "cannot start the scheduler: %s", uv_strerror(status));
    pthread_mutex_destroy(&s->mutex);
    xpm__guards_free(s->guards);
    xpm_free(s);
    return NULL;
}

void xpm__scheduler_release(xpm__scheduler *s, xpm_job *job)
{
    pthread_mutex_lock(&s->mutex);
    if (!job->releasing) {
        job->releasing = true;
        job->next_free = s->released;
        s->released = xpm_job_ref(job);
    }
    pthread_mutex_unlock(&s->mutex);
    uv_async_send(&s->wake);
}

void xpm__scheduler_post(xpm__scheduler *s, xpm_job *job)
{
    xpm_job_ref(job);
    pthread_mutex_lock(&s->mutex);
    job->held = true;
    bool first = s->posted.first == NULL;
    queue_add(&s->posted, job);
    pthread_mutex_unlock(&s->mutex);
    if (first)
        uv_async_send(&s->wake);
}

static void tell(xpm__scheduler *s, bool *flag)
{
    pthread_mutex_lock(&s->mutex);
    *flag = true;
    pthread_mutex_unlock(&s->mutex);
    uv_async_send(&s->wake);
}

void xpm__scheduler_stop(xpm__scheduler *s)
{
    tell(s, &s->stop);
}

void xpm__scheduler_join(xpm__scheduler *s)
{
    if (s == NULL)
        return;
    tell(s, &s->quit);
    uv_thread_join(&s->thread);
    xpm__guards_free(s->guards);
    while (s->released != NULL) {
        xpm_job *next = s->released->next_free;
        xpm_job_unref(s->released);
        s->released = next;
    }
    for (size_t i = 0; i < s->xp->job_count; i++) /* those that have not ended */
        if (s->xp->jobs[i]->held)
            xpm_job_unref(s->xp->jobs[i]);
    uv_loop_close(&s->loop);
    pthread_mutex_destroy(&s->mutex);
    xpm_free(s);
}
