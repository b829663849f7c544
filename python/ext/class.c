/* A Python class of configurations and its native class. experimaestro.declare makes it in two
 * steps: the native class at once, so that types can name it, and its parameters before the first
 * object is made. */
#include "engine.h"

#include <structmember.h>

static int fill_bases(PyObject *bases, const xpm_class **natives, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *base = PyTuple_GET_ITEM(bases, i);
        if (!Py_IS_TYPE(base, &Class_Type))
            return PyErr_BadArgument();
        natives[i] = ((Class *)base)->native;
    }
    return 0;
}

static PyObject *class_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    xpm_declaration declaration = {0};
    const xpm_class *natives[32];
    PyObject *cls, *bases;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "OssszsIO!sz:Class", &cls, &declaration.name, &declaration.module,
                          &declaration.qualname, &declaration.file, &declaration.origin,
                          &declaration.flags, &PyTuple_Type, &bases, &declaration.language,
                          &declaration.program))
        return NULL;
    if (PyTuple_GET_SIZE(bases) > 32)
        return PyErr_SetString(PyExc_TypeError, "more than 32 base classes"), NULL;
    if (fill_bases(bases, natives, PyTuple_GET_SIZE(bases)) < 0)
        return NULL;
    Class *self = (Class *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->cls = Py_NewRef(cls);
    self->parameters = PyDict_New();
    self->partials = PyList_New(0);
    declaration.bases = natives;
    declaration.base_count = (size_t)PyTuple_GET_SIZE(bases);
    declaration.user = self;
    self->native = xpm_class_declare(&declaration, &err);
    if (self->native == NULL) {
        Py_DECREF(self);
        return engine_error(&err);
    }
    Py_INCREF(self); /* by the native class */
    return (PyObject *)self;
}

static void class_dealloc(Class *self)
{
    Py_XDECREF(self->cls);
    Py_XDECREF(self->config_class);
    Py_XDECREF(self->value_class);
    Py_XDECREF(self->parameters);
    Py_XDECREF(self->partials);
    PyMem_Free(self->by_index);
    Py_TYPE(self)->tp_free(self);
}

/* ---- Adding parameters -------------------------------------------------------------------------- */

/* A tuple of texts as the library takes them: an array that ends with NULL, to free. */
static const char **texts_of(PyObject *tuple)
{
    Py_ssize_t count = tuple != Py_None ? PyTuple_GET_SIZE(tuple) : 0;
    const char **texts = PyMem_Calloc((size_t)count + 1, sizeof *texts);
    for (Py_ssize_t i = 0; texts != NULL && i < count; i++) {
        texts[i] = PyUnicode_AsUTF8(PyTuple_GET_ITEM(tuple, i));
        if (texts[i] == NULL) {
            PyMem_Free(texts);
            return NULL;
        }
    }
    return texts;
}

static int lower_default(PyObject *value, const char *where, xpm_value *lowered)
{
    if (engine_is_config(value) && engine_pass((Config *)value, false, NULL) < 0)
        return -1;
    return engine_lower(value, where, NULL, NULL, lowered);
}

/* Called by the library, while it seals: the path is made by a PathGenerator. */
static int generate(void *user, const xpm_generation *where, xpm_value *value, xpm_error *err)
{
    PyObject *config = engine_wrap((xpm_config *)where->config), *path = NULL;
    if (config != NULL)
        path = PyObject_CallFunction(user, "ssO", where->directory, where->relative, config);
    int status = path != NULL ? engine_lower(path, "$", NULL, NULL, value) : -1;
    Py_XDECREF(path);
    Py_XDECREF(config);
    if (status == 0 && value->kind == XPM_KIND_STR)
        value->kind = XPM_KIND_PATH;
    if (status < 0 && err != NULL) /* the exception stays raised, and is the one that is seen */
        *err = (xpm_error){.code = XPM_E_CALLBACK, .message = "the path generator failed"};
    return status;
}

/* The values that the parameter may have: a list in C of a tuple, UNSET for None. */
static int lower_choices(PyObject *choices, const char *where, xpm_value *lowered)
{
    *lowered = (xpm_value){0};
    return choices != Py_None ? engine_lower(choices, where, NULL, NULL, lowered) : 0;
}

/* The default is of the parameter's type: 3.0 for 3. */
static int coerce_default(const Class *self, Parameter *parameter)
{
    int index = xpm_class_index(self->native, PyUnicode_AsUTF8(parameter->name));
    if (parameter->fallback == NULL)
        return 0;
    const xpm_value *native = &xpm_class_parameter(self->native, (size_t)index)->fallback;
    PyObject *raised = engine_raise(native, NULL);
    if (raised != NULL)
        Py_SETREF(parameter->fallback, raised);
    return raised != NULL ? 0 : -1;
}

static PyObject *class_add(Class *self, PyObject *args)
{
    PyObject *name, *fallback, *factory, *generator, *groups, *choices, *renamed_from;
    PyObject *added = NULL;
    const char *file, *partial;
    int ignore_generated;
    Type *type;
    xpm_parameter native = {0};
    xpm_value allowed = {0};
    xpm_error err;
    if (!PyArg_ParseTuple(args, "UO!IOOzzOOpOO:add", &name, &Type_Type, &type, &native.flags,
                          &fallback, &factory, &file, &partial, &generator, &groups,
                          &ignore_generated, &choices, &renamed_from))
        return NULL;
    const char **texts = texts_of(groups), **old_names = texts_of(renamed_from);
    Parameter *parameter = PyObject_GC_New(Parameter, &Parameter_Type);
    if (texts == NULL || old_names == NULL || parameter == NULL)
        goto end;
    bool has_default = fallback != Py_Ellipsis;
    *parameter = (Parameter){.ob_base = parameter->ob_base,
                             .name = Py_NewRef(name),
                             .where = PyUnicode_FromFormat("$.%U", name),
                             .type = type->native,
                             .kind = choices == Py_None ? type->kind : XPM_KIND_ANY,
                             .generated = file != NULL || generator != Py_None,
                             .ignore_generated = ignore_generated};
    parameter->read_only = parameter->generated || (native.flags & XPM_CONSTANT) != 0;
    parameter->fallback = has_default && fallback != Py_None ? Py_NewRef(fallback) : NULL;
    parameter->factory = factory != Py_None ? Py_NewRef(factory) : NULL;
    PyObject_GC_Track(parameter);
    native.name = PyUnicode_AsUTF8(name);
    native.type = type->native;
    native.file = file;
    native.groups = texts;
    native.renamed_from = old_names;
    if (parameter->where == NULL || native.name == NULL ||
        lower_choices(choices, PyUnicode_AsUTF8(parameter->where), &allowed) < 0 ||
        (has_default &&
         lower_default(fallback, PyUnicode_AsUTF8(parameter->where), &native.fallback) < 0))
        goto end;
    native.choices = allowed.as.items;
    native.choice_count = allowed.size;
    if (partial != NULL)
        native.shared = xpm_class_partial(self->native, partial);
    if (generator != Py_None) {
        native.generate = generate;
        native.generate_user = Py_NewRef(generator); /* as long as the class: for ever */
    }
    if (xpm_class_add(self->native, &native, &err) < 0)
        engine_error(&err);
    else if (coerce_default(self, parameter) == 0 &&
             PyDict_SetItem(self->parameters, name, (PyObject *)parameter) == 0)
        added = Py_NewRef(Py_None);
end:
    xpm_value_clear(&allowed);
    PyMem_Free(texts);
    PyMem_Free(old_names);
    Py_XDECREF(parameter);
    return added;
}

static PyObject *class_add_partial(Class *self, PyObject *args)
{
    PyObject *name, *exclude, *include, *added = NULL;
    int exclude_all, exclude_no_group;
    if (!PyArg_ParseTuple(args, "UO!O!pp", &name, &PyTuple_Type, &exclude, &PyTuple_Type, &include,
                          &exclude_all, &exclude_no_group))
        return NULL;
    xpm_partial_rule rule = {.exclude_all = exclude_all, .exclude_no_group = exclude_no_group};
    const char **excluded = texts_of(exclude), **included = texts_of(include);
    rule.exclude = excluded;
    rule.include = included;
    const char *text = PyUnicode_AsUTF8(name);
    if (excluded != NULL && included != NULL && text != NULL &&
        PyList_Append(self->partials, name) == 0) {
        xpm_class_add_partial(self->native, text, &rule);
        added = Py_NewRef(Py_None);
    }
    PyMem_Free(excluded);
    PyMem_Free(included);
    return added;
}

/* ---- Inheriting --------------------------------------------------------------------------------- */

static PyObject *copy_parameter(const Parameter *from)
{
    Parameter *copy = PyObject_GC_New(Parameter, &Parameter_Type);
    if (copy == NULL)
        return NULL;
    PyObject base = copy->ob_base;
    *copy = *from;
    copy->ob_base = base;
    Py_INCREF(copy->name);
    Py_INCREF(copy->where);
    Py_XINCREF(copy->fallback);
    Py_XINCREF(copy->factory);
    PyObject_GC_Track(copy);
    return (PyObject *)copy;
}

static PyObject *class_inherit(Class *self, PyObject *arg)
{
    PyObject *name, *parameter;
    Py_ssize_t position = 0;
    if (!Py_IS_TYPE(arg, &Class_Type))
        return PyErr_BadArgument(), NULL;
    Class *base = (Class *)arg;
    xpm_class_inherit(self->native, base->native);
    while (PyDict_Next(base->parameters, &position, &name, &parameter)) {
        if (PyDict_Contains(self->parameters, name))
            continue;
        PyObject *copy = copy_parameter((Parameter *)parameter);
        int status = copy != NULL ? PyDict_SetItem(self->parameters, name, copy) : -1;
        Py_XDECREF(copy);
        if (status < 0)
            return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(base->partials); i++)
        if (PyList_Append(self->partials, PyList_GET_ITEM(base->partials, i)) < 0)
            return NULL;
    Py_RETURN_NONE;
}

static PyObject *class_bind(Class *self, PyObject *args)
{
    Type *variable, *type;
    if (!PyArg_ParseTuple(args, "O!O!", &Type_Type, &variable, &Type_Type, &type))
        return NULL;
    xpm_class_bind(self->native, variable->native, type->native);
    Py_RETURN_NONE;
}

static PyObject *class_finish(Class *self, PyObject *args)
{
    PyObject *config_class, *name, *value;
    Py_ssize_t position = 0;
    int validates, post_init, cached;
    if (!PyArg_ParseTuple(args, "Oppp", &config_class, &validates, &post_init, &cached))
        return NULL;
    self->count = xpm_class_count(self->native);
    self->by_index = PyMem_Calloc(self->count + 1, sizeof *self->by_index);
    if (self->by_index == NULL)
        return PyErr_NoMemory();
    while (PyDict_Next(self->parameters, &position, &name, &value)) {
        Parameter *parameter = (Parameter *)value;
        const char *text = PyUnicode_AsUTF8(name);
        int index = text != NULL ? xpm_class_index(self->native, text) : -1;
        if (index < 0)
            return PyErr_Format(PyExc_SystemError, "%R has no native parameter %R", self->cls,
                                name);
        parameter->index = (size_t)index;
        parameter->type = xpm_class_parameter(self->native, (size_t)index)->type;
        self->by_index[index] = parameter;
    }
    self->validates = validates;
    self->post_init = post_init;
    self->cached = cached;
    Py_XSETREF(self->config_class, Py_NewRef(config_class));
    engine_call_fast((PyTypeObject *)config_class);
    Py_RETURN_NONE;
}

static PyObject *texts_to_tuple(const char *const *texts)
{
    Py_ssize_t count = 0;
    while (texts != NULL && texts[count] != NULL)
        count++;
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *text = PyUnicode_FromString(texts[i]);
        if (text == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, text);
    }
    return tuple;
}

static PyObject *class_describe(Class *self, PyObject *name)
{
    const char *text = PyUnicode_AsUTF8(name);
    int index = text != NULL ? xpm_class_index(self->native, text) : -1;
    if (index < 0)
        return text != NULL ? PyErr_Format(PyExc_KeyError, "%S", name) : NULL;
    const xpm_parameter *parameter = xpm_class_parameter(self->native, (size_t)index);
    PyObject *type = engine_type(parameter->type);
    PyObject *groups = type != NULL ? texts_to_tuple(parameter->groups) : NULL;
    if (groups == NULL) {
        Py_XDECREF(type);
        return NULL;
    }
    return Py_BuildValue("NIN", type, parameter->flags, groups);
}

static PyObject *class_name(Class *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(xpm_class_name(self->native));
}

static PyObject *class_repr(Class *self)
{
    return PyUnicode_FromFormat("<class of configurations %s>", xpm_class_name(self->native));
}

Class *engine_class(PyObject *cls)
{
    PyObject *complete = engine_import("experimaestro.declare", "complete");
    PyObject *class_ = complete != NULL ? PyObject_CallOneArg(complete, cls) : NULL;
    Py_XDECREF(complete);
    Py_XDECREF(class_); /* its native class keeps it */
    return (Class *)class_;
}

static PyMethodDef class_methods[] = {
    {"add", (PyCFunction)class_add, METH_VARARGS,
     "add(name, type, flags, default, factory, file, partial, generator, groups, "
     "ignore_generated, choices, renamed_from)\n"
     "Adds a parameter; `default` is ... when it has none."},
    {"add_partial", (PyCFunction)class_add_partial, METH_VARARGS,
     "add_partial(name, exclude, include, exclude_all, exclude_no_group)"},
    {"inherit", (PyCFunction)class_inherit, METH_O,
     "Takes over the parameters and partial identifiers of a base that it has not."},
    {"deprecate", (PyCFunction)engine_class_deprecate, METH_VARARGS,
     "deprecate(by, converts, warns): it is identified under the name of `by`, and as what "
     "__convert__ gives."},
    {"rename_from", (PyCFunction)engine_class_rename_from, METH_O,
     "rename_from(name): it was called so before."},
    {"renamed", (PyCFunction)engine_class_renamed, METH_NOARGS,
     "Names that its parameters had, to their present names."},
    {"bind", (PyCFunction)class_bind, METH_VARARGS,
     "bind(variable, type): what a variable of a base stands for."},
    {"describe", (PyCFunction)class_describe, METH_O,
     "describe(name): the type of a parameter, its flags and its groups. KeyError for no name."},
    {"finish", (PyCFunction)class_finish, METH_VARARGS,
     "finish(config_class, validates, post_init, cached): objects can be made from now on."},
    {0},
};

static PyMemberDef class_members[] = {
    {"cls", T_OBJECT, offsetof(Class, cls), READONLY, "the user's class"},
    {"config_class", T_OBJECT, offsetof(Class, config_class), READONLY,
     "the class of its configurations, or None"},
    {"value_class", T_OBJECT, offsetof(Class, value_class), 0,
     "the class of its instances, or None"},
    {"parameters", T_OBJECT, offsetof(Class, parameters), READONLY, "name to parameter"},
    {"partials", T_OBJECT, offsetof(Class, partials), READONLY, "names of partial identifiers"},
    {0},
};

static PyGetSetDef class_getset[] = {
    {"name", (getter)class_name, NULL, "what identifies it, in lower case", NULL},
    {0},
};

PyTypeObject Class_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Class",
    .tp_doc = "Class(cls, name, module, qualname, file, origin, flags, bases, language, program)\n"
              "A Python class of configurations and its native class.",
    .tp_basicsize = sizeof(Class),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = class_new,
    .tp_dealloc = (destructor)class_dealloc,
    .tp_repr = (reprfunc)class_repr,
    .tp_methods = class_methods,
    .tp_members = class_members,
    .tp_getset = class_getset,
};
