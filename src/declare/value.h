/* Values: what a parameter holds. A tagged union that owns what it points to. */
#ifndef XPM_DECLARE_VALUE_H
#define XPM_DECLARE_VALUE_H

#include <experimaestro.h>

#include "base/str.h"
#include "declare/type.h"

/* Equal as Python's ==, once configurations that are meta are dropped from collections:
 * the comparison with a default. Configurations compare by class and values. */
bool xpm__value_equal(const xpm_value *a, const xpm_value *b);

/* What a message calls it: `str "a"`, `list of 3`, `demo.model`. */
void xpm__value_describe(const xpm_value *value, xpm__str *out);

/* Orders scalars of one kind as Python does (texts by code point), and all others somehow. */
int xpm__value_compare(const xpm_value *a, const xpm_value *b);

/* Removes from a set the items that it has twice, and from a dict the keys: the last one stays.
 * Coercion makes such: {1, "1"}. */
void xpm__value_drop_doubles(xpm_value *set_or_dict);

/* What a member of an enumeration is when it is an int or a text too; any other value itself. */
static inline const xpm_value *xpm__value_plain(const xpm_value *value)
{
    bool mixed = value->kind == XPM_KIND_ENUM && value->as.enum_type->plain != NULL;
    return mixed ? &value->as.enum_type->plain[value->size] : value;
}

/* Whether it is a configuration that never counts. */
bool xpm__value_is_meta(const xpm_value *value);

/* How many values `items` has: pairs count twice. */
static inline size_t xpm__value_span(const xpm_value *value)
{
    return value->kind == XPM_KIND_DICT ? 2 * (size_t)value->size : value->size;
}

static inline bool xpm__value_is_collection(const xpm_value *value)
{
    return value->kind >= XPM_KIND_LIST && value->kind <= XPM_KIND_DICT;
}

#endif
