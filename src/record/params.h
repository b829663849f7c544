/* params.json: what a job runs, as a list of objects, children first, the task last; and the same
 * objects as lines of a run's objects.jsonl. document.h writes and reads the objects. */
#ifndef XPM_RECORD_PARAMS_H
#define XPM_RECORD_PARAMS_H

#include <experimaestro.h>

#include "record/document.h"

/* Where a graph is written: it decides how its paths are. */
typedef struct xpm__params_context {
    const char *workspace; /* paths inside it are relative to it; NULL for absolute ones */
    const char *directory; /* of the job: the same */
    const char *program;   /* that runs the task: goes with the task's own object */
    const char *language;
} xpm__params_context;

/* Appends the document of a sealed and identified task. */
void xpm__params_write(const xpm_config *task, const xpm_value *tags,
                       const xpm__params_context *context, xpm__str *out);

/* Appends one line for each object of the task's graph that `written` lacks, and adds it there. */
void xpm__params_write_lines(const xpm_config *task, const xpm__params_context *context,
                             xpm__ptrmap *written, xpm__str *out);

/* What a params.json holds. */
typedef struct xpm__params {
    xpm_config *task; /* sealed, with the identifiers that the file gives */
    char *workspace, *language, *program;
    char *script; /* in which the task's class is; NULL when it is in a module */
    xpm_value tags;
} xpm__params;

/* Loads a file whole. 0, or -1 as xpm_params_load. */
int xpm__params_load(const char *path, xpm_resolver resolve, void *user, xpm__params *params,
                     xpm_error *err);
/* The same from a text; `path` is for messages. */
int xpm__params_parse(const char *text, size_t size, const char *path, xpm_resolver resolve,
                      void *user, xpm__params *params, xpm_error *err);
/* Tells what today's classes make of a file's task: the identifier that they give to it, whatever
 * the one that the file has. `directory` is the file's. What is told is freed afterwards. */
typedef void (*xpm__params_told)(void *user, xpm_config *task,
                                 const uint8_t identifier[XPM_IDENTIFIER_SIZE],
                                 const char *directory);
int xpm__params_identify(const char *text, size_t size, const char *path, xpm_resolver resolve,
                         xpm__params_told told, void *user, xpm_error *err);
/* Only who runs the task (language, program, workspace): resolves no class. */
int xpm__params_peek(const char *path, xpm__params *params, xpm_error *err);
void xpm__params_clear(xpm__params *params);

#endif
