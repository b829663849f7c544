/* Enumerations and their members. One that mixes in int or str has these values in C too. Flags that
 * are combined are no members that an enumeration lists: each combination met has a type of its
 * own, of that name alone. */
#include "engine.h"

#include <string.h>

static PyObject *enums_by_class; /* dict: enumeration to (address of its type, {name: index}) */
static PyObject *enums_by_type;  /* dict: address to enumeration */
static PyObject *combinations;   /* dict: (class, combined flags) to the address of their type */

/* ---- Declaring ---------------------------------------------------------------------------------- */

static int register_enum(PyObject *enum_class, const xpm_type *type, PyObject *indices)
{
    PyObject *address = PyLong_FromVoidPtr((void *)type);
    PyObject *entry = address != NULL ? PyTuple_Pack(2, address, indices) : NULL;
    int status = -1;
    if (entry != NULL && PyDict_SetItem(enums_by_class, enum_class, entry) == 0)
        status = PyDict_SetItem(enums_by_type, address, enum_class);
    Py_XDECREF(address);
    Py_XDECREF(entry);
    return status;
}

static PyObject *text_attribute(PyObject *object, const char *name)
{
    PyObject *text = PyObject_GetAttrString(object, name);
    if (text != NULL && !PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "%s of %R is no text", name, object);
        Py_CLEAR(text);
    }
    return text;
}

/* What a member that is an int or a text too is in C; UNSET for another. */
static int mixed_value(PyObject *member, xpm_value *out)
{
    Py_ssize_t size;
    if (PyUnicode_Check(member)) {
        const char *text = PyUnicode_AsUTF8AndSize(member, &size);
        if (text == NULL)
            return -1;
        *out = xpm_str_sized(text, (size_t)size);
    } else if (PyLong_Check(member)) {
        int overflow;
        *out = xpm_int(PyLong_AsLongLongAndOverflow(member, &overflow));
        if (overflow != 0)
            PyErr_Format(PyExc_ValueError, "%R does not fit in 64 bits", member);
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* The names, and the values of members that are ints or texts, of an enumeration. */
typedef struct members {
    size_t count;
    const char **names; /* borrowed texts */
    xpm_value *values;
    PyObject *indices; /* dict, name to number */
} members;

static int read_members(PyObject *table, members *read)
{
    PyObject *items = PyMapping_Items(table);
    Py_ssize_t count = items != NULL ? PyList_GET_SIZE(items) : 0;
    read->count = (size_t)count;
    read->names = PyMem_Calloc(read->count + 1, sizeof *read->names);
    read->values = PyMem_Calloc(read->count + 1, sizeof *read->values);
    read->indices = PyDict_New();
    int status = items != NULL && read->names && read->values && read->indices ? 0 : -1;
    for (Py_ssize_t i = 0; status == 0 && i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 0);
        PyObject *member = PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 1);
        PyObject *index = PyLong_FromSsize_t(i);
        read->names[i] = PyUnicode_AsUTF8(name);
        status =
            read->names[i] != NULL && index != NULL ? mixed_value(member, &read->values[i]) : -1;
        if (status == 0)
            status = PyDict_SetItem(read->indices, name, index);
        Py_XDECREF(index);
    }
    Py_XDECREF(items);
    return status;
}

static void free_members(members *read)
{
    for (size_t i = 0; read->values != NULL && i < read->count; i++)
        xpm_value_clear(&read->values[i]);
    PyMem_Free(read->values);
    PyMem_Free(read->names);
    Py_XDECREF(read->indices);
}

static const xpm_type *declare_enum(PyObject *enum_class)
{
    const xpm_type *type = NULL;
    members read = {0};
    PyObject *table = PyObject_GetAttrString(enum_class, "__members__");
    PyObject *module = text_attribute(enum_class, "__module__");
    PyObject *qualname = text_attribute(enum_class, "__qualname__");
    const char *module_text = module != NULL ? PyUnicode_AsUTF8(module) : NULL;
    const char *name_text = qualname != NULL ? PyUnicode_AsUTF8(qualname) : NULL;
    if (table == NULL || module_text == NULL || name_text == NULL || read_members(table, &read) < 0)
        goto end;
    /* A script is run under another name in a task's process: it is the same script. */
    if (strcmp(module_text, "_main_") == 0)
        module_text = "__main__";
    bool mixed = read.count > 0 && read.values[0].kind != XPM_KIND_UNSET;
    type = mixed ? xpm_type_enum_mixed(module_text, name_text, read.names, read.values, read.count)
                 : xpm_type_enum(module_text, name_text, read.names, read.count);
    if (register_enum(enum_class, type, read.indices) < 0)
        type = NULL;
end:
    free_members(&read);
    Py_XDECREF(qualname);
    Py_XDECREF(module);
    Py_XDECREF(table);
    return type;
}

const xpm_type *engine_enum(PyObject *enum_class)
{
    if (enums_by_class == NULL && (enums_by_class = PyDict_New()) == NULL)
        return NULL;
    if (enums_by_type == NULL && (enums_by_type = PyDict_New()) == NULL)
        return NULL;
    PyObject *entry = PyDict_GetItemWithError(enums_by_class, enum_class);
    if (entry != NULL)
        return PyLong_AsVoidPtr(PyTuple_GET_ITEM(entry, 0));
    return PyErr_Occurred() ? NULL : declare_enum(enum_class);
}

/* ---- Lowering ----------------------------------------------------------------------------------- */

/* The class `name` of module enum; NULL while nobody has imported it: then there is none. Borrowed. */
static PyObject *class_of_enum(const char *name)
{
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "enum");
    PyObject *found = module != NULL ? PyObject_GetAttrString(module, name) : NULL;
    if (found == NULL)
        PyErr_Clear();
    Py_XDECREF(found); /* the module keeps it */
    return found;
}

bool engine_is_enum(PyObject *value)
{
    static PyObject *enum_class;
    if (enum_class == NULL)
        enum_class = class_of_enum("Enum");
    return enum_class != NULL && PyObject_TypeCheck(value, (PyTypeObject *)enum_class);
}

/* The name of combined flags: "READ|WRITE", "None", and a number where they are numbers too. */
static PyObject *combined_name(PyObject *value, PyObject *name)
{
    return PyLong_Check(value) ? PyLong_Type.tp_repr(value) : PyObject_Str(name);
}

static const xpm_type *declare_combined(PyObject *value, PyObject *name, PyObject *key,
                                        const xpm_type *type)
{
    xpm_value number = {0};
    const xpm_type *own = NULL;
    PyObject *text = combined_name(value, name);
    const char *member = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    if (member != NULL && mixed_value(value, &number) == 0)
        own = number.kind == XPM_KIND_UNSET
                  ? xpm_type_enum(xpm_type_enum_module(type), xpm_type_enum_name(type), &member, 1)
                  : xpm_type_enum_mixed(xpm_type_enum_module(type), xpm_type_enum_name(type),
                                        &member, &number, 1);
    Py_XDECREF(text);
    PyObject *address = own != NULL ? PyLong_FromVoidPtr((void *)own) : NULL;
    if (address == NULL || PyDict_SetItem(enums_by_type, address, (PyObject *)Py_TYPE(value)) < 0 ||
        PyDict_SetItem(combinations, key, address) < 0)
        own = NULL;
    Py_XDECREF(address);
    return own;
}

/* 1 when the value is no combination of flags. */
static int lower_combined(PyObject *value, PyObject *name, const xpm_type *type, xpm_value *out)
{
    PyObject *flag = class_of_enum("Flag");
    if (flag == NULL || !PyObject_TypeCheck(value, (PyTypeObject *)flag))
        return 1;
    if (combinations == NULL && (combinations = PyDict_New()) == NULL)
        return -1;
    PyObject *key = PyTuple_Pack(2, Py_TYPE(value), value); /* flags of two classes may be equal */
    PyObject *address = key != NULL ? PyDict_GetItemWithError(combinations, key) : NULL;
    const xpm_type *own = address != NULL     ? PyLong_AsVoidPtr(address)
                          : !PyErr_Occurred() ? declare_combined(value, name, key, type)
                                              : NULL;
    Py_XDECREF(key);
    if (own != NULL)
        *out = xpm_enum(own, 0);
    return own != NULL ? 0 : -1;
}

int engine_lower_enum(PyObject *value, xpm_value *out)
{
    const xpm_type *type = engine_enum((PyObject *)Py_TYPE(value));
    PyObject *name = type != NULL ? PyObject_GetAttrString(value, "name") : NULL;
    if (name == NULL)
        return -1;
    PyObject *entry = PyDict_GetItem(enums_by_class, (PyObject *)Py_TYPE(value));
    PyObject *index = PyDict_GetItem(PyTuple_GET_ITEM(entry, 1), name);
    int status = 0;
    if (index != NULL)
        *out = xpm_enum(type, PyLong_AsSize_t(index));
    else
        status = lower_combined(value, name, type, out);
    Py_DECREF(name);
    return status;
}

/* ---- Raising ------------------------------------------------------------------------------------ */

static PyObject *find_class(const xpm_type *type)
{
    PyObject *address = PyLong_FromVoidPtr((void *)type), *enum_class = NULL;
    if (address != NULL && enums_by_type != NULL)
        enum_class = Py_XNewRef(PyDict_GetItemWithError(enums_by_type, address));
    Py_XDECREF(address);
    if (enum_class != NULL || PyErr_Occurred())
        return enum_class;
    PyObject *find = engine_import("experimaestro.run", "find");
    if (find != NULL)
        enum_class = PyObject_CallFunction(find, "ssO", xpm_type_enum_module(type),
                                           xpm_type_enum_name(type), Py_None);
    Py_XDECREF(find);
    return enum_class;
}

/* The union of the flags named in "READ|WRITE". */
static PyObject *combine(PyObject *enum_class, const char *names)
{
    PyObject *all = PyObject_CallFunction(enum_class, "i", 0);
    PyObject *text = PyUnicode_FromString(names);
    PyObject *parts = text != NULL ? PyObject_CallMethod(text, "split", "s", "|") : NULL;
    for (Py_ssize_t i = 0; all != NULL && parts != NULL && i < PyList_GET_SIZE(parts); i++) {
        PyObject *flag = PyObject_GetItem(enum_class, PyList_GET_ITEM(parts, i));
        Py_SETREF(all, flag != NULL ? PyNumber_Or(all, flag) : NULL);
        Py_XDECREF(flag);
    }
    if (parts == NULL)
        Py_CLEAR(all);
    Py_XDECREF(parts);
    Py_XDECREF(text);
    return all;
}

/* What combined_name has named. */
static PyObject *raise_combined(PyObject *enum_class, const char *name)
{
    if (strcmp(name, "None") == 0)
        return PyObject_CallFunction(enum_class, "i", 0);
    if (strchr("-0123456789", name[0]) == NULL)
        return combine(enum_class, name);
    PyObject *number = PyLong_FromString(name, NULL, 10);
    PyObject *member = number != NULL ? PyObject_CallOneArg(enum_class, number) : NULL;
    Py_XDECREF(number);
    return member;
}

PyObject *engine_raise_enum(const xpm_value *value)
{
    const char *name = xpm_type_enum_member(value->as.enum_type, value->size);
    PyObject *enum_class = find_class(value->as.enum_type);
    if (enum_class == NULL)
        return NULL;
    PyObject *member = PyMapping_GetItemString(enum_class, name);
    if (member == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        member = raise_combined(enum_class, name);
    }
    Py_DECREF(enum_class);
    return member;
}
