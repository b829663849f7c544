#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/equal.h"
#include "declare/type.h"
#include "declare/value.h"
#include "record/document.h"

typedef xpm__reading reading;

static int load_value(const reading *l, const xpm_type *type, json_object *json, xpm_value *value);

int xpm__document_bad(const reading *l, const char *problem)
{
    return xpm__fail(l->err, XPM_E_FORMAT, l->path, "%s is not %s: it %s. %s", l->path, l->what,
                     problem, l->remedy);
}

/* ---- Values ----------------------------------------------------------------------------------- */

static xpm_value join(const char *folder, const char *name)
{
    char *path = xpm__format("%s/%s", folder, name);
    xpm_value value = xpm_path(path);
    xpm_free(path);
    return value;
}

static int load_path(const reading *l, json_object *json, xpm_value *value)
{
    const char *text = xpm__json_get_text(json, "value"), *base = xpm__json_get_text(json, "base");
    if (text == NULL)
        return xpm__document_bad(l, "has a path without a value");
    if (base == NULL) {
        *value = xpm_path(text);
        return 0;
    }
    const char *folder = strcmp(base, "job") == 0 ? l->directory : l->workspace;
    if (folder == NULL)
        return xpm__document_bad(l, "has a path of a job or workspace that it does not name");
    *value = join(folder, text);
    return 0;
}

/* The path of a file that was saved beside the objects. An absolute one was not copied. */
static int load_saved_path(const reading *l, json_object *json, xpm_value *value)
{
    const char *text = xpm__json_get_text(json, "value");
    if (text == NULL)
        return xpm__document_bad(l, "has a saved path without a value");
    if (l->directory == NULL && text[0] != '/')
        return xpm__fail(l->err, XPM_E_STATE, l->path,
                         "no folder was given, and %s is a path in the folder where it was saved",
                         text);
    *value = text[0] == '/' ? xpm_path(text) : join(l->directory, text);
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

static int load_enum(const reading *l, const xpm_type *type, json_object *json, xpm_value *value)
{
    const char *module = xpm__json_get_text(json, "module");
    const char *name = xpm__json_get_text(json, "enum");
    const char *member = xpm__json_get_text(json, "value");
    if (module == NULL || name == NULL || member == NULL)
        return xpm__document_bad(l, "has an enumeration without module, enum or value");
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

static int load_items(const reading *l, const xpm_type *type, json_object *json, xpm_value *list)
{
    if (!json_object_is_type(json, json_type_array))
        return xpm__document_bad(l, "has a list that is none");
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

static int load_pairs(const reading *l, const xpm_type *type, json_object *json, xpm_value *dict)
{
    if (!json_object_is_type(json, json_type_array))
        return xpm__document_bad(l, "has a dict without items");
    for (size_t i = 0; i < json_object_array_length(json); i++) {
        json_object *pair = json_object_array_get_idx(json, i);
        xpm_value key = {0}, item = {0};
        if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2)
            return xpm__document_bad(l, "has a dict with an item that is no pair");
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

static int load_plain_dict(const reading *l, const xpm_type *type, json_object *json,
                           xpm_value *dict)
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

static int load_config(const reading *l, json_object *json, xpm_value *value)
{
    json_object *id = xpm__json_get(json, "value");
    if (!json_object_is_type(id, json_type_int))
        return xpm__document_bad(l, "has a reference without a number");
    xpm_config *config = xpm__document_find(l, json_object_get_int64(id));
    if (config == NULL)
        return -1;
    *value = xpm_object(config);
    return 0;
}

static int load_json_object(const reading *l, const xpm_type *type, json_object *json,
                            xpm_value *value)
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
    if (strcmp(kind, "path.serialized") == 0)
        return load_saved_path(l, json, value);
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

static int load_value(const reading *l, const xpm_type *type, json_object *json, xpm_value *value)
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
    return xpm__document_bad(l, "has a value of no known kind");
}

xpm_value xpm__document_read_plain(json_object *json)
{
    xpm_value value = {0};
    if (json_object_is_type(json, json_type_array)) {
        value = xpm_list_new();
        for (size_t i = 0; i < json_object_array_length(json); i++)
            xpm_list_append(&value, xpm__document_read_plain(json_object_array_get_idx(json, i)));
    } else if (json_object_is_type(json, json_type_object)) {
        value = xpm_dict_new();
        json_object_object_foreach (json, key, member)
            xpm_dict_append(&value, xpm_str(key), xpm__document_read_plain(member));
    } else {
        (void)load_value(&(reading){.path = ""}, NULL, json, &value);
    }
    return value;
}

/* ---- Objects ---------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    const struct xpm__read_object *left = a, *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (left->position > right->position) - (left->position < right->position);
}

static int compare_positions(const void *a, const void *b)
{
    const struct xpm__read_object *left = *(struct xpm__read_object *const *)a;
    const struct xpm__read_object *right = *(struct xpm__read_object *const *)b;
    return (left->position > right->position) - (left->position < right->position);
}

static int index_objects(reading *l, json_object *objects)
{
    size_t count = json_object_array_length(objects);
    l->objects = xpm__zalloc((count + 1) * sizeof *l->objects);
    for (size_t i = 0; i < count; i++) {
        json_object *json = json_object_array_get_idx(objects, i);
        json_object *id = xpm__json_get(json, "id");
        if (!json_object_is_type(id, json_type_int))
            return xpm__document_bad(l, "has an object without a number");
        l->objects[i] =
            (struct xpm__read_object){.id = json_object_get_int64(id), .position = i, .json = json};
    }
    l->count = count;
    qsort(l->objects, count, sizeof *l->objects, compare_ids);
    return 0;
}

/* The object of a number; NULL when there is none. */
static struct xpm__read_object *lookup(const reading *l, int64_t id)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->objects[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < l->count && l->objects[low].id == id ? &l->objects[low] : NULL;
}

static struct xpm__read_object *find_object(const reading *l, int64_t id)
{
    struct xpm__read_object *object = lookup(l, id);
    if (object == NULL)
        xpm__document_bad(l, "refers to an object that it does not have");
    return object;
}

xpm_config *xpm__document_find(const reading *l, int64_t id)
{
    struct xpm__read_object *object = find_object(l, id);
    if (object != NULL && object->config == NULL) /* its reference was hidden in what is no value */
        xpm__document_bad(l, "refers to an object in a way that is not understood");
    return object != NULL ? object->config : NULL;
}

/* ---- What is wanted --------------------------------------------------------------------------- */

typedef struct search {
    const reading *reading;
    struct xpm__read_object **found; /* wanted, in the order in which they were met */
    size_t count, capacity;
} search;

static int want(search *s, json_object *id)
{
    struct xpm__read_object *object = find_object(s->reading, json_object_get_int64(id));
    if (object == NULL)
        return -1;
    if (object->wanted)
        return 0;
    object->wanted = true;
    s->found = xpm__grow(s->found, &s->capacity, s->count, sizeof *s->found);
    s->found[s->count++] = object;
    return 0;
}

/* Wants what a value refers to. JSON nests no deeper than its parser lets it. */
static int want_inside(search *s, json_object *json)
{
    int status = 0;
    if (json_object_is_type(json, json_type_array)) {
        for (size_t i = 0; status == 0 && i < json_object_array_length(json); i++)
            status = want_inside(s, json_object_array_get_idx(json, i));
    } else if (json_object_is_type(json, json_type_object)) {
        const char *kind = xpm__json_get_text(json, "type");
        json_object *id = xpm__json_get(json, "value");
        if (kind != NULL && strcmp(kind, "python") == 0 && json_object_is_type(id, json_type_int))
            return want(s, id);
        json_object_object_foreach (json, name, member) {
            (void)name;
            status = want_inside(s, member);
            if (status < 0)
                break;
        }
    }
    return status;
}

static int want_links(search *s, json_object *object)
{
    json_object *inits = xpm__json_get(object, "init-tasks"), *task = xpm__json_get(object, "task");
    int status = 0;
    size_t count =
        json_object_is_type(inits, json_type_array) ? json_object_array_length(inits) : 0;
    for (size_t i = 0; status == 0 && i < count; i++)
        status = want(s, json_object_array_get_idx(inits, i));
    if (status == 0 && s->reading->tasks && json_object_is_type(task, json_type_int))
        status = want(s, task);
    return status;
}

/* Marks all that `wanted` leads to, in the order of the file. */
static int search_from(search *s, json_object *wanted)
{
    const reading *l = s->reading;
    int status = 0;
    if (wanted != NULL)
        status = want_inside(s, wanted);
    for (size_t i = 0; wanted == NULL && status == 0 && i < l->count; i++)
        status = want(s, xpm__json_get(l->objects[i].json, "id"));
    for (size_t i = 0; status == 0 && i < s->count; i++) {
        json_object *object = s->found[i]->json;
        status = want_inside(s, xpm__json_get(object, "fields"));
        if (status == 0)
            status = want_links(s, object);
    }
    if (s->count > 0)
        qsort(s->found, s->count, sizeof(struct xpm__read_object *), compare_positions);
    return status;
}

/* ---- Making configurations -------------------------------------------------------------------- */

static const xpm_class *resolve_class(const reading *l, json_object *object)
{
    const char *module = xpm__json_get_text(object, "module");
    const char *qualname = xpm__json_get_text(object, "type");
    const char *name = xpm__json_get_text(object, "xpmid");
    char *typename = NULL;
    const xpm_class *class_ = NULL;
    if (module == NULL || qualname == NULL) {
        xpm__document_bad(l, "has an object without module or type");
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

/* -1 for what is no hexadecimal digit. */
static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_identifier(const reading *l, json_object *object, xpm_config *config)
{
    const char *hex = xpm__json_get_text(object, "identifier");
    if (hex == NULL || strlen(hex) != XPM_HEX_SIZE - 1)
        return xpm__document_bad(l, "has an object without identifier");
    for (size_t i = 0; i < XPM_IDENTIFIER_SIZE; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return xpm__document_bad(l, "has an identifier that is not hexadecimal");
        config->identifier[i] = (uint8_t)(high << 4 | low);
    }
    config->identified = true;
    return 0;
}

/* Says what is wrong with a value that does not pass the check. */
static int blame(const reading *l, const char *name, const xpm_type *type, xpm_value *value)
{
    char *where = xpm__format("%s: $.%s", l->path, name);
    int status = xpm_check(type, value, where, l->err);
    xpm_free(where);
    return status;
}

/* A field that the class no longer has is left out: the stored identifier holds all the same. */
static int load_fields(const reading *l, json_object *object, xpm_config *config)
{
    json_object *fields = xpm__json_get(object, "fields");
    if (!json_object_is_type(fields, json_type_object))
        return xpm__document_bad(l, "has an object without fields");
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
        int status = load_value(l, parameter->type, json, &value);
        if (status == 0 && json != NULL && xpm_check(parameter->type, &value, NULL, NULL) < 0)
            status = blame(l, name, parameter->type, &value);
        if (status < 0) {
            xpm_value_clear(&value);
            return -1;
        }
        xpm_config_put(config, (size_t)index, value);
    }
    return 0;
}

static int load_init_tasks(const reading *l, json_object *object, xpm_config *config)
{
    json_object *ids = xpm__json_get(object, "init-tasks");
    if (ids == NULL)
        return 0;
    if (!json_object_is_type(ids, json_type_array))
        return xpm__document_bad(l, "has init tasks that are no list");
    for (size_t i = 0; i < json_object_array_length(ids); i++) {
        json_object *id = json_object_array_get_idx(ids, i);
        xpm_config *init = xpm__document_find(l, json_object_get_int64(id));
        if (init == NULL || xpm_config_add_init_task(config, init, l->err) < 0)
            return -1;
    }
    return 0;
}

/* What is known of a task that is not loaded. */
static void keep_stub(const reading *l, int64_t id, xpm_config *config)
{
    const struct xpm__read_object *object = lookup(l, id);
    const char *type = object != NULL ? xpm__json_get_text(object->json, "typename") : NULL;
    const char *hex = object != NULL ? xpm__json_get_text(object->json, "identifier") : NULL;
    if (type == NULL || hex == NULL)
        return;
    xpm__config_extra *extra = xpm__config_extra_of(config);
    extra->task_type = xpm__strdup(type);
    extra->task_hex = xpm__strdup(hex);
}

/* The task that it is an output of: itself for a task that was submitted. */
static int load_task(const reading *l, json_object *object, xpm_config *config)
{
    json_object *id = xpm__json_get(object, "task"), *own = xpm__json_get(object, "id");
    if (!json_object_is_type(id, json_type_int))
        return 0;
    if (json_object_equal(id, own)) {
        config->task = config;
        return 0;
    }
    if (!l->tasks) {
        keep_stub(l, json_object_get_int64(id), config);
        return 0;
    }
    xpm_config *task = xpm__document_find(l, json_object_get_int64(id));
    if (task == NULL)
        return -1;
    config->task = xpm_config_ref(task);
    return 0;
}

static bool same_text(json_object *a, json_object *b, const char *key)
{
    const char *one = xpm__json_get_text(a, key), *other = xpm__json_get_text(b, key);
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

static bool same_class(json_object *a, json_object *b)
{
    return same_text(a, b, "module") && same_text(a, b, "type") && same_text(a, b, "xpmid") &&
           same_text(a, b, "file");
}

/* `before` was made just before, or is NULL: objects of one class often come in a row. */
static int make(const reading *l, struct xpm__read_object *object,
                const struct xpm__read_object *before)
{
    const xpm_class *class_ = before != NULL && same_class(object->json, before->json)
                                  ? before->config->class_
                                  : resolve_class(l, object->json);
    if (class_ == NULL)
        return -1;
    json_object *meta = xpm__json_get(object->json, "meta");
    object->config = xpm_config_ref(xpm_config_new(class_));
    if (meta != NULL)
        object->config->meta = json_object_get_boolean(meta) ? 1 : 0;
    object->config->submitted = (class_->flags & XPM_CLASS_TASK) != 0;
    object->config->loaded = true;
    return 0;
}

static int fill(const reading *l, struct xpm__read_object *object)
{
    xpm_config *config = object->config;
    if ((!l->anew && read_identifier(l, object->json, config) < 0) ||
        load_fields(l, object->json, config) < 0 || load_init_tasks(l, object->json, config) < 0 ||
        load_task(l, object->json, config) < 0)
        return -1;
    config->sealed = true;
    return 0;
}

/* ---- Documents -------------------------------------------------------------------------------- */

json_object *xpm__document_parse(const reading *l, const char *text, size_t size)
{
    const char *problem;
    json_object *root = xpm__json_parse(text, size, &problem);
    json_object *version = xpm__json_get(root, "version");
    if (root == NULL)
        xpm__document_bad(l, problem);
    else if (!json_object_is_type(root, json_type_object))
        xpm__document_bad(l, "is no JSON object");
    else if (json_object_is_type(version, json_type_int) &&
             json_object_get_int64(version) > XPM__DOCUMENT_VERSION)
        xpm__fail(l->err, XPM_E_VERSION, l->path,
                  "%s is of version %lld, and this experimaestro reads up to %d: upgrade it",
                  l->path, (long long)json_object_get_int64(version), XPM__DOCUMENT_VERSION);
    else
        return root;
    json_object_put(root);
    return NULL;
}

/* All are made before any is filled: so they may hold one another, and nest as deep as they like. */
int xpm__document_read(reading *l, json_object *objects, json_object *wanted)
{
    search s = {.reading = l};
    int status = index_objects(l, objects);
    if (status == 0)
        status = search_from(&s, wanted);
    for (size_t i = 0; status == 0 && i < s.count; i++)
        status = make(l, s.found[i], i > 0 ? s.found[i - 1] : NULL);
    for (size_t i = 0; status == 0 && i < s.count; i++)
        status = fill(l, s.found[i]);
    xpm_free(s.found);
    return status;
}

int xpm__document_read_value(const reading *l, const xpm_type *type, json_object *json,
                             xpm_value *value)
{
    return load_value(l, type, json, value);
}

void xpm__document_close(reading *l, bool failed)
{
    for (size_t i = 0; i < l->count; i++) {
        xpm_config *config = l->objects[i].config;
        if (failed && config != NULL) { /* a cycle would keep itself alive */
            config->sealed = false;
            xpm_config_clear(config);
        }
        xpm_config_unref(config);
    }
    xpm_free(l->objects);
    l->objects = NULL;
    l->count = 0;
}
