/* A job, from inside its own process: the same steps for native and Python tasks. */
#ifndef XPM_RUN_RUNNER_H
#define XPM_RUN_RUNNER_H

#include <experimaestro.h>

#include "record/jobdir.h"
#include "record/params.h"

enum { XPM__LEVELS = 16 };

struct xpm_task {
    xpm__params params;
    char *directory;
    xpm__status *status; /* what its status.json says; NULL for a task that is not recorded */
    xpm__progress progress[XPM__LEVELS];
    double written[XPM__LEVELS]; /* the values that status.json has */
    size_t levels;
    xpm_error *failure;                    /* what the task has said of why it ends */
    const struct xpm_instances *instances; /* of a native task, while it is executed */
};

/* Writes its status.json. */
void xpm__runner_record(xpm_task *task);
/* Forgets how far it is. */
void xpm__progress_clear(xpm_task *task);

#endif
