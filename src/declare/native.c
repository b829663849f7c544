/* Classes and enumerations declared in C by macro: listed before main() runs, turned into types at
 * first use (they may be declared in any order, and name others). */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/literal.h"
#include "declare/type.h"
#include "declare/value.h"

static xpm_static_class *listed;   /* not declared yet */
static xpm_static_class *declared; /* their classes exist */
static xpm_static_enum *enumerations;

void xpm_declare_static(xpm_static_class *class_)
{
    class_->next = listed;
    listed = class_;
}

void xpm_declare_static_enum(xpm_static_enum *enumeration)
{
    enumeration->next = enumerations;
    enumerations = enumeration;
}

static void keep_error(xpm_class *class_, const xpm_error *err)
{
    if (class_->broken == NULL)
        class_->broken = memcpy(xpm__arena_alloc(&xpm__types, sizeof *err), err, sizeof *err);
}

/* "demo.model" is what Python calls model in module demo. */
static xpm_class *declare_name(const xpm_static_class *from, xpm_error *err)
{
    const char *dot = strrchr(from->name, '.');
    char *module =
        dot != NULL ? xpm__strndup(from->name, (size_t)(dot - from->name)) : xpm__strdup("");
    xpm_declaration declaration = {.name = from->name,
                                   .module = module,
                                   .qualname = dot != NULL ? dot + 1 : from->name,
                                   .origin = from->origin,
                                   .flags = from->flags,
                                   .language = "c"};
    xpm_class *class_ = xpm_class_declare(&declaration, err);
    if (class_ != NULL) {
        class_->native = from;
        class_->bases = xpm__arena_alloc(&xpm__types, (from->field_count + 1) * sizeof(void *));
    }
    xpm_free(module);
    return class_;
}

/* ---- Enumerations ----------------------------------------------------------------------------- */

/* "demo.Color" is Color in module demo, "demo:Model.Color" is Model.Color there. */
static const xpm_type *make_enum(const xpm_static_enum *from)
{
    const char *colon = strchr(from->name, ':'), *dot = strrchr(from->name, '.');
    const char *end = colon != NULL ? colon : dot;
    char *module = xpm__strndup(from->name, end != NULL ? (size_t)(end - from->name) : 0);
    const char **names = xpm__alloc((from->count + 1) * sizeof *names);
    int *numbers = xpm__arena_alloc(&xpm__types, (from->count + 1) * sizeof *numbers);
    for (size_t i = 0; i < from->count; i++) {
        names[i] = from->members[i].name;
        numbers[i] = from->members[i].number;
    }
    const xpm_type *type =
        xpm_type_enum(module, end != NULL ? end + 1 : from->name, names, from->count);
    ((xpm_type *)type)->numbers = numbers;
    xpm_free(names);
    xpm_free(module);
    return type;
}

const xpm_type *xpm__native_enum(const char *name)
{
    for (xpm_static_enum *e = enumerations; e != NULL; e = e->next) {
        if (strcmp(e->name, name) != 0)
            continue;
        if (e->type == NULL)
            e->type = make_enum(e);
        return e->type;
    }
    return NULL;
}

/* ---- Parameters ------------------------------------------------------------------------------- */

/* The default, as the type has it; one that is not of the type is refused by xpm_class_add. */
static int read_fallback(const xpm_field *field, const xpm_type *type, xpm_value *value,
                         xpm_error *err)
{
    if (!field->fallback.is)
        return 0;
    switch (field->fallback.v.kind) {
    case XPM_KIND_BOOL:
        *value = xpm_bool(field->fallback.v.integer != 0);
        break;
    case XPM_KIND_INT:
        *value = xpm_int(field->fallback.v.integer);
        break;
    case XPM_KIND_FLOAT:
        *value = xpm_float(field->fallback.v.real);
        break;
    case XPM_KIND_LIST:
        return xpm_value_parse(type, field->fallback.v.text, value, err);
    default:
        *value = xpm_str(field->fallback.v.text);
    }
    xpm__literal_adapt(type, value);
    return 0;
}

/* "a,b" becomes two words, and NULL after them. */
static const char *const *split_words(const char *text)
{
    if (text == NULL)
        return NULL;
    char *copy = xpm__arena_strdup(&xpm__types, text), *rest = NULL;
    const char **words = xpm__arena_alloc(&xpm__types, (strlen(text) + 2) * sizeof *words);
    size_t count = 0;
    for (char *word = strtok_r(copy, ", ", &rest); word != NULL; word = strtok_r(NULL, ", ", &rest))
        words[count++] = word;
    return words;
}

/* Adds a parameter that may have some values alone. */
static int add_choices(xpm_class *class_, xpm_parameter *parameter, const char *text,
                       xpm_error *err)
{
    const char *const *words = split_words(text);
    xpm_value choices = xpm_list_new();
    for (size_t i = 0; words[i] != NULL; i++)
        xpm_list_append(&choices, xpm_str(words[i]));
    parameter->choices = choices.as.items;
    parameter->choice_count = choices.size;
    int status = xpm_class_add(class_, parameter, err);
    xpm_value_clear(&choices);
    return status;
}

/* The kind of the items of an array. */
static xpm_kind array_kind(xpm_layout layout)
{
    return layout == XPM_LAYOUT_INTS     ? XPM_KIND_INT
           : layout == XPM_LAYOUT_FLOATS ? XPM_KIND_FLOAT
           : layout == XPM_LAYOUT_BOOLS  ? XPM_KIND_BOOL
           : layout == XPM_LAYOUT_ENUMS  ? XPM_KIND_ENUM
                                         : XPM_KIND_STR;
}

static bool fits_array(const xpm_type *type, xpm_layout layout)
{
    if (type->kind < XPM_KIND_LIST || type->kind > XPM_KIND_SET || type->item == NULL)
        return false;
    xpm_kind kind = type->item->kind == XPM_KIND_PATH ? XPM_KIND_STR : type->item->kind;
    return kind == array_kind(layout);
}

/* Whether values of a type can be in a member: what the compiler could not check of a text. */
static bool fits(const xpm_type *type, xpm_layout layout)
{
    if (type->kind == XPM_KIND_OPTIONAL)
        return fits(type->item, layout);
    switch (layout) {
    case XPM_LAYOUT_ENUM:
    case XPM_LAYOUT_ENUM_POINTER:
        return type->kind == XPM_KIND_ENUM;
    case XPM_LAYOUT_OBJECT:
        return type->kind == XPM_KIND_CONFIG;
    case XPM_LAYOUT_OBJECTS:
    case XPM_LAYOUT_NAMED:
        return type->item != NULL && type->item->kind == XPM_KIND_CONFIG;
    case XPM_LAYOUT_SCALAR:
    case XPM_LAYOUT_POINTER:
    case XPM_LAYOUT_VALUE:
        return true;
    default:
        return fits_array(type, layout);
    }
}

static const xpm_type *type_of(const xpm_class *class_, const xpm_field *field, xpm_error *err)
{
    const xpm_type *type = xpm_type_parse(field->type, err);
    bool pointer = field->layout == XPM_LAYOUT_POINTER || field->layout == XPM_LAYOUT_ENUM_POINTER;
    if (type != NULL && !fits(type, field->layout)) {
        xpm__fail(err, XPM_E_TYPE, field->name,
                  "parameter %s of %s: its member cannot hold values of type %s; declare it with "
                  "the macro of this type, or as const xpm_value * with XPM_VALUE",
                  field->name, class_->name, field->type);
        return NULL;
    }
    return type != NULL && (field->optional || pointer) ? xpm_type_optional(type) : type;
}

/* The partial identifier of a file: XPM_PARTIAL may stand after it. */
static int find_shared(const xpm_class *class_, const xpm_field *field, const xpm_partial **shared,
                       xpm_error *err)
{
    *shared = field->partial != NULL ? xpm_class_partial(class_, field->partial) : NULL;
    if (field->partial == NULL || *shared != NULL)
        return 0;
    return xpm__fail(err, XPM_E_UNKNOWN, field->name,
                     "parameter %s of %s: no partial identifier is called \"%s\"; declare it with "
                     "XPM_PARTIAL",
                     field->name, class_->name, field->partial);
}

static int add_field(xpm_class *class_, const xpm_field *field, xpm_error *err)
{
    const xpm_type *type = type_of(class_, field, err);
    xpm_value fallback = {0};
    const xpm_partial *shared;
    if (type == NULL || find_shared(class_, field, &shared, err) < 0 ||
        read_fallback(field, type, &fallback, err) < 0)
        return -1;
    xpm_parameter parameter = {.name = field->name,
                               .type = type,
                               .flags = field->flags |
                                        (field->ignore_default ? XPM_IGNORED_DEFAULT : 0u),
                               .fallback = fallback,
                               .file = field->file,
                               .shared = shared,
                               .groups = split_words(field->groups),
                               .renamed_from = split_words(field->renamed_from),
                               .help = field->help,
                               .offset = field->offset};
    return field->choices != NULL ? add_choices(class_, &parameter, field->choices, err)
                                  : xpm_class_add(class_, &parameter, err);
}

/* ---- Classes ---------------------------------------------------------------------------------- */

static void fill(xpm_class *class_);

static int add_base(xpm_class *class_, const xpm_field *field, xpm_error *err)
{
    xpm_class *base = (xpm_class *)xpm_class_find(field->name);
    if (base == NULL || base->native == NULL)
        return xpm__fail(err, XPM_E_UNKNOWN, field->name,
                         "%s extends %s, which is not declared by XPM_CONFIG or XPM_TASK",
                         class_->name, field->name);
    fill(base);
    size_t before = class_->count;
    xpm__class_extend(class_, base);
    for (size_t i = 0; i < class_->count && before < class_->count; i++)
        if (xpm_class_index(base, class_->parameters[i].name) >= 0)
            class_->parameters[i].offset += field->offset;
    if (class_->outputs == NULL)
        class_->outputs = base->outputs;
    if (class_->retry.on == 0 && class_->retry.times == 0)
        class_->retry = base->retry;
    return 0;
}

static int deprecate(xpm_class *class_, const xpm_field *field, xpm_error *err)
{
    xpm_class *by = (xpm_class *)xpm__class_require(field->name, err);
    if (by == NULL)
        return -1;
    if (by->native != NULL)
        fill(by); /* it may be deprecated itself */
    return xpm_class_deprecate(class_, by, field->convert, NULL, err);
}

static void add_partial(xpm_class *class_, const xpm_field *field)
{
    xpm_partial_rule rule = {.exclude = split_words(field->exclude),
                             .include = split_words(field->include),
                             .exclude_all = field->exclude_all,
                             .exclude_no_group = field->exclude_no_group};
    xpm_class_add_partial(class_, field->name, &rule);
}

static int add_member(xpm_class *class_, const xpm_field *field, xpm_error *err)
{
    switch (field->layout) {
    case XPM_LAYOUT_PARTIAL: /* added before all others */
        return 0;
    case XPM_LAYOUT_VALIDATE:
        class_->check_object = field->validate;
        return 0;
    case XPM_LAYOUT_OUTPUT:
        class_->outputs = field->outputs;
        return 0;
    case XPM_LAYOUT_RETRY:
        class_->retry = field->retry;
        return 0;
    case XPM_LAYOUT_BASE:
        return add_base(class_, field, err);
    case XPM_LAYOUT_RENAMED:
        xpm_class_rename_from(class_, field->name);
        return 0;
    case XPM_LAYOUT_DEPRECATED:
        return deprecate(class_, field, err);
    default:
        return add_field(class_, field, err);
    }
}

static void fill(xpm_class *class_)
{
    xpm_error err = {0};
    const xpm_static_class *from = class_->native;
    if (class_->count > 0 || class_->base_count > 0)
        return;
    for (size_t i = 0; i < from->field_count; i++)
        if (from->fields[i].layout == XPM_LAYOUT_PARTIAL)
            add_partial(class_, &from->fields[i]);
    for (size_t i = 0; i < from->field_count; i++) {
        if (add_member(class_, &from->fields[i], &err) < 0)
            keep_error(class_, &err);
    }
}

void xpm__native_declare(void)
{
    xpm_static_class *fresh = NULL;
    while (listed != NULL) {
        xpm_static_class *class_ = listed;
        xpm_error err = {0};
        listed = class_->next;
        class_->next = NULL;
        xpm_class *made = declare_name(class_, &err);
        if (made == NULL) { /* the name is taken: the class that has it says so when it is used */
            made = (xpm_class *)xpm_class_find(class_->name);
            if (made != NULL)
                keep_error(made, &err);
            continue;
        }
        class_->next = fresh;
        fresh = class_;
    }
    while (fresh != NULL) {
        xpm_static_class *class_ = fresh;
        fresh = class_->next;
        class_->next = declared;
        declared = class_;
        fill((xpm_class *)xpm_class_find(class_->name));
    }
}

/* ---- Planning: errors are kept in the configuration ------------------------------------------- */

/* What a broken call gives: an object of a class without name, that carries the error. */
static const xpm_class nothing = {.name = "nothing"};

static xpm_config *broken(xpm_config *config, const xpm_error *err)
{
    xpm__config_extra *extra = xpm__config_extra_of(config);
    if (extra->broken == NULL)
        extra->broken = memcpy(xpm__alloc(sizeof *err), err, sizeof *err);
    return config;
}

static xpm_config *new_nothing(void)
{
    xpm_config *config = xpm__zalloc(sizeof *config);
    config->class_ = &nothing;
    return config;
}

/* The error that a value carries, of a configuration that is broken; NULL when it has none. */
static const xpm_error *error_in(const xpm_value *value)
{
    const xpm_error *found = NULL;
    if (value->kind == XPM_KIND_CONFIG)
        return value->as.config->extra != NULL ? value->as.config->extra->broken : NULL;
    for (size_t i = 0; xpm__value_is_collection(value) && i < xpm__value_span(value); i++)
        if ((found = error_in(&value->as.items[i])) != NULL)
            break;
    return found;
}

/* As xpm_config_set, of what C writes for the type of the parameter. Takes the value. */
static int set_literal(xpm_config *config, const char *name, xpm_value value, xpm_error *err)
{
    int index = xpm_class_index(config->class_, name);
    if (index < 0)
        index = xpm_class_renamed(config->class_, name);
    if (index >= 0)
        xpm__literal_adapt(config->class_->parameters[index].type, &value);
    return xpm_config_set(config, name, value, err);
}

/* An error in what is given is the error of the whole. Takes the value. */
static int set_pair(xpm_config *config, const xpm_value *name, xpm_value value, xpm_error *err)
{
    const xpm_error *inside = error_in(&value);
    if (name->kind == XPM_KIND_STR && inside == NULL)
        return set_literal(config, name->as.text, value, err);
    if (inside != NULL)
        *err = *inside;
    else
        xpm__fail(err, XPM_E_TYPE, config->class_->name,
                  "xpm_new takes names and values in turn: a name must be a text");
    xpm_value_clear(&value);
    return -1;
}

xpm_config *xpm_new_of(const char *class_name, size_t count, xpm_value *names_and_values)
{
    xpm_error err = {0};
    const xpm_class *class_ = xpm__class_require(class_name, &err);
    if (class_ != NULL && class_->broken != NULL)
        err = *class_->broken;
    xpm_config *config = class_ != NULL ? xpm_config_new(class_) : new_nothing();
    for (size_t i = 0; i < count; i += 2) {
        xpm_value value = i + 1 < count ? names_and_values[i + 1] : xpm_none();
        if (err.code == XPM_E_OK)
            set_pair(config, &names_and_values[i], value, &err);
        else
            xpm_value_clear(&value);
        xpm_value_clear(&names_and_values[i]);
    }
    return err.code == XPM_E_OK ? config : broken(config, &err);
}

xpm_config *xpm_dep(xpm_config *task, xpm_config *output)
{
    xpm_error err = {0};
    if (xpm_config_set_task(output, task, &err) < 0)
        broken(output, &err);
    return output;
}

xpm_config *xpm_tag_of(xpm_config *config, const char *name, xpm_value value, const char *file,
                       int line)
{
    xpm_config_tag_at(config, name, &value, file, line);
    xpm_value_clear(&value);
    return config;
}

xpm_config *xpm_init_tasks_of(xpm_config *task, size_t count, xpm_config *const *inits)
{
    for (size_t i = 0; i < count; i++) {
        xpm_value init = xpm_object(inits[i]);
        const xpm_error *inside = error_in(&init);
        xpm_error err = {0};
        if (inside != NULL)
            broken(task, inside);
        else if (xpm_config_add_init_task(task, inits[i], &err) < 0)
            broken(task, &err);
        xpm_value_clear(&init);
    }
    return task;
}
