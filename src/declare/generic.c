#include "declare/generic.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/type.h"
#include "declare/value.h"

/* ---- Classes ---------------------------------------------------------------------------------- */

static const xpm_type *bound_in(const xpm_class *class_, const xpm_type *variable)
{
    for (size_t i = 0; i < class_->binding_count; i++)
        if (class_->bindings[i].variable == variable)
            return class_->bindings[i].type;
    return variable;
}

/* A variable that stands for a type still takes values as they are: their identifiers are those of
 * experimaestro 2.x, which does not look. */
static const xpm_type *resolve_variable(const xpm_class *class_, const xpm_type *variable)
{
    const xpm_type *type = bound_in(class_, variable);
    return type == variable || type->kind == XPM_KIND_VARIABLE
               ? type
               : xpm_type_variable(variable->name, type);
}

static const xpm_type *resolve_row(const xpm_class *class_, const xpm_type *type)
{
    const xpm_type **types = xpm__alloc((type->count + 1) * sizeof *types);
    const xpm_type *made = type;
    bool same = true;
    for (size_t i = 0; i < type->count; i++) {
        types[i] = xpm__type_resolve(class_, type->types[i]);
        same = same && types[i] == type->types[i];
    }
    if (!same)
        made = type->kind == XPM_KIND_UNION ? xpm_type_union(types, type->count)
               : type->kind == XPM_KIND_TUPLE
                   ? xpm_type_tuple(types, type->count)
                   : xpm_type_config_of(type->class_, type->variables, types, type->count);
    xpm_free(types);
    return made;
}

static const xpm_type *resolve_item(const xpm_class *class_, const xpm_type *type)
{
    const xpm_type *item = xpm__type_resolve(class_, type->item);
    if (item == type->item)
        return type;
    switch (type->kind) {
    case XPM_KIND_LIST:
        return xpm_type_list(item);
    case XPM_KIND_SET:
        return xpm_type_set(item);
    case XPM_KIND_DICT:
        return xpm_type_dict(type->key, item);
    case XPM_KIND_TUPLE:
        return xpm_type_tuple_of(item);
    default:
        return xpm_type_optional(item);
    }
}

const xpm_type *xpm__type_resolve(const xpm_class *class_, const xpm_type *type)
{
    if (class_->binding_count == 0)
        return type;
    if (type->kind == XPM_KIND_VARIABLE)
        return resolve_variable(class_, type);
    if (type->item != NULL)
        return resolve_item(class_, type);
    return type->types != NULL ? resolve_row(class_, type) : type;
}

/* What a type of a binding is in a class that extends: there a variable stands for the type itself. */
static const xpm_type *rebind(const xpm_class *class_, const xpm_type *type)
{
    return type->kind == XPM_KIND_VARIABLE ? bound_in(class_, type)
                                           : xpm__type_resolve(class_, type);
}

static void add_binding(xpm_class *class_, const xpm_type *variable, const xpm_type *type)
{
    size_t count = class_->binding_count;
    struct xpm__binding *bindings =
        xpm__arena_alloc(&xpm__types, (count + 1) * sizeof *class_->bindings);
    if (bound_in(class_, variable) != variable)
        return;
    if (count > 0)
        memcpy(bindings, class_->bindings, count * sizeof *bindings);
    bindings[count] = (struct xpm__binding){variable, type};
    class_->bindings = bindings;
    class_->binding_count++;
}

void xpm_class_bind(xpm_class *class_, const xpm_type *variable, const xpm_type *type)
{
    add_binding(class_, variable, type);
    for (size_t i = 0; i + 1 < class_->binding_count; i++)
        class_->bindings[i].type = rebind(class_, class_->bindings[i].type);
    for (size_t i = 0; i < class_->count; i++)
        class_->parameters[i].type = xpm__type_resolve(class_, class_->parameters[i].type);
}

void xpm__class_inherit_bindings(xpm_class *class_, const xpm_class *base)
{
    for (size_t i = 0; i < base->binding_count; i++)
        add_binding(class_, base->bindings[i].variable, rebind(class_, base->bindings[i].type));
}

bool xpm__type_is_generic(const xpm_type *type)
{
    if (type->kind == XPM_KIND_OPTIONAL)
        return xpm__type_is_generic(type->item);
    return type->kind == XPM_KIND_VARIABLE || (type->kind == XPM_KIND_CONFIG && type->count > 0);
}

/* ---- What variables stand for ----------------------------------------------------------------- */

static xpm__bound bound_of_value(const xpm_value *value)
{
    xpm__bound bound = {.kind = value->kind == XPM_KIND_NONE ? XPM_KIND_UNSET : value->kind};
    if (value->kind == XPM_KIND_CONFIG)
        bound.of = value->as.config->class_;
    else if (value->kind == XPM_KIND_ENUM)
        bound.of = value->as.enum_type;
    return bound;
}

static xpm__bound bound_of_type(const xpm_type *type)
{
    bool known = type->kind >= XPM_KIND_BOOL && type->kind <= XPM_KIND_CONFIG;
    return (xpm__bound){.kind = known ? type->kind : XPM_KIND_UNSET,
                        .of = type->kind == XPM_KIND_CONFIG ? (const void *)type->class_
                              : type->kind == XPM_KIND_ENUM ? (const void *)type
                                                            : NULL};
}

const char *xpm__bound_text(const xpm__bound *bound)
{
    static const char *const kinds[] = {
        [XPM_KIND_LIST] = "list",
        [XPM_KIND_TUPLE] = "tuple",
        [XPM_KIND_SET] = "set",
        [XPM_KIND_DICT] = "dict",
    };
    if (bound->kind == XPM_KIND_CONFIG)
        return ((const xpm_class *)bound->of)->own_name;
    if (bound->kind == XPM_KIND_ENUM)
        return xpm_type_enum_name(bound->of);
    return bound->kind >= XPM_KIND_LIST ? kinds[bound->kind] : xpm__kind_name(bound->kind);
}

static bool same_enum(const xpm_type *a, const xpm_type *b)
{
    return strcmp(a->module, b->module) == 0 && strcmp(a->name, b->name) == 0;
}

/* Whether all that `narrow` is `wide` is too. */
static bool within(const xpm__bound *narrow, const xpm__bound *wide)
{
    if (narrow->kind != wide->kind)
        return narrow->kind == XPM_KIND_BOOL && wide->kind == XPM_KIND_INT;
    if (narrow->kind == XPM_KIND_CONFIG)
        return xpm_class_is(narrow->of, wide->of);
    return narrow->kind != XPM_KIND_ENUM || same_enum(narrow->of, wide->of);
}

static bool unknown(const xpm__bound *a, const xpm__bound *b)
{
    return a->kind == XPM_KIND_UNSET || b->kind == XPM_KIND_UNSET;
}

static xpm__bound kept_bound(const xpm_config *config, const xpm_type *variable)
{
    const xpm__config_extra *extra = config->extra;
    for (size_t i = 0; extra != NULL && i < extra->bound_count; i++)
        if (extra->bounds[i].variable == variable)
            return extra->bounds[i];
    return (xpm__bound){0};
}

/* What a variable of a class that it extends stands for in a configuration: what the class says, or
 * else what its values are, which `by_value` then tells. */
static xpm__bound find_bound(const xpm_config *config, const xpm_type *variable, bool *by_value)
{
    const xpm_type *type = bound_in(config->class_, variable);
    *by_value = type->kind == XPM_KIND_VARIABLE;
    return *by_value ? kept_bound(config, type) : bound_of_type(type);
}

bool xpm__config_fits(const xpm_config *config, const xpm_type *type, xpm__bound *found)
{
    for (size_t i = 0; i < type->count; i++) {
        bool by_value;
        xpm__bound wanted = bound_of_type(type->types[i]);
        *found = find_bound(config, type->variables[i], &by_value);
        if (!unknown(found, &wanted) && !within(found, &wanted) &&
            !(by_value && within(&wanted, found)))
            return false;
    }
    return true;
}

/* ---- Binding ---------------------------------------------------------------------------------- */

typedef struct binder {
    xpm__bound *bounds;
    size_t count, capacity;
    const char *where;
    xpm_error *err;
} binder;

static int clash(const binder *b, const xpm__bound *a, const xpm__bound *other)
{
    return xpm__fail(b->err, XPM_E_TYPE, b->where,
                     "type variable %s stands for %s in parameter %s, and for %s in parameter %s: "
                     "one must be, or extend, the other",
                     a->variable->name, xpm__bound_text(a), a->parameter, xpm__bound_text(other),
                     other->parameter);
}

/* The most general of two wins. */
static int fuse(binder *b, const xpm_type *variable, xpm__bound bound, const char *parameter)
{
    bound.variable = variable;
    bound.parameter = parameter;
    if (bound.kind == XPM_KIND_UNSET)
        return 0;
    for (size_t i = 0; i < b->count; i++) {
        xpm__bound *known = &b->bounds[i];
        if (known->variable != variable)
            continue;
        if (within(known, &bound))
            *known = bound;
        else if (!within(&bound, known))
            return clash(b, known, &bound);
        return 0;
    }
    b->bounds = xpm__grow(b->bounds, &b->capacity, b->count, sizeof *b->bounds);
    b->bounds[b->count++] = bound;
    return 0;
}

static int bind_value(binder *b, const xpm_parameter *parameter, const xpm_value *value)
{
    const xpm_type *type = parameter->type;
    bool by_value;
    int status = 0;
    if (type->kind == XPM_KIND_OPTIONAL)
        type = type->item;
    if (type->kind == XPM_KIND_VARIABLE)
        return fuse(b, type, bound_of_value(value), parameter->name);
    if (type->kind != XPM_KIND_CONFIG || value->kind != XPM_KIND_CONFIG)
        return 0;
    for (size_t i = 0; status == 0 && i < type->count; i++)
        if (type->types[i]->kind == XPM_KIND_VARIABLE)
            status =
                fuse(b, type->types[i], find_bound(value->as.config, type->variables[i], &by_value),
                     parameter->name);
    return status;
}

static void keep_bounds(xpm_config *config, const binder *b)
{
    if (b->count == 0 && config->extra == NULL)
        return;
    xpm__config_extra *extra = xpm__config_extra_of(config);
    xpm_free(extra->bounds);
    extra->bounds = b->bounds;
    extra->bound_count = b->count;
}

int xpm__config_bind(xpm_config *config, size_t index, const xpm_value *value, const char *where,
                     xpm_error *err)
{
    binder b = {.where = where, .err = err};
    for (size_t i = 0; i < config->class_->count; i++) {
        const xpm_parameter *parameter = &config->class_->parameters[i];
        const xpm_value *has = i == index ? value : &config->values[i];
        if (xpm__type_is_generic(parameter->type) && bind_value(&b, parameter, has) < 0) {
            xpm_free(b.bounds);
            return -1;
        }
    }
    keep_bounds(config, &b);
    return 0;
}
