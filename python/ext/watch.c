/* Reading a workspace; and what is captured of an environment. */
#include "engine.h"

#include <string.h>

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

static PyObject *card(PyObject *Py_UNUSED(module), PyObject *arg)
{
    const char *directory = PyUnicode_AsUTF8(arg);
    if (directory == NULL)
        return NULL;
    char *text = xpm_job_card(directory);
    PyObject *card = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    xpm_free(text);
    return card;
}

static PyObject *cards(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *tuple, *cards = NULL;
    Py_ssize_t dependent;
    if (!PyArg_ParseTuple(args, "O!n:cards", &PyTuple_Type, &tuple, &dependent))
        return NULL;
    const char **directories = engine_texts(tuple);
    if (directories == NULL)
        return NULL;
    size_t count = (size_t)PyTuple_GET_SIZE(tuple);
    char *text = xpm_job_cards(directories, count, (size_t)dependent);
    cards = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    xpm_free(text);
    PyMem_Free((void *)directories);
    return cards;
}

static PyObject *capture(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *run, *known, *more;
    PyObject *tuple;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "ssO!s:capture", &run, &known, &PyTuple_Type, &tuple, &more))
        return NULL;
    const char **projects = engine_texts(tuple);
    if (projects == NULL)
        return NULL;
    int status = xpm_environment_capture(run, known, projects, more, &err);
    PyMem_Free((void *)projects);
    return status == 0 ? Py_NewRef(Py_None) : engine_error(&err);
}

PyMethodDef engine_watch_methods[] = {
    {"view", view, METH_VARARGS,
     "view(workspace, experiment): the jobs of an experiment, or of all (None), as JSON"},
    {"card", card, METH_O, "card(directory): what is known of a job that failed"},
    {"cards", cards, METH_VARARGS,
     "cards(directories, dependent): the same of several, and how many depend on them"},
    {"capture", capture, METH_VARARGS,
     "capture(run, known, projects, more): writes environment.json in a run's folder"},
    {0},
};
