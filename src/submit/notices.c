/* What has happened, for who listens: a queue that the threads which change states fill, and a thread
 * of the caller's empties. Nothing is kept unless somebody listens. */
#include "base/mem.h"
#include "submit/job.h"

struct xpm__notice {
    xpm_notice notice;
    struct xpm__notice *next;
};

static void free_content(xpm_notice *notice)
{
    xpm_job_unref(notice->job);
    xpm_free(notice->config);
    xpm_free(notice->method);
    xpm_value_clear(&notice->arguments);
    xpm_value_clear(&notice->named);
    *notice = (xpm_notice){0};
}

void xpm__notices_add(xpm_experiment *xp, const xpm_notice *notice)
{
    xpm__notices *notices = &xp->notices;
    xpm_notice copy = *notice;
    if (!notices->on) {
        copy.job = NULL; /* there is no reference yet */
        free_content(&copy);
        return;
    }
    struct xpm__notice *added = xpm__alloc(sizeof *added);
    *added = (struct xpm__notice){.notice = copy};
    xpm_job_ref(copy.job);
    *notices->last = added;
    notices->last = &added->next;
    pthread_cond_signal(&notices->added);
}

bool xpm__notices_are_dealt_with(const xpm_experiment *xp)
{
    const xpm__notices *notices = &xp->notices;
    return !notices->on || (notices->first == NULL && notices->given == 0 && notices->coming == 0);
}

bool xpm__notices_are_here(const xpm_experiment *xp)
{
    return xp->notices.given > 0 && pthread_equal(xp->notices.listener, pthread_self());
}

void xpm_experiment_listen(xpm_experiment *xp)
{
    pthread_mutex_lock(&xp->mutex);
    xp->notices.on = true;
    pthread_mutex_unlock(&xp->mutex);
}

void xpm_experiment_unlisten(xpm_experiment *xp)
{
    pthread_mutex_lock(&xp->mutex);
    xp->notices.on = false;
    pthread_cond_broadcast(&xp->notices.added);
    xpm__experiment_wake(xp);
    pthread_mutex_unlock(&xp->mutex);
}

/* The first of the queue; NULL when there is none. With the mutex held. */
static struct xpm__notice *take(xpm__notices *notices)
{
    struct xpm__notice *first = notices->first;
    if (first != NULL) {
        notices->first = first->next;
        if (first->next == NULL)
            notices->last = &notices->first;
    }
    return first;
}

bool xpm_experiment_next(xpm_experiment *xp, xpm_notice *notice)
{
    xpm__notices *notices = &xp->notices;
    struct xpm__notice *first;
    *notice = (xpm_notice){0};
    pthread_mutex_lock(&xp->mutex);
    while ((first = take(notices)) == NULL && notices->on)
        pthread_cond_wait(&notices->added, &xp->mutex);
    if (first != NULL) {
        notices->given++;
        notices->listener = pthread_self();
    }
    pthread_mutex_unlock(&xp->mutex);
    if (first == NULL)
        return false;
    *notice = first->notice;
    xpm_free(first);
    return true;
}

void xpm_notice_clear(xpm_notice *notice)
{
    xpm_experiment *xp = notice->job != NULL ? notice->job->xp : NULL;
    if (xp != NULL) {
        pthread_mutex_lock(&xp->mutex);
        xp->notices.given--;
        xpm__experiment_wake(xp);
        pthread_mutex_unlock(&xp->mutex);
    }
    free_content(notice);
}

void xpm_job_tell(xpm_job *job)
{
    xpm_experiment *xp = job->xp;
    if (xp == NULL)
        return;
    pthread_mutex_lock(&xp->mutex);
    xpm__notices_add(xp, &(xpm_notice){.kind = XPM_NOTICE_STATE,
                                       .job = job,
                                       .state = xpm__job_state(job),
                                       .reason = xpm_job_reason(job)});
    pthread_mutex_unlock(&xp->mutex);
}

void xpm__notices_free(xpm_experiment *xp)
{
    struct xpm__notice *left;
    while ((left = take(&xp->notices)) != NULL) {
        free_content(&left->notice);
        xpm_free(left);
    }
}
