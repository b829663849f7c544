/* Warm starts: the forks of experimaestro.warm, the search for what a fork must not share, and the ends that
 * nobody sees. */
#include "engine.h"

#include <frameobject.h> /* not of Python.h before 3.11 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Whether the collector has lost sight of a container, as it holds only what has no parts: it is found from
 * what holds it alone. */
static bool is_unlisted(PyObject *object)
{
    return (PyDict_CheckExact(object) || PyTuple_CheckExact(object)) &&
           !PyObject_GC_IsTracked(object);
}

/* Of what a container holds. */
static int visit(PyObject *object, void *user)
{
    search *s = user;
    if (s->found != NULL)
        return 1;
    if (is_text_found(s, object))
        s->found = object;
    else if (is_unlisted(object))
        return Py_TYPE(object)->tp_traverse(object, visit, s);
    return s->found != NULL;
}

/* By identity: what a class says of equality may do anything. */
static bool is_among(PyObject *tuple, const PyObject *object)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++)
        if (PyTuple_GET_ITEM(tuple, i) == object)
            return true;
    return false;
}

static bool is_of_type(const search *s, PyObject *object)
{
    if (is_among(s->known, object))
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

/* ---- Ends --------------------------------------------------------------------------------------- */

/* The search for an object whose end is seen outside the process. */
typedef struct ends {
    PyObject *plain;       /* of a class of Python; not listed when others are not */
    destructor of_classes; /* of all such: it looks at the class before it next */
    PyObject *known;       /* a tuple: the end of these is known */
    PyObject *seen;        /* borrowed; NULL while there is none */
} ends;

/* Modules in C whose objects go without a trace. */
static const char *const quiet_modules[] = {
    "Token",     "_abc",      "_collections",  "_contextvars",
    "_csv",      "_json",     "_random",       "_struct",
    "_thread",   "array",     "ast",           "collections",
    "datetime",  "decimal",   "experimaestro", "experimaestro._engine",
    "functools", "itertools", "operator",      "os",
    "posix",     "re",        "sys",           "time",
    "types",     "typing",    "unicodedata",   "weakref"};

static bool is_quiet_module(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof quiet_modules / sizeof *quiet_modules; i++)
        if (strlen(quiet_modules[i]) == size && memcmp(quiet_modules[i], name, size) == 0)
            return true;
    return false;
}

/* A method __del__, or the like in C. */
static bool has_finalizer(const PyTypeObject *type)
{
    return type->tp_finalize != NULL || type->tp_del != NULL;
}

static bool is_quiet_type(const ends *e, const PyTypeObject *type)
{
    if (has_finalizer(type))
        return false;
    while (type->tp_dealloc == e->of_classes && type->tp_base != NULL)
        type = type->tp_base;
    const char *dot = strrchr(type->tp_name, '.');
    if (dot == NULL) /* of Python itself */
        return true;
    return type != &Experiment_Type &&
           is_quiet_module(type->tp_name, (size_t)(dot - type->tp_name));
}

static bool is_function(PyObject *callback, const char *module, const char *name)
{
    const PyFunctionObject *function = (PyFunctionObject *)callback;
    return PyUnicode_Check(function->func_name) && function->func_module != NULL &&
           PyUnicode_Check(function->func_module) &&
           PyUnicode_CompareWithASCIIString(function->func_name, name) == 0 &&
           PyUnicode_CompareWithASCIIString(function->func_module, module) == 0;
}

static bool is_c_function(PyObject *callback, const char *name)
{
    return strcmp(((PyCFunctionObject *)callback)->m_ml->ml_name, name) == 0;
}

/* What a weak reference calls: nothing, or what keeps the containers of the library in order, which are in
 * Python, or in C: those of _abc and _thread. */
static bool is_quiet_callback(PyObject *callback)
{
    static const char *const keepers[][2] = {
        {"weakref", "remove"}, {"_weakrefset", "_remove"}, {"logging", "_removeHandlerRef"}};
    static const char *const c_keepers[] = {"_destroy", "_localdummy_destroyed", "clear_locals"};
    bool is_quiet = callback == NULL;
    if (!is_quiet && PyCFunction_Check(callback))
        for (size_t i = 0; i < sizeof c_keepers / sizeof *c_keepers; i++)
            is_quiet |= is_c_function(callback, c_keepers[i]);
    else if (!is_quiet && PyFunction_Check(callback))
        for (size_t i = 0; i < sizeof keepers / sizeof *keepers; i++)
            is_quiet |= is_function(callback, keepers[i][0], keepers[i][1]);
    return is_quiet;
}

static bool is_quiet(const ends *e, PyObject *object)
{
    if (!is_quiet_type(e, Py_TYPE(object)))
        return is_among(e->known, object);
    return !PyWeakref_Check(object) || is_quiet_callback(((PyWeakReference *)object)->wr_callback);
}

static int visit_end(PyObject *object, void *user)
{
    ends *e = user;
    if (!is_quiet(e, object))
        e->seen = object;
    else if (is_unlisted(object))
        return Py_TYPE(object)->tp_traverse(object, visit_end, e);
    return e->seen != NULL;
}

static void search_ends(ends *e, PyObject *objects)
{
    bool is_whole = false;
    for (Py_ssize_t i = 0; e->seen == NULL && i < PyList_GET_SIZE(objects); i++) {
        PyObject *object = PyList_GET_ITEM(objects, i);
        traverseproc traverse = Py_TYPE(object)->tp_traverse;
        is_whole |= object == e->plain;
        if (visit_end(object, e) == 0 && traverse != NULL && object != objects)
            traverse(object, visit_end, e);
    }
    if (e->seen == NULL && !is_whole)
        e->seen = e->plain;
}

/* Of the classes of what was imported, one that was given a finalizer since; borrowed, or NULL. None of
 * them is touched: no reference to it is made. */
static PyObject *find_changed(PyObject *classes)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(classes); i++) {
        PyObject *class_ = ((PyWeakReference *)PyList_GET_ITEM(classes, i))->wr_object;
        bool is_gone = class_ == Py_None;
        if (!is_gone && ((PyTypeObject *)class_)->tp_finalize != NULL)
            return class_;
    }
    return NULL;
}

static PyObject *warm_seen(PyObject *Py_UNUSED(module), PyObject *args)
{
    ends e = {0};
    PyObject *objects, *classes;
    if (!PyArg_ParseTuple(args, "O!OO!O!:warm_seen", &PyList_Type, &objects, &e.plain,
                          &PyTuple_Type, &e.known, &PyList_Type, &classes))
        return NULL;
    e.of_classes = Py_TYPE(e.plain)->tp_dealloc;
    e.seen = find_changed(classes);
    if (PyInterpreterState_Next(PyInterpreterState_Head()) != NULL)
        e.seen = e.plain; /* another interpreter, with objects of its own */
    search_ends(&e, objects);
    return Py_NewRef(e.seen != NULL ? e.seen : Py_None);
}

static bool can_get_finalizer(PyObject *object)
{
    return PyType_Check(object) && PyType_HasFeature((PyTypeObject *)object, Py_TPFLAGS_HEAPTYPE) &&
           !has_finalizer((PyTypeObject *)object);
}

static PyObject *warm_classes(PyObject *Py_UNUSED(module), PyObject *objects)
{
    PyObject *classes = PyList_Check(objects) ? PyList_New(0) : NULL;
    if (classes == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "a list is needed");
    for (Py_ssize_t i = 0; classes != NULL && i < PyList_GET_SIZE(objects); i++) {
        if (!can_get_finalizer(PyList_GET_ITEM(objects, i)))
            continue;
        PyObject *class_ = PyWeakref_NewRef(PyList_GET_ITEM(objects, i), NULL);
        if (class_ == NULL || PyList_Append(classes, class_) < 0)
            Py_CLEAR(classes);
        Py_XDECREF(class_);
    }
    return classes;
}

static PyObject *warm_leave(PyObject *Py_UNUSED(module), PyObject *args)
{
    int status, calls;
    if (!PyArg_ParseTuple(args, "ip:warm_leave", &status, &calls))
        return NULL;
    if (calls)
        exit(status);
    fflush(NULL);
    _exit(status);
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
    {"warm_seen", warm_seen, METH_VARARGS,
     "warm_seen(objects, plain, known, classes): one of these objects, or of what they hold, whose "
     "end may be seen outside the process and that is not known; or one of the classes that now "
     "has a method __del__; or `plain`, an object of a class of Python, when it is not listed or "
     "there is another interpreter: then there are more objects. None when there is none of these"},
    {"warm_classes", warm_classes, METH_O,
     "warm_classes(objects): weak references to those of these objects that are classes without a "
     "method __del__, which can be given one"},
    {"warm_leave", warm_leave, METH_VARARGS,
     "warm_leave(status, calls): ends the process, and leaves the interpreter as it is. With "
     "`calls` what libraries have registered for the end is called: those of Python only free "
     "memory then"},
    {0},
};
