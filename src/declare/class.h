/* Declared classes: their names, what they extend, their parameters in ascending order of name.
 * They live as long as the process, in the arena of the types. */
#ifndef XPM_DECLARE_CLASS_H
#define XPM_DECLARE_CLASS_H

#include <experimaestro.h>

struct xpm_partial {
    const xpm_class *class_; /* that declares it */
    const char *name;
    const char *const *exclude, *const *include; /* end with NULL; may be NULL */
    bool exclude_all, exclude_no_group;
    struct xpm_partial *next;
};

struct xpm_class {
    const char *name;     /* what identifies it: that of another class when it is deprecated */
    const char *own_name; /* under which it was declared */
    const char *module, *qualname, *file, *origin, *language, *program;
    const xpm_class *deprecated_by; /* or NULL */
    xpm_converter convert;          /* or NULL */
    void *convert_user;
    unsigned flags;
    bool used; /* a configuration exists: its parameters can no more change */
    const xpm_class **bases;
    size_t base_count;
    xpm_parameter *parameters;
    size_t count, capacity;
    xpm_partial *partials;
    struct xpm__binding { /* what variables of the classes that it extends stand for */
        const xpm_type *variable, *type;
    } * bindings;
    size_t binding_count;
    bool generic;                   /* variables have to do with one of its parameters */
    const xpm_static_class *native; /* its C struct, when it was declared by macro */
    xpm_check_object check_object;  /* of its C struct, before it is sealed; or NULL */
    xpm_outputs outputs;            /* or NULL */
    xpm_retry retry;                /* of its jobs */
    const xpm_error *broken;        /* why its declaration by macro cannot be used */
    void *user;
    xpm_class *next; /* of all, those that another replaced included */
};

/* The partial identifiers of a class, those that it inherits included, in order of name; ends with
 * NULL. New: xpm_free. */
const xpm_partial **xpm__class_partials(const xpm_class *class_);

/* Whether a partial identifier leaves a parameter out. */
bool xpm__partial_excludes(const xpm_partial *partial, const xpm_parameter *parameter);

/* Last component of the class's name: "demo.learn" gives "learn". */
const char *xpm__class_short_name(const xpm_class *class_);

/* Finds a class as xpm_class_find does, or says what is near to its name. */
const xpm_class *xpm__class_require(const char *name, xpm_error *err);

/* Says that a class extends another, whose parameters it gets. */
void xpm__class_extend(xpm_class *class_, const xpm_class *base);

/* Makes `name` find a class when none is declared under it. */
void xpm__class_alias(const xpm_class *class_, const char *name);

/* Declares what the macros XPM_CONFIG, XPM_TASK have listed since the last call (native.c). */
void xpm__native_declare(void);

#endif
