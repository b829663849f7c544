/*
 * saved.h - saved configurations. A part of <experimaestro.h>, which includes it. A folder can hold any
 * value that holds configurations, with the files that these need: the document experimaestro.json, and
 * beside it a copy of what each parameter with XPM_DATA names, under the parameter's path
 * ("model/layers/0/weights").
 */
#ifndef EXPERIMAESTRO_SAVED_H
#define EXPERIMAESTRO_SAVED_H

#include <experimaestro.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Says where the data of a configuration is, instead of copying it: asked of those whose class has
 * the flag XPM_CLASS_SAVER, or a parameter with XPM_DATA. Adds to `paths` (a dict) the
 * names of parameters, each with a path relative to the folder. `where` is the configuration's path
 * in the value ("model/layers/0", "" for the value itself). Must set `err` when it returns -1. */
typedef int (*xpm_data_saver)(void *user, xpm_config *config, const char *where, xpm_value *paths,
                              xpm_error *err);

typedef struct xpm_save_options {
    const char *file;    /* the document's name; NULL for "experimaestro.json" */
    xpm_data_saver data; /* NULL copies what parameters with XPM_DATA name */
    void *user;
} xpm_save_options;

/* Saves a value in a folder, which is made; what an earlier save wrote is replaced. What is not
 * sealed stays so. Files are hard links where possible. Options may be NULL. Errors: IO, MISSING (a
 * required value), CONFLICT (two files of one name), TYPE (a value that cannot be identified), RANGE
 * (a name that leaves the folder). */
XPM_API int xpm_save(const xpm_value *value, const char *directory, const xpm_save_options *options,
                     xpm_error *err);
/* The document alone, as text; data is copied to `directory`, and stays where it is when that is
 * NULL. New: xpm_free. */
XPM_API char *xpm_save_text(const xpm_value *value, const char *directory,
                            const xpm_save_options *options, xpm_error *err);
/* Copies a file or a folder to `name` in a directory, as saving does. Errors: IO, CONFLICT, RANGE. */
XPM_API int xpm_save_data(const char *source, const char *directory, const char *name,
                          xpm_error *err);

typedef struct xpm_load_options {
    const char *file;     /* NULL for experimaestro.json, or else definition.json */
    xpm_resolver resolve; /* NULL finds classes by xpm_class_find */
    void *user;
    bool partial; /* leaves out the tasks that made what is loaded, unless it holds them */
    bool anew;    /* computes identifiers from today's classes, instead of keeping those stored */
} xpm_load_options;

/* Loads what was saved. Configurations are sealed and keep their identifiers; to use one is not to
 * depend on the task that made it. Options may be NULL. The value is the caller's: xpm_value_clear.
 * Errors: as xpm_params_load. */
XPM_API int xpm_load(const char *directory, const xpm_load_options *options, xpm_value *value,
                     xpm_error *err);
/* The same from a text. `directory` is where its data is, or NULL; `name` is for messages. */
XPM_API int xpm_load_text(const char *text, size_t size, const char *directory, const char *name,
                          const xpm_load_options *options, xpm_value *value, xpm_error *err);
/* Loads the task of a job's directory, from its params.json. New (a reference): xpm_config_unref. */
XPM_API xpm_config *xpm_load_task(const char *directory, const xpm_load_options *options,
                                  xpm_error *err);
/* Loads all configurations of a run, from its objects.jsonl, into a dict from identifier (hexadecimal)
 * to configuration; those that several objects hold are shared. */
XPM_API int xpm_load_objects(const char *file, const xpm_load_options *options, xpm_value *value,
                             xpm_error *err);

#ifdef __cplusplus
}
#endif

#endif
