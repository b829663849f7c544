#include "run/instance.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/ptrmap.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/type.h"

typedef struct builder {
    xpm__arena arena;
    xpm__ptrmap built; /* configuration to struct */
    xpm_error *err;
} builder;

static void *build(builder *b, xpm_config *config);

static const xpm_field *find_field(const xpm_static_class *class_, const char *name)
{
    for (size_t i = 0; i < class_->field_count; i++) {
        const xpm_field *field = &class_->fields[i];
        if (field->layout < XPM_LAYOUT_BASE && strcmp(field->name, name) == 0)
            return field;
        const xpm_class *base =
            field->layout == XPM_LAYOUT_BASE ? xpm_class_find(field->name) : NULL;
        const xpm_field *inherited = base != NULL ? find_field(base->native, name) : NULL;
        if (inherited != NULL)
            return inherited;
    }
    return NULL;
}

static int set_objects(builder *b, xpm_objects *objects, const xpm_value *list)
{
    objects->count = list->size;
    objects->items = xpm__arena_alloc(&b->arena, (list->size + 1) * sizeof(void *));
    for (size_t i = 0; i < list->size; i++) {
        objects->items[i] = build(b, list->as.items[i].as.config);
        if (objects->items[i] == NULL)
            return -1;
    }
    return 0;
}

/* Copies a scalar into its member. A member that has no value stays 0, false or NULL. */
static void set_scalar(void *member, const xpm_value *value)
{
    switch (value->kind) {
    case XPM_KIND_BOOL:
        *(bool *)member = value->as.boolean;
        break;
    case XPM_KIND_INT:
        *(int64_t *)member = value->as.integer;
        break;
    case XPM_KIND_FLOAT:
        *(double *)member = value->as.real;
        break;
    case XPM_KIND_STR:
    case XPM_KIND_PATH:
        *(const char **)member = value->as.text;
        break;
    default:
        break;
    }
}

static int set_member(builder *b, void *member, xpm_layout layout, const xpm_value *value)
{
    if (layout == XPM_LAYOUT_VALUE)
        *(const xpm_value **)member = value;
    else if (layout == XPM_LAYOUT_OBJECTS && value->kind == XPM_KIND_LIST)
        return set_objects(b, member, value);
    else if (layout == XPM_LAYOUT_OBJECT && value->kind == XPM_KIND_CONFIG)
        return (*(void **)member = build(b, value->as.config)) != NULL ? 0 : -1;
    else if (layout == XPM_LAYOUT_SCALAR)
        set_scalar(member, value);
    return 0;
}

static void *build(builder *b, xpm_config *config)
{
    const xpm_class *class_ = config->class_;
    const size_t *known = xpm__ptrmap_find(&b->built, config);
    if (known != NULL)
        return (void *)*known;
    if (class_->native == NULL) {
        xpm__fail(b->err, XPM_E_TYPE, class_->name, "%s is not declared in C in this program",
                  class_->name);
        return NULL;
    }
    char *self = xpm__arena_alloc(&b->arena, class_->native->size + 1);
    xpm__ptrmap_add(&b->built, config, (size_t)self);
    for (size_t i = 0; i < class_->count; i++) {
        const xpm_parameter *parameter = &class_->parameters[i];
        const xpm_field *field = find_field(class_->native, parameter->name);
        const xpm_value *value = xpm_config_at(config, i);
        if (field != NULL && value != NULL &&
            set_member(b, self + parameter->offset, field->layout, value) < 0)
            return NULL;
    }
    return self;
}

static int execute(builder *b, xpm_config *config, xpm_task *task)
{
    void *self = build(b, config);
    if (self == NULL)
        return 1;
    if (config->class_->native->execute == NULL) {
        xpm__fail(b->err, XPM_E_TYPE, config->class_->name, "%s has nothing to execute",
                  config->class_->name);
        return 1;
    }
    return config->class_->native->execute(self, task);
}

int xpm__native_execute(void *user, xpm_task *task, xpm_error *err)
{
    builder b = {.err = err};
    xpm_config *config = xpm_task_config(task);
    const xpm__config_extra *extra = config->extra;
    int code = 0;
    (void)user;
    for (size_t i = 0; code == 0 && extra != NULL && i < extra->init_count; i++)
        code = execute(&b, extra->init_tasks[i], task);
    if (code == 0)
        code = execute(&b, config, task);
    xpm__ptrmap_free(&b.built);
    xpm__arena_free(&b.arena);
    return code;
}
