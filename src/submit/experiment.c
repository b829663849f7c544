#include "submit/experiment.h"

void xpm_experiment_setenv(xpm_experiment *xp, const char *name, const char *value)
{
    pthread_mutex_lock(&xp->submitting);
    xpm__variables_set(&xp->variables, name, value);
    xpm__environment_unref(xp->environment);
    xp->environment = NULL;
    pthread_mutex_unlock(&xp->submitting);
}

static void set_variables(xpm_experiment *xp, const xpm_setting_variables *variables)
{
    for (size_t i = 0; i < variables->count; i++)
        xpm_experiment_setenv(xp, variables->items[i].name, variables->items[i].value);
}

void xpm_experiment_set_settings(xpm_experiment *xp, const xpm_settings *settings,
                                 const xpm_workspace_settings *workspace)
{
    if (settings != NULL)
        set_variables(xp, &settings->env);
    if (workspace != NULL)
        set_variables(xp, &workspace->env);
}

xpm_counts xpm_experiment_counts(const xpm_experiment *xp)
{
    pthread_mutex_t *mutex = (pthread_mutex_t *)&xp->mutex;
    pthread_mutex_lock(mutex);
    xpm_counts counts = {.waiting = xp->by_state[XPM_JOB_WAITING] + xp->by_state[XPM_JOB_READY],
                         .running = xpm__experiment_running(xp),
                         .transient = xp->by_state[XPM_JOB_TRANSIENT],
                         .done = xp->by_state[XPM_JOB_DONE],
                         .failed = xp->by_state[XPM_JOB_ERROR],
                         .submitted = xp->handed,
                         .started = xp->started};
    pthread_mutex_unlock(mutex);
    return counts;
}

xpm_job *xpm_experiment_job(const xpm_experiment *xp, size_t i)
{
    return i < xp->job_count ? xp->jobs[i] : NULL;
}

const char *xpm_experiment_workspace(const xpm_experiment *xp)
{
    return xp->workspace->path;
}

const char *xpm_experiment_name(const xpm_experiment *xp)
{
    return xp->name;
}

const char *xpm_experiment_run(const xpm_experiment *xp)
{
    return xp->run != NULL ? xp->run->run : NULL;
}

const char *xpm_experiment_run_directory(const xpm_experiment *xp)
{
    return xp->run != NULL ? xp->run->path : NULL;
}
