/* Why a job is where it is, in sentences: its state and the evidence, what it waits for, and how it
 * differs from the nearest finished job. Only the workspace is read: a run that lives, has crashed or
 * has ended is explained alike. */
#ifndef XPM_WATCH_EXPLAIN_H
#define XPM_WATCH_EXPLAIN_H

#include "record/explain.h"
#include "watch/view.h"

/* What a job waits for, or what kept it from starting. */
typedef struct xpm__blocker {
    const xpm__job_view *job; /* borrowed from the view */
    double since;             /* when it came to its state; 0 when not known */
    char *needs;              /* what it has of the machine, when that was said; or NULL */
} xpm__blocker;

typedef struct xpm__explanation {
    xpm__str sentences; /* one a line; what belongs to one follows it, indented by two */
    xpm__blocker *blockers;
    size_t blocker_count, blocker_capacity;
    xpm__graph graph;
    xpm__against against; /* nothing for a job that is done, or has no parameters on disk */
} xpm__explanation;

/* Fills an explanation. New: xpm__explanation_clear, before the view is closed. */
void xpm__explain_job(const xpm__view *view, const xpm__job_view *job,
                      xpm__explanation *explanation);
/* Appends it as one JSON object, with what is known of the job. */
void xpm__explanation_print(const xpm__view *view, const xpm__job_view *job,
                            const xpm__explanation *explanation, xpm__str *out);
void xpm__explanation_clear(xpm__explanation *explanation);

#endif
