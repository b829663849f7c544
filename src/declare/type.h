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
    const xpm_type *item;         /* LIST, SET, OPTIONAL, DICT's values */
    const xpm_type *const *types; /* UNION: count alternatives */
    const xpm_class *class_;      /* CONFIG */
    const char *module, *name;    /* ENUM, with count members */
    const char *const *members;
    size_t count;
};

/* Where types and classes live. */
extern xpm__arena xpm__types;

void xpm__type_print(const xpm_type *type, xpm__str *out);

#endif
