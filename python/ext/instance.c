/* Instances: the plain objects of the user's classes that run. One is made of each configuration,
 * however many hold it. */
#include "engine.h"

static int set_field(PyObject *instance, const Parameter *parameter, const xpm_value *value,
                     const Instances *instances)
{
    PyObject *raised = value != NULL ? engine_raise(value, instances) : Py_NewRef(Py_None);
    int status = raised != NULL ? PyObject_SetAttr(instance, parameter->name, raised) : -1;
    Py_XDECREF(raised);
    return status;
}

static int set_identifier(PyObject *instance, xpm_config *native)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    char hex[XPM_HEX_SIZE];
    xpm_error err;
    if (xpm_config_identifier(native, identifier, &err) < 0) {
        engine_error(&err);
        return -1;
    }
    xpm_identifier_hex(identifier, hex);
    PyObject *text = PyUnicode_FromString(hex);
    int status = text != NULL ? PyObject_SetAttrString(instance, "__xpmidentifier__", text) : -1;
    Py_XDECREF(text);
    return status;
}

static int call(PyObject *instance, const char *method)
{
    PyObject *result = PyObject_CallMethod(instance, method, NULL);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

static int set_config(PyObject *instance, xpm_config *native)
{
    PyObject *config = engine_wrap(native);
    int status = config != NULL ? PyObject_SetAttrString(instance, "__config__", config) : -1;
    Py_XDECREF(config);
    return status;
}

/* A value class may have a __post_init__ that the class has not. */
static bool has_post_init(PyObject *instance, const Class *class_)
{
    return class_->post_init ||
           (class_->value_class != NULL && PyObject_HasAttrString(instance, "__post_init__"));
}

/* The class's __init__, without argument. */
static int initialize(PyObject *instance, xpm_config *native, const Instances *instances)
{
    if (Py_TYPE(instance)->tp_init != PyBaseObject_Type.tp_init && call(instance, "__init__") < 0)
        return -1;
    return instances->keep ? set_config(instance, native) : 0;
}

/* What it holds has been made. */
static int complete(PyObject *instance, xpm_config *native, const Instances *instances)
{
    const Class *class_ = xpm_class_user(xpm_config_class(native));
    for (size_t i = 0; i < class_->count; i++)
        if (set_field(instance, class_->by_index[i], xpm_config_at(native, i), instances) < 0)
            return -1;
    bool is_task = (xpm_class_flags(class_->native) & XPM_CLASS_TASK) != 0;
    if ((instances->named || class_->cached || is_task) && set_identifier(instance, native) < 0)
        return -1;
    return has_post_init(instance, class_) ? call(instance, "__post_init__") : 0;
}

static PyObject *make(xpm_config *native)
{
    const Class *class_ = xpm_class_user(xpm_config_class(native));
    if (class_ == NULL)
        return PyErr_Format(PyExc_TypeError, "no Python class is declared for %s",
                            xpm_class_name(xpm_config_class(native)));
    if (class_->by_index == NULL && engine_class(class_->cls) == NULL)
        return NULL;
    PyObject *cls = class_->value_class != NULL ? class_->value_class : class_->cls;
    PyObject *empty = PyTuple_New(0);
    PyObject *instance =
        empty != NULL ? PyBaseObject_Type.tp_new((PyTypeObject *)cls, empty, NULL) : NULL;
    Py_XDECREF(empty);
    return instance;
}

/* ---- A graph of them ----------------------------------------------------------------------------- */

/* What is being made, the innermost last: on the heap, since configurations may nest deep. */
typedef struct making {
    const Instances *instances;
    struct step {
        xpm_config *config;
        bool completing; /* it was made, and what it holds is above it */
    } * steps;
    size_t count, capacity;
} making;

static PyObject *find(const making *m, xpm_config *native)
{
    PyObject *key = PyLong_FromVoidPtr(native);
    PyObject *instance = key != NULL ? PyDict_GetItemWithError(m->instances->made, key) : NULL;
    Py_XDECREF(key);
    return instance;
}

/* Registered before what it holds is made, which may hold it. */
static int enter(making *m, xpm_config *native)
{
    PyObject *key = PyLong_FromVoidPtr(native), *instance = key != NULL ? make(native) : NULL;
    int status = -1;
    if (instance != NULL && PyDict_SetItem(m->instances->made, key, instance) == 0)
        status = initialize(instance, native, m->instances);
    Py_XDECREF(instance);
    Py_XDECREF(key);
    return status;
}

static int push(making *m, xpm_config *config)
{
    if (m->count == m->capacity) {
        size_t capacity = m->capacity > 0 ? 2 * m->capacity : 32;
        struct step *steps = PyMem_Realloc(m->steps, capacity * sizeof *steps);
        if (steps == NULL)
            return PyErr_NoMemory(), -1;
        m->steps = steps;
        m->capacity = capacity;
    }
    m->steps[m->count++] = (struct step){.config = config};
    return 0;
}

/* How many values there are in a collection: pairs count twice. */
static size_t span_of(const xpm_value *value)
{
    switch (value->kind) {
    case XPM_KIND_LIST:
    case XPM_KIND_TUPLE:
    case XPM_KIND_SET:
        return value->size;
    case XPM_KIND_DICT:
        return 2 * (size_t)value->size;
    default:
        return 0;
    }
}

/* Pushes the configurations in a value, the last one first: the first is to be made first. */
static int push_value(making *m, const xpm_value *value)
{
    if (value->kind == XPM_KIND_CONFIG)
        return push(m, value->as.config);
    for (size_t i = span_of(value); i > 0; i--)
        if (push_value(m, &value->as.items[i - 1]) < 0)
            return -1;
    return 0;
}

static int push_children(making *m, const xpm_config *native)
{
    for (size_t i = xpm_class_count(xpm_config_class(native)); i > 0; i--) {
        const xpm_value *value = xpm_config_at(native, i - 1);
        if (value != NULL && push_value(m, value) < 0)
            return -1;
    }
    return 0;
}

static int step(making *m)
{
    struct step *top = &m->steps[m->count - 1];
    xpm_config *config = top->config;
    PyObject *instance = find(m, config);
    if (instance == NULL && PyErr_Occurred())
        return -1;
    if (top->completing) {
        m->count--;
        return complete(instance, config, m->instances);
    }
    if (instance != NULL) {
        m->count--;
        return 0;
    }
    top->completing = true;
    return enter(m, config) < 0 ? -1 : push_children(m, config);
}

/* Those that were not completed are not instances. */
static void give_up(making *m, xpm_config *failed)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    for (size_t i = 0; i <= m->count; i++) {
        xpm_config *config = i < m->count ? m->steps[i].config : failed;
        if (i < m->count && !m->steps[i].completing)
            continue;
        PyObject *key = PyLong_FromVoidPtr(config);
        if (key == NULL || PyDict_DelItem(m->instances->made, key) < 0)
            PyErr_Clear();
        Py_XDECREF(key);
    }
    PyErr_Restore(type, value, traceback);
}

PyObject *engine_instance(xpm_config *native, const Instances *instances)
{
    making m = {.instances = instances};
    int status = push(&m, native);
    while (status == 0 && m.count > 0) {
        xpm_config *config = m.steps[m.count - 1].config;
        status = step(&m);
        if (status < 0)
            give_up(&m, config);
    }
    PyMem_Free(m.steps);
    return status == 0 ? Py_XNewRef(find(&m, native)) : NULL;
}
