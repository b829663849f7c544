/* Equality of values and of configurations, as Python's ==: by what they hold, through cycles. */
#ifndef XPM_DECLARE_EQUAL_H
#define XPM_DECLARE_EQUAL_H

#include <experimaestro.h>

/* Configurations are equal when they are one, or are identified for good and have one identifier,
 * or have one class and equal values, defaults included. */
bool xpm__value_equal(const xpm_value *a, const xpm_value *b);
bool xpm__config_equal(const xpm_config *a, const xpm_config *b);

/* Whether a value equals the default of its parameter, once the configurations that are meta are
 * dropped from it: from the collection itself, not from those inside, which is the rule of
 * identifiers. */
bool xpm__value_is_default(const xpm_value *value, const xpm_value *fallback);

/* Removes from a set the items that it has twice, and from a dict the keys: the last one stays.
 * Coercion makes such: {1, "1"}. */
void xpm__value_drop_doubles(xpm_value *set_or_dict);

#endif
