/* The jobs of a view as JSON: for the command line, and for programs that read a workspace. */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "watch/view.h"

static void print_time(xpm__str *out, const char *key, double seconds)
{
    char text[XPM__TIME_SIZE];
    if (seconds > 0)
        xpm__clock_iso(seconds, text);
    xpm__json_pair(out, key, seconds > 0 ? text : NULL);
}

void xpm__view_print_job(const xpm__view *view, const xpm__job_view *job, xpm__str *out)
{
    const xpm__jobdir_state *state = &job->state;
    char *path = xpm__format("%s/jobs/%s", view->workspace, job->key);
    xpm__json_open(out, '{');
    xpm__json_pair(out, "job_id", job->hash);
    xpm__json_pair(out, "task_id", job->type);
    xpm__json_pair(out, "state", xpm_job_state_text(state->state));
    xpm__json_pair(out, "failure_reason",
                   state->reason != XPM_REASON_NONE ? xpm_reason_text(state->reason) : NULL);
    xpm__json_pair(out, "message", state->message[0] != '\0' ? state->message : NULL);
    print_time(out, "started_time", state->started);
    print_time(out, "ended_time", state->ended);
    xpm__json_pair(out, "experiment", job->experiment);
    xpm__json_pair(out, "path", path);
    xpm__str_printf(out, ",\"tags\":%s}", job->tags != NULL ? job->tags : "{}");
    xpm_free(path);
}

char *xpm_jobs_json(const char *workspace, const char *experiment, unsigned states, xpm_error *err)
{
    xpm__view view;
    xpm__str out = {0};
    if (xpm__view_open(workspace, &view, err) < 0)
        return NULL;
    int status = states == XPM_ALL_STATES
                     ? xpm__view_load(&view, experiment, err)
                     : xpm__view_load_states(&view, experiment, states, true, err);
    xpm__json_open(&out, '[');
    for (size_t i = 0; status == 0 && i < view.job_count; i++)
        xpm__view_print_job(&view, view.jobs[i], &out);
    xpm__json_close(&out, ']');
    xpm__view_close(&view);
    if (status == 0)
        return xpm__str_take(&out);
    xpm__str_free(&out);
    return NULL;
}

/* All jobs of the workspace: those that no experiment lists count, too. */
static int count_all(xpm__view *view, size_t counts[XPM_JOB_STATE_COUNT], xpm_error *err)
{
    if (xpm__view_load(view, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < view->job_count; i++)
        counts[view->jobs[i]->state.state]++;
    return 0;
}

int xpm_jobs_count(const char *workspace, const char *experiment,
                   size_t counts[XPM_JOB_STATE_COUNT], xpm_error *err)
{
    xpm__view view;
    int status = 0;
    memset(counts, 0, XPM_JOB_STATE_COUNT * sizeof *counts);
    if (xpm__view_open(workspace, &view, err) < 0)
        return -1;
    if (experiment == NULL)
        status = count_all(&view, counts, err);
    else if ((status = xpm__view_count(&view, experiment, err)) == 0)
        memcpy(counts, view.experiments[0].by_state, XPM_JOB_STATE_COUNT * sizeof *counts);
    xpm__view_close(&view);
    return status;
}

static int find_state(const char *name, size_t size)
{
    for (int state = 0; state < XPM_JOB_STATE_COUNT; state++) {
        const char *text = xpm_job_state_text((xpm_job_state)state);
        if (strlen(text) == size && strncasecmp(text, name, size) == 0)
            return state;
    }
    return -1;
}

static int unknown_state(const char *name, size_t size, xpm_error *err)
{
    const char *texts[XPM_JOB_STATE_COUNT];
    xpm__str all = {0};
    for (int state = 0; state < XPM_JOB_STATE_COUNT; state++) {
        texts[state] = xpm_job_state_text((xpm_job_state)state);
        xpm__str_printf(&all, "%s%s", state > 0 ? ", " : "", texts[state]);
    }
    char *given = xpm__strndup(name, size);
    const char *near = xpm__nearest(given, texts, XPM_JOB_STATE_COUNT);
    xpm__fail(err, XPM_E_UNKNOWN, given, "no state is named \"%s\"%s%s%s They are: %s", given,
              near != NULL ? "; did you mean " : "", near != NULL ? near : "",
              near != NULL ? "?" : ".", all.data);
    xpm_free(given);
    xpm__str_free(&all);
    return -1;
}

int xpm_states_parse(const char *names, unsigned *states, xpm_error *err)
{
    *states = 0;
    for (const char *name = names;; name++) {
        size_t size = strcspn(name, ",");
        int state = find_state(name, size);
        if (state < 0)
            return unknown_state(name, size, err);
        *states |= 1u << state;
        name += size;
        if (*name == '\0')
            return 0;
    }
}
