/* An identifier as Python sees it, and the C base of __xpm__, which has it. Tools ask for identifiers
 * of configurations by the million. */
#include "engine.h"

#include <string.h>
#include <structmember.h>

typedef struct Identifier {
    PyObject_HEAD uint8_t bytes[XPM_IDENTIFIER_SIZE];
} Identifier;

PyObject *engine_identifier(const uint8_t bytes[XPM_IDENTIFIER_SIZE])
{
    Identifier *self = PyObject_New(Identifier, &Identifier_Type);
    if (self != NULL)
        memcpy(self->bytes, bytes, sizeof self->bytes);
    return (PyObject *)self;
}

static PyObject *identifier_new(PyTypeObject *Py_UNUSED(type), PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"all", NULL};
    PyObject *bytes;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "S:Identifier", names, &bytes))
        return NULL;
    if (PyBytes_GET_SIZE(bytes) != XPM_IDENTIFIER_SIZE)
        return PyErr_Format(PyExc_ValueError, "an identifier has %d bytes, and not %zd",
                            XPM_IDENTIFIER_SIZE, PyBytes_GET_SIZE(bytes));
    return engine_identifier((const uint8_t *)PyBytes_AS_STRING(bytes));
}

static PyObject *identifier_all(Identifier *self, void *Py_UNUSED(closure))
{
    return PyBytes_FromStringAndSize((const char *)self->bytes, sizeof self->bytes);
}

static PyObject *identifier_hex(Identifier *self, PyObject *Py_UNUSED(args))
{
    char hex[XPM_HEX_SIZE];
    xpm_identifier_hex(self->bytes, hex);
    return PyUnicode_FromStringAndSize(hex, XPM_HEX_SIZE - 1);
}

static PyObject *identifier_repr(Identifier *self)
{
    char hex[XPM_HEX_SIZE];
    xpm_identifier_hex(self->bytes, hex);
    return PyUnicode_FromFormat("Identifier(%s)", hex);
}

static PyObject *identifier_compare(PyObject *self, PyObject *other, int compared)
{
    if ((compared != Py_EQ && compared != Py_NE) || !Py_IS_TYPE(self, &Identifier_Type) ||
        !Py_IS_TYPE(other, &Identifier_Type))
        Py_RETURN_NOTIMPLEMENTED;
    bool equal =
        memcmp(((Identifier *)self)->bytes, ((Identifier *)other)->bytes, XPM_IDENTIFIER_SIZE) == 0;
    return PyBool_FromLong(equal == (compared == Py_EQ));
}

Py_hash_t engine_identifier_hash(const uint8_t bytes[XPM_IDENTIFIER_SIZE])
{
    Py_hash_t hash;
    memcpy(&hash, bytes, sizeof hash);
    return hash != -1 ? hash : -2;
}

static Py_hash_t identifier_hash(Identifier *self)
{
    return engine_identifier_hash(self->bytes);
}

static PyMethodDef identifier_methods[] = {
    {"hex", (PyCFunction)identifier_hex, METH_NOARGS, "64 hexadecimal digits"},
    {0},
};

static PyGetSetDef identifier_getset[] = {
    {"all", (getter)identifier_all, NULL, "The 32 bytes", NULL},
    {"main", (getter)identifier_all, NULL, "The 32 bytes too", NULL},
    {0},
};

PyTypeObject Identifier_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro.Identifier",
    .tp_doc = "Identifier(all)\n--\n\nAn identifier. all: its 32 bytes.",
    .tp_basicsize = sizeof(Identifier),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = identifier_new,
    .tp_repr = (reprfunc)identifier_repr,
    .tp_hash = (hashfunc)identifier_hash,
    .tp_richcompare = identifier_compare,
    .tp_methods = identifier_methods,
    .tp_getset = identifier_getset,
};

/* ---- The base of __xpm__ ------------------------------------------------------------------------- */

typedef struct Handle {
    PyObject_HEAD PyObject *config;
} Handle;

PyObject *engine_handle(Config *config)
{
    static PyObject *information;
    if (information == NULL &&
        (information = engine_import("experimaestro.config", "Information")) == NULL)
        return NULL;
    Handle *self =
        (Handle *)((PyTypeObject *)information)->tp_alloc((PyTypeObject *)information, 0);
    if (self != NULL)
        self->config = Py_NewRef((PyObject *)config);
    return (PyObject *)self;
}

static int handle_init(Handle *self, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *config;
    if (!PyArg_ParseTuple(args, "O!:Information", &Config_Type, &config))
        return -1;
    Py_XSETREF(self->config, Py_NewRef(config));
    return 0;
}

static int handle_traverse(Handle *self, visitproc visit, void *arg)
{
    Py_VISIT(self->config);
    return 0;
}

static int handle_clear(Handle *self)
{
    Py_CLEAR(self->config);
    return 0;
}

static void handle_dealloc(Handle *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->config);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *handle_identifier(Handle *self, void *Py_UNUSED(closure))
{
    uint8_t bytes[XPM_IDENTIFIER_SIZE];
    return engine_identify((Config *)self->config, NULL, bytes) == 0 ? engine_identifier(bytes)
                                                                     : NULL;
}

static PyObject *handle_partial(Handle *self, PyObject *name)
{
    uint8_t bytes[XPM_IDENTIFIER_SIZE];
    Config *config = (Config *)self->config;
    const char *text = PyUnicode_AsUTF8(name);
    if (text == NULL)
        return NULL;
    const xpm_partial *partial = xpm_class_partial(config->class_->native, text);
    if (partial == NULL)
        return PyErr_Format(PyExc_KeyError, "%s has no partial identifier %s",
                            xpm_class_name(config->class_->native), text);
    return engine_identify(config, partial, bytes) == 0 ? engine_identifier(bytes) : NULL;
}

static PyMethodDef handle_methods[] = {
    {"_partial", (PyCFunction)handle_partial, METH_O, "_partial(name): its partial identifier"},
    {0},
};

static PyMemberDef handle_members[] = {
    {"_config", T_OBJECT, offsetof(Handle, config), READONLY, NULL},
    {0},
};

static PyGetSetDef handle_getset[] = {
    {"identifier", (getter)handle_identifier, NULL,
     "Its Identifier. ValueError when a value in it is not of its type.", NULL},
    {0},
};

PyTypeObject Handle_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Handle",
    .tp_doc = "The C base of what __xpm__ is.",
    .tp_basicsize = sizeof(Handle),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)handle_init,
    .tp_traverse = (traverseproc)handle_traverse,
    .tp_clear = (inquiry)handle_clear,
    .tp_dealloc = (destructor)handle_dealloc,
    .tp_methods = handle_methods,
    .tp_members = handle_members,
    .tp_getset = handle_getset,
};
