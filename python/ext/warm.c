/* Warm starts: the forks of experimaestro.warm, and the search for what a fork must not share. */
#include "engine.h"

#include <string.h>

/* ---- What is kept ------------------------------------------------------------------------------- */

/* What is looked for among all objects that are alive. */
typedef struct search {
    const char *text; /* in texts and bytes: ASCII */
    size_t size;
    PyObject *text_object;
    PyObject *types, *known; /* tuples: objects of these types which are none of these */
    PyObject *found;         /* borrowed; NULL while there is none */
} search;

static bool holds(const search *s, const char *data, Py_ssize_t size)
{
    return memmem(data, (size_t)size, s->text, s->size) != NULL;
}

static bool is_text_found(const search *s, PyObject *object)
{
    if (PyBytes_CheckExact(object))
        return holds(s, PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object));
    if (!PyUnicode_CheckExact(object) || object == s->text_object)
        return false;
    if (PyUnicode_IS_COMPACT_ASCII(object))
        return holds(s, PyUnicode_DATA(object), PyUnicode_GET_LENGTH(object));
    return PyUnicode_Find(object, s->text_object, 0, PY_SSIZE_T_MAX, 1) >= 0;
}

/* Of what a container holds. One of which the collector has lost sight holds only what has no parts, and
 * is found from here alone. */
static int visit(PyObject *object, void *user)
{
    search *s = user;
    if (s->found != NULL)
        return 1;
    if (is_text_found(s, object))
        s->found = object;
    else if (PyObject_IS_GC(object) && !PyObject_GC_IsTracked(object) &&
             Py_TYPE(object)->tp_traverse != NULL &&
             (PyDict_CheckExact(object) || PyTuple_CheckExact(object)))
        return Py_TYPE(object)->tp_traverse(object, visit, s);
    return s->found != NULL;
}

static bool is_of_type(const search *s, PyObject *object)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(s->known); i++)
        if (PyTuple_GET_ITEM(s->known, i) == object)
            return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(s->types); i++)
        if (PyObject_TypeCheck(object, (PyTypeObject *)PyTuple_GET_ITEM(s->types, i)))
            return true;
    return false;
}

static void search_all(search *s, PyObject *objects)
{
    for (Py_ssize_t i = 0; s->found == NULL && i < PyList_GET_SIZE(objects); i++) {
        PyObject *object = PyList_GET_ITEM(objects, i);
        traverseproc traverse = Py_TYPE(object)->tp_traverse;
        if (is_of_type(s, object))
            s->found = object;
        else if (traverse != NULL && object != objects && !PyFrame_Check(object))
            traverse(object, visit, s);
    }
}

static PyObject *warm_find(PyObject *Py_UNUSED(module), PyObject *args)
{
    search s = {0};
    if (!PyArg_ParseTuple(args, "UO!O!:warm_find", &s.text_object, &PyTuple_Type, &s.types,
                          &PyTuple_Type, &s.known))
        return NULL;
    s.text = PyUnicode_AsUTF8(s.text_object);
    PyObject *get = s.text != NULL ? engine_import("gc", "get_objects") : NULL;
    PyObject *objects = get != NULL ? PyObject_CallNoArgs(get) : NULL;
    Py_XDECREF(get);
    if (objects == NULL)
        return NULL;
    s.size = strlen(s.text);
    search_all(&s, objects);
    PyObject *found = Py_NewRef(s.found != NULL ? s.found : Py_None);
    Py_DECREF(objects);
    return found;
}

/* ---- Forking ------------------------------------------------------------------------------------ */

static void before(void *Py_UNUSED(user))
{
    PyOS_BeforeFork();
}

static void in_parent(void *Py_UNUSED(user))
{
    PyOS_AfterFork_Parent();
}

static void in_child(void *Py_UNUSED(user))
{
    PyOS_AfterFork_Child();
}

static PyObject *warm_serve(PyObject *Py_UNUSED(module), PyObject *sources)
{
    static const xpm_warm_hooks hooks = {before, in_parent, in_child, NULL};
    const char **files = engine_texts(sources);
    if (files == NULL)
        return NULL;
    char *script = xpm_warm_serve(files, &hooks);
    PyMem_Free(files);
    if (script == NULL)
        Py_RETURN_NONE;
    PyObject *text = PyUnicode_DecodeFSDefault(script);
    xpm_free(script);
    return text;
}

static PyObject *warm_refuse(PyObject *Py_UNUSED(module), PyObject *arg)
{
    const char *reason = PyUnicode_AsUTF8(arg);
    if (reason == NULL)
        return NULL;
    xpm_warm_refuse(reason);
    Py_RETURN_NONE;
}

PyMethodDef engine_warm_methods[] = {
    {"warm_find", warm_find, METH_VARARGS,
     "warm_find(text, types, known): a text or bytes that holds `text`, of what any object holds, "
     "or an "
     "object of one of the types that is not known; None when there is none"},
    {"warm_serve", warm_serve, METH_O,
     "warm_serve(sources): forks a process for each job that is asked for; the path of its script "
     "there, and None here at the end"},
    {"warm_refuse", warm_refuse, METH_O, "warm_refuse(reason): no job can be forked from here"},
    {0},
};
