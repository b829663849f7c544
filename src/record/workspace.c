#include "record/workspace.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "declare/class.h"

/* The absolute path, of a folder that may not exist yet. */
static char *absolute(const char *path)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved) != NULL)
        return xpm__strdup(resolved);
    if (path[0] == '/' || getcwd(resolved, sizeof resolved) == NULL)
        return xpm__strdup(path);
    return xpm__format("%s/%s", resolved, path);
}

static int create_in(const char *path, xpm_error *err)
{
    static const char *const folders[] = {"jobs", "experiments", ".events/experiments"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *folder = xpm__format("%s/%s", path, folders[i]);
        int status = xpm__file_mkdirs(folder, err);
        xpm_free(folder);
        if (status < 0)
            return -1;
    }
    return 0;
}

static int open_folder(xpm__workspace *workspace, xpm_error *err)
{
    workspace->fd = open(workspace->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (workspace->fd < 0)
        return xpm__fail_io(err, workspace->path, "open the workspace");
    if (xpm__file_touch(workspace->fd, ".__experimaestro__") < 0)
        return xpm__fail_io(err, workspace->path, "write in the workspace");
    return 0;
}

xpm__workspace *xpm__workspace_open(const char *path, bool create, xpm_error *err)
{
    xpm__workspace *workspace = xpm__zalloc(sizeof *workspace);
    workspace->refs = 1;
    workspace->fd = -1;
    if (create && xpm__file_mkdirs(path, err) < 0)
        goto fail;
    workspace->path = absolute(path);
    if (create && (create_in(workspace->path, err) < 0 || open_folder(workspace, err) < 0))
        goto fail;
    return workspace;
fail:
    xpm__workspace_unref(workspace);
    return NULL;
}

xpm__workspace *xpm__workspace_ref(xpm__workspace *workspace)
{
    __atomic_add_fetch(&workspace->refs, 1, __ATOMIC_RELAXED);
    return workspace;
}

void xpm__workspace_unref(xpm__workspace *workspace)
{
    if (workspace == NULL || __atomic_sub_fetch(&workspace->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (workspace->fd >= 0)
        close(workspace->fd);
    xpm_free(workspace->path);
    xpm_free(workspace);
}

char *xpm__workspace_job(const xpm__workspace *workspace, const char *type, const char *hash)
{
    return xpm__format("%s/jobs/%s/%s", workspace->path, type, hash);
}

char *xpm__workspace_partial(const char *workspace, const xpm_config *config,
                             const xpm_partial *partial,
                             const uint8_t identifier[XPM_IDENTIFIER_SIZE])
{
    char hex[XPM_HEX_SIZE];
    xpm_identifier_hex(identifier, hex);
    return xpm__format("%s/partials/%s/%s/%s", workspace, xpm_class_name(xpm_config_class(config)),
                       partial->name, hex);
}

char *xpm_partial_directory(const char *workspace, xpm_config *config, const xpm_partial *partial,
                            xpm_error *err)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    if (xpm_config_partial_identifier(config, partial, identifier, err) < 0)
        return NULL;
    return xpm__workspace_partial(workspace, config, partial, identifier);
}
