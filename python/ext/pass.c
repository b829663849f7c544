/* What is done before an identifier is computed or a configuration sealed: lists, sets and dicts,
 * which may have changed since they were assigned, are given to C. A pass meets each configuration
 * once, whatever the number of ways to it, and keeps its place on the heap: they may nest deep. */
#include "engine.h"

typedef struct pass {
    uint64_t number;
    struct visit {
        Config *config; /* a reference */
        bool leaving;   /* what it holds was visited */
    } * stack;
    size_t count, capacity;
    bool sealing;
    PyObject *order; /* list, or NULL */
} pass;

static int push(pass *p, Config *config, bool leaving)
{
    if (p->count == p->capacity) {
        size_t capacity = p->capacity > 0 ? 2 * p->capacity : 64;
        struct visit *stack = PyMem_Realloc(p->stack, capacity * sizeof *stack);
        if (stack == NULL)
            return PyErr_NoMemory(), -1;
        p->stack = stack;
        p->capacity = capacity;
    }
    Py_INCREF(config);
    p->stack[p->count++] = (struct visit){.config = config, .leaving = leaving};
    return 0;
}

static int found(void *user, Config *config)
{
    pass *p = user;
    bool met = config->pass == p->number || xpm_config_sealed(config->native);
    /* What is not watched (engine_watch) holds nothing that a pass gives to C. */
    bool bare = !p->sealing && p->order == NULL && !PyObject_GC_IsTracked((PyObject *)config);
    return met || bare ? 0 : push(p, config, false);
}

static int lower_again(pass *p, Config *config, const Parameter *parameter, PyObject *value)
{
    xpm_value lowered;
    xpm_error err;
    const char *where = PyUnicode_AsUTF8(parameter->where);
    int status = engine_lower(value, where, found, p, &lowered);
    if (status == 0) {
        status = xpm_config_check(config->native, parameter->index, &lowered, where, &err);
        if (status == 0) {
            xpm_config_put(config->native, parameter->index, lowered);
            return 0;
        }
        xpm_value_clear(&lowered);
        engine_error(&err);
    }
    engine_blame(engine_place_of(config, parameter->index));
    return status;
}

/* A default that can change, or is made anew for each object, becomes the object's own. */
static int own_default(Config *config, Parameter *parameter)
{
    const xpm_value *native = xpm_config_at(config->native, parameter->index);
    bool is_default =
        native == NULL ||
        native == &xpm_class_parameter(config->class_->native, parameter->index)->fallback;
    if (!is_default || (parameter->factory == NULL &&
                        (parameter->fallback == NULL || !engine_mutable(parameter->fallback))))
        return 0;
    PyObject *value = engine_value(config, parameter);
    Py_XDECREF(value);
    return value != NULL ? 0 : -1;
}

/* So that what was found first is visited first. */
static void reverse(struct visit *stack, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct visit swapped = stack[i];
        stack[i] = stack[count - 1 - i];
        stack[count - 1 - i] = swapped;
    }
}

static int enter(pass *p, Config *config)
{
    size_t start = p->count;
    for (size_t i = 0; i < config->class_->count; i++) {
        Parameter *parameter = config->class_->by_index[i];
        if (config->values[i] == NULL && p->sealing && own_default(config, parameter) < 0)
            return -1;
        PyObject *value = config->values[i];
        if (value == NULL || !PyObject_IS_GC(value))
            continue;
        int status = 0;
        if (engine_is_config(value))
            status = found(p, (Config *)value);
        else if (engine_is_collection(value) && engine_mutable(value))
            status = lower_again(p, config, parameter, value);
        if (status < 0)
            return -1;
    }
    Py_ssize_t inits = config->init_tasks != NULL ? PyList_GET_SIZE(config->init_tasks) : 0;
    for (Py_ssize_t i = 0; i < inits; i++)
        if (found(p, (Config *)PyList_GET_ITEM(config->init_tasks, i)) < 0)
            return -1;
    reverse(p->stack + start, p->count - start);
    return 0;
}

static int leave(const pass *p, Config *config)
{
    if (p->order != NULL && PyList_Append(p->order, (PyObject *)config) < 0)
        return -1;
    if (!p->sealing || !config->class_->validates)
        return 0;
    PyObject *result = PyObject_CallMethod((PyObject *)config, "__validate__", NULL);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

static int step(pass *p, struct visit visit)
{
    if (visit.leaving)
        return leave(p, visit.config);
    if (visit.config->pass == p->number)
        return 0;
    visit.config->pass = p->number;
    if (push(p, visit.config, true) < 0)
        return -1;
    return enter(p, visit.config);
}

int engine_pass(Config *config, bool sealing, PyObject *order)
{
    static uint64_t passes;
    pass p = {.number = ++passes, .sealing = sealing, .order = order};
    int status = found(&p, config);
    while (status == 0 && p.count > 0) {
        struct visit visit = p.stack[--p.count];
        status = step(&p, visit);
        Py_DECREF(visit.config);
    }
    while (p.count > 0)
        Py_DECREF(p.stack[--p.count].config);
    PyMem_Free(p.stack);
    return status;
}
