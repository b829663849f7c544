/* Why jobs of a plan would run: what differs from the nearest finished jobs. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "record/explain.h"
#include "record/jobdir.h"
#include "submit/job.h"

/* How deep a plan's jobs are compared: what differs deeper is named, and not looked into. */
enum { PLAN_DEPTH = 16, REASONS_PRINTED = 20 };

static int open_workspace(const xpm__workspace *workspace)
{
    return open(workspace->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static xpm__jobdir_state state_on_disk(const xpm_job *job)
{
    xpm__jobdir_state state = {0};
    int dir = open(job->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        xpm__jobdir_read(dir, xpm_job_name(job), &state);
        close(dir);
    }
    return state;
}

/* ---- One job ---------------------------------------------------------------------------------- */

static char *explain_planned(const xpm_job *job)
{
    xpm__graph graph = {0};
    xpm__finished finished = {
        .graph = &graph, .workspace = open_workspace(job->workspace), .most = XPM__FINISHED_ONE};
    xpm__against against;
    xpm__str out = {0};
    char *name = xpm__short_name(xpm_job_type(job), job->hex);
    xpm__node *node = xpm__graph_add(&graph, job->config);
    xpm__against_find(&against, &finished, node, SIZE_MAX, XPM__DEPTH_MOST);
    xpm__str_printf(&out, "%s would run: ", name);
    xpm__against_print(&against, &out);
    xpm__str_puts(&out, ".\n");
    xpm__against_clear(&against);
    if (finished.workspace >= 0)
        close(finished.workspace);
    xpm__finished_free(&finished);
    xpm__graph_free(&graph);
    xpm_free(name);
    return xpm__str_take(&out);
}

char *xpm_job_explain(xpm_job *job)
{
    xpm_error err = {0};
    char *text = NULL, *key = xpm__format("%s/%s", xpm_job_type(job), job->hex);
    bool run = job->xp != NULL && job->xp->run != NULL && job->handed;
    if (run)
        (void)xpm__rundir_flush(job->xp->run);
    if (run || state_on_disk(job).state != XPM_JOB_UNSCHEDULED)
        text = xpm_explain(job->workspace->path, key, &err);
    xpm_free(key);
    return text != NULL ? text : explain_planned(job);
}

/* ---- A plan ----------------------------------------------------------------------------------- */

/* Why some jobs of a type would run: the places where they differ from their nearest. */
typedef struct reason {
    char *paths;  /* "$.epochs, $.model.gamma" */
    char *values; /* "$.epochs (10 -> 20), ...": of the first job */
    char *key;    /* TYPE/HASH of the nearest to that one */
    bool varies;  /* other jobs have other values */
    size_t count;
} reason;

typedef struct group {
    const char *type;
    size_t jobs, done, running, again, run;
    size_t read, total; /* finished jobs */
    reason *reasons;
    size_t reason_count, reason_capacity;
    xpm__map by_paths; /* to place in `reasons`, from 1 */
} group;

typedef struct plan {
    xpm_experiment *xp;
    xpm__graph graph;
    xpm__finished finished;
    group **groups;
    size_t group_count, group_capacity;
    xpm__map by_type;
} plan;

static group *group_of(plan *p, const char *type)
{
    group *g = xpm__map_find(&p->by_type, type);
    if (g != NULL)
        return g;
    g = xpm__zalloc(sizeof *g);
    g->type = type;
    p->groups = xpm__grow(p->groups, &p->group_capacity, p->group_count, sizeof(group *));
    p->groups[p->group_count++] = g;
    xpm__map_set(&p->by_type, type, g);
    return g;
}

static void print_paths(const xpm__differences *differences, xpm__str *out)
{
    for (size_t i = 0; i < differences->count; i++)
        xpm__str_printf(out, "%s%s", i > 0 ? ", " : "", differences->items[i].path);
}

static void print_values(const xpm__differences *differences, xpm__str *out)
{
    for (size_t i = 0; i < differences->count; i++) {
        const struct xpm__difference *each = &differences->items[i];
        xpm__str_printf(out, "%s%s (", i > 0 ? ", " : "", each->path);
        xpm__explain_value(each->from, out);
        xpm__str_puts(out, " -> ");
        xpm__explain_value(each->to, out);
        xpm__str_putc(out, ')');
    }
}

static void add_reason(group *g, const xpm__against *against)
{
    xpm__str paths = {0}, values = {0};
    print_paths(&against->differences, &paths);
    print_values(&against->differences, &values);
    const char *text = paths.data != NULL ? paths.data : "";
    reason *found = NULL;
    uintptr_t place = (uintptr_t)xpm__map_find(&g->by_paths, text);
    if (place == 0) {
        g->reasons =
            xpm__grow(g->reasons, &g->reason_capacity, g->reason_count, sizeof *g->reasons);
        found = &g->reasons[g->reason_count++];
        *found = (reason){.paths = xpm__str_take(&paths),
                          .values = xpm__str_take(&values),
                          .key = xpm__strdup(against->key)};
        xpm__map_set(&g->by_paths, found->paths, (void *)(uintptr_t)g->reason_count);
    } else {
        found = &g->reasons[place - 1];
        found->varies |= strcmp(found->values, values.data != NULL ? values.data : "") != 0;
    }
    found->count++;
    xpm__str_free(&paths);
    xpm__str_free(&values);
}

static void explain_new(plan *p, group *g, const xpm_job *job)
{
    xpm__against against;
    g->run++;
    xpm__against_find(&against, &p->finished, xpm__graph_add(&p->graph, job->config),
                      XPM__FINISHED_SCAN, PLAN_DEPTH);
    g->read = against.read;
    g->total = against.total;
    if (against.key != NULL)
        add_reason(g, &against);
    xpm__against_clear(&against);
}

static void explain_job(plan *p, const xpm_job *job)
{
    group *g = group_of(p, xpm_job_type(job));
    xpm__jobdir_state state = state_on_disk(job);
    g->jobs++;
    if (state.state == XPM_JOB_DONE)
        g->done++;
    else if (state.state == XPM_JOB_RUNNING)
        g->running++;
    else if (state.state == XPM_JOB_ERROR)
        g->again++;
    else
        explain_new(p, g, job);
}

/* The finished jobs of all types that would run, before any is compared: the one holds the other. */
static void read_finished(plan *p)
{
    for (size_t i = 0; i < p->xp->job_count; i++) {
        const xpm_job *job = p->xp->jobs[i];
        if (job->handed && !xpm_job_is_done(job))
            xpm__finished_read(&p->finished, xpm_job_type(job));
    }
}

static int compare_reasons(const void *a, const void *b)
{
    const reason *left = a, *right = b;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return strcmp(left->paths, right->paths);
}

static int compare_groups(const void *a, const void *b)
{
    return strcmp((*(group *const *)a)->type, (*(group *const *)b)->type);
}

/* ---- Printing --------------------------------------------------------------------------------- */

static void print_counts(const char *what, const group *g, xpm__str *out)
{
    xpm__str_printf(out, "%s: %zu %s: %zu done, %zu would run", what, g->jobs,
                    g->jobs == 1 ? "job" : "jobs", g->done, g->run);
    if (g->again > 0)
        xpm__str_printf(out, ", %zu would run again after a failure", g->again);
    if (g->running > 0)
        xpm__str_printf(out, ", %zu run", g->running);
    xpm__str_putc(out, '\n');
}

static void print_reason(const group *g, const reason *r, xpm__str *out)
{
    char *name = xpm__short_name(g->type, r->key + strlen(g->type) + 1);
    xpm__str_printf(out, "  %zu because of %s against %s%s\n", r->count,
                    r->varies ? r->paths : r->values, name, r->count > 1 ? " and others" : "");
    xpm_free(name);
}

static void print_group(const group *g, xpm__str *out)
{
    size_t printed = 0, shown = 0;
    print_counts(g->type, g, out);
    for (; printed < g->reason_count && printed < REASONS_PRINTED; printed++) {
        print_reason(g, &g->reasons[printed], out);
        shown += g->reasons[printed].count;
    }
    size_t others = 0;
    for (size_t i = printed; i < g->reason_count; i++)
        others += g->reasons[i].count;
    if (others > 0)
        xpm__str_printf(out, "  %zu for %zu other reasons\n", others, g->reason_count - printed);
    if (g->run > shown + others)
        xpm__str_printf(out, "  %zu with no finished job to compare with\n",
                        g->run - shown - others);
    if (g->read < g->total)
        xpm__str_printf(out, "  compared with the latest %zu of %zu finished jobs\n", g->read,
                        g->total);
}

static void print_plan(const plan *p, xpm__str *out)
{
    group all = {0};
    for (size_t i = 0; i < p->group_count; i++) {
        const group *g = p->groups[i];
        print_group(g, out);
        all.jobs += g->jobs;
        all.done += g->done;
        all.running += g->running;
        all.again += g->again;
        all.run += g->run;
    }
    print_counts("total", &all, out);
}

static void sort(plan *p)
{
    if (p->group_count > 0)
        qsort(p->groups, p->group_count, sizeof *p->groups, compare_groups);
    for (size_t i = 0; i < p->group_count; i++)
        if (p->groups[i]->reason_count > 0)
            qsort(p->groups[i]->reasons, p->groups[i]->reason_count, sizeof(reason),
                  compare_reasons);
}

static void clear(plan *p)
{
    for (size_t i = 0; i < p->group_count; i++) {
        group *g = p->groups[i];
        for (size_t j = 0; j < g->reason_count; j++) {
            xpm_free(g->reasons[j].paths);
            xpm_free(g->reasons[j].values);
            xpm_free(g->reasons[j].key);
        }
        xpm_free(g->reasons);
        xpm__map_free(&g->by_paths);
        xpm_free(g);
    }
    xpm_free(p->groups);
    xpm__map_free(&p->by_type);
    if (p->finished.workspace >= 0)
        close(p->finished.workspace);
    xpm__finished_free(&p->finished);
    xpm__graph_free(&p->graph);
}

char *xpm_experiment_explain(xpm_experiment *xp)
{
    xpm__str out = {0};
    plan p = {.xp = xp};
    p.finished = (xpm__finished){
        .graph = &p.graph, .workspace = open_workspace(xp->workspace), .most = XPM__FINISHED_PLAN};
    read_finished(&p);
    for (size_t i = 0; i < xp->job_count; i++)
        if (xp->jobs[i]->handed)
            explain_job(&p, xp->jobs[i]);
    sort(&p);
    print_plan(&p, &out);
    clear(&p);
    return xpm__str_take(&out);
}
