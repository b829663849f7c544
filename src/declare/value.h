/* Values: what a parameter holds. A tagged union that owns what it points to. */
#ifndef XPM_DECLARE_VALUE_H
#define XPM_DECLARE_VALUE_H

#include <experimaestro.h>

#include "base/str.h"
#include "declare/type.h"

/* Whether it is a bool, an int or a float: they compare with one another. */
bool xpm__value_is_number(const xpm_value *value);
double xpm__value_as_double(const xpm_value *value);

/* What a message calls it: `str "a"`, `list of 3`, `demo.model`. */
void xpm__value_describe(const xpm_value *value, xpm__str *out);

/* Orders scalars of one kind as Python does (texts by code point), and all others somehow. */
int xpm__value_compare(const xpm_value *a, const xpm_value *b);

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
