/* The jobs of a view as JSON: for the command line, and for programs that read a workspace. */
#include "base/clock.h"
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

char *xpm_jobs_json(const char *workspace, const char *experiment, xpm_error *err)
{
    xpm__view view;
    xpm__str out = {0};
    if (xpm__view_open(workspace, &view, err) < 0)
        return NULL;
    int status = xpm__view_load(&view, experiment, err);
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
