/* Waiting for jobs, with nothing that looks at them now and then: whoever changes what a thread waits
 * for wakes it, and no other. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "submit/job.h"

enum { LONGEST = 1000000000 }; /* seconds: more is for ever, and a clock cannot count them all */

/* ---- What threads meet at --------------------------------------------------------------------- */

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

void xpm__experiment_init_threads(xpm_experiment *xp)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&xp->submitting, &attributes);
    pthread_mutexattr_destroy(&attributes);
    pthread_mutex_init(&xp->mutex, NULL);
    init_condition(&xp->ended);
    init_condition(&xp->notices.added);
    xp->notices.last = &xp->notices.first;
}

void xpm__experiment_free_threads(xpm_experiment *xp)
{
    pthread_cond_destroy(&xp->notices.added);
    pthread_cond_destroy(&xp->ended);
    pthread_mutex_destroy(&xp->mutex);
    pthread_mutex_destroy(&xp->submitting);
}

/* ---- Waking ----------------------------------------------------------------------------------- */

void xpm__experiment_wake(xpm_experiment *xp)
{
    static const uint64_t once = 1;
    for (xpm__waiter *waiter = xp->waiters; waiter != NULL; waiter = waiter->next) {
        if (!waiter->over(xp, waiter))
            continue;
        if (waiter->fd < 0)
            pthread_cond_broadcast(&xp->ended);
        else if (write(waiter->fd, &once, sizeof once) < 0)
            continue; /* it was woken already, very often */
    }
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

static struct timespec deadline_in(double seconds)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    double whole = (double)(time_t)seconds;
    deadline.tv_sec += (time_t)whole;
    deadline.tv_nsec += (long)((seconds - whole) * 1e9);
    if (deadline.tv_nsec >= 1000000000L) {
        deadline.tv_nsec -= 1000000000L;
        deadline.tv_sec++;
    }
    return deadline;
}

static struct timespec time_until(const struct timespec *deadline)
{
    struct timespec left;
    clock_gettime(CLOCK_MONOTONIC, &left);
    left.tv_sec = deadline->tv_sec - left.tv_sec;
    left.tv_nsec = deadline->tv_nsec - left.tv_nsec;
    if (left.tv_nsec < 0) {
        left.tv_nsec += 1000000000L;
        left.tv_sec--;
    }
    return left.tv_sec < 0 ? (struct timespec){0} : left;
}

/* Waits until it is woken; false when the time is up. With the mutex held, as the next. */
static bool wait_for_condition(xpm_experiment *xp, const struct timespec *deadline)
{
    int status = deadline == NULL ? pthread_cond_wait(&xp->ended, &xp->mutex)
                                  : pthread_cond_timedwait(&xp->ended, &xp->mutex, deadline);
    return status != ETIMEDOUT;
}

/* The same, false also when there is something to read from `fd`. */
static bool wait_for_either(xpm_experiment *xp, const xpm__waiter *waiter, int fd,
                            const struct timespec *deadline)
{
    struct pollfd fds[] = {{.fd = waiter->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    struct timespec left;
    uint64_t count;
    pthread_mutex_unlock(&xp->mutex);
    if (deadline != NULL)
        left = time_until(deadline);
    int ready = ppoll(fds, 2, deadline != NULL ? &left : NULL, NULL);
    bool woken = ready > 0 && fds[0].revents != 0;
    if (woken && read(waiter->fd, &count, sizeof count) < 0)
        woken = false;
    pthread_mutex_lock(&xp->mutex);
    return woken || (ready < 0 && errno == EINTR);
}

static void remove_waiter(xpm_experiment *xp, const xpm__waiter *waiter)
{
    xpm__waiter **at = &xp->waiters;
    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
}

/* Waits until it is over, the time is up, or there is something to read from `fd`. With the mutex
 * held. */
static void wait_until(xpm_experiment *xp, xpm__waiter *waiter, double seconds, int fd)
{
    bool for_ever = seconds < 0 || seconds > LONGEST;
    struct timespec deadline = deadline_in(seconds > 0 && !for_ever ? seconds : 0);
    const struct timespec *limit = for_ever ? NULL : &deadline;
    bool goes_on = true;
    /* Without descriptors left, it can still wait, if not for two things. */
    waiter->fd = fd >= 0 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    waiter->next = xp->waiters;
    xp->waiters = waiter;
    while (goes_on && !waiter->over(xp, waiter))
        goes_on = waiter->fd >= 0 ? wait_for_either(xp, waiter, fd, limit)
                                  : wait_for_condition(xp, limit);
    remove_waiter(xp, waiter);
    if (waiter->fd >= 0)
        close(waiter->fd);
}

/* ---- For all jobs ----------------------------------------------------------------------------- */

/* What keeps the experiment from its end: jobs, and then notices, whose listener may submit more. */
static size_t left_for(const xpm_experiment *xp, const xpm__waiter *waiter)
{
    size_t jobs = xp->mode == XPM_NORMAL ? xpm__experiment_unfinished(xp) : 0;
    if (jobs == 0 && !waiter->listens && !xpm__notices_are_dealt_with(xp))
        return 1;
    return jobs;
}

static bool all_over(const xpm_experiment *xp, const xpm__waiter *waiter)
{
    return xp->stopped || left_for(xp, waiter) == 0;
}

size_t xpm_experiment_wait_or(xpm_experiment *xp, double seconds, int fd)
{
    xpm__waiter waiter = {.over = all_over};
    if (xp->run != NULL)
        (void)xpm__rundir_flush(xp->run); /* what is waited for can be read */
    pthread_mutex_lock(&xp->mutex);
    waiter.listens = xpm__notices_are_here(xp);
    wait_until(xp, &waiter, seconds, fd);
    size_t left = left_for(xp, &waiter);
    pthread_mutex_unlock(&xp->mutex);
    return left;
}

size_t xpm_experiment_wait(xpm_experiment *xp, double seconds)
{
    return xpm_experiment_wait_or(xp, seconds, -1);
}

static bool none_runs(const xpm_experiment *xp, const xpm__waiter *waiter)
{
    (void)waiter;
    return xpm__experiment_running(xp) == 0;
}

size_t xpm_experiment_drain_or(xpm_experiment *xp, double seconds, int fd)
{
    xpm__waiter waiter = {.over = none_runs};
    pthread_mutex_lock(&xp->mutex);
    wait_until(xp, &waiter, seconds, fd);
    size_t left = xpm__experiment_running(xp);
    pthread_mutex_unlock(&xp->mutex);
    return left;
}

size_t xpm_experiment_drain(xpm_experiment *xp, double seconds)
{
    return xpm_experiment_drain_or(xp, seconds, -1);
}

/* ---- For queues to have them --------------------------------------------------------------------- */

void xpm__experiment_count_queued(xpm_experiment *xp, size_t queued)
{
    pthread_mutex_lock(&xp->mutex);
    size_t unfinished = xpm__experiment_unfinished(xp);
    xp->needing = queued < unfinished ? unfinished - queued : 0;
    xp->is_counted = true;
    xpm__experiment_wake(xp);
    pthread_mutex_unlock(&xp->mutex);
}

static bool none_needs(const xpm_experiment *xp, const xpm__waiter *waiter)
{
    (void)waiter;
    return xp->stopped || (xp->is_counted && xp->needing == 0);
}

size_t xpm__experiment_await_queued(xpm_experiment *xp, double seconds, int fd)
{
    xpm__waiter waiter = {.over = none_needs};
    pthread_mutex_lock(&xp->mutex);
    wait_until(xp, &waiter, seconds, fd);
    size_t needing = xp->is_counted ? xp->needing : xpm__experiment_unfinished(xp);
    pthread_mutex_unlock(&xp->mutex);
    return needing;
}

/* ---- For one job ------------------------------------------------------------------------------ */

static bool job_is_over(const xpm_experiment *xp, const xpm__waiter *waiter)
{
    const xpm_job *job = waiter->job;
    bool left_out = xpm__job_state(job) == XPM_JOB_TRANSIENT && !job->wanted;
    return xpm__job_has_ended(job) || left_out ||
           (xp->stopped && xpm__job_state(job) < XPM_JOB_SCHEDULED);
}

static bool is_run(const xpm_job *job)
{
    return job->xp != NULL && job->xp->run != NULL && job->handed;
}

bool xpm_job_is_pending(const xpm_job *job)
{
    if (!is_run(job))
        return false;
    pthread_mutex_lock(&job->xp->mutex);
    bool pending = !job_is_over(job->xp, &(xpm__waiter){.job = job});
    pthread_mutex_unlock(&job->xp->mutex);
    return pending;
}

xpm_job_state xpm_job_wait_or(xpm_job *job, double seconds, int fd)
{
    xpm__waiter waiter = {.over = job_is_over, .job = job};
    if (is_run(job)) {
        pthread_mutex_lock(&job->xp->mutex);
        wait_until(job->xp, &waiter, seconds, fd);
        pthread_mutex_unlock(&job->xp->mutex);
    }
    return xpm__job_state(job);
}

xpm_job_state xpm_job_wait(xpm_job *job, double seconds)
{
    return xpm_job_wait_or(job, seconds, -1);
}
