/* What a launcher of Python is for the engine, which it is made into when a job is submitted. It does
 * not change. */
#include "engine.h"

static PyObject *make(xpm_launcher *native, const xpm_error *err)
{
    if (native == NULL)
        return engine_error(err);
    Launcher *self = PyObject_New(Launcher, &Launcher_Type);
    if (self == NULL)
        return xpm_launcher_unref(native), NULL;
    self->native = native;
    return (PyObject *)self;
}

static PyObject *launcher_local(PyObject *Py_UNUSED(type), PyObject *args)
{
    int cold, pin;
    PyObject *wrapper;
    xpm_local_options options = {0};
    xpm_error err;
    if (!PyArg_ParseTuple(args, "ppiO:local", &cold, &pin, &options.nice, &wrapper))
        return NULL;
    const char **words = engine_texts(wrapper);
    if (words == NULL)
        return NULL;
    options.cold = cold;
    options.pin = pin;
    options.wrapper = words;
    xpm_launcher *native = xpm_launcher_local(&options, &err);
    PyMem_Free(words);
    return make(native, &err);
}

static PyObject *launcher_slurm(PyObject *Py_UNUSED(type), PyObject *args)
{
    PyObject *words;
    xpm_slurm_options options = {0};
    xpm_error err;
    if (!PyArg_ParseTuple(args, "zOdi:slurm", &options.binpath, &words, &options.interval_max,
                          &options.submit_max))
        return NULL;
    const char **texts = engine_texts(words);
    if (texts == NULL)
        return NULL;
    options.options = texts;
    xpm_launcher *native = xpm_launcher_slurm(&options, &err);
    PyMem_Free(texts);
    return make(native, &err);
}

static PyObject *launcher_ssh(PyObject *Py_UNUSED(type), PyObject *args)
{
    int pin;
    PyObject *words, *wrapper;
    xpm_ssh_options options = {0};
    xpm_error err;
    if (!PyArg_ParseTuple(args, "szOzzOpiid:ssh", &options.host, &options.ssh, &words,
                          &options.command, &options.python, &wrapper, &pin, &options.nice,
                          &options.slots, &options.patience))
        return NULL;
    const char **texts = engine_texts(words),
               **prefix = texts != NULL ? engine_texts(wrapper) : NULL;
    xpm_launcher *native = NULL;
    if (prefix != NULL) {
        options.options = texts;
        options.wrapper = prefix;
        options.pin = pin;
        native = xpm_launcher_ssh(&options, &err);
    }
    bool failed = prefix == NULL;
    PyMem_Free(prefix);
    PyMem_Free(texts);
    return failed ? NULL : make(native, &err);
}

static void launcher_dealloc(Launcher *self)
{
    xpm_launcher_unref(self->native);
    PyObject_Free(self);
}

static PyObject *launcher_set_priority(Launcher *self, PyObject *arg)
{
    int overflow;
    long priority = PyLong_AsLongAndOverflow(arg, &overflow);
    if (priority == -1 && PyErr_Occurred())
        return NULL;
    if (overflow != 0 || priority != (int)priority)
        return PyErr_Format(PyExc_ValueError, "the priority is %S: it must be a number of 32 bits",
                            arg);
    xpm_launcher_set_priority(self->native, (int)priority);
    Py_RETURN_NONE;
}

static PyObject *launcher_require(Launcher *self, PyObject *arg)
{
    xpm_error err;
    const char *text = PyUnicode_AsUTF8(arg);
    xpm_requirement *requirement = text != NULL ? xpm_requirement_parse(text, &err) : NULL;
    if (requirement == NULL)
        return text != NULL ? engine_error(&err) : NULL;
    int status = xpm_launcher_require(self->native, requirement, &err);
    xpm_requirement_free(requirement);
    return status == 0 ? Py_NewRef(Py_None) : engine_error(&err);
}

static PyMethodDef launcher_methods[] = {
    {"local", (PyCFunction)launcher_local, METH_VARARGS | METH_STATIC,
     "local(cold, pin, nice, wrapper): processes of this machine"},
    {"slurm", (PyCFunction)launcher_slurm, METH_VARARGS | METH_STATIC,
     "slurm(binpath, options, interval_max, submit_max): jobs of Slurm"},
    {"ssh", (PyCFunction)launcher_ssh, METH_VARARGS | METH_STATIC,
     "ssh(host, ssh, options, command, python, wrapper, pin, nice, slots, patience): jobs of "
     "another host"},
    {"set_priority", (PyCFunction)launcher_set_priority, METH_O, "set_priority(priority)"},
    {"require", (PyCFunction)launcher_require, METH_O, "require(text): what its jobs need"},
    {0},
};

PyTypeObject Launcher_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Launcher",
    .tp_doc = "A launcher, which is made by one of its static methods.",
    .tp_basicsize = sizeof(Launcher),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = (destructor)launcher_dealloc,
    .tp_methods = launcher_methods,
};
