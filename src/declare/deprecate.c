/* Names of the past: classes that are deprecated for others, classes and parameters that were
 * renamed. */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"

enum { MAX_CONVERSIONS = 32 }; /* from deprecated to deprecated: more is a circle */

int xpm_class_deprecate(xpm_class *class_, const xpm_class *by, xpm_converter convert, void *user,
                        xpm_error *err)
{
    if (class_->used)
        return xpm__fail(err, XPM_E_STATE, class_->name,
                         "%s cannot become deprecated: configurations of it exist", class_->name);
    if (by == class_)
        return xpm__fail(err, XPM_E_STATE, class_->name, "%s is deprecated for itself",
                         class_->name);
    class_->name = by->name;
    class_->deprecated_by = by;
    class_->convert = convert;
    class_->convert_user = user;
    return 0;
}

const xpm_class *xpm_class_deprecated_by(const xpm_class *class_)
{
    return class_->deprecated_by;
}

void xpm_class_rename_from(xpm_class *class_, const char *name)
{
    xpm__class_alias(class_, name);
}

int xpm_class_renamed(const xpm_class *class_, const char *name)
{
    for (size_t i = 0; i < class_->count; i++) {
        const char *const *old = class_->parameters[i].renamed_from;
        for (; old != NULL && *old != NULL; old++)
            if (strcmp(*old, name) == 0)
                return (int)i;
    }
    return -1;
}

/* What a configuration converts to; kept with it. */
static xpm_config *convert(xpm_config *config, xpm_error *err)
{
    const xpm_class *class_ = config->class_;
    xpm__config_extra *extra = xpm__config_extra_of(config);
    if (extra->converted != NULL && config->sealed)
        return extra->converted;
    xpm_config *made = class_->convert(class_->convert_user, config, err);
    if (made == NULL)
        return NULL;
    xpm_config_ref(made); /* before the last one goes, which may be the same */
    xpm_config_unref(extra->converted);
    extra->converted = made;
    return made;
}

xpm_config *xpm__config_counting(xpm_config *config, xpm_error *err)
{
    const char *name = config->class_->own_name;
    for (int i = 0; config != NULL && config->class_->convert != NULL; i++) {
        if (i == MAX_CONVERSIONS) {
            xpm__fail(err, XPM_E_STATE, name,
                      "%s is deprecated, and converts to what is deprecated, without end", name);
            return NULL;
        }
        config = convert(config, err);
    }
    return config;
}
