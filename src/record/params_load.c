#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/equal.h"
#include "declare/type.h"
#include "declare/value.h"
#include "record/params.h"

enum { MAX_NESTING = 5000 }; /* objects that hold one another: the walk is on the stack */

typedef struct loader {
    const char *path; /* of the file, for messages */
    char *directory;  /* of the job */
    const char *workspace;
    xpm_resolver resolve;
    void *user;
    json_object *objects;
    struct loaded {
        int64_t id;
        json_object *object;
        xpm_config *config;
    } * loaded; /* in ascending order of id */
    size_t count;
    int depth;
    bool anew; /* identifiers are computed, not read: what counts in them is loaded too */
    xpm_error *err;
} loader;

/* What was read before an error stays in `value`, for the caller to clear. */
static int load_value(loader *l, const xpm_type *type, json_object *json, xpm_value *value);
static xpm_config *load_object(loader *l, int64_t id);

static int bad(const loader *l, const char *problem)
{
    return xpm__fail(l->err, XPM_E_FORMAT, l->path,
                     "%s is not a parameters file: it %s. If the job was not finished, remove its "
                     "folder and run the experiment again",
                     l->path, problem);
}

/* ---- Values ----------------------------------------------------------------------------------- */

static int load_path(loader *l, json_object *json, xpm_value *value)
{
    const char *text = xpm__json_get_text(json, "value"), *base = xpm__json_get_text(json, "base");
    if (text == NULL)
        return bad(l, "has a path without a value");
    if (base == NULL) {
        *value = xpm_path(text);
        return 0;
    }
    const char *folder = strcmp(base, "job") == 0 ? l->directory : l->workspace;
    char *path = xpm__format("%s/%s", folder, text);
    *value = xpm_path(path);
    xpm_free(path);
    return 0;
}

/* The enumeration of the parameter's type that the file names; NULL when the type has none. */
static const xpm_type *find_enum(const xpm_type *type, const char *module, const char *name)
{
    const xpm_type *found = NULL;
    if (type == NULL)
        return NULL;
    if (type->kind == XPM_KIND_ENUM)
        return strcmp(type->module, module) == 0 && strcmp(type->name, name) == 0 ? type : NULL;
    for (size_t i = 0; type->types != NULL && found == NULL && i < type->count; i++)
        found = find_enum(type->types[i], module, name);
    if (found == NULL && type->key != NULL)
        found = find_enum(type->key, module, name);
    return found != NULL ? found : find_enum(type->item, module, name);
}

static int load_enum(loader *l, const xpm_type *type, json_object *json, xpm_value *value)
{
    const char *module = xpm__json_get_text(json, "module");
    const char *name = xpm__json_get_text(json, "enum");
    const char *member = xpm__json_get_text(json, "value");
    if (module == NULL || name == NULL || member == NULL)
        return bad(l, "has an enumeration without module, enum or value");
    const xpm_type *found = find_enum(type, module, name);
    bool combined = strchr(member, '|') != NULL || strcmp(member, "None") == 0; /* flags */
    if (found == NULL || combined)
        found = xpm_type_enum(module, name, &member, 1);
    for (size_t i = 0; i < found->count; i++) {
        if (strcmp(found->members[i], member) == 0) {
            *value = xpm_enum(found, i);
            return 0;
        }
    }
    return xpm__fail(l->err, XPM_E_UNKNOWN, l->path, "%s: %s.%s has no member %s any more", l->path,
                     module, name, member);
}

/* The type of what an optional holds. */
static const xpm_type *inner(const xpm_type *type)
{
    return type != NULL && type->kind == XPM_KIND_OPTIONAL ? type->item : type;
}

/* A member of an enumeration that is an int or a text too is written as this alone. */
static bool load_mixed(const xpm_type *type, xpm_value *value)
{
    bool found = false;
    if (type == NULL)
        return false;
    for (size_t i = 0; type->kind == XPM_KIND_UNION && !found && i < type->count; i++)
        found = load_mixed(inner(type->types[i]), value);
    if (type->kind != XPM_KIND_ENUM || type->plain == NULL)
        return found;
    for (size_t i = 0; !found && i < type->count; i++) {
        found = value->kind == type->plain[i].kind && xpm__value_equal(value, &type->plain[i]);
        if (found) {
            xpm_value_clear(value);
            *value = xpm_enum(type, i);
        }
    }
    return found;
}

/* A number that no member has is flags combined. */
static void load_flags(const xpm_type *type, xpm_value *value)
{
    if (type == NULL || type->kind != XPM_KIND_ENUM || type->plain == NULL)
        return;
    char *name = xpm__format("%lld", (long long)value->as.integer);
    const char *member = name;
    *value = xpm_enum(xpm_type_enum_mixed(type->module, type->name, &member, value, 1), 0);
    xpm_free(name);
}

static int load_items(loader *l, const xpm_type *type, json_object *json, xpm_value *list)
{
    if (!json_object_is_type(json, json_type_array))
        return bad(l, "has a list that is none");
    for (size_t i = 0; i < json_object_array_length(json); i++) {
        xpm_value item = {0};
        const xpm_type *item_type = type != NULL ? xpm__type_item(type, i) : NULL;
        int status = load_value(l, item_type, json_object_array_get_idx(json, i), &item);
        xpm_list_append(list, item);
        if (status < 0)
            return -1;
    }
    return 0;
}

static int load_pairs(loader *l, const xpm_type *type, json_object *json, xpm_value *dict)
{
    if (!json_object_is_type(json, json_type_array))
        return bad(l, "has a dict without items");
    for (size_t i = 0; i < json_object_array_length(json); i++) {
        json_object *pair = json_object_array_get_idx(json, i);
        xpm_value key = {0}, item = {0};
        if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2)
            return bad(l, "has a dict with an item that is no pair");
        int status = load_value(l, type != NULL ? type->key : NULL,
                                json_object_array_get_idx(pair, 0), &key);
        if (status == 0)
            status = load_value(l, type != NULL ? type->item : NULL,
                                json_object_array_get_idx(pair, 1), &item);
        xpm_dict_append(dict, key, item);
        if (status < 0)
            return -1;
    }
    return 0;
}

static int load_plain_dict(loader *l, const xpm_type *type, json_object *json, xpm_value *dict)
{
    json_object_object_foreach (json, key, member) {
        xpm_value name = xpm_str(key), item = {0};
        load_mixed(type != NULL ? type->key : NULL, &name);
        int status = load_value(l, type != NULL ? type->item : NULL, member, &item);
        xpm_dict_append(dict, name, item);
        if (status < 0)
            return -1;
    }
    return 0;
}

static int load_config(loader *l, json_object *json, xpm_value *value)
{
    json_object *id = xpm__json_get(json, "value");
    if (!json_object_is_type(id, json_type_int))
        return bad(l, "has a reference without a number");
    xpm_config *config = load_object(l, json_object_get_int64(id));
    if (config == NULL)
        return -1;
    *value = xpm_object(config);
    return 0;
}

static int load_json_object(loader *l, const xpm_type *type, json_object *json, xpm_value *value)
{
    const char *kind = xpm__json_get_text(json, "type");
    if (kind == NULL) {
        *value = xpm_dict_new();
        return load_plain_dict(l, type, json, value);
    }
    if (strcmp(kind, "python") == 0)
        return load_config(l, json, value);
    if (strcmp(kind, "path") == 0)
        return load_path(l, json, value);
    if (strcmp(kind, "enum") == 0)
        return load_enum(l, type, json, value);
    if (strcmp(kind, "set") == 0 || strcmp(kind, "tuple") == 0) {
        *value = kind[0] == 's' ? xpm_set_new() : xpm_tuple_new();
        return load_items(l, type, xpm__json_get(json, "items"), value);
    }
    if (strcmp(kind, "dict") == 0) {
        *value = xpm_dict_new();
        return load_pairs(l, type, xpm__json_get(json, "items"), value);
    }
    return xpm__fail(l->err, XPM_E_FORMAT, l->path, "%s: unknown kind of value \"%s\"", l->path,
                     kind);
}

static int load_value(loader *l, const xpm_type *type, json_object *json, xpm_value *value)
{
    type = inner(type);
    switch (json_object_get_type(json)) {
    case json_type_null:
        *value = xpm_none();
        return 0;
    case json_type_boolean:
        *value = xpm_bool(json_object_get_boolean(json));
        return 0;
    case json_type_int:
        *value = xpm_int(json_object_get_int64(json));
        if (!load_mixed(type, value))
            load_flags(type, value);
        return 0;
    case json_type_double:
        *value = xpm_float(json_object_get_double(json));
        return 0;
    case json_type_string:
        *value =
            xpm_str_sized(json_object_get_string(json), (size_t)json_object_get_string_len(json));
        load_mixed(type, value);
        return 0;
    case json_type_array:
        *value = xpm_list_new();
        return load_items(l, type, json, value);
    case json_type_object:
        return load_json_object(l, type, json, value);
    }
    return bad(l, "has a value of no known kind");
}

/* ---- Objects ---------------------------------------------------------------------------------- */

static int compare_loaded(const void *a, const void *b)
{
    int64_t left = ((const struct loaded *)a)->id, right = ((const struct loaded *)b)->id;
    return (left > right) - (left < right);
}

static int index_objects(loader *l)
{
    size_t count = json_object_array_length(l->objects);
    l->loaded = xpm__zalloc((count + 1) * sizeof *l->loaded);
    for (size_t i = 0; i < count; i++) {
        json_object *object = json_object_array_get_idx(l->objects, i);
        json_object *id = xpm__json_get(object, "id");
        if (!json_object_is_type(id, json_type_int))
            return bad(l, "has an object without a number");
        l->loaded[i] = (struct loaded){json_object_get_int64(id), object, NULL};
    }
    l->count = count;
    qsort(l->loaded, count, sizeof *l->loaded, compare_loaded);
    return 0;
}

static const xpm_class *resolve_class(loader *l, json_object *object)
{
    const char *module = xpm__json_get_text(object, "module");
    const char *qualname = xpm__json_get_text(object, "type");
    const char *name = xpm__json_get_text(object, "xpmid");
    char *typename = NULL;
    const xpm_class *class_ = NULL;
    if (module == NULL || qualname == NULL) {
        bad(l, "has an object without module or type");
        return NULL;
    }
    if (name == NULL) {
        typename = xpm__format("%s%s%s", module, module[0] != '\0' ? "." : "", qualname);
        for (char *c = typename; *c != '\0'; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
        name = typename;
    }
    if (l->resolve != NULL)
        class_ =
            l->resolve(l->user, name, module, qualname, xpm__json_get_text(object, "file"), l->err);
    else
        class_ = xpm__class_require(name, l->err);
    xpm_free(typename);
    return class_;
}

static int read_identifier(loader *l, json_object *object, xpm_config *config)
{
    const char *hex = xpm__json_get_text(object, "identifier");
    if (hex == NULL || strlen(hex) != XPM_HEX_SIZE - 1)
        return bad(l, "has an object without identifier");
    for (size_t i = 0; i < XPM_IDENTIFIER_SIZE; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'}, *end;
        config->identifier[i] = (uint8_t)strtoul(digits, &end, 16);
        if (*end != '\0')
            return bad(l, "has an identifier that is not hexadecimal");
    }
    config->identified = true;
    return 0;
}

/* A field that the class no longer has is left out: the stored identifier holds all the same. */
static int load_fields(loader *l, json_object *object, xpm_config *config)
{
    json_object *fields = xpm__json_get(object, "fields");
    if (!json_object_is_type(fields, json_type_object))
        return bad(l, "has an object without fields");
    json_object_object_foreach (fields, name, json) {
        xpm_value value = {0};
        int index = xpm_class_index(config->class_, name);
        if (index < 0)
            index = xpm_class_renamed(config->class_, name);
        if (index < 0)
            continue;
        const xpm_parameter *parameter = &config->class_->parameters[index];
        bool has_default = parameter->fallback.kind != XPM_KIND_UNSET;
        if (json == NULL && !has_default && parameter->type->kind != XPM_KIND_OPTIONAL)
            continue;
        char *where = xpm__format("%s: $.%s", l->path, name);
        int status = load_value(l, parameter->type, json, &value);
        if (status == 0 && json != NULL)
            status = xpm_check(parameter->type, &value, where, l->err);
        xpm_free(where);
        if (status < 0) {
            xpm_value_clear(&value);
            return -1;
        }
        xpm_config_put(config, (size_t)index, value);
    }
    return 0;
}

static int load_init_tasks(loader *l, json_object *object, xpm_config *config)
{
    json_object *ids = xpm__json_get(object, "init-tasks");
    if (ids == NULL)
        return 0;
    if (!json_object_is_type(ids, json_type_array))
        return bad(l, "has init tasks that are no list");
    for (size_t i = 0; i < json_object_array_length(ids); i++) {
        xpm_config *init = load_object(l, json_object_get_int64(json_object_array_get_idx(ids, i)));
        if (init == NULL || xpm_config_add_init_task(config, init, l->err) < 0)
            return -1;
    }
    return 0;
}

/* The task that it is an output of. */
static int load_task(loader *l, json_object *object, xpm_config *config)
{
    json_object *id = xpm__json_get(object, "task"), *own = xpm__json_get(object, "id");
    if (!json_object_is_type(id, json_type_int) || json_object_equal(id, own))
        return 0;
    xpm_config *task = load_object(l, json_object_get_int64(id));
    if (task == NULL)
        return -1;
    config->task = xpm_config_ref(task);
    return 0;
}

static int fill(loader *l, json_object *object, xpm_config *config)
{
    json_object *meta = xpm__json_get(object, "meta");
    if (meta != NULL)
        config->meta = json_object_get_boolean(meta) ? 1 : 0;
    config->submitted = (config->class_->flags & XPM_CLASS_TASK) != 0;
    int identified = l->anew ? load_task(l, object, config) : read_identifier(l, object, config);
    if (identified < 0 || load_fields(l, object, config) < 0 ||
        load_init_tasks(l, object, config) < 0)
        return -1;
    config->sealed = true;
    return 0;
}

/* The object of a number, loaded once; entered in the table before its fields, for cycles. */
static xpm_config *load_object(loader *l, int64_t id)
{
    struct loaded key = {.id = id};
    struct loaded *entry = bsearch(&key, l->loaded, l->count, sizeof *l->loaded, compare_loaded);
    if (entry == NULL) {
        bad(l, "refers to an object that it does not have");
        return NULL;
    }
    if (entry->config != NULL)
        return entry->config;
    const xpm_class *class_ = resolve_class(l, entry->object);
    if (class_ == NULL)
        return NULL;
    if (++l->depth > MAX_NESTING) {
        bad(l, "has objects nested too deep");
        return NULL;
    }
    entry->config = xpm_config_ref(xpm_config_new(class_));
    int status = fill(l, entry->object, entry->config);
    l->depth--;
    return status < 0 ? NULL : entry->config;
}

/* ---- Documents -------------------------------------------------------------------------------- */

static json_object *parse_document(const char *text, size_t size, loader *l)
{
    const char *problem;
    json_object *root = xpm__json_parse(text, size, &problem);
    if (root == NULL) {
        bad(l, problem);
        return NULL;
    }
    json_object *version = xpm__json_get(root, "version");
    l->objects = xpm__json_get(root, "objects");
    l->workspace = xpm__json_get_text(root, "workspace");
    if (json_object_is_type(version, json_type_int) &&
        json_object_get_int64(version) > XPM__PARAMS_VERSION)
        xpm__fail(l->err, XPM_E_VERSION, l->path,
                  "%s is of version %lld, and this experimaestro reads up to %d: upgrade it",
                  l->path, (long long)json_object_get_int64(version), XPM__PARAMS_VERSION);
    else if (l->workspace == NULL)
        bad(l, "names no workspace");
    else if (!json_object_is_type(l->objects, json_type_array) ||
             json_object_array_length(l->objects) == 0)
        bad(l, "has no objects");
    else
        return root;
    json_object_put(root);
    return NULL;
}

static void load_tags(json_object *root, xpm_value *tags)
{
    json_object *json = xpm__json_get(root, "tags");
    loader none = {.path = ""};
    *tags = xpm_dict_new();
    if (!json_object_is_type(json, json_type_object))
        return;
    json_object_object_foreach (json, name, member) {
        xpm_value value = {0};
        if (!json_object_is_type(member, json_type_object) &&
            !json_object_is_type(member, json_type_array) &&
            load_value(&none, NULL, member, &value) == 0)
            xpm_dict_append(tags, xpm_str(name), value);
    }
}

static void load_header(json_object *root, loader *l, xpm__params *params)
{
    size_t count = json_object_array_length(l->objects);
    json_object *task = json_object_array_get_idx(l->objects, count - 1);
    params->workspace = xpm__strdup(l->workspace);
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

/* The last object: the task. NULL after an error. */
static xpm_config *load_last(loader *l)
{
    if (index_objects(l) < 0)
        return NULL;
    json_object *last = json_object_array_get_idx(l->objects, l->count - 1);
    return load_object(l, json_object_get_int64(xpm__json_get(last, "id")));
}

/* Lets go of what was loaded. With `clear`, it is emptied: a cycle would keep itself alive. */
static void unload(loader *l, bool clear)
{
    for (size_t i = 0; i < l->count; i++) {
        if (clear && l->loaded[i].config != NULL) {
            l->loaded[i].config->sealed = false;
            xpm_config_clear(l->loaded[i].config);
        }
        xpm_config_unref(l->loaded[i].config);
    }
    xpm_free(l->loaded);
    xpm_free(l->directory);
}

int xpm__params_parse(const char *text, size_t size, const char *path, xpm_resolver resolve,
                      void *user, xpm__params *params, xpm_error *err)
{
    loader l = {.path = path, .resolve = resolve, .user = user, .err = err};
    *params = (xpm__params){0};
    json_object *root = parse_document(text, size, &l);
    if (root == NULL)
        return -1;
    l.directory = parent_folder(path);
    load_header(root, &l, params);
    xpm_config *task = load_last(&l);
    if (task != NULL)
        params->task = xpm_config_ref(task);
    unload(&l, task == NULL);
    json_object_put(root);
    if (task == NULL)
        xpm__params_clear(params);
    return task != NULL ? 0 : -1;
}

int xpm__params_identify(const char *text, size_t size, const char *path, xpm_resolver resolve,
                         xpm__params_told told, void *user, xpm_error *err)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    loader l = {.path = path, .resolve = resolve, .user = user, .anew = true, .err = err};
    json_object *root = parse_document(text, size, &l);
    if (root == NULL)
        return -1;
    l.directory = parent_folder(path);
    xpm_config *task = load_last(&l);
    int status = task != NULL ? xpm_config_identifier(task, identifier, err) : -1;
    if (status == 0)
        told(user, task, identifier, l.directory);
    unload(&l, true);
    json_object_put(root);
    return status;
}

int xpm__params_load(const char *path, xpm_resolver resolve, void *user, xpm__params *params,
                     xpm_error *err)
{
    xpm__str text = {0};
    char *real = realpath(path, NULL);
    int status;
    *params = (xpm__params){0};
    if (real == NULL || xpm__file_read(AT_FDCWD, real, &text) < 0)
        status = xpm__fail_io(err, path, "read the parameters");
    else
        status = xpm__params_parse(text.data, text.size, real, resolve, user, params, err);
    free(real);
    xpm__str_free(&text);
    return status;
}

int xpm__params_peek(const char *path, xpm__params *params, xpm_error *err)
{
    xpm__str text = {0};
    loader l = {.path = path, .err = err};
    *params = (xpm__params){0};
    if (xpm__file_read(AT_FDCWD, path, &text) < 0) {
        xpm__str_free(&text);
        return xpm__fail_io(err, path, "read the parameters");
    }
    json_object *root = parse_document(text.data, text.size, &l);
    xpm__str_free(&text);
    if (root == NULL)
        return -1;
    load_header(root, &l, params);
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
