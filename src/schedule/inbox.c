#include "schedule/inbox.h"

#include <pthread.h>

#include "base/mem.h"

struct xpm__inbox {
    uv_async_t *wake;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t stopped;
    bool is_stopped; /* the loop has read the word */
    xpm__news news;
};

xpm__inbox *xpm__inbox_new(uv_async_t *wake)
{
    xpm__inbox *inbox = xpm__zalloc(sizeof *inbox);
    inbox->wake = wake;
    pthread_mutex_init(&inbox->mutex, NULL);
    pthread_cond_init(&inbox->stopped, NULL);
    xpm__queue_init(&inbox->news.posted);
    return inbox;
}

void xpm__inbox_free(xpm__inbox *inbox)
{
    if (inbox == NULL)
        return;
    for (xpm_job *job = inbox->news.touched, *next; job != NULL; job = next) {
        next = job->next_touched;
        xpm_job_unref(job);
    }
    pthread_cond_destroy(&inbox->stopped);
    pthread_mutex_destroy(&inbox->mutex);
    xpm_free(inbox);
}

void xpm__inbox_tell(xpm__inbox *inbox, xpm__word word)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->news.words[word] = true;
    pthread_mutex_unlock(&inbox->mutex);
    uv_async_send(inbox->wake);
}

void xpm__inbox_post(xpm__inbox *inbox, xpm_job *job)
{
    xpm_job_ref(job);
    pthread_mutex_lock(&inbox->mutex);
    job->held = true;
    bool first = inbox->news.posted.first == NULL;
    xpm__queue_add(&inbox->news.posted, job);
    pthread_mutex_unlock(&inbox->mutex);
    if (first)
        uv_async_send(inbox->wake);
}

void xpm__inbox_touch(xpm__inbox *inbox, xpm_job *job, bool cancel)
{
    pthread_mutex_lock(&inbox->mutex);
    job->cancelling |= cancel;
    if (!job->touched) {
        job->touched = true;
        job->next_touched = inbox->news.touched;
        inbox->news.touched = xpm_job_ref(job);
    }
    pthread_mutex_unlock(&inbox->mutex);
    uv_async_send(inbox->wake);
}

void xpm__inbox_await_stop(xpm__inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    while (!inbox->is_stopped)
        pthread_cond_wait(&inbox->stopped, &inbox->mutex);
    pthread_mutex_unlock(&inbox->mutex);
}

/* ---- For the loop ------------------------------------------------------------------------------ */

void xpm__inbox_read(xpm__inbox *inbox, xpm__news *news)
{
    pthread_mutex_lock(&inbox->mutex);
    *news = inbox->news;
    if (news->posted.first == NULL)
        xpm__queue_init(&news->posted);
    xpm__queue_init(&inbox->news.posted);
    inbox->news.touched = NULL;
    inbox->news.words[XPM__WORD_CANCEL] = false;
    if (news->words[XPM__WORD_STOP] && !inbox->is_stopped) {
        inbox->is_stopped = true;
        pthread_cond_broadcast(&inbox->stopped);
    }
    pthread_mutex_unlock(&inbox->mutex);
}

bool xpm__inbox_open_job(xpm__inbox *inbox, xpm_job *job)
{
    pthread_mutex_lock(&inbox->mutex);
    bool cancel = job->cancelling;
    job->touched = job->cancelling = false;
    pthread_mutex_unlock(&inbox->mutex);
    return cancel;
}
