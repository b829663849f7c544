/* A configuration: the C part of what M.C(...) makes. Its class has a descriptor for each parameter
 * (parameter.c); attributes that are no parameters are ordinary ones. */
#include "engine.h"

#include <string.h>

#include <structmember.h>

static Class *class_of(PyTypeObject *type)
{
    static PyObject *key;
    if (key == NULL && (key = PyUnicode_InternFromString("__xpm_class__")) == NULL)
        return NULL;
    PyObject *class_ = PyObject_GetAttr((PyObject *)type, key);
    Py_XDECREF(class_); /* its native class keeps it */
    if (class_ == NULL || (Py_IS_TYPE(class_, &Class_Type) && ((Class *)class_)->by_index != NULL))
        return (Class *)class_;
    PyErr_Format(PyExc_TypeError, "%R is not a class of configurations", type);
    return NULL;
}

/* A configuration of `class_` around `native`, of which it takes a reference. */
static Config *make(PyTypeObject *type, Class *class_, xpm_config *native)
{
    Config *self = (Config *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    PyObject_GC_UnTrack(self); /* until engine_watch */
    self->class_ = class_;
    self->values = PyMem_Calloc(class_->count + 1, sizeof *self->values);
    if (self->values == NULL) {
        Py_DECREF(self);
        PyErr_NoMemory();
        return NULL;
    }
    self->native = xpm_config_ref(native);
    xpm_config_set_user(native, self);
    return self;
}

/* A class with abstract methods (module abc) has no instances, and so no configurations. */
static PyObject *refuse_abstract(PyTypeObject *type)
{
    PyObject *empty = PyTuple_New(0);
    PyObject *refused = empty != NULL ? PyBaseObject_Type.tp_new(type, empty, NULL) : NULL;
    Py_XDECREF(empty);
    return refused;
}

static PyObject *config_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
                            PyObject *Py_UNUSED(kwargs))
{
    if ((type->tp_flags & Py_TPFLAGS_IS_ABSTRACT) != 0)
        return refuse_abstract(type);
    Class *class_ = class_of(type);
    return class_ != NULL ? (PyObject *)make(type, class_, xpm_config_new(class_->native)) : NULL;
}

static int config_init(Config *self, PyObject *args, PyObject *kwargs)
{
    PyObject *name, *value;
    Py_ssize_t position = 0;
    if (PyTuple_GET_SIZE(args) > 0) {
        PyErr_Format(PyExc_TypeError, "%s takes its parameters by name: C(name=value)",
                     xpm_class_name(self->class_->native));
        return -1;
    }
    if (self->class_->warns && engine_warn_deprecated(self->class_) < 0)
        return -1;
    engine_here(&self->made);
    while (kwargs != NULL && PyDict_Next(kwargs, &position, &name, &value)) {
        PyObject *parameter = PyDict_GetItemWithError(self->class_->parameters, name);
        if (parameter == NULL && PyErr_Occurred())
            return -1;
        int status = parameter != NULL ? engine_assign(self, (Parameter *)parameter, value)
                                       : engine_assign_old(self, name, value, kwargs);
        if (status < 0)
            return -1;
    }
    return 0;
}

/* The call as Python makes it where something is unusual. */
static PyObject *call_slowly(PyObject *type, PyObject *const *args, Py_ssize_t given,
                             PyObject *names)
{
    PyObject *tuple = PyTuple_New(given), *kwargs = PyDict_New(), *made = NULL;
    int status = tuple != NULL && kwargs != NULL ? 0 : -1;
    for (Py_ssize_t i = 0; status == 0 && i < given; i++)
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; status == 0 && names != NULL && i < PyTuple_GET_SIZE(names); i++)
        status = PyDict_SetItem(kwargs, PyTuple_GET_ITEM(names, i), args[given + i]);
    if (status == 0)
        made = PyType_Type.tp_call(type, tuple, kwargs);
    Py_XDECREF(tuple);
    Py_XDECREF(kwargs);
    return made;
}

/* M.C(name=value): what config_new and config_init do, without a dict of the arguments. */
static PyObject *config_call(PyObject *type, PyObject *const *args, size_t flagged, PyObject *names)
{
    Class *class_ = class_of((PyTypeObject *)type);
    Py_ssize_t given = PyVectorcall_NARGS(flagged);
    Py_ssize_t count = names != NULL ? PyTuple_GET_SIZE(names) : 0;
    if (class_ == NULL)
        return NULL;
    if (given > 0 || class_->warns || ((PyTypeObject *)type)->tp_init != (initproc)config_init)
        return call_slowly(type, args, given, names);
    Config *self = make((PyTypeObject *)type, class_, xpm_config_new(class_->native));
    if (self == NULL)
        return NULL;
    engine_here(&self->made);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        PyObject *parameter = PyDict_GetItemWithError(class_->parameters, name);
        if (parameter == NULL || engine_assign(self, (Parameter *)parameter, args[i]) < 0) {
            Py_DECREF(self);
            return PyErr_Occurred() ? NULL : call_slowly(type, args, given, names);
        }
    }
    return (PyObject *)self;
}

void engine_call_fast(PyTypeObject *config_class)
{
    if (config_class->tp_new == config_new && config_class->tp_init == (initproc)config_init)
        config_class->tp_vectorcall = config_call;
}

static int config_traverse(Config *self, visitproc visit, void *arg)
{
    for (size_t i = 0; self->values != NULL && i < self->class_->count; i++)
        Py_VISIT(self->values[i]);
    Py_VISIT(self->task);
    Py_VISIT(self->init_tasks);
    Py_VISIT(self->job);
    return 0;
}

static int config_clear(Config *self)
{
    for (size_t i = 0; self->values != NULL && i < self->class_->count; i++)
        Py_CLEAR(self->values[i]);
    Py_CLEAR(self->task);
    Py_CLEAR(self->init_tasks);
    Py_CLEAR(self->job);
    if (self->native != NULL)
        xpm_config_clear(self->native);
    return 0;
}

static void config_dealloc(Config *self)
{
    PyObject_GC_UnTrack(self);
    for (size_t i = 0; self->values != NULL && i < self->class_->count; i++)
        Py_XDECREF(self->values[i]);
    PyMem_Free(self->values);
    engine_forget_places(self);
    Py_XDECREF(self->task);
    Py_XDECREF(self->init_tasks);
    Py_XDECREF(self->job);
    if (self->native != NULL)
        xpm_config_set_user(self->native, NULL);
    xpm_config_unref(self->native);
    Py_TYPE(self)->tp_free(self);
}

PyObject *engine_wrap(xpm_config *native)
{
    PyObject *self = xpm_config_user(native);
    if (self != NULL)
        return Py_NewRef(self);
    Class *class_ = xpm_class_user(xpm_config_class(native));
    if (class_ != NULL && class_->config_class == NULL && engine_class(class_->cls) == NULL)
        return NULL;
    if (class_ == NULL)
        return PyErr_Format(PyExc_TypeError, "no Python class is declared for %s",
                            xpm_class_name(xpm_config_class(native)));
    return (PyObject *)make((PyTypeObject *)class_->config_class, class_, native);
}

int engine_identify(Config *config, const xpm_partial *partial, uint8_t bytes[XPM_IDENTIFIER_SIZE])
{
    xpm_error err;
    if (!xpm_config_sealed(config->native) && engine_pass(config, false, NULL) < 0)
        return -1;
    int status = partial != NULL
                     ? xpm_config_partial_identifier(config->native, partial, bytes, &err)
                     : xpm_config_identifier(config->native, bytes, &err);
    if (status < 0)
        engine_error(&err);
    return status;
}

/* Whether a parameter has a value of its own, read already or not. */
static bool is_set(const Config *config, size_t index)
{
    const xpm_value *value = xpm_config_at(config->native, index);
    return config->values[index] != NULL ||
           (value != NULL &&
            value != &xpm_class_parameter(config->class_->native, index)->fallback);
}

PyObject *engine_clone_config(Config *config, PyObject *memo)
{
    PyObject *key = PyLong_FromVoidPtr(config);
    PyObject *known = key != NULL ? PyDict_GetItemWithError(memo, key) : NULL;
    Config *clone = (Config *)Py_XNewRef(known);
    if (key != NULL && known == NULL && !PyErr_Occurred())
        clone = make(Py_TYPE(config), config->class_, xpm_config_new(config->class_->native));
    if (clone != NULL && known == NULL)
        engine_here(&clone->made);
    if (clone != NULL && known == NULL && PyDict_SetItem(memo, key, (PyObject *)clone) < 0)
        Py_CLEAR(clone);
    Py_XDECREF(key);
    if (clone == NULL || known != NULL)
        return (PyObject *)clone;
    for (size_t i = 0; i < config->class_->count; i++) {
        Parameter *parameter = config->class_->by_index[i];
        if (parameter->read_only || !is_set(config, i))
            continue;
        PyObject *value = engine_value(config, parameter);
        PyObject *twin = value != NULL ? engine_clone(value, memo) : NULL;
        int status = twin != NULL ? engine_store(clone, parameter, twin) : -1;
        Py_XDECREF(value);
        Py_XDECREF(twin);
        if (status < 0) {
            Py_DECREF(clone);
            return NULL;
        }
    }
    return (PyObject *)clone;
}

/* A copy of what it holds itself, less what is generated or constant: the rest is shared. */
static PyObject *config_shallow(Config *self, PyObject *Py_UNUSED(args))
{
    Config *copy = make(Py_TYPE(self), self->class_, xpm_config_new(self->class_->native));
    if (copy != NULL)
        engine_here(&copy->made);
    for (size_t i = 0; copy != NULL && i < self->class_->count; i++) {
        Parameter *parameter = self->class_->by_index[i];
        if (parameter->read_only || !is_set(self, i))
            continue;
        PyObject *value = engine_value(self, parameter);
        if (value == NULL || engine_store(copy, parameter, value) < 0)
            Py_CLEAR(copy);
        Py_XDECREF(value);
    }
    return (PyObject *)copy;
}

/* ---- Operators ----------------------------------------------------------------------------------- */

static PyObject *config_compare(PyObject *self, PyObject *other, int compared)
{
    xpm_error err;
    if ((compared != Py_EQ && compared != Py_NE) || !engine_is_config(self) ||
        !engine_is_config(other))
        Py_RETURN_NOTIMPLEMENTED;
    if (engine_pass((Config *)self, false, NULL) < 0 ||
        engine_pass((Config *)other, false, NULL) < 0)
        return NULL;
    int equal = xpm_config_equal(((Config *)self)->native, ((Config *)other)->native, &err);
    return equal < 0 ? engine_error(&err) : PyBool_FromLong(equal == (compared == Py_EQ));
}

static Py_hash_t config_hash(Config *self)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    xpm_error err;
    if (!xpm_config_sealed(self->native)) {
        PyErr_Format(
            PyExc_TypeError,
            "unhashable: this %s is not sealed, and may change; sealed_set(...) makes sets "
            "of configurations",
            xpm_class_name(self->class_->native));
        return -1;
    }
    if (xpm_config_identifier(self->native, identifier, &err) < 0) {
        engine_error(&err);
        return -1;
    }
    return engine_identifier_hash(identifier);
}

/* outer @ inner: gives the outer one the inner one, for the one parameter that takes it. */
static PyObject *config_compose(PyObject *outer, PyObject *inner)
{
    xpm_error err;
    if (!engine_is_config(outer) || !engine_is_config(inner))
        Py_RETURN_NOTIMPLEMENTED;
    Config *self = (Config *)outer;
    int index = xpm_class_index_for(self->class_->native, ((Config *)inner)->class_->native, &err);
    if (index < 0)
        return engine_error(&err);
    return engine_assign(self, self->class_->by_index[index], inner) == 0 ? Py_NewRef(outer) : NULL;
}

/* ---- Methods ------------------------------------------------------------------------------------- */

static PyObject *config_tag(Config *self, PyObject *args)
{
    const char *name;
    PyObject *value;
    xpm_value lowered;
    if (!PyArg_ParseTuple(args, "sO:tag", &name, &value) ||
        engine_lower_tag(value, "the value of the tag", &lowered) < 0)
        return NULL;
    engine_tag(self, name, &lowered, NULL);
    xpm_value_clear(&lowered);
    return Py_NewRef((PyObject *)self);
}

static PyObject *config_tags(Config *self, PyObject *Py_UNUSED(args))
{
    if (engine_pass(self, false, NULL) < 0)
        return NULL;
    xpm_value tags = xpm_config_tags_telling(self->native, engine_warn, NULL);
    PyObject *raised = engine_raise(&tags, NULL);
    xpm_value_clear(&tags);
    return raised;
}

static PyObject *config_copy(Config *self, PyObject *Py_UNUSED(args))
{
    PyObject *memo = PyDict_New();
    PyObject *copy = memo != NULL ? engine_clone((PyObject *)self, memo) : NULL;
    Py_XDECREF(memo);
    return copy;
}

typedef struct reaching {
    PyObject *list;    /* NULL after an error */
    bool past_outputs; /* goes into what tasks have produced, and into tasks */
    const xpm_config *root;
} reaching;

static bool reach(void *user, xpm_config *native)
{
    reaching *r = user;
    if (r->list == NULL || (!r->past_outputs && native != r->root && xpm_config_task(native)))
        return false;
    PyObject *config = engine_wrap(native);
    if (config == NULL || PyList_Append(r->list, config) < 0)
        Py_CLEAR(r->list);
    Py_XDECREF(config);
    return r->list != NULL;
}

static PyObject *config_reached(Config *self, PyObject *arg)
{
    reaching r = {.past_outputs = arg == Py_True, .root = self->native, .list = PyList_New(0)};
    xpm_config_visit(self->native, reach, &r);
    return r.list;
}

static PyObject *config_seal(Config *self, PyObject *args)
{
    const char *directory = NULL;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "|z:seal", &directory) || engine_pass(self, true, NULL) < 0)
        return NULL;
    if (xpm_config_seal(self->native, directory, &err) < 0)
        return engine_error(&err);
    Py_RETURN_NONE;
}

static PyObject *config_depend(Config *self, PyObject *args)
{
    PyObject *arg;
    int soft = 0;
    xpm_error err;
    if (!PyArg_ParseTuple(args, "O|p:_depend", &arg, &soft))
        return NULL;
    if (!engine_is_config(arg))
        return PyErr_Format(engine_type_error, "%R is not a configuration", arg);
    Config *task = (Config *)arg;
    int status = soft ? xpm_config_set_task_soft(self->native, task->native, &err)
                      : xpm_config_set_task(self->native, task->native, &err);
    if (status < 0)
        return engine_error(&err);
    engine_watch(self, arg);
    if (self != task)
        Py_XSETREF(self->task, Py_NewRef(arg));
    Py_RETURN_NONE;
}

static PyObject *config_add_init_task(Config *self, PyObject *arg)
{
    xpm_error err;
    if (!engine_is_config(arg))
        return PyErr_Format(engine_type_error, "an init task is a configuration, and not %R", arg);
    engine_watch(self, arg);
    if (self->init_tasks == NULL && (self->init_tasks = PyList_New(0)) == NULL)
        return NULL;
    if (xpm_config_add_init_task(self->native, ((Config *)arg)->native, &err) < 0)
        return engine_error(&err);
    return PyList_Append(self->init_tasks, arg) == 0 ? Py_NewRef(Py_None) : NULL;
}

static PyObject *config_add_dependency(Config *self, PyObject *arg)
{
    xpm_error err;
    if (!engine_is_config(arg))
        return PyErr_Format(engine_type_error, "%R is not a configuration", arg);
    if (xpm_config_add_dependency(self->native, ((Config *)arg)->native, &err) < 0)
        return engine_error(&err);
    Py_RETURN_NONE;
}

static PyObject *config_dependencies(Config *self, void *Py_UNUSED(closure))
{
    PyObject *list = PyList_New(0);
    xpm_config *on;
    for (size_t i = 0; list != NULL && (on = xpm_config_dependency(self->native, i)) != NULL; i++) {
        PyObject *config = engine_wrap(on);
        if (config == NULL || PyList_Append(list, config) < 0)
            Py_CLEAR(list);
        Py_XDECREF(config);
    }
    return list;
}

static PyObject *config_instance(Config *self, PyObject *args)
{
    PyObject *instances;
    int keep;
    if (!PyArg_ParseTuple(args, "O!p:instance", &PyDict_Type, &instances, &keep))
        return NULL;
    return engine_instance(self->native, &(Instances){.made = instances, .keep = keep});
}

static PyObject *config_instances(Config *self, PyObject *args)
{
    int named = 0;
    if (!PyArg_ParseTuple(args, "|p:_instances", &named))
        return NULL;
    Instances instances = {.made = PyDict_New(), .named = named};
    PyObject *inits = PyList_New(0), *root = NULL;
    xpm_config *init;
    if (instances.made != NULL && inits != NULL)
        root = engine_instance(self->native, &instances);
    for (size_t i = 0; root != NULL && (init = xpm_config_init_task(self->native, i)); i++) {
        PyObject *instance = engine_instance(init, &instances);
        if (instance == NULL || PyList_Append(inits, instance) < 0)
            Py_CLEAR(root);
        Py_XDECREF(instance);
    }
    PyObject *both = root != NULL ? PyTuple_Pack(2, root, inits) : NULL;
    Py_XDECREF(root);
    Py_XDECREF(inits);
    Py_XDECREF(instances.made);
    return both;
}

static PyObject *config_handle(Config *self, void *Py_UNUSED(closure))
{
    return engine_handle(self);
}

static PyObject *config_address(Config *self, void *Py_UNUSED(closure))
{
    return PyLong_FromVoidPtr(self->native);
}

/* The parameter of a name; NULL and an exception when there is none. Borrowed. */
static Parameter *find_parameter(const Config *self, PyObject *name)
{
    PyObject *parameter = PyDict_GetItemWithError(self->class_->parameters, name);
    const char *text = parameter == NULL && !PyErr_Occurred() ? PyUnicode_AsUTF8(name) : NULL;
    xpm_error err;
    if (text != NULL) {
        xpm_class_unknown(self->class_->native, text, &err);
        engine_error(&err);
    }
    return (Parameter *)parameter;
}

/* Where a parameter was set, or the configuration made: "file:line", or None. */
static PyObject *config_where(Config *self, PyObject *name)
{
    const Place *place = &self->made;
    if (name != Py_None) {
        const Parameter *parameter = find_parameter(self, name);
        if (parameter == NULL)
            return NULL;
        place = engine_place_of(self, parameter->index);
    }
    PyObject *text = engine_place_text(place);
    return text != NULL || PyErr_Occurred() ? text : Py_NewRef(Py_None);
}

static PyObject *config_is_given(Config *self, PyObject *name)
{
    const Parameter *parameter = find_parameter(self, name);
    return parameter != NULL ? PyBool_FromLong(is_set(self, parameter->index)) : NULL;
}

static PyObject *config_is_sealed(Config *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(xpm_config_sealed(self->native));
}

static PyObject *config_get_meta(Config *self, void *Py_UNUSED(closure))
{
    int meta = xpm_config_meta(self->native);
    return meta < 0 ? Py_NewRef(Py_None) : PyBool_FromLong(meta);
}

static int config_set_meta(Config *self, PyObject *value, void *Py_UNUSED(closure))
{
    int meta = value == NULL || value == Py_None ? -1 : PyObject_IsTrue(value);
    if (PyErr_Occurred())
        return -1;
    if (xpm_config_sealed(self->native)) {
        PyErr_Format(PyExc_AttributeError, "%s is sealed: whether it is meta is read-only",
                     xpm_class_name(self->class_->native));
        return -1;
    }
    xpm_config_set_meta(self->native, meta);
    return 0;
}

/* What is no parameter is kept among the ordinary attributes. */
static int config_setattro(PyObject *self, PyObject *name, PyObject *value)
{
    engine_watch((Config *)self, value);
    return PyObject_GenericSetAttr(self, name, value);
}

static PyMethodDef config_methods[] = {
    {"tag", (PyCFunction)config_tag, METH_VARARGS,
     "tag(name, value, /)\n--\n\n"
     "Tags the configuration: what varies, for people. Returns it. ValueError when the value is no "
     "scalar."},
    {"_tags", (PyCFunction)config_tags, METH_NOARGS, "All its tags, by name"},
    {"_copy", (PyCFunction)config_copy, METH_NOARGS, "A deep copy"},
    {"_reached", (PyCFunction)config_reached, METH_O,
     "_reached(past_outputs): what a sealed one holds, itself first; not inside what tasks have\n"
     "produced, unless `past_outputs`"},
    {"_seal", (PyCFunction)config_seal, METH_VARARGS, "_seal(directory=None)"},
    {"_depend", (PyCFunction)config_depend, METH_VARARGS,
     "_depend(task, soft=False): it is an output of the task"},
    {"_add_init_task", (PyCFunction)config_add_init_task, METH_O, "_add_init_task(init)"},
    {"_add_dependency", (PyCFunction)config_add_dependency, METH_O, "_add_dependency(on)"},
    {"_where", (PyCFunction)config_where, METH_O,
     "_where(name): \"file:line\" where it was set; of None, where the configuration was made"},
    {"_is_given", (PyCFunction)config_is_given, METH_O, "_is_given(name)"},
    {"_shallow", (PyCFunction)config_shallow, METH_NOARGS, "A copy that shares what it holds"},
    {"_seal", (PyCFunction)config_seal, METH_VARARGS, "_seal(directory=None)"},
    {"_depend", (PyCFunction)config_depend, METH_VARARGS,
     "_depend(task, soft=False): it is an output of the task"},
    {"_add_init_task", (PyCFunction)config_add_init_task, METH_O, "_add_init_task(init)"},
    {"_instance", (PyCFunction)config_instance, METH_VARARGS,
     "_instance(instances, keep): the instance made of it; `instances` has those made so far"},
    {"_instances", (PyCFunction)config_instances, METH_VARARGS,
     "_instances(named=False): the instance made of it, and those of its init tasks; `named` ones "
     "know "
     "their identifiers"},
    {0},
};

/* What was loaded has its task in C alone. */
static PyObject *config_get_task(Config *self, void *Py_UNUSED(closure))
{
    xpm_config *task = self->task == NULL ? xpm_config_task(self->native) : NULL;
    if (task != NULL && task != self->native)
        return engine_wrap(task);
    if (task != NULL && self->job == NULL) /* a task that was loaded is its own */
        return Py_NewRef((PyObject *)self);
    return Py_NewRef(self->task != NULL ? self->task : Py_None);
}

static PyMemberDef config_members[] = {
    {"_class", T_OBJECT, offsetof(Config, class_), READONLY, NULL},
    {"_init_tasks", T_OBJECT, offsetof(Config, init_tasks), READONLY, NULL},
    {"_job", T_OBJECT, offsetof(Config, job), 0, NULL},
    {0},
};

static PyGetSetDef config_getset[] = {
    {"__xpm__", (getter)config_handle, NULL, "What is known of it: an Information", NULL},
    {"_address", (getter)config_address, NULL, "What ObjectStore knows it by", NULL},
    {"_task", (getter)config_get_task, NULL, NULL, NULL},
    {"_sealed", (getter)config_is_sealed, NULL, NULL, NULL},
    {"_dependencies", (getter)config_dependencies, NULL, NULL, NULL},
    {"_meta", (getter)config_get_meta, (setter)config_set_meta, NULL, NULL},
    {0},
};

static PyNumberMethods config_number = {.nb_matrix_multiply = config_compose};

PyTypeObject Config_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "experimaestro._engine.Configuration",
    .tp_doc = "The C part of a configuration.",
    .tp_basicsize = sizeof(Config),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = config_new,
    .tp_init = (initproc)config_init,
    .tp_setattro = config_setattro,
    .tp_traverse = (traverseproc)config_traverse,
    .tp_clear = (inquiry)config_clear,
    .tp_dealloc = (destructor)config_dealloc,
    .tp_as_number = &config_number,
    .tp_richcompare = config_compare,
    .tp_hash = (hashfunc)config_hash,
    .tp_methods = config_methods,
    .tp_members = config_members,
    .tp_getset = config_getset,
};
