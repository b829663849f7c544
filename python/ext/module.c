/* The module experimaestro._engine. */
#include "engine.h"

#include <string.h>

PyObject *engine_import(const char *module, const char *name)
{
    PyObject *imported = PyImport_ImportModule(module);
    PyObject *attribute = imported != NULL ? PyObject_GetAttrString(imported, name) : NULL;
    Py_XDECREF(imported);
    return attribute;
}

const char **engine_texts(PyObject *tuple)
{
    if (!PyTuple_Check(tuple))
        return PyErr_SetString(PyExc_TypeError, "a tuple of texts is needed"), NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    const char **texts = PyMem_Calloc((size_t)count + 1, sizeof *texts);
    if (texts == NULL)
        return PyErr_NoMemory(), NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        texts[i] = PyUnicode_AsUTF8(PyTuple_GET_ITEM(tuple, i));
        if (texts[i] == NULL) {
            PyMem_Free(texts);
            return NULL;
        }
    }
    return texts;
}

static int add_types(PyObject *module)
{
    static const struct {
        const char *name;
        PyTypeObject *type;
    } types[] = {
        {"Type", &Type_Type},
        {"Class", &Class_Type},
        {"Parameter", &Parameter_Type},
        {"Configuration", &Config_Type},
        {"Base", &Base_Type},
        {"Maker", &Maker_Type},
        {"Identifier", &Identifier_Type},
        {"Handle", &Handle_Type},
        {"tag", &Tag_Type},
        {"Job", &Job_Type},
        {"Experiment", &Experiment_Type},
        {"Token", &Token_Type},
        {"Requirement", &Requirement_Type},
        {"Launcher", &Launcher_Type},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (PyType_Ready(types[i].type) < 0 ||
            PyModule_AddObjectRef(module, types[i].name, (PyObject *)types[i].type) < 0)
            return -1;
    return 0;
}

/* An exception that derives from `base` and from what the original raises. */
static int add_error(PyObject *module, PyObject **error, const char *name, const char *doc,
                     PyObject *base, PyObject *other)
{
    PyObject *bases = other != NULL ? PyTuple_Pack(2, base, other) : PyTuple_Pack(1, base);
    if (bases == NULL)
        return -1;
    *error = PyErr_NewExceptionWithDoc(name, doc, bases, NULL);
    Py_DECREF(bases);
    return *error != NULL ? PyModule_AddObjectRef(module, strrchr(name, '.') + 1, *error) : -1;
}

static int add_errors(PyObject *module)
{
    if (add_error(module, &engine_type_error, "experimaestro.ConfigTypeError",
                  "A value of the wrong type for its parameter.", PyExc_ValueError,
                  PyExc_TypeError) < 0 ||
        add_error(module, &engine_place_error, "experimaestro.EmptyContextError",
                  "A path is to be generated, and there is no directory for it.", PyExc_ValueError,
                  PyExc_AssertionError) < 0)
        return -1;
    return add_error(module, &engine_dirty_error, "experimaestro.DirtyGitError",
                     "The sources have changes that are not committed.", PyExc_RuntimeError, NULL);
}

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "experimaestro._engine",
    .m_doc = "The engine. Use the package experimaestro.",
    .m_size = -1,
    .m_methods = engine_run_methods,
};

PyMODINIT_FUNC PyInit__engine(void)
{
    engine_locate_for_library();
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && (add_types(module) < 0 || add_errors(module) < 0 ||
                           PyModule_AddFunctions(module, engine_warm_methods) < 0 ||
                           PyModule_AddFunctions(module, engine_watch_methods) < 0 ||
                           PyModule_AddFunctions(module, engine_explain_methods) < 0 ||
                           PyModule_AddFunctions(module, engine_saved_methods) < 0 ||
                           PyModule_AddFunctions(module, engine_settings_methods) < 0 ||
                           PyModule_AddFunctions(module, engine_tag_methods) < 0 ||
                           PyModule_AddStringConstant(module, "version", xpm_version()) < 0))
        Py_CLEAR(module);
    return module;
}
