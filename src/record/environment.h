/* environment.json: what a run was started with, for who must understand or repeat it later. It is
 * captured once, in the background; nobody waits for it but the end of the run, for a moment. Here
 * is also what is asked of the sources before a run begins. */
#ifndef XPM_RECORD_ENVIRONMENT_H
#define XPM_RECORD_ENVIRONMENT_H

#include <experimaestro.h>

#include "record/workspace.h"

typedef struct xpm__capture xpm__capture;

/* Starts to capture for the run `name` whose folder is `run`. New: xpm__capture_end. */
xpm__capture *xpm__capture_start(const char *run, const char *name, double started,
                                 const xpm_experiment_options *options);
/* Waits until it has written, but no more than a moment: then what git did not say is left out, and
 * a command that captures is left to itself. Accepts NULL. */
void xpm__capture_end(xpm__capture *capture);

/* Warns, or refuses, as options->dirty_git says. Errors: DIRTY. */
int xpm__environment_check(const xpm__workspace *workspace, const xpm_experiment_options *options,
                           xpm_error *err);

#endif
