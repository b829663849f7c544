/* A job, from inside its own process: the same steps for native and Python tasks. */
#ifndef XPM_RUN_RUNNER_H
#define XPM_RUN_RUNNER_H

#include <experimaestro.h>

#include "record/params.h"

struct xpm_task {
    xpm__params params;
    char *directory;
};

#endif
