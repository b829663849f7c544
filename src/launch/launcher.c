/* What all launchers share. */
#include "launch/launcher.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "launch/requirement.h"

xpm_launcher *xpm__launcher_new(const xpm__launcher_table *table, size_t size)
{
    xpm_launcher *launcher = xpm__zalloc(size);
    launcher->table = table;
    launcher->refs = 1;
    return launcher;
}

char **xpm__words_copy(const char *const *words)
{
    size_t count = 0;
    if (words == NULL || words[0] == NULL)
        return NULL;
    while (words[count] != NULL)
        count++;
    char **copy = xpm__zalloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = xpm__strdup(words[i]);
    return copy;
}

void xpm__words_free(char **words)
{
    for (size_t i = 0; words != NULL && words[i] != NULL; i++)
        xpm_free(words[i]);
    xpm_free(words);
}

xpm_launcher *xpm__launcher_named(const xpm__pid *pid)
{
    if (strcmp(pid->launcher, xpm__local_table.name) == 0)
        return xpm_launcher_local(NULL, NULL);
    if (strcmp(pid->launcher, xpm__slurm_table.name) == 0)
        return xpm_launcher_slurm(NULL, NULL);
    if (strcmp(pid->launcher, xpm__ssh_table.name) == 0)
        return xpm_launcher_ssh(&(xpm_ssh_options){.host = pid->id}, NULL);
    return NULL;
}

xpm_launcher *xpm_launcher_ref(xpm_launcher *launcher)
{
    if (launcher != NULL)
        __atomic_add_fetch(&launcher->refs, 1, __ATOMIC_RELAXED);
    return launcher;
}

void xpm_launcher_unref(xpm_launcher *launcher)
{
    if (launcher == NULL || __atomic_sub_fetch(&launcher->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (launcher->table->free != NULL)
        launcher->table->free(launcher);
    xpm__variables_free(&launcher->variables);
    xpm_requirement_free(launcher->requirement);
    xpm_free(launcher->needs);
    xpm_free(launcher->python);
    xpm_free(launcher);
}

const char *xpm_launcher_name(const xpm_launcher *launcher)
{
    return launcher->table->name;
}

void xpm_launcher_setenv(xpm_launcher *launcher, const char *name, const char *value)
{
    xpm__variables_set(&launcher->variables, name, value);
}

void xpm_launcher_set_priority(xpm_launcher *launcher, int priority)
{
    launcher->priority = priority;
}

void xpm_launcher_set_limits(xpm_launcher *launcher, const xpm_limits *limits)
{
    launcher->limits = *limits;
}

int xpm_launcher_require(xpm_launcher *launcher, const xpm_requirement *requirement, xpm_error *err)
{
    if (launcher->table->can != NULL && launcher->table->can(launcher, requirement, err) < 0)
        return -1;
    xpm_requirement_free(launcher->requirement);
    xpm_free(launcher->needs);
    launcher->requirement = xpm__requirement_copy(requirement);
    launcher->needs = xpm_requirement_print(requirement);
    return 0;
}

/* ---- Of jobs ---------------------------------------------------------------------------------- */

void xpm_job_set_launcher(xpm_job *job, xpm_launcher *launcher)
{
    xpm_launcher *old = job->launcher;
    if (job->handed)
        return;
    job->launcher = xpm_launcher_ref(launcher);
    xpm_launcher_unref(old);
    xpm_free(job->needs);
    job->needs = launcher != NULL && launcher->table->is_here ? xpm__strdup(launcher->needs) : NULL;
}

void xpm__job_settle(xpm_job *job)
{
    const xpm_launcher *launcher = job->launcher;
    xpm_limits limits = job->xp->limits;
    for (size_t i = 0; launcher != NULL && i < launcher->variables.count; i++)
        xpm__variables_add(&job->variables, launcher->variables.entries[i]);
    if (job->has_limits)
        return;
    if (launcher != NULL && launcher->limits.seconds > 0)
        limits.seconds = launcher->limits.seconds;
    if (launcher != NULL && launcher->limits.memory > 0)
        limits.memory = launcher->limits.memory;
    job->limits = limits;
}

void xpm_experiment_set_launcher(xpm_experiment *xp, xpm_launcher *launcher)
{
    xpm_launcher *old = xp->launcher;
    xp->launcher = xpm_launcher_ref(launcher);
    xpm_launcher_unref(old);
}

double xpm_job_remaining(xpm_job *job)
{
    double ends_by;
    __atomic_load(&job->ends_by, &ends_by, __ATOMIC_ACQUIRE);
    double left = ends_by - xpm__clock_now();
    return ends_by <= 0 ? -1 : left > 0 ? left : 0;
}

void xpm__job_set_end(xpm_job *job, double seconds)
{
    double ends_by = seconds > 0 ? xpm__clock_now() + seconds : 0;
    __atomic_store(&job->ends_by, &ends_by, __ATOMIC_RELEASE);
}
