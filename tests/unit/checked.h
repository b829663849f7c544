/* Checking a value against a type that is given as text. */
#ifndef XPM_TESTS_CHECKED_H
#define XPM_TESTS_CHECKED_H

#include "demo.h"

/* Checks a value against a type given as text; -1 leaves the error in `last`. Takes it. */
static inline xpm_value checked(const char *type, xpm_value value)
{
    last = (xpm_error){0};
    if (xpm_check(xpm_type_parse(type, NULL), &value, NULL, &last) < 0)
        xpm_value_clear(&value);
    return value;
}

static inline void assert_refused(const char *type, xpm_value value, xpm_code code,
                                  const char *part)
{
    xpm_value got = checked(type, value);
    assert_int_equal(got.kind, XPM_KIND_UNSET);
    assert_error(&last, code, part);
}

#endif
