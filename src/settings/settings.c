/* The user's settings: reading them, and choosing a workspace. */
#include <experimaestro.h>

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "settings/interpolate.h"
#include "settings/place.h"
#include "settings/schema.h"
#include "settings/yaml.h"

typedef struct settings {
    xpm_settings base;
    xpm__yaml yaml; /* its nodes and texts; no root without a file */
} settings;

/* ---- Reading ----------------------------------------------------------------------------------- */

static const xpm_history_settings unsaid = {.max_done = -1, .max_failed = -1};

/* Fills a workspace, whose node is a map. */
static int read_workspace(settings *self, xpm__yaml_node *node, xpm_workspace_settings *workspace,
                          xpm_error *err)
{
    *workspace = (xpm_workspace_settings){.max_retries = -1, .dirty_git = -1};
    workspace->history = self->base.history;
    if (xpm__settings_fill(&self->yaml, node, "workspaces", xpm__workspace_schema, workspace, err) <
        0)
        return -1;
    if (!workspace->remote) {
        char *path = xpm__path_expand(workspace->path);
        workspace->path = xpm__arena_strdup(&self->yaml.arena, path);
        xpm_free(path);
    }
    return 0;
}

/* Whether another workspace, before it, has its id. */
static int check_id(const settings *self, const xpm__yaml_node *list, size_t index, xpm_error *err)
{
    const xpm__yaml_node *id = xpm__yaml_get(list->items[index], "id");
    for (size_t i = 0; i < index; i++) {
        const xpm__yaml_node *other = xpm__yaml_get(list->items[i], "id");
        if (strcmp(id->text, other->text) == 0)
            return xpm__yaml_fail(&self->yaml, id, err,
                                  "two workspaces have the id \"%s\", the first one in line %d",
                                  id->text, other->line);
    }
    return 0;
}

static int read_workspaces(settings *self, const xpm__yaml_node *list, xpm_error *err)
{
    size_t count = list != NULL ? list->count : 0;
    xpm_workspace_settings *workspaces =
        xpm__arena_alloc(&self->yaml.arena, (count + 1) * sizeof *workspaces);
    for (size_t i = 0; i < count; i++)
        if (read_workspace(self, list->items[i], &workspaces[i], err) < 0 ||
            check_id(self, list, i, err) < 0)
            return -1;
    self->base.workspaces = workspaces;
    self->base.workspace_count = count;
    return 0;
}

static int read_file(settings *self, const char *file, xpm_error *err)
{
    xpm__settings_top top = {.history = unsaid};
    if (xpm__yaml_read(&self->yaml, file, err) < 0)
        return -1;
    xpm__yaml_node *root = self->yaml.root;
    if (root->is.kind != XPM__YAML_NULL && root->is.kind != XPM__YAML_MAP)
        return xpm__yaml_fail(&self->yaml, root, err,
                              "settings are a map, as `workspaces: [...]`, and not %s",
                              xpm__yaml_describe(&self->yaml, root));
    xpm__yaml_interpolate(&self->yaml, root);
    if (xpm__settings_fill(&self->yaml, root, NULL, xpm__settings_schema, &top, err) < 0)
        return -1;
    self->base.file = self->yaml.file;
    self->base.env = top.env;
    self->base.history = top.history;
    return read_workspaces(self, top.workspaces, err);
}

static char *user_file(void)
{
    char *folder = xpm_config_folder(), *file = xpm__format("%s/settings.yaml", folder);
    xpm_free(folder);
    return file;
}

/* Whether there is nothing to read; other reasons why it cannot be are told when it is. */
static bool is_missing(const char *file)
{
    return access(file, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

xpm_settings *xpm_settings_load(const char *file, xpm_error *err)
{
    settings *self = xpm__zalloc(sizeof *self);
    char *own = file == NULL ? user_file() : NULL;
    self->base.history = unsaid;
    int status = 0;
    if (file != NULL || !is_missing(own))
        status = read_file(self, file != NULL ? file : own, err);
    xpm_free(own);
    if (status == 0)
        return &self->base;
    xpm_settings_free(&self->base);
    return NULL;
}

void xpm_settings_free(xpm_settings *base)
{
    settings *self = (settings *)base;
    if (self == NULL)
        return;
    xpm__yaml_clear(&self->yaml);
    xpm_free(self);
}

/* ---- Choosing a workspace ---------------------------------------------------------------------- */

const xpm_workspace_settings *xpm_settings_find(const xpm_settings *base, const char *id)
{
    for (size_t i = 0; i < base->workspace_count; i++)
        if (strcmp(base->workspaces[i].id, id) == 0)
            return &base->workspaces[i];
    return NULL;
}

static int fail_unknown(const xpm_settings *base, const char *id, xpm_error *err)
{
    xpm__str known = {0};
    for (size_t i = 0; i < base->workspace_count; i++)
        xpm__str_printf(&known, "%s%s", i > 0 ? ", " : "", base->workspaces[i].id);
    xpm__fail(err, XPM_E_UNKNOWN, "workspace", "no workspace has the id %s: the settings have %s",
              id, known.data != NULL ? known.data : "none");
    xpm__str_free(&known);
    return -1;
}

static const xpm_workspace_settings *of_folder(const xpm_settings *base, const char *path)
{
    for (size_t i = 0; i < base->workspace_count; i++)
        if (!base->workspaces[i].remote && strcmp(base->workspaces[i].path, path) == 0)
            return &base->workspaces[i];
    return NULL;
}

static bool is_triggered(const xpm_workspace_settings *workspace, const char *experiment)
{
    for (size_t i = 0; experiment != NULL && i < workspace->triggers.count; i++)
        if (fnmatch(workspace->triggers.items[i], experiment, FNM_NOESCAPE) == 0)
            return true;
    return false;
}

static const xpm_workspace_settings *of_experiment(const xpm_settings *base, const char *experiment)
{
    const xpm_workspace_settings *first = NULL;
    for (size_t i = 0; i < base->workspace_count; i++) {
        const xpm_workspace_settings *workspace = &base->workspaces[i];
        if (workspace->remote)
            continue;
        if (is_triggered(workspace, experiment))
            return workspace;
        if (first == NULL)
            first = workspace;
    }
    return first;
}

static int fail_missing(xpm_error *err)
{
    char *file = user_file();
    xpm__fail(err, XPM_E_MISSING, "workspace",
              "no workspace: name a folder, or list workspaces in %s", file);
    xpm_free(file);
    return -1;
}

int xpm_settings_select(xpm_settings *base, const char *id, const char *workdir,
                        const char *experiment, xpm_workspace_settings *selected, xpm_error *err)
{
    static const xpm_workspace_settings nothing = {.id = "", .max_retries = -1, .dirty_git = -1};
    settings *self = (settings *)base;
    const xpm_workspace_settings *found = NULL;
    char *folder = workdir != NULL ? xpm__path_expand(workdir) : NULL;
    if (id != NULL)
        found = xpm_settings_find(base, id);
    else if (folder != NULL)
        found = of_folder(base, folder);
    else
        found = of_experiment(base, experiment);
    *selected = found != NULL ? *found : nothing;
    if (found == NULL)
        selected->history = base->history;
    if (folder != NULL) {
        selected->path = xpm__arena_strdup(&self->yaml.arena, folder);
        selected->remote = false;
    }
    xpm_free(folder);
    if (found == NULL && id != NULL)
        return fail_unknown(base, id, err);
    return selected->path != NULL ? 0 : fail_missing(err);
}

/* Settings have -1 for what is not said; the options of an experiment 0, and -1 for none. */
static int as_option(int number)
{
    return number > 0 ? number : number == 0 ? -1 : 0;
}

void xpm_workspace_settings_apply(const xpm_workspace_settings *workspace,
                                  xpm_experiment_options *options)
{
    if (options->max_retries == 0)
        options->max_retries = as_option(workspace->max_retries);
    if (options->dirty_git == XPM_DIRTY_IGNORE && workspace->dirty_git >= 0)
        options->dirty_git = (xpm_dirty_git)workspace->dirty_git;
    if (options->history_max_done == 0 && options->history_max_failed == 0) {
        options->history_max_done = as_option(workspace->history.max_done);
        options->history_max_failed = as_option(workspace->history.max_failed);
    }
}

/* ---- As JSON ----------------------------------------------------------------------------------- */

char *xpm_settings_json(const xpm_settings *base)
{
    const xpm__yaml_node *root = ((const settings *)base)->yaml.root;
    xpm__str out = {0};
    if (root != NULL && root->is.kind == XPM__YAML_MAP)
        xpm__yaml_print(root, &out);
    else
        xpm__str_puts(&out, "{}");
    return xpm__str_take(&out);
}

char *xpm_yaml_json(const char *file, xpm_error *err)
{
    xpm__yaml yaml;
    xpm__str out = {0};
    int status = xpm__yaml_read(&yaml, file, err);
    if (status == 0)
        xpm__yaml_print(yaml.root, &out);
    xpm__yaml_clear(&yaml);
    return status == 0 ? xpm__str_take(&out) : NULL;
}
