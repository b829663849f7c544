/* Why jobs are where they are, or would run. */
#include "engine.h"

/* Takes the text. */
static PyObject *text_of(char *text)
{
    PyObject *result = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    xpm_free(text);
    return result;
}

static PyObject *explain(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *workspace, *job;
    xpm_error err;
    char *text;
    if (!PyArg_ParseTuple(args, "ss:explain", &workspace, &job))
        return NULL;
    Py_BEGIN_ALLOW_THREADS;
    text = xpm_explain(workspace, job, &err);
    Py_END_ALLOW_THREADS;
    return text != NULL ? text_of(text) : engine_error(&err);
}

/* The GIL is kept: the experiment cannot be closed meanwhile. */
static PyObject *explain_job(PyObject *Py_UNUSED(module), PyObject *job)
{
    if (!PyObject_TypeCheck(job, &Job_Type))
        return PyErr_BadArgument(), NULL;
    return text_of(xpm_job_explain(((Job *)job)->native));
}

static PyObject *explain_experiment(PyObject *Py_UNUSED(module), PyObject *experiment)
{
    if (!PyObject_TypeCheck(experiment, &Experiment_Type))
        return PyErr_BadArgument(), NULL;
    if (((Experiment *)experiment)->native == NULL)
        return PyErr_SetString(PyExc_RuntimeError,
                               "the experiment is closed: its plan is explained inside the block"),
               NULL;
    return text_of(xpm_experiment_explain(((Experiment *)experiment)->native));
}

PyMethodDef engine_explain_methods[] = {
    {"explain", explain, METH_VARARGS, "explain(workspace, job): why the job is where it is"},
    {"explain_job", explain_job, METH_O, "explain_job(job): why it is where it is, or would run"},
    {"explain_experiment", explain_experiment, METH_O,
     "explain_experiment(experiment): why its jobs would run, with counts"},
    {0},
};
