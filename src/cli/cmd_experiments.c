/* experiments list. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "watch/view.h"

/* A run that says it runs, and holds no lock, has crashed. */
static const char *status_of(const xpm__experiment_view *experiment)
{
    if (experiment->running)
        return "running";
    if (experiment->status == NULL || strcmp(experiment->status, "running") == 0)
        return "crashed";
    return experiment->status;
}

static void print_json(const xpm__experiment_view *experiment)
{
    xpm__str out = {0};
    xpm__json_open(&out, '{');
    xpm__json_pair(&out, "experiment_id", experiment->name);
    xpm__json_pair(&out, "run_id", experiment->run);
    xpm__json_pair(&out, "status", status_of(experiment));
    xpm__json_pair(&out, "hostname", experiment->host);
    xpm__json_pair_int(&out, "jobs", (int64_t)experiment->jobs);
    xpm__json_pair_int(&out, "done", (int64_t)experiment->by_state[XPM_JOB_DONE]);
    xpm__json_pair_int(&out, "failed", (int64_t)experiment->by_state[XPM_JOB_ERROR]);
    xpm__json_close(&out, '}');
    puts(out.data);
    xpm__str_free(&out);
}

int cmd_experiments_list(const cli_call *call)
{
    xpm_error err = {0};
    xpm__view view;
    if (xpm__view_open(cli_workdir(call), &view, &err) < 0)
        return cli_fail(&err);
    if (xpm__view_count(&view, NULL, &err) < 0) {
        xpm__view_close(&view);
        return cli_fail(&err);
    }
    for (size_t i = 0; i < view.experiment_count; i++) {
        const xpm__experiment_view *experiment = &view.experiments[i];
        if (cli_value(call, "json") != NULL)
            print_json(experiment);
        else
            printf("%s [%s] %s %s (%zu/%zu jobs%s)\n", experiment->name,
                   experiment->host != NULL ? experiment->host : "?", experiment->run,
                   status_of(experiment), experiment->by_state[XPM_JOB_DONE], experiment->jobs,
                   experiment->by_state[XPM_JOB_ERROR] > 0 ? ", some failed" : "");
    }
    xpm__view_close(&view);
    return CLI_OK;
}
