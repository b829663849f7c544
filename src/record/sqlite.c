#include "record/sqlite.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

static const char library[] = "libsqlite3.so.0";

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define FUNCTION(name) {"sqlite3_" #name, offsetof(xpm__sqlite, name)},
    XPM__SQLITE_FUNCTIONS(FUNCTION)
#undef FUNCTION
};

const xpm__sqlite *xpm__sql;

static void load(void)
{
    static xpm__sqlite sqlite;
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    bool loaded = handle != NULL;
    for (size_t i = 0; loaded && i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(handle, functions[i].name);
        memcpy((char *)&sqlite + functions[i].offset, &function, sizeof function);
        loaded = function != NULL;
    }
    if (loaded)
        xpm__sql = &sqlite;
}

bool xpm__sqlite_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return xpm__sql != NULL;
}
