#include "declare/literal.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "declare/type.h"
#include "declare/value.h"

/* ---- What the type has in place of a literal --------------------------------------------------- */

static bool is_member(const xpm_type *type, size_t index, const xpm_value *literal)
{
    if (literal->kind == XPM_KIND_STR)
        return strcmp(type->members[index], literal->as.text) == 0;
    return literal->kind == XPM_KIND_INT && type->numbers != NULL &&
           type->numbers[index] == literal->as.integer;
}

static void adapt_member(const xpm_type *type, xpm_value *value)
{
    for (size_t i = 0; i < type->count; i++) {
        if (is_member(type, i, value)) {
            xpm_value_clear(value);
            *value = xpm_enum(type, i);
            return;
        }
    }
}

static void adapt_items(const xpm_type *type, xpm_value *value)
{
    if (value->kind == XPM_KIND_LIST)
        value->kind = type->kind;
    for (size_t i = 0; value->kind == type->kind && i < value->size; i++) {
        const xpm_type *item = xpm__type_item(type, i);
        if (item != NULL)
            xpm__literal_adapt(item, &value->as.items[i]);
    }
}

void xpm__literal_adapt(const xpm_type *type, xpm_value *value)
{
    switch (type->kind) {
    case XPM_KIND_ENUM:
        adapt_member(type, value);
        break;
    case XPM_KIND_LIST:
    case XPM_KIND_SET:
    case XPM_KIND_TUPLE:
        adapt_items(type, value);
        break;
    case XPM_KIND_DICT:
        for (size_t i = 0; value->kind == XPM_KIND_DICT && i < xpm__value_span(value); i++)
            xpm__literal_adapt(i % 2 == 0 ? type->key : type->item, &value->as.items[i]);
        break;
    case XPM_KIND_OPTIONAL:
        xpm__literal_adapt(type->item, value);
        break;
    default:
        break;
    }
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static xpm_value read_json(json_object *json)
{
    xpm_value value = xpm_none();
    switch (json_object_get_type(json)) {
    case json_type_null:
        break;
    case json_type_boolean:
        return xpm_bool(json_object_get_boolean(json));
    case json_type_int:
        return xpm_int(json_object_get_int64(json));
    case json_type_double:
        return xpm_float(json_object_get_double(json));
    case json_type_string:
        return xpm_str_sized(json_object_get_string(json),
                             (size_t)json_object_get_string_len(json));
    case json_type_array:
        value = xpm_list_new();
        for (size_t i = 0; i < json_object_array_length(json); i++)
            xpm_list_append(&value, read_json(json_object_array_get_idx(json, i)));
        break;
    case json_type_object:
        value = xpm_dict_new();
        json_object_object_foreach (json, key, item)
            xpm_dict_append(&value, xpm_str(key), read_json(item));
        break;
    }
    return value;
}

int xpm_value_parse(const xpm_type *type, const char *json, xpm_value *value, xpm_error *err)
{
    const char *problem = NULL;
    json_object *document = xpm__json_parse(json, strlen(json), &problem);
    *value = (xpm_value){0};
    if (document == NULL && strcmp(json, "null") != 0)
        return xpm__fail(err, XPM_E_FORMAT, "$", "\"%.200s\" is not JSON: %s", json, problem);
    *value = read_json(document);
    json_object_put(document);
    xpm__literal_adapt(type, value);
    if (xpm_check(type, value, NULL, err) == 0)
        return 0;
    xpm_value_clear(value);
    return -1;
}
