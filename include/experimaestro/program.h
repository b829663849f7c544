/*
 * program.h - programs in C: structs and their parameters, declared by macro. A part of
 * <experimaestro.h>, which includes it. What a binding in another language needs is not here, and
 * C++ sees the functions alone: it has its own ways to the rest.
 */
#ifndef EXPERIMAESTRO_PROGRAM_H
#define EXPERIMAESTRO_PROGRAM_H

#include <experimaestro.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Planning -------------------------------------------------------------------------------- */

/* A new configuration, from `count` names and values in turn: xpm_new below. Takes the values. An
 * error is kept in the configuration, and given by whatever uses it: xpm_submit, xpm_config_seal.
 * An enumeration's value may be the number of its member in C, or the member's name; a set's, a
 * list. Floating: see xpm_config_new. */
XPM_API xpm_config *xpm_new_of(const char *class_name, size_t count, xpm_value *names_and_values);
/* Marks a configuration as the output of a task and returns it; an error is kept in it. */
XPM_API xpm_config *xpm_dep(xpm_config *task, xpm_config *output);
/* Tags a configuration (xpm_config_tag_at) and returns it: xpm_tag below. Takes the value. */
XPM_API xpm_config *xpm_tag_of(xpm_config *config, const char *name, xpm_value value,
                               const char *file, int line);
/* Gives a task lightweight tasks that run before it in its process, after those that it has, and
 * returns it; an error is kept in it: xpm_init_tasks below. */
XPM_API xpm_config *xpm_init_tasks_of(xpm_config *task, size_t count, xpm_config *const *inits);
/* The text of a parameter (a generated path, after submission), borrowed; NULL when it has none. */
XPM_API const char *xpm_text(const xpm_config *config, const char *name);

/* Submits the tasks of an experiment. Must set err when it returns -1. */
typedef int (*xpm_plan)(xpm_experiment *xp, xpm_error *err);

/* What main() of a program with tasks returns. The program then is
 *     PROGRAM run [WORKSPACE] [--workspace ID] [--experiment NAME] [--jobs N]
 *         [--dry-run | --generate-only]
 * which plans and waits, in a folder or in a workspace of the user's settings (xpm_settings_select), `PROGRAM job PARAMS`, which runs one task as a job, `PROGRAM execute
 * PARAMS`, which executes one without record, and `PROGRAM compare`, which answers each path of a
 * params.json that it reads with xpm_params_compare. Prints to standard output and error. Returns 0,
 * 1 when a job failed, 2 for a wrong command line. */
XPM_API int xpm_main(int argc, char **argv, xpm_plan plan);

/* ---- Inside a task --------------------------------------------------------------------------- */

/* The struct of a configuration that the task holds: of one inside an xpm_value. Borrowed until the
 * task ends; NULL when the task does not hold it, or it is not declared in C. */
XPM_API void *xpm_task_object(const xpm_task *task, const xpm_config *config);

/* The structs of configurations outside a task: of one that was loaded, say. Each has one, however
 * often it is met. New: xpm_instances_free, which frees the structs too. */
typedef struct xpm_instances xpm_instances;
XPM_API xpm_instances *xpm_instances_new(void);
/* The struct of a configuration, and those of all that it holds; made once, so give it no other
 * values from then on. The configuration must outlive it: texts are its own. Borrowed from
 * `instances`. NULL when one that a member points to is not declared in C. Errors: TYPE. */
XPM_API void *xpm_instances_make(xpm_instances *instances, xpm_config *config, xpm_error *err);
XPM_API void xpm_instances_free(xpm_instances *instances); /* accepts NULL */

/* Members that hold a list: `count` items. A struct of one's own with these two members serves as
 * well: struct { size_t count; layer *const *items; } for XPM_OBJECTS, enumerations for XPM_ARRAY. */
typedef struct xpm_ints {
    size_t count;
    const int64_t *items;
} xpm_ints;
typedef struct xpm_floats {
    size_t count;
    const double *items;
} xpm_floats;
typedef struct xpm_bools {
    size_t count;
    const bool *items;
} xpm_bools;
typedef struct xpm_texts {
    size_t count;
    const char *const *items;
} xpm_texts;
typedef struct xpm_objects {
    size_t count;
    void **items; /* pointers to structs */
} xpm_objects;
/* Those of a dict from texts to objects, in its order. */
typedef struct xpm_named {
    size_t count;
    const char *const *names;
    void **items; /* pointers to structs */
} xpm_named;

/* ---- What the macros below are made of ------------------------------------------------------- */

/* Says what is wrong with the object of a struct whose class has XPM_VALIDATE: -1, with `err` set
 * (xpm_fail). Generated paths are not known yet: they are NULL. */
typedef int (*xpm_check_object)(const void *self, xpm_error *err);
/* What a task gives to those who submit it, of XPM_OUTPUT: configurations marked by xpm_dep as its
 * outputs, in one that holds them or alone. NULL with `err` set when it failed. */
typedef xpm_config *(*xpm_outputs)(xpm_config *task, xpm_error *err);
typedef int (*xpm_execute)(void *self, xpm_task *task);

typedef enum xpm_layout {
    XPM_LAYOUT_SCALAR,
    XPM_LAYOUT_POINTER, /* to a scalar: NULL for none */
    XPM_LAYOUT_ENUM,
    XPM_LAYOUT_ENUM_POINTER,
    XPM_LAYOUT_INTS,
    XPM_LAYOUT_FLOATS,
    XPM_LAYOUT_BOOLS,
    XPM_LAYOUT_TEXTS,
    XPM_LAYOUT_ENUMS,
    XPM_LAYOUT_OBJECT,
    XPM_LAYOUT_OBJECTS,
    XPM_LAYOUT_NAMED,
    XPM_LAYOUT_VALUE,
    XPM_LAYOUT_BASE, /* what follows is not the value of a parameter */
    XPM_LAYOUT_RENAMED,
    XPM_LAYOUT_DEPRECATED,
    XPM_LAYOUT_PARTIAL,
    XPM_LAYOUT_VALIDATE,
    XPM_LAYOUT_OUTPUT,
    XPM_LAYOUT_RETRY,
} xpm_layout;

typedef struct xpm_fallback {
    bool is;
    struct {
        xpm_kind kind; /* LIST: `text` is JSON */
        int64_t integer;
        double real;
        const char *text;
    } v;
} xpm_fallback;

typedef struct xpm_field {
    const char *name, *type, *file, *groups, *choices, *renamed_from, *help;
    const char *partial;           /* of a file: in the directory of this partial identifier */
    const char *exclude, *include; /* of a partial identifier: groups */
    bool exclude_all, exclude_no_group;
    xpm_converter convert;
    xpm_check_object validate;
    xpm_outputs outputs;
    xpm_retry retry;
    size_t offset;
    xpm_layout layout;
    unsigned flags;
    bool optional, ignore_default;
    xpm_fallback fallback;
} xpm_field;

/* A class declared by macro; linked into a list before main() runs, read at first use. */
typedef struct xpm_static_class {
    const char *name, *origin;
    size_t size; /* of the struct */
    unsigned flags;
    xpm_execute execute;
    const xpm_field *fields;
    size_t field_count;
    struct xpm_static_class *next;
} xpm_static_class;
XPM_API void xpm_declare_static(xpm_static_class *class_);

typedef struct xpm_member {
    int number; /* in C */
    const char *name;
} xpm_member;

/* An enumeration declared by macro, listed in the same way. */
typedef struct xpm_static_enum {
    const char *name, *origin;
    const xpm_member *members;
    size_t count;
    const xpm_type *type; /* once it was used */
    struct xpm_static_enum *next;
} xpm_static_enum;
XPM_API void xpm_declare_static_enum(xpm_static_enum *enumeration);

/* The value itself: what XPM_AS_VALUE_ makes of one. */
XPM_API xpm_value xpm_value_same(xpm_value value);

#ifdef __cplusplus
}
#else

/* ---- Declaring ------------------------------------------------------------------------------- */

/* A struct and its parameters are declared together, at file scope:
 *
 *     typedef struct { double gamma; } model;
 *     XPM_CONFIG(model, "demo.model", XPM_FLOAT(gamma));
 *
 * and a task with the function that executes it:
 *
 *     typedef struct { int64_t epochs; model *model; const char *parameters; } learn;
 *     static int learn_execute(learn *self, xpm_task *task);
 *     XPM_TASK(learn, "demo.learn", learn_execute, XPM_INT(epochs, XPM_IGNORE_DEFAULT(100)),
 *              XPM_OBJECT(model, "demo.model"), XPM_FILE(parameters, "parameters.pth"));
 *
 * After its member, a parameter takes options:
 *     XPM_DEFAULT(value)          its default: a number, bool, text or enumerator
 *     XPM_IGNORE_DEFAULT(value)   the same, but when it equals it, it does not count in the identifier
 *     XPM_DEFAULT_JSON("[1, 2]"), XPM_IGNORE_DEFAULT_JSON("...")   those of a list, set, dict or tuple
 *     .optional = true            may be none: then the member is 0, false, NULL or empty
 *     .flags = XPM_META           or others of xpm_parameter_flag: XPM_CONSTANT, XPM_DATA
 *     .choices = "a,b"            the values that it may have
 *     .groups = "a,b"             those of partial identifiers
 *     .partial = "name"           of XPM_FILE: shared by those whose partial identifier is equal
 *     .renamed_from = "old,older" names that it had
 *     .help = "..."
 *
 * In the place of a parameter, a class may have XPM_EXTENDS, XPM_PARTIAL, XPM_VALIDATE, XPM_OUTPUT,
 * XPM_RETRY, XPM_RENAMED_FROM and XPM_DEPRECATED, all below.
 *
 * A member of the wrong C type does not compile. What is wrong in a text (an unknown type, a default
 * that is not of the type) is the error of whatever uses the class. */
#define XPM_CONFIG(type, ...) XPM_DECLARE_(type, 0, NULL, __VA_ARGS__, )
#define XPM_TASK(type, name, ...) XPM_TASK_(type, XPM_CLASS_TASK, name, __VA_ARGS__, )
/* A task that goes on where it was when it is started again (xpm_retry). */
#define XPM_RESUMABLE(type, name, ...)                                                             \
    XPM_TASK_(type, XPM_CLASS_TASK | XPM_CLASS_RESUMABLE, name, __VA_ARGS__, )
#define XPM_LIGHTWEIGHT(type, name, ...) XPM_TASK_(type, XPM_CLASS_LIGHTWEIGHT, name, __VA_ARGS__, )

/* Members: int64_t, double, bool and const char *. An optional number may be a const int64_t *,
 * const double * or const bool * instead: NULL is none, and .optional goes without saying. */
#define XPM_INT(...) XPM_NUMBER_("int", int64_t, __VA_ARGS__, )
#define XPM_FLOAT(...) XPM_NUMBER_("float", double, __VA_ARGS__, )
#define XPM_BOOL(...) XPM_NUMBER_("bool", bool, __VA_ARGS__, )
#define XPM_STR(...) XPM_TEXT_("str", __VA_ARGS__, )
#define XPM_PATH(...) XPM_TEXT_("path", __VA_ARGS__, )
/* A path whose file or folder is copied when the configuration is saved. */
#define XPM_DATA_PATH(...) XPM_DATA_PATH_(__VA_ARGS__, )
/* The path of a file in the task's directory: const char *. */
#define XPM_FILE(member, ...) XPM_FILE_(member, __VA_ARGS__, )
/* A C enumeration, or a const pointer to it (NULL is none), of a name that XPM_ENUMERATION gives. */
#define XPM_ENUM(member, ...) XPM_ENUM_(member, __VA_ARGS__, )
/* Lists: xpm_ints, xpm_floats, xpm_bools, xpm_texts, xpm_texts. */
#define XPM_INTS(...) XPM_LIST_("list[int]", XPM_LAYOUT_INTS, const int64_t *, __VA_ARGS__, )
#define XPM_FLOATS(...) XPM_LIST_("list[float]", XPM_LAYOUT_FLOATS, const double *, __VA_ARGS__, )
#define XPM_BOOLS(...) XPM_LIST_("list[bool]", XPM_LAYOUT_BOOLS, const bool *, __VA_ARGS__, )
#define XPM_STRS(...) XPM_LIST_("list[str]", XPM_LAYOUT_TEXTS, const char *const *, __VA_ARGS__, )
#define XPM_PATHS(...) XPM_LIST_("list[path]", XPM_LAYOUT_TEXTS, const char *const *, __VA_ARGS__, )
/* A list, a set or a tuple of any number of one of these, or of an enumeration, as its type says:
 * "set[int]", "list[demo.Color]", "tuple[float,...]". */
#define XPM_ARRAY(member, ...) XPM_ARRAY_(member, __VA_ARGS__, )
/* A pointer to the struct of a class. */
#define XPM_OBJECT(member, ...) XPM_OBJECT_(member, __VA_ARGS__, )
/* A list of such: xpm_objects. */
#define XPM_OBJECTS(member, ...) XPM_OBJECTS_(member, __VA_ARGS__, )
/* A dict from texts to such: xpm_named. */
#define XPM_NAMED(member, ...) XPM_NAMED_(member, __VA_ARGS__, )
/* Any type that xpm_type_parse reads, as a value: const xpm_value *, NULL when it has none. Read it
 * with xpm_list_at, xpm_dict_get, xpm_task_object. */
#define XPM_VALUE(member, ...) XPM_VALUE_(member, __VA_ARGS__, )

/* The type extends another class, whose struct is this member. */
#define XPM_EXTENDS(member, class_name)                                                            \
    {                                                                                              \
        .name = class_name, .offset = offsetof(xpm_self_, member), .layout = XPM_LAYOUT_BASE       \
    }
/* A partial identifier: .exclude = "a,b" groups that are left out, or .exclude_all = true,
 * .exclude_no_group = true, but for those of .include = "c" (xpm_class_add_partial). */
#define XPM_PARTIAL(...) XPM_PARTIAL_(__VA_ARGS__, )
/* A function, an xpm_check_object, that is asked before a configuration is sealed, those that it
 * holds first. */
#define XPM_VALIDATE(function)                                                                     \
    {                                                                                              \
        .validate = function, .layout = XPM_LAYOUT_VALIDATE                                        \
    }
/* A function, an xpm_outputs: xpm_submit returns what it makes. */
#define XPM_OUTPUT(function)                                                                       \
    {                                                                                              \
        .outputs = function, .layout = XPM_LAYOUT_OUTPUT                                           \
    }
/* When a failed task is started again, an xpm_retry: XPM_RETRY(.on = XPM_ON(MEMORY), .times = 2,
 * .more_memory = 2). */
#define XPM_RETRY(...)                                                                             \
    {                                                                                              \
        .retry = {__VA_ARGS__}, .layout = XPM_LAYOUT_RETRY                                         \
    }
/* The type was called so before: old results are read, and can be linked (experimaestro deprecated). */
#define XPM_RENAMED_FROM(class_name)                                                               \
    {                                                                                              \
        .name = class_name, .layout = XPM_LAYOUT_RENAMED                                           \
    }
/* The type is deprecated for another: see xpm_class_deprecate. `converter` may be NULL. */
#define XPM_DEPRECATED(class_name, converter)                                                      \
    {                                                                                              \
        .name = class_name, .convert = converter, .layout = XPM_LAYOUT_DEPRECATED                  \
    }

#define XPM_DEFAULT(value) .fallback = {.is = true, .v = XPM_FALLBACK_(value)}
#define XPM_IGNORE_DEFAULT(value)                                                                  \
    .fallback = {.is = true, .v = XPM_FALLBACK_(value)}, .ignore_default = true
#define XPM_DEFAULT_JSON(json) .fallback = {.is = true, .v = {.kind = XPM_KIND_LIST, .text = json}}
#define XPM_IGNORE_DEFAULT_JSON(json) XPM_DEFAULT_JSON(json), .ignore_default = true

/* A C enumeration, at file scope: its enumerators with the names of their members. "demo.Color" is
 * what Python calls Color in module demo, and has the same identifiers; with a class inside another,
 * a colon ends the module: "demo:Model.Color". Types may then name it: "list[demo.Color]".
 *
 *     typedef enum { RED, GREEN } color;
 *     XPM_ENUMERATION(color, "demo.Color", {RED, "RED"}, {GREEN, "GREEN"});
 */
#define XPM_ENUMERATION(type, enum_name, ...)                                                      \
    _Static_assert(sizeof(type) == sizeof(int), "an enumeration of the size of an int");           \
    __attribute__((constructor)) static void xpm_declare_enum_##type##_(void)                      \
    {                                                                                              \
        static const xpm_member members[] = {__VA_ARGS__};                                         \
        static xpm_static_enum declared = {.name = enum_name,                                      \
                                           .origin = __FILE__ ":" XPM_LINE_(__LINE__),             \
                                           .members = members,                                     \
                                           .count = sizeof members / sizeof *members};             \
        xpm_declare_static_enum(&declared);                                                        \
    }                                                                                              \
    typedef int xpm_semicolon_enum_##type##_

/* ---- Planning, shorter ----------------------------------------------------------------------- */

/* A new configuration of a class, from names and values in turn:
 *     xpm_new("demo.learn", "epochs", 10, "model", m)
 * A value is an int, a double, a bool, a text, a configuration or an xpm_value. */
#define xpm_new(...) XPM_NEW_(__VA_ARGS__, )
/* The value of a list, a tuple, a set or a dict (keys and values in turn) in such a call. */
#define xpm_list(...) XPM_COLLECTION_(xpm_list_of, __VA_ARGS__ __VA_OPT__(, ))
#define xpm_tuple(...) XPM_COLLECTION_(xpm_tuple_of, __VA_ARGS__ __VA_OPT__(, ))
#define xpm_set(...) XPM_COLLECTION_(xpm_set_of, __VA_ARGS__ __VA_OPT__(, ))
#define xpm_dict(...) XPM_COLLECTION_(xpm_dict_of, __VA_ARGS__ __VA_OPT__(, ))
/* xpm_submit(xp, xpm_tag(xpm_new("demo.learn", "rate", rate), "rate", rate), err) */
#define xpm_tag(config, name, value)                                                               \
    xpm_tag_of(config, name, XPM_AS_VALUE_(value), __FILE__, __LINE__)
/* xpm_submit(xp, xpm_init_tasks(task, xpm_new("demo.load")), err) */
#define xpm_init_tasks(task, ...)                                                                  \
    xpm_init_tasks_of(task, XPM_COUNT_(__VA_ARGS__, ), (xpm_config *const[]){__VA_ARGS__})

/* ---- What these are made of ------------------------------------------------------------------- */

/* clang-format off */
#define XPM_STRING_(x) #x
#define XPM_LINE_(x) XPM_STRING_(x)

/* A comma follows the last argument of those below: so `...` is never without one. */
#define XPM_FIELD_(member, type_text, member_layout, ...)                                          \
    {                                                                                              \
        .name = #member, .type = type_text, .offset = offsetof(xpm_self_, member),                 \
        .layout = member_layout, __VA_ARGS__                                                       \
    }
#define XPM_THE_(member) (((xpm_self_ *)0)->member)
#define XPM_NUMBER_(type_text, c_type, member, ...)                                                \
    XPM_FIELD_(member, type_text, XPM_NUMBER_LAYOUT_(member, c_type), __VA_ARGS__)
#define XPM_NUMBER_LAYOUT_(member, c_type)                                                         \
    _Generic(XPM_THE_(member), c_type: XPM_LAYOUT_SCALAR, const c_type *: XPM_LAYOUT_POINTER)
#define XPM_TEXT_LAYOUT_(member) _Generic(XPM_THE_(member), const char *: XPM_LAYOUT_SCALAR)
#define XPM_TEXT_(type_text, member, ...)                                                          \
    XPM_FIELD_(member, type_text, XPM_TEXT_LAYOUT_(member), __VA_ARGS__)
#define XPM_DATA_PATH_(member, ...)                                                                \
    XPM_FIELD_(member, "path", XPM_TEXT_LAYOUT_(member), .flags = XPM_DATA, __VA_ARGS__)
#define XPM_FILE_(member, file_name, ...)                                                          \
    XPM_FIELD_(member, "path", XPM_TEXT_LAYOUT_(member), .file = file_name, __VA_ARGS__)
/* An enumeration is an int or an unsigned in C; a pointer to one is neither's. */
#define XPM_ENUM_AT_(member)                                                                       \
    _Generic(XPM_THE_(member), int: (int *)0, unsigned: (int *)0, default: XPM_THE_(member))
#define XPM_ENUM_LAYOUT_(member)                                                                   \
    (xpm_layout)(_Generic(XPM_THE_(member), int: XPM_LAYOUT_ENUM, unsigned: XPM_LAYOUT_ENUM,       \
                          default: XPM_LAYOUT_ENUM_POINTER) +                                      \
                 _Generic(*XPM_ENUM_AT_(member), int: 0, unsigned: 0))
#define XPM_ENUM_(member, enum_name, ...)                                                          \
    XPM_FIELD_(member, enum_name, XPM_ENUM_LAYOUT_(member), __VA_ARGS__)

/* 0; but it does not compile unless `condition` holds of the struct. */
#define XPM_HOLDS_(condition) (0 * sizeof(char[(condition) ? 1 : -1]))
#define XPM_FOLLOWS_(member, first, second)                                                        \
    XPM_HOLDS_(offsetof(xpm_self_, member.second) ==                                               \
               offsetof(xpm_self_, member.first) + sizeof(void *))
#define XPM_COUNTS_(member)                                                                        \
    (_Generic(XPM_THE_(member).count, size_t: 0) +                                                 \
     XPM_HOLDS_(offsetof(xpm_self_, member.count) == offsetof(xpm_self_, member)))
#define XPM_COUNTED_(member) (XPM_COUNTS_(member) + XPM_FOLLOWS_(member, count, items))
#define XPM_POINTER_(expression) (0 * sizeof(&*(expression)))

#define XPM_LIST_(type_text, list_layout, items_type, member, ...)                                 \
    XPM_FIELD_(member, type_text,                                                                  \
        (xpm_layout)(_Generic(XPM_THE_(member).items, items_type: list_layout) +                   \
                     XPM_COUNTED_(member)), __VA_ARGS__)
#define XPM_ARRAY_(member, type_text, ...)                                                         \
    XPM_FIELD_(member, type_text,                                                                  \
        (xpm_layout)(_Generic(*XPM_THE_(member).items, int64_t: XPM_LAYOUT_INTS,                   \
                              double: XPM_LAYOUT_FLOATS, bool: XPM_LAYOUT_BOOLS,                   \
                              const char *: XPM_LAYOUT_TEXTS, int: XPM_LAYOUT_ENUMS,               \
                              unsigned: XPM_LAYOUT_ENUMS) +                                        \
                     XPM_COUNTED_(member)), __VA_ARGS__)
#define XPM_OBJECT_(member, class_name, ...)                                                       \
    XPM_FIELD_(member, class_name,                                                                 \
        (xpm_layout)(XPM_LAYOUT_OBJECT + XPM_POINTER_(XPM_THE_(member))), __VA_ARGS__)
#define XPM_OBJECTS_(member, class_name, ...)                                                      \
    XPM_FIELD_(member, "list[" class_name "]",                                                     \
        (xpm_layout)(XPM_LAYOUT_OBJECTS + XPM_COUNTED_(member) +                                   \
                     XPM_POINTER_(XPM_THE_(member).items) +                                        \
                     XPM_HOLDS_(sizeof *XPM_THE_(member).items == sizeof(void *))), __VA_ARGS__)
#define XPM_NAMED_(member, class_name, ...)                                                        \
    XPM_FIELD_(member, "dict[str," class_name "]",                                                 \
        (xpm_layout)(XPM_LAYOUT_NAMED + XPM_COUNTS_(member) + XPM_FOLLOWS_(member, count, names) + \
                     XPM_FOLLOWS_(member, names, items) +                                          \
                     _Generic(XPM_THE_(member).names, const char *const *: 0) +                    \
                     XPM_POINTER_(XPM_THE_(member).items) +                                        \
                     XPM_HOLDS_(sizeof *XPM_THE_(member).items == sizeof(void *))), __VA_ARGS__)
#define XPM_VALUE_(member, type_text, ...)                                                         \
    XPM_FIELD_(member, type_text,                                                                  \
        _Generic(XPM_THE_(member), const xpm_value *: XPM_LAYOUT_VALUE), __VA_ARGS__)
#define XPM_PARTIAL_(partial_name, ...)                                                            \
    {                                                                                              \
        .name = partial_name, .layout = XPM_LAYOUT_PARTIAL, __VA_ARGS__                            \
    }

#define XPM_FALLBACK_(x)                                                                           \
    {                                                                                              \
        .kind = _Generic((x), bool: XPM_KIND_BOOL, int: XPM_KIND_INT, unsigned: XPM_KIND_INT,      \
            long: XPM_KIND_INT, long long: XPM_KIND_INT, float: XPM_KIND_FLOAT,                    \
            double: XPM_KIND_FLOAT, char *: XPM_KIND_STR, const char *: XPM_KIND_STR),             \
        .integer = _Generic((x), bool: (x), int: (x), unsigned: (x), long: (x), long long: (x),    \
            default: 0),                                                                           \
        .real = _Generic((x), float: (x), double: (x), default: 0),                                \
        .text = _Generic((x), char *: (x), const char *: (x), default: NULL)                       \
    }
#define XPM_TASK_(type, task_flags, task_name, execute, ...)                                       \
    static int xpm_execute_##type##_(void *self, xpm_task *task)                                   \
    {                                                                                              \
        return execute((type *)self, task);                                                        \
    }                                                                                              \
    XPM_DECLARE_(type, task_flags, xpm_execute_##type##_, task_name, __VA_ARGS__)
#define XPM_DECLARE_(type, class_flags, class_execute, class_name, ...)                            \
    __attribute__((constructor)) static void xpm_declare_##type##_(void)                           \
    {                                                                                              \
        typedef type xpm_self_;                                                                    \
        static const xpm_field fields[] = {__VA_ARGS__ {.name = NULL}};                            \
        static xpm_static_class declared = {.name = class_name,                                    \
                                            .origin = __FILE__ ":" XPM_LINE_(__LINE__),            \
                                            .size = sizeof(xpm_self_),                             \
                                            .flags = class_flags,                                  \
                                            .execute = class_execute,                              \
                                            .fields = fields,                                      \
                                            .field_count = sizeof fields / sizeof *fields - 1};    \
        xpm_declare_static(&declared);                                                             \
    }                                                                                              \
    typedef int xpm_semicolon_##type##_

#define XPM_NEW_(class_name, ...)                                                                  \
    xpm_new_of(class_name, XPM_COUNT_(__VA_ARGS__), XPM_VALUES_(__VA_ARGS__))
#define XPM_COLLECTION_(of, ...) of(XPM_COUNT_(__VA_ARGS__), XPM_VALUES_(__VA_ARGS__))
#define XPM_AS_VALUE_(x)                                                                           \
    _Generic((x), bool: xpm_bool, int: xpm_int, long: xpm_int, long long: xpm_int,                 \
        unsigned: xpm_int, unsigned long: xpm_int, float: xpm_float, double: xpm_float,            \
        char *: xpm_str, const char *: xpm_str, xpm_config *: xpm_object,                          \
        const xpm_value *: xpm_value_copy, xpm_value *: xpm_value_copy,                            \
        xpm_value: xpm_value_same)(x)
#define XPM_VALUES_(...)                                                                           \
    (xpm_value[])                                                                                  \
    {                                                                                              \
        XPM_MAP_(XPM_AS_VALUE_, __VA_ARGS__) {.kind = XPM_KIND_UNSET}                              \
    }

/* XPM_COUNT_ counts arguments, each with a comma after it; XPM_MAP_ applies a macro to each, with a
 * comma after it. At most 64. */
#define XPM_COUNT_(...) XPM_NTH_(__VA_ARGS__ 64, 63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52,   \
    51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29,    \
    28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4,  \
    3, 2, 1, 0, ~)
#define XPM_NTH_(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17,   \
    a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, a33, a34, a35, a36, \
    a37, a38, a39, a40, a41, a42, a43, a44, a45, a46, a47, a48, a49, a50, a51, a52, a53, a54, a55, \
    a56, a57, a58, a59, a60, a61, a62, a63, nth, ...) nth
#define XPM_EVAL_(...) XPM_EVAL1_(XPM_EVAL1_(__VA_ARGS__))
#define XPM_EVAL1_(...) XPM_EVAL2_(XPM_EVAL2_(__VA_ARGS__))
#define XPM_EVAL2_(...) XPM_EVAL3_(XPM_EVAL3_(__VA_ARGS__))
#define XPM_EVAL3_(...) XPM_EVAL4_(XPM_EVAL4_(__VA_ARGS__))
#define XPM_EVAL4_(...) XPM_EVAL5_(XPM_EVAL5_(__VA_ARGS__))
#define XPM_EVAL5_(...) XPM_EVAL6_(XPM_EVAL6_(__VA_ARGS__))
#define XPM_EVAL6_(...) __VA_ARGS__
#define XPM_MAP_(macro, ...) __VA_OPT__(XPM_EVAL_(XPM_MAP_STEP_(macro, __VA_ARGS__)))
#define XPM_MAP_STEP_(macro, first, ...)                                                           \
    macro(first), __VA_OPT__(XPM_MAP_AGAIN_ XPM_PARENS_(macro, __VA_ARGS__))
#define XPM_MAP_AGAIN_() XPM_MAP_STEP_
#define XPM_PARENS_ ()
/* clang-format on */

#endif

#endif
