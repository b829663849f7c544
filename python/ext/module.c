/* The module experimaestro._engine. */
#include "engine.h"

PyObject *engine_import(const char *module, const char *name)
{
    PyObject *imported = PyImport_ImportModule(module);
    PyObject *attribute = imported != NULL ? PyObject_GetAttrString(imported, name) : NULL;
    Py_XDECREF(imported);
    return attribute;
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
        {"tag", &Tag_Type},
        {"Job", &Job_Type},
        {"Experiment", &Experiment_Type},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (PyType_Ready(types[i].type) < 0 ||
            PyModule_AddObjectRef(module, types[i].name, (PyObject *)types[i].type) < 0)
            return -1;
    return 0;
}

static int add_errors(PyObject *module)
{
    PyObject *bases = PyTuple_Pack(2, PyExc_ValueError, PyExc_TypeError);
    if (bases == NULL)
        return -1;
    engine_type_error =
        PyErr_NewExceptionWithDoc("experimaestro.ConfigTypeError",
                                  "A value of the wrong type for its parameter.", bases, NULL);
    Py_DECREF(bases);
    return engine_type_error != NULL
               ? PyModule_AddObjectRef(module, "ConfigTypeError", engine_type_error)
               : -1;
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
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && (add_types(module) < 0 || add_errors(module) < 0 ||
                           PyModule_AddStringConstant(module, "version", xpm_version()) < 0))
        Py_CLEAR(module);
    return module;
}
