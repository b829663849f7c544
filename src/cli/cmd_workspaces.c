/* workspaces list, and --workspace: what the user's settings say of workspaces. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"
#include "cli/cli.h"

const char *cli_workspace(const char *id, const char *folder)
{
    static xpm_settings *settings; /* has the texts that are returned */
    xpm_workspace_settings workspace;
    xpm_error err = {0};
    if (settings == NULL)
        settings = xpm_settings_load(NULL, &err);
    if (settings == NULL || xpm_settings_select(settings, id, folder, NULL, &workspace, &err) < 0)
        exit(cli_fail(&err));
    if (!workspace.remote)
        return workspace.path;
    xpm__fail(&err, XPM_E_STATE, "workspace",
              "the workspace %s is of another host: run the command there, or name a folder here "
              "with --workdir",
              id);
    exit(cli_fail(&err));
}

const char *cli_workdir(const cli_call *call)
{
    const char *given = cli_value(call, "workdir"), *id = cli_value(call, "workspace");
    if (id != NULL)
        return cli_workspace(id, given);
    if (given == NULL)
        given = getenv("XPM_WORKDIR");
    return given != NULL ? given : ".";
}

static void add_texts(xpm__str *out, const char *key, const xpm_setting_texts *texts)
{
    xpm__json_key(out, key);
    xpm__json_open(out, '[');
    for (size_t i = 0; i < texts->count; i++)
        xpm__json_text(out, texts->items[i]);
    xpm__json_close(out, ']');
}

static void print_json(const xpm_workspace_settings *workspace)
{
    xpm__str out = {0};
    xpm__json_open(&out, '{');
    xpm__json_pair(&out, "id", workspace->id);
    xpm__json_pair(&out, "path", workspace->path);
    xpm__json_key(&out, "remote");
    xpm__json_bool(&out, workspace->remote);
    add_texts(&out, "triggers", &workspace->triggers);
    xpm__json_key(&out, "env");
    xpm__json_open(&out, '{');
    for (size_t i = 0; i < workspace->env.count; i++)
        xpm__json_pair(&out, workspace->env.items[i].name, workspace->env.items[i].value);
    xpm__json_close(&out, '}');
    xpm__json_close(&out, '}');
    puts(out.data);
    xpm__str_free(&out);
}

static void print_details(const xpm_workspace_settings *workspace)
{
    for (size_t i = 0; i < workspace->triggers.count; i++)
        printf("    experiments %s\n", workspace->triggers.items[i]);
    for (size_t i = 0; i < workspace->env.count; i++)
        printf("    %s=%s\n", workspace->env.items[i].name, workspace->env.items[i].value);
    if (workspace->max_retries >= 0)
        printf("    max_retries %d\n", workspace->max_retries);
    if (workspace->history.max_done >= 0)
        printf("    history of %d done\n", workspace->history.max_done);
    if (workspace->history.max_failed >= 0)
        printf("    history of %d failed\n", workspace->history.max_failed);
}

int cmd_workspaces_list(const cli_call *call)
{
    xpm_error err = {0};
    xpm_settings *settings = xpm_settings_load(NULL, &err);
    if (settings == NULL)
        return cli_fail(&err);
    for (size_t i = 0; i < settings->workspace_count; i++) {
        const xpm_workspace_settings *workspace = &settings->workspaces[i];
        if (cli_flag(call, "json")) {
            print_json(workspace);
            continue;
        }
        printf("%s %s%s\n", workspace->id, workspace->path,
               workspace->remote ? " (of another host)" : "");
        if (cli_flag(call, "verbose"))
            print_details(workspace);
    }
    xpm_settings_free(settings);
    return CLI_OK;
}
