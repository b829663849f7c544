/* experiments list. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/table.h"
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

static cli_color color_of(const char *status)
{
    if (strcmp(status, "running") == 0)
        return CLI_BLUE;
    return strcmp(status, "done") == 0 ? CLI_GREEN : CLI_RED;
}

static void add_row(cli_table *table, const xpm__experiment_view *experiment)
{
    const char *status = status_of(experiment);
    cli_table_add(table, CLI_PLAIN, "%s", experiment->name);
    cli_table_add(table, CLI_PLAIN, "[%s]", experiment->host != NULL ? experiment->host : "?");
    cli_table_add(table, CLI_PLAIN, "%s", experiment->run);
    cli_table_add(table, color_of(status), "%s", status);
    cli_table_add(table, CLI_PLAIN, "(%zu/%zu jobs%s)", experiment->by_state[XPM_JOB_DONE],
                  experiment->jobs, experiment->by_state[XPM_JOB_ERROR] > 0 ? ", some failed" : "");
}

static void print_all(const xpm__view *view, bool json)
{
    static const char *const heads[] = {"experiment", "host", "run", "state", "done"};
    cli_table table = {.columns = 5, .heads = heads};
    for (size_t i = 0; i < view->experiment_count; i++) {
        if (json)
            print_json(&view->experiments[i]);
        else
            add_row(&table, &view->experiments[i]);
    }
    cli_table_print(&table, stdout);
}

int cmd_experiments_list(const cli_call *call)
{
    xpm_error err = {0};
    xpm__view view;
    if (xpm__view_open(cli_workdir(call), &view, &err) < 0)
        return cli_fail(&err);
    int status = xpm__view_count(&view, NULL, &err);
    if (status == 0)
        print_all(&view, cli_flag(call, "json"));
    xpm__view_close(&view);
    return status == 0 ? CLI_OK : cli_fail(&err);
}
