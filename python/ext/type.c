/* The type of a value. Made from annotations by experimaestro.declare; immutable. */
#include "engine.h"

static PyObject *type_of(const xpm_type *native, xpm_kind kind)
{
    Type *self = PyObject_New(Type, &Type_Type);
    if (self == NULL)
        return NULL;
    self->native = native;
    self->kind = kind;
    return (PyObject *)self;
}

static void type_dealloc(Type *self)
{
    PyObject_Free(self);
}

static PyObject *type_scalar(PyObject *Py_UNUSED(cls), PyObject *arg)
{
    xpm_error err;
    const char *text = PyUnicode_AsUTF8(arg);
    if (text == NULL)
        return NULL;
    const xpm_type *native = xpm_type_parse(text, &err);
    return native != NULL ? type_of(native, xpm_type_kind(native)) : engine_error(&err);
}

static PyObject *type_list(PyObject *Py_UNUSED(cls), PyObject *arg)
{
    if (!Py_IS_TYPE(arg, &Type_Type))
        return PyErr_BadArgument(), NULL;
    return type_of(xpm_type_list(((Type *)arg)->native), XPM_KIND_LIST);
}

static PyObject *type_set(PyObject *Py_UNUSED(cls), PyObject *arg)
{
    if (!Py_IS_TYPE(arg, &Type_Type))
        return PyErr_BadArgument(), NULL;
    return type_of(xpm_type_set(((Type *)arg)->native), XPM_KIND_SET);
}

static PyObject *type_tuple_of(PyObject *Py_UNUSED(cls), PyObject *arg)
{
    if (!Py_IS_TYPE(arg, &Type_Type))
        return PyErr_BadArgument(), NULL;
    return type_of(xpm_type_tuple_of(((Type *)arg)->native), XPM_KIND_TUPLE);
}

static PyObject *type_dict(PyObject *Py_UNUSED(cls), PyObject *args)
{
    Type *key, *value;
    if (!PyArg_ParseTuple(args, "O!O!", &Type_Type, &key, &Type_Type, &value))
        return NULL;
    const xpm_type *native = xpm_type_dict(key->native, value->native);
    if (native != NULL)
        return type_of(native, XPM_KIND_DICT);
    char *text = xpm_type_text(key->native);
    PyErr_Format(PyExc_TypeError,
                 "%s cannot be the type of a dict's keys: these are scalars, or tuples of such",
                 text);
    xpm_free(text);
    return NULL;
}

static PyObject *type_optional(PyObject *Py_UNUSED(cls), PyObject *arg)
{
    if (!Py_IS_TYPE(arg, &Type_Type))
        return PyErr_BadArgument(), NULL;
    Type *item = (Type *)arg;
    return type_of(xpm_type_optional(item->native), item->kind);
}

enum { MAX_ROW = 32 }; /* types in a tuple or a union */

/* The native types of a row of types; -1 and an exception when one is none. */
static Py_ssize_t natives_of(PyObject *row, const xpm_type *natives[MAX_ROW])
{
    Py_ssize_t count = PyTuple_GET_SIZE(row);
    if (count > MAX_ROW)
        return PyErr_Format(PyExc_TypeError, "more than %d types in a row", MAX_ROW), -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(row, i);
        if (!Py_IS_TYPE(item, &Type_Type))
            return PyErr_BadArgument(), -1;
        natives[i] = ((Type *)item)->native;
    }
    return count;
}

static PyObject *type_tuple(PyObject *Py_UNUSED(cls), PyObject *args)
{
    const xpm_type *natives[MAX_ROW];
    Py_ssize_t count = natives_of(args, natives);
    return count >= 0 ? type_of(xpm_type_tuple(natives, (size_t)count), XPM_KIND_TUPLE) : NULL;
}

static PyObject *type_union(PyObject *Py_UNUSED(cls), PyObject *args)
{
    const xpm_type *natives[MAX_ROW];
    Py_ssize_t count = natives_of(args, natives);
    return count >= 0 ? type_of(xpm_type_union(natives, (size_t)count), XPM_KIND_UNION) : NULL;
}

static PyObject *type_enum(PyObject *Py_UNUSED(cls), PyObject *arg)
{
    const xpm_type *native = engine_enum(arg);
    return native != NULL ? type_of(native, XPM_KIND_ENUM) : NULL;
}

static PyObject *type_config(PyObject *Py_UNUSED(cls), PyObject *args)
{
    const xpm_type *variables[MAX_ROW], *types[MAX_ROW];
    PyObject *class_, *names, *arguments;
    if (!PyArg_ParseTuple(args, "O!O!O!", &Class_Type, &class_, &PyTuple_Type, &names,
                          &PyTuple_Type, &arguments))
        return NULL;
    Py_ssize_t count = natives_of(names, variables);
    if (count < 0 || natives_of(arguments, types) < 0)
        return NULL;
    if (PyTuple_GET_SIZE(arguments) != count)
        return PyErr_SetString(PyExc_TypeError, "a type for each variable"), NULL;
    return type_of(xpm_type_config_of(((Class *)class_)->native, variables, types, (size_t)count),
                   XPM_KIND_CONFIG);
}

static PyObject *type_variable(PyObject *Py_UNUSED(cls), PyObject *args)
{
    const char *name;
    PyObject *bound;
    if (!PyArg_ParseTuple(args, "sO:variable", &name, &bound))
        return NULL;
    if (bound != Py_None && !Py_IS_TYPE(bound, &Type_Type))
        return PyErr_BadArgument(), NULL;
    return type_of(xpm_type_variable(name, bound != Py_None ? ((Type *)bound)->native : NULL),
                   XPM_KIND_VARIABLE);
}

static PyObject *type_repr(Type *self)
{
    char *text = xpm_type_text(self->native);
    PyObject *repr = PyUnicode_FromString(text);
    xpm_free(text);
    return repr;
}

static PyObject *type_class(Type *self, PyObject *Py_UNUSED(args))
{
    const xpm_class *native = xpm_type_class(self->native);
    Class *class_ = native != NULL ? xpm_class_user(native) : NULL;
    return Py_NewRef(class_ != NULL ? class_->cls : Py_None);
}

PyObject *engine_type(const xpm_type *native)
{
    return type_of(native, xpm_type_kind(native));
}

static PyMethodDef type_methods[] = {
    {"scalar", type_scalar, METH_O | METH_STATIC, "scalar(text): int, float, bool, str, path, any"},
    {"list", type_list, METH_O | METH_STATIC, "list(item)"},
    {"set", type_set, METH_O | METH_STATIC, "set(item)"},
    {"tuple", type_tuple, METH_VARARGS | METH_STATIC, "tuple(*types): an item of each"},
    {"tuple_of", type_tuple_of, METH_O | METH_STATIC, "tuple_of(item): any number of items"},
    {"dict", type_dict, METH_VARARGS | METH_STATIC, "dict(key, value)"},
    {"optional", type_optional, METH_O | METH_STATIC, "optional(item)"},
    {"union", type_union, METH_VARARGS | METH_STATIC, "union(*types)"},
    {"enum", type_enum, METH_O | METH_STATIC, "enum(enum_class)"},
    {"config", type_config, METH_VARARGS | METH_STATIC, "config(class_, variables, types)"},
    {"variable", type_variable, METH_VARARGS | METH_STATIC, "variable(name, bound)"},
    {"config_class", (PyCFunction)type_class, METH_NOARGS,
     "the class of its configurations, or None"},
    {0},
};

PyTypeObject Type_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Type",
    .tp_doc = "The type of a value, lowered from an annotation.",
    .tp_basicsize = sizeof(Type),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = (destructor)type_dealloc,
    .tp_repr = (reprfunc)type_repr,
    .tp_methods = type_methods,
};
