/* What a job depends on, from its data: a configuration that is the output of a task, met anywhere
 * in the parameters, is an edge, and so is one that was given as a dependency. The walk does not go
 * beyond it. What a task announced while it runs is an edge that is recorded, and not waited for. */
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/walk.h"
#include "submit/job.h"

typedef struct search {
    xpm_job *job;
    xpm__ptrmap found; /* jobs that are dependencies */
    xpm_job **soft;    /* those that are not waited for, if they are not among these */
    size_t soft_count, soft_capacity;
    xpm_error *err;
} search;

static void append(search *s, xpm_job *dependency)
{
    xpm_job *job = s->job;
    size_t count = job->dependency_count + job->soft_count;
    job->dependencies =
        xpm__grow(job->dependencies, &job->dependency_capacity, count, sizeof(xpm_job *));
    job->dependencies[count] = dependency;
}

static int add(search *s, xpm_job *dependency)
{
    xpm_job *job = s->job;
    if (!dependency->handed)
        return xpm__fail(s->err, XPM_E_STATE, dependency->directory,
                         "%s/%s was prepared and never submitted: what depends on it would wait "
                         "for ever",
                         xpm_job_type(dependency), dependency->hex);
    if (dependency == job || !xpm__ptrmap_add(&s->found, dependency, 0))
        return 0;
    append(s, dependency);
    job->dependency_count++;
    return 0;
}

static void add_soft(search *s, xpm_job *dependency)
{
    s->soft = xpm__grow(s->soft, &s->soft_capacity, s->soft_count, sizeof(xpm_job *));
    s->soft[s->soft_count++] = dependency;
}

/* Behind the others, once these are known. */
static void append_soft(search *s)
{
    for (size_t i = 0; i < s->soft_count; i++) {
        if (s->soft[i] == s->job || !xpm__ptrmap_add(&s->found, s->soft[i], 0))
            continue;
        append(s, s->soft[i]);
        s->job->soft_count++;
    }
    xpm_free(s->soft);
}

/* A task of another experiment is no edge, but it must have been done. */
static int check_elsewhere(search *s, const xpm_config *task, const char *hex)
{
    const xpm__workspace *workspace = s->job->workspace;
    char *directory = xpm__workspace_job(workspace, task->class_->name, hex);
    char *done = xpm__format("%s/%s.done", directory, xpm__class_short_name(task->class_));
    bool is_done = xpm__file_exists(AT_FDCWD, done);
    if (!is_done)
        xpm__fail(s->err, XPM_E_STATE, directory,
                  "%s/%s was submitted to another experiment, and is not done in this workspace: "
                  "submit it here too",
                  task->class_->name, hex);
    xpm_free(directory);
    xpm_free(done);
    return is_done ? 0 : -1;
}

static int visit(void *user, xpm_config *config, const xpm__walk *walk)
{
    search *s = user;
    char hex[XPM_HEX_SIZE];
    (void)walk;
    bool own = config == s->job->config || config->task == s->job->config;
    if (config->task == NULL || config->loaded || own)
        return XPM__WALK_ON;
    xpm_identifier_hex(config->task->identifier, hex);
    xpm_job *dependency = xpm__map_find(&s->job->xp->table, hex);
    if (config->soft) {
        if (dependency != NULL)
            add_soft(s, dependency);
        return XPM__WALK_PAST;
    }
    int status = dependency != NULL ? add(s, dependency) : check_elsewhere(s, config->task, hex);
    return status < 0 ? XPM__WALK_STOP : XPM__WALK_PAST;
}

int xpm__job_find_dependencies(xpm_job *job, xpm_error *err)
{
    search s = {.job = job, .err = err};
    xpm__ptrmap seen = {0};
    int status =
        xpm__walk_from(job->config, &(xpm__walker){.enter = visit, .user = &s, .seen = &seen});
    xpm_config *on;
    for (size_t i = 0; status == 0 && (on = xpm_config_dependency(job->config, i)) != NULL; i++)
        status = visit(&s, on, NULL) == XPM__WALK_STOP ? -1 : 0;
    append_soft(&s);
    xpm__ptrmap_free(&seen);
    xpm__ptrmap_free(&s.found);
    return status;
}
