/* The C base of Config. Calling a class makes a configuration, by the class of its configurations,
 * whose __init__ then sets the parameters; inside a running task, a bare call makes an instance. */
#include "engine.h"

bool engine_running;

/* The class of configurations of `cls`. Borrowed. */
static PyTypeObject *config_class_of(PyTypeObject *cls)
{
    static PyObject *key;
    if (PyType_IsSubtype(cls, &Config_Type))
        return cls;
    if (key == NULL && (key = PyUnicode_InternFromString("__xpm_class__")) == NULL)
        return NULL;
    PyObject *own = PyDict_GetItemWithError(cls->tp_dict, key);
    if (own == NULL && PyErr_Occurred())
        return NULL;
    Class *class_ = (Class *)own;
    if (class_ == NULL || class_->config_class == NULL)
        class_ = engine_class((PyObject *)cls);
    return class_ != NULL ? (PyTypeObject *)class_->config_class : NULL;
}

static PyObject *base_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    bool bare = PyTuple_GET_SIZE(args) == 0 && (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0);
    if (engine_running && bare)
        return PyBaseObject_Type.tp_new(type, args, kwargs);
    PyTypeObject *config_class = config_class_of(type);
    return config_class != NULL ? config_class->tp_new(config_class, args, kwargs) : NULL;
}

/* A new instance, as pickle and copy want it, wherever they run. */
static PyObject *base_instance(PyObject *cls, PyObject *Py_UNUSED(args))
{
    PyObject *empty = PyTuple_New(0);
    PyObject *instance =
        empty != NULL ? PyBaseObject_Type.tp_new((PyTypeObject *)cls, empty, NULL) : NULL;
    Py_XDECREF(empty);
    return instance;
}

static PyMethodDef base_methods[] = {
    {"_new_instance", base_instance, METH_NOARGS | METH_CLASS, "A new instance, not initialised"},
    {0},
};

PyTypeObject Base_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Base",
    .tp_doc = "The C base of Config.",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = base_new,
    .tp_methods = base_methods,
};

/* ---- Config.C ----------------------------------------------------------------------------------- */

static PyObject *maker_get(PyObject *Py_UNUSED(self), PyObject *object, PyObject *type)
{
    if (type == NULL)
        type = (PyObject *)Py_TYPE(object);
    return Py_XNewRef((PyObject *)config_class_of((PyTypeObject *)type));
}

PyTypeObject Maker_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Maker",
    .tp_doc = "The descriptor Config.C: the class of a class's configurations.",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_descr_get = maker_get,
};
