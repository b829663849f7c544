/* Errors of the library as Python exceptions, and the other way round. */
#include "engine.h"

#include <string.h>

PyObject *engine_type_error, *engine_place_error, *engine_dirty_error;

static PyObject *exception_of(xpm_code code)
{
    switch (code) {
    case XPM_E_TYPE:
        return engine_type_error;
    case XPM_E_PLACE:
        return engine_place_error;
    case XPM_E_DIRTY:
        return engine_dirty_error;
    case XPM_E_READONLY:
        return PyExc_AttributeError;
    case XPM_E_IO:
        return PyExc_OSError;
    case XPM_E_VERSION:
    case XPM_E_CALLBACK:
        return PyExc_RuntimeError;
    default:
        return PyExc_ValueError;
    }
}

void *engine_error(const xpm_error *error)
{
    if (PyErr_Occurred())
        return NULL;
    /* A file's path is in the message already. */
    if (error->path[0] == '\0' || strstr(error->message, error->path) != NULL)
        PyErr_SetString(exception_of(error->code), error->message);
    else
        PyErr_Format(exception_of(error->code), "%s: %s", error->path, error->message);
    return NULL;
}

void engine_fail(PyObject *exception, const char *where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PyObject *message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    if (message != NULL)
        PyErr_Format(exception, "%s: %U", where, message);
    Py_XDECREF(message);
}

bool engine_is_variable(const char *name)
{
    bool is = name[0] != '\0' && strchr(name, '=') == NULL;
    if (!is)
        engine_fail(PyExc_ValueError, "environment",
                    "\"%s\" cannot name a variable: the name must not be empty or hold =", name);
    return is;
}

void engine_describe(xpm_error *error)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *text = value != NULL ? PyObject_Str(value) : NULL;
    const char *message = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    if (message == NULL)
        PyErr_Clear();
    if (error != NULL) {
        *error = (xpm_error){.code = XPM_E_CALLBACK};
        snprintf(error->message, sizeof error->message, "%s: %s",
                 type != NULL ? ((PyTypeObject *)type)->tp_name : "error",
                 message != NULL ? message : "");
    }
    Py_XDECREF(text);
    PyErr_Restore(type, value, traceback);
}

void engine_warn(void *Py_UNUSED(user), const char *message)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *get = engine_import("logging", "getLogger");
    PyObject *logger = get != NULL ? PyObject_CallFunction(get, "s", "xpm") : NULL;
    PyObject *result =
        logger != NULL ? PyObject_CallMethod(logger, "warning", "ss", "%s", message) : NULL;
    if (result == NULL)
        PyErr_WriteUnraisable(get);
    Py_XDECREF(get);
    Py_XDECREF(logger);
    Py_XDECREF(result);
    PyGILState_Release(state);
}

void engine_report(xpm_error *error)
{
    engine_describe(error);
    PyErr_Print();
}
