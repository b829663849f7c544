#include "record/sqlite.h"

#include <pthread.h>
#include <stddef.h>

#include "base/library.h"

static const xpm__library_function functions[] = {
#define FUNCTION(name) {"sqlite3_" #name, offsetof(xpm__sqlite, name)},
    XPM__SQLITE_FUNCTIONS(FUNCTION)
#undef FUNCTION
};

const xpm__sqlite *xpm__sql;

static void load(void)
{
    static xpm__sqlite sqlite;
    if (xpm__library_load("libsqlite3.so.0", functions, sizeof functions / sizeof *functions,
                          &sqlite))
        xpm__sql = &sqlite;
}

bool xpm__sqlite_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return xpm__sql != NULL;
}
