/* The classes that the tests of declare use, declared by macro as a user does. */
#ifndef XPM_TESTS_DEMO_H
#define XPM_TESTS_DEMO_H

#include "leaks.h"

typedef struct {
    int64_t width;
    double scale;
} base;
XPM_CONFIG(base, "Demo.Base", XPM_INT(width, XPM_DEFAULT(3)), XPM_FLOAT(scale));

typedef struct {
    bool bias;
    base parent;
    const char *name;
} layer;
XPM_CONFIG(layer, "demo.layer", XPM_BOOL(bias, XPM_IGNORE_DEFAULT(true)),
           XPM_EXTENDS(parent, "demo.base"), XPM_STR(name, .optional = true, .help = "Its name."));

typedef struct {
    xpm_objects layers;
    const xpm_value *table;
    base *first;
} model;
XPM_CONFIG(model, "demo.model", XPM_OBJECTS(layers, "demo.base"),
           XPM_VALUE(table, "dict[str,list[int]]", .optional = true),
           XPM_OBJECT(first, "demo.base", .optional = true));

typedef struct {
    int64_t epochs;
    model *model;
    const char *data, *out;
} learn;
static int learn_execute(learn *self, xpm_task *task)
{
    (void)self;
    (void)task;
    return 0;
}
XPM_TASK(learn, "demo.learn", learn_execute,
         XPM_INT(epochs, XPM_IGNORE_DEFAULT(100), .groups = "time, train"),
         XPM_OBJECT(model, "demo.model", .optional = true),
         XPM_PATH(data, .flags = XPM_META, .optional = true), XPM_FILE(out, "out.txt"));

typedef struct {
    learn *learned;
} use;
XPM_CONFIG(use, "demo.use", XPM_OBJECT(learned, "demo.learn"));

typedef struct {
    base *x;
} broken;
XPM_CONFIG(broken, "demo.broken", XPM_OBJECT(x, "demo.absent"));

/* The error of the last call. */
static xpm_error last;

#endif
