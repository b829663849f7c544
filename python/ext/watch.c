/* Reading a workspace. */
#include "engine.h"

static PyObject *view(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *workspace, *experiment;
    xpm_error err;
    char *json;
    if (!PyArg_ParseTuple(args, "sz:view", &workspace, &experiment))
        return NULL;
    Py_BEGIN_ALLOW_THREADS;
    json = xpm_jobs_json(workspace, experiment, &err);
    Py_END_ALLOW_THREADS;
    if (json == NULL)
        return engine_error(&err);
    PyObject *text = PyUnicode_FromString(json);
    xpm_free(json);
    return text;
}

PyMethodDef engine_watch_methods[] = {
    {"view", view, METH_VARARGS,
     "view(workspace, experiment): the jobs of an experiment, or of all (None), as JSON"},
    {0},
};
