#include "declare/seal.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/generated.h"
#include "declare/instance.h"
#include "declare/value.h"
#include "declare/walk.h"

static xpm_locator locator;

void xpm_set_locator(xpm_locator new_locator)
{
    locator = new_locator;
}

typedef struct sealer {
    xpm__sealing *sealing;
    bool placed;              /* there will be a directory for what is generated */
    xpm__instances instances; /* structs for the checks of the classes that have one */
    xpm_error *err;
} sealer;

/* The path of a parameter of the configuration that is visited, or with NULL its own. */
static char *error_path(const xpm__walk *walk, const char *name)
{
    xpm__str path = {0};
    xpm__str_putc(&path, '$');
    xpm__walk_steps(walk, &path);
    if (name != NULL)
        xpm__str_printf(&path, ".%s", name);
    return xpm__str_take(&path);
}

static int missing(const xpm_config *config, const xpm_parameter *parameter, const xpm__walk *walk,
                   xpm_error *err)
{
    char *path = error_path(walk, parameter->name);
    char *type = xpm_type_text(parameter->type);
    char place[256] = "";
    if (locator != NULL)
        locator(config, place, sizeof place);
    xpm__fail(err, XPM_E_MISSING, path,
              "value %s is required but missing when building %s%s%s: give it a value of type %s",
              parameter->name, config->class_->name, place[0] != '\0' ? " at " : "", place, type);
    xpm_free(path);
    xpm_free(type);
    return XPM__WALK_STOP;
}

/* What a configuration inside has been given since it was put there. */
static int check_variables(xpm_config *config, const xpm__walk *walk, xpm_error *err)
{
    char *path = error_path(walk, NULL);
    int status = xpm__config_bind(config, config->class_->count, NULL, path, err);
    xpm_free(path);
    return status < 0 ? XPM__WALK_STOP : XPM__WALK_ON;
}

static int no_place(const xpm_config *config, const xpm_parameter *parameter, xpm_error *err)
{
    xpm__fail(err, XPM_E_PLACE, parameter->name,
              "%s of %s is generated in a directory, and there is none: submit it, or give one",
              parameter->name, config->class_->name);
    return XPM__WALK_STOP;
}

static int validate(void *user, xpm_config *config, const xpm__walk *walk)
{
    sealer *s = user;
    if (config->sealed)
        return XPM__WALK_PAST;
    if (config->extra != NULL && config->extra->broken != NULL) {
        if (s->err != NULL)
            *s->err = *config->extra->broken;
        return XPM__WALK_STOP;
    }
    for (size_t i = 0; i < config->class_->count; i++) {
        const xpm_parameter *parameter = &config->class_->parameters[i];
        bool optional = xpm_type_kind(parameter->type) == XPM_KIND_OPTIONAL;
        if (xpm__parameter_generated(parameter) && !s->placed)
            return no_place(config, parameter, s->err);
        if (xpm_config_at(config, i) == NULL && !optional && !xpm__parameter_generated(parameter))
            return missing(config, parameter, walk, s->err);
    }
    return config->class_->generic ? check_variables(config, walk, s->err) : XPM__WALK_ON;
}

/* Asks the class, once what the configuration holds was found valid. */
static int check_object(void *user, xpm_config *config, const xpm__walk *walk)
{
    sealer *s = user;
    xpm_error own = {0}, *err = s->err != NULL ? s->err : &own;
    if (config->class_->check_object == NULL)
        return XPM__WALK_ON;
    void *self = xpm__instance_make(&s->instances, config, err);
    if (self == NULL)
        return XPM__WALK_STOP;
    *err = (xpm_error){0};
    if (config->class_->check_object(self, err) == 0)
        return XPM__WALK_ON;
    if (err->code == XPM_E_OK)
        xpm__fail(err, XPM_E_CALLBACK, NULL,
                  "%s is not valid: its XPM_VALIDATE function says no more", config->class_->name);
    if (err->path[0] == '\0') {
        char *path = error_path(walk, NULL);
        snprintf(err->path, sizeof err->path, "%s", path);
        xpm_free(path);
    }
    return XPM__WALK_STOP;
}

char *xpm__seal_folder(const xpm__walk *walk)
{
    xpm__str relative = {0}, folder = {0};
    xpm__walk_path(walk, &relative);
    if (relative.size > 0)
        xpm__str_printf(&folder, "out/%s", relative.data);
    xpm__str_free(&relative);
    return xpm__str_take(&folder);
}

/* A default that is a configuration, or holds some, is shared by all: each object gets its own. */
static xpm_value clone_value(const xpm_value *value)
{
    xpm_value copy = xpm_value_copy(value);
    if (value->kind == XPM_KIND_CONFIG) {
        const xpm_config *from = value->as.config;
        xpm_config *clone = xpm_config_new(from->class_);
        for (size_t i = 0; i < from->class_->count; i++)
            if (from->values[i].kind != XPM_KIND_UNSET &&
                !xpm__parameter_generated(&from->class_->parameters[i]))
                clone->values[i] = clone_value(&from->values[i]);
        clone->meta = from->meta;
        xpm_value_clear(&copy);
        return xpm_object(clone);
    }
    for (size_t i = 0; xpm__value_is_collection(value) && i < xpm__value_span(value); i++) {
        xpm_value_clear(&copy.as.items[i]);
        copy.as.items[i] = clone_value(&value->as.items[i]);
    }
    return copy;
}

static void own_defaults(xpm_config *config)
{
    for (size_t i = 0; i < config->class_->count; i++) {
        const xpm_value *fallback = &config->class_->parameters[i].fallback;
        if (config->values[i].kind == XPM_KIND_UNSET &&
            (fallback->kind == XPM_KIND_CONFIG || xpm__value_is_collection(fallback)))
            config->values[i] = clone_value(fallback);
    }
}

static int freeze(void *user, xpm_config *config, const xpm__walk *walk)
{
    xpm__sealing *sealing = ((sealer *)user)->sealing;
    if (config->sealed)
        return XPM__WALK_PAST;
    own_defaults(config);
    config->sealed = true;
    if (xpm__config_has_generated(config)) {
        sealing->pending = xpm__grow(sealing->pending, &sealing->capacity, sealing->count,
                                     sizeof *sealing->pending);
        sealing->pending[sealing->count++] = (struct xpm__pending){config, xpm__seal_folder(walk)};
    }
    return XPM__WALK_ON;
}

static int mark(void *user, xpm_config *config, const xpm__walk *walk)
{
    (void)user;
    (void)walk;
    xpm__config_mark_placed(config);
    return XPM__WALK_ON;
}

int xpm__seal_begin(xpm_config *config, bool placed, xpm__sealing *sealing, xpm_error *err)
{
    sealer s = {.sealing = sealing, .placed = placed, .err = err};
    xpm__ptrmap seen = {0};
    *sealing = (xpm__sealing){0};
    xpm__walker walker = {.enter = validate, .leave = check_object, .user = &s, .seen = &seen};
    int status = xpm__walk_from(config, &walker);
    xpm__instances_free(&s.instances);
    xpm__ptrmap_free(&seen);
    walker = (xpm__walker){.enter = freeze, .leave = mark, .user = &s};
    return status < 0 ? -1 : xpm__walk_from(config, &walker);
}

/* The folder of a generated file: the partial identifier's, or in the job's. New: xpm_free. */
static char *place_of(xpm_config *config, const xpm_parameter *parameter, const char *folder,
                      const xpm__places *places, xpm_error *err)
{
    if (parameter->shared != NULL && places->shared != NULL)
        return places->shared(places->user, config, parameter->shared, err);
    return xpm__format("%s%s%s", places->directory, folder[0] != '\0' ? "/" : "", folder);
}

static int generate(xpm_config *config, const xpm_parameter *parameter, const char *folder,
                    const xpm__places *places, xpm_value *value, xpm_error *err)
{
    if (parameter->generate != NULL) {
        xpm_generation where = {
            .directory = places->directory, .relative = folder, .config = config};
        return parameter->generate(parameter->generate_user, &where, value, err);
    }
    char *place = place_of(config, parameter, folder, places, err);
    if (place == NULL)
        return -1;
    char *path = xpm__format("%s/%s", place, parameter->file);
    *value = xpm_path(path);
    xpm_free(path);
    xpm_free(place);
    return 0;
}

int xpm__seal_end(xpm__sealing *sealing, const xpm__places *places, xpm_error *err)
{
    int status = 0;
    for (size_t i = 0; i < sealing->count; i++) {
        xpm_config *config = sealing->pending[i].config;
        for (size_t j = 0; status == 0 && j < config->class_->count; j++) {
            const xpm_parameter *parameter = &config->class_->parameters[j];
            if (xpm__parameter_generated(parameter) && config->values[j].kind == XPM_KIND_UNSET)
                status = generate(config, parameter, sealing->pending[i].folder, places,
                                  &config->values[j], err);
        }
    }
    xpm__seal_abandon(sealing);
    return status;
}

void xpm__seal_abandon(xpm__sealing *sealing)
{
    for (size_t i = 0; i < sealing->count; i++)
        xpm_free(sealing->pending[i].folder);
    xpm_free(sealing->pending);
    *sealing = (xpm__sealing){0};
}

int xpm_config_seal(xpm_config *config, const char *directory, xpm_error *err)
{
    xpm__sealing sealing;
    xpm__places places = {.directory = directory};
    if (xpm__seal_begin(config, directory != NULL, &sealing, err) == 0)
        return xpm__seal_end(&sealing, &places, err);
    xpm__seal_abandon(&sealing);
    return -1;
}

bool xpm_config_sealed(const xpm_config *config)
{
    return config->sealed;
}
