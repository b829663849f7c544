/* Values between Python and C. Lowering makes an xpm_value of a Python object, whatever its declared
 * type: xpm_check tells later if it is right. Raising makes a Python object of a value. */
#include "engine.h"

#include <string.h>

/* Where a value is, for errors: made into text only when there is one. */
typedef struct place {
    const struct place *parent;
    const char *root;
    PyObject *key; /* of a dict, else */
    Py_ssize_t index;
} place;

typedef struct lowering {
    engine_found found;
    void *user;
} lowering;

static int lower(PyObject *value, const place *at, const lowering *context, xpm_value *out);

static PyObject *print_place(const place *at)
{
    if (at->parent == NULL)
        return PyUnicode_FromString(at->root);
    PyObject *parent = print_place(at->parent), *text;
    if (parent == NULL)
        return NULL;
    text = at->key != NULL ? PyUnicode_FromFormat("%U[%R]", parent, at->key)
                           : PyUnicode_FromFormat("%U[%zd]", parent, at->index);
    Py_DECREF(parent);
    return text;
}

static int refuse(PyObject *exception, const place *at, const char *message, PyObject *value)
{
    PyObject *where = print_place(at);
    PyObject *text = value != NULL ? PyObject_Repr(value) : PyUnicode_FromString("");
    if (where != NULL && text != NULL)
        PyErr_Format(exception, "%U: %s%U", where, message, text);
    Py_XDECREF(where);
    Py_XDECREF(text);
    return -1;
}

/* ---- Lowering ----------------------------------------------------------------------------------- */

static int lower_int(PyObject *value, const place *at, xpm_value *out)
{
    int overflow;
    long long integer = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (integer == -1 && PyErr_Occurred())
        return -1;
    if (overflow != 0)
        return refuse(PyExc_ValueError, at,
                      "an integer must fit in 64 bits, and this does not: ", value);
    *out = xpm_int(integer);
    return 0;
}

static int lower_str(PyObject *value, const place *at, xpm_value *out)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(value, &size);
    if (text == NULL) {
        PyErr_Clear();
        return refuse(PyExc_ValueError, at, "a text that is not UTF-8: ", value);
    }
    if ((size_t)size >= UINT32_MAX)
        return refuse(PyExc_ValueError, at, "a text of 4 GiB or more", NULL);
    *out = xpm_str_sized(text, (size_t)size);
    return 0;
}

static int lower_sequence(PyObject *value, const place *at, const lowering *context, xpm_value *out)
{
    PyObject *item, *iterator = PyObject_GetIter(value);
    place inside = {.parent = at};
    *out = PyList_Check(value)    ? xpm_list_new()
           : PyTuple_Check(value) ? xpm_tuple_new()
                                  : xpm_set_new();
    while (iterator != NULL && (item = PyIter_Next(iterator)) != NULL) {
        xpm_value lowered;
        int status = lower(item, &inside, context, &lowered);
        Py_DECREF(item);
        if (status < 0)
            break;
        xpm_list_append(out, lowered);
        inside.index++;
    }
    Py_XDECREF(iterator);
    if (!PyErr_Occurred())
        return 0;
    xpm_value_clear(out);
    return -1;
}

static int lower_dict(PyObject *value, const place *at, const lowering *context, xpm_value *out)
{
    PyObject *key, *item;
    Py_ssize_t position = 0;
    *out = xpm_dict_new();
    while (PyDict_Next(value, &position, &key, &item)) {
        xpm_value lowered_key, lowered_item;
        place inside = {.parent = at, .key = key};
        if (lower(key, &inside, context, &lowered_key) < 0)
            break;
        if (lower(item, &inside, context, &lowered_item) < 0) {
            xpm_value_clear(&lowered_key);
            break;
        }
        xpm_dict_append(out, lowered_key, lowered_item);
    }
    if (!PyErr_Occurred())
        return 0;
    xpm_value_clear(out);
    return -1;
}

static int lower_path(PyObject *value, const place *at, xpm_value *out)
{
    PyObject *text = PyOS_FSPath(value);
    int status = text != NULL && PyUnicode_Check(text) ? lower_str(text, at, out) : -1;
    if (status == 0)
        out->kind = XPM_KIND_PATH;
    else if (!PyErr_Occurred())
        refuse(engine_type_error, at, "a path of bytes: ", value);
    Py_XDECREF(text);
    return status;
}

static int lower_config(Config *config, const lowering *context, xpm_value *out)
{
    if (context->found != NULL && context->found(context->user, config) < 0)
        return -1;
    *out = xpm_object(config->native);
    return 0;
}

/* Whether a type is the one of this name, or derives from it: a library's that nobody need have. */
static bool derives(PyTypeObject *type, const char *name)
{
    for (Py_ssize_t i = 0; type->tp_mro != NULL && i < PyTuple_GET_SIZE(type->tp_mro); i++)
        if (strcmp(((PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i))->tp_name, name) == 0)
            return true;
    return false;
}

static int lower_truth(PyObject *value, xpm_value *out)
{
    int truth = PyObject_IsTrue(value);
    *out = xpm_bool(truth == 1);
    return truth < 0 ? -1 : 0;
}

/* A number by its protocols: __index__ for an integer, else __float__. 1 when it is none. */
static int lower_number(PyObject *value, const place *at, xpm_value *out)
{
    PyTypeObject *type = Py_TYPE(value);
    if (derives(type, "numpy.bool") || derives(type, "numpy.bool_"))
        return lower_truth(value, out);
    if (derives(type, "numpy.complexfloating"))
        return 1;
    if (PyIndex_Check(value)) {
        PyObject *integer = PyNumber_Index(value);
        int status = integer != NULL ? lower_int(integer, at, out) : 1;
        Py_XDECREF(integer);
        if (status <= 0)
            return status;
        PyErr_Clear();
    }
    if (type->tp_as_number == NULL || type->tp_as_number->nb_float == NULL)
        return 1;
    *out = xpm_float(PyFloat_AsDouble(value));
    if (!PyErr_Occurred())
        return 0;
    PyErr_Clear();
    return 1;
}

/* What is rare: subclasses of the builtin types, paths, numbers of other libraries. */
static int lower_other(PyObject *value, const place *at, xpm_value *out)
{
    if (engine_is_enum(value)) {
        int status = engine_lower_enum(value, out);
        return status <= 0
                   ? status
                   : refuse(PyExc_ValueError, at, "not a member of its enumeration: ", value);
    }
    if (PyLong_Check(value))
        return lower_int(value, at, out);
    if (PyFloat_Check(value)) {
        *out = xpm_float(PyFloat_AsDouble(value));
        return 0;
    }
    if (PyUnicode_Check(value))
        return lower_str(value, at, out);
    if (derives(Py_TYPE(value), "numpy.ndarray"))
        return refuse(
            engine_type_error, at,
            "an array is not a value that a parameter can have; give its tolist(), or the "
            "path of a file that has it: ",
            value);
    int status = lower_number(value, at, out);
    if (status <= 0)
        return status;
    if (PyObject_HasAttrString((PyObject *)Py_TYPE(value), "__fspath__"))
        return lower_path(value, at, out);
    if (Py_IS_TYPE(value, &Tag_Type))
        return refuse(PyExc_ValueError, at,
                      "only the whole value of a parameter can be tagged: use .tag(name, value) of "
                      "a configuration, in place of ",
                      value);
    if (PyObject_TypeCheck(value, &Base_Type))
        return refuse(PyExc_AttributeError, at,
                      "an instance, and no configuration; make one by the class's C(...): ", value);
    return refuse(engine_type_error, at, "not a value that a parameter can have: ", value);
}

static int lower_collection(PyObject *value, const place *at, const lowering *context,
                            xpm_value *out)
{
    if (Py_EnterRecursiveCall(" in a list or dict that holds itself"))
        return -1;
    int status = PyDict_Check(value) ? lower_dict(value, at, context, out)
                                     : lower_sequence(value, at, context, out);
    Py_LeaveRecursiveCall();
    return status;
}

static int lower(PyObject *value, const place *at, const lowering *context, xpm_value *out)
{
    *out = (xpm_value){0};
    if (value == Py_None) {
        *out = xpm_none();
        return 0;
    }
    if (PyBool_Check(value)) {
        *out = xpm_bool(value == Py_True);
        return 0;
    }
    if (PyLong_CheckExact(value))
        return lower_int(value, at, out);
    if (PyFloat_CheckExact(value)) {
        *out = xpm_float(PyFloat_AS_DOUBLE(value));
        return 0;
    }
    if (PyUnicode_CheckExact(value))
        return lower_str(value, at, out);
    if (engine_is_config(value))
        return lower_config((Config *)value, context, out);
    if (PyList_Check(value) || PyDict_Check(value) || PyTuple_Check(value) || PyAnySet_Check(value))
        return lower_collection(value, at, context, out);
    return lower_other(value, at, out);
}

int engine_lower(PyObject *value, const char *where, engine_found found, void *user,
                 xpm_value *lowered)
{
    place root = {.root = where};
    lowering context = {.found = found, .user = user};
    return lower(value, &root, &context, lowered);
}

int engine_note_found(void *user, Config *Py_UNUSED(config))
{
    *(bool *)user = true;
    return 0;
}

/* ---- Raising ------------------------------------------------------------------------------------ */

static PyObject *raise_path(const xpm_value *value)
{
    static PyObject *path_class;
    if (path_class == NULL && (path_class = engine_import("pathlib", "Path")) == NULL)
        return NULL;
    PyObject *text = PyUnicode_DecodeUTF8(value->as.text, value->size, "surrogateescape");
    PyObject *path = text != NULL ? PyObject_CallOneArg(path_class, text) : NULL;
    Py_XDECREF(text);
    return path;
}

static PyObject *raise_list(const xpm_value *value, const Instances *instances)
{
    PyObject *list = PyList_New(value->size);
    for (uint32_t i = 0; list != NULL && i < value->size; i++) {
        PyObject *item = engine_raise(&value->as.items[i], instances);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *raise_tuple(const xpm_value *value, const Instances *instances)
{
    PyObject *tuple = PyTuple_New(value->size);
    for (uint32_t i = 0; tuple != NULL && i < value->size; i++) {
        PyObject *item = engine_raise(&value->as.items[i], instances);
        if (item == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, item);
    }
    return tuple;
}

static PyObject *raise_set(const xpm_value *value, const Instances *instances)
{
    PyObject *set = PySet_New(NULL);
    for (uint32_t i = 0; set != NULL && i < value->size; i++) {
        PyObject *item = engine_raise(&value->as.items[i], instances);
        if (item == NULL || PySet_Add(set, item) < 0)
            Py_CLEAR(set);
        Py_XDECREF(item);
    }
    return set;
}

static PyObject *raise_dict(const xpm_value *value, const Instances *instances)
{
    PyObject *dict = PyDict_New();
    for (uint32_t i = 0; dict != NULL && i < value->size; i++) {
        PyObject *key = engine_raise(&value->as.items[2 * i], instances);
        PyObject *item = key != NULL ? engine_raise(&value->as.items[2 * i + 1], instances) : NULL;
        if (item == NULL || PyDict_SetItem(dict, key, item) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(item);
    }
    return dict;
}

PyObject *engine_raise(const xpm_value *value, const Instances *instances)
{
    switch (value->kind) {
    case XPM_KIND_BOOL:
        return PyBool_FromLong(value->as.boolean);
    case XPM_KIND_INT:
        return PyLong_FromLongLong(value->as.integer);
    case XPM_KIND_FLOAT:
        return PyFloat_FromDouble(value->as.real);
    case XPM_KIND_STR:
        return PyUnicode_DecodeUTF8(value->as.text, value->size, "surrogateescape");
    case XPM_KIND_PATH:
        return raise_path(value);
    case XPM_KIND_ENUM:
        return engine_raise_enum(value);
    case XPM_KIND_LIST:
        return raise_list(value, instances);
    case XPM_KIND_TUPLE:
        return raise_tuple(value, instances);
    case XPM_KIND_SET:
        return raise_set(value, instances);
    case XPM_KIND_DICT:
        return raise_dict(value, instances);
    case XPM_KIND_CONFIG:
        return instances != NULL ? engine_instance(value->as.config, instances)
                                 : engine_wrap(value->as.config);
    default:
        Py_RETURN_NONE;
    }
}

/* ---- Copies ------------------------------------------------------------------------------------- */

bool engine_mutable(PyObject *value)
{
    if (!PyTuple_Check(value))
        return engine_is_config(value) || engine_is_collection(value);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); i++)
        if (engine_mutable(PyTuple_GET_ITEM(value, i)))
            return true;
    return false;
}

/* A list of the clones of the items of a list or tuple. */
static PyObject *clone_items(PyObject *sequence, PyObject *memo)
{
    PyObject *list = PyList_New(0);
    for (Py_ssize_t i = 0; list != NULL && i < PySequence_Fast_GET_SIZE(sequence); i++) {
        PyObject *item = engine_clone(PySequence_Fast_GET_ITEM(sequence, i), memo);
        if (item == NULL || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *clone_tuple(PyObject *value, PyObject *memo)
{
    PyObject *list = clone_items(value, memo);
    PyObject *tuple = list != NULL ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return tuple;
}

static PyObject *clone_dict(PyObject *value, PyObject *memo)
{
    PyObject *dict = PyDict_New(), *key, *item;
    Py_ssize_t position = 0;
    while (dict != NULL && PyDict_Next(value, &position, &key, &item)) {
        PyObject *copy = engine_clone(item, memo);
        if (copy == NULL || PyDict_SetItem(dict, key, copy) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(copy);
    }
    return dict;
}

PyObject *engine_clone(PyObject *value, PyObject *memo)
{
    PyObject *clone;
    if (!engine_mutable(value))
        return Py_NewRef(value);
    if (Py_EnterRecursiveCall(" while copying a configuration"))
        return NULL;
    if (engine_is_config(value))
        clone = engine_clone_config((Config *)value, memo);
    else if (PyList_Check(value))
        clone = clone_items(value, memo);
    else if (PyTuple_Check(value))
        clone = clone_tuple(value, memo);
    else if (PyDict_Check(value))
        clone = clone_dict(value, memo);
    else
        clone = PySet_New(value); /* what is in a set cannot change: configurations are sealed */
    Py_LeaveRecursiveCall();
    return clone;
}
