/* explain: why a job is where it is. */
#include <stdio.h>

#include "cli/cli.h"
#include "watch/explain.h"

static void print(const cli_call *call, const xpm__view *view, const xpm__job_view *job)
{
    xpm__explanation explanation;
    xpm__str out = {0};
    xpm__explain_job(view, job, &explanation);
    if (cli_flag(call, "json")) {
        xpm__explanation_print(view, job, &explanation, &out);
        puts(out.data);
    } else {
        fputs(explanation.sentences.data, stdout);
    }
    xpm__str_free(&out);
    xpm__explanation_clear(&explanation);
}

int cmd_explain(const cli_call *call)
{
    xpm_error err = {0};
    xpm__view view;
    const xpm__job_view *job = NULL;
    if (xpm__view_open(cli_workdir(call), &view, &err) < 0)
        return cli_fail(&err);
    if (xpm__view_load(&view, NULL, &err) == 0)
        job = xpm__view_find(&view, call->arguments[0], &err);
    if (job != NULL)
        print(call, &view, job);
    xpm__view_close(&view);
    return job != NULL ? CLI_OK : cli_fail(&err);
}
