#include "record/params.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "declare/config.h"

/* ---- Writing ---------------------------------------------------------------------------------- */

static xpm__writing writing_of(const xpm_config *task, const xpm__params_context *context,
                               xpm__ptrmap *ids, xpm__str *out)
{
    return (xpm__writing){.workspace = context->workspace,
                          .directory = context->directory,
                          .task = task,
                          .language = context->language,
                          .program = context->program,
                          .ids = ids,
                          .out = out};
}

void xpm__params_write(const xpm_config *task, const xpm_value *tags,
                       const xpm__params_context *context, xpm__str *out)
{
    xpm__ptrmap ids = {0};
    xpm__writing writing = writing_of(task, context, &ids, out);
    xpm__json_open(out, '{');
    xpm__json_pair(out, "workspace", context->workspace);
    xpm__json_pair_int(out, "version", XPM__DOCUMENT_VERSION);
    xpm__json_pair(out, "experimaestro", XPM_VERSION);
    xpm__json_key(out, "tags");
    xpm__document_write_plain(tags, out);
    xpm__json_key(out, "objects");
    xpm__json_open(out, '[');
    xpm__document_write(&writing, (xpm_config *)task);
    xpm__json_close(out, ']');
    xpm__json_close(out, '}');
    xpm__ptrmap_free(&ids);
}

void xpm__params_write_lines(const xpm_config *task, const xpm__params_context *context,
                             xpm__ptrmap *written, xpm__str *out)
{
    xpm__writing writing = writing_of(task, context, written, out);
    writing.lines = true;
    xpm__document_write(&writing, (xpm_config *)task);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static xpm__reading reading_of(const char *path, xpm_resolver resolve, void *user, xpm_error *err)
{
    return (xpm__reading){.path = path,
                          .what = "a parameters file",
                          .remedy = "If the job was not finished, remove its folder and run the "
                                    "experiment again",
                          .resolve = resolve,
                          .user = user,
                          .err = err};
}

/* The document, with its workspace entered; NULL after an error. New: json_object_put. */
static json_object *parse(xpm__reading *reading, const char *text, size_t size)
{
    json_object *root = xpm__document_parse(reading, text, size);
    json_object *objects = xpm__json_get(root, "objects");
    if (root == NULL)
        return NULL;
    reading->workspace = xpm__json_get_text(root, "workspace");
    if (reading->workspace == NULL)
        xpm__document_bad(reading, "names no workspace");
    else if (!json_object_is_type(objects, json_type_array) ||
             json_object_array_length(objects) == 0)
        xpm__document_bad(reading, "has no objects");
    else
        return root;
    json_object_put(root);
    return NULL;
}

static json_object *last_object(json_object *root)
{
    json_object *objects = xpm__json_get(root, "objects");
    return json_object_array_get_idx(objects, json_object_array_length(objects) - 1);
}

static void load_tags(json_object *root, xpm_value *tags)
{
    json_object *json = xpm__json_get(root, "tags");
    bool is_object = json_object_is_type(json, json_type_object);
    *tags = is_object ? xpm__document_read_plain(json) : xpm_dict_new();
}

static void load_header(json_object *root, const xpm__reading *reading, xpm__params *params)
{
    json_object *task = last_object(root);
    params->workspace = xpm__strdup(reading->workspace);
    params->language = xpm__strdup(xpm__json_get_text(task, "language"));
    params->program = xpm__strdup(xpm__json_get_text(task, "program"));
    const char *module = xpm__json_get_text(task, "module");
    if (module != NULL && strcmp(module, "__main__") == 0)
        params->script = xpm__strdup(xpm__json_get_text(task, "file"));
    load_tags(root, &params->tags);
}

static char *parent_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? xpm__strndup(path, (size_t)(slash - path)) : xpm__strdup(".");
}

/* The last object: the task. Borrowed from the reading; NULL after an error. */
static xpm_config *read_last(xpm__reading *reading, json_object *root)
{
    json_object *last = last_object(root), *id = xpm__json_get(last, "id");
    json_object *reference = json_object_new_object();
    json_object_object_add(reference, "type", json_object_new_string("python"));
    json_object_object_add(reference, "value", json_object_get(id));
    int status = xpm__document_read(reading, xpm__json_get(root, "objects"), reference);
    json_object_put(reference);
    return status == 0 ? xpm__document_find(reading, json_object_get_int64(id)) : NULL;
}

/* Reads the task of a text. A new reference; NULL after an error. */
static xpm_config *read_task(xpm__reading *reading, const char *text, size_t size,
                             xpm__params *params)
{
    json_object *root = parse(reading, text, size);
    if (root == NULL)
        return NULL;
    char *directory = parent_folder(reading->path);
    reading->directory = directory;
    load_header(root, reading, params);
    xpm_config *task = read_last(reading, root);
    if (task != NULL)
        xpm_config_ref(task);
    xpm__document_close(reading, task == NULL);
    xpm_free(directory);
    json_object_put(root);
    if (task == NULL)
        xpm__params_clear(params);
    return task;
}

int xpm__params_parse(const char *text, size_t size, const char *path, xpm_resolver resolve,
                      void *user, xpm__params *params, xpm_error *err)
{
    xpm__reading reading = reading_of(path, resolve, user, err);
    *params = (xpm__params){0};
    params->task = read_task(&reading, text, size, params);
    return params->task != NULL ? 0 : -1;
}

int xpm__params_identify(const char *text, size_t size, const char *path, xpm_resolver resolve,
                         xpm__params_told told, void *user, xpm_error *err)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    xpm__reading reading = reading_of(path, resolve, user, err);
    reading.anew = reading.tasks = true;
    json_object *root = parse(&reading, text, size);
    if (root == NULL)
        return -1;
    char *directory = parent_folder(path);
    reading.directory = directory;
    xpm_config *task = read_last(&reading, root);
    int status = task != NULL ? xpm_config_identifier(task, identifier, err) : -1;
    if (status == 0)
        told(user, task, identifier, directory);
    xpm__document_close(&reading, true);
    xpm_free(directory);
    json_object_put(root);
    return status;
}

/* The text of a file, and its absolute path (to free) without links. */
static char *read_file(const char *path, xpm__str *text, xpm_error *err)
{
    char *real = realpath(path, NULL);
    if (real != NULL && xpm__file_read(AT_FDCWD, real, text) == 0)
        return real;
    xpm__fail_io(err, path, "read the parameters");
    free(real);
    return NULL;
}

int xpm__params_load(const char *path, xpm_resolver resolve, void *user, xpm__params *params,
                     xpm_error *err)
{
    xpm__str text = {0};
    *params = (xpm__params){0};
    char *real = read_file(path, &text, err);
    int status = real != NULL
                     ? xpm__params_parse(text.data, text.size, real, resolve, user, params, err)
                     : -1;
    free(real);
    xpm__str_free(&text);
    return status;
}

int xpm__params_peek(const char *path, xpm__params *params, xpm_error *err)
{
    xpm__str text = {0};
    xpm__reading reading = reading_of(path, NULL, NULL, err);
    *params = (xpm__params){0};
    if (xpm__file_read(AT_FDCWD, path, &text) < 0) {
        xpm__str_free(&text);
        return xpm__fail_io(err, path, "read the parameters");
    }
    json_object *root = parse(&reading, text.data, text.size);
    xpm__str_free(&text);
    if (root == NULL)
        return -1;
    load_header(root, &reading, params);
    json_object_put(root);
    return 0;
}

void xpm__params_clear(xpm__params *params)
{
    xpm_config_unref(params->task);
    xpm_free(params->workspace);
    xpm_free(params->language);
    xpm_free(params->program);
    xpm_free(params->script);
    xpm_value_clear(&params->tags);
    *params = (xpm__params){0};
}

xpm_config *xpm_params_load(const char *path, xpm_resolver resolve, void *user, xpm_error *err)
{
    xpm__params params;
    if (xpm__params_load(path, resolve, user, &params, err) < 0)
        return NULL;
    xpm_config *task = xpm_config_ref(params.task);
    xpm__params_clear(&params);
    return task;
}

xpm_config *xpm_load_task(const char *directory, const xpm_load_options *options, xpm_error *err)
{
    static const xpm_load_options none;
    const xpm_load_options *given = options != NULL ? options : &none;
    xpm__params params = {0};
    xpm__str text = {0};
    char *path = xpm__format("%s/params.json", directory), *real = read_file(path, &text, err);
    xpm_config *task = NULL;
    if (real != NULL) {
        xpm__reading reading = reading_of(real, given->resolve, given->user, err);
        reading.tasks = !given->partial;
        reading.anew = given->anew;
        task = read_task(&reading, text.data, text.size, &params);
    }
    params.task = NULL;
    xpm__params_clear(&params);
    free(real);
    xpm__str_free(&text);
    xpm_free(path);
    return task;
}
