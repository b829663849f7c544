/* What the files of the extension share. One file is one Python type, or one errand that has none:
 * value.c and enum.c (values between Python and C), pass.c (what a configuration holds is given to C),
 * deprecate.c (names of the past), error.c, run.c. Everything here is called with the GIL held. */
#ifndef XPM_PYTHON_ENGINE_H
#define XPM_PYTHON_ENGINE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include <experimaestro.h>

/* ---- The types --------------------------------------------------------------------------------- */

/* The type of a value, lowered from an annotation. */
typedef struct Type {
    PyObject_HEAD const xpm_type *native;
    xpm_kind kind; /* of what an optional holds */
} Type;

/* A Python class of configurations and its native class. It lives as long as the process, as the
 * native one does. */
typedef struct Class {
    PyObject_HEAD xpm_class *native;
    PyObject *cls;               /* the user's class */
    PyObject *config_class;      /* the class of its configurations; NULL until it is finished */
    PyObject *value_class;       /* the class of its instances; NULL when it is the user's */
    PyObject *parameters;        /* dict, name to Parameter */
    PyObject *partials;          /* list of names of partial identifiers, the class's own first */
    struct Parameter **by_index; /* borrowed from `parameters`; NULL until finished */
    size_t count;
    bool validates, post_init, cached; /* it has __validate__, __post_init__, a @cache method */
    bool warns;                        /* that it is deprecated, when a configuration is made */
} Class;

/* A parameter: the data descriptor by which configurations read and write it. */
typedef struct Parameter {
    PyObject_HEAD PyObject *name;
    PyObject *where; /* "$.name", for errors */
    const xpm_type *type;
    xpm_kind kind; /* of its type; ANY when more than the type is checked */
    size_t index;
    bool read_only; /* constant, or generated */
    bool generated;
    bool ignore_generated; /* takes configurations whose values were generated elsewhere */
    PyObject *fallback;    /* its default, cloned for each object; or NULL */
    PyObject *factory;     /* called for each object when it is sealed; or NULL */
} Parameter;

/* A place in Python code; `code` is NULL when it is not known. */
typedef struct Place {
    PyCodeObject *code; /* a reference */
    int offset;         /* in its instructions */
} Place;

/* A configuration. Values are kept as Python objects, in which lists may change until it is sealed;
 * the native configuration has them from the last pass on (pass.c). */
typedef struct Config {
    PyObject_HEAD Class *class_; /* lives for ever */
    xpm_config *native;          /* a reference */
    PyObject **values;    /* one a parameter; NULL when not set, or in C alone until it is read */
    PyObject *task;       /* that it is an output of, or NULL */
    PyObject *init_tasks; /* list, or NULL */
    PyObject *job;        /* or NULL */
    uint64_t pass;        /* the last that met it */
    Place made;           /* where it was made */
    Place *assigned;      /* where each parameter was set later; NULL when none was */
} Config;

/* tag(value): a value to be tagged with the name of the parameter that it is given to; or
 * stop_tags(value): one whose tags go no further. */
typedef struct Tag {
    PyObject_HEAD PyObject *value;
    Place place; /* where tag(value) is */
    bool stops;
} Tag;

typedef struct Job {
    PyObject_HEAD xpm_job *native;
    PyObject *experiment;
} Job;

typedef struct Experiment {
    PyObject_HEAD xpm_experiment *native; /* NULL once closed */
    PyObject *arguments; /* that it was made with: the library keeps some of the texts */
    size_t inside;       /* threads that wait in the library: it is not closed under them */
    int closing;         /* an eventfd: can be read when it is to be closed */
    int left;            /* an eventfd, while it is closed: those inside tell that they left */
    xpm_notice notice;   /* that is dealt with */
} Experiment;

/* It lives as long as the process. */
typedef struct Token {
    PyObject_HEAD xpm_token *native;
} Token;

/* What a job needs. */
typedef struct Requirement {
    PyObject_HEAD xpm_requirement *native;
} Requirement;

/* A launcher, as the engine has it. */
typedef struct Launcher {
    PyObject_HEAD xpm_launcher *native; /* a reference */
} Launcher;

extern PyTypeObject Type_Type, Class_Type, Parameter_Type, Config_Type, Base_Type, Maker_Type,
    Tag_Type, Job_Type, Experiment_Type, Token_Type, Requirement_Type, Launcher_Type;

/* The Type of a native type, which borrows it for ever (type.c). */
PyObject *engine_type(const xpm_type *native);

/* ---- Waiting (wait.c) ---------------------------------------------------------------------------- */

/* One call of the library, which waits until there is something to read from `fd`, if not before. */
typedef void (*engine_waits)(void *user, int fd);
/* Waits without the GIL; in the main thread until a signal comes too, whose Python handler is then
 * run. 1 when one came and raised nothing, so that what is waited for may not be there yet; 0; -1 and
 * an exception. */
int engine_wait(Experiment *experiment, engine_waits waits, void *user);

/* What tells the main thread of signals, while it waits for something else. */
typedef struct engine_alarm {
    int pipe[2]; /* there is something to read from the first when a signal came; -1 for none */
    int before;  /* the descriptor that Python wrote to; -1 for none */
} engine_alarm;
/* In another thread it has none: signals are not for it. -1 and an exception when it cannot be. */
int engine_alarm_begin(engine_alarm *alarm);
/* Whether a signal came since this was asked. */
bool engine_alarm_take(const engine_alarm *alarm);
void engine_alarm_end(const engine_alarm *alarm);

/* ---- Errors (error.c) --------------------------------------------------------------------------- */

extern PyObject *engine_type_error;  /* a ValueError and a TypeError */
extern PyObject *engine_place_error; /* a ValueError and an AssertionError */
extern PyObject *engine_dirty_error; /* a RuntimeError */

/* Raises what went wrong, unless a Python exception is raised already. Returns NULL. */
void *engine_error(const xpm_error *error);
/* Raises `exception` with "where: message", the message being printf-like. */
void engine_fail(PyObject *exception, const char *where, const char *format, ...);
/* Whether an environment can have a variable of this name: raises ValueError. */
bool engine_is_variable(const char *name);
/* Puts the raised exception into `error`; it stays raised. */
void engine_describe(xpm_error *error);
/* The same, printing its traceback; clears it. */
void engine_report(xpm_error *error);

/* ---- Values (value.c) --------------------------------------------------------------------------- */

/* Lowers a Python value, at `where` for errors ("$.name"); calls found(user, config) for each
 * configuration in it. -1 and an exception when it cannot be one. */
typedef int (*engine_found)(void *user, Config *config);
int engine_lower(PyObject *value, const char *where, engine_found found, void *user,
                 xpm_value *lowered);
/* An engine_found that sets the bool that `user` is. */
int engine_note_found(void *user, Config *config);
/* The objects that run, as they are made of configurations. */
typedef struct Instances {
    PyObject *made; /* dict: address of the configuration to its instance */
    bool keep;      /* each knows its configuration, as __config__ */
    bool named;     /* each knows its identifier, as tasks and those with a @cache do */
} Instances;

/* The Python object of a value: a configuration is its Python object; with `instances`, the
 * instance made of it. */
PyObject *engine_raise(const xpm_value *value, const Instances *instances);
/* A copy that shares nothing that can change; `memo` (a dict) has the copies made so far. */
PyObject *engine_clone(PyObject *value, PyObject *memo);
/* Whether it is a list, tuple, dict or set: what may hold configurations. */
#define engine_is_collection(object)                                                               \
    (PyList_Check(object) || PyTuple_Check(object) || PyDict_Check(object) || PySet_Check(object))
/* Whether a clone of the value would be another object. */
bool engine_mutable(PyObject *value);

/* ---- Enumerations (enum.c) ----------------------------------------------------------------------- */

/* Registers an enumeration; its native type. */
const xpm_type *engine_enum(PyObject *enum_class);
bool engine_is_enum(PyObject *value);
/* Lowers a member, or combined flags. 1, without exception, when it is neither. */
int engine_lower_enum(PyObject *value, xpm_value *lowered);
PyObject *engine_raise_enum(const xpm_value *value);

/* ---- Configurations (config.c, parameter.c, pass.c, instance.c) --------------------------------- */

#define engine_is_config(object) PyObject_TypeCheck((PyObject *)(object), &Config_Type)

/* The Python object of a native configuration: the one that it was made from, or a new one. */
PyObject *engine_wrap(xpm_config *native);
/* Makes calls of a class of configurations fast, if nothing in it is special. */
void engine_call_fast(PyTypeObject *config_class);
/* A copy of a configuration, less what is generated or constant. */
PyObject *engine_clone_config(Config *config, PyObject *memo);
/* A configuration is watched by the garbage collector from when it holds something that may hold it:
 * until then it has no cycle, and no pass has to look inside. To be called before it is given
 * `value` to hold. */
static inline void engine_watch(Config *config, PyObject *value)
{
    if (value != NULL && PyObject_IS_GC(value) && !PyObject_GC_IsTracked((PyObject *)config))
        PyObject_GC_Track(config);
}
/* The identifier, or a partial one. -1 and an exception when it has none. */
int engine_identify(Config *config, const xpm_partial *partial, uint8_t bytes[XPM_IDENTIFIER_SIZE]);
/* Sets a parameter, checking and coercing. */
int engine_assign(Config *config, Parameter *parameter, PyObject *value);
/* Sets it to a value of its type, which is taken, without asking whether it may be set. */
int engine_store(Config *config, Parameter *parameter, PyObject *value);
/* The value in use. KeyError when there is none. */
PyObject *engine_value(Config *config, Parameter *parameter);
/* Makes what is lowered at each pass, before an identifier is computed or the configuration sealed:
 * lists, sets and dicts. With `sealing`, defaults that can change become the object's own, and
 * __validate__ is called. `order` (a list, or NULL) gets the configurations met, children first. */
int engine_pass(Config *config, bool sealing, PyObject *order);
/* The instance made of a configuration, if it was not made already. */
PyObject *engine_instance(xpm_config *native, const Instances *instances);
/* The value of a tag: what engine_lower makes of it, or of its text when it holds configurations. */
int engine_lower_tag(PyObject *value, const char *where, xpm_value *lowered);
/* Gives a configuration a tag, at the place of `tag`; NULL for the line that is executed. */
void engine_tag(Config *config, const char *name, const xpm_value *value, const Tag *tag);
/* An xpm_tell: logs a warning, under the name "xpm". */
void engine_warn(void *user, const char *message);
/* Whether code runs inside a task: Model() then makes an instance. */
extern bool engine_running;

/* The Class of a Python class, complete, so that objects of it can be made. Borrowed. */
Class *engine_class(PyObject *cls);

/* ---- Names of the past (deprecate.c) ------------------------------------------------------------ */

/* Sets a parameter by a name that it had before, or calls a deprecated setter; an error otherwise.
 * `given` has all that was given with it, by name. */
int engine_assign_old(Config *config, PyObject *name, PyObject *value, PyObject *given);
int engine_warn_deprecated(const Class *class_);
/* Methods of Class. */
PyObject *engine_class_deprecate(Class *self, PyObject *args);
PyObject *engine_class_rename_from(Class *self, PyObject *name);
PyObject *engine_class_renamed(Class *self, PyObject *args);
/* Whether a deprecated configuration is being converted: what it holds may be sealed. */
extern bool engine_converting;

/* ---- Identifiers (identifier.c) ------------------------------------------------------------------ */

extern PyTypeObject Identifier_Type, Handle_Type;

PyObject *engine_identifier(const uint8_t bytes[XPM_IDENTIFIER_SIZE]);
Py_hash_t engine_identifier_hash(const uint8_t bytes[XPM_IDENTIFIER_SIZE]);
/* What a configuration's __xpm__ is: an experimaestro.config.Information, which derives from Handle. */
PyObject *engine_handle(Config *config);

/* ---- Places in the user's code (provenance.c) ---------------------------------------------------- */

/* Where the user's code is: in the innermost frame that is not the package's. */
void engine_here(Place *place);
/* The line of a place that is known. */
int engine_line(const Place *place);
/* "file:line"; NULL, without exception, when the place is not known. */
PyObject *engine_place_text(const Place *place);
/* Remembers where a parameter is set, after the configuration was made. */
void engine_set_here(Config *config, size_t index);
/* Where a parameter was set, or else the configuration made. */
const Place *engine_place_of(const Config *config, size_t index);
void engine_forget_places(Config *config);
/* Adds "(set at file:line)" to the ValueError that is raised, if it is one of ours. */
void engine_blame(const Place *place);
/* Lets the library's messages say where a configuration was made. */
void engine_locate_for_library(void);

/* ---- Functions of the module --------------------------------------------------------------------- */

extern PyMethodDef engine_run_methods[];      /* run.c */
extern PyMethodDef engine_saved_methods[];    /* saved.c */
extern PyMethodDef engine_tag_methods[];      /* tag.c */
extern PyMethodDef engine_warm_methods[];     /* warm.c */
extern PyMethodDef engine_watch_methods[];    /* watch.c */
extern PyMethodDef engine_explain_methods[];  /* explain.c */
extern PyMethodDef engine_settings_methods[]; /* settings.c */

/* The attribute `name` of module `module`, imported when needed. */
PyObject *engine_import(const char *module, const char *name);
/* Pointers into a tuple of texts, which must live as long as they; ends with NULL. New: PyMem_Free.
 * NULL and an exception when one is no text. */
const char **engine_texts(PyObject *tuple);

#endif
