/* What is left of the past: classes that convert to others, and parameters that have other names.
 * None of it is on the way of a configuration that is up to date. */
#include "engine.h"

bool engine_converting;

/* ---- Classes ------------------------------------------------------------------------------------ */

/* Calls __convert__. The configurations that it takes over may have been sealed where they were. */
static PyObject *call_convert(xpm_config *deprecated)
{
    bool outer = engine_converting;
    PyObject *config = engine_wrap(deprecated), *converted = NULL;
    engine_converting = true;
    if (config != NULL)
        converted = PyObject_CallMethod(config, "__convert__", NULL);
    engine_converting = outer;
    Py_XDECREF(config);
    if (converted != NULL && !engine_is_config(converted)) {
        PyErr_Format(engine_type_error, "__convert__ of %s gave %R: it must give a configuration",
                     xpm_class_name(xpm_config_class(deprecated)), converted);
        Py_CLEAR(converted);
    }
    if (converted != NULL && engine_pass((Config *)converted, false, NULL) < 0)
        Py_CLEAR(converted);
    return converted;
}

/* Called by the library, while it identifies, with the GIL or without it. */
static xpm_config *convert(void *Py_UNUSED(user), xpm_config *deprecated, xpm_error *err)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *converted = call_convert(deprecated);
    xpm_config *native = NULL;
    if (converted != NULL) {
        native = xpm_config_ref(((Config *)converted)->native);
        Py_DECREF(converted);
        xpm_config_yield(native);
    } else { /* the exception stays raised, and is the one that is seen */
        engine_describe(err);
    }
    PyGILState_Release(gil);
    return native;
}

PyObject *engine_class_deprecate(Class *self, PyObject *args)
{
    Class *by;
    int converts, warns;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "O!pp:deprecate", &Class_Type, &by, &converts, &warns))
        return NULL;
    if (xpm_class_deprecate(self->native, by->native, converts ? convert : NULL, NULL, &err) < 0)
        return engine_error(&err);
    self->warns = warns;
    Py_RETURN_NONE;
}

PyObject *engine_class_rename_from(Class *self, PyObject *name)
{
    const char *text = PyUnicode_AsUTF8(name);
    if (text == NULL)
        return NULL;
    xpm_class_rename_from(self->native, text);
    Py_RETURN_NONE;
}

static int add_renamed(PyObject *renamed, const xpm_parameter *parameter)
{
    for (const char *const *old = parameter->renamed_from; old != NULL && *old != NULL; old++) {
        PyObject *name = PyUnicode_FromString(parameter->name);
        int status = name != NULL ? PyDict_SetItemString(renamed, *old, name) : -1;
        Py_XDECREF(name);
        if (status < 0)
            return -1;
    }
    return 0;
}

PyObject *engine_class_renamed(Class *self, PyObject *Py_UNUSED(args))
{
    PyObject *renamed = PyDict_New();
    for (size_t i = 0; renamed != NULL && i < xpm_class_count(self->native); i++)
        if (add_renamed(renamed, xpm_class_parameter(self->native, i)) < 0)
            Py_CLEAR(renamed);
    return renamed;
}

int engine_warn_deprecated(const Class *class_)
{
    const char *by = xpm_class_name(xpm_class_deprecated_by(class_->native));
    return PyErr_WarnFormat(PyExc_DeprecationWarning, 1, "%s is deprecated: use %s",
                            ((PyTypeObject *)class_->cls)->tp_name, by);
}

/* ---- Parameters --------------------------------------------------------------------------------- */

/* Whether `name` is a setter marked with @deprecate. */
static bool is_setter(PyObject *config, PyObject *name)
{
    PyObject *attribute = PyObject_GetAttr((PyObject *)Py_TYPE(config), name);
    bool is = attribute != NULL && PyObject_HasAttrString(attribute, "__xpm_setter__");
    Py_XDECREF(attribute);
    PyErr_Clear();
    return is;
}

/* Both names given at once would be one value too many. */
static int check_given_once(const Parameter *parameter, const char *old, PyObject *given)
{
    int both = PyDict_Contains(given, parameter->name);
    if (both > 0) {
        PyErr_Format(PyExc_ValueError,
                     "$.%s: it is now called %U, which is given too: leave it out", old,
                     parameter->name);
        return -1;
    }
    return both;
}

int engine_assign_old(Config *config, PyObject *name, PyObject *value, PyObject *given)
{
    xpm_error err;
    const char *text = PyUnicode_AsUTF8(name);
    if (text == NULL)
        return -1;
    int index = xpm_class_renamed(config->class_->native, text);
    if (index >= 0) {
        Parameter *parameter = config->class_->by_index[index];
        if (check_given_once(parameter, text, given) < 0)
            return -1;
        if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1, "parameter %s of %s is now called %U",
                             text, xpm_class_name(config->class_->native), parameter->name) < 0)
            return -1;
        return engine_assign(config, parameter, value);
    }
    if (is_setter((PyObject *)config, name))
        return PyObject_SetAttr((PyObject *)config, name, value);
    xpm_class_unknown(config->class_->native, text, &err);
    engine_error(&err);
    return -1;
}
