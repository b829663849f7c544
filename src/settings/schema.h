/* What may be in a file of settings: a table, by which it is checked, messages are written, structs are filled and
 * the table of docs/settings.md is made. */
#ifndef XPM_SETTINGS_SCHEMA_H
#define XPM_SETTINGS_SCHEMA_H

#include "settings/yaml.h"

typedef enum xpm__setting_kind {
    XPM__SETTING_TEXT,      /* const char * */
    XPM__SETTING_NUMBER,    /* int, from 0 */
    XPM__SETTING_SCALAR,    /* kept as it is */
    XPM__SETTING_DIRTY_GIT, /* int: an xpm_dirty_git */
    XPM__SETTING_VARIABLES, /* xpm_setting_variables; each scalar becomes the text that Python makes of it */
    XPM__SETTING_TEXTS,    /* xpm_setting_texts; one text becomes a list */
    XPM__SETTING_PATHS,    /* the same, expanded */
    XPM__SETTING_FREE,     /* a map of anything */
    XPM__SETTING_SECTION,  /* a struct, inside the one that it is in */
    XPM__SETTING_SECTIONS, /* a list of maps, which stay nodes: xpm__yaml_node * */
} xpm__setting_kind;

typedef struct xpm__setting {
    const char *key; /* NULL ends a table */
    xpm__setting_kind kind;
    bool required;
    bool kept; /* in the struct, at `offset` */
    size_t offset;
    const char *help;
    const struct xpm__setting *members; /* of a section */
} xpm__setting;

/* Of a whole file, which fills an xpm__settings_top, and of a workspace, which fills an
 * xpm_workspace_settings. */
extern const xpm__setting xpm__settings_schema[];
extern const xpm__setting xpm__workspace_schema[];

typedef struct xpm__settings_top {
    xpm_setting_variables env;
    xpm_history_settings history;
    xpm__yaml_node *workspaces; /* a checked list; NULL when there is none */
} xpm__settings_top;

/* Checks a map against a table, and fills the struct with what is there; the rest stays. `name` is what the map is
 * ("workspaces"), NULL for the file. Nodes are changed into what they are read as, and those without a value
 * removed. 0, or -1: FORMAT. */
int xpm__settings_fill(xpm__yaml *yaml, xpm__yaml_node *map, const char *name,
                       const xpm__setting *table, void *structure, xpm_error *err);

/* Adds the rows of the manual's table. */
void xpm__settings_print_table(xpm__str *out);

#endif
