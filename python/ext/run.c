/* What runs inside a task's process: classes are found by name, instances are made, and executed
 * by experimaestro.run. Also the locked files of @cache. */
#include "engine.h"

typedef struct callbacks {
    PyObject *resolve, *execute;
    bool quiet; /* errors are told in the answer alone */
} callbacks;

/* ---- Finding classes ---------------------------------------------------------------------------- */

static const xpm_class *resolve(void *user, const char *name, const char *module,
                                const char *qualname, const char *file, xpm_error *err)
{
    const callbacks *calls = user;
    PyObject *class_ = PyObject_CallFunction(calls->resolve, "zzzz", name, module, qualname, file);
    if (class_ == NULL || !Py_IS_TYPE(class_, &Class_Type)) {
        if (class_ != NULL)
            PyErr_Format(PyExc_TypeError, "%s.%s is not a class of configurations", module,
                         qualname);
        Py_XDECREF(class_);
        if (!calls->quiet)
            engine_report(err);
        else
            engine_describe(err);
        PyErr_Clear();
        return NULL;
    }
    const xpm_class *native = ((Class *)class_)->native;
    Py_DECREF(class_); /* its native class keeps it */
    return native;
}

/* ---- Executing ---------------------------------------------------------------------------------- */

static xpm_task *executed; /* the job of this process, while it is executed */

/* An exception that says why the task ends, without being an error of its own. */
static bool is_raised(const char *name) /* of experimaestro.ending, if that was imported */
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "experimaestro.ending");
    PyObject *class_ = module != NULL ? PyObject_GetAttrString(module, name) : NULL;
    PyErr_Clear();
    bool raised = class_ != NULL && PyErr_GivenExceptionMatches(type, class_);
    Py_XDECREF(class_);
    PyErr_Restore(type, value, traceback);
    return raised;
}

static int graceful_timeout(xpm_error *err)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *text = value != NULL ? PyObject_Str(value) : NULL;
    const char *message = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    xpm_fail(err, XPM_E_TIMEOUT, NULL, "%s",
             message != NULL && message[0] != '\0' ? message
                                                   : "it stopped before its time was over");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return 1;
}

/* The exit status that a raised exception stands for; clears it. */
static int exit_status(xpm_error *err)
{
    if (is_raised("GracefulTimeout"))
        return graceful_timeout(err);
    if (!PyErr_ExceptionMatches(PyExc_SystemExit)) {
        bool memory = PyErr_ExceptionMatches(PyExc_MemoryError);
        engine_report(err);
        if (memory && err != NULL)
            err->code = XPM_E_MEMORY;
        return 1;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *code = value != NULL ? PyObject_GetAttrString(value, "code") : NULL;
    int status = 1;
    if (code == Py_None)
        status = 0;
    else if (code != NULL && PyLong_Check(code))
        status = (int)PyLong_AsUnsignedLongMask(code) & 0xff;
    else if (code != NULL)
        PySys_FormatStderr("%S\n", code);
    if (err != NULL) {
        *err = (xpm_error){.code = XPM_E_CALLBACK};
        snprintf(err->message, sizeof err->message, "the task exited with status %d", status);
    }
    PyErr_Clear();
    Py_XDECREF(code);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return status;
}

/* The directory that tasks share whose partial identifiers are equal; None without any. */
static PyObject *main_directory(xpm_task *task)
{
    xpm_error err;
    const xpm_config *config = xpm_task_config(task);
    const Class *class_ = xpm_class_user(xpm_config_class(config));
    if (class_ == NULL || PyList_GET_SIZE(class_->partials) == 0)
        Py_RETURN_NONE;
    const char *name = PyUnicode_AsUTF8(PyList_GET_ITEM(class_->partials, 0));
    const xpm_partial *partial = xpm_class_partial(class_->native, name);
    char *path =
        xpm_partial_directory(xpm_task_workspace(task), xpm_task_config(task), partial, &err);
    if (path == NULL)
        return engine_error(&err);
    PyObject *text = PyUnicode_DecodeFSDefault(path);
    xpm_free(path);
    return text;
}

static int execute(void *user, xpm_task *task, xpm_error *err)
{
    const callbacks *calls = user;
    PyObject *result = NULL, *config = NULL, *tags = NULL, *main = NULL;
    config = engine_wrap(xpm_task_config(task));
    tags = config != NULL ? engine_raise(xpm_task_tags(task), NULL) : NULL;
    main = tags != NULL ? main_directory(task) : NULL;
    executed = task;
    if (main != NULL)
        result = PyObject_CallFunction(calls->execute, "OssOO", config, xpm_task_directory(task),
                                       xpm_task_workspace(task), tags, main);
    executed = NULL;
    int status = result != NULL ? 0 : exit_status(err);
    Py_XDECREF(main);
    Py_XDECREF(tags);
    Py_XDECREF(config);
    Py_XDECREF(result);
    return status;
}

/* ---- Functions ---------------------------------------------------------------------------------- */

static PyObject *run(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *params;
    callbacks calls;
    if (!PyArg_ParseTuple(args, "sOO:run", &params, &calls.resolve, &calls.execute))
        return NULL;
    return PyLong_FromLong(xpm_run(params, resolve, execute, &calls));
}

/* The environment as it is in C: a dict of bytes. */
static PyObject *environment(void)
{
    PyObject *dict = PyDict_New();
    for (char **entry = environ; dict != NULL && *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals == NULL)
            continue;
        PyObject *name = PyBytes_FromStringAndSize(*entry, equals - *entry);
        PyObject *value = PyBytes_FromString(equals + 1);
        if (name == NULL || value == NULL || PyDict_SetItem(dict, name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(name);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *enter_array(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *path;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "O&:enter_array", PyUnicode_FSConverter, &path))
        return NULL;
    char *params = xpm_array_enter(PyBytes_AS_STRING(path), &err);
    Py_DECREF(path);
    if (params == NULL)
        return engine_error(&err);
    PyObject *text = PyUnicode_DecodeFSDefault(params), *variables = environment();
    xpm_free(params);
    if (text != NULL && variables != NULL)
        return Py_BuildValue("NN", text, variables);
    Py_XDECREF(text);
    Py_XDECREF(variables);
    return NULL;
}

static PyObject *load(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *params;
    callbacks calls = {0};
    xpm_error err;
    if (!PyArg_ParseTuple(args, "sO:load", &params, &calls.resolve))
        return NULL;
    xpm_config *native = xpm_params_load(params, resolve, &calls, &err);
    if (native == NULL)
        return engine_error(&err);
    PyObject *config = engine_wrap(native);
    xpm_config_unref(native);
    return config;
}

static PyObject *compare(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *params;
    callbacks calls = {.quiet = true};
    if (!PyArg_ParseTuple(args, "sO:compare", &params, &calls.resolve))
        return NULL;
    char *answer = xpm_params_compare(params, resolve, &calls);
    PyErr_Clear(); /* of a __convert__: the answer tells it */
    PyObject *text = PyUnicode_FromString(answer);
    xpm_free(answer);
    return text;
}

static PyObject *set_running(PyObject *Py_UNUSED(module), PyObject *arg)
{
    int running = PyObject_IsTrue(arg);
    if (running < 0)
        return NULL;
    engine_running = running;
    Py_RETURN_NONE;
}

static void interrupt(int signal_number)
{
    PyErr_SetInterruptEx(signal_number);
}

static PyObject *on_cancel(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    if (executed != NULL)
        xpm_task_on_cancel(executed, interrupt);
    Py_RETURN_NONE;
}

static PyObject *rank(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return PyLong_FromLong(executed != NULL ? xpm_task_rank(executed) : 0);
}

static PyObject *remaining(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    double seconds = executed != NULL ? xpm_task_remaining(executed) : -1;
    return seconds >= 0 ? PyFloat_FromDouble(seconds) : Py_NewRef(Py_None);
}

static PyObject *record(PyObject *Py_UNUSED(module), PyObject *figures)
{
    xpm_value lowered;
    xpm_error err = {0};
    if (engine_lower(figures, "$", NULL, NULL, &lowered) < 0)
        return NULL;
    if (xpm_task_record(executed, lowered, &err) < 0)
        return engine_error(&err);
    Py_RETURN_NONE;
}

static PyObject *progress(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned level;
    double value;
    const char *desc;
    if (!PyArg_ParseTuple(args, "Idz:progress", &level, &value, &desc))
        return NULL;
    if (executed != NULL)
        xpm_task_progress(executed, level, value, desc);
    Py_RETURN_NONE;
}

static int lower_arguments(PyObject *arguments, PyObject *named, xpm_value *list, xpm_value *dict)
{
    if (engine_lower(arguments, "$", NULL, NULL, list) < 0)
        return -1;
    return engine_lower(named, "$", NULL, NULL, dict);
}

typedef struct search {
    const char *hex;
    xpm_config *found;
} search;

static bool has_identifier(void *user, xpm_config *config)
{
    search *s = user;
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    char hex[XPM_HEX_SIZE];
    if (s->found != NULL || xpm_config_identifier(config, identifier, NULL) < 0)
        return false;
    xpm_identifier_hex(identifier, hex);
    if (strcmp(hex, s->hex) == 0)
        s->found = config;
    return s->found == NULL;
}

/* Announces what a method makes of the configuration of an identifier, which the task holds. */
static int announce(const char *hex, const char *method, const xpm_value *list,
                    const xpm_value *dict)
{
    search s = {.hex = hex};
    xpm_error err;
    xpm_config_visit(xpm_task_config(executed), has_identifier, &s);
    if (s.found == NULL) {
        PyErr_Format(PyExc_ValueError,
                     "%s is a method of a configuration that the task does not hold: an output is "
                     "made of the task, or of what it has among its parameters",
                     method);
        return -1;
    }
    if (xpm_task_register_output(executed, s.found, method, list, dict, &err) == 0)
        return 0;
    engine_error(&err);
    return -1;
}

static PyObject *register_output(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *hex, *method;
    PyObject *arguments, *named;
    xpm_value list = {0}, dict = {0};
    if (!PyArg_ParseTuple(args, "ssO!O!:register_output", &hex, &method, &PyList_Type, &arguments,
                          &PyDict_Type, &named))
        return NULL;
    int status = lower_arguments(arguments, named, &list, &dict);
    if (status == 0 && executed != NULL)
        status = announce(hex, method, &list, &dict);
    xpm_value_clear(&list);
    xpm_value_clear(&dict);
    return status == 0 ? Py_NewRef(Py_None) : NULL;
}

static PyObject *cache_lock(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *workspace, *type, *identifier, *file;
    char *path = NULL;
    int handle;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "ssss:cache_lock", &workspace, &type, &identifier, &file))
        return NULL;
    Py_BEGIN_ALLOW_THREADS;
    handle = xpm_cache_lock(workspace, type, identifier, file, &path, &err);
    Py_END_ALLOW_THREADS;
    if (handle < 0)
        return engine_error(&err);
    PyObject *both = Py_BuildValue("is", handle, path);
    xpm_free(path);
    if (both == NULL)
        xpm_cache_unlock(handle);
    return both;
}

static PyObject *cache_unlock(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long handle = PyLong_AsLong(arg);
    if (handle == -1 && PyErr_Occurred())
        return NULL;
    xpm_cache_unlock((int)handle);
    Py_RETURN_NONE;
}

PyMethodDef engine_run_methods[] = {
    {"run", run, METH_VARARGS, "run(params, resolve, execute): runs a job; its exit status"},
    {"enter_array", enter_array, METH_VARARGS,
     "enter_array(list): the params.json of the part of a batch of Slurm that this process is, "
     "whose "
     "streams and environment it has from now on; and that environment"},
    {"load", load, METH_VARARGS, "load(params, resolve): the task that a params.json describes"},
    {"compare", compare, METH_VARARGS,
     "compare(params, resolve): what today's classes make of an old params.json, as JSON"},
    {"set_running", set_running, METH_O, "Says whether code runs inside a task"},
    {"on_cancel", on_cancel, METH_NOARGS,
     "From now on, a signal that tells the job of this process to end is Python's to handle"},
    {"rank", rank, METH_NOARGS,
     "Which of the processes that run the job together this is; 0 for the first"},
    {"remaining", remaining, METH_NOARGS,
     "Seconds until the time limit of the job of this process; None without one"},
    {"record", record, METH_O,
     "record(figures): records a dict of scalars of the job of this process"},
    {"progress", progress, METH_VARARGS,
     "progress(level, value, desc): says how far the job of this process is, if there is one"},
    {"register_output", register_output, METH_VARARGS,
     "register_output(identifier, method, args, kwargs): announces an output of this process's "
     "job"},
    {"cache_lock", cache_lock, METH_VARARGS,
     "cache_lock(workspace, type, identifier, file): a handle and the file's path"},
    {"cache_unlock", cache_unlock, METH_O, "cache_unlock(handle)"},
    {0},
};
