/* Any text may be in a file of settings: it is refused with its line, or read, checked and printed, and leaks
 * nothing. */
#include <string.h>

#include "settings/interpolate.h"
#include "settings/schema.h"
#include "settings/yaml.h"

static void check(const xpm_error *err)
{
    if (err->code != XPM_E_FORMAT ||
        strncmp(err->message, "fuzzed.yaml", strlen("fuzzed.yaml")) != 0)
        __builtin_trap();
}

static void fill(xpm__yaml *yaml)
{
    xpm_error err = {0};
    xpm__settings_top top = {0};
    if (yaml->root->is.kind != XPM__YAML_MAP)
        return;
    if (xpm__settings_fill(yaml, yaml->root, NULL, xpm__settings_schema, &top, &err) < 0) {
        check(&err);
        return;
    }
    for (size_t i = 0; top.workspaces != NULL && i < top.workspaces->count; i++) {
        xpm_workspace_settings workspace = {0};
        if (xpm__settings_fill(yaml, top.workspaces->items[i], "workspaces", xpm__workspace_schema,
                               &workspace, &err) < 0)
            check(&err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xpm__yaml yaml;
    xpm_error err = {0};
    xpm__str printed = {0};
    if (xpm__yaml_parse(&yaml, "fuzzed.yaml", (const char *)data, size, &err) < 0) {
        check(&err);
    } else {
        xpm__yaml_interpolate(&yaml, yaml.root);
        xpm__yaml_print(yaml.root, &printed);
        fill(&yaml);
    }
    xpm__str_free(&printed);
    xpm__yaml_clear(&yaml);
    return 0;
}
