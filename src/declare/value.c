#include "declare/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/equal.h"

xpm_value xpm_none(void)
{
    return (xpm_value){.kind = XPM_KIND_NONE};
}

xpm_value xpm_bool(bool boolean)
{
    return (xpm_value){.kind = XPM_KIND_BOOL, .as.boolean = boolean};
}

xpm_value xpm_int(int64_t integer)
{
    return (xpm_value){.kind = XPM_KIND_INT, .as.integer = integer};
}

xpm_value xpm_float(double real)
{
    return (xpm_value){.kind = XPM_KIND_FLOAT, .as.real = real};
}

xpm_value xpm_str_sized(const char *text, size_t size)
{
    return (xpm_value){
        .kind = XPM_KIND_STR, .size = (uint32_t)size, .as.text = xpm__strndup(text, size)};
}

xpm_value xpm_str(const char *text)
{
    return text != NULL ? xpm_str_sized(text, strlen(text)) : xpm_none();
}

xpm_value xpm_path(const char *path)
{
    xpm_value value = xpm_str(path);
    if (path != NULL)
        value.kind = XPM_KIND_PATH;
    return value;
}

xpm_value xpm_enum(const xpm_type *type, size_t member)
{
    return (xpm_value){.kind = XPM_KIND_ENUM, .size = (uint32_t)member, .as.enum_type = type};
}

xpm_value xpm_object(xpm_config *config)
{
    if (config == NULL)
        return xpm_none();
    return (xpm_value){.kind = XPM_KIND_CONFIG, .as.config = xpm_config_ref(config)};
}

xpm_value xpm_list_new(void)
{
    return (xpm_value){.kind = XPM_KIND_LIST};
}

xpm_value xpm_tuple_new(void)
{
    return (xpm_value){.kind = XPM_KIND_TUPLE};
}

xpm_value xpm_set_new(void)
{
    return (xpm_value){.kind = XPM_KIND_SET};
}

xpm_value xpm_dict_new(void)
{
    return (xpm_value){.kind = XPM_KIND_DICT};
}

xpm_value xpm_value_same(xpm_value value)
{
    return value;
}

/* Capacity is not kept: it is the power of two that holds `span` items, 4 at least. */
static void append(xpm_value *value, size_t span, xpm_value item)
{
    if (span == 0 || (span >= 4 && (span & (span - 1)) == 0)) {
        size_t capacity = span == 0 ? 4 : 2 * span;
        value->as.items = xpm__realloc(value->as.items, capacity * sizeof item);
    }
    value->as.items[span] = item;
}

void xpm_list_append(xpm_value *list, xpm_value item)
{
    append(list, list->size, item);
    list->size++;
}

void xpm_dict_append(xpm_value *dict, xpm_value key, xpm_value value)
{
    append(dict, 2 * (size_t)dict->size, key);
    append(dict, 2 * (size_t)dict->size + 1, value);
    dict->size++;
}

xpm_value xpm_list_of(size_t count, xpm_value *values)
{
    xpm_value list = xpm_list_new();
    for (size_t i = 0; i < count; i++)
        xpm_list_append(&list, values[i]);
    return list;
}

xpm_value xpm_tuple_of(size_t count, xpm_value *values)
{
    xpm_value tuple = xpm_list_of(count, values);
    tuple.kind = XPM_KIND_TUPLE;
    return tuple;
}

xpm_value xpm_set_of(size_t count, xpm_value *values)
{
    xpm_value set = xpm_list_of(count, values);
    set.kind = XPM_KIND_SET;
    return set;
}

xpm_value xpm_dict_of(size_t count, xpm_value *values)
{
    xpm_value dict = xpm_dict_new();
    for (size_t i = 0; i + 1 < count; i += 2)
        xpm_dict_append(&dict, values[i], values[i + 1]);
    if (count % 2 == 1)
        xpm_value_clear(&values[count - 1]);
    return dict;
}

xpm_value xpm_value_copy(const xpm_value *value)
{
    xpm_value copy = *value;
    if (value->kind == XPM_KIND_STR || value->kind == XPM_KIND_PATH) {
        copy.as.text = xpm__strndup(value->as.text, value->size);
    } else if (value->kind == XPM_KIND_CONFIG) {
        xpm_config_ref(value->as.config);
    } else if (xpm__value_is_collection(value)) {
        copy.size = 0;
        copy.as.items = NULL;
        for (size_t i = 0; i < xpm__value_span(value); i++)
            append(&copy, i, xpm_value_copy(&value->as.items[i]));
        copy.size = value->size;
    }
    return copy;
}

void xpm_value_clear(xpm_value *value)
{
    if (value->kind == XPM_KIND_STR || value->kind == XPM_KIND_PATH) {
        xpm_free(value->as.text);
    } else if (value->kind == XPM_KIND_CONFIG) {
        xpm_config_unref(value->as.config);
    } else if (xpm__value_is_collection(value)) {
        for (size_t i = 0; i < xpm__value_span(value); i++)
            xpm_value_clear(&value->as.items[i]);
        xpm_free(value->as.items);
    }
    *value = (xpm_value){0};
}

/* ---- Reading ---------------------------------------------------------------------------------- */

const xpm_value *xpm_list_at(const xpm_value *list, size_t index)
{
    bool within = list != NULL && list->kind >= XPM_KIND_LIST && list->kind <= XPM_KIND_SET &&
                  index < list->size;
    return within ? &list->as.items[index] : NULL;
}

const xpm_value *xpm_dict_key(const xpm_value *dict, size_t index)
{
    bool within = dict != NULL && dict->kind == XPM_KIND_DICT && index < dict->size;
    return within ? &dict->as.items[2 * index] : NULL;
}

const xpm_value *xpm_dict_at(const xpm_value *dict, size_t index)
{
    const xpm_value *key = xpm_dict_key(dict, index);
    return key != NULL ? key + 1 : NULL;
}

const xpm_value *xpm_dict_find(const xpm_value *dict, const xpm_value *key)
{
    const xpm_value *at;
    for (size_t i = 0; (at = xpm_dict_key(dict, i)) != NULL; i++)
        if (xpm__value_equal(at, key))
            return at + 1;
    return NULL;
}

const xpm_value *xpm_dict_get(const xpm_value *dict, const char *key)
{
    const xpm_value *at;
    for (size_t i = 0; (at = xpm_dict_key(dict, i)) != NULL; i++)
        if (at->kind == XPM_KIND_STR && strcmp(at->as.text, key) == 0)
            return at + 1;
    return NULL;
}

bool xpm__value_is_meta(const xpm_value *value)
{
    return value->kind == XPM_KIND_CONFIG && value->as.config->meta == 1;
}

/* ---- Order ------------------------------------------------------------------------------------ */

/* In the order of one enumeration, or of the names of two: each combination of flags is apart. */
static int compare_members(const xpm_value *a, const xpm_value *b)
{
    const xpm_type *left = a->as.enum_type, *right = b->as.enum_type;
    if (left == right)
        return (a->size > b->size) - (a->size < b->size);
    int order = strcmp(left->module, right->module);
    order = order != 0 ? order : strcmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->members[a->size], right->members[b->size]);
}

bool xpm__value_is_number(const xpm_value *value)
{
    return value->kind == XPM_KIND_BOOL || value->kind == XPM_KIND_INT ||
           value->kind == XPM_KIND_FLOAT;
}

double xpm__value_as_double(const xpm_value *value)
{
    return value->kind == XPM_KIND_FLOAT  ? value->as.real
           : value->kind == XPM_KIND_BOOL ? (double)value->as.boolean
                                          : (double)value->as.integer;
}

static int compare_numbers(const xpm_value *a, const xpm_value *b)
{
    if (a->kind == XPM_KIND_INT && b->kind == XPM_KIND_INT)
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    return (xpm__value_as_double(a) > xpm__value_as_double(b)) -
           (xpm__value_as_double(a) < xpm__value_as_double(b));
}

static int compare_texts(const xpm_value *a, const xpm_value *b)
{
    size_t common = a->size < b->size ? a->size : b->size;
    int order = common > 0 ? memcmp(a->as.text, b->as.text, common) : 0;
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static int compare_items(const xpm_value *a, const xpm_value *b)
{
    size_t left = xpm__value_span(a), right = xpm__value_span(b);
    int order = 0;
    for (size_t i = 0; order == 0 && i < left && i < right; i++)
        order = xpm__value_compare(&a->as.items[i], &b->as.items[i]);
    return order != 0 ? order : (left > right) - (left < right);
}

int xpm__value_compare(const xpm_value *a, const xpm_value *b)
{
    a = xpm__value_plain(a);
    b = xpm__value_plain(b);
    if (xpm__value_is_number(a) && xpm__value_is_number(b))
        return compare_numbers(a, b);
    if (a->kind != b->kind)
        return a->kind > b->kind ? 1 : -1;
    if (xpm__value_is_collection(a))
        return compare_items(a, b);
    switch (a->kind) {
    case XPM_KIND_ENUM:
        return compare_members(a, b);
    case XPM_KIND_STR:
    case XPM_KIND_PATH:
        return compare_texts(a, b);
    case XPM_KIND_CONFIG:
        return ((uintptr_t)a->as.config > (uintptr_t)b->as.config) -
               ((uintptr_t)a->as.config < (uintptr_t)b->as.config);
    default:
        return 0;
    }
}

void xpm__value_describe(const xpm_value *value, xpm__str *out)
{
    switch (value->kind) {
    case XPM_KIND_BOOL:
        xpm__str_printf(out, "bool %s", value->as.boolean ? "true" : "false");
        break;
    case XPM_KIND_INT:
        xpm__str_printf(out, "int %lld", (long long)value->as.integer);
        break;
    case XPM_KIND_FLOAT:
        xpm__str_puts(out, "float ");
        xpm__json_double(out, value->as.real);
        break;
    case XPM_KIND_STR:
        xpm__str_printf(out, "str \"%.60s\"%s", value->as.text, value->size > 60 ? "..." : "");
        break;
    case XPM_KIND_PATH:
        xpm__str_printf(out, "path \"%s\"", value->as.text);
        break;
    case XPM_KIND_ENUM:
        xpm__type_print(value->as.enum_type, out);
        xpm__str_printf(out, ".%s", value->as.enum_type->members[value->size]);
        break;
    case XPM_KIND_LIST:
        xpm__str_printf(out, "list of %u", value->size);
        break;
    case XPM_KIND_TUPLE:
        xpm__str_printf(out, "tuple of %u", value->size);
        break;
    case XPM_KIND_SET:
        xpm__str_printf(out, "set of %u", value->size);
        break;
    case XPM_KIND_DICT:
        xpm__str_printf(out, "dict of %u", value->size);
        break;
    case XPM_KIND_CONFIG:
        xpm__str_puts(out, value->as.config->class_->own_name);
        break;
    case XPM_KIND_UNSET:
        xpm__str_puts(out, "nothing");
        break;
    default:
        xpm__str_puts(out, "none");
    }
}
