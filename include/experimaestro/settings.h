/*
 * settings.h - the user's settings: a file of YAML that says which workspaces there are, which
 * experiments go where, and what is in the environment of jobs (docs/settings.md). A part of
 * <experimaestro.h>, which includes it.
 *
 *     xpm_settings *settings = xpm_settings_load(NULL, err);
 *     xpm_workspace_settings workspace;
 *     if (settings == NULL || xpm_settings_select(settings, NULL, NULL, "digits", &workspace, err) < 0)
 *         return -1;
 *     xpm_workspace_settings_apply(&workspace, &options);
 *     xpm_experiment *xp = xpm_experiment_open(workspace.path, "digits", &options, err);
 *     xpm_experiment_set_settings(xp, settings, &workspace);
 */
#ifndef EXPERIMAESTRO_SETTINGS_H
#define EXPERIMAESTRO_SETTINGS_H

#include <experimaestro.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct xpm_setting_variable {
    const char *name, *value;
} xpm_setting_variable;

typedef struct xpm_setting_variables {
    size_t count;
    const xpm_setting_variable *items;
} xpm_setting_variables;

typedef struct xpm_setting_texts {
    size_t count;
    const char *const *items;
} xpm_setting_texts;

/* How many runs are kept: see xpm_experiment_options. */
typedef struct xpm_history_settings {
    int max_done, max_failed; /* -1 when the file does not say */
} xpm_history_settings;

typedef struct xpm_workspace_settings {
    const char *id;   /* "" when it is a folder that the settings do not name */
    const char *path; /* absolute; of a remote one as it is written, for its host to read */
    bool remote;      /* it is of another host */
    xpm_setting_variables env;           /* of its jobs, over those of all */
    xpm_setting_texts triggers;          /* patterns of names of experiments */
    int max_retries;                     /* of resumable tasks; -1 when the file does not say */
    int dirty_git;                       /* an xpm_dirty_git; -1 when the file does not say */
    xpm_history_settings history;        /* what the workspace does not say is as for all */
    xpm_setting_texts use, backup, move; /* other folders: absolute paths */
} xpm_workspace_settings;

/* Its members are to be read. */
typedef struct xpm_settings {
    const char *file;          /* that was read; NULL when there was none */
    xpm_setting_variables env; /* of all jobs */
    xpm_history_settings history;
    size_t workspace_count;
    const xpm_workspace_settings *workspaces;
} xpm_settings;

/* The folder of the user's files: XPM_CONFIG_DIR, else XDG_CONFIG_HOME/experimaestro, else
 * ~/.config/experimaestro. New: xpm_free. */
XPM_API char *xpm_config_folder(void);

/* Reads settings: those of `file`, or of the user, settings.yaml in that folder, when it is NULL. Without the
 * user's file there are none, and no error. New: xpm_settings_free. Errors: IO, FORMAT; the message begins
 * with the file and the line. */
XPM_API xpm_settings *xpm_settings_load(const char *file, xpm_error *err);
XPM_API void xpm_settings_free(xpm_settings *settings); /* accepts NULL */

/* The workspace of an id. Borrowed from the settings; NULL when there is none. */
XPM_API const xpm_workspace_settings *xpm_settings_find(const xpm_settings *settings,
                                                        const char *id);
/* The workspace of an id; or of a folder, `workdir`, which the settings need not name; or the first one with a
 * trigger that matches the name of the experiment, or else the first one, both among those that are not
 * remote. What is NULL is not asked for; with an id, `workdir` is another path for it. The texts of `selected`
 * are borrowed from the settings. Returns 0, or -1: UNKNOWN (no such id), MISSING (nothing to choose
 * from). */
XPM_API int xpm_settings_select(xpm_settings *settings, const char *id, const char *workdir,
                                const char *experiment, xpm_workspace_settings *selected,
                                xpm_error *err);

/* Puts into the options of an experiment what the workspace says and the options leave open: max_retries,
 * dirty_git, history. */
XPM_API void xpm_workspace_settings_apply(const xpm_workspace_settings *workspace,
                                          xpm_experiment_options *options);
/* Adds the variables of the settings, then those of the workspace, to the environment of all jobs submitted
 * later. Either may be NULL. Copies. */
XPM_API void xpm_experiment_set_settings(xpm_experiment *xp, const xpm_settings *settings,
                                         const xpm_workspace_settings *workspace);

/* What the file says, as JSON, checked, with what comes from the environment in its place: "{}" without a
 * file. New: xpm_free. */
XPM_API char *xpm_settings_json(const xpm_settings *settings);
/* The content of any file of YAML 1.1 as JSON, with the meanings that docs/settings.md tells; NaN and Infinity are
 * these words. New: xpm_free. Errors: IO, FORMAT. */
XPM_API char *xpm_yaml_json(const char *file, xpm_error *err);

#ifdef __cplusplus
}
#endif

#endif
