#include "settings/libyaml.h"

#include <pthread.h>
#include <stddef.h>

#include "base/library.h"

static const xpm__library_function functions[] = {
#define FUNCTION(name) {"yaml_" #name, offsetof(xpm__libyaml, name)},
    XPM__LIBYAML_FUNCTIONS(FUNCTION)
#undef FUNCTION
};

static const xpm__libyaml *loaded;

static void load(void)
{
    static xpm__libyaml table;
    if (xpm__library_load(XPM__LIBYAML_FILE, functions, sizeof functions / sizeof *functions,
                          &table))
        loaded = &table;
}

const xpm__libyaml *xpm__libyaml_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return loaded;
}
