/* Variables of types. A class says what they stand for in those that it extends; a configuration, by
 * the values that its parameters have. The two are brought together when a configuration is given
 * to a parameter, of which the type names its class and variables. */
#ifndef XPM_DECLARE_GENERIC_H
#define XPM_DECLARE_GENERIC_H

#include <experimaestro.h>

/* What a variable stands for: values of a kind; of a class, or of an enumeration. */
typedef struct xpm__bound {
    const xpm_type *variable;
    xpm_kind kind;         /* UNSET when nothing is known */
    const void *of;        /* the class, or the enumeration's type */
    const char *parameter; /* that has the value */
} xpm__bound;

/* A type in which the variables of a class stand for what the class says. */
const xpm_type *xpm__type_resolve(const xpm_class *class_, const xpm_type *type);

/* Gives a class what a class that it extends says of variables. */
void xpm__class_inherit_bindings(xpm_class *class_, const xpm_class *base);

/* Whether variables have to do with what a parameter of this type is given. */
bool xpm__type_is_generic(const xpm_type *type);

/* Whether in a configuration, which is of the type's class, the variables stand for what the type
 * says; else what one of them stands for goes into `found`. */
bool xpm__config_fits(const xpm_config *config, const xpm_type *type, xpm__bound *found);

/* Finds what the variables of its parameters stand for in a configuration, and keeps it: once
 * parameter `index` has `value`, or as they are when there is no such. Error: TYPE. */
int xpm__config_bind(xpm_config *config, size_t index, const xpm_value *value, const char *where,
                     xpm_error *err);

/* What a message calls it: "int", "demo.model". */
const char *xpm__bound_text(const xpm__bound *bound);

#endif
