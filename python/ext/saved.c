/* Saving and loading of values that hold configurations: experimaestro.serialization stands on it. */
#include "engine.h"

/* ---- Saving ------------------------------------------------------------------------------------- */

static int found(void *Py_UNUSED(user), Config *config)
{
    return xpm_config_sealed(config->native) ? 0 : engine_pass(config, false, NULL);
}

/* An xpm_data_saver: asks `user`, called with the configuration and where it is. */
static int ask_data(void *user, xpm_config *native, const char *where, xpm_value *paths,
                    xpm_error *err)
{
    PyObject *config = engine_wrap(native);
    PyObject *answer = config != NULL ? PyObject_CallFunction(user, "Os", config, where) : NULL;
    Py_XDECREF(config);
    xpm_value_clear(paths);
    int status = answer != NULL ? engine_lower(answer, "$", NULL, NULL, paths) : -1;
    Py_XDECREF(answer);
    if (status < 0 && err != NULL) /* the exception stays raised, and is the one that is seen */
        *err = (xpm_error){.code = XPM_E_CALLBACK, .message = "the data cannot be saved"};
    return status;
}

static PyObject *save_text(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *value, *asked;
    const char *directory;
    xpm_value lowered;
    xpm_error err = {0};
    if (!PyArg_ParseTuple(args, "OzO:save_text", &value, &directory, &asked) ||
        engine_lower(value, "$", found, NULL, &lowered) < 0)
        return NULL;
    xpm_save_options options = {.data = ask_data, .user = asked};
    char *text = xpm_save_text(&lowered, directory, &options, &err);
    xpm_value_clear(&lowered);
    if (text == NULL)
        return engine_error(&err);
    PyObject *result = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
    xpm_free(text);
    return result;
}

static PyObject *save(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *value, *asked;
    const char *directory;
    xpm_value lowered;
    xpm_error err = {0};
    xpm_save_options options = {.data = ask_data};
    if (!PyArg_ParseTuple(args, "OszO:save", &value, &directory, &options.file, &asked) ||
        engine_lower(value, "$", found, NULL, &lowered) < 0)
        return NULL;
    options.user = asked;
    int status = xpm_save(&lowered, directory, &options, &err);
    xpm_value_clear(&lowered);
    return status == 0 ? Py_NewRef(Py_None) : engine_error(&err);
}

static PyObject *save_data(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *source, *directory, *name;
    xpm_error err;
    int status;
    if (!PyArg_ParseTuple(args, "sss:save_data", &source, &directory, &name))
        return NULL;
    Py_BEGIN_ALLOW_THREADS;
    status = xpm_save_data(source, directory, name, &err);
    Py_END_ALLOW_THREADS;
    return status == 0 ? Py_NewRef(Py_None) : engine_error(&err);
}

static PyObject *data_of(PyObject *Py_UNUSED(module), PyObject *arg)
{
    PyObject *names = PyList_New(0);
    const xpm_class *class_ = ((Config *)arg)->class_->native;
    for (size_t i = 0; names != NULL && i < xpm_class_count(class_); i++) {
        const xpm_parameter *parameter = xpm_class_parameter(class_, i);
        if ((parameter->flags & XPM_DATA) == 0)
            continue;
        PyObject *name = PyUnicode_FromString(parameter->name);
        if (name == NULL || PyList_Append(names, name) < 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

/* ---- Loading ------------------------------------------------------------------------------------ */

/* An xpm_resolver: what it raises stays raised. */
static const xpm_class *resolve(void *user, const char *name, const char *module,
                                const char *qualname, const char *file, xpm_error *err)
{
    PyObject *class_ = PyObject_CallFunction(user, "zzzz", name, module, qualname, file);
    const xpm_class *native = class_ != NULL ? ((Class *)class_)->native : NULL;
    Py_XDECREF(class_); /* its native class keeps it */
    if (native == NULL && err != NULL)
        *err = (xpm_error){.code = XPM_E_CALLBACK, .message = "a class cannot be imported"};
    return native;
}

static PyObject *raise_loaded(int status, xpm_value *value, const xpm_error *err)
{
    if (status < 0)
        return engine_error(err);
    PyObject *raised = engine_raise(value, NULL);
    xpm_value_clear(value);
    return raised;
}

static PyObject *load_saved(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *directory;
    int partial, anew;
    PyObject *resolver;
    xpm_load_options options = {.resolve = resolve};
    xpm_value value;
    xpm_error err = {0};
    if (!PyArg_ParseTuple(args, "szOpp:load_saved", &directory, &options.file, &resolver, &partial,
                          &anew))
        return NULL;
    options.user = resolver;
    options.partial = partial;
    options.anew = anew;
    int status = xpm_load(directory, &options, &value, &err);
    return raise_loaded(status, &value, &err);
}

static PyObject *load_text(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *text, *directory, *name;
    Py_ssize_t size;
    int partial, anew;
    PyObject *resolver;
    xpm_value value;
    xpm_error err = {0};
    if (!PyArg_ParseTuple(args, "s#zsOpp:load_text", &text, &size, &directory, &name, &resolver,
                          &partial, &anew))
        return NULL;
    xpm_load_options options = {
        .resolve = resolve, .user = resolver, .partial = partial, .anew = anew};
    int status = xpm_load_text(text, (size_t)size, directory, name, &options, &value, &err);
    return raise_loaded(status, &value, &err);
}

static PyObject *load_task(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *directory;
    int partial, anew;
    PyObject *resolver;
    xpm_error err = {0};
    if (!PyArg_ParseTuple(args, "sOpp:load_task", &directory, &resolver, &partial, &anew))
        return NULL;
    xpm_load_options options = {
        .resolve = resolve, .user = resolver, .partial = partial, .anew = anew};
    xpm_config *native = xpm_load_task(directory, &options, &err);
    if (native == NULL)
        return engine_error(&err);
    PyObject *config = engine_wrap(native);
    xpm_config_unref(native);
    return config;
}

static PyObject *load_objects(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *file;
    PyObject *resolver;
    xpm_value value;
    xpm_error err = {0};
    if (!PyArg_ParseTuple(args, "sO:load_objects", &file, &resolver))
        return NULL;
    xpm_load_options options = {.resolve = resolve, .user = resolver};
    int status = xpm_load_objects(file, &options, &value, &err);
    return raise_loaded(status, &value, &err);
}

static PyObject *task_stub(PyObject *Py_UNUSED(module), PyObject *arg)
{
    const xpm_config *native = ((Config *)arg)->native;
    const char *type = xpm_config_task_type(native);
    if (type == NULL)
        Py_RETURN_NONE;
    return Py_BuildValue("ss", type, xpm_config_task_identifier(native));
}

PyMethodDef engine_saved_methods[] = {
    {"save_text", save_text, METH_VARARGS,
     "save_text(value, directory, data): the document; data(config, where) says where its data is"},
    {"save", save, METH_VARARGS, "save(value, directory, file, data)"},
    {"save_data", save_data, METH_VARARGS, "save_data(source, directory, name): copies it"},
    {"data_of", data_of, METH_O, "The names of a configuration's data paths"},
    {"load_saved", load_saved, METH_VARARGS, "load_saved(directory, file, resolve, partial, anew)"},
    {"load_text", load_text, METH_VARARGS,
     "load_text(text, directory, name, resolve, partial, anew)"},
    {"load_task", load_task, METH_VARARGS, "load_task(directory, resolve, partial, anew)"},
    {"load_objects", load_objects, METH_VARARGS,
     "load_objects(file, resolve): a run's configurations, by identifier"},
    {"task_stub", task_stub, METH_O,
     "The type and identifier of the task that made a configuration and was not loaded, or None"},
    {0},
};
