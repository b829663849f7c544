/* A token. It lives as long as the process, as what stands for it in the engine does.
 * experimaestro.tokens derives from it what users see. */
#include "engine.h"

static PyObject *make(PyTypeObject *type, xpm_token *native, const xpm_error *err)
{
    if (native == NULL)
        return engine_error(err);
    Token *self = (Token *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->native = native;
    return (PyObject *)self;
}

static PyObject *token_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *place, *path = NULL;
    const char *name;
    long long total;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "OsL:Token", &place, &name, &total))
        return NULL;
    if (Py_IS_TYPE(place, &Experiment_Type)) {
        xpm_experiment *xp = ((Experiment *)place)->native;
        if (xp == NULL)
            return PyErr_SetString(PyExc_RuntimeError, "the experiment is closed"), NULL;
        return make(type, xpm_experiment_token(xp, name, total, &err), &err);
    }
    if (!PyUnicode_FSConverter(place, &path))
        return NULL;
    xpm_token *native = xpm_token_open(PyBytes_AS_STRING(path), name, total, &err);
    Py_DECREF(path);
    return make(type, native, &err);
}

static PyObject *token_name(Token *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(xpm_token_name(self->native));
}

static PyObject *token_folder(Token *self, void *Py_UNUSED(closure))
{
    return PyUnicode_DecodeFSDefault(xpm_token_folder(self->native));
}

static PyObject *token_total(Token *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(xpm_token_total(self->native));
}

static PyObject *token_compare(PyObject *a, PyObject *b, int op)
{
    bool tokens = PyObject_TypeCheck(a, &Token_Type) && PyObject_TypeCheck(b, &Token_Type);
    if (!tokens || (op != Py_EQ && op != Py_NE))
        Py_RETURN_NOTIMPLEMENTED;
    return PyBool_FromLong((((Token *)a)->native == ((Token *)b)->native) == (op == Py_EQ));
}

static Py_hash_t token_hash(Token *self)
{
    return (Py_hash_t)((uintptr_t)self->native >> 4);
}

/* _ask(task, count): the task takes so many. */
static PyObject *token_ask(Token *self, PyObject *args)
{
    PyObject *task;
    long long count;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "OL:_ask", &task, &count))
        return NULL;
    if (!engine_is_config(task))
        return PyErr_Format(engine_type_error, "only a task takes tokens, and %R is none", task);
    if (xpm_config_add_token(((Config *)task)->native, self->native, count, &err) < 0)
        return engine_error(&err);
    Py_RETURN_NONE;
}

/* _ask_as(task, other): the task takes what the other one does. */
static PyObject *token_ask_as(PyObject *Py_UNUSED(type), PyObject *args)
{
    PyObject *task, *other;
    xpm_error err;
    int64_t count;
    xpm_token *token;
    if (!PyArg_ParseTuple(args, "OO:_ask_as", &task, &other))
        return NULL;
    if (!engine_is_config(task) || !engine_is_config(other))
        return PyErr_Format(engine_type_error, "only tasks take tokens");
    xpm_config *from = ((Config *)other)->native, *to = ((Config *)task)->native;
    for (size_t i = 0; (token = xpm_config_token(from, i, &count)) != NULL; i++)
        if (xpm_config_add_token(to, token, count, &err) < 0)
            return engine_error(&err);
    Py_RETURN_NONE;
}

static PyMethodDef token_methods[] = {
    {"_ask", (PyCFunction)token_ask, METH_VARARGS, "_ask(task, count): it takes so many"},
    {"_ask_as", (PyCFunction)token_ask_as, METH_VARARGS | METH_STATIC,
     "_ask_as(task, other): it takes what the other does"},
    {0},
};

static PyGetSetDef token_getset[] = {
    {"name", (getter)token_name, NULL, "The name", NULL},
    {"_folder", (getter)token_folder, NULL, NULL, NULL},
    {"total", (getter)token_total, NULL, "How many there are, as the folder says now", NULL},
    {0},
};

PyTypeObject Token_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Token",
    .tp_doc = "Token(place, name, total): in an Experiment's workspace, or in a folder.",
    .tp_basicsize = sizeof(Token),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = token_new,
    .tp_richcompare = token_compare,
    .tp_hash = (hashfunc)token_hash,
    .tp_methods = token_methods,
    .tp_getset = token_getset,
};
