/* Configurations whose paths were generated for one place, and which therefore cannot be part of
 * another: their paths would be those of somebody else. What a task makes may be used anywhere. */
#include "declare/generated.h"

#include "base/str.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/value.h"
#include "declare/walk.h"

static bool is_placed(const xpm_config *config)
{
    return config->sealed && config->placed && config->task == NULL;
}

static bool holds_placed(const xpm_value *value)
{
    if (value->kind == XPM_KIND_CONFIG)
        return is_placed(value->as.config);
    for (size_t i = 0; xpm__value_is_collection(value) && i < xpm__value_span(value); i++)
        if (holds_placed(&value->as.items[i]))
            return true;
    return false;
}

bool xpm__config_has_generated(const xpm_config *config)
{
    for (size_t i = 0; i < config->class_->count; i++)
        if (xpm__parameter_generated(&config->class_->parameters[i]))
            return true;
    return false;
}

void xpm__config_mark_placed(xpm_config *config)
{
    config->placed = xpm__config_has_generated(config);
    for (size_t i = 0; !config->placed && i < config->class_->count; i++) {
        const xpm_value *value = xpm_config_at(config, i);
        config->placed = value != NULL && holds_placed(value);
    }
}

/* ---- Naming them ------------------------------------------------------------------------------ */

typedef struct list {
    const char *prefix; /* where the configuration is */
    xpm__str *out;
} list;

static int print_generated(void *user, xpm_config *config, const xpm__walk *walk)
{
    list *l = user;
    if (!is_placed(config))
        return XPM__WALK_PAST;
    for (size_t i = 0; i < config->class_->count; i++) {
        if (!xpm__parameter_generated(&config->class_->parameters[i]))
            continue;
        xpm__str_printf(l->out, "%s%s", l->out->size > 0 ? ", " : "", l->prefix);
        xpm__walk_steps(walk, l->out);
        xpm__str_printf(l->out, ".%s", config->class_->parameters[i].name);
    }
    return XPM__WALK_ON;
}

static void print_value(const xpm_value *value, xpm__str *prefix, xpm__str *out)
{
    if (value->kind == XPM_KIND_CONFIG) {
        list l = {.prefix = prefix->data, .out = out};
        xpm__ptrmap seen = {0};
        xpm__walk_from(value->as.config,
                       &(xpm__walker){.enter = print_generated, .user = &l, .seen = &seen});
        xpm__ptrmap_free(&seen);
        return;
    }
    size_t size = prefix->size;
    for (size_t i = 0; xpm__value_is_collection(value) && i < value->size; i++) {
        bool is_dict = value->kind == XPM_KIND_DICT;
        const xpm_value *item = &value->as.items[is_dict ? 2 * i + 1 : i];
        if (is_dict && item[-1].kind == XPM_KIND_STR)
            xpm__str_printf(prefix, "[\"%s\"]", item[-1].as.text);
        else
            xpm__str_printf(prefix, "[%zu]", i);
        print_value(item, prefix, out);
        xpm__str_cut(prefix, size);
    }
}

char *xpm_value_generated(const xpm_value *value, const char *where)
{
    xpm__str prefix = {0}, out = {0};
    if (!holds_placed(value))
        return NULL;
    xpm__str_puts(&prefix, where);
    print_value(value, &prefix, &out);
    xpm__str_free(&prefix);
    return xpm__str_take(&out);
}
