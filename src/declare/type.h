/* The types of values. Immutable, from one arena that lives as long as the process (xpm_reset frees
 * it, for tests). */
#ifndef XPM_DECLARE_TYPE_H
#define XPM_DECLARE_TYPE_H

#include <experimaestro.h>

#include "base/mem.h"
#include "base/str.h"

struct xpm_type {
    xpm_kind kind;
    const xpm_type *key;          /* DICT */
    const xpm_type *item;         /* LIST, SET, OPTIONAL, DICT's values, TUPLE of any length;
                                     VARIABLE: its bound, or NULL */
    const xpm_type *const *types; /* UNION: count alternatives; TUPLE: count items; CONFIG: what the
                                     count variables stand for */
    const xpm_type *const *variables;
    const xpm_class *class_;   /* CONFIG */
    const char *module, *name; /* ENUM, with count members; VARIABLE */
    const char *const *members;
    const xpm_value *plain; /* ENUM: what each member is when it is an int or a text too; or NULL */
    const int *numbers;     /* ENUM, declared by macro: C's number of each member; or NULL */
    size_t count;
};

/* Where types and classes live. */
extern xpm__arena xpm__types;

/* The type of item `index` of a list, tuple or set; NULL when a tuple has none there. */
const xpm_type *xpm__type_item(const xpm_type *type, size_t index);

/* An enumeration that XPM_ENUMERATION declares; NULL when there is none of that name (native.c). */
const xpm_type *xpm__native_enum(const char *name);

/* What the type of a kind of scalars is called. */
const char *xpm__kind_name(xpm_kind kind);

/* A copy of a scalar that lives as long as the types do. */
xpm_value xpm__type_keep(const xpm_value *scalar);

/* Appends it as it is declared: "list[int]". */
void xpm__type_print(const xpm_type *type, xpm__str *out);

#endif
