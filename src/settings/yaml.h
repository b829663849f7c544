/* Files of YAML 1.1, with what PyYAML's safe_load makes of them, and where each value is. What differs,
 * on purpose: keys are texts, as they are written; a key that is there twice is an error, and so are a
 * whole number beyond 64 bits, a NUL character and a tag other than those of plain values; dates stay
 * texts. */
#ifndef XPM_SETTINGS_YAML_H
#define XPM_SETTINGS_YAML_H

#include <experimaestro.h>

#include "base/mem.h"
#include "base/str.h"

typedef enum xpm__yaml_kind {
    XPM__YAML_NULL,
    XPM__YAML_BOOL,
    XPM__YAML_INT,
    XPM__YAML_FLOAT,
    XPM__YAML_TEXT,
    XPM__YAML_LIST,
    XPM__YAML_MAP,
} xpm__yaml_kind;

/* What a scalar is. */
typedef struct xpm__yaml_scalar {
    xpm__yaml_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
    } as;
} xpm__yaml_scalar;

/* A value. One that has an alias is in several places of the tree. */
typedef struct xpm__yaml_node {
    xpm__yaml_scalar is;
    int line, column; /* from 1 */
    const char *text; /* of a TEXT; of another scalar as it is written */
    bool
        interpolated; /* what it holds comes from the environment too, and is not looked at again */
    bool open;        /* it is being read: what is in it cannot be an alias of it */
    size_t count;     /* of what a LIST or a MAP has */
    struct xpm__yaml_node **items, **keys;
    size_t
        weight; /* values in it, itself included, where each alias counts as all that it stands for */
} xpm__yaml_node;

typedef struct xpm__yaml {
    xpm__arena arena; /* of all nodes and texts */
    const char *file;
    xpm__yaml_node *root; /* NULL kind when the file has nothing */
} xpm__yaml;

enum {
    XPM__YAML_SIZE = 1 << 20, /* bytes of a file */
    XPM__YAML_DEPTH = 64,
    XPM__YAML_VALUES = 100000, /* of all nodes, also when each alias counts as what it stands for */
};

/* Reads a file, or a text that is called `file` in messages. 0, or -1: IO, FORMAT, with "FILE:LINE: " in the
 * message. To be cleared in both cases. */
int xpm__yaml_read(xpm__yaml *yaml, const char *file, xpm_error *err);
int xpm__yaml_parse(xpm__yaml *yaml, const char *file, const char *text, size_t size,
                    xpm_error *err);
void xpm__yaml_clear(xpm__yaml *yaml);

/* FORMAT, with "FILE:LINE: " of a node before a printf-like message. Always -1. */
int xpm__yaml_fail(const xpm__yaml *yaml, const xpm__yaml_node *at, xpm_error *err,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "a list", "the whole number 5", "nothing": for messages. The text is in the arena. */
const char *xpm__yaml_describe(xpm__yaml *yaml, const xpm__yaml_node *node);
/* The value of a key of a MAP; NULL when there is none. */
xpm__yaml_node *xpm__yaml_get(const xpm__yaml_node *map, const char *key);
/* Adds it as JSON (NaN and Infinity as those words). */
void xpm__yaml_print(const xpm__yaml_node *node, xpm__str *out);

/* ---- Scalars (scalar.c) ------------------------------------------------------------------------ */

/* What a plain scalar means. -1 when it is a whole number beyond 64 bits. */
int xpm__yaml_resolve(const char *text, xpm__yaml_scalar *scalar);
/* Adds what Python's str() makes of it: True, None, 1e+16. Not of a TEXT. */
void xpm__yaml_spell(const xpm__yaml_scalar *scalar, xpm__str *out);

#endif
