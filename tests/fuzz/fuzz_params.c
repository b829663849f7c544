/* Any text may stand where params.json is looked for: reading it fails with a message, or gives a
 * task, and leaks nothing. */
#include "declare/config.h"
#include "declare/walk.h"
#include "record/params.h"

typedef struct {
    double gamma;
} leaf;
XPM_CONFIG(leaf, "fuzz.leaf", XPM_FLOAT(gamma));

typedef struct {
    int64_t epochs;
    leaf *leaf;
    xpm_objects leaves;
    const xpm_value *table, *set, *tuple, *any;
    const char *path;
} learn;

static int learn_execute(learn *self, xpm_task *task)
{
    (void)self;
    (void)task;
    return 0;
}
XPM_TASK(learn, "fuzz.learn", learn_execute, XPM_INT(epochs, XPM_IGNORE_DEFAULT(100)),
         XPM_OBJECT(leaf, "fuzz.leaf", .optional = true),
         XPM_OBJECTS(leaves, "fuzz.leaf", .optional = true),
         XPM_VALUE(table, "dict[str,list[int]]", .optional = true),
         XPM_VALUE(set, "set[str]", .optional = true),
         XPM_VALUE(tuple, "tuple[int,tuple[str,...]]", .optional = true),
         XPM_VALUE(any, "any", .optional = true), XPM_PATH(path, .optional = true));

static int collect(void *user, xpm_config *config, const xpm__walk *walk)
{
    (void)user;
    (void)walk;
    xpm_config_ref(config);
    return XPM__WALK_ON;
}

/* Lets go of a graph whose objects may hold one another: a cycle would keep itself alive. */
static void release(xpm__params *params)
{
    xpm__ptrmap all = {0};
    xpm__walk_from(params->task, &(xpm__walker){.enter = collect, .seen = &all});
    xpm__params_clear(params);
    for (size_t i = 0; i < all.capacity; i++) {
        xpm_config *config = (xpm_config *)all.entries[i].key;
        if (config == NULL)
            continue;
        config->sealed = false;
        xpm_config_clear(config);
        xpm_config_unref(config);
    }
    xpm__ptrmap_free(&all);
}

static void look(void *user, xpm_config *task, const uint8_t identifier[XPM_IDENTIFIER_SIZE],
                 const char *directory)
{
    (void)user;
    (void)task;
    (void)identifier;
    (void)directory;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xpm_error err = {0};
    xpm__params params;
    if (xpm__params_parse((const char *)data, size, "/fuzz/params.json", NULL, NULL, &params,
                          &err) == 0)
        release(&params);
    xpm__params_identify((const char *)data, size, "/fuzz/params.json", NULL, look, NULL, &err);
    return 0;
}
