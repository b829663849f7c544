#include "schedule/ahead.h"

#include "base/mem.h"

const char *xpm__ahead_id(const xpm_job *job)
{
    const xpm__run *run = job->run;
    const char *id = run != NULL && run->site->table->id != NULL ? run->site->table->id(run) : "";
    return id[0] != '\0' ? id : NULL;
}

/* Whether a dependency is no hindrance: it is done, or in the same queue. */
static bool is_there(const xpm_job *dependency, const xpm__launcher_table *table)
{
    return xpm__job_state(dependency) == XPM_JOB_DONE ||
           (xpm__ahead_id(dependency) != NULL && dependency->run->site->table == table);
}

bool xpm__ahead_may(const xpm_job *job)
{
    const xpm_launcher *launcher = job->launcher;
    if (launcher == NULL || launcher->table->id == NULL || job->parked || job->cancelled ||
        xpm__job_state(job) != XPM_JOB_WAITING)
        return false;
    for (size_t i = 0; i < job->dependency_count; i++)
        if (!is_there(job->dependencies[i], launcher->table))
            return false;
    return true;
}

size_t xpm__ahead_blocked(const xpm_job *job, bool *failed)
{
    const xpm__launcher_table *table = job->launcher != NULL ? job->launcher->table : NULL;
    size_t blocked = 0;
    bool all = true;
    *failed = false;
    for (size_t i = 0; i < job->dependency_count; i++) {
        xpm_job_state state = xpm__job_state(job->dependencies[i]);
        *failed |= state == XPM_JOB_ERROR;
        blocked += state != XPM_JOB_DONE;
        all &= is_there(job->dependencies[i], table);
    }
    return all ? 0 : blocked;
}

xpm__ahead xpm__ahead_of(const xpm_job *job)
{
    size_t count = 0, size = job->dependency_count + 1;
    xpm__ahead ahead = {.ids = xpm__zalloc(size * sizeof *ahead.ids),
                        .folders = xpm__zalloc(size * sizeof *ahead.folders)};
    for (size_t i = 0; i < job->dependency_count; i++) {
        const xpm_job *dependency = job->dependencies[i];
        const char *id = xpm__ahead_id(dependency);
        if (id == NULL || xpm__job_state(dependency) == XPM_JOB_DONE)
            continue;
        ahead.ids[count] = id;
        ahead.folders[count++] = dependency->directory;
    }
    return ahead;
}

void xpm__ahead_clear(xpm__ahead *ahead)
{
    xpm_free(ahead->ids);
    xpm_free(ahead->folders);
}
