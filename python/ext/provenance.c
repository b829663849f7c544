/* Where in the user's code a configuration was made, and its parameters set. What is kept is the
 * code and the offset in it: the line is looked up when somebody asks, or for a message. */
#include "engine.h"

#include <string.h>

/* The folder of the package, whose own frames are not the user's. */
static const char *package_folder(void)
{
    static const char *folder = NULL;
    if (folder == NULL) {
        PyObject *path = engine_import("experimaestro", "__path__");
        PyObject *first = path != NULL ? PySequence_GetItem(path, 0) : NULL;
        folder =
            first != NULL ? PyUnicode_AsUTF8(first) : NULL; /* as long as the package: for ever */
        PyErr_Clear();
        Py_XDECREF(path);
        if (folder == NULL)
            folder = "?";
    }
    return folder;
}

static bool is_inside(PyCodeObject *code)
{
    const char *folder = package_folder();
    size_t size = strlen(folder);
    const char *file = PyUnicode_AsUTF8(code->co_filename);
    if (file == NULL)
        PyErr_Clear();
    return file != NULL && strncmp(file, folder, size) == 0 && file[size] == '/';
}

/* The offset in a frame's code, as PyCode_Addr2Line takes it. */
static int offset_in(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030b0000
    return PyFrame_GetLasti(frame);
#else
    return frame->f_lasti * 2;
#endif
}

void engine_here(Place *place)
{
    PyFrameObject *frame = PyEval_GetFrame(); /* borrowed */
    PyCodeObject *code = frame != NULL ? PyFrame_GetCode(frame) : NULL;
    Py_XINCREF(frame);
    while (code != NULL && is_inside(code)) {
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_SETREF(frame, back);
        Py_SETREF(code, back != NULL ? PyFrame_GetCode(back) : NULL);
    }
    Py_XSETREF(place->code, code);
    place->offset = frame != NULL ? offset_in(frame) : 0;
    Py_XDECREF(frame);
}

int engine_line(const Place *place)
{
    return PyCode_Addr2Line(place->code, place->offset);
}

PyObject *engine_place_text(const Place *place)
{
    if (place == NULL || place->code == NULL)
        return NULL;
    return PyUnicode_FromFormat("%U:%d", place->code->co_filename, engine_line(place));
}

/* ---- Of a configuration -------------------------------------------------------------------------- */

void engine_set_here(Config *config, size_t index)
{
    size_t count = config->class_->count;
    if (config->assigned == NULL)
        config->assigned = PyMem_Calloc(count, sizeof *config->assigned);
    if (config->assigned != NULL)
        engine_here(&config->assigned[index]);
}

const Place *engine_place_of(const Config *config, size_t index)
{
    bool later = config->assigned != NULL && config->assigned[index].code != NULL;
    return later ? &config->assigned[index] : &config->made;
}

void engine_forget_places(Config *config)
{
    for (size_t i = 0; config->assigned != NULL && i < config->class_->count; i++)
        Py_XDECREF(config->assigned[i].code);
    PyMem_Free(config->assigned);
    config->assigned = NULL;
    Py_CLEAR(config->made.code);
}

void engine_blame(const Place *place)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *where = engine_place_text(place);
    PyObject *text = where != NULL && value != NULL ? PyObject_Str(value) : NULL;
    bool ours = type == PyExc_ValueError || type == engine_type_error;
    if (text == NULL || !ours) {
        PyErr_Restore(type, value, traceback);
    } else {
        PyErr_Format(type, "%U (set at %U)", text, where);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
    Py_XDECREF(where);
    Py_XDECREF(text);
}

/* For the messages of the library. */
static void locate(const xpm_config *native, char *text, size_t size)
{
    const Config *config = xpm_config_user(native);
    PyObject *where = config != NULL ? engine_place_text(&config->made) : NULL;
    const char *utf8 = where != NULL ? PyUnicode_AsUTF8(where) : NULL;
    snprintf(text, size, "%s", utf8 != NULL ? utf8 : "");
    Py_XDECREF(where);
}

void engine_locate_for_library(void)
{
    xpm_set_locator(locate);
}
