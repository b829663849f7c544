/* What a parameter accepts beyond its type, and what may stand in its place in a class that extends. */
#ifndef XPM_DECLARE_PARAMETER_H
#define XPM_DECLARE_PARAMETER_H

#include <experimaestro.h>

/* Checks a value that is of the type against the choices. */
int xpm__choices_check(const xpm_parameter *parameter, const xpm_value *value, const char *where,
                       xpm_error *err);
/* Keeps the choices, coerced, with the types. `where` names the parameter for errors. */
int xpm__choices_keep(xpm_parameter *parameter, const char *where, xpm_error *err);

/* Whether a type may be in place of an inherited one. */
bool xpm__type_overrides(const xpm_type *type, const xpm_type *inherited);

#endif
