/* Real experiments, in tests whose program is also what runs their tasks. */
#ifndef XPM_TESTS_EXPERIMENT_H
#define XPM_TESTS_EXPERIMENT_H

#include "folder.h"

/* The plan of such a program: its experiments are those of the tests. */
static inline int no_plan(xpm_experiment *xp, xpm_error *err)
{
    (void)xp;
    (void)err;
    return 0;
}

static inline xpm_experiment *open_in(const char *workspace, xpm_run_mode mode)
{
    xpm_error err = {0};
    xpm_experiment_options options = {.mode = mode, .slots = 4};
    xpm_experiment *xp = xpm_experiment_open(workspace, "test", &options, &err);
    if (xp == NULL)
        fail_msg("%s", err.message);
    return xp;
}

/* The job of a task, not submitted. New: xpm_job_unref. */
static inline xpm_job *make(xpm_experiment *xp, xpm_config *task)
{
    xpm_error err = {0};
    xpm_job *job = xpm_job_new(xp, task, &err);
    if (job == NULL)
        fail_msg("%s: %s", err.path, err.message);
    return job;
}

/* The same, submitted. */
static inline xpm_job *submit(xpm_experiment *xp, xpm_config *task)
{
    xpm_error err = {0};
    xpm_job *job = make(xp, task);
    if (xpm_job_submit(job, &err) < 0)
        fail_msg("%s: %s", err.path, err.message);
    return job;
}

#endif
