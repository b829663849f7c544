/*
 * experimaestro.h - the whole public interface of libexperimaestro.
 *
 * An experiment goes through its stages in one order: declare configuration types, build
 * configurations, identify them, submit tasks, let the scheduler launch them, and read what they
 * recorded. This header follows that order, and is enough to write a binding from alone.
 *
 * Errors. A fallible function takes `xpm_error *err` last, and returns NULL or -1 when it fails;
 * `err` may be NULL. The library never prints (but for xpm_main and the state lines that
 * XPM_DRY_RUN is asked to print) and never exits. When memory runs out it aborts.
 *
 * Ownership. Four words, each with one meaning:
 *   new       the caller owns what is returned, and releases it with the function named
 *   borrowed  the library owns it; the text says how long it lives
 *   copies    the library keeps a copy of what is given; the caller keeps its own
 *   takes     the library owns what is given from then on, even when the call fails
 *
 * Threads. Types are declared by one thread, while no other uses any; XPM_TASK and the like are, when
 * an experiment is opened. Several threads may build configurations, and submit to one experiment, each
 * its own; what was submitted is sealed, and may be held by those of all. A function of the caller
 * that is called while a task is submitted must not wait for another thread that submits. Jobs and
 * experiments may be asked about, and waited for, from any thread.
 */
#ifndef EXPERIMAESTRO_H
#define EXPERIMAESTRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XPM_VERSION "0.1.0"
#define XPM_API __attribute__((visibility("default")))

/* The version of the library that runs, which may be newer than XPM_VERSION. Borrowed, for ever. */
XPM_API const char *xpm_version(void);

/* ---- Memory ---------------------------------------------------------------------------------- */

/* As realloc(3): NULL and a size allocate, a pointer and 0 free. Must return NULL on failure. */
typedef void *(*xpm_allocator)(void *pointer, size_t size);

/* Replaces the allocator of the whole library; NULL restores the default. Call it before anything
 * else. It exists so that a test can see that nothing leaks. */
XPM_API void xpm_set_allocator(xpm_allocator allocator);

/* Forgets every declared type and frees what the library keeps for the life of the process. No
 * configuration, experiment or job may be alive. For tests, and programs that unload the library. */
XPM_API void xpm_reset(void);

/* Frees a string that a function returned as new. Accepts NULL. */
XPM_API void xpm_free(void *pointer);

/* ---- Errors ---------------------------------------------------------------------------------- */

#define XPM_CODES(X)                                                                               \
    X(OK, "no error")                                                                              \
    X(TYPE, "a value of the wrong type")                                                           \
    X(MISSING, "a required value is missing")                                                      \
    X(UNKNOWN, "a name that does not exist")                                                       \
    X(READONLY, "a value that cannot be set")                                                      \
    X(RANGE, "a value out of range")                                                               \
    X(CONFLICT, "a name that is taken")                                                            \
    X(STATE, "a call that is not possible now")                                                    \
    X(IO, "the file system refused")                                                               \
    X(FORMAT, "a file that cannot be understood")                                                  \
    X(VERSION, "a file of a newer version")                                                        \
    X(PLACE, "a path to generate, and no directory for it")                                        \
    X(CALLBACK, "a function of the caller failed")                                                 \
    X(MEMORY, "memory ran out")                                                                    \
    X(TIMEOUT, "the time is up")                                                                   \
    X(DIRTY, "sources with changes that are not committed")                                        \
    X(SYNTAX, "a text that cannot be understood")

typedef enum xpm_code {
#define XPM_CODE_ENUM(name, text) XPM_E_##name,
    XPM_CODES(XPM_CODE_ENUM)
#undef XPM_CODE_ENUM
} xpm_code;

typedef struct xpm_error {
    xpm_code code;
    char path[256];     /* the culprit: "$.model.layers[2]", a file's path, or "" */
    char message[1024]; /* what is wrong, and what would be right */
} xpm_error;

/* What a code stands for, as a phrase. Borrowed, for ever. */
XPM_API const char *xpm_code_text(xpm_code code);
/* Sets code, path ("" when NULL) and a message, as printf does; nothing when `err` is NULL. Always -1,
 * for a function of the caller to return. */
XPM_API int xpm_fail(xpm_error *err, xpm_code code, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- Types of values ------------------------------------------------------------------------- */

typedef enum xpm_kind {
    XPM_KIND_UNSET, /* no value: not a kind of type */
    XPM_KIND_NONE,
    XPM_KIND_BOOL,
    XPM_KIND_INT,
    XPM_KIND_FLOAT,
    XPM_KIND_STR,
    XPM_KIND_PATH,
    XPM_KIND_ENUM,
    XPM_KIND_LIST,
    XPM_KIND_TUPLE,
    XPM_KIND_SET,
    XPM_KIND_DICT,
    XPM_KIND_CONFIG,
    XPM_KIND_OPTIONAL, /* these four are kinds of types alone: a value is of another kind */
    XPM_KIND_UNION,
    XPM_KIND_VARIABLE,
    XPM_KIND_ANY,
} xpm_kind;

typedef struct xpm_type xpm_type; /* the type of a value: int, list[str], demo.model */
typedef struct xpm_value xpm_value;
typedef struct xpm_class xpm_class;   /* a declared type of configurations */
typedef struct xpm_config xpm_config; /* a configuration: an object of such a type */
typedef struct xpm_task xpm_task;     /* a task that runs, seen from inside its process */

/* Types are immutable and live as long as the process: all are borrowed, for ever. */

/* The type of NONE, BOOL, INT, FLOAT, STR, PATH or ANY. */
XPM_API const xpm_type *xpm_type_scalar(xpm_kind kind);
XPM_API const xpm_type *xpm_type_list(const xpm_type *item);
XPM_API const xpm_type *xpm_type_set(const xpm_type *item);
/* As many items as there are types, each of its own. Copies. */
XPM_API const xpm_type *xpm_type_tuple(const xpm_type *const *types, size_t count);
/* Any number of items of one type: what "tuple[int,...]" reads as. */
XPM_API const xpm_type *xpm_type_tuple_of(const xpm_type *item);
/* NULL when `key` cannot be that of keys: a list, a set, a dict, or configurations. */
XPM_API const xpm_type *xpm_type_dict(const xpm_type *key, const xpm_type *value);
/* `item` or none. */
XPM_API const xpm_type *xpm_type_optional(const xpm_type *item);
/* Any of `count` types, tried from left to right: the first that accepts a value wins. Copies. */
XPM_API const xpm_type *xpm_type_union(const xpm_type *const *types, size_t count);
/* An enumeration named `qualname` in `module`, with `count` members. Copies its texts. */
XPM_API const xpm_type *xpm_type_enum(const char *module, const char *qualname,
                                      const char *const *members, size_t count);
/* The same, of members that are ints or texts too (`values`, one a member): they count as these in
 * identifiers, and are accepted where an int or a str is. Copies all. */
XPM_API const xpm_type *xpm_type_enum_mixed(const char *module, const char *qualname,
                                            const char *const *members, const xpm_value *values,
                                            size_t count);
/* Configurations of `class`, or of a class that extends it. */
XPM_API const xpm_type *xpm_type_config(const xpm_class *class_);
/* A variable: it stands for one type in each configuration, that of the values which it has there
 * (docs/types.md, "Generic classes"). Values are of `bound` (NULL for any), but not coerced. Each
 * call makes another variable; `name` is for messages. */
XPM_API const xpm_type *xpm_type_variable(const char *name, const xpm_type *bound);
/* Configurations of a class in which each of its `variables` stands for one of `types`, as in
 * model[int]. Copies. */
XPM_API const xpm_type *xpm_type_config_of(const xpm_class *class_,
                                           const xpm_type *const *variables,
                                           const xpm_type *const *types, size_t count);
/* Reads a type from text: "int", "list[float]", "dict[str,list[int]]", "tuple[int,str]",
 * "tuple[int,...]", "int|str", "demo.model?" (optional). A name that is none of int, float, bool,
 * str, path, any is that of a declared class.
 * Errors: FORMAT, UNKNOWN. */
XPM_API const xpm_type *xpm_type_parse(const char *text, xpm_error *err);

XPM_API xpm_kind xpm_type_kind(const xpm_type *type); /* never UNSET */
/* What a list, a set, an optional, or a tuple has at `index` (any for the first three), the values of
 * a dict, or the alternatives of a union; NULL when there is none. */
XPM_API const xpm_type *xpm_type_item(const xpm_type *type, size_t index);
XPM_API const xpm_type *xpm_type_key(const xpm_type *type); /* of a dict; else NULL */
/* The class of which a value of the type, when there is one, is a configuration; NULL for another
 * type. Borrowed. */
XPM_API const xpm_class *xpm_type_class(const xpm_type *type);
/* The type's text, as xpm_type_parse reads it. New: xpm_free. */
XPM_API char *xpm_type_text(const xpm_type *type);
/* An enumeration's module, qualified name, and names of members (NULL past the last). Borrowed, for
 * ever. */
XPM_API const char *xpm_type_enum_module(const xpm_type *type);
XPM_API const char *xpm_type_enum_name(const xpm_type *type);
XPM_API const char *xpm_type_enum_member(const xpm_type *type, size_t index);

/* ---- Values ---------------------------------------------------------------------------------- */

/* A value, held by value: what it points to belongs to it. Built by the functions below, released
 * by xpm_value_clear or by the function that takes it. */
struct xpm_value {
    xpm_kind kind;
    uint32_t size; /* bytes of a text, items of a list, tuple or set, pairs of a dict, index of a
                      member */
    union {
        bool boolean;
        int64_t integer;
        double real;
        char *text;                /* STR, PATH: UTF-8, with a final NUL that size does not count */
        struct xpm_value *items;   /* LIST, TUPLE, SET: size items; DICT: size pairs key, value */
        const xpm_type *enum_type; /* ENUM: its member is number size */
        xpm_config *config;
    } as;
};

/* Each gives a new value. A collection is empty at first. */
XPM_API xpm_value xpm_none(void);
XPM_API xpm_value xpm_bool(bool boolean);
XPM_API xpm_value xpm_int(int64_t integer);
XPM_API xpm_value xpm_float(double real);
XPM_API xpm_value xpm_str(const char *text);                     /* copies; NULL gives none */
XPM_API xpm_value xpm_str_sized(const char *text, size_t size);  /* copies */
XPM_API xpm_value xpm_path(const char *path);                    /* copies; NULL gives none */
XPM_API xpm_value xpm_enum(const xpm_type *type, size_t member); /* numbered from 0 */
XPM_API xpm_value xpm_object(xpm_config *config); /* adds a reference; NULL gives none */
XPM_API xpm_value xpm_list_new(void);
XPM_API xpm_value xpm_tuple_new(void);
XPM_API xpm_value xpm_set_new(void);
XPM_API xpm_value xpm_dict_new(void);
/* Also to a tuple or a set. Takes the item. */
XPM_API void xpm_list_append(xpm_value *list, xpm_value item);
XPM_API void xpm_dict_append(xpm_value *dict, xpm_value key, xpm_value value); /* takes both */
XPM_API xpm_value xpm_value_copy(const xpm_value *value); /* shares configurations */
XPM_API void xpm_value_clear(xpm_value *value);           /* releases, and sets to UNSET */

/* Builds a list, a tuple, a set or a dict from values in a row (keys and values in turn; a key
 * without value is dropped). Takes them. */
XPM_API xpm_value xpm_list_of(size_t count, xpm_value *values);
XPM_API xpm_value xpm_tuple_of(size_t count, xpm_value *values);
XPM_API xpm_value xpm_set_of(size_t count, xpm_value *values);
XPM_API xpm_value xpm_dict_of(size_t count, xpm_value *values);

/* What a collection has: item `index` of a list, a tuple or a set, key or value of pair `index` of a
 * dict. Borrowed from it; NULL past the last, and when it is no such collection (or NULL). */
XPM_API const xpm_value *xpm_list_at(const xpm_value *list, size_t index);
XPM_API const xpm_value *xpm_dict_key(const xpm_value *dict, size_t index);
XPM_API const xpm_value *xpm_dict_at(const xpm_value *dict, size_t index);
/* The value that a dict has for a text, or for any key; NULL when there is none. Borrowed from it. */
XPM_API const xpm_value *xpm_dict_get(const xpm_value *dict, const char *key);
XPM_API const xpm_value *xpm_dict_find(const xpm_value *dict, const xpm_value *key);
/* Whether two values are equal, as Python's == (1, 1.0 and true are; the order in a set or a dict does
 * not matter). Configurations are when they have the same class and equal values. */
XPM_API bool xpm_value_equal(const xpm_value *a, const xpm_value *b);
/* Reads a value of a type from JSON: a set or a tuple is an array, a dict an object, a member of an
 * enumeration its name. New: xpm_value_clear. Errors: FORMAT, TYPE, RANGE. */
XPM_API int xpm_value_parse(const xpm_type *type, const char *json, xpm_value *value,
                            xpm_error *err);

/* Checks that `value` is of `type`, coercing it in place as Python users expect ("3" to 3, 2.0 to
 * 2, 3 to 3.0, a list to a tuple); what a set or a dict then holds twice it holds once. The
 * error's path starts with `where` ("$" when NULL). Errors: TYPE, RANGE, STATE (a task that was not
 * submitted). */
XPM_API int xpm_check(const xpm_type *type, xpm_value *value, const char *where, xpm_error *err);

/* ---- Declaring classes ----------------------------------------------------------------------- */

typedef enum xpm_class_flag {
    XPM_CLASS_TASK = 1,        /* can be submitted */
    XPM_CLASS_LIGHTWEIGHT = 2, /* can be an init task */
    XPM_CLASS_INSTANCE = 4,    /* distinct objects with equal parameters are told apart */
    XPM_CLASS_SAVER = 8,       /* an xpm_data_saver is asked for its data */
    XPM_CLASS_RESUMABLE = 16,  /* goes on where it was when it is started again: see xpm_retry */
} xpm_class_flag;

typedef enum xpm_parameter_flag {
    XPM_META = 1,            /* does not count in the identifier */
    XPM_CONSTANT = 2,        /* always its default, always counts */
    XPM_IGNORED_DEFAULT = 4, /* does not count when equal to its default */
    XPM_NONE_IS_DEFAULT = 8, /* none, when it is given, stands for the default */
    XPM_DATA = 16,           /* a path whose file or folder is copied when it is saved */
} xpm_parameter_flag;

typedef struct xpm_partial xpm_partial; /* a rule that leaves groups of parameters out */

/* Where a value is being generated. */
typedef struct xpm_generation {
    const char *directory; /* the job's, absolute */
    const char *relative;  /* "" for the task itself, "out/model" for what its `model` holds */
    const xpm_config *config;
} xpm_generation;

/* Gives a generated parameter its value. Must set `err` when it returns -1. */
typedef int (*xpm_generator)(void *user, const xpm_generation *where, xpm_value *value,
                             xpm_error *err);

typedef struct xpm_parameter {
    const char *name;
    const xpm_type *type;
    unsigned flags;            /* of xpm_parameter_flag */
    xpm_value fallback;        /* its default; UNSET when it has none */
    const char *file;          /* the path generated is this file in the job's directory, or NULL */
    const xpm_partial *shared; /* with `file`: in this partial identifier's directory instead */
    xpm_generator generate;    /* or the function that generates it, with its argument */
    void *generate_user;
    const char *const *groups; /* ends with NULL; NULL for none */
    /* names that it had before: still taken by xpm_config_set, and read in old files; ends with
     * NULL; NULL for none */
    const char *const *renamed_from;
    const char *help;         /* one or more sentences, or NULL */
    const xpm_value *choices; /* the values that it may have, or NULL for any of its type */
    size_t choice_count;
    size_t offset; /* of the member in the C struct */
} xpm_parameter;

/* Declares a class. `name` identifies it (it is lower-cased); `module` and `qualname` say where a
 * Python class lives, and `file` which script when it is no package (NULL for others); `origin`
 * says where it is declared, for messages: a second declaration of the same name from the same
 * origin replaces the first. `bases` are the `base_count` classes that it extends, whose parameters
 * it inherits. Copies all. Borrowed, for ever. Errors: CONFLICT (the name is taken by another). */
typedef struct xpm_declaration {
    const char *name, *module, *qualname, *file, *origin;
    unsigned flags; /* of xpm_class_flag */
    const xpm_class *const *bases;
    size_t base_count;
    const char *language; /* "c" or "python": which program runs it */
    const char *program;  /* the program of a native task that is not this one, or NULL */
    void *user;           /* the binding's own */
} xpm_declaration;
XPM_API xpm_class *xpm_class_declare(const xpm_declaration *declaration, xpm_error *err);

/* Adds a parameter, replacing an inherited one of the same name. Copies; takes its default.
 * Errors: TYPE (the default or a choice is not of the type, a constant without default, an
 * inherited parameter of an incompatible type), RANGE (the default is not among the choices), STATE
 * (a configuration of the class exists already). */
XPM_API int xpm_class_add(xpm_class *class_, const xpm_parameter *parameter, xpm_error *err);
/* Takes over the parameters of one of its bases, again: those that were added to it, or replaced in
 * it, since the class was declared. Before the class adds its own. */
XPM_API void xpm_class_inherit(xpm_class *class_, const xpm_class *base);

/* Says what a variable of the classes that it extends stands for in a class: the parameters that it
 * inherits are of this type. Before any configuration of it exists. */
XPM_API void xpm_class_bind(xpm_class *class_, const xpm_type *variable, const xpm_type *type);

XPM_API const xpm_class *xpm_class_find(const char *name); /* NULL when there is none */
/* Finds the class of an object in a file, in a program that has its own way of finding them; NULL and
 * an error when there is none. */
typedef const xpm_class *(*xpm_resolver)(void *user, const char *name, const char *module,
                                         const char *qualname, const char *file, xpm_error *err);
/* The name that identifies it, in lower case: that of another class when it is deprecated. */
XPM_API const char *xpm_class_name(const xpm_class *class_);
XPM_API unsigned xpm_class_flags(const xpm_class *class_); /* of xpm_class_flag */
XPM_API void *xpm_class_user(const xpm_class *class_);     /* as it was declared */
/* Whether it is `base`, or extends it, directly or not. */
XPM_API bool xpm_class_is(const xpm_class *class_, const xpm_class *base);
/* Parameters are numbered in ascending order of name. */
XPM_API size_t xpm_class_count(const xpm_class *class_);
XPM_API const xpm_parameter *xpm_class_parameter(const xpm_class *class_, size_t index);
XPM_API int xpm_class_index(const xpm_class *class_, const char *name); /* -1 when unknown */
/* The number of the one parameter whose type is `given`, a class that it extends, or an optional one
 * of these; -1 when there is none, or more than one. Errors: CONFLICT. */
XPM_API int xpm_class_index_for(const xpm_class *class_, const xpm_class *given, xpm_error *err);
/* "unknown parameter …, did you mean …?" into err, and -1: the message that setting would give. */
XPM_API int xpm_class_unknown(const xpm_class *class_, const char *name, xpm_error *err);
/* The parameter that was called `name` before (renamed_from); -1 when there is none. */
XPM_API int xpm_class_renamed(const xpm_class *class_, const char *name);

/* Makes the configuration that counts in place of a deprecated one: a new one, of which the library
 * takes hold, or one that exists. NULL when it failed, with `err` set. Called when the deprecated
 * one is identified, once when it is sealed. */
typedef xpm_config *(*xpm_converter)(void *user, xpm_config *deprecated, xpm_error *err);

/* Says that a class is deprecated: it is identified under the name of `by`, which is declared. With
 * `convert`, its configurations are identified as what they convert to; without, by their own
 * parameters. Call it before the first of them exists. Errors: STATE. */
XPM_API int xpm_class_deprecate(xpm_class *class_, const xpm_class *by, xpm_converter convert,
                                void *user, xpm_error *err);
/* The class that it is deprecated for; NULL when it is not. */
XPM_API const xpm_class *xpm_class_deprecated_by(const xpm_class *class_);
/* Says that a class had another name: files written then find it, as xpm_class_find does, unless a
 * class is declared under that name. Its identifiers are those of its present name. Copies. */
XPM_API void xpm_class_rename_from(xpm_class *class_, const char *name);

/* Declares a partial identifier of a class, under `name`: groups in `exclude` are left out, or all
 * parameters that have a group (`exclude_all`) or have none (`exclude_no_group`), but for those
 * with a group in `include`. Lists end with NULL, or are NULL. Copies. Borrowed, for ever. */
typedef struct xpm_partial_rule {
    const char *const *exclude, *const *include;
    bool exclude_all, exclude_no_group;
} xpm_partial_rule;
XPM_API const xpm_partial *xpm_class_add_partial(xpm_class *class_, const char *name,
                                                 const xpm_partial_rule *rule);
/* That of a class, or of one that it extends; NULL when there is none. */
XPM_API const xpm_partial *xpm_class_partial(const xpm_class *class_, const char *name);

/* ---- Configurations -------------------------------------------------------------------------- */

/* A configuration counts its references. A new one is floating: it has none yet, and whatever takes
 * hold of it first (the configuration it is given to, the experiment, xpm_config_ref) owns it. One
 * that nothing takes hold of is released by xpm_config_unref. */
XPM_API xpm_config *xpm_config_new(const xpm_class *class_);
XPM_API xpm_config *xpm_config_ref(xpm_config *config);
XPM_API void xpm_config_unref(xpm_config *config); /* accepts NULL */
/* Gives a reference up to whoever takes hold of it next: the last one leaves it floating. */
XPM_API xpm_config *xpm_config_yield(xpm_config *config);
/* Tells where the program made a configuration, as "file:line" or "", for messages. */
typedef void (*xpm_locator)(const xpm_config *config, char *text, size_t size);
/* Messages then say it. NULL, as at first: they do not. */
XPM_API void xpm_set_locator(xpm_locator locator);
/* Drops all the values of an unsealed configuration: how a cycle is broken. A sealed one keeps them
 * (others may hold it): those that hold one another in a cycle live as long as the process. */
XPM_API void xpm_config_clear(xpm_config *config);

XPM_API const xpm_class *xpm_config_class(const xpm_config *config); /* never NULL */
/* The binding's own pointer to what stands for the configuration there; NULL at first. */
XPM_API void xpm_config_set_user(xpm_config *config, void *user);
XPM_API void *xpm_config_user(const xpm_config *config);

/* Sets a parameter, checking and coercing it. Takes the value. Errors: UNKNOWN, READONLY (sealed,
 * constant, generated), TYPE, RANGE, STATE. */
XPM_API int xpm_config_set(xpm_config *config, const char *name, xpm_value value, xpm_error *err);
/* Checks and coerces a value for parameter `index`: its type, its choices, and what the variables of
 * its type stand for, which the configuration then keeps; where there is a default, none is a value
 * too. The error's path starts with `where` ("$.name" when NULL). Errors: TYPE, RANGE, STATE. */
XPM_API int xpm_config_check(xpm_config *config, size_t index, xpm_value *value, const char *where,
                             xpm_error *err);
/* Sets by number, without the check: the value must have been through xpm_config_check. */
XPM_API void xpm_config_put(xpm_config *config, size_t index, xpm_value value);
/* The value, else the default; NULL when there is neither or the name is unknown. Borrowed until
 * the value is set again or the configuration is freed. */
XPM_API const xpm_value *xpm_config_get(const xpm_config *config, const char *name);
XPM_API const xpm_value *xpm_config_at(const xpm_config *config, size_t index);

/* Whether the configuration counts in what holds it: 1 never (meta), 0 always, -1 as declared. */
XPM_API void xpm_config_set_meta(xpm_config *config, int meta);
XPM_API int xpm_config_meta(const xpm_config *config);

/* Marks `output` as produced by `task`: whoever uses it depends on the task. Marking a task with
 * itself changes nothing. Errors: STATE (another task's output, another task). */
XPM_API int xpm_config_set_task(xpm_config *output, xpm_config *task, xpm_error *err);
/* The same of what a task announces while it runs (xpm_task_register_output): whoever uses it does not
 * wait for the task, though it counts in its identifier. */
XPM_API int xpm_config_set_task_soft(xpm_config *output, xpm_config *task, xpm_error *err);
XPM_API xpm_config *xpm_config_task(const xpm_config *config); /* borrowed; NULL when none */
/* Of a configuration that was loaded without the task that made it: the task's type (as declared)
 * and identifier (hexadecimal). Borrowed from the configuration; NULL for others. */
XPM_API const char *xpm_config_task_type(const xpm_config *config);
XPM_API const char *xpm_config_task_identifier(const xpm_config *config);
/* Adds a lightweight task that runs in the task's process before it. Errors: TYPE, READONLY. */
XPM_API int xpm_config_add_init_task(xpm_config *task, xpm_config *init, xpm_error *err);
/* Its init tasks in order, borrowed; NULL past the last. */
XPM_API xpm_config *xpm_config_init_task(const xpm_config *task, size_t index);
/* Makes a task wait for another, or for the task that `on` is an output of, without taking anything
 * from it: the identifier does not change. Errors: STATE (`on` is of no task; `task` is submitted
 * already), TYPE (not a task). */
XPM_API int xpm_config_add_dependency(xpm_config *task, xpm_config *on, xpm_error *err);
/* Those that were added, borrowed; NULL past the last. */
XPM_API xpm_config *xpm_config_dependency(const xpm_config *task, size_t index);

/* A tag: what varies, for people. `value` holds no configuration; copies. The second says where it
 * is set. */
XPM_API void xpm_config_tag(xpm_config *config, const char *name, const xpm_value *value);
XPM_API void xpm_config_tag_at(xpm_config *config, const char *name, const xpm_value *value,
                               const char *file, int line);
/* Whether the tags of what a parameter holds stay there; setting it by xpm_config_set ends this. */
XPM_API void xpm_config_stop_tags(xpm_config *config, size_t parameter, bool stop);
/* All tags of a configuration: its own and those of what it holds, through tasks and init tasks.
 * Of one name, the last met is kept: what holds comes after what it holds. A dict sorted by name.
 * New: xpm_value_clear. The second tells, in a sentence, of each name that has two values. */
XPM_API xpm_value xpm_config_tags(const xpm_config *config);
typedef void (*xpm_tell)(void *user, const char *message);
XPM_API xpm_value xpm_config_tags_telling(const xpm_config *config, xpm_tell tell, void *user);

/* Calls `visit` once for each configuration that this one holds, itself first: through lists, sets,
 * dicts and init tasks, but not from an output to its task. `visit` says whether to go inside. */
typedef bool (*xpm_visitor)(void *user, xpm_config *config);
XPM_API void xpm_config_visit(xpm_config *config, xpm_visitor visit, void *user);

/* Validates, generates values, and makes everything read-only. `directory` is where generated paths
 * go: NULL refuses to generate any. Sealing again does nothing. Errors: MISSING, PLACE, CALLBACK; a
 * configuration that is refused stays as it was. */
XPM_API int xpm_config_seal(xpm_config *config, const char *directory, xpm_error *err);
XPM_API bool xpm_config_sealed(const xpm_config *config);

/* ---- Identifiers ----------------------------------------------------------------------------- */

#define XPM_IDENTIFIER_SIZE 32
#define XPM_HEX_SIZE 65 /* 64 digits and NUL */

/* The identifier, equal to that of experimaestro 2.x for the same names and values
 * (docs/identifiers.md). Errors: TYPE (a value that cannot be identified). */
XPM_API int xpm_config_identifier(xpm_config *config, uint8_t identifier[XPM_IDENTIFIER_SIZE],
                                  xpm_error *err);
XPM_API int xpm_config_partial_identifier(xpm_config *config, const xpm_partial *partial,
                                          uint8_t identifier[XPM_IDENTIFIER_SIZE], xpm_error *err);
/* Where, in a value at `where` ("$.part"), there are values that were generated when their
 * configuration was sealed for one place: "$.part.file, $.part.inner.file". Given to another
 * configuration, they would not be its own. What is the output of a task is not looked into. NULL
 * when there are none. New: xpm_free. */
XPM_API char *xpm_value_generated(const xpm_value *value, const char *where);
/* Whether two configurations are equal: two sealed ones by their identifiers, others by their
 * classes and values, defaults included. 1 or 0; -1 when one cannot be identified. Errors: TYPE. */
XPM_API int xpm_config_equal(xpm_config *a, xpm_config *b, xpm_error *err);
XPM_API void xpm_identifier_hex(const uint8_t identifier[XPM_IDENTIFIER_SIZE],
                                char hex[XPM_HEX_SIZE]);

/* ---- Experiments and jobs -------------------------------------------------------------------- */

typedef struct xpm_experiment xpm_experiment;
typedef struct xpm_job xpm_job;

typedef enum xpm_run_mode {
    XPM_NORMAL,
    XPM_DRY_RUN,       /* says what would run; writes nothing */
    XPM_GENERATE_ONLY, /* writes each job's folder; runs nothing */
    XPM_PREPARE,       /* as XPM_DRY_RUN, but says nothing: for who prepares what jobs need */
} xpm_run_mode;

#define XPM_JOB_STATES(X)                                                                          \
    X(UNSCHEDULED, "unscheduled")                                                                  \
    X(TRANSIENT, "transient") /* not run, as nothing needs it: see xpm_transient */                \
    X(WAITING, "waiting")                                                                          \
    X(READY, "ready")                                                                              \
    X(SCHEDULED, "scheduled")                                                                      \
    X(RUNNING, "running")                                                                          \
    X(DONE, "done")                                                                                \
    X(ERROR, "error")

typedef enum xpm_job_state {
#define XPM_JOB_STATE_ENUM(name, text) XPM_JOB_##name,
    XPM_JOB_STATES(XPM_JOB_STATE_ENUM)
#undef XPM_JOB_STATE_ENUM
        XPM_JOB_STATE_COUNT
} xpm_job_state;

/* Some states, a bit each. */
#define XPM_STATE(name) (1u << XPM_JOB_##name)
#define XPM_ALL_STATES ((1u << XPM_JOB_STATE_COUNT) - 1)

#define XPM_REASONS(X)                                                                             \
    X(NONE, "")                                                                                    \
    X(DEPENDENCY, "dependency")                                                                    \
    X(FAILED, "failed")                                                                            \
    X(MEMORY, "memory")                                                                            \
    X(TIMEOUT, "timeout")                                                                          \
    X(CANCELLED, "cancelled")                                                                      \
    X(LOST, "lost")                                                                                \
    X(MISSING_OUTPUTS, "missing_outputs") /* it says that it has ended, and no marker does */

typedef enum xpm_reason {
#define XPM_REASON_ENUM(name, text) XPM_REASON_##name,
    XPM_REASONS(XPM_REASON_ENUM)
#undef XPM_REASON_ENUM
        XPM_REASON_COUNT
} xpm_reason;

XPM_API const char *xpm_job_state_text(xpm_job_state state); /* borrowed, for ever */
XPM_API const char *xpm_reason_text(xpm_reason reason);      /* borrowed, for ever */

/* What a job may use; 0 is no limit. At `seconds`, its process is told to end, as when it is cancelled,
 * and fails with the reason TIMEOUT. Beyond `memory` (bytes of data that it asks the kernel for),
 * allocations fail. */
typedef struct xpm_limits {
    double seconds;
    int64_t memory;
} xpm_limits;

/* When a failed job is started again in the same run: for a reason in `on`, a set of XPM_ON(reason),
 * `times` times at most (0 for the experiment's max_retries), with its limits multiplied each time by
 * `more_time` and `more_memory` (0 for as they were). Without one, a resumable task is started
 * again on TIMEOUT, and another never. How often a resumable job has failed is kept in its folder: at
 * `times`, submitting it again does not start it, until it is submitted with more. */
typedef struct xpm_retry {
    unsigned on;
    int times;
    double more_time, more_memory;
} xpm_retry;
#define XPM_ON(reason) (1u << XPM_REASON_##reason)

/* How much a job's result is wanted for itself. */
typedef enum xpm_transient {
    XPM_TRANSIENT_NONE,   /* it is run */
    XPM_TRANSIENT_KEEP,   /* run only when a job that is not transient waits for it */
    XPM_TRANSIENT_REMOVE, /* the same, and its folder is removed when the run has ended well */
} xpm_transient;

/* What is done when git knows of changes in the sources that are not committed. */
typedef enum xpm_dirty_git {
    XPM_DIRTY_IGNORE,
    XPM_DIRTY_WARN,  /* tells `warn` */
    XPM_DIRTY_ERROR, /* the experiment is not opened */
} xpm_dirty_git;

#define XPM_KEEP_NONE (-1) /* in the place of how many runs are kept */

typedef struct xpm_experiment_options {
    xpm_run_mode mode;
    int slots;           /* jobs that run at once; 0 for one a core that this process may use */
    const char *program; /* what runs native tasks; NULL for this very program */
    const char *python;  /* the interpreter that runs Python tasks; NULL refuses them */
    int max_retries;     /* of resumable tasks; 0 for 3, negative for none */
    xpm_limits limits;   /* of each job, unless it is given others */
    /* Told while the experiment's lock is held by another; may be NULL. */
    void (*waiting)(void *user, const char *holder);
    /* Asked before it waits for that lock, and when a signal came meanwhile: true gives up. May be
     * NULL. */
    bool (*interrupted)(void *user);
    int signals; /* a descriptor from which there is something to read when a signal came; 0 for none:
                    one that comes just before it waits is then seen late */
    /* Told of what is odd in a task that is submitted, and no error: two values for one tag. May be
     * NULL. */
    void (*warn)(void *user, const char *message);
    void *user;
    /* Folders of the sources, of which git is asked; ends with NULL. NULL: that of `program`. */
    const char *const *projects;
    xpm_dirty_git dirty_git;
    /* How many runs that succeeded, and that failed, are kept when this one ends; 0 for all, negative for
     * none. With a limit, a success also removes the runs that failed before it (docs/formats.md). */
    int history_max_done, history_max_failed;
    /* A command that calls xpm_environment_capture, in the library's place; ends with NULL. It gets
     * the run's folder and `known` as its last arguments, and goes on by itself. May be NULL. */
    const char *const *capture;
} xpm_experiment_options;

/* Opens a run of experiment `name` in a workspace, making both when they do not exist, and starts
 * its scheduler. One run of an experiment exists at a time: waits for the lock of another. Options
 * may be NULL. New: xpm_experiment_close. Errors: IO (unwritable, a file and no folder), STATE (a
 * name that is not one component of a path; interrupted), DIRTY. */
XPM_API xpm_experiment *xpm_experiment_open(const char *workspace, const char *name,
                                            const xpm_experiment_options *options, xpm_error *err);

/* Writes environment.json in a run's folder: what is `known` (a JSON object), what git says of the
 * projects (folders; ends with NULL), and `more` (a JSON object, or NULL). Errors: IO. */
XPM_API int xpm_environment_capture(const char *run, const char *known, const char *const *projects,
                                    const char *more, xpm_error *err);

/* Adds to the environment of all jobs submitted later. Copies. */
XPM_API void xpm_experiment_setenv(xpm_experiment *xp, const char *name, const char *value);

/* Counts of the run's jobs; a job submitted twice counts once. */
typedef struct xpm_counts {
    size_t submitted, waiting, running, done, failed;
    size_t transient; /* that nothing needed */
    size_t started;   /* processes started by this run: 0 when all was done already */
} xpm_counts;
XPM_API xpm_counts xpm_experiment_counts(const xpm_experiment *xp);

/* Lists an action that people may carry out on the experiment's results: what runs it is not the
 * engine's. Seals the configuration, whose identifier, put into `hex`, names the action. Written to
 * the run's files when the mode is NORMAL. Copies. Errors: those of sealing and identifying; IO. */
XPM_API int xpm_experiment_add_action(xpm_experiment *xp, xpm_config *action,
                                      const char *description, char hex[XPM_HEX_SIZE],
                                      xpm_error *err);

/* Why the plan's jobs would run, in any mode: for each type how many are done, would run, or would
 * run again after a failure, and how many differ in the same parameters from the nearest finished
 * jobs; then the totals. For the thread that submits. New: xpm_free. */
XPM_API char *xpm_experiment_explain(xpm_experiment *xp);

/* Waits until every submitted job has ended, and who listens (notices.h) has dealt with every notice; or
 * `seconds` have passed (forever when negative), or the experiment is stopped. A thread that waits
 * before it has cleared its notice does not wait for notices. Returns how many jobs have not ended; 1
 * for notices alone. */
XPM_API size_t xpm_experiment_wait(xpm_experiment *xp, double seconds);
/* The same, which also ends when there is something to read from descriptor `fd` (-1 for none): how a
 * signal ends a wait. Nothing is read from it. */
XPM_API size_t xpm_experiment_wait_or(xpm_experiment *xp, double seconds, int fd);
/* Starts no further job; those that run go on. When it returns, none is being started. */
XPM_API void xpm_experiment_stop(xpm_experiment *xp);
/* The same; and the run's end will be recorded as "detached", whatever its jobs do. */
XPM_API void xpm_experiment_detach(xpm_experiment *xp);
/* Gives to Slurm all jobs that it can have, from now on, those too that wait for others which it has: it
 * keeps them in order, and each looks, before it begins, whether what it depends on is done. Waits until
 * it has all jobs that have not ended, so that those which run elsewhere are waited for; or `seconds` have
 * passed (forever when negative), or the experiment is stopped. Returns how many need this process still:
 * with 0, xpm_experiment_detach and xpm_experiment_close leave the rest to Slurm, and the next run takes it
 * back. Not in a callback. */
XPM_API size_t xpm_experiment_hand_over(xpm_experiment *xp, double seconds);
/* The same, which also ends when there is something to read from descriptor `fd` (-1 for none). */
XPM_API size_t xpm_experiment_hand_over_or(xpm_experiment *xp, double seconds, int fd);
/* Stops, and cancels the jobs that run, as xpm_job_cancel. Returns how many. They have ended after
 * xpm_experiment_drain. */
XPM_API size_t xpm_experiment_cancel(xpm_experiment *xp);
/* Waits until no job of a stopped experiment runs, or `seconds` have passed (forever when negative).
 * Returns how many run. */
XPM_API size_t xpm_experiment_drain(xpm_experiment *xp, double seconds);
/* The same, which also ends when there is something to read from descriptor `fd` (-1 for none). */
XPM_API size_t xpm_experiment_drain_or(xpm_experiment *xp, double seconds, int fd);
/* Ends the run, recording its end as "done" or "failed", and frees it. Jobs that still run go on
 * without it. Accepts NULL. Errors: IO. */
XPM_API int xpm_experiment_close(xpm_experiment *xp, bool failed, xpm_error *err);

/* Its job number `i` in order of submission, from the thread that submits; NULL past the last. Borrowed
 * until the experiment is closed. */
XPM_API xpm_job *xpm_experiment_job(const xpm_experiment *xp, size_t i);
/* Borrowed until the experiment is closed; the run's folder is NULL unless the mode is NORMAL. */
XPM_API const char *xpm_experiment_workspace(const xpm_experiment *xp);
XPM_API const char *xpm_experiment_name(const xpm_experiment *xp);
XPM_API const char *xpm_experiment_run(const xpm_experiment *xp);
XPM_API const char *xpm_experiment_run_directory(const xpm_experiment *xp);

/* The job of a task: validates and seals the configuration, and finds what it depends on. The same
 * parameters give the same job. Takes a reference to the task. New: xpm_job_unref. Errors: all
 * those of sealing and identifying; TYPE (not a task); STATE (the task was submitted already);
 * CONFLICT (an equal job of another class). */
XPM_API xpm_job *xpm_job_new(xpm_experiment *xp, xpm_config *task, xpm_error *err);
/* Changes the job's environment, over the inherited one, before it is submitted. Copies. */
XPM_API void xpm_job_setenv(xpm_job *job, const char *name, const char *value);
/* What it is set to by the job, its launcher or its experiment; once the job is submitted, all that it
 * inherits too. Borrowed, until it is set again; NULL when it is not set. */
XPM_API const char *xpm_job_getenv(const xpm_job *job, const char *name);
/* Number `index` of the same, as NAME=VALUE; of those with one name the first counts. NULL past the last. */
XPM_API const char *xpm_job_variable(const xpm_job *job, size_t index);
/* Its limits, its policy of retries, and whether it is transient, before it is submitted. Of a job that
 * was submitted already, as an equal task, the larger number of retries counts, and the mode in which
 * its result is wanted more. Copies. */
XPM_API void xpm_job_set_limits(xpm_job *job, const xpm_limits *limits);
XPM_API void xpm_job_set_retry(xpm_job *job, const xpm_retry *retry);
XPM_API void xpm_job_set_max_retries(xpm_job *job, int times); /* of its policy, whichever it is */
XPM_API void xpm_job_set_transient(xpm_job *job, xpm_transient mode);
/* Hands the job to the scheduler. A job that was submitted already is not again, unless it had
 * failed. A job that is done is not run. Errors: IO. */
XPM_API int xpm_job_submit(xpm_job *job, xpm_error *err);
/* Tells the process of a job that runs to end: SIGTERM, and SIGKILL to it and what it started when it
 * has not ended 30 seconds later. One that waits does not run any more. It ends in error, with the
 * reason CANCELLED. False when it has ended, or was not submitted. */
XPM_API bool xpm_job_cancel(xpm_job *job);
/* Gives up a task of which xpm_job_new made the job: it can be submitted again, and its job, unless
 * an equal task was submitted, is not. */
XPM_API void xpm_job_withdraw(xpm_job *job, xpm_config *task);
/* Keeps a job that is not submitted yet from starting until it was released as often as it was
 * held: for what must be prepared first. A release with a `failure` makes the job fail with this
 * message; copies. Any thread may release, until the experiment is closed. False when the job was
 * submitted already, and is not held. */
XPM_API bool xpm_job_hold(xpm_job *job);
XPM_API void xpm_job_release(xpm_job *job, const char *failure);

XPM_API xpm_job *xpm_job_ref(xpm_job *job); /* the job itself */
XPM_API void xpm_job_unref(xpm_job *job);   /* accepts NULL */
/* As its experiment knows it, from any thread; the reason is NONE unless it is in error. */
XPM_API xpm_job_state xpm_job_state_now(const xpm_job *job);
XPM_API xpm_reason xpm_job_reason(const xpm_job *job);
/* Whether the workspace says that it has succeeded, in this run or before. */
XPM_API bool xpm_job_is_done(const xpm_job *job);
/* Waits until the job has ended, or `seconds` have passed (forever when negative), and returns its
 * state then. One that will not end (xpm_job_is_pending) is not waited for. */
XPM_API xpm_job_state xpm_job_wait(xpm_job *job, double seconds);
/* The same, which also ends when there is something to read from `fd`, as xpm_experiment_wait_or. */
XPM_API xpm_job_state xpm_job_wait_or(xpm_job *job, double seconds, int fd);
/* Whether it has not ended, and will: it was submitted, its experiment runs jobs, and was not stopped
 * before the job was started. */
XPM_API bool xpm_job_is_pending(const xpm_job *job);
XPM_API const char *xpm_job_identifier(const xpm_job *job); /* 64 hex digits; borrowed */
XPM_API const char *xpm_job_type(const xpm_job *job);       /* its class's name; borrowed */
XPM_API const char *xpm_job_name(const xpm_job *job);       /* last component of the type */
XPM_API const char *xpm_job_directory(const xpm_job *job);  /* absolute; borrowed */

/* Why the job is where it is, as xpm_explain says; of one that left nothing on disk, why it would
 * run: how it differs from the nearest finished job of its type. New: xpm_free. */
XPM_API char *xpm_job_explain(xpm_job *job);

/* xpm_job_new and xpm_job_submit in one. Returns the task itself, or what its XPM_OUTPUT function
 * makes, borrowed until the experiment is closed, so that it can be given to other tasks; NULL when it
 * failed. */
XPM_API xpm_config *xpm_submit(xpm_experiment *xp, xpm_config *task, xpm_error *err);

/* The directory that tasks share whose partial identifiers are equal, absolute. New: xpm_free. */
XPM_API char *xpm_partial_directory(const char *workspace, xpm_config *config,
                                    const xpm_partial *partial, xpm_error *err);

/* ---- Reading a workspace -------------------------------------------------------------------------- */

/* The jobs of an experiment's latest run, or of all the workspace (`experiment` is NULL), that are in
 * one of these states (XPM_ALL_STATES), in order of type and identifier: a JSON array of the objects
 * that `experimaestro jobs list --json` prints (docs/formats.md). It reads what is on disk, as any
 * process can. New: xpm_free. Errors: IO, STATE (no workspace there), UNKNOWN (no such experiment has
 * run), VERSION (a log of a newer version). */
XPM_API char *xpm_jobs_json(const char *workspace, const char *experiment, unsigned states,
                            xpm_error *err);
/* How many of them are in each state: `counts` has a place for each xpm_job_state. For an experiment
 * it comes from an index of the workspace (docs/formats.md), which is brought up to date first: a job
 * that its log says is done is believed, every other is looked at. Errors: the same. */
XPM_API int xpm_jobs_count(const char *workspace, const char *experiment,
                           size_t counts[XPM_JOB_STATE_COUNT], xpm_error *err);
/* The states of a text like "done,error", in capitals or not. Errors: UNKNOWN. */
XPM_API int xpm_states_parse(const char *names, unsigned *states, xpm_error *err);

/* What is known of a job that failed, for people: why, when, where, its last words, and the commands
 * that run it again. It reads the job's folder, as any process can. New: xpm_free. */
XPM_API char *xpm_job_card(const char *directory);
/* The same of several: the first ones whole, then a line each; and how many more jobs, `dependent`,
 * were not started since these failed. New: xpm_free. */
XPM_API char *xpm_job_cards(const char *const *directories, size_t count, size_t dependent);
/* Why a job is where it is, in sentences, a line each: its state and the evidence, what it waits for,
 * and how it differs from the nearest finished job of its type. `job` is TYPE/HASH, or the start of
 * either HASH or TYPE/HASH. It reads what is on disk, as any process can. New: xpm_free. Errors: IO,
 * STATE (no workspace there), UNKNOWN (no such job, or several). */
XPM_API char *xpm_explain(const char *workspace, const char *job, xpm_error *err);

#ifdef __cplusplus
}
#endif

#include <experimaestro/launcher.h>
#include <experimaestro/notices.h>
#include <experimaestro/program.h>
#include <experimaestro/requirement.h>
#include <experimaestro/saved.h>
#include <experimaestro/settings.h>
#include <experimaestro/task.h>
#include <experimaestro/token.h>
#include <experimaestro/warm.h>

#endif
