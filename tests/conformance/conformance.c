/* Recomputes the identifiers of a file of vectors through the public interface, and prints how many
 * differ. The file's format: types (with their parameters), and cases (objects, the one whose
 * identifier is given, and those of its partial identifiers). */
#include <experimaestro.h>

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OBJECTS = 1024, MAX_TYPES = 1024, MAX_GROUPS = 32 };

static struct {
    const char *name;
    const xpm_class *class_;
} types[MAX_TYPES];
static size_t type_count;

static struct object {
    const char *label;
    xpm_config *config;
} objects[MAX_OBJECTS];
static size_t object_count;

static json_object *enums;
static xpm_error err;

static void die(const char *what)
{
    fprintf(stderr, "conformance: %s: %s: %s\n", what, err.path, err.message);
    exit(2);
}

static json_object *get(json_object *object, const char *key)
{
    json_object *member = NULL;
    json_object_object_get_ex(object, key, &member);
    return member;
}

static const char *text(json_object *object, const char *key)
{
    json_object *member = get(object, key);
    return member != NULL ? json_object_get_string(member) : NULL;
}

static bool flag(json_object *object, const char *key)
{
    return json_object_get_boolean(get(object, key));
}

static xpm_config *find_object(const char *label)
{
    for (size_t i = 0; i < object_count; i++)
        if (strcmp(objects[i].label, label) == 0)
            return objects[i].config;
    return NULL;
}

static const xpm_class *find_type(const char *name)
{
    for (size_t i = 0; i < type_count; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].class_;
    return NULL;
}

/* ---- Types: "dict[str,list[config:leaf]]?" ------------------------------------------------------ */

static const xpm_type *enum_type(const char *name)
{
    for (size_t i = 0; i < json_object_array_length(enums); i++) {
        json_object *declared = json_object_array_get_idx(enums, i);
        const char *members[64];
        json_object *list = get(declared, "members");
        size_t count = json_object_array_length(list);
        if (strcmp(text(declared, "name"), name) != 0)
            continue;
        for (size_t j = 0; j < count; j++)
            members[j] = json_object_get_string(json_object_array_get_idx(list, j));
        return xpm_type_enum(text(declared, "module"), text(declared, "qualname"), members, count);
    }
    return NULL;
}

static const xpm_type *parse_type(const char **at);

static const xpm_type *parse_name(const char *name, const char **at)
{
    const xpm_type *key, *item;
    if (strncmp(name, "config:", 7) == 0)
        return xpm_type_config(find_type(name + 7));
    if (strncmp(name, "enum:", 5) == 0)
        return enum_type(name + 5);
    if (**at != '[')
        return xpm_type_parse(name, &err);
    ++*at;
    key = item = parse_type(at);
    if (strcmp(name, "dict") == 0) {
        ++*at; /* the comma */
        item = parse_type(at);
    }
    ++*at; /* the bracket */
    return strcmp(name, "list") == 0  ? xpm_type_list(item)
           : strcmp(name, "set") == 0 ? xpm_type_set(item)
                                      : xpm_type_dict(key, item);
}

static const xpm_type *parse_type(const char **at)
{
    char name[128];
    size_t size = strcspn(*at, "[],?");
    snprintf(name, sizeof name, "%.*s", (int)size, *at);
    *at += size;
    const xpm_type *type = parse_name(name, at);
    if (type == NULL)
        die(name);
    if (**at == '?') {
        ++*at;
        type = xpm_type_optional(type);
    }
    return type;
}

/* ---- Values ------------------------------------------------------------------------------------ */

static xpm_value parse_value(json_object *json);

static xpm_value parse_items(json_object *list, xpm_value into)
{
    for (size_t i = 0; i < json_object_array_length(list); i++)
        xpm_list_append(&into, parse_value(json_object_array_get_idx(list, i)));
    return into;
}

static xpm_value parse_dict(json_object *pairs)
{
    xpm_value dict = xpm_dict_new();
    for (size_t i = 0; i < json_object_array_length(pairs); i++) {
        json_object *pair = json_object_array_get_idx(pairs, i);
        xpm_dict_append(&dict, parse_value(json_object_array_get_idx(pair, 0)),
                        parse_value(json_object_array_get_idx(pair, 1)));
    }
    return dict;
}

static xpm_value parse_enum(json_object *pair)
{
    const xpm_type *type = enum_type(json_object_get_string(json_object_array_get_idx(pair, 0)));
    const char *member = json_object_get_string(json_object_array_get_idx(pair, 1));
    size_t index = 0;
    while (strcmp(xpm_type_enum_member(type, index), member) != 0)
        index++;
    return xpm_enum(type, index);
}

static xpm_value parse_tagged(json_object *json)
{
    if (get(json, "float") != NULL)
        return xpm_float(strtod(text(json, "float"), NULL));
    if (get(json, "path") != NULL)
        return xpm_path(text(json, "path"));
    if (get(json, "ref") != NULL)
        return xpm_object(find_object(text(json, "ref")));
    if (get(json, "enum") != NULL)
        return parse_enum(get(json, "enum"));
    if (get(json, "list") != NULL)
        return parse_items(get(json, "list"), xpm_list_new());
    if (get(json, "set") != NULL)
        return parse_items(get(json, "set"), xpm_set_new());
    return parse_dict(get(json, "dict"));
}

static xpm_value parse_value(json_object *json)
{
    switch (json_object_get_type(json)) {
    case json_type_null:
        return xpm_none();
    case json_type_boolean:
        return xpm_bool(json_object_get_boolean(json));
    case json_type_int:
        return xpm_int(json_object_get_int64(json));
    case json_type_double:
        return xpm_float(json_object_get_double(json));
    case json_type_string:
        return xpm_str_sized(json_object_get_string(json),
                             (size_t)json_object_get_string_len(json));
    default:
        return parse_tagged(json);
    }
}

/* ---- Declaring --------------------------------------------------------------------------------- */

static const char *const *texts(json_object *list, const char **buffer)
{
    size_t count = list != NULL ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < count && i < MAX_GROUPS - 1; i++)
        buffer[i] = json_object_get_string(json_object_array_get_idx(list, i));
    buffer[count] = NULL;
    return buffer;
}

static void add_parameter(xpm_class *class_, json_object *arg)
{
    const char *groups[MAX_GROUPS], *type = text(arg, "type");
    xpm_parameter parameter = {.name = text(arg, "name"),
                               .type = parse_type(&type),
                               .file = text(arg, "path_generator"),
                               .groups = texts(get(arg, "groups"), groups)};
    json_object *fallback;
    parameter.flags = (flag(arg, "meta") ? XPM_META : 0u) |
                      (flag(arg, "constant") ? XPM_CONSTANT : 0u) |
                      (flag(arg, "ignore_default") || flag(arg, "bare") ? XPM_IGNORED_DEFAULT : 0u);
    if (json_object_object_get_ex(arg, "default", &fallback))
        parameter.fallback = parse_value(fallback);
    if (xpm_class_add(class_, &parameter, &err) < 0)
        die(parameter.name);
}

static void add_partials(xpm_class *class_, json_object *partials)
{
    if (partials == NULL)
        return;
    json_object_object_foreach (partials, name, rule) {
        const char *exclude[MAX_GROUPS], *include[MAX_GROUPS];
        xpm_partial_rule partial = {.exclude = texts(get(rule, "exclude"), exclude),
                                    .include = texts(get(rule, "include"), include),
                                    .exclude_all = flag(rule, "exclude_all"),
                                    .exclude_no_group = flag(rule, "exclude_no_group")};
        xpm_class_add_partial(class_, name, &partial);
    }
}

static unsigned kind_flags(const char *kind)
{
    return strcmp(kind, "task") == 0          ? XPM_CLASS_TASK
           : strcmp(kind, "instance") == 0    ? XPM_CLASS_INSTANCE
           : strcmp(kind, "lightweight") == 0 ? XPM_CLASS_LIGHTWEIGHT
                                              : 0u;
}

static void declare(json_object *type)
{
    char name[256];
    const char *module = text(type, "module"), *qualname = text(type, "qualname");
    const char *xpmid = text(type, "xpmid");
    const xpm_class *base = get(type, "base") != NULL ? find_type(text(type, "base")) : NULL;
    snprintf(name, sizeof name, "%s%s%s", xpmid != NULL ? xpmid : module, xpmid != NULL ? "" : ".",
             xpmid != NULL ? "" : qualname);
    xpm_declaration declaration = {.name = name,
                                   .module = module != NULL ? module : "vectors",
                                   .qualname = qualname != NULL ? qualname : name,
                                   .origin = "vectors",
                                   .flags = kind_flags(text(type, "kind")),
                                   .bases = &base,
                                   .base_count = base != NULL,
                                   .language = "c"};
    xpm_class *class_ = xpm_class_declare(&declaration, &err);
    if (class_ == NULL)
        die(name);
    types[type_count].name = text(type, "name");
    types[type_count++].class_ = class_;
    json_object *args = get(type, "args");
    for (size_t i = 0; i < json_object_array_length(args); i++)
        add_parameter(class_, json_object_array_get_idx(args, i));
    add_partials(class_, get(type, "partials"));
}

/* ---- Cases ------------------------------------------------------------------------------------- */

static void set_all(xpm_config *config, json_object *values)
{
    if (values == NULL)
        return;
    json_object_object_foreach (values, name, value) {
        if (xpm_config_set(config, name, parse_value(value), &err) < 0)
            die(name);
    }
}

static void build(xpm_experiment *xp, json_object *described)
{
    xpm_config *config = xpm_config_ref(xpm_config_new(find_type(text(described, "type"))));
    json_object *meta, *inits = get(described, "init_tasks");
    objects[object_count].label = text(described, "label");
    objects[object_count++].config = config;
    if (json_object_object_get_ex(described, "meta", &meta))
        xpm_config_set_meta(config, json_object_get_boolean(meta));
    set_all(config, get(described, "set"));
    if (get(described, "output_of") != NULL &&
        xpm_config_set_task(config, find_object(text(described, "output_of")), &err) < 0)
        die("output_of");
    for (size_t i = 0; inits != NULL && i < json_object_array_length(inits); i++)
        if (xpm_config_add_init_task(
                config, find_object(json_object_get_string(json_object_array_get_idx(inits, i))),
                &err) < 0)
            die("init_tasks");
    if (flag(described, "submitted") && xpm_submit(xp, config, &err) == NULL)
        die("submit");
}

static bool differs(const char *name, const char *expected,
                    const uint8_t identifier[XPM_IDENTIFIER_SIZE])
{
    char hex[XPM_HEX_SIZE];
    xpm_identifier_hex(identifier, hex);
    if (strcmp(hex, expected) == 0)
        return false;
    printf("%s: expected %s, got %s\n", name, expected, hex);
    return true;
}

static bool check_case(xpm_experiment *xp, json_object *described)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    json_object *list = get(described, "objects"), *partials = get(described, "partials");
    const char *name = text(described, "name");
    bool wrong;
    object_count = 0;
    for (size_t i = 0; i < json_object_array_length(list); i++)
        build(xp, json_object_array_get_idx(list, i));
    for (size_t i = 0; i < json_object_array_length(list); i++)
        set_all(objects[i].config, get(json_object_array_get_idx(list, i), "then_set"));
    xpm_config *root = find_object(text(described, "root"));
    if (xpm_config_identifier(root, identifier, &err) < 0)
        die(name);
    wrong = differs(name, text(described, "identifier"), identifier);
    if (partials != NULL) {
        json_object_object_foreach (partials, partial, expected) {
            if (xpm_config_partial_identifier(
                    root, xpm_class_partial(xpm_config_class(root), partial), identifier, &err) < 0)
                die(partial);
            wrong |= differs(name, json_object_get_string(expected), identifier);
        }
    }
    for (size_t i = 0; i < object_count; i++) {
        xpm_config_clear(objects[i].config); /* a ring would keep itself alive */
        xpm_config_unref(objects[i].config);
    }
    return wrong;
}

int main(int argc, char **argv)
{
    size_t differing = 0;
    xpm_experiment_options options = {.mode = XPM_DRY_RUN};
    json_object *vectors = argc == 2 ? json_object_from_file(argv[1]) : NULL;
    if (vectors == NULL) {
        fprintf(stderr, "usage: conformance VECTORS\n%s\n",
                argc == 2 ? json_util_get_last_err() : "");
        return 2;
    }
    xpm_experiment *xp = xpm_experiment_open("conformance", "conformance", &options, &err);
    if (xp == NULL)
        die("experiment");
    if (freopen("/dev/null", "w", stderr) == NULL) /* a dry run says what it would run */
        return 2;
    enums = get(vectors, "enums");
    json_object *declared = get(vectors, "types"), *cases = get(vectors, "cases");
    for (size_t i = 0; i < json_object_array_length(declared); i++)
        declare(json_object_array_get_idx(declared, i));
    for (size_t i = 0; i < json_object_array_length(cases); i++)
        differing += check_case(xp, json_object_array_get_idx(cases, i));
    xpm_experiment_close(xp, false, NULL);
    printf("%zu cases, %zu differ\n", json_object_array_length(cases), differing);
    json_object_put(vectors);
    xpm_reset();
    return differing > 0;
}
