/* Loading what was saved: folders, texts, and the objects of a run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "declare/config.h"
#include "record/document.h"

static xpm__reading reading_of(const char *path, const xpm_load_options *options, xpm_error *err)
{
    static const xpm_load_options none;
    if (options == NULL)
        options = &none;
    return (xpm__reading){.path = path,
                          .what = "a file of saved configurations",
                          .remedy = "Save them again",
                          .resolve = options->resolve,
                          .user = options->user,
                          .tasks = !options->partial,
                          .anew = options->anew,
                          .err = err};
}

/* ---- Documents -------------------------------------------------------------------------------- */

static int read_data(xpm__reading *reading, json_object *root, xpm_value *value)
{
    json_object *objects = xpm__json_get(root, "objects"), *data = NULL;
    if (!json_object_is_type(objects, json_type_array))
        return xpm__document_bad(reading, "has no objects");
    if (!json_object_object_get_ex(root, "data", &data))
        return xpm__document_bad(reading, "has no data");
    /* Nothing is wanted of null, which is a value as others are. */
    json_object *wanted = data != NULL ? json_object_get(data) : json_object_new_array();
    int status = xpm__document_read(reading, objects, wanted);
    json_object_put(wanted);
    return status == 0 ? xpm__document_read_value(reading, NULL, data, value) : -1;
}

int xpm_load_text(const char *text, size_t size, const char *directory, const char *name,
                  const xpm_load_options *options, xpm_value *value, xpm_error *err)
{
    xpm__reading reading = reading_of(name, options, err);
    *value = (xpm_value){0};
    reading.directory = directory;
    json_object *root = xpm__document_parse(&reading, text, size);
    if (root == NULL)
        return -1;
    int status = read_data(&reading, root, value);
    if (status < 0)
        xpm_value_clear(value);
    xpm__document_close(&reading, status < 0);
    json_object_put(root);
    return status;
}

/* An absolute path, in which links stay. New: xpm_free. */
static char *absolute(const char *path)
{
    char *cwd = path[0] != '/' ? getcwd(NULL, 0) : NULL;
    char *result = cwd == NULL              ? xpm__strdup(path)
                   : strcmp(path, ".") == 0 ? xpm__strdup(cwd)
                                            : xpm__format("%s/%s", cwd, path);
    free(cwd);
    size_t size = strlen(result);
    while (size > 1 && result[size - 1] == '/')
        result[--size] = '\0';
    return result;
}

/* The document's text, and its path (new); NULL after an error. */
static char *read_document(const char *directory, const char *file, xpm__str *text, xpm_error *err)
{
    static const char *const names[] = {"experimaestro.json", "definition.json"};
    char *path = NULL;
    for (size_t i = 0; i < (file != NULL ? 1 : 2); i++) {
        xpm_free(path);
        path = xpm__format("%s/%s", directory, file != NULL ? file : names[i]);
        if (xpm__file_read(AT_FDCWD, path, text) == 0)
            return path;
        if (errno != ENOENT || file != NULL) {
            xpm__fail_io(err, path, "read the saved configurations");
            xpm_free(path);
            return NULL;
        }
    }
    xpm_free(path);
    xpm__fail(err, XPM_E_IO, directory,
              "%s has no experimaestro.json (nor definition.json): nothing was saved there",
              directory);
    return NULL;
}

int xpm_load(const char *directory, const xpm_load_options *options, xpm_value *value,
             xpm_error *err)
{
    xpm__str text = {0};
    char *folder = absolute(directory);
    char *path = read_document(folder, options != NULL ? options->file : NULL, &text, err);
    int status = -1;
    *value = (xpm_value){0};
    if (path != NULL)
        status = xpm_load_text(text.data, text.size, folder, path, options, value, err);
    xpm_free(path);
    xpm_free(folder);
    xpm__str_free(&text);
    return status;
}

/* ---- A run's objects -------------------------------------------------------------------------- */

/* The lines that are objects, as a JSON list: the last one may be torn, as those of any log. */
static json_object *parse_lines(const xpm__str *text)
{
    json_object *objects = json_object_new_array();
    const char *line = text->data, *end = text->data + text->size;
    while (line != NULL && line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line)), *problem;
        size_t size = (size_t)((newline != NULL ? newline : end) - line);
        json_object *object = xpm__json_parse(line, size, &problem);
        if (json_object_is_type(object, json_type_object))
            json_object_array_add(objects, object);
        else
            json_object_put(object);
        line = newline != NULL ? newline + 1 : NULL;
    }
    return objects;
}

static void collect(const xpm__reading *reading, xpm_value *value)
{
    char hex[XPM_HEX_SIZE];
    *value = xpm_dict_new();
    for (size_t i = 0; i < reading->count; i++) {
        xpm_config *config = reading->objects[i].config;
        if (config == NULL || !config->identified) /* a number that stands twice is read once */
            continue;
        xpm_identifier_hex(config->identifier, hex);
        xpm_dict_append(value, xpm_str(hex), xpm_object(config));
    }
}

int xpm_load_objects(const char *file, const xpm_load_options *options, xpm_value *value,
                     xpm_error *err)
{
    xpm__str text = {0};
    xpm__reading reading = reading_of(file, options, err);
    *value = (xpm_value){0};
    if (xpm__file_read(AT_FDCWD, file, &text) < 0) {
        xpm__str_free(&text);
        return xpm__fail_io(err, file, "read the configurations of the run");
    }
    json_object *objects = parse_lines(&text);
    xpm__str_free(&text);
    int status = xpm__document_read(&reading, objects, NULL);
    if (status == 0)
        collect(&reading, value);
    xpm__document_close(&reading, status < 0);
    json_object_put(objects);
    return status;
}
