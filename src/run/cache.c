/* Files that several tasks may want to compute: a path made from a configuration's identifier, under
 * a lock between processes. */
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

int xpm_cache_lock(const char *workspace, const char *typename_, const char *identifier,
                   const char *file, char **path, xpm_error *err)
{
    char *folder = xpm__format("%s/config/%s/%s", workspace, typename_, identifier);
    char *lock = xpm__format("%s/%s.lock", folder, file);
    int handle = -1;
    *path = NULL;
    if (xpm__file_mkdirs(folder, err) == 0) {
        handle = xpm__file_lock(AT_FDCWD, lock, true);
        if (handle < 0)
            xpm__fail_io(err, lock, "lock");
        else
            *path = xpm__format("%s/%s", folder, file);
    }
    xpm_free(folder);
    xpm_free(lock);
    return handle;
}

void xpm_cache_unlock(int handle)
{
    if (handle >= 0)
        close(handle);
}
