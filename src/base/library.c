#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

bool xpm__library_load(const char *file, const xpm__library_function *functions, size_t count,
                       void *table)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    bool loaded = handle != NULL;
    for (size_t i = 0; loaded && i < count; i++) {
        void *function = dlsym(handle, functions[i].name);
        memcpy((char *)table + functions[i].offset, &function, sizeof function);
        loaded = function != NULL;
    }
    return loaded;
}
