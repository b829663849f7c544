/* The type of a value. Made from annotations by experimaestro.declare; immutable. */
#include "engine.h"

static PyObject *type_of(const xpm_type *native, xpm_kind kind)
{
    Type *self = PyObject_New(Type, &Type_Type);
    if (self == NULL)
        return NULL;
    self->native = native;
    self->kind = kind;
    self->enum_class = NULL;
    return (PyObject *)self;
}

static void type_dealloc(Type *self)
{
    Py_XDECREF(self->enum_class);
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

static PyObject *type_dict(PyObject *Py_UNUSED(cls), PyObject *args)
{
    Type *key, *value;
    if (!PyArg_ParseTuple(args, "O!O!", &Type_Type, &key, &Type_Type, &value))
        return NULL;
    return type_of(xpm_type_dict(key->native, value->native), XPM_KIND_DICT);
}

static PyObject *type_optional(PyObject *Py_UNUSED(cls), PyObject *arg)
{
    if (!Py_IS_TYPE(arg, &Type_Type))
        return PyErr_BadArgument(), NULL;
    Type *item = (Type *)arg, *self;
    self = (Type *)type_of(xpm_type_optional(item->native), item->kind);
    if (self != NULL)
        self->enum_class = Py_XNewRef(item->enum_class);
    return (PyObject *)self;
}

static PyObject *type_union(PyObject *Py_UNUSED(cls), PyObject *args)
{
    const xpm_type *natives[32];
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count > 32)
        return PyErr_SetString(PyExc_TypeError, "a union of more than 32 types"), NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(args, i);
        if (!Py_IS_TYPE(item, &Type_Type))
            return PyErr_BadArgument(), NULL;
        natives[i] = ((Type *)item)->native;
    }
    return type_of(xpm_type_union(natives, (size_t)count), XPM_KIND_UNION);
}

static PyObject *type_enum(PyObject *Py_UNUSED(cls), PyObject *arg)
{
    bool is_str = PyObject_IsSubclass(arg, (PyObject *)&PyUnicode_Type) == 1;
    bool is_int = !is_str && PyObject_IsSubclass(arg, (PyObject *)&PyLong_Type) == 1;
    if (is_str || is_int) {
        xpm_kind kind = is_str ? XPM_KIND_STR : XPM_KIND_INT;
        Type *self = (Type *)type_of(xpm_type_scalar(kind), XPM_KIND_ENUM);
        if (self != NULL)
            self->enum_class = Py_NewRef(arg);
        return (PyObject *)self;
    }
    const xpm_type *native = engine_enum(arg);
    return native != NULL ? type_of(native, XPM_KIND_ENUM) : NULL;
}

static PyObject *type_config(PyObject *Py_UNUSED(cls), PyObject *arg)
{
    if (!Py_IS_TYPE(arg, &Class_Type))
        return PyErr_BadArgument(), NULL;
    return type_of(xpm_type_config(((Class *)arg)->native), XPM_KIND_CONFIG);
}

static PyObject *type_repr(Type *self)
{
    char *text = xpm_type_text(self->native);
    PyObject *repr = PyUnicode_FromString(text);
    xpm_free(text);
    return repr;
}

static PyMethodDef type_methods[] = {
    {"scalar", type_scalar, METH_O | METH_STATIC, "scalar(text): int, float, bool, str, path, any"},
    {"list", type_list, METH_O | METH_STATIC, "list(item)"},
    {"set", type_set, METH_O | METH_STATIC, "set(item)"},
    {"dict", type_dict, METH_VARARGS | METH_STATIC, "dict(key, value)"},
    {"optional", type_optional, METH_O | METH_STATIC, "optional(item)"},
    {"union", type_union, METH_VARARGS | METH_STATIC, "union(*types)"},
    {"enum", type_enum, METH_O | METH_STATIC, "enum(enum_class)"},
    {"config", type_config, METH_O | METH_STATIC, "config(class_)"},
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
