/* tag(value): marks a value that varies, for people; the parameter that it is given to names it. And
 * stop_tags(value): what it holds keeps its tags for itself. */
#include "engine.h"

int engine_lower_tag(PyObject *value, const char *where, xpm_value *lowered)
{
    bool holds = false;
    if (engine_lower(value, where, engine_note_found, &holds, lowered) < 0)
        return -1;
    if (!holds)
        return 0;
    xpm_value_clear(lowered);
    PyObject *text = PyObject_Str(value);
    int status = text != NULL ? engine_lower(text, where, NULL, NULL, lowered) : -1;
    Py_XDECREF(text);
    return status;
}

void engine_tag(Config *config, const char *name, const xpm_value *value, const Tag *tag)
{
    Place here = {0};
    if (tag == NULL)
        engine_here(&here);
    const Place *place = tag != NULL ? &tag->place : &here;
    const char *file = place->code != NULL ? PyUnicode_AsUTF8(place->code->co_filename) : NULL;
    if (file == NULL)
        PyErr_Clear();
    xpm_config_tag_at(config->native, name, value, file, file != NULL ? engine_line(place) : 0);
    Py_XDECREF(here.code);
}

static PyObject *make(PyTypeObject *type, PyObject *value, bool stops)
{
    Tag *self = (Tag *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->value = Py_NewRef(value);
    self->stops = stops;
    if (!stops)
        engine_here(&self->place);
    return (PyObject *)self;
}

static PyObject *tag_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *value;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0)
        return PyErr_SetString(PyExc_TypeError, "tag takes the value, and no name"), NULL;
    if (!PyArg_ParseTuple(args, "O:tag", &value))
        return NULL;
    return make(type, value, false);
}

static PyObject *stop_tags(PyObject *Py_UNUSED(module), PyObject *value)
{
    return make(&Tag_Type, value, true);
}

PyMethodDef engine_tag_methods[] = {
    {"stop_tags", stop_tags, METH_O,
     "stop_tags(value, /)\n--\n\n"
     "Marks a value whose tags, and those of what it holds, are not tags of what holds it:\n"
     "Learn.C(model=stop_tags(model)). It may be inside tag(...), or hold it."},
    {0},
};

static int tag_traverse(Tag *self, visitproc visit, void *arg)
{
    Py_VISIT(self->value);
    Py_VISIT(self->place.code);
    return 0;
}

static int tag_clear(Tag *self)
{
    Py_CLEAR(self->value);
    Py_CLEAR(self->place.code);
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
    return PyUnicode_FromFormat(self->stops ? "stop_tags(%R)" : "tag(%R)", self->value);
}

PyTypeObject Tag_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro.tag",
    .tp_doc =
        "tag(value, /)\n--\n\n"
        "Marks a value that varies: Learn.C(epochs=tag(100)) gives the configuration the tag\n"
        "`epochs`, of value 100. A value that holds configurations is kept as its text.",
    .tp_basicsize = sizeof(Tag),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = tag_new,
    .tp_traverse = (traverseproc)tag_traverse,
    .tp_clear = (inquiry)tag_clear,
    .tp_dealloc = (destructor)tag_dealloc,
    .tp_repr = (reprfunc)tag_repr,
};
