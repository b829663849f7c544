/* Values as programs in C and files of text can write them: an enumeration's as a number or a name,
 * a set's as a list, a default's as JSON. */
#ifndef XPM_DECLARE_LITERAL_H
#define XPM_DECLARE_LITERAL_H

#include <experimaestro.h>

/* Makes of a value what the type has in its place: the member of a number (C's own) or a name, the
 * set or tuple of a list. What does not fit stays as it is, for xpm_check to refuse. */
void xpm__literal_adapt(const xpm_type *type, xpm_value *value);

#endif
