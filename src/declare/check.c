/* Checking a value against a type, and coercing it as Python users expect. The path of the culprit
 * is kept as a list on the stack, and becomes a text only when something is wrong. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/equal.h"
#include "declare/generic.h"
#include "declare/number.h"
#include "declare/type.h"
#include "declare/value.h"

typedef struct place {
    const struct place *parent;
    const char *root;     /* without a parent: what the path starts with */
    const xpm_value *key; /* of a dict; else */
    size_t index;         /* of a list, tuple or set */
} place;

static int check(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err);

static void print_place(const place *at, xpm__str *out)
{
    if (at->parent == NULL) {
        xpm__str_puts(out, at->root);
        return;
    }
    print_place(at->parent, out);
    if (at->key == NULL)
        xpm__str_printf(out, "[%zu]", at->index);
    else if (at->key->kind == XPM_KIND_STR)
        xpm__str_printf(out, "[\"%s\"]", at->key->as.text);
    else if (at->key->kind == XPM_KIND_INT)
        xpm__str_printf(out, "[%lld]", (long long)at->key->as.integer);
    else
        xpm__str_puts(out, "[...]");
}

static int fail(const place *at, xpm_code code, const xpm_type *type, const xpm_value *value,
                const char *more, xpm_error *err)
{
    xpm__str path = {0}, expected = {0}, got = {0};
    print_place(at, &path);
    xpm__type_print(type, &expected);
    xpm__value_describe(value, &got);
    xpm__fail(err, code, path.data, "expected %s, got %s%s", expected.data, got.data, more);
    xpm__str_free(&path);
    xpm__str_free(&expected);
    xpm__str_free(&got);
    return -1;
}

static int wrong(const place *at, const xpm_type *type, const xpm_value *value, xpm_error *err)
{
    return fail(at, XPM_E_TYPE, type, value, "", err);
}

static void replace(xpm_value *value, xpm_value with)
{
    xpm_value_clear(value);
    *value = with;
}

static int too_large(const place *at, const xpm_type *type, const xpm_value *value, xpm_error *err)
{
    return fail(at, XPM_E_RANGE, type, value, ", which does not fit in 64 bits", err);
}

static int check_int(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    int64_t integer;
    if (value->kind == XPM_KIND_BOOL) {
        *value = xpm_int(value->as.boolean);
    } else if (value->kind == XPM_KIND_FLOAT && !isnan(value->as.real)) {
        if (value->as.real < -0x1p63 || value->as.real >= 0x1p63)
            return too_large(at, type, value, err);
        if ((double)(int64_t)value->as.real == value->as.real)
            *value = xpm_int((int64_t)value->as.real);
    } else if (value->kind == XPM_KIND_STR) {
        xpm__reading reading = xpm__read_int(value->as.text, value->size, &integer);
        if (reading == XPM__TOO_LARGE)
            return too_large(at, type, value, err);
        if (reading == XPM__READ)
            replace(value, xpm_int(integer));
    }
    return value->kind == XPM_KIND_INT ? 0 : wrong(at, type, value, err);
}

static int check_float(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    double real;
    if (value->kind == XPM_KIND_INT) {
        *value = xpm_float((double)value->as.integer);
    } else if (value->kind == XPM_KIND_BOOL) {
        *value = xpm_float(value->as.boolean);
    } else if (value->kind == XPM_KIND_STR) {
        if (xpm__read_float(value->as.text, value->size, &real) == XPM__READ)
            replace(value, xpm_float(real));
    }
    return value->kind == XPM_KIND_FLOAT ? 0 : wrong(at, type, value, err);
}

static int check_bool(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"t", true},  {"yes", true},    {"y", true},
                 {"on", true},   {"1", true},  {"false", false}, {"f", false},
                 {"no", false},  {"n", false}, {"off", false},   {"0", false}};
    if (value->kind == XPM_KIND_INT && (value->as.integer == 0 || value->as.integer == 1)) {
        *value = xpm_bool(value->as.integer == 1);
    } else if (value->kind == XPM_KIND_FLOAT && (value->as.real == 0 || value->as.real == 1)) {
        *value = xpm_bool(value->as.real == 1);
    } else if (value->kind == XPM_KIND_STR) {
        for (size_t i = 0; value->kind == XPM_KIND_STR && i < sizeof words / sizeof *words; i++)
            if (strcasecmp(value->as.text, words[i].word) == 0)
                replace(value, xpm_bool(words[i].value));
    }
    return value->kind == XPM_KIND_BOOL ? 0 : wrong(at, type, value, err);
}

static int check_enum(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    if (value->kind != XPM_KIND_ENUM || value->size >= type->count ||
        strcmp(value->as.enum_type->name, type->name) != 0 ||
        strcmp(value->as.enum_type->module, type->module) != 0)
        return fail(at, XPM_E_TYPE, type, value, "; give a member of it", err);
    return 0;
}

static int check_items(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    if (value->kind != type->kind)
        return wrong(at, type, value, err);
    for (size_t i = 0; i < value->size; i++) {
        place inside = {.parent = at, .index = i};
        if (check(xpm__type_item(type, i), &value->as.items[i], &inside, err) < 0)
            return -1;
    }
    return 0;
}

static int check_tuple(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    if (value->kind == XPM_KIND_LIST)
        value->kind = XPM_KIND_TUPLE;
    if (value->kind != XPM_KIND_TUPLE || (type->item == NULL && value->size != type->count))
        return wrong(at, type, value, err);
    return check_items(type, value, at, err);
}

static int check_set(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    int status = check_items(type, value, at, err);
    if (status == 0)
        xpm__value_drop_doubles(value);
    return status;
}

static int check_dict(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    if (value->kind != XPM_KIND_DICT)
        return wrong(at, type, value, err);
    for (size_t i = 0; i < value->size; i++) {
        xpm_value *pair = &value->as.items[2 * i];
        place inside = {.parent = at, .key = pair};
        if (check(type->key, &pair[0], &inside, err) < 0 ||
            check(type->item, &pair[1], &inside, err) < 0)
            return -1;
    }
    xpm__value_drop_doubles(value);
    return 0;
}

/* A value that a variable may stand for stays as it is. */
static int check_variable(const xpm_type *type, const xpm_value *value, const place *at,
                          xpm_error *err)
{
    if (type->item == NULL)
        return 0;
    xpm_value attempt = xpm_value_copy(value);
    int status = check(type->item, &attempt, at, NULL);
    xpm_value_clear(&attempt);
    return status == 0 ? 0 : wrong(at, type, value, err);
}

static int check_config(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    xpm__bound found;
    if (value->kind != XPM_KIND_CONFIG || !xpm_class_is(value->as.config->class_, type->class_))
        return wrong(at, type, value, err);
    const xpm_config *config = value->as.config;
    if (!xpm__config_fits(config, type, &found)) {
        char *more = xpm__format(" of %s", xpm__bound_text(&found));
        fail(at, XPM_E_TYPE, type, value, more, err);
        xpm_free(more);
        return -1;
    }
    if ((config->class_->flags & XPM_CLASS_TASK) != 0 && !config->submitted)
        return fail(at, XPM_E_STATE, type, value,
                    ", a task that was not submitted: the value must be submitted before giving it",
                    err);
    return 0;
}

/* The first alternative that accepts wins; each tries on a copy of its own. */
static int check_union(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    for (size_t i = 0; i < type->count; i++) {
        xpm_value attempt = xpm_value_copy(value);
        if (check(type->types[i], &attempt, at, NULL) == 0) {
            replace(value, attempt);
            return 0;
        }
        xpm_value_clear(&attempt);
    }
    return wrong(at, type, value, err);
}

/* A member of an enumeration that is an int or a text too, where one of these is wanted. */
static void make_plain(const xpm_type *type, xpm_value *value)
{
    if (type->kind >= XPM_KIND_BOOL && type->kind <= XPM_KIND_PATH)
        *value = xpm_value_copy(xpm__value_plain(value));
}

static int check(const xpm_type *type, xpm_value *value, const place *at, xpm_error *err)
{
    if (value->kind == XPM_KIND_ENUM)
        make_plain(type, value);
    switch (type->kind) {
    case XPM_KIND_ANY:
        return 0;
    case XPM_KIND_NONE:
        return value->kind == XPM_KIND_NONE ? 0 : wrong(at, type, value, err);
    case XPM_KIND_BOOL:
        return check_bool(type, value, at, err);
    case XPM_KIND_INT:
        return check_int(type, value, at, err);
    case XPM_KIND_FLOAT:
        return check_float(type, value, at, err);
    case XPM_KIND_STR:
        return value->kind == XPM_KIND_STR ? 0 : wrong(at, type, value, err);
    case XPM_KIND_PATH:
        if (value->kind == XPM_KIND_STR)
            value->kind = XPM_KIND_PATH;
        return value->kind == XPM_KIND_PATH ? 0 : wrong(at, type, value, err);
    case XPM_KIND_ENUM:
        return check_enum(type, value, at, err);
    case XPM_KIND_LIST:
        return check_items(type, value, at, err);
    case XPM_KIND_TUPLE:
        return check_tuple(type, value, at, err);
    case XPM_KIND_SET:
        return check_set(type, value, at, err);
    case XPM_KIND_DICT:
        return check_dict(type, value, at, err);
    case XPM_KIND_CONFIG:
        return check_config(type, value, at, err);
    case XPM_KIND_OPTIONAL:
        return value->kind == XPM_KIND_NONE ? 0 : check(type->item, value, at, err);
    case XPM_KIND_VARIABLE:
        return check_variable(type, value, at, err);
    case XPM_KIND_UNION:
        return check_union(type, value, at, err);
    case XPM_KIND_UNSET:
        break;
    }
    return wrong(at, type, value, err);
}

int xpm_check(const xpm_type *type, xpm_value *value, const char *where, xpm_error *err)
{
    place root = {.root = where != NULL ? where : "$"};
    return check(type, value, &root, err);
}
