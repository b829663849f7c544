#include "schedule/scheduler.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "base/error.h"
#include "base/mem.h"
#include "launch/launcher.h"
#include "schedule/ahead.h"
#include "schedule/guard.h"
#include "schedule/inbox.h"
#include "schedule/lanes.h"
#include "schedule/outputs.h"
#include "schedule/queue.h"
#include "schedule/sites.h"
#include "schedule/start.h"
#include "schedule/tokens.h"
#include "submit/job.h"

enum { STACK_SIZE = 64 << 20 }; /* graphs are walked on it; only what is used is ever mapped */

typedef struct xpm__running running;

struct xpm__scheduler {
    xpm_experiment *xp;
    xpm_launcher *local; /* of jobs that say nothing of where they run */
    uv_thread_t thread;
    uv_loop_t loop;
    uv_async_t wake;
    xpm__inbox *inbox; /* what other threads say */
    xpm__lanes *ready; /* the loop's own from here on */
    xpm__sites *sites;
    xpm__lockwaits *waits;
    xpm__guards *guards;
    xpm__tokens *tokens;
    running *runs; /* all that run */
    size_t queued; /* those of them that have a name in their queue */
    xpm__outputs *outputs;
    bool stopped;    /* nothing further is started */
    bool hands_over; /* jobs go to their queue before what they depend on has ended there */
};

/* A job that runs, or is queued: what tells its end is a site, or the lock that another process holds
 * and no .pid explains. */
struct xpm__running {
    xpm__scheduler *scheduler;
    xpm_job *job;
    xpm__run *run;            /* NULL while only the lock tells */
    xpm__share *share;        /* of this machine; NULL elsewhere */
    xpm__elsewhere elsewhere; /* of one that another scheduler has started */
    xpm__end end;             /* of its process, which has left others with the lock */
    bool is_counted;          /* among the starts of this run; */
    bool is_queued;           /* among those that have a name in their queue */
    running *next, **link;
};

static xpm__machine *machine_of(const xpm__scheduler *s)
{
    return xpm__sites_machine(s->sites);
}

static void start_ready(xpm__scheduler *s);
static void fail_to_start(xpm_job *job, const char *message);
static void watch_elsewhere(xpm__scheduler *s, xpm_job *job);

/* ---- What blocks what ------------------------------------------------------------------------- */

static void add_ready(xpm__scheduler *s, xpm_job *job, bool first)
{
    xpm_error err = {0};
    if (xpm__lanes_add(s->ready, job, first, &err) < 0)
        fail_to_start(job, err.message);
    else if (xpm__has_claim(job, xpm__lane_launcher(job)) && xpm__lanes_remove(s->ready, job))
        watch_elsewhere(s, job);
}

static void make_ready(xpm__scheduler *s, xpm_job *job)
{
    xpm__job_set_state(job, XPM_JOB_READY, XPM_REASON_NONE);
    add_ready(s, job, false);
}

/* A job that waits is ready when nothing blocks it, or when all that does is in its queue. */
static void go_on(xpm__scheduler *s, xpm_job *job)
{
    if (job->blocked == 0 || (s->hands_over && xpm__ahead_may(job)))
        make_ready(s, job);
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
        if (!waits(dependent))
            continue;
        dependent->job->blocked--;
        go_on(s, dependent->job);
    }
    job->dependent_count = 0;
    job->held = false;
    xpm_job_unref(job);
}

/* Ends a job in error, and with it all those that can now never start: a list, since chains are
 * long. The state comes last: from then on the job may be submitted again, by another thread. */
static void fail_job(xpm_job *job, xpm_reason reason)
{
    xpm__queue failed;
    xpm__queue_init(&failed);
    xpm__queue_add(&failed, job);
    while ((job = xpm__queue_take(&failed)) != NULL) {
        for (size_t i = 0; i < job->dependent_count; i++) {
            struct xpm__dependent *dependent = &job->dependents[i];
            if (!waits(dependent) || dependent->job->doomed)
                continue;
            dependent->job->doomed = true;
            xpm__queue_add(&failed, dependent->job);
        }
        job->dependent_count = 0;
        job->doomed = job->parked = false;
        job->attempt++;
        job->held = false;
        xpm__job_set_state(job, XPM_JOB_ERROR, reason);
        xpm_job_unref(job);
        reason = XPM_REASON_DEPENDENCY;
    }
}

/* A job that ends, or gives up, or runs elsewhere, has nothing that others may wait for. */
static void let_go(xpm__scheduler *s, xpm_job *job)
{
    xpm__guards_release(s->guards, job);
    xpm__tokens_release(s->tokens, job);
}

static void end_job(xpm__scheduler *s, xpm_job *job, const xpm__jobdir_state *state)
{
    let_go(s, job);
    xpm__outputs_end(job);
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

/* Whether a job is left out: nothing that is wanted needs it so far. */
static bool is_unneeded(const xpm_job *job)
{
    return xpm__job_transient(job) != XPM_TRANSIENT_NONE && !job->needed &&
           job->dependent_count == 0;
}

/* Adds a job to those that one which is wanted waits for. A transient one was left out so far: it goes
 * to `needed`. */
static void wait_for(xpm_job *job, xpm_job *dependency, xpm__queue *needed)
{
    add_dependent(dependency, job);
    job->blocked++;
    if (!dependency->needed && xpm__job_state(dependency) == XPM_JOB_TRANSIENT) {
        dependency->needed = true;
        xpm__queue_add(needed, dependency);
    }
}

/* Takes a job in; those that it needs, and that were left out so far, go to `needed`. */
static void accept_job(xpm__scheduler *s, xpm_job *job, xpm__queue *needed)
{
    bool fails = false;
    job->blocked = 0;
    job->restarts = 0;
    job->failures = 0;
    job->cancelled = false;
    if (is_unneeded(job)) {
        xpm__job_set_state(job, XPM_JOB_TRANSIENT, XPM_REASON_NONE);
        return;
    }
    for (size_t i = 0; i < job->dependency_count; i++) {
        xpm_job *dependency = job->dependencies[i];
        xpm_job_state state = xpm__job_state(dependency);
        fails |= state == XPM_JOB_ERROR;
        if (state != XPM_JOB_DONE && state != XPM_JOB_ERROR)
            wait_for(job, dependency, needed);
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
        go_on(s, job);
    }
    xpm_free(failure);
}

/* A list, since chains of transient jobs are long. */
static void accept_all(xpm__scheduler *s, xpm__queue *jobs)
{
    xpm_job *job;
    while ((job = xpm__queue_take(jobs)) != NULL)
        accept_job(s, job, jobs);
}

/* A job that was released; one that has failed meanwhile is let be. */
static void unpark(xpm__scheduler *s, xpm_job *job)
{
    char *failure;
    if (!job->parked || xpm__job_held_back(job, &failure))
        return;
    job->parked = false;
    if (xpm__job_state(job) == XPM_JOB_WAITING) {
        job->blocked--;
        if (failure != NULL)
            fail_to_start(job, failure);
        else
            go_on(s, job);
    }
    xpm_free(failure);
}

/* ---- Running ---------------------------------------------------------------------------------- */

/* What waits for a job may go to the queue where that is. */
static void go_ahead(xpm__scheduler *s, const xpm_job *job)
{
    for (size_t i = 0; i < job->dependent_count; i++)
        if (waits(&job->dependents[i]))
            go_on(s, job->dependents[i].job);
}

static void set_queued(running *r, bool is_queued)
{
    r->scheduler->queued += (size_t)is_queued - r->is_queued;
    r->is_queued = is_queued;
}

/* Many are named at once, and then what is ready is started. */
static void on_named(xpm__run *run)
{
    running *r = run->user;
    set_queued(r, true);
    if (r->scheduler->hands_over) {
        go_ahead(r->scheduler, r->job);
        uv_async_send(&r->scheduler->wake);
    }
}

/* Takes the share. `run` is NULL when only the job's lock tells of it. */
static running *new_running(xpm__scheduler *s, xpm_job *job, xpm__run *run, xpm__share *share,
                            xpm_job_state state)
{
    running *r = xpm__zalloc(sizeof *r);
    r->scheduler = s;
    r->job = job;
    r->run = run;
    r->share = share;
    if (run != NULL)
        run->user = r;
    job->run = run;
    r->next = s->runs;
    r->link = &s->runs;
    if (r->next != NULL)
        r->next->link = &r->next;
    s->runs = r;
    job->running = r;
    xpm__outputs_begin(job);
    xpm__job_set_state(job, state, XPM_REASON_NONE);
    if (xpm__ahead_id(job) != NULL)
        on_named(run);
    return r;
}

/* Forgets one that has ended. */
static void end_running(running *r)
{
    set_queued(r, false);
    r->job->running = NULL;
    r->job->run = NULL;
    *r->link = r->next;
    if (r->next != NULL)
        r->next->link = r->link;
    xpm__machine_give(machine_of(r->scheduler), r->share);
    xpm_free(r);
}

/* Whether a job that has failed is started again, in this run. */
static bool is_retried(const xpm__scheduler *s, const xpm_job *job, const xpm__jobdir_state *state)
{
    return state->state == XPM_JOB_ERROR && !s->stopped && !job->cancelled &&
           xpm__job_retries_on(job, state->reason) &&
           job->failures <= (unsigned)xpm__job_max_retries(job);
}

/* A job that was to go to its queue ahead of others, and cannot, waits for them as any other: anew, as one
 * that has failed since, and was submitted again, has forgotten it. */
static void wait_again(xpm__scheduler *s, xpm_job *job, size_t blocked)
{
    let_go(s, job);
    job->blocked = blocked;
    job->attempt++;
    for (size_t i = 0; i < job->dependency_count; i++)
        if (xpm__job_state(job->dependencies[i]) != XPM_JOB_DONE)
            add_dependent(job->dependencies[i], job);
    xpm__job_set_state(job, XPM_JOB_WAITING, XPM_REASON_NONE);
}

/* It went to its queue ahead of others, and has ended because one had failed, which is tried again. */
static bool was_too_early(const xpm__scheduler *s, const xpm_job *job, xpm_reason reason,
                          size_t *blocked)
{
    bool failed;
    if (!s->hands_over || s->stopped || job->cancelled || reason != XPM_REASON_DEPENDENCY)
        return false;
    *blocked = xpm__ahead_blocked(job, &failed);
    return !failed; /* what is done is not looked for again */
}

static void end_or_retry(xpm__scheduler *s, xpm_job *job, const xpm__jobdir_state *state)
{
    bool again = is_retried(s, job, state);
    size_t blocked = 0;
    bool early = was_too_early(s, job, state->reason, &blocked);
    job->restarts += again;
    if (early && blocked > 0) {
        wait_again(s, job, blocked);
    } else if (early || again || state->state == XPM_JOB_READY) {
        let_go(s, job);
        make_ready(s, job);
    } else {
        end_job(s, job, state);
    }
}

static void count_starts(xpm_experiment *xp, int more)
{
    pthread_mutex_lock(&xp->mutex);
    xp->started += (size_t)more;
    pthread_mutex_unlock(&xp->mutex);
}

static void on_began(xpm__run *run)
{
    const running *r = run->user;
    if (xpm__job_state(r->job) == XPM_JOB_SCHEDULED)
        xpm__job_set_state(r->job, XPM_JOB_RUNNING, XPM_REASON_NONE);
}

/* A job that was not begun, and is started again. */
static void forget_start(const running *r)
{
    xpm__pid pid = r->elsewhere.pid;
    count_starts(r->scheduler->xp, -(int)r->is_counted);
    if (pid.launcher[0] == '\0' && r->end.token != NULL)
        snprintf(pid.token, sizeof pid.token, "%s", r->end.token);
    xpm__forget_queued(r->job, &pid);
}

static bool await_lock(xpm__scheduler *s, xpm_job *job, xpm__locked locked)
{
    xpm_error err;
    char *lock = xpm__format("%s/%s.lock", job->directory, xpm_job_name(job));
    int status = xpm__lockwaits_add(s->waits, lock, locked, s, job, &err);
    xpm_free(lock);
    return status == 0;
}

static void on_rest_gone(void *user, void *about, int fd);

/* The process of a job has ended; others that it has left and that have the lock are waited for. */
static void settle(running *r, bool waited)
{
    xpm__scheduler *s = r->scheduler;
    xpm_job *job = r->job;
    xpm__jobdir_state state = {.state = XPM_JOB_READY};
    if (r->end.again) {
        forget_start(r);
    } else if (!xpm__end_job(job, &r->end, waited, &state) && await_lock(s, job, on_rest_gone)) {
        return;
    }
    end_running(r);
    end_or_retry(s, job, &state);
    start_ready(s);
}

static void on_rest_gone(void *user, void *about, int fd)
{
    (void)user;
    if (fd >= 0)
        close(fd);
    settle(((xpm_job *)about)->running, true);
}

static void on_ended(xpm__run *run, const xpm__end *end)
{
    running *r = run->user;
    set_queued(r, false);
    r->run = r->job->run = NULL;
    r->end = *end;
    settle(r, false);
}

static void on_freed(void *user)
{
    start_ready(user);
}

static xpm__site *find_site(void *user, const xpm_launcher *launcher, xpm_error *err)
{
    const xpm__scheduler *s = user;
    return xpm__sites_find(s->sites, launcher, err);
}

/* The lock of a job that ran elsewhere is free: it has failed there, or else it is looked at anew, as
 * it is done, or was not started after all. */
static void on_lock_free(void *user, void *about, int fd)
{
    xpm_job *job = about;
    xpm__scheduler *s = user;
    running *r = job->running;
    xpm__jobdir_state state;
    bool failed = xpm__failed_since(job, &r->elsewhere.failed, &state);
    end_running(r);
    if (fd >= 0)
        close(fd);
    if (failed) {
        job->failures = state.failures;
        end_or_retry(s, job, &state);
    } else {
        make_ready(s, job);
    }
    start_ready(s);
}

static void wait_for_lock(xpm__scheduler *s, xpm_job *job, const xpm__elsewhere *elsewhere)
{
    xpm__share *share = xpm__machine_force(machine_of(s), NULL);
    new_running(s, job, NULL, share, XPM_JOB_RUNNING)->elsewhere = *elsewhere;
    if (!await_lock(s, job, on_lock_free)) {
        end_running(job->running);
        fail_job(job, XPM_REASON_LOST);
    }
}

/* Another process of this workspace has the job, or a queue: its end is waited for, and its markers
 * read. */
static void watch_elsewhere(xpm__scheduler *s, xpm_job *job)
{
    xpm__elsewhere elsewhere;
    let_go(s, job); /* who runs it needs what it has */
    xpm__look_elsewhere(job, &elsewhere);
    bool is_queued = xpm__pid_is_queued(&elsewhere.pid);
    xpm__site *site = xpm__sites_find_pid(s->sites, xpm__lane_site(job), &elsewhere.pid);
    xpm__run *run = site != NULL ? xpm__adopt_job(job, site, &elsewhere.pid) : NULL;
    if (run != NULL) {
        xpm__share *share =
            site->table->is_here
                ? xpm__machine_adopt(machine_of(s), xpm__lane_launcher(job)->requirement,
                                     elsewhere.pid.process)
                : NULL;
        new_running(s, job, run, share, is_queued ? XPM_JOB_SCHEDULED : XPM_JOB_RUNNING)
            ->elsewhere = elsewhere;
    } else if (site == NULL && is_queued) {
        char *message = xpm__format("it was given to %s, which cannot be asked about it now",
                                    elsewhere.pid.launcher);
        xpm__job_warn(job, message);
        fail_job(job, XPM_REASON_LOST);
        xpm_free(message);
    } else {
        wait_for_lock(s, job, &elsewhere);
    }
}

/* Whether a job has the shared directories that it needs; if not, it comes back when it may go on. */
static bool enter_guards(xpm__scheduler *s, xpm_job *job)
{
    xpm_error err = {0};
    xpm__entered entered = xpm__guards_take(s->guards, job, &err);
    if (entered == XPM__ENTER_FAILED) {
        let_go(s, job);
        fail_to_start(job, err.message);
    }
    return entered == XPM__ENTERED;
}

/* Starts a job that may; what it has of this machine goes with it, or is given back. */
static void start_job(xpm__scheduler *s, xpm_job *job, xpm__share *share)
{
    xpm__place place = {xpm__lane_site(job), xpm__lane_launcher(job), share};
    bool is_here = place.site->table->is_here;
    xpm__run *run = NULL;
    xpm__jobdir_state state;
    xpm__started started = xpm__start_job(job, &place, s->tokens, &run, &state);
    if (started == XPM__STARTED) {
        count_starts(s->xp, 1);
        xpm__guards_hand_over(job);
        if (share != NULL)
            xpm__share_handed(share);
        new_running(s, job, run, share, is_here ? XPM_JOB_RUNNING : XPM_JOB_SCHEDULED)->is_counted =
            true;
        return;
    }
    xpm__machine_give(machine_of(s), share);
    if (started == XPM__ENDED) {
        end_job(s, job, &state);
    } else if (started == XPM__ELSEWHERE) {
        watch_elsewhere(s, job);
    }
}

/* Whether the job may start now; if not it has ended, or comes back when it may. What it depends on may
 * have failed, or have left its queue, since it was made ready ahead of that. */
static bool may_start(xpm__scheduler *s, xpm_job *job)
{
    bool failed;
    size_t blocked = xpm__ahead_blocked(job, &failed);
    if (job->cancelled || failed) {
        let_go(s, job);
        fail_job(job, job->cancelled ? XPM_REASON_CANCELLED : XPM_REASON_DEPENDENCY);
        return false;
    }
    if (blocked > 0) {
        wait_again(s, job, blocked);
        return false;
    }
    return enter_guards(s, job) && xpm__tokens_turn(s->tokens, job);
}

static bool can_start(const xpm__scheduler *s)
{
    return !s->stopped && xpm__sites_have_room(s->sites);
}

static void start_ready(xpm__scheduler *s)
{
    xpm_job *job;
    xpm__share *share;
    xpm__tokens_compete(s->tokens, can_start(s));
    while (!s->stopped && (job = xpm__lanes_take(s->ready, &share)) != NULL) {
        if (may_start(s, job))
            start_job(s, job, share);
        else
            xpm__machine_give(machine_of(s), share);
    }
    xpm__sites_flush(s->sites);
    xpm__tokens_compete(s->tokens, can_start(s));
    if (s->hands_over)
        xpm__experiment_count_queued(s->xp, s->queued);
}

/* ---- The loop --------------------------------------------------------------------------------- */

static void close_handle(uv_handle_t *handle, void *user)
{
    (void)user;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* What runs goes on alone. */
static void leave(xpm__scheduler *s)
{
    xpm__sites_close(s->sites);
    while (s->runs != NULL)
        end_running(s->runs);
    uv_walk(&s->loop, close_handle, NULL);
}

/* One that runs is told to end, and ends by itself; one that waits, or is ready, ends now, unless it
 * waits for a shared directory: then it does when its turn comes. */
static void cancel_job(xpm__scheduler *s, xpm_job *job)
{
    xpm_job_state state = xpm__job_state(job);
    job->cancelled = true;
    if (job->running != NULL && job->running->run != NULL)
        job->running->run->site->table->cancel(job->running->run);
    else if (state == XPM_JOB_WAITING || state == XPM_JOB_TRANSIENT ||
             (state == XPM_JOB_READY &&
              (xpm__tokens_waits(job) || xpm__lanes_remove(s->ready, job)))) {
        let_go(s, job);
        fail_job(job, XPM_REASON_CANCELLED);
    }
}

/* Looks again at a job of which another thread has said something. */
static void look_again(xpm__scheduler *s, xpm_job *job)
{
    xpm__queue one;
    if (xpm__inbox_open_job(s->inbox, job) && job->held)
        cancel_job(s, job);
    unpark(s, job);
    if (xpm__job_state(job) == XPM_JOB_TRANSIENT && !job->needed &&
        xpm__job_transient(job) == XPM_TRANSIENT_NONE) {
        xpm__queue_init(&one);
        xpm__queue_add(&one, job);
        accept_all(s, &one);
    }
    xpm__job_looked_at(job);
}

static void look_at_touched(xpm__scheduler *s, xpm_job *touched)
{
    while (touched != NULL) {
        xpm_job *next = touched->next_touched;
        look_again(s, touched);
        xpm_job_unref(touched);
        touched = next;
    }
}

/* From now on; what came before is looked at once. */
static void hand_over(xpm__scheduler *s)
{
    const running *r = s->hands_over ? NULL : s->runs;
    s->hands_over = true;
    for (; r != NULL; r = r->next)
        if (r->is_queued)
            go_ahead(s, r->job);
}

static void on_wake(uv_async_t *wake)
{
    xpm__scheduler *s = wake->loop->data;
    xpm__news news;
    xpm__inbox_read(s->inbox, &news);
    if (news.words[XPM__WORD_HAND_OVER])
        hand_over(s);
    s->stopped = news.words[XPM__WORD_STOP];
    accept_all(s, &news.posted);
    look_at_touched(s, news.touched);
    xpm__lockwaits_run(s->waits);
    for (running *r = s->runs; news.words[XPM__WORD_CANCEL] && r != NULL; r = r->next)
        cancel_job(s, r->job);
    if (news.words[XPM__WORD_QUIT])
        leave(s);
    else
        start_ready(s);
}

/* Signals are for the thread that submits. */
static void run_loop(void *user)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    uv_run(&((xpm__scheduler *)user)->loop, UV_RUN_DEFAULT);
}

/* A shared directory was left, and this job is the next to enter it, or to try. */
static void resume(void *user, xpm_job *job)
{
    xpm__scheduler *s = user;
    add_ready(s, job, false);
}

/* Its turn to have its tokens: it was ready before those that are. */
static void resume_first(void *user, xpm_job *job)
{
    xpm__scheduler *s = user;
    add_ready(s, job, true);
}

static void wake(void *user)
{
    xpm__scheduler *s = user;
    uv_async_send(&s->wake);
}

static void free_places(xpm__scheduler *s)
{
    xpm__lanes_free(s->ready);
    xpm__sites_free(s->sites);
    xpm_launcher_unref(s->local);
}

xpm__scheduler *xpm__scheduler_start(xpm_experiment *xp, xpm_error *err)
{
    static const xpm__site_events events = {on_began, on_ended, on_freed, on_named};
    xpm__scheduler *s = xpm__zalloc(sizeof *s);
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_SIZE};
    s->xp = xp;
    s->local = xpm_launcher_local(NULL, NULL);
    s->sites = xpm__sites_new(&s->loop, xp->slots, &events, s);
    s->ready = xpm__lanes_new(s->local, machine_of(s), find_site, s);
    s->waits = xpm__lockwaits_new(wake, s);
    s->guards = xpm__guards_new(s->waits, resume, s);
    s->tokens = xpm__tokens_new(&s->loop, s->waits, resume_first, wake, s);
    s->inbox = xpm__inbox_new(&s->wake);
    int status = uv_loop_init(&s->loop);
    if (status == 0) {
        s->loop.data = s;
        status = uv_async_init(&s->loop, &s->wake, on_wake);
        s->wake.data = NULL;
        if (status == 0)
            s->outputs = xpm__outputs_new(&s->loop, &status);
        if (status == 0)
            status = uv_thread_create_ex(&s->thread, &options, run_loop, s);
    }
    if (status == 0)
        return s;
    xpm__fail(err, XPM_E_IO, xp->name, "cannot start the scheduler: %s", uv_strerror(status));
    xpm__inbox_free(s->inbox);
    xpm__lockwaits_free(s->waits);
    xpm__outputs_free(s->outputs);
    free_places(s);
    xpm__guards_free(s->guards);
    xpm__tokens_free(s->tokens);
    xpm_free(s);
    return NULL;
}

/* ---- Other threads ---------------------------------------------------------------------------- */

void xpm__scheduler_touch(xpm__scheduler *s, xpm_job *job)
{
    xpm__inbox_touch(s->inbox, job, false);
}

void xpm__scheduler_cancel_job(xpm__scheduler *s, xpm_job *job)
{
    xpm__inbox_touch(s->inbox, job, true);
}

void xpm__scheduler_post(xpm__scheduler *s, xpm_job *job)
{
    xpm__inbox_post(s->inbox, job);
}

void xpm__scheduler_watch(xpm__scheduler *s, xpm_job *job, unsigned number)
{
    xpm__outputs_watch(s->outputs, job, number);
}

void xpm__scheduler_stop(xpm__scheduler *s)
{
    xpm__inbox_tell(s->inbox, XPM__WORD_STOP);
    xpm__inbox_await_stop(s->inbox);
}

void xpm__scheduler_hand_over(xpm__scheduler *s)
{
    xpm__inbox_tell(s->inbox, XPM__WORD_HAND_OVER);
}

void xpm__scheduler_cancel(xpm__scheduler *s)
{
    xpm__inbox_tell(s->inbox, XPM__WORD_CANCEL);
}

void xpm__scheduler_join(xpm__scheduler *s)
{
    if (s == NULL)
        return;
    xpm__inbox_tell(s->inbox, XPM__WORD_QUIT);
    uv_thread_join(&s->thread);
    xpm__lockwaits_free(s->waits);
    xpm__guards_free(s->guards);
    xpm__tokens_free(s->tokens);
    for (size_t i = 0; i < s->xp->job_count; i++) /* those that have not ended */
        if (s->xp->jobs[i]->held)
            xpm_job_unref(s->xp->jobs[i]);
    uv_loop_close(&s->loop);
    free_places(s);
    xpm__outputs_free(s->outputs);
    xpm__inbox_free(s->inbox);
    xpm_free(s);
}
