#include "settings/schema.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "settings/place.h"

/* ---- The tables -------------------------------------------------------------------------------- */

#define IN(type, member) .kept = true, .offset = offsetof(type, member)

static const xpm__setting history[] = {
    {.key = "max_done",
     .kind = XPM__SETTING_NUMBER,
     IN(xpm_history_settings, max_done),
     .help = "how many runs are kept that succeeded; all when it is not said"},
    {.key = "max_failed",
     .kind = XPM__SETTING_NUMBER,
     IN(xpm_history_settings, max_failed),
     .help = "how many runs are kept that failed; all when it is not said"},
    {.key = NULL},
};

static const xpm__setting folders[] = {
    {.key = "use",
     .kind = XPM__SETTING_PATHS,
     IN(xpm_workspace_settings, use),
     .help = "other folders with jobs that may be used as they are"},
    {.key = "backup",
     .kind = XPM__SETTING_PATHS,
     IN(xpm_workspace_settings, backup),
     .help = "other folders that jobs are copied to"},
    {.key = "move",
     .kind = XPM__SETTING_PATHS,
     IN(xpm_workspace_settings, move),
     .help = "other folders that jobs are moved from"},
    {.key = NULL},
};

const xpm__setting xpm__workspace_schema[] = {
    {.key = "id",
     .kind = XPM__SETTING_TEXT,
     .required = true,
     IN(xpm_workspace_settings, id),
     .help = "its name, for --workspace"},
    {.key = "path",
     .kind = XPM__SETTING_TEXT,
     .required = true,
     IN(xpm_workspace_settings, path),
     .help = "its folder, where ~ is the home"},
    {.key = "env",
     .kind = XPM__SETTING_VARIABLES,
     IN(xpm_workspace_settings, env),
     .help = "variables of the environment of its jobs, over those of all"},
    {.key = "triggers",
     .kind = XPM__SETTING_TEXTS,
     IN(xpm_workspace_settings, triggers),
     .help = "patterns of names of experiments that go there"},
    {.key = "max_retries",
     .kind = XPM__SETTING_NUMBER,
     IN(xpm_workspace_settings, max_retries),
     .help = "how often a resumable task is tried again (3)"},
    {.key = "dirty_git",
     .kind = XPM__SETTING_DIRTY_GIT,
     IN(xpm_workspace_settings, dirty_git),
     .help = "what is done about changes that are not committed"},
    {.key = "history",
     .kind = XPM__SETTING_SECTION,
     .offset = offsetof(xpm_workspace_settings, history),
     .help = "how many of its runs are kept",
     .members = history},
    {.key = "folders",
     .kind = XPM__SETTING_SECTION,
     .help = "other folders with jobs",
     .members = folders},
    {.key = "ssh",
     .kind = XPM__SETTING_FREE,
     IN(xpm_workspace_settings, remote),
     .help = "that it is of another host, and how that is reached"},
    {.key = NULL},
};

const xpm__setting xpm__settings_schema[] = {
    {.key = "env",
     .kind = XPM__SETTING_VARIABLES,
     IN(xpm__settings_top, env),
     .help = "variables of the environment of all jobs"},
    {.key = "workspaces",
     .kind = XPM__SETTING_SECTIONS,
     IN(xpm__settings_top, workspaces),
     .help = "the workspaces, the default one first",
     .members = xpm__workspace_schema},
    {.key = "history",
     .kind = XPM__SETTING_SECTION,
     .offset = offsetof(xpm__settings_top, history),
     .help = "how many runs are kept, where the workspace does not say",
     .members = history},
    {.key = "imports", .kind = XPM__SETTING_TEXTS, .help = "modules of Python; not read yet"},
    {.key = "server", .kind = XPM__SETTING_FREE, .help = "of the monitor"},
    {.key = "carbon", .kind = XPM__SETTING_FREE, .help = "of carbon tracking"},
    {.key = NULL},
};

static const char *const kinds[] = {
    [XPM__SETTING_TEXT] = "a text",
    [XPM__SETTING_NUMBER] = "a whole number, 0 or more",
    [XPM__SETTING_SCALAR] = "a text or a number",
    [XPM__SETTING_DIRTY_GIT] = "ignore, warn or error",
    [XPM__SETTING_VARIABLES] = "a map of names to texts",
    [XPM__SETTING_TEXTS] = "a list of texts, or one",
    [XPM__SETTING_PATHS] = "a list of paths, or one",
    [XPM__SETTING_FREE] = "a map",
    [XPM__SETTING_SECTION] = "a map",
    [XPM__SETTING_SECTIONS] = "a list of maps",
};

static void print_rows(xpm__str *out, const xpm__setting *table, const char *prefix)
{
    for (const xpm__setting *setting = table; setting->key != NULL; setting++) {
        xpm__str_printf(out, "| `%s%s` | %s%s | %s |\n", prefix, setting->key, kinds[setting->kind],
                        setting->required ? ", required" : "", setting->help);
        if (setting->members == NULL)
            continue;
        const char *each = setting->kind == XPM__SETTING_SECTIONS ? "[]" : "";
        char *under = xpm__format("%s%s%s.", prefix, setting->key, each);
        print_rows(out, setting->members, under);
        xpm_free(under);
    }
}

void xpm__settings_print_table(xpm__str *out)
{
    print_rows(out, xpm__settings_schema, "");
}

/* ---- Checking, kind by kind -------------------------------------------------------------------- */

/* A setting in a map. */
typedef struct place {
    xpm__yaml *yaml;
    const xpm__setting *setting;
    xpm__yaml_node **value;
    char *structure; /* what is filled */
    xpm_error *err;
} place;

static void *target(const place *at)
{
    return at->structure + at->setting->offset;
}

static int refuse(const place *at, const xpm__yaml_node *value)
{
    const char *quotes = at->setting->kind != XPM__SETTING_NUMBER &&
                                 value->is.kind != XPM__YAML_TEXT && value->text != NULL
                             ? ": write it in quotes"
                             : "";
    return xpm__yaml_fail(at->yaml, value, at->err, "\"%s\" must be %s, and not %s%s",
                          at->setting->key, kinds[at->setting->kind],
                          xpm__yaml_describe(at->yaml, value), quotes);
}

static int read_text(const place *at)
{
    const xpm__yaml_node *value = *at->value;
    if (value->is.kind != XPM__YAML_TEXT)
        return refuse(at, value);
    if (value->text[0] == '\0')
        return xpm__yaml_fail(at->yaml, value, at->err, "\"%s\" is empty", at->setting->key);
    *(const char **)target(at) = value->text;
    return 0;
}

static int read_number(const place *at)
{
    const xpm__yaml_node *value = *at->value;
    if (value->is.kind != XPM__YAML_INT || value->is.as.integer < 0 ||
        value->is.as.integer > INT_MAX)
        return refuse(at, value);
    if (at->setting->kept)
        *(int *)target(at) = (int)value->is.as.integer;
    return 0;
}

static int read_scalar(const place *at)
{
    xpm__yaml_kind kind = (*at->value)->is.kind;
    return kind == XPM__YAML_LIST || kind == XPM__YAML_MAP ? refuse(at, *at->value) : 0;
}

static int read_dirty_git(const place *at)
{
    static const char *const names[] = {
        [XPM_DIRTY_IGNORE] = "ignore", [XPM_DIRTY_WARN] = "warn", [XPM_DIRTY_ERROR] = "error"};
    const xpm__yaml_node *value = *at->value;
    for (int i = 0; value->is.kind == XPM__YAML_TEXT && i < 3; i++)
        if (strcmp(value->text, names[i]) == 0) {
            *(int *)target(at) = i;
            return 0;
        }
    return refuse(at, value);
}

/* A TEXT in the place of another node, at its place in the file. */
static xpm__yaml_node *new_text(xpm__yaml *yaml, const xpm__yaml_node *like, const char *text)
{
    xpm__yaml_node *node = xpm__arena_alloc(&yaml->arena, sizeof *node);
    *node = *like;
    node->is = (xpm__yaml_scalar){.kind = XPM__YAML_TEXT};
    node->text = xpm__arena_strdup(&yaml->arena, text);
    return node;
}

/* Makes a text of the value of a variable. */
static int make_variable(const place *at, const xpm__yaml_node *key, xpm__yaml_node **value)
{
    const xpm__yaml_node *given = *value;
    if (key->text[0] == '\0' || strchr(key->text, '=') != NULL)
        return xpm__yaml_fail(
            at->yaml, key, at->err,
            "\"%s\" cannot name a variable: the name must not be empty or hold =", key->text);
    if (given->is.kind == XPM__YAML_NULL)
        return xpm__yaml_fail(at->yaml, key, at->err,
                              "the variable %s has no value: write \"\" for an empty text",
                              key->text);
    if (given->is.kind == XPM__YAML_LIST || given->is.kind == XPM__YAML_MAP)
        return xpm__yaml_fail(
            at->yaml, given, at->err,
            "the variable %s must be a text, a number or a truth value, and not %s", key->text,
            xpm__yaml_describe(at->yaml, given));
    if (given->is.kind == XPM__YAML_TEXT)
        return 0;
    xpm__str text = {0};
    xpm__yaml_spell(&given->is, &text);
    *value = new_text(at->yaml, given, text.data);
    xpm__str_free(&text);
    return 0;
}

static int read_variables(const place *at)
{
    const xpm__yaml_node *map = *at->value;
    if (map->is.kind != XPM__YAML_MAP)
        return refuse(at, map);
    xpm_setting_variable *items =
        xpm__arena_alloc(&at->yaml->arena, (map->count + 1) * sizeof *items);
    for (size_t i = 0; i < map->count; i++) {
        if (make_variable(at, map->keys[i], &map->items[i]) < 0)
            return -1;
        items[i] = (xpm_setting_variable){map->keys[i]->text, map->items[i]->text};
    }
    *(xpm_setting_variables *)target(at) = (xpm_setting_variables){map->count, items};
    return 0;
}

/* A list with one node. */
static xpm__yaml_node *new_list(xpm__yaml *yaml, xpm__yaml_node *item)
{
    xpm__yaml_node *list = xpm__arena_alloc(&yaml->arena, sizeof *list);
    *list = *item;
    list->is = (xpm__yaml_scalar){.kind = XPM__YAML_LIST};
    list->text = NULL;
    list->count = 1;
    list->items = xpm__arena_alloc(&yaml->arena, sizeof *list->items);
    list->items[0] = item;
    return list;
}

static xpm__yaml_node *expand(xpm__yaml *yaml, const xpm__yaml_node *node)
{
    char *path = xpm__path_expand(node->text);
    xpm__yaml_node *expanded = new_text(yaml, node, path);
    xpm_free(path);
    return expanded;
}

static int read_texts(const place *at)
{
    if ((*at->value)->is.kind == XPM__YAML_TEXT)
        *at->value = new_list(at->yaml, *at->value);
    const xpm__yaml_node *list = *at->value;
    if (list->is.kind != XPM__YAML_LIST)
        return refuse(at, list);
    const char **items = xpm__arena_alloc(&at->yaml->arena, (list->count + 1) * sizeof *items);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->is.kind != XPM__YAML_TEXT)
            return refuse(at, list->items[i]);
        if (at->setting->kind == XPM__SETTING_PATHS)
            list->items[i] = expand(at->yaml, list->items[i]);
        items[i] = list->items[i]->text;
    }
    *(xpm_setting_texts *)target(at) = (xpm_setting_texts){list->count, items};
    return 0;
}

static int read_free(const place *at)
{
    if ((*at->value)->is.kind != XPM__YAML_MAP)
        return refuse(at, *at->value);
    if (at->setting->kept)
        *(bool *)target(at) = true;
    return 0;
}

static int read_section(const place *at)
{
    if ((*at->value)->is.kind != XPM__YAML_MAP)
        return refuse(at, *at->value);
    return xpm__settings_fill(at->yaml, *at->value, at->setting->key, at->setting->members,
                              target(at), at->err);
}

static int read_sections(const place *at)
{
    const xpm__yaml_node *list = *at->value;
    if (list->is.kind != XPM__YAML_LIST)
        return refuse(at, list);
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->is.kind != XPM__YAML_MAP)
            return refuse(at, list->items[i]);
    *(xpm__yaml_node **)target(at) = *at->value;
    return 0;
}

static int (*const readers[])(const place *at) = {
    [XPM__SETTING_TEXT] = read_text,           [XPM__SETTING_NUMBER] = read_number,
    [XPM__SETTING_SCALAR] = read_scalar,       [XPM__SETTING_DIRTY_GIT] = read_dirty_git,
    [XPM__SETTING_VARIABLES] = read_variables, [XPM__SETTING_TEXTS] = read_texts,
    [XPM__SETTING_PATHS] = read_texts,         [XPM__SETTING_FREE] = read_free,
    [XPM__SETTING_SECTION] = read_section,     [XPM__SETTING_SECTIONS] = read_sections,
};

/* ---- Checking a map ---------------------------------------------------------------------------- */

static int unknown_key(const xpm__yaml *yaml, const xpm__yaml_node *key, const char *name,
                       const xpm__setting *table, xpm_error *err)
{
    const char *keys[16];
    size_t count = 0;
    xpm__str all = {0};
    for (const xpm__setting *setting = table; setting->key != NULL; setting++) {
        xpm__str_printf(&all, "%s%s", count > 0 ? ", " : "", setting->key);
        keys[count++] = setting->key;
    }
    const char *nearest = xpm__nearest(key->text, keys, count);
    xpm__str message = {0};
    xpm__str_puts(&message, "unknown key \"");
    xpm__str_add_visible(&message, key->text, strlen(key->text));
    xpm__str_printf(&message, "\"%s%s%s", name != NULL ? " in \"" : "", name != NULL ? name : "",
                    name != NULL ? "\"" : "");
    if (nearest != NULL)
        xpm__str_printf(&message, ", did you mean \"%s\"?", nearest);
    else
        xpm__str_printf(&message, ": it may have %s", all.data);
    xpm__yaml_fail(yaml, key, err, "%s", message.data);
    xpm__str_free(&message);
    xpm__str_free(&all);
    return -1;
}

static const xpm__setting *find(const xpm__setting *table, const char *key)
{
    while (table->key != NULL && strcmp(table->key, key) != 0)
        table++;
    return table->key != NULL ? table : NULL;
}

/* Removes keys without a value: they are as if they were not there. */
static void drop_empty(xpm__yaml_node *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->count; i++)
        if (map->items[i]->is.kind != XPM__YAML_NULL) {
            map->keys[kept] = map->keys[i];
            map->items[kept++] = map->items[i];
        }
    map->count = kept;
}

static int check_required(const xpm__yaml *yaml, const xpm__yaml_node *map, const char *name,
                          const xpm__setting *table, xpm_error *err)
{
    for (const xpm__setting *setting = table; setting->key != NULL; setting++)
        if (setting->required && xpm__yaml_get(map, setting->key) == NULL)
            return xpm__yaml_fail(yaml, map, err, "\"%s\" is missing in \"%s\"", setting->key,
                                  name);
    return 0;
}

int xpm__settings_fill(xpm__yaml *yaml, xpm__yaml_node *map, const char *name,
                       const xpm__setting *table, void *structure, xpm_error *err)
{
    for (size_t i = 0; i < map->count; i++)
        if (find(table, map->keys[i]->text) == NULL)
            return unknown_key(yaml, map->keys[i], name, table, err);
    drop_empty(map);
    for (size_t i = 0; i < map->count; i++) {
        place at = {.yaml = yaml,
                    .setting = find(table, map->keys[i]->text),
                    .value = &map->items[i],
                    .structure = structure,
                    .err = err};
        if (readers[at.setting->kind](&at) < 0)
            return -1;
    }
    return check_required(yaml, map, name, table, err);
}
