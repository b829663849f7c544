/* A first-in first-out list of jobs, linked by their `next`: a job is in one of them at most. */
#ifndef XPM_SCHEDULE_QUEUE_H
#define XPM_SCHEDULE_QUEUE_H

#include "submit/job.h"

typedef struct xpm__queue {
    xpm_job *first, **last;
} xpm__queue;

static inline void xpm__queue_init(xpm__queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

static inline void xpm__queue_add(xpm__queue *q, xpm_job *job)
{
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
}

static inline void xpm__queue_add_first(xpm__queue *q, xpm_job *job)
{
    job->next = q->first;
    if (q->first == NULL)
        q->last = &job->next;
    q->first = job;
}

static inline xpm_job *xpm__queue_take(xpm__queue *q)
{
    xpm_job *job = q->first;
    if (job != NULL) {
        q->first = job->next;
        if (q->first == NULL)
            q->last = &q->first;
    }
    return job;
}

/* Whether it was there. */
static inline bool xpm__queue_remove(xpm__queue *q, const xpm_job *job)
{
    xpm_job **link = &q->first;
    while (*link != NULL && *link != job)
        link = &(*link)->next;
    if (*link == NULL)
        return false;
    *link = job->next;
    if (*link == NULL)
        q->last = link;
    return true;
}

#endif
