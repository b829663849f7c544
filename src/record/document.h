/* Graphs of configurations as JSON: a list of objects, each after those that it holds. One writer and
 * one reader serve params.json, the lines of objects.jsonl, and saved folders, which differ in what
 * stands around the objects. The format is in docs/formats.md. */
#ifndef XPM_RECORD_DOCUMENT_H
#define XPM_RECORD_DOCUMENT_H

#include <experimaestro.h>

#include "base/json.h"
#include "base/ptrmap.h"
#include "base/str.h"

enum { XPM__DOCUMENT_VERSION = 3 };

/* ---- Writing ---------------------------------------------------------------------------------- */

/* Where the data of saved configurations is: what stands for a parameter's path. */
typedef struct xpm__data {
    struct xpm__data_path {
        const xpm_config *config;
        size_t parameter;
        char *path; /* relative to the saved folder */
        bool is_folder;
    } * paths; /* those of one configuration in a row */
    size_t count, capacity;
    xpm__ptrmap first; /* configuration to its first one */
} xpm__data;

/* Takes the path. All those of one configuration are added before those of another. */
void xpm__data_add(xpm__data *data, const xpm_config *config, size_t parameter, char *path,
                   bool is_folder);
void xpm__data_free(xpm__data *data);

typedef struct xpm__writing {
    const char *workspace;  /* paths inside it are relative to it; NULL for absolute ones */
    const char *directory;  /* of the job: the same */
    const xpm_config *task; /* that language and program go with; or NULL */
    const char *language, *program;
    const xpm__data *data; /* or NULL */
    xpm__ptrmap *ids;      /* configuration to its number, from 1: those that were written */
    bool lines;            /* a line an object, as in objects.jsonl */
    bool loose;            /* a tuple is written as a list: outside of configurations */
    xpm__str *out;
} xpm__writing;

/* Appends the objects of a graph, less those that `ids` has already. All must be identified. */
void xpm__document_write(xpm__writing *writing, xpm_config *root);
/* Appends a value, whose configurations were written before. */
void xpm__document_write_value(xpm__writing *writing, const xpm_value *value);
/* A value that holds no configuration as plain JSON: tuples and sets are arrays too, and the keys of
 * an object are texts. */
void xpm__document_write_plain(const xpm_value *value, xpm__str *out);

/* ---- Reading ---------------------------------------------------------------------------------- */

typedef struct xpm__reading {
    const char *path;      /* of the file, for messages */
    const char *what;      /* it should be: "a parameters file" */
    const char *remedy;    /* a sentence */
    const char *directory; /* of the job, or of the saved folder; NULL when there is none */
    const char *workspace; /* NULL when there is none */
    xpm_resolver resolve;
    void *user;
    bool tasks; /* also loads the tasks that made what is loaded */
    bool anew;  /* identifiers are computed when they are asked for, and not read */
    struct xpm__read_object {
        int64_t id;
        size_t position; /* in the file */
        json_object *json;
        xpm_config *config; /* a reference; NULL when nothing asks for it */
        bool wanted;
    } * objects; /* in ascending order of id */
    size_t count;
    xpm_error *err;
} xpm__reading;

/* "PATH is not WHAT: it PROBLEM. REMEDY" into err. Always -1. */
int xpm__document_bad(const xpm__reading *reading, const char *problem);
/* Parses a file's text: an object that is of no newer version. New: json_object_put. */
json_object *xpm__document_parse(const xpm__reading *reading, const char *text, size_t size);

/* Makes the configurations that `wanted` (any JSON, whose references count) names, and all that they
 * hold, of a JSON list of objects; all objects when it is NULL. They are sealed. 0 or -1. */
int xpm__document_read(xpm__reading *reading, json_object *objects, json_object *wanted);
/* The value of JSON that was wanted. What was read before an error stays in `value`, for the caller
 * to clear. `type` may be NULL. */
int xpm__document_read_value(const xpm__reading *reading, const xpm_type *type, json_object *json,
                             xpm_value *value);
/* The value of plain JSON, whose objects and arrays are dicts and lists. New. */
xpm_value xpm__document_read_plain(json_object *json);
/* The configuration of a number that was wanted; NULL, with an error, when there is none. */
xpm_config *xpm__document_find(const xpm__reading *reading, int64_t id);
/* Lets go of the configurations. After a failure, what was read must have been cleared before. */
void xpm__document_close(xpm__reading *reading, bool failed);

#endif
