/* The job of a task: making it validates and seals the configuration. experimaestro.job derives
 * from it what users see. */
#include "engine.h"

static PyObject *job_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *experiment;
    Config *task;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "O!O!:Job", &Experiment_Type, &experiment, &Config_Type, &task) ||
        engine_pass(task, true, NULL) < 0)
        return NULL;
    if (((Experiment *)experiment)->native == NULL)
        return PyErr_SetString(PyExc_RuntimeError, "the experiment is closed"), NULL;
    Job *self = (Job *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->experiment = Py_NewRef(experiment);
    self->native = xpm_job_new(((Experiment *)experiment)->native, task->native, &err);
    if (self->native != NULL)
        return (PyObject *)self;
    Py_DECREF(self);
    return engine_error(&err);
}

static int job_traverse(Job *self, visitproc visit, void *arg)
{
    Py_VISIT(self->experiment);
    return 0;
}

static int job_clear(Job *self)
{
    Py_CLEAR(self->experiment);
    return 0;
}

static void job_dealloc(Job *self)
{
    PyObject_GC_UnTrack(self);
    xpm_job_unref(self->native);
    Py_XDECREF(self->experiment);
    Py_TYPE(self)->tp_free(self);
}

/* ---- Methods ------------------------------------------------------------------------------------- */

static PyObject *job_submit(Job *self, PyObject *Py_UNUSED(args))
{
    int status;
    xpm_error err;
    Py_BEGIN_ALLOW_THREADS;
    status = xpm_job_submit(self->native, &err);
    Py_END_ALLOW_THREADS;
    return status == 0 ? Py_NewRef(Py_None) : engine_error(&err);
}

static PyObject *job_setenv(Job *self, PyObject *args)
{
    const char *name, *value;
    if (!PyArg_ParseTuple(args, "ss:setenv", &name, &value) || !engine_is_variable(name))
        return NULL;
    xpm_job_setenv(self->native, name, value);
    Py_RETURN_NONE;
}

static PyObject *job_getenv(Job *self, PyObject *arg)
{
    const char *name = PyUnicode_AsUTF8(arg);
    return name != NULL ? Py_BuildValue("z", xpm_job_getenv(self->native, name)) : NULL;
}

static PyObject *job_variables(Job *self, PyObject *Py_UNUSED(none))
{
    PyObject *names = PyDict_New();
    const char *entry;
    for (size_t i = 0; names != NULL && (entry = xpm_job_variable(self->native, i)) != NULL; i++) {
        PyObject *name = PyUnicode_DecodeFSDefaultAndSize(entry, strchr(entry, '=') - entry);
        if (name == NULL || PyDict_SetItem(names, name, Py_None) < 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static PyObject *job_set_launcher(Job *self, PyObject *arg)
{
    if (!Py_IS_TYPE(arg, &Launcher_Type))
        return PyErr_BadArgument(), NULL;
    xpm_job_set_launcher(self->native, ((Launcher *)arg)->native);
    Py_RETURN_NONE;
}

static PyObject *job_set_limits(Job *self, PyObject *args)
{
    xpm_limits limits;
    long long memory;
    if (!PyArg_ParseTuple(args, "dL:set_limits", &limits.seconds, &memory))
        return NULL;
    limits.memory = memory;
    xpm_job_set_limits(self->native, &limits);
    Py_RETURN_NONE;
}

static PyObject *job_set_retry(Job *self, PyObject *args)
{
    xpm_retry retry;
    if (!PyArg_ParseTuple(args, "Iidd:set_retry", &retry.on, &retry.times, &retry.more_time,
                          &retry.more_memory))
        return NULL;
    xpm_job_set_retry(self->native, &retry);
    Py_RETURN_NONE;
}

static PyObject *job_set_max_retries(Job *self, PyObject *arg)
{
    int overflow;
    long times = PyLong_AsLongAndOverflow(arg, &overflow);
    if (times == -1 && PyErr_Occurred())
        return NULL;
    if (overflow != 0 || times > INT_MAX)
        times = overflow < 0 ? -1 : INT_MAX;
    xpm_job_set_max_retries(self->native, (int)times);
    Py_RETURN_NONE;
}

static PyObject *job_set_transient(Job *self, PyObject *arg)
{
    long mode = PyLong_AsLong(arg);
    if (mode == -1 && PyErr_Occurred())
        return NULL;
    xpm_job_set_transient(self->native, (xpm_transient)mode);
    Py_RETURN_NONE;
}

static PyObject *job_cancel(Job *self, PyObject *Py_UNUSED(args))
{
    return PyBool_FromLong(xpm_job_cancel(self->native));
}

typedef struct wait_call {
    xpm_job *native;
    double seconds;
} wait_call;

static void wait_for_job(void *user, int fd)
{
    const wait_call *call = user;
    xpm_job_wait_or(call->native, call->seconds, fd);
}

/* After a signal whose handler raised nothing it waits again, from the start. */
static PyObject *job_wait(Job *self, PyObject *args)
{
    Experiment *experiment = (Experiment *)self->experiment;
    wait_call call = {.native = self->native, .seconds = -1};
    int again = 1;
    if (!PyArg_ParseTuple(args, "|d:wait", &call.seconds))
        return NULL;
    while (again > 0 && experiment->native != NULL && xpm_job_is_pending(self->native))
        again = engine_wait(experiment, wait_for_job, &call);
    return again < 0 ? NULL : PyLong_FromLong(xpm_job_state_now(self->native));
}

static PyObject *job_withdraw(Job *self, PyObject *arg)
{
    if (!engine_is_config(arg))
        return PyErr_BadArgument(), NULL;
    xpm_job_withdraw(self->native, ((Config *)arg)->native);
    Py_RETURN_NONE;
}

static PyObject *job_hold(Job *self, PyObject *Py_UNUSED(args))
{
    return PyBool_FromLong(xpm_job_hold(self->native));
}

/* The GIL is kept: the experiment cannot be closed meanwhile. */
static PyObject *job_release(Job *self, PyObject *args)
{
    const char *failure = NULL;
    if (!PyArg_ParseTuple(args, "|z:release", &failure))
        return NULL;
    if (((Experiment *)self->experiment)->native != NULL)
        xpm_job_release(self->native, failure);
    Py_RETURN_NONE;
}

static PyObject *job_tell(Job *self, PyObject *Py_UNUSED(args))
{
    if (((Experiment *)self->experiment)->native != NULL)
        xpm_job_tell(self->native);
    Py_RETURN_NONE;
}

static PyObject *job_watch(Job *self, PyObject *Py_UNUSED(args))
{
    xpm_error err;
    if (((Experiment *)self->experiment)->native == NULL)
        return PyErr_SetString(PyExc_RuntimeError, "the experiment is closed"), NULL;
    unsigned number = xpm_job_watch_outputs(self->native, &err);
    return number > 0 ? PyLong_FromUnsignedLong(number) : engine_error(&err);
}

static PyObject *job_experiment(Job *self, void *Py_UNUSED(closure))
{
    return Py_NewRef(self->experiment);
}

static PyObject *job_state(Job *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(xpm_job_state_text(xpm_job_state_now(self->native)));
}

static PyObject *job_is_done(Job *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(xpm_job_is_done(self->native));
}

static PyObject *job_reason(Job *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(xpm_reason_text(xpm_job_reason(self->native)));
}

static PyObject *job_identifier(Job *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(xpm_job_identifier(self->native));
}

static PyObject *job_type(Job *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(xpm_job_type(self->native));
}

static PyObject *job_name(Job *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(xpm_job_name(self->native));
}

static PyObject *job_directory(Job *self, void *Py_UNUSED(closure))
{
    return PyUnicode_DecodeFSDefault(xpm_job_directory(self->native));
}

static PyMethodDef job_methods[] = {
    {"_submit", (PyCFunction)job_submit, METH_NOARGS, "Hands the job to the scheduler"},
    {"_setenv", (PyCFunction)job_setenv, METH_VARARGS, "_setenv(name, value)"},
    {"_getenv", (PyCFunction)job_getenv, METH_O, "_getenv(name): None when not set"},
    {"_variables", (PyCFunction)job_variables, METH_NOARGS, "The names that are set: a dict"},
    {"_set_launcher", (PyCFunction)job_set_launcher, METH_O, "_set_launcher(launcher)"},
    {"_set_limits", (PyCFunction)job_set_limits, METH_VARARGS, "_set_limits(seconds, memory)"},
    {"_set_retry", (PyCFunction)job_set_retry, METH_VARARGS,
     "_set_retry(on, times, more_time, more_memory): `on` has a bit for each reason"},
    {"_set_max_retries", (PyCFunction)job_set_max_retries, METH_O, "_set_max_retries(times)"},
    {"_set_transient", (PyCFunction)job_set_transient, METH_O, "_set_transient(mode)"},
    {"_cancel", (PyCFunction)job_cancel, METH_NOARGS, "Cancels the job; false when it has ended"},
    {"_wait", (PyCFunction)job_wait, METH_VARARGS, "_wait(seconds=-1): until the job has ended"},
    {"_tell", (PyCFunction)job_tell, METH_NOARGS, "Adds a notice of its state"},
    {"_watch", (PyCFunction)job_watch, METH_NOARGS, "Watches its outputs: the watch's number"},
    {"_withdraw", (PyCFunction)job_withdraw, METH_O, "_withdraw(task): it is not submitted"},
    {"_hold", (PyCFunction)job_hold, METH_NOARGS, "Keeps the job from starting"},
    {"_release", (PyCFunction)job_release, METH_VARARGS, "_release(failure=None)"},
    {0},
};

static PyGetSetDef job_getset[] = {
    {"_state", (getter)job_state, NULL, NULL, NULL},
    {"_is_done", (getter)job_is_done, NULL, NULL, NULL},
    {"_reason", (getter)job_reason, NULL, NULL, NULL},
    {"_experiment", (getter)job_experiment, NULL, NULL, NULL},
    {"_directory", (getter)job_directory, NULL, NULL, NULL},
    {"identifier", (getter)job_identifier, NULL, "The identifier: 64 hexadecimal digits", NULL},
    {"type", (getter)job_type, NULL, "The name of the task's class", NULL},
    {"name", (getter)job_name, NULL, "The last component of the type", NULL},
    {0},
};

PyTypeObject Job_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Job",
    .tp_doc = "The job of a task.",
    .tp_basicsize = sizeof(Job),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = job_new,
    .tp_traverse = (traverseproc)job_traverse,
    .tp_clear = (inquiry)job_clear,
    .tp_dealloc = (destructor)job_dealloc,
    .tp_methods = job_methods,
    .tp_getset = job_getset,
};
