/* A run of an experiment. What waits lets other threads run, and ends when a signal comes, so that
 * Ctrl-C works. */
#include "engine.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* What an experiment is opened with. */
typedef struct opening {
    PyObject *waiting; /* called with who holds its lock */
    engine_alarm alarm;
} opening;

/* What it raises stays raised: is_interrupted sees it. */
static void tell_waiting(void *user, const char *holder)
{
    const opening *o = user;
    PyGILState_STATE state = PyGILState_Ensure();
    Py_XDECREF(PyObject_CallFunction(o->waiting, "s", holder));
    PyGILState_Release(state);
}

/* Python's handlers run, and what they raise is raised when the engine has given up. */
static bool is_interrupted(void *user)
{
    const opening *o = user;
    PyGILState_STATE state = PyGILState_Ensure();
    (void)engine_alarm_take(&o->alarm);
    bool interrupted = PyErr_Occurred() != NULL || PyErr_CheckSignals() < 0;
    PyGILState_Release(state);
    return interrupted;
}

static int open_native(Experiment *self, const char *workspace, const char *name,
                       xpm_experiment_options *options, PyObject *waiting)
{
    opening o = {.waiting = waiting};
    xpm_error err;
    if (engine_alarm_begin(&o.alarm) < 0)
        return -1;
    options->waiting = tell_waiting;
    options->interrupted = is_interrupted;
    options->warn = engine_warn;
    options->signals = o.alarm.pipe[0];
    options->user = &o;
    Py_BEGIN_ALLOW_THREADS;
    self->native = xpm_experiment_open(workspace, name, options, &err);
    Py_END_ALLOW_THREADS;
    if (self->native == NULL)
        engine_error(&err);
    engine_alarm_end(&o.alarm);
    return self->native != NULL ? 0 : -1;
}

static PyObject *experiment_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    const char *workspace, *name;
    int mode, dirty = XPM_DIRTY_IGNORE, status = -1;
    PyObject *waiting, *projects = Py_None, *capture = Py_None;
    xpm_experiment_options options = {0};
    if (!PyArg_ParseTuple(args, "ssiizzO|iiiiOO:Experiment", &workspace, &name, &mode,
                          &options.slots, &options.program, &options.python, &waiting,
                          &options.max_retries, &dirty, &options.history_max_done,
                          &options.history_max_failed, &projects, &capture))
        return NULL;
    Experiment *self = (Experiment *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->arguments = Py_NewRef(args);
    self->left = -1;
    self->closing = eventfd(0, EFD_CLOEXEC);
    if (self->closing < 0) {
        Py_DECREF(self);
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    options.mode = (xpm_run_mode)mode;
    options.dirty_git = (xpm_dirty_git)dirty;
    options.projects = projects != Py_None ? engine_texts(projects) : NULL;
    options.capture = capture != Py_None ? engine_texts(capture) : NULL;
    if (!PyErr_Occurred())
        status = open_native(self, workspace, name, &options, waiting);
    PyMem_Free((void *)options.projects);
    PyMem_Free((void *)options.capture);
    if (status == 0)
        return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static int experiment_traverse(Experiment *self, visitproc visit, void *arg)
{
    Py_VISIT(self->arguments);
    return 0;
}

/* Wakes the threads that wait in the library, and waits until they have left it. */
static void empty_native(Experiment *self, xpm_experiment *native)
{
    static const uint64_t once = 1;
    uint64_t count;
    xpm_experiment_unlisten(native);
    self->left = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
    for (size_t left = self->inside; left > 0 && self->left >= 0; left--) {
        Py_BEGIN_ALLOW_THREADS;
        if (write(self->closing, &once, sizeof once) > 0)
            (void)!read(self->left, &count, sizeof count);
        Py_END_ALLOW_THREADS;
    }
    if (self->left >= 0)
        close(self->left);
    self->left = -1;
}

static int close_native(Experiment *self, bool failed, xpm_error *err)
{
    int status;
    xpm_experiment *native = self->native;
    self->native = NULL;
    empty_native(self, native);
    Py_BEGIN_ALLOW_THREADS;
    status = xpm_experiment_close(native, failed, err);
    Py_END_ALLOW_THREADS;
    return status;
}

static void experiment_dealloc(Experiment *self)
{
    PyObject_GC_UnTrack(self);
    if (self->native != NULL)
        close_native(self, true, NULL);
    xpm_notice_clear(&self->notice);
    if (self->closing >= 0)
        close(self->closing);
    Py_XDECREF(self->arguments);
    Py_TYPE(self)->tp_free(self);
}

/* ---- Methods ------------------------------------------------------------------------------------- */

static bool is_open(const Experiment *self)
{
    if (self->native == NULL)
        PyErr_SetString(PyExc_RuntimeError, "the experiment is closed");
    return self->native != NULL;
}

static PyObject *experiment_setenv(Experiment *self, PyObject *args)
{
    const char *name, *value;
    if (!PyArg_ParseTuple(args, "ss:setenv", &name, &value) || !engine_is_variable(name) ||
        !is_open(self))
        return NULL;
    xpm_experiment_setenv(self->native, name, value);
    Py_RETURN_NONE;
}

typedef struct wait_call {
    xpm_experiment *native;
    double seconds;
    size_t left;
} wait_call;

static void wait_for_jobs(void *user, int fd)
{
    wait_call *call = user;
    call->left = xpm_experiment_wait_or(call->native, call->seconds, fd);
}

static void wait_for_running(void *user, int fd)
{
    wait_call *call = user;
    call->left = xpm_experiment_drain_or(call->native, call->seconds, fd);
}

static void wait_for_queues(void *user, int fd)
{
    wait_call *call = user;
    call->left = xpm_experiment_hand_over_or(call->native, call->seconds, fd);
}

/* After a signal whose handler raised nothing it waits again, from the start. */
static PyObject *wait_in(Experiment *self, PyObject *args, engine_waits waits)
{
    wait_call call = {.seconds = -1};
    int again = 1;
    if (!PyArg_ParseTuple(args, "|d", &call.seconds))
        return NULL;
    while (again > 0) {
        if (!is_open(self))
            return NULL;
        call.native = self->native;
        again = engine_wait(self, waits, &call);
        if (call.left == 0)
            break;
    }
    return again < 0 ? NULL : PyLong_FromSize_t(call.left);
}

static PyObject *experiment_wait(Experiment *self, PyObject *args)
{
    return wait_in(self, args, wait_for_jobs);
}

static PyObject *experiment_hand_over(Experiment *self, PyObject *args)
{
    return wait_in(self, args, wait_for_queues);
}

static PyObject *experiment_drain(Experiment *self, PyObject *args)
{
    return wait_in(self, args, wait_for_running);
}

/* ---- Notices ------------------------------------------------------------------------------------- */

static PyObject *experiment_listen(Experiment *self, PyObject *Py_UNUSED(args))
{
    if (!is_open(self))
        return NULL;
    xpm_experiment_listen(self->native);
    Py_RETURN_NONE;
}

static PyObject *experiment_unlisten(Experiment *self, PyObject *Py_UNUSED(args))
{
    if (self->native != NULL)
        xpm_experiment_unlisten(self->native);
    Py_RETURN_NONE;
}

typedef struct next_call {
    xpm_experiment *native;
    xpm_notice *notice;
    bool found;
} next_call;

static void wait_for_notice(void *user, int Py_UNUSED(fd))
{
    next_call *call = user;
    call->found = xpm_experiment_next(call->native, call->notice);
}

static PyObject *output_tuple(const xpm_notice *notice)
{
    PyObject *arguments = engine_raise(&notice->arguments, NULL);
    PyObject *named = arguments != NULL ? engine_raise(&notice->named, NULL) : NULL;
    if (named == NULL) {
        Py_XDECREF(arguments);
        return NULL;
    }
    return Py_BuildValue("ssIssNN", "output", xpm_job_identifier(notice->job), notice->watch,
                         notice->config, notice->method, arguments, named);
}

/* The one given before was dealt with. */
static PyObject *experiment_next(Experiment *self, PyObject *Py_UNUSED(args))
{
    next_call call = {.native = self->native, .notice = &self->notice};
    xpm_notice_clear(&self->notice);
    if (self->native == NULL)
        Py_RETURN_NONE;
    if (engine_wait(self, wait_for_notice, &call) < 0)
        return NULL;
    if (!call.found)
        Py_RETURN_NONE;
    const char *identifier = xpm_job_identifier(self->notice.job);
    if (self->notice.kind == XPM_NOTICE_OUTPUT)
        return output_tuple(&self->notice);
    if (self->notice.kind == XPM_NOTICE_SUBMITTED)
        return Py_BuildValue("ss", "submitted", identifier);
    return Py_BuildValue("sss", "state", identifier, xpm_job_state_text(self->notice.state));
}

/* ---- Ending -------------------------------------------------------------------------------------- */

static PyObject *experiment_stop(Experiment *self, PyObject *Py_UNUSED(args))
{
    if (self->native == NULL)
        Py_RETURN_NONE;
    Py_BEGIN_ALLOW_THREADS; /* a job that is being started may have something to tell */
    xpm_experiment_stop(self->native);
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

static PyObject *experiment_detach(Experiment *self, PyObject *Py_UNUSED(args))
{
    if (self->native == NULL)
        Py_RETURN_NONE;
    Py_BEGIN_ALLOW_THREADS; /* as in stop */
    xpm_experiment_detach(self->native);
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

static PyObject *experiment_cancel(Experiment *self, PyObject *Py_UNUSED(args))
{
    size_t running = 0;
    if (self->native != NULL) {
        Py_BEGIN_ALLOW_THREADS;
        running = xpm_experiment_cancel(self->native);
        Py_END_ALLOW_THREADS;
    }
    return PyLong_FromSize_t(running);
}

static PyObject *experiment_close(Experiment *self, PyObject *args)
{
    int failed = 0;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "|p:close", &failed))
        return NULL;
    if (self->native != NULL && close_native(self, failed, &err) < 0)
        return engine_error(&err);
    Py_RETURN_NONE;
}

/* In a child that was forked: the threads of the experiment are its parent's, and whoever waits for them
 * waits for ever. Nothing is freed, as a lock may be held by one of them. */
static PyObject *experiment_abandon(Experiment *self, PyObject *Py_UNUSED(args))
{
    self->native = NULL;
    self->notice = (xpm_notice){0};
    Py_RETURN_NONE;
}

static PyObject *experiment_add_action(Experiment *self, PyObject *args)
{
    Config *action;
    const char *description;
    char hex[XPM_HEX_SIZE];
    xpm_error err;
    if (!PyArg_ParseTuple(args, "O!s:add_action", &Config_Type, &action, &description) ||
        !is_open(self) || engine_pass(action, true, NULL) < 0)
        return NULL;
    if (xpm_experiment_add_action(self->native, action->native, description, hex, &err) < 0)
        return engine_error(&err);
    return PyUnicode_FromString(hex);
}

static PyObject *experiment_counts(Experiment *self, PyObject *Py_UNUSED(args))
{
    if (!is_open(self))
        return NULL;
    xpm_counts counts = xpm_experiment_counts(self->native);
    return Py_BuildValue("{snsnsnsnsnsnsn}", "transient", (Py_ssize_t)counts.transient, "submitted",
                         (Py_ssize_t)counts.submitted, "waiting", (Py_ssize_t)counts.waiting,
                         "running", (Py_ssize_t)counts.running, "done", (Py_ssize_t)counts.done,
                         "failed", (Py_ssize_t)counts.failed, "started",
                         (Py_ssize_t)counts.started);
}

static PyObject *experiment_text(Experiment *self, void *closure)
{
    const char *(*get)(const xpm_experiment *) = NULL;
    memcpy(&get, closure, sizeof get);
    return is_open(self) ? Py_BuildValue("z", get(self->native)) : NULL;
}

static const char *(*const get_workspace)(const xpm_experiment *) = xpm_experiment_workspace;
static const char *(*const get_run)(const xpm_experiment *) = xpm_experiment_run;
static const char *(*const get_directory)(const xpm_experiment *) = xpm_experiment_run_directory;

static PyMethodDef experiment_methods[] = {
    {"setenv", (PyCFunction)experiment_setenv, METH_VARARGS,
     "setenv(name, value): adds to the environment of the jobs submitted later"},
    {"wait", (PyCFunction)experiment_wait, METH_VARARGS,
     "wait(seconds=-1): waits for all jobs; returns how many have not ended"},
    {"listen", (PyCFunction)experiment_listen, METH_NOARGS, "Keeps notices from now on"},
    {"unlisten", (PyCFunction)experiment_unlisten, METH_NOARGS, "Keeps no further one"},
    {"next", (PyCFunction)experiment_next, METH_NOARGS,
     "Waits for the next notice, a tuple, in a thread of its own; None when there will be none. "
     "The "
     "one before was dealt with."},
    {"stop", (PyCFunction)experiment_stop, METH_NOARGS,
     "Starts no further job; those that run go on"},
    {"detach", (PyCFunction)experiment_detach, METH_NOARGS,
     "As stop, and the run's end is recorded as detached"},
    {"cancel", (PyCFunction)experiment_cancel, METH_NOARGS,
     "The same, and tells those to end; how many there are"},
    {"hand_over", (PyCFunction)experiment_hand_over, METH_VARARGS,
     "hand_over(seconds=-1): waits until Slurm has all jobs; returns how many need this process"},
    {"drain", (PyCFunction)experiment_drain, METH_VARARGS,
     "drain(seconds=-1): waits until no job runs; how many do"},
    {"close", (PyCFunction)experiment_close, METH_VARARGS, "close(failed=False)"},
    {"abandon", (PyCFunction)experiment_abandon, METH_NOARGS,
     "Forgets the run, in a child that was forked: it is the parent's"},
    {"add_action", (PyCFunction)experiment_add_action, METH_VARARGS,
     "add_action(action, description): its identifier"},
    {"counts", (PyCFunction)experiment_counts, METH_NOARGS, "Counts of the run's jobs"},
    {0},
};

static PyGetSetDef experiment_getset[] = {
    {"workspace", (getter)experiment_text, NULL, NULL, (void *)&get_workspace},
    {"run", (getter)experiment_text, NULL, NULL, (void *)&get_run},
    {"directory", (getter)experiment_text, NULL, NULL, (void *)&get_directory},
    {0},
};

PyTypeObject Experiment_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Experiment",
    .tp_doc = "Experiment(workspace, name, mode, slots, program, python, waiting, max_retries=0)",
    .tp_basicsize = sizeof(Experiment),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = experiment_new,
    .tp_traverse = (traverseproc)experiment_traverse,
    .tp_dealloc = (destructor)experiment_dealloc,
    .tp_methods = experiment_methods,
    .tp_getset = experiment_getset,
};
