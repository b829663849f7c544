/* The user's settings, and other files of YAML. */
#include "engine.h"

#include <string.h>

/* A text of the library, freed; bytes that are no UTF-8 as os.environ has them. */
static PyObject *take_text(char *text)
{
    PyObject *result = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
    xpm_free(text);
    return result;
}

static PyObject *config_folder(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return take_text(xpm_config_folder());
}

static PyObject *settings(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *file;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "z:settings", &file))
        return NULL;
    xpm_settings *loaded = xpm_settings_load(file, &err);
    if (loaded == NULL)
        return engine_error(&err);
    PyObject *text = take_text(xpm_settings_json(loaded));
    xpm_settings_free(loaded);
    return text;
}

static PyObject *select_workspace(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *file, *id, *folder, *experiment;
    xpm_workspace_settings selected;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "zzzz:select_workspace", &file, &id, &folder, &experiment))
        return NULL;
    xpm_settings *loaded = xpm_settings_load(file, &err);
    if (loaded == NULL)
        return engine_error(&err);
    PyObject *found = NULL;
    char *text = NULL;
    if (xpm_settings_select(loaded, id, folder, experiment, &selected, &err) < 0)
        engine_error(&err);
    else
        found = Py_BuildValue("sss", selected.id, selected.path, text = xpm_settings_json(loaded));
    xpm_free(text);
    xpm_settings_free(loaded);
    return found;
}

static PyObject *yaml(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *file;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "s:yaml", &file))
        return NULL;
    char *json = xpm_yaml_json(file, &err);
    return json != NULL ? take_text(json) : engine_error(&err);
}

PyMethodDef engine_settings_methods[] = {
    {"config_folder", config_folder, METH_NOARGS,
     "config_folder(): the folder of the user's files"},
    {"settings", settings, METH_VARARGS,
     "settings(file): what a file of settings says, checked, as JSON; None: the user's"},
    {"select_workspace", select_workspace, METH_VARARGS,
     "select_workspace(file, id, folder, experiment): the id (\"\" for none) and the path of the\n"
     "workspace that the settings have for them, and the settings, as JSON; each may be None"},
    {"yaml", yaml, METH_VARARGS, "yaml(file): what a file of YAML 1.1 holds, as JSON"},
    {0},
};
