#include "declare/parameter.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "declare/class.h"
#include "declare/equal.h"
#include "declare/type.h"
#include "declare/value.h"

/* ---- Choices ---------------------------------------------------------------------------------- */

static int refuse_choice(const xpm_parameter *parameter, const xpm_value *value, const char *where,
                         xpm_error *err)
{
    xpm__str text = {0}, choices = {0};
    xpm__value_describe(value, &text);
    for (size_t i = 0; i < parameter->choice_count; i++) {
        xpm__str_puts(&choices, i > 0 ? ", " : "");
        xpm__value_describe(&parameter->choices[i], &choices);
    }
    xpm__fail(err, XPM_E_RANGE, where, "%s is not one of the choices: %s", text.data,
              choices.data != NULL ? choices.data : "there is none");
    xpm__str_free(&text);
    xpm__str_free(&choices);
    return -1;
}

int xpm__choices_check(const xpm_parameter *parameter, const xpm_value *value, const char *where,
                       xpm_error *err)
{
    if (parameter->choices == NULL || value->kind == XPM_KIND_NONE)
        return 0;
    for (size_t i = 0; i < parameter->choice_count; i++)
        if (xpm__value_equal(value, &parameter->choices[i]))
            return 0;
    return refuse_choice(parameter, value, where, err);
}

int xpm__choices_keep(xpm_parameter *parameter, const char *where, xpm_error *err)
{
    if (parameter->choices == NULL)
        return 0;
    xpm_value *kept = xpm__arena_alloc(&xpm__types, (parameter->choice_count + 1) * sizeof *kept);
    for (size_t i = 0; i < parameter->choice_count; i++) {
        xpm_value choice = xpm_value_copy(&parameter->choices[i]);
        int status = xpm_check(parameter->type, &choice, where, err);
        if (status == 0 && choice.kind > XPM_KIND_ENUM)
            status =
                xpm__fail(err, XPM_E_TYPE, where,
                          "a choice is a number, a text, a path or a member of an enumeration");
        if (status == 0)
            kept[i] = xpm__type_keep(&choice);
        xpm_value_clear(&choice);
        if (status < 0)
            return -1;
    }
    parameter->choices = kept;
    return 0;
}

/* ---- Overriding ------------------------------------------------------------------------------- */

/* Types of one kind are compatible; a configuration's must be the same class or extend it. */
bool xpm__type_overrides(const xpm_type *type, const xpm_type *inherited)
{
    if (inherited->kind == XPM_KIND_ANY)
        return true;
    if (type->kind == XPM_KIND_OPTIONAL || inherited->kind == XPM_KIND_OPTIONAL)
        return xpm__type_overrides(type->kind == XPM_KIND_OPTIONAL ? type->item : type,
                                   inherited->kind == XPM_KIND_OPTIONAL ? inherited->item
                                                                        : inherited);
    if (inherited->kind == XPM_KIND_VARIABLE)
        return inherited->item == NULL || xpm__type_overrides(type, inherited->item);
    if (type->kind == XPM_KIND_VARIABLE && type->item != NULL)
        return xpm__type_overrides(type->item, inherited);
    if (type->kind != inherited->kind)
        return false;
    return type->kind != XPM_KIND_CONFIG || xpm_class_is(type->class_, inherited->class_);
}
