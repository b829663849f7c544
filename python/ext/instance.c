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

static int fill(PyObject *instance, const Class *class_, xpm_config *native,
                const Instances *instances)
{
    if (Py_TYPE(instance)->tp_init != PyBaseObject_Type.tp_init && call(instance, "__init__") < 0)
        return -1;
    if (instances->keep && set_config(instance, native) < 0)
        return -1;
    for (size_t i = 0; i < class_->count; i++)
        if (set_field(instance, class_->by_index[i], xpm_config_at(native, i), instances) < 0)
            return -1;
    bool is_task = (xpm_class_flags(class_->native) & XPM_CLASS_TASK) != 0;
    if ((class_->cached || is_task) && set_identifier(instance, native) < 0)
        return -1;
    return has_post_init(instance, class_) ? call(instance, "__post_init__") : 0;
}

static PyObject *make(xpm_config *native, PyObject *key, const Instances *instances)
{
    Class *class_ = xpm_class_user(xpm_config_class(native));
    PyObject *empty = PyTuple_New(0), *instance = NULL;
    if (class_ == NULL)
        PyErr_Format(PyExc_TypeError, "no Python class is declared for %s",
                     xpm_class_name(xpm_config_class(native)));
    else if (empty != NULL && (class_->by_index != NULL || engine_class(class_->cls) != NULL))
        instance = PyBaseObject_Type.tp_new(
            (PyTypeObject *)(class_->value_class != NULL ? class_->value_class : class_->cls),
            empty, NULL);
    Py_XDECREF(empty);
    if (instance == NULL)
        return NULL;
    /* Registered before it is filled: what it holds may hold it. */
    if (PyDict_SetItem(instances->made, key, instance) < 0 ||
        fill(instance, class_, native, instances) < 0)
        Py_CLEAR(instance);
    return instance;
}

PyObject *engine_instance(xpm_config *native, const Instances *instances)
{
    PyObject *key = PyLong_FromVoidPtr(native);
    PyObject *instance = key != NULL ? PyDict_GetItemWithError(instances->made, key) : NULL;
    if (instance != NULL) {
        Py_INCREF(instance);
    } else if (!PyErr_Occurred() && Py_EnterRecursiveCall(" while making instances") == 0) {
        instance = make(native, key, instances);
        Py_LeaveRecursiveCall();
    }
    Py_XDECREF(key);
    return instance;
}
