/*
 * program.h - programs in C: structs and their parameters, declared by macro. A part of
 * <experimaestro.h>, which includes it. What a binding in another language needs is not here.
 */
#ifndef EXPERIMAESTRO_PROGRAM_H
#define EXPERIMAESTRO_PROGRAM_H

#include <experimaestro.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Programs in C --------------------------------------------------------------------------- */

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
 * After its member, a parameter takes options: XPM_DEFAULT(value), XPM_IGNORE_DEFAULT(value) (the
 * parameter does not count in the identifier when it equals the default), .flags = XPM_META,
 * .optional = true, .choices = "a,b" (the values that it may have), .groups = "a,b", .help = "…",
 * .renamed_from = "old,older". A class that had other names says so with
 * XPM_RENAMED_FROM("demo.old"), and one that is deprecated for another with
 * XPM_DEPRECATED("demo.new", convert), both in the place of a parameter. */
#define XPM_CONFIG(type, name, ...) XPM_DECLARE_(type, name, 0, NULL, __VA_ARGS__)
#define XPM_TASK(type, name, execute, ...)                                                         \
    XPM_EXECUTE_(type, execute)                                                                    \
    XPM_DECLARE_(type, name, XPM_CLASS_TASK, xpm_execute_##type##_, __VA_ARGS__)
#define XPM_LIGHTWEIGHT(type, name, execute, ...)                                                  \
    XPM_EXECUTE_(type, execute)                                                                    \
    XPM_DECLARE_(type, name, XPM_CLASS_LIGHTWEIGHT, xpm_execute_##type##_, __VA_ARGS__)

/* Members: int64_t, double, bool, const char *, const char *, a pointer to the other's struct,
 * xpm_objects, const xpm_value *. */
#define XPM_INT(member, ...) XPM_FIELD_(member, "int", __VA_ARGS__)
#define XPM_FLOAT(member, ...) XPM_FIELD_(member, "float", __VA_ARGS__)
#define XPM_BOOL(member, ...) XPM_FIELD_(member, "bool", __VA_ARGS__)
#define XPM_STR(member, ...) XPM_FIELD_(member, "str", __VA_ARGS__)
#define XPM_PATH(member, ...) XPM_FIELD_(member, "path", __VA_ARGS__)
#define XPM_OBJECT(member, class_name, ...)                                                        \
    XPM_FIELD_(member, class_name, .layout = XPM_LAYOUT_OBJECT, __VA_ARGS__)
#define XPM_OBJECTS(member, class_name, ...)                                                       \
    XPM_FIELD_(member, "list[" class_name "]", .layout = XPM_LAYOUT_OBJECTS, __VA_ARGS__)
/* Any type that xpm_type_parse reads, as a value. */
#define XPM_VALUE(member, type_text, ...)                                                          \
    XPM_FIELD_(member, type_text, .layout = XPM_LAYOUT_VALUE, __VA_ARGS__)
/* The path of a file in the task's directory: const char *. */
#define XPM_FILE(member, file_name, ...) XPM_FIELD_(member, "path", .file = file_name, __VA_ARGS__)
/* The type extends another class, whose struct is this member. */
#define XPM_EXTENDS(member, class_name)                                                            \
    {                                                                                              \
        .name = class_name, .offset = offsetof(xpm_self_, member), .layout = XPM_LAYOUT_BASE       \
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

typedef struct xpm_objects {
    size_t count;
    void **items; /* pointers to structs */
} xpm_objects;

/* A new configuration of a class, from names and values in turn:
 *     xpm_new("demo.learn", "epochs", 10, "model", m)
 * A value is an int, a double, a bool, a text, a configuration or an xpm_value. An error is kept in
 * the configuration, and given by whatever uses it: xpm_submit, xpm_config_seal. */
#define xpm_new(class_name, ...)                                                                   \
    xpm_new_of(class_name, XPM_COUNT_(__VA_ARGS__), XPM_VALUES_(__VA_ARGS__))
/* The value of a list, a tuple or a dict (keys and values in turn) in such a call. */
#define xpm_list(...) xpm_list_of(XPM_COUNT_(__VA_ARGS__), XPM_VALUES_(__VA_ARGS__))
#define xpm_tuple(...) xpm_tuple_of(XPM_COUNT_(__VA_ARGS__), XPM_VALUES_(__VA_ARGS__))
#define xpm_dict(...) xpm_dict_of(XPM_COUNT_(__VA_ARGS__), XPM_VALUES_(__VA_ARGS__))
XPM_API xpm_config *xpm_new_of(const char *class_name, size_t count, xpm_value *names_and_values);

/* Marks a configuration as the output of a task and returns it; an error is kept in it. */
XPM_API xpm_config *xpm_dep(xpm_config *task, xpm_config *output);
/* The text of a parameter (a generated path, after submission), borrowed; NULL when it has none. */
XPM_API const char *xpm_text(const xpm_config *config, const char *name);

/* Submits the tasks of an experiment. Must set err when it returns -1. */
typedef int (*xpm_plan)(xpm_experiment *xp, xpm_error *err);

/* What main() of a program with tasks returns. The program then is
 *     PROGRAM run WORKSPACE [--experiment NAME] [--jobs N] [--dry-run | --generate-only]
 * which plans and waits, `PROGRAM job PARAMS`, which runs one task as a job, `PROGRAM execute
 * PARAMS`, which executes one without record, and `PROGRAM compare`, which answers each path of a
 * params.json that it reads with xpm_params_compare. Prints to standard output and error. Returns 0,
 * 1 when a job failed, 2 for a wrong command line. */
XPM_API int xpm_main(int argc, char **argv, xpm_plan plan);

/* ---- What the macros above are made of ------------------------------------------------------- */

typedef enum xpm_layout {
    XPM_LAYOUT_SCALAR,
    XPM_LAYOUT_OBJECT,
    XPM_LAYOUT_OBJECTS,
    XPM_LAYOUT_VALUE,
    XPM_LAYOUT_BASE,
    XPM_LAYOUT_RENAMED,
    XPM_LAYOUT_DEPRECATED,
} xpm_layout;

typedef struct xpm_fallback {
    bool is;
    struct {
        xpm_kind kind;
        int64_t integer;
        double real;
        const char *text;
    } v;
} xpm_fallback;

typedef struct xpm_field {
    const char *name, *type, *file, *groups, *choices, *renamed_from, *help;
    xpm_converter convert;
    size_t offset;
    xpm_layout layout;
    unsigned flags;
    bool optional, ignore_default;
    xpm_fallback fallback;
} xpm_field;

typedef int (*xpm_execute)(void *self, xpm_task *task);

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

/* clang-format off */
#define XPM_STRING_(x) #x
#define XPM_LINE_(x) XPM_STRING_(x)
#define XPM_FIELD_(member, type_text, ...)                                                         \
    {                                                                                              \
        .name = #member, .type = type_text, .offset = offsetof(xpm_self_, member), __VA_ARGS__     \
    }
#define XPM_FALLBACK_(x)                                                                           \
    {                                                                                              \
        .kind = _Generic((x), bool: XPM_KIND_BOOL, int: XPM_KIND_INT, long: XPM_KIND_INT,          \
            long long: XPM_KIND_INT, float: XPM_KIND_FLOAT, double: XPM_KIND_FLOAT,                \
            char *: XPM_KIND_STR, const char *: XPM_KIND_STR),                                     \
        .integer = _Generic((x), bool: (x), int: (x), long: (x), long long: (x), default: 0),      \
        .real = _Generic((x), float: (x), double: (x), default: 0),                                \
        .text = _Generic((x), char *: (x), const char *: (x), default: NULL)                       \
    }
#define XPM_EXECUTE_(type, execute)                                                                \
    static int xpm_execute_##type##_(void *self, xpm_task *task)                                   \
    {                                                                                              \
        return execute((type *)self, task);                                                        \
    }
#define XPM_DECLARE_(type, class_name, class_flags, class_execute, ...)                            \
    __attribute__((constructor)) static void xpm_declare_##type##_(void)                           \
    {                                                                                              \
        typedef type xpm_self_;                                                                    \
        static const xpm_field fields[] = {__VA_ARGS__ __VA_OPT__(, ){.name = NULL}};              \
        static xpm_static_class declared = {.name = class_name,                                    \
                                            .origin = __FILE__ ":" XPM_LINE_(__LINE__),            \
                                            .size = sizeof(type),                                  \
                                            .flags = class_flags,                                  \
                                            .execute = class_execute,                              \
                                            .fields = fields,                                      \
                                            .field_count = sizeof fields / sizeof *fields - 1};    \
        xpm_declare_static(&declared);                                                             \
    }                                                                                              \
    typedef int xpm_semicolon_##type##_

XPM_API xpm_value xpm_value_same(xpm_value value);
#define XPM_AS_VALUE_(x)                                                                           \
    _Generic((x), bool: xpm_bool, int: xpm_int, long: xpm_int, long long: xpm_int,                 \
        unsigned: xpm_int, float: xpm_float, double: xpm_float, char *: xpm_str,                   \
        const char *: xpm_str, xpm_config *: xpm_object, xpm_value: xpm_value_same)(x)
#define XPM_VALUES_(...)                                                                           \
    (xpm_value[XPM_COUNT_(__VA_ARGS__) + 1])                                                       \
    {                                                                                              \
        XPM_MAP_(XPM_AS_VALUE_, __VA_ARGS__) __VA_OPT__(, ){.kind = XPM_KIND_UNSET}                \
    }

/* XPM_COUNT_ counts its arguments, XPM_MAP_ applies a macro to each; at most 32. */
#define XPM_COUNT_(...) XPM_NTH_(0, ##__VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, \
    20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define XPM_NTH_(z, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, A,  \
                 B, C, D, E, F, G, H, ...) H
#define XPM_EVAL_(...) XPM_EVAL1_(XPM_EVAL1_(__VA_ARGS__))
#define XPM_EVAL1_(...) XPM_EVAL2_(XPM_EVAL2_(__VA_ARGS__))
#define XPM_EVAL2_(...) XPM_EVAL3_(XPM_EVAL3_(__VA_ARGS__))
#define XPM_EVAL3_(...) XPM_EVAL4_(XPM_EVAL4_(__VA_ARGS__))
#define XPM_EVAL4_(...) XPM_EVAL5_(XPM_EVAL5_(__VA_ARGS__))
#define XPM_EVAL5_(...) __VA_ARGS__
#define XPM_MAP_(macro, ...) __VA_OPT__(XPM_EVAL_(XPM_MAP_STEP_(macro, __VA_ARGS__)))
#define XPM_MAP_STEP_(macro, first, ...)                                                           \
    macro(first) __VA_OPT__(, XPM_MAP_AGAIN_ XPM_PARENS_(macro, __VA_ARGS__))
#define XPM_MAP_AGAIN_() XPM_MAP_STEP_
#define XPM_PARENS_ ()
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
