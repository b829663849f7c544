/* What a job needs. experimaestro.launcherfinder.specs has it in what users see. It never changes. */
#include "engine.h"

static PyObject *wrap(xpm_requirement *native, const xpm_error *err)
{
    if (native == NULL)
        return engine_error(err);
    Requirement *self = PyObject_New(Requirement, &Requirement_Type);
    if (self == NULL)
        xpm_requirement_free(native);
    else
        self->native = native;
    return (PyObject *)self;
}

static PyObject *requirement_new(PyTypeObject *Py_UNUSED(type), PyObject *args,
                                 PyObject *Py_UNUSED(kwargs))
{
    const char *text;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "s:Requirement", &text))
        return NULL;
    return wrap(xpm_requirement_parse(text, &err), &err);
}

static void requirement_dealloc(Requirement *self)
{
    xpm_requirement_free(self->native);
    PyObject_Free(self);
}

static PyObject *requirement_str(Requirement *self)
{
    char *text = xpm_requirement_print(self->native);
    PyObject *str = PyUnicode_FromString(text);
    xpm_free(text);
    return str;
}

/* ---- Alternatives ------------------------------------------------------------------------------ */

static Py_ssize_t requirement_length(Requirement *self)
{
    return (Py_ssize_t)xpm_requirement_count(self->native);
}

static PyObject *requirement_item(Requirement *self, Py_ssize_t index)
{
    xpm_error err;
    const xpm_request *request = xpm_requirement_at(self->native, (size_t)index);
    if (index < 0 || request == NULL)
        return PyErr_SetString(PyExc_IndexError, "there is no such alternative"), NULL;
    return wrap(xpm_requirement_new(request, 1, &err), &err);
}

/* What follows is of the first alternative. */

static PyObject *requirement_duration(Requirement *self, void *Py_UNUSED(closure))
{
    return PyLong_FromDouble(xpm_requirement_at(self->native, 0)->seconds);
}

static PyObject *requirement_memory(Requirement *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(xpm_requirement_at(self->native, 0)->memory);
}

static PyObject *requirement_cores(Requirement *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(xpm_requirement_at(self->native, 0)->cores);
}

static PyObject *requirement_accelerators(Requirement *self, void *Py_UNUSED(closure))
{
    const xpm_request *request = xpm_requirement_at(self->native, 0);
    PyObject *list = PyList_New((Py_ssize_t)request->accelerator_count);
    for (size_t i = 0; list != NULL && i < request->accelerator_count; i++) {
        const xpm_accelerator *asked = &request->accelerators[i];
        PyObject *pair = Py_BuildValue("iL", (int)asked->kind, (long long)asked->memory);
        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    return list;
}

static PyObject *requirement_resources(Requirement *self, void *Py_UNUSED(closure))
{
    const xpm_request *request = xpm_requirement_at(self->native, 0);
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < request->resource_count; i++) {
        PyObject *count = PyLong_FromLongLong(request->resources[i].count);
        if (count == NULL || PyDict_SetItemString(dict, request->resources[i].name, count) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(count);
    }
    return dict;
}

/* ---- Combining --------------------------------------------------------------------------------- */

typedef xpm_requirement *(*combination)(const xpm_requirement *a, const xpm_requirement *b,
                                        xpm_error *err);

static PyObject *combine(PyObject *a, PyObject *b, combination of)
{
    xpm_error err;
    if (!Py_IS_TYPE(a, &Requirement_Type) || !Py_IS_TYPE(b, &Requirement_Type))
        Py_RETURN_NOTIMPLEMENTED;
    return wrap(of(((Requirement *)a)->native, ((Requirement *)b)->native, &err), &err);
}

static PyObject *requirement_and(PyObject *a, PyObject *b)
{
    return combine(a, b, xpm_requirement_and);
}

static PyObject *requirement_or(PyObject *a, PyObject *b)
{
    return combine(a, b, xpm_requirement_or);
}

static PyObject *requirement_times(PyObject *self, PyObject *factor)
{
    xpm_error err;
    if (!Py_IS_TYPE(self, &Requirement_Type) || !PyLong_Check(factor))
        Py_RETURN_NOTIMPLEMENTED;
    long long count = PyLong_AsLongLong(factor);
    if (count == -1 && PyErr_Occurred())
        return NULL;
    return wrap(xpm_requirement_times(((Requirement *)self)->native, count, &err), &err);
}

static PyObject *requirement_stretch(Requirement *self, PyObject *arg)
{
    xpm_error err;
    double factor = PyFloat_AsDouble(arg);
    if (factor == -1 && PyErr_Occurred())
        return NULL;
    return wrap(xpm_requirement_stretch(self->native, factor, &err), &err);
}

/* ---- Matching ---------------------------------------------------------------------------------- */

/* Of a list of (kind, memory, min_memory). New: PyMem_Free. */
static xpm_accelerator *lower_accelerators(PyObject *list, size_t *count)
{
    *count = (size_t)PyList_GET_SIZE(list);
    xpm_accelerator *accelerators = PyMem_Calloc(*count + 1, sizeof *accelerators);
    if (accelerators == NULL)
        return (xpm_accelerator *)PyErr_NoMemory();
    for (size_t i = 0; i < *count; i++) {
        int kind;
        long long memory, min_memory;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(list, (Py_ssize_t)i), "iLL", &kind, &memory,
                              &min_memory)) {
            PyMem_Free(accelerators);
            return NULL;
        }
        accelerators[i] = (xpm_accelerator){
            .kind = (xpm_accelerator_kind)kind, .memory = memory, .min_memory = min_memory};
    }
    return accelerators;
}

/* Of a dict, name to count, which must live as long. New: PyMem_Free. */
static xpm_resource *lower_resources(PyObject *dict, size_t *count)
{
    xpm_resource *resources = PyMem_Calloc((size_t)PyDict_Size(dict) + 1, sizeof *resources);
    PyObject *name, *number;
    Py_ssize_t position = 0;
    if (resources == NULL)
        return (xpm_resource *)PyErr_NoMemory();
    for (*count = 0; PyDict_Next(dict, &position, &name, &number); ++*count) {
        resources[*count] = (xpm_resource){.name = PyUnicode_AsUTF8(name)};
        if (resources[*count].name != NULL)
            resources[*count].count = PyLong_AsLongLong(number);
        if (PyErr_Occurred()) {
            PyMem_Free(resources);
            return NULL;
        }
    }
    return resources;
}

static PyObject *requirement_match(Requirement *self, PyObject *args)
{
    xpm_host host = {0};
    PyObject *accelerators, *resources;
    long long memory, min_memory;
    Py_ssize_t min_accelerators;
    if (!PyArg_ParseTuple(args, "dLiO!O!Ln:match", &host.max_seconds, &memory, &host.cores,
                          &PyList_Type, &accelerators, &PyDict_Type, &resources, &min_memory,
                          &min_accelerators))
        return NULL;
    host.memory = memory;
    host.min_memory = min_memory;
    host.min_accelerators = (size_t)(min_accelerators > 0 ? min_accelerators : 0);
    xpm_accelerator *lowered = lower_accelerators(accelerators, &host.accelerator_count);
    host.accelerators = lowered;
    xpm_resource *others =
        lowered != NULL ? lower_resources(resources, &host.resource_count) : NULL;
    host.resources = others;
    PyObject *found =
        others != NULL ? PyLong_FromSsize_t(xpm_host_match(&host, self->native)) : NULL;
    PyMem_Free(lowered);
    PyMem_Free(others);
    return found;
}

static PyObject *requirement_fit(Requirement *self, PyObject *Py_UNUSED(none))
{
    xpm_error err;
    char *lacks;
    PyObject *fitted = wrap(xpm_requirement_fit(self->native, &lacks, &err), &err);
    PyObject *pair = fitted != NULL ? Py_BuildValue("Nz", fitted, lacks) : NULL;
    xpm_free(lacks);
    return pair;
}

static PyMethodDef requirement_methods[] = {
    {"fit", (PyCFunction)requirement_fit, METH_NOARGS,
     "fit(): what this machine can give of it, and what it lacks, or None"},
    {"stretch", (PyCFunction)requirement_stretch, METH_O,
     "stretch(factor): with durations so many times as long"},
    {"match", (PyCFunction)requirement_match, METH_VARARGS,
     "match(max_seconds, memory, cores, accelerators, resources, min_memory, min_accelerators): "
     "the number of the first alternative that such a machine matches, or -1"},
    {0},
};

static PyGetSetDef requirement_getset[] = {
    {"duration", (getter)requirement_duration, NULL, "Seconds", NULL},
    {"memory", (getter)requirement_memory, NULL, "Bytes", NULL},
    {"cores", (getter)requirement_cores, NULL, NULL, NULL},
    {"accelerators", (getter)requirement_accelerators, NULL, "List of (kind, memory)", NULL},
    {"resources", (getter)requirement_resources, NULL, "Dict, name to count", NULL},
    {0},
};

static PyNumberMethods requirement_numbers = {
    .nb_and = requirement_and,
    .nb_or = requirement_or,
    .nb_multiply = requirement_times,
};

static PySequenceMethods requirement_sequence = {
    .sq_length = (lenfunc)requirement_length,
    .sq_item = (ssizeargfunc)requirement_item,
};

PyTypeObject Requirement_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Requirement",
    .tp_doc = "Requirement(text): what a job needs; its alternatives are its items.",
    .tp_basicsize = sizeof(Requirement),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = requirement_new,
    .tp_dealloc = (destructor)requirement_dealloc,
    .tp_str = (reprfunc)requirement_str,
    .tp_as_number = &requirement_numbers,
    .tp_as_sequence = &requirement_sequence,
    .tp_methods = requirement_methods,
    .tp_getset = requirement_getset,
};
