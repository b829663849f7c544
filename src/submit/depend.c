/* What a job depends on, from its data: a configuration that is the output of a task, met anywhere
 * in the parameters, is an edge. The walk does not go beyond it. */
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "submit/job.h"

typedef struct walk {
    xpm_job *job;
    xpm__ptrmap seen;
    xpm_error *err;
} walk;

static int add(walk *w, xpm_job *dependency)
{
    xpm_job *job = w->job;
    if (!dependency->handed)
        return xpm__fail(w->err, XPM_E_STATE, dependency->directory,
                         "%s/%s was prepared and never submitted: what depends on it would wait "
                         "for ever",
                         xpm_job_type(dependency), dependency->hex);
    if (dependency == job || !xpm__ptrmap_add(&w->seen, dependency, 0))
        return 0;
    job->dependencies = xpm__grow(job->dependencies, &job->dependency_capacity,
                                  job->dependency_count, sizeof(xpm_job *));
    job->dependencies[job->dependency_count++] = dependency;
    return 0;
}

/* A task of another experiment is no edge, but it must have been done. */
static int check_elsewhere(walk *w, const xpm_config *task, const char *hex)
{
    const xpm__workspace *workspace = w->job->workspace;
    char *directory = xpm__workspace_job(workspace, task->class_->name, hex);
    char *done = xpm__format("%s/%s.done", directory, xpm__class_short_name(task->class_));
    bool is_done = xpm__file_exists(AT_FDCWD, done);
    if (!is_done)
        xpm__fail(w->err, XPM_E_STATE, directory,
                  "%s/%s was submitted to another experiment, and is not done in this workspace: "
                  "submit it here too",
                  task->class_->name, hex);
    xpm_free(directory);
    xpm_free(done);
    return is_done ? 0 : -1;
}

static int visit(void *user, xpm_config *config, const char *relative)
{
    walk *w = user;
    char hex[XPM_HEX_SIZE];
    (void)relative;
    if (!xpm__ptrmap_add(&w->seen, config, 0))
        return 0;
    if (config->task == NULL || config->task == w->job->config)
        return xpm__config_children(config, visit, w);
    xpm_identifier_hex(config->task->identifier, hex);
    xpm_job *dependency = xpm__map_find(&w->job->xp->table, hex);
    if (dependency == NULL)
        return check_elsewhere(w, config->task, hex);
    return add(w, dependency);
}

int xpm__job_find_dependencies(xpm_job *job, xpm_error *err)
{
    walk w = {.job = job, .err = err};
    int status = xpm__config_children(job->config, visit, &w);
    xpm__ptrmap_free(&w.seen);
    return status;
}
