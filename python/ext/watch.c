/* Reading a workspace; and what is captured of an environment. */
#include "engine.h"

#include <string.h>

static PyObject *view(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *workspace, *experiment, *names;
    unsigned states = XPM_ALL_STATES;
    xpm_error err;
    char *json;
    if (!PyArg_ParseTuple(args, "szz:view", &workspace, &experiment, &names))
        return NULL;
    if (names != NULL && xpm_states_parse(names, &states, &err) < 0)
        return engine_error(&err);
    Py_BEGIN_ALLOW_THREADS;
    json = xpm_jobs_json(workspace, experiment, states, &err);
    Py_END_ALLOW_THREADS;
    if (json == NULL)
        return engine_error(&err);
    /* A torn file, or a message that a task gave, may have bytes that are no text. */
    PyObject *text = PyUnicode_DecodeUTF8(json, (Py_ssize_t)strlen(json), "replace");
    xpm_free(json);
    return text;
}

static PyObject *count(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *workspace, *experiment;
    size_t counts[XPM_JOB_STATE_COUNT];
    xpm_error err;
    int status;
    if (!PyArg_ParseTuple(args, "sz:count", &workspace, &experiment))
        return NULL;
    Py_BEGIN_ALLOW_THREADS;
    status = xpm_jobs_count(workspace, experiment, counts, &err);
    Py_END_ALLOW_THREADS;
    if (status < 0)
        return engine_error(&err);
    PyObject *dict = PyDict_New();
    for (int state = 0; dict != NULL && state < XPM_JOB_STATE_COUNT; state++) {
        PyObject *number = PyLong_FromSize_t(counts[state]);
        if (number == NULL ||
            PyDict_SetItemString(dict, xpm_job_state_text((xpm_job_state)state), number) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(number);
    }
    return dict;
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
    {"count", count, METH_VARARGS,
     "count(workspace, experiment): how many jobs are in each state, by its name"},
    {"view", view, METH_VARARGS,
     "view(workspace, experiment, states): the jobs of an experiment, or of all (None), as JSON;\n"
     "in these states (\"done,error\"; None: all)"},
    {"card", card, METH_O, "card(directory): what is known of a job that failed"},
    {"cards", cards, METH_VARARGS,
     "cards(directories, dependent): the same of several, and how many depend on them"},
    {"capture", capture, METH_VARARGS,
     "capture(run, known, projects, more): writes environment.json in a run's folder"},
    {0},
};
