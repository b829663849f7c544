#include "declare/instance.h"

#include <string.h>

#include "base/error.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/type.h"
#include "declare/walk.h"

typedef struct maker {
    xpm__instances *instances;
    xpm_error *err;
} maker;

static const xpm_field *find_field(const xpm_static_class *class_, const char *name)
{
    for (size_t i = 0; i < class_->field_count; i++) {
        const xpm_field *field = &class_->fields[i];
        if (field->layout < XPM_LAYOUT_BASE && strcmp(field->name, name) == 0)
            return field;
        const xpm_class *base =
            field->layout == XPM_LAYOUT_BASE ? xpm_class_find(field->name) : NULL;
        const xpm_field *inherited =
            base != NULL && base->native != NULL ? find_field(base->native, name) : NULL;
        if (inherited != NULL)
            return inherited;
    }
    return NULL;
}

/* ---- Members ---------------------------------------------------------------------------------- */

/* C's number of a member of an enumeration. */
static const int *number_of(const xpm_value *value)
{
    static const int zero = 0;
    const xpm_type *type = value->as.enum_type;
    return type->numbers != NULL ? &type->numbers[value->size] : &zero;
}

static void set_scalar(void *member, const xpm_value *value)
{
    switch (value->kind) {
    case XPM_KIND_BOOL:
        *(bool *)member = value->as.boolean;
        break;
    case XPM_KIND_INT:
        *(int64_t *)member = value->as.integer;
        break;
    case XPM_KIND_FLOAT:
        *(double *)member = value->as.real;
        break;
    case XPM_KIND_STR:
    case XPM_KIND_PATH:
        *(const char **)member = value->as.text;
        break;
    case XPM_KIND_ENUM:
        *(int *)member = *number_of(value);
        break;
    default: /* none: the member stays 0, false or NULL */
        break;
    }
}

static void set_pointer(void *member, const xpm_value *value)
{
    switch (value->kind) {
    case XPM_KIND_BOOL:
        *(const bool **)member = &value->as.boolean;
        break;
    case XPM_KIND_INT:
        *(const int64_t **)member = &value->as.integer;
        break;
    case XPM_KIND_FLOAT:
        *(const double **)member = &value->as.real;
        break;
    case XPM_KIND_ENUM:
        *(const int **)member = number_of(value);
        break;
    default:
        break;
    }
}

/* How large an item of an array is. */
static size_t item_size(xpm_layout layout)
{
    return layout == XPM_LAYOUT_BOOLS   ? sizeof(bool)
           : layout == XPM_LAYOUT_ENUMS ? sizeof(int)
           : layout == XPM_LAYOUT_TEXTS ? sizeof(char *)
                                        : sizeof(int64_t);
}

/* All arrays are a count and a pointer, as the macros have checked. */
static void set_array(maker *m, xpm_layout layout, xpm_ints *array, const xpm_value *list)
{
    size_t size = item_size(layout);
    char *items = xpm__arena_alloc(&m->instances->arena, list->size * size + 1);
    for (size_t i = 0; i < list->size; i++)
        set_scalar(items + i * size, &list->as.items[i]);
    array->count = list->size;
    array->items = (const int64_t *)(void *)items;
}

static void *object_of(maker *m, const xpm_config *config)
{
    void *object = xpm__instance_find(m->instances, config);
    if (object == NULL)
        xpm__fail(m->err, XPM_E_TYPE, config->class_->name,
                  "%s is not declared in C in this program", config->class_->name);
    return object;
}

static int set_objects(maker *m, xpm_objects *objects, const xpm_value *list)
{
    objects->count = list->size;
    objects->items = xpm__arena_alloc(&m->instances->arena, (list->size + 1) * sizeof(void *));
    for (size_t i = 0; i < list->size; i++)
        if ((objects->items[i] = object_of(m, list->as.items[i].as.config)) == NULL)
            return -1;
    return 0;
}

static int set_named(maker *m, xpm_named *named, const xpm_value *dict)
{
    size_t size = ((size_t)dict->size + 1) * sizeof(void *);
    const char **names = xpm__arena_alloc(&m->instances->arena, size);
    named->count = dict->size;
    named->names = names;
    named->items = xpm__arena_alloc(&m->instances->arena, size);
    for (size_t i = 0; i < dict->size; i++) {
        names[i] = xpm_dict_key(dict, i)->as.text;
        if ((named->items[i] = object_of(m, xpm_dict_at(dict, i)->as.config)) == NULL)
            return -1;
    }
    return 0;
}

static int set_member(maker *m, void *member, xpm_layout layout, const xpm_value *value)
{
    if (layout == XPM_LAYOUT_VALUE) {
        *(const xpm_value **)member = value;
        return 0;
    }
    if (value->kind == XPM_KIND_NONE)
        return 0;
    switch (layout) {
    case XPM_LAYOUT_SCALAR:
    case XPM_LAYOUT_ENUM:
        set_scalar(member, value);
        return 0;
    case XPM_LAYOUT_POINTER:
    case XPM_LAYOUT_ENUM_POINTER:
        set_pointer(member, value);
        return 0;
    case XPM_LAYOUT_OBJECT:
        return (*(void **)member = object_of(m, value->as.config)) != NULL ? 0 : -1;
    case XPM_LAYOUT_OBJECTS:
        return set_objects(m, member, value);
    case XPM_LAYOUT_NAMED:
        return set_named(m, member, value);
    default:
        set_array(m, layout, member, value);
        return 0;
    }
}

/* ---- Objects ---------------------------------------------------------------------------------- */

/* The struct, before those of what it holds: they may point back to it. */
static int make(void *user, xpm_config *config, const xpm__walk *walk)
{
    maker *m = user;
    (void)walk;
    if (xpm__ptrmap_find(&m->instances->built, config) != NULL)
        return XPM__WALK_PAST;
    const xpm_static_class *native = config->class_->native;
    char *self = native != NULL ? xpm__arena_alloc(&m->instances->arena, native->size + 1) : NULL;
    xpm__ptrmap_add(&m->instances->built, config, (size_t)self);
    return XPM__WALK_ON;
}

static int set_members(void *user, xpm_config *config, const xpm__walk *walk)
{
    maker *m = user;
    const xpm_class *class_ = config->class_;
    char *self = xpm__instance_find(m->instances, config);
    (void)walk;
    for (size_t i = 0; self != NULL && i < class_->count; i++) {
        const xpm_parameter *parameter = &class_->parameters[i];
        const xpm_field *field = find_field(class_->native, parameter->name);
        const xpm_value *value = xpm_config_at(config, i);
        if (field != NULL && value != NULL &&
            set_member(m, self + parameter->offset, field->layout, value) < 0)
            return XPM__WALK_STOP;
    }
    return XPM__WALK_ON;
}

void *xpm__instance_make(xpm__instances *instances, xpm_config *config, xpm_error *err)
{
    maker m = {.instances = instances, .err = err};
    xpm__walker walker = {.enter = make, .leave = set_members, .user = &m};
    return xpm__walk_from(config, &walker) == 0 ? object_of(&m, config) : NULL;
}

void *xpm__instance_find(const xpm__instances *instances, const xpm_config *config)
{
    const size_t *found = xpm__ptrmap_find(&instances->built, config);
    return found != NULL ? (void *)*found : NULL;
}

void xpm__instances_free(xpm__instances *instances)
{
    xpm__ptrmap_free(&instances->built);
    xpm__arena_free(&instances->arena);
}

xpm_instances *xpm_instances_new(void)
{
    return xpm__zalloc(sizeof(xpm_instances));
}

void *xpm_instances_make(xpm_instances *instances, xpm_config *config, xpm_error *err)
{
    return xpm__instance_make(instances, config, err);
}

void xpm_instances_free(xpm_instances *instances)
{
    if (instances == NULL)
        return;
    xpm__instances_free(instances);
    xpm_free(instances);
}
