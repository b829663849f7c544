/* tag(value): marks a value that varies, for people; the parameter that it is given to names it. */
#include "engine.h"

static PyObject *tag_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *value;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0)
        return PyErr_SetString(PyExc_TypeError, "tag takes the value, and no name"), NULL;
    if (!PyArg_ParseTuple(args, "O:tag", &value))
        return NULL;
    Tag *self = (Tag *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->value = Py_NewRef(value);
    return (PyObject *)self;
}

static int tag_traverse(Tag *self, visitproc visit, void *arg)
{
    Py_VISIT(self->value);
    return 0;
}

static int tag_clear(Tag *self)
{
    Py_CLEAR(self->value);
    return 0;
}

static void tag_dealloc(Tag *self)
{
    PyObject_GC_UnTrack(self);
    tag_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *tag_repr(Tag *self)
{
    return PyUnicode_FromFormat("tag(%R)", self->value);
}

PyTypeObject Tag_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro.tag",
    .tp_doc =
        "tag(value, /)\n--\n\n"
        "Marks a value that varies: Learn.C(epochs=tag(100)) gives the configuration the tag\n"
        "`epochs`, of value 100. ValueError, on assignment, when the value is no scalar.",
    .tp_basicsize = sizeof(Tag),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = tag_new,
    .tp_traverse = (traverseproc)tag_traverse,
    .tp_clear = (inquiry)tag_clear,
    .tp_dealloc = (destructor)tag_dealloc,
    .tp_repr = (reprfunc)tag_repr,
};
