/* A parameter: the data descriptor by which a configuration's values are read and written. Writing
 * checks and coerces; what needs no check, since its Python type is exactly right, goes fast. */
#include "engine.h"

#include <structmember.h>

static int parameter_traverse(Parameter *self, visitproc visit, void *arg)
{
    Py_VISIT(self->fallback);
    Py_VISIT(self->factory);
    return 0;
}

static void parameter_dealloc(Parameter *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->name);
    Py_XDECREF(self->where);
    Py_XDECREF(self->fallback);
    Py_XDECREF(self->factory);
    PyObject_GC_Del(self);
}

/* ---- Writing ------------------------------------------------------------------------------------ */

/* Keeps a value, in Python (NULL for the default) and in C. Takes both. */
static void put(Config *config, const Parameter *parameter, PyObject *value, xpm_value lowered)
{
    engine_watch(config, value);
    xpm_config_put(config->native, parameter->index, lowered);
    Py_XSETREF(config->values[parameter->index], value);
}

/* The native value when the Python type is exactly the declared one, which needs no check. */
static bool lower_exact(const Parameter *parameter, PyObject *value, xpm_value *lowered)
{
    int overflow = 0;
    switch (parameter->kind) {
    case XPM_KIND_BOOL:
        if (!PyBool_Check(value))
            return false;
        *lowered = xpm_bool(value == Py_True);
        return true;
    case XPM_KIND_INT:
        if (!PyLong_CheckExact(value))
            return false;
        *lowered = xpm_int(PyLong_AsLongLongAndOverflow(value, &overflow));
        return overflow == 0;
    case XPM_KIND_FLOAT:
        if (!PyFloat_CheckExact(value))
            return false;
        *lowered = xpm_float(PyFloat_AS_DOUBLE(value));
        return true;
    default:
        return false;
    }
}

/* What the configuration keeps for a value that was lowered and checked. A list is a copy; one that
 * holds no configuration is kept in C alone, until it is read: NULL. */
static PyObject *kept(PyObject *value, const xpm_value *lowered, bool holds)
{
    if (engine_is_collection(value) && !holds)
        return NULL;
    switch (lowered->kind) {
    case XPM_KIND_NONE:
    case XPM_KIND_CONFIG:
    case XPM_KIND_ENUM:
        return Py_NewRef(value);
    case XPM_KIND_STR:
        return PyUnicode_CheckExact(value) ? Py_NewRef(value) : engine_raise(lowered, NULL);
    case XPM_KIND_PATH:
        return !PyUnicode_Check(value) ? Py_NewRef(value) : engine_raise(lowered, NULL);
    default:
        return engine_raise(lowered, NULL);
    }
}

/* A configuration whose paths were generated for one place is not put in another. */
static int check_generated(const Parameter *parameter, const xpm_value *value)
{
    const char *where = PyUnicode_AsUTF8(parameter->where);
    char *generated = xpm_value_generated(value, where);
    if (generated == NULL)
        return 0;
    engine_fail(
        PyExc_AttributeError, where,
        "it was sealed elsewhere, where values were generated (%s): give a copy, or declare "
        "the parameter with field(ignore_generated=True)",
        generated);
    xpm_free(generated);
    return -1;
}

/* An integer of any size where a float is wanted. */
static int store_float(Config *config, Parameter *parameter, PyObject *value)
{
    double real = PyLong_AsDouble(value);
    if (real == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        engine_fail(PyExc_ValueError, PyUnicode_AsUTF8(parameter->where),
                    "expected float, got an integer that is too large for one: %R", value);
        return -1;
    }
    PyObject *keep = PyFloat_FromDouble(real);
    if (keep == NULL)
        return -1;
    put(config, parameter, keep, xpm_float(real));
    return 0;
}

static bool store_exact(Config *config, const Parameter *parameter, PyObject *value)
{
    xpm_value lowered;
    if (!lower_exact(parameter, value, &lowered))
        return false;
    xpm_config_put(config->native, parameter->index, lowered);
    Py_XSETREF(config->values[parameter->index], Py_NewRef(value));
    return true;
}

/* `foreign`: a configuration in it may have been sealed elsewhere, which is to be refused. */
static int store(Config *config, Parameter *parameter, PyObject *value, bool foreign)
{
    xpm_value lowered;
    xpm_error err;
    if (store_exact(config, parameter, value))
        return 0;
    if (parameter->kind == XPM_KIND_FLOAT && PyLong_CheckExact(value))
        return store_float(config, parameter, value);
    bool holds = false;
    const char *where = PyUnicode_AsUTF8(parameter->where);
    if (engine_lower(value, where, engine_note_found, &holds, &lowered) < 0) {
        engine_blame(engine_place_of(config, parameter->index));
        return -1;
    }
    PyObject *keep = NULL;
    if (xpm_config_check(config->native, parameter->index, &lowered, where, &err) < 0)
        engine_error(&err);
    else if (!foreign || !holds || check_generated(parameter, &lowered) == 0)
        keep = kept(value, &lowered, holds);
    if (PyErr_Occurred()) {
        engine_blame(engine_place_of(config, parameter->index));
        xpm_value_clear(&lowered);
        return -1;
    }
    put(config, parameter, keep, lowered);
    return 0;
}

int engine_store(Config *config, Parameter *parameter, PyObject *value)
{
    return store(config, parameter, value, false);
}

static int store_tag(Config *config, const Parameter *parameter, const Tag *tag, PyObject *value)
{
    xpm_value lowered;
    if (engine_lower_tag(value, PyUnicode_AsUTF8(parameter->where), &lowered) < 0)
        return -1;
    engine_tag(config, PyUnicode_AsUTF8(parameter->name), &lowered, tag);
    xpm_value_clear(&lowered);
    return 0;
}

static int refuse_write(Config *config, const Parameter *parameter)
{
    xpm_error err;
    if (xpm_config_set(config->native, PyUnicode_AsUTF8(parameter->name), xpm_none(), &err) < 0)
        engine_error(&err);
    return -1;
}

static bool none_is_default(const Config *config, const Parameter *parameter)
{
    const xpm_parameter *native = xpm_class_parameter(config->class_->native, parameter->index);
    return (native->flags & XPM_NONE_IS_DEFAULT) != 0;
}

int engine_assign(Config *config, Parameter *parameter, PyObject *value)
{
    const Tag *tag = NULL;
    bool stops = false;
    if (parameter->read_only || xpm_config_sealed(config->native))
        return refuse_write(config, parameter);
    for (; Py_IS_TYPE(value, &Tag_Type); value = ((Tag *)value)->value) {
        if (((Tag *)value)->stops)
            stops = true;
        else
            tag = (Tag *)value;
    }
    bool foreign = !parameter->ignore_generated && !engine_converting;
    if (!store_exact(config, parameter, value)) {
        if (value == Py_None && none_is_default(config, parameter))
            put(config, parameter, NULL, (xpm_value){0});
        else if (store(config, parameter, value, foreign) < 0)
            return -1;
    }
    xpm_config_stop_tags(config->native, parameter->index, stops);
    return tag != NULL ? store_tag(config, parameter, tag, value) : 0;
}

/* ---- Reading ------------------------------------------------------------------------------------ */

static PyObject *read_native(Config *config, const Parameter *parameter, const xpm_value *value)
{
    PyObject *raised = engine_raise(value, NULL);
    if (raised != NULL) {
        engine_watch(config, raised);
        Py_XSETREF(config->values[parameter->index], Py_NewRef(raised));
    }
    return raised;
}

/* A default that can change becomes the object's own when it is first read. */
static PyObject *own_default(Config *config, Parameter *parameter, PyObject *value)
{
    PyObject *memo = PyDict_New();
    PyObject *clone = memo != NULL ? engine_clone(value, memo) : NULL;
    Py_XDECREF(memo);
    if (clone != NULL && engine_store(config, parameter, clone) < 0)
        Py_CLEAR(clone);
    Py_XDECREF(clone);
    return clone != NULL ? engine_value(config, parameter) : NULL;
}

PyObject *engine_value(Config *config, Parameter *parameter)
{
    PyObject *value = config->values[parameter->index];
    if (value != NULL)
        return Py_NewRef(value);
    const xpm_value *native = xpm_config_at(config->native, parameter->index);
    const xpm_value *fallback =
        &xpm_class_parameter(config->class_->native, parameter->index)->fallback;
    if (native != NULL && (native != fallback || parameter->fallback == NULL))
        return read_native(config, parameter, native);
    if (parameter->factory != NULL) {
        PyObject *made = PyObject_CallNoArgs(parameter->factory);
        PyObject *own = made != NULL ? own_default(config, parameter, made) : NULL;
        Py_XDECREF(made);
        return own;
    }
    if (parameter->fallback != NULL)
        return !engine_mutable(parameter->fallback) ? Py_NewRef(parameter->fallback)
               : xpm_config_sealed(config->native)
                   ? read_native(config, parameter, native)
                   : own_default(config, parameter, parameter->fallback);
    if (parameter->generated)
        engine_fail(PyExc_KeyError, PyUnicode_AsUTF8(parameter->where),
                    "%U of %s is generated when its task is submitted: it has no value yet",
                    parameter->name, xpm_class_name(config->class_->native));
    else if (xpm_type_kind(parameter->type) == XPM_KIND_OPTIONAL)
        Py_RETURN_NONE;
    else
        engine_fail(PyExc_KeyError, PyUnicode_AsUTF8(parameter->where),
                    "%U of %s is required, and has no value yet", parameter->name,
                    xpm_class_name(config->class_->native));
    return NULL;
}

/* ---- The descriptor ----------------------------------------------------------------------------- */

static PyObject *parameter_get(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    if (object == NULL || !engine_is_config(object))
        return Py_NewRef(self);
    return engine_value((Config *)object, (Parameter *)self);
}

static int parameter_set(PyObject *self, PyObject *object, PyObject *value)
{
    Parameter *parameter = (Parameter *)self;
    if (!engine_is_config(object)) {
        PyErr_SetString(PyExc_TypeError, "a parameter belongs to a configuration");
        return -1;
    }
    if (value == NULL) {
        engine_fail(PyExc_AttributeError, PyUnicode_AsUTF8(parameter->where),
                    "%U is a parameter, and cannot be deleted", parameter->name);
        return -1;
    }
    Config *config = (Config *)object;
    engine_set_here(config, parameter->index);
    return engine_assign(config, parameter, value);
}

static PyObject *parameter_repr(Parameter *self)
{
    char *type = xpm_type_text(self->type);
    PyObject *repr = PyUnicode_FromFormat("<parameter %U: %s>", self->name, type);
    xpm_free(type);
    return repr;
}

static PyMemberDef parameter_members[] = {
    {"name", T_OBJECT, offsetof(Parameter, name), READONLY, NULL},
    {"generated", T_BOOL, offsetof(Parameter, generated), READONLY, NULL},
    {"read_only", T_BOOL, offsetof(Parameter, read_only), READONLY, NULL},
    {"default", T_OBJECT, offsetof(Parameter, fallback), READONLY, NULL},
    {0},
};

PyTypeObject Parameter_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Parameter",
    .tp_doc = "A parameter of a class of configurations.",
    .tp_basicsize = sizeof(Parameter),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)parameter_traverse,
    .tp_dealloc = (destructor)parameter_dealloc,
    .tp_descr_get = parameter_get,
    .tp_descr_set = parameter_set,
    .tp_repr = (reprfunc)parameter_repr,
    .tp_members = parameter_members,
};
