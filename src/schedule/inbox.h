/* What other threads say to a scheduler: jobs to take in, jobs to look at again, and words that hold from
 * then on. Its loop is woken, and reads it. */
#ifndef XPM_SCHEDULE_INBOX_H
#define XPM_SCHEDULE_INBOX_H

#include <uv.h>

#include "schedule/queue.h"

typedef struct xpm__inbox xpm__inbox;

/* `wake` is sent when there is something to read; borrowed, and open before anything is said. New. */
xpm__inbox *xpm__inbox_new(uv_async_t *wake);
void xpm__inbox_free(xpm__inbox *inbox); /* accepts NULL */

/* From any thread: */
typedef enum xpm__word {
    XPM__WORD_STOP,      /* start nothing further */
    XPM__WORD_CANCEL,    /* tell all that runs to end: once */
    XPM__WORD_HAND_OVER, /* let jobs go ahead of what they depend on */
    XPM__WORD_QUIT,      /* leave the loop */
    XPM__WORD_COUNT
} xpm__word;
void xpm__inbox_tell(xpm__inbox *inbox, xpm__word word);
void xpm__inbox_post(xpm__inbox *inbox, xpm_job *job); /* takes a reference, to be held */
void xpm__inbox_touch(xpm__inbox *inbox, xpm_job *job, bool cancel);
/* Waits until the loop has read the word STOP. */
void xpm__inbox_await_stop(xpm__inbox *inbox);

/* For the loop's thread: what is there, which is the caller's from then on. */
typedef struct xpm__news {
    xpm__queue posted;
    xpm_job *touched; /* linked by next_touched; each a reference */
    bool words[XPM__WORD_COUNT];
} xpm__news;
void xpm__inbox_read(xpm__inbox *inbox, xpm__news *news);
/* A job that was touched is looked at: it may be touched again. Whether it is to be cancelled. */
bool xpm__inbox_open_job(xpm__inbox *inbox, xpm_job *job);

#endif
