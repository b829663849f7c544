#include "declare/config.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "declare/class.h"
#include "declare/parameter.h"
#include "declare/type.h"
#include "declare/value.h"
#include "declare/walk.h"

/* ---- Life ------------------------------------------------------------------------------------- */

xpm_config *xpm_config_new(const xpm_class *class_)
{
    xpm_config *config = xpm__zalloc(sizeof *config + class_->count * sizeof(xpm_value));
    __atomic_store_n(&((xpm_class *)class_)->used, true, __ATOMIC_RELAXED); /* by any thread */
    config->class_ = class_;
    config->meta = -1;
    return config;
}

xpm_config *xpm_config_ref(xpm_config *config)
{
    __atomic_add_fetch(&config->refs, 1, __ATOMIC_RELAXED);
    return config;
}

xpm_config *xpm_config_yield(xpm_config *config)
{
    __atomic_sub_fetch(&config->refs, 1, __ATOMIC_ACQ_REL);
    return config;
}

static void clear_extra(xpm__config_extra *extra)
{
    for (size_t i = 0; i < extra->init_count; i++)
        xpm_config_unref(extra->init_tasks[i]);
    for (size_t i = 0; i < extra->dependency_count; i++)
        xpm_config_unref(extra->dependencies[i]);
    xpm__tags_clear(&extra->tags);
    xpm__tags_clear(&extra->all_tags);
    xpm_free(extra->stopped);
    xpm_free(extra->init_tasks);
    xpm_free(extra->dependencies);
    xpm_free(extra->tokens);
    xpm_free(extra->bounds);
    xpm_free(extra->broken);
    xpm_free(extra->task_type);
    xpm_free(extra->task_hex);
    xpm_config_unref(extra->converted);
    xpm_free(extra);
}

static void clear(xpm_config *config)
{
    for (size_t i = 0; i < config->class_->count; i++)
        xpm_value_clear(&config->values[i]);
    if (config->task != config)
        xpm_config_unref(config->task);
    config->task = NULL;
    if (config->extra != NULL)
        clear_extra(config->extra);
    config->extra = NULL;
}

/* What holds the last reference to a configuration that holds another, and so on, could nest deeper
 * than the stack: those that die meanwhile wait in a list. */
void xpm_config_unref(xpm_config *config)
{
    static _Thread_local xpm_config *dying; /* linked by `user`; not NULL while one is cleared */
    if (config == NULL || __atomic_sub_fetch(&config->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    bool nested = dying != NULL;
    config->user = nested ? dying->user : NULL;
    if (nested) {
        dying->user = config;
        return;
    }
    for (dying = config; dying != NULL;) {
        clear(dying);
        xpm_config *next = dying->user;
        xpm_free(dying);
        dying = next;
    }
}

void xpm_config_clear(xpm_config *config)
{
    if (config->sealed)
        return;
    xpm_config_ref(config); /* what it holds may hold it */
    clear(config);
    xpm_config_unref(config);
}

const xpm_class *xpm_config_class(const xpm_config *config)
{
    return config->class_;
}

void xpm_config_set_user(xpm_config *config, void *user)
{
    config->user = user;
}

void *xpm_config_user(const xpm_config *config)
{
    return config->user;
}

xpm__config_extra *xpm__config_extra_of(xpm_config *config)
{
    if (config->extra == NULL)
        config->extra = xpm__zalloc(sizeof *config->extra);
    return config->extra;
}

/* ---- Values ----------------------------------------------------------------------------------- */

static int check_writable(const xpm_config *config, const xpm_parameter *parameter, xpm_error *err)
{
    char *where = xpm__format("$.%s", parameter->name);
    int status = 0;
    if (config->sealed)
        status = xpm__fail(err, XPM_E_READONLY, where,
                           "object is read-only (trying to set %s): it was sealed when it was "
                           "submitted or identified for good; make a copy",
                           parameter->name);
    else if ((parameter->flags & XPM_CONSTANT) != 0)
        status = xpm__fail(err, XPM_E_READONLY, where, "property %s is read-only: it is a constant",
                           parameter->name);
    else if (xpm__parameter_generated(parameter))
        status = xpm__fail(err, XPM_E_READONLY, where,
                           "property %s is read-only: its value is generated", parameter->name);
    xpm_free(where);
    return status;
}

int xpm_config_check(xpm_config *config, size_t index, xpm_value *value, const char *where,
                     xpm_error *err)
{
    const xpm_parameter *parameter = &config->class_->parameters[index];
    bool none = value->kind == XPM_KIND_NONE && parameter->fallback.kind != XPM_KIND_UNSET;
    char *own = where == NULL ? xpm__format("$.%s", parameter->name) : NULL;
    if (own != NULL)
        where = own;
    int status = none ? 0 : xpm_check(parameter->type, value, where, err);
    if (status == 0)
        status = xpm__choices_check(parameter, value, where, err);
    if (status == 0 && config->class_->generic)
        status = xpm__config_bind(config, index, value, where, err);
    xpm_free(own);
    return status;
}

int xpm_config_set(xpm_config *config, const char *name, xpm_value value, xpm_error *err)
{
    int index = xpm_class_index(config->class_, name), status = -1;
    if (index < 0)
        index = xpm_class_renamed(config->class_, name);
    if (index < 0) {
        xpm_class_unknown(config->class_, name, err);
    } else {
        const xpm_parameter *parameter = &config->class_->parameters[index];
        if (check_writable(config, parameter, err) == 0)
            status = xpm_config_check(config, (size_t)index, &value, NULL, err);
        if (value.kind == XPM_KIND_NONE && (parameter->flags & XPM_NONE_IS_DEFAULT) != 0)
            value.kind = XPM_KIND_UNSET;
    }
    if (status < 0) {
        xpm_value_clear(&value);
        return -1;
    }
    xpm_config_put(config, (size_t)index, value);
    xpm_config_stop_tags(config, (size_t)index, false);
    return 0;
}

void xpm_config_put(xpm_config *config, size_t index, xpm_value value)
{
    xpm_value_clear(&config->values[index]);
    config->values[index] = value;
}

const xpm_value *xpm_config_at(const xpm_config *config, size_t index)
{
    return xpm__config_value(config, index, &config->class_->parameters[index]);
}

const xpm_value *xpm_config_get(const xpm_config *config, const char *name)
{
    int index = xpm_class_index(config->class_, name);
    return index >= 0 ? xpm_config_at(config, (size_t)index) : NULL;
}

const char *xpm_text(const xpm_config *config, const char *name)
{
    const xpm_value *value = xpm_config_get(config, name);
    bool is_text = value != NULL && (value->kind == XPM_KIND_STR || value->kind == XPM_KIND_PATH);
    return is_text ? value->as.text : NULL;
}

void xpm_config_set_meta(xpm_config *config, int meta)
{
    config->meta = (int8_t)meta;
}

int xpm_config_meta(const xpm_config *config)
{
    return config->meta;
}

/* ---- Tasks ------------------------------------------------------------------------------------ */

int xpm_config_set_task(xpm_config *output, xpm_config *task, xpm_error *err)
{
    if (output == task || output->task == task)
        return 0;
    if ((output->class_->flags & XPM_CLASS_TASK) != 0)
        return xpm__fail(err, XPM_E_STATE, output->class_->name,
                         "cannot set a dependency on task %s: a task is its own output",
                         output->class_->name);
    if (output->task != NULL)
        return xpm__fail(err, XPM_E_STATE, output->class_->name,
                         "%s is an output of %s already, and cannot be one of %s too; give a copy",
                         output->class_->name, output->task->class_->name, task->class_->name);
    output->task = xpm_config_ref(task);
    return 0;
}

int xpm_config_set_task_soft(xpm_config *output, xpm_config *task, xpm_error *err)
{
    bool known = output == task || output->task == task;
    if (xpm_config_set_task(output, task, err) < 0)
        return -1;
    if (!known)
        output->soft = true;
    return 0;
}

xpm_config *xpm_config_task(const xpm_config *config)
{
    return config->task;
}

const char *xpm_config_task_type(const xpm_config *config)
{
    return config->extra != NULL ? config->extra->task_type : NULL;
}

const char *xpm_config_task_identifier(const xpm_config *config)
{
    return config->extra != NULL ? config->extra->task_hex : NULL;
}

int xpm_config_add_init_task(xpm_config *task, xpm_config *init, xpm_error *err)
{
    if ((init->class_->flags & XPM_CLASS_LIGHTWEIGHT) == 0)
        return xpm__fail(err, XPM_E_TYPE, init->class_->name,
                         "%s is not a lightweight task, and cannot be an init task",
                         init->class_->name);
    if (task->sealed)
        return xpm__fail(err, XPM_E_READONLY, task->class_->name,
                         "%s is sealed: its init tasks cannot change", task->class_->name);
    xpm__config_extra *extra = xpm__config_extra_of(task);
    extra->init_tasks = xpm__grow(extra->init_tasks, &extra->init_capacity, extra->init_count,
                                  sizeof(xpm_config *));
    extra->init_tasks[extra->init_count++] = xpm_config_ref(init);
    return 0;
}

xpm_config *xpm_config_init_task(const xpm_config *task, size_t index)
{
    bool within = task->extra != NULL && index < task->extra->init_count;
    return within ? task->extra->init_tasks[index] : NULL;
}

int xpm_config_add_dependency(xpm_config *task, xpm_config *on, xpm_error *err)
{
    if ((task->class_->flags & XPM_CLASS_TASK) == 0)
        return xpm__fail(err, XPM_E_TYPE, task->class_->name,
                         "%s is a configuration and no task: only a task waits for others",
                         task->class_->name);
    if (task->submitted)
        return xpm__fail(err, XPM_E_STATE, task->class_->name,
                         "task %s was submitted: what it waits for cannot change",
                         task->class_->name);
    if (on->task == NULL)
        return xpm__fail(err, XPM_E_STATE, on->class_->name,
                         "%s is neither a submitted task nor an output of one: there is nothing to "
                         "wait for",
                         on->class_->name);
    xpm__config_extra *extra = xpm__config_extra_of(task);
    extra->dependencies = xpm__grow(extra->dependencies, &extra->dependency_capacity,
                                    extra->dependency_count, sizeof(xpm_config *));
    extra->dependencies[extra->dependency_count++] = xpm_config_ref(on);
    return 0;
}

xpm_config *xpm_config_dependency(const xpm_config *task, size_t index)
{
    bool within = task->extra != NULL && index < task->extra->dependency_count;
    return within ? task->extra->dependencies[index] : NULL;
}
