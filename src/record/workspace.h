/* A workspace: the folder that holds jobs and experiments. Held by the experiment and by each job,
 * for its path; the descriptors make every other path short. */
#ifndef XPM_RECORD_WORKSPACE_H
#define XPM_RECORD_WORKSPACE_H

#include <experimaestro.h>

typedef struct xpm__workspace {
    char *path; /* absolute, without a final slash */
    int refs;   /* atomic */
    int fd;     /* of path; -1 when nothing may be written (a dry run, a folder not there) */
} xpm__workspace;

/* Opens a workspace; `create` makes what is missing of it. New: xpm__workspace_unref. */
xpm__workspace *xpm__workspace_open(const char *path, bool create, xpm_error *err);
xpm__workspace *xpm__workspace_ref(xpm__workspace *workspace);
void xpm__workspace_unref(xpm__workspace *workspace);

/* jobs/TYPE/HASH, absolute. New: xpm_free. */
char *xpm__workspace_job(const xpm__workspace *workspace, const char *type, const char *hash);

/* partials/TYPE/NAME/HASH, absolute. New: xpm_free. */
char *xpm__workspace_partial(const char *workspace, const xpm_config *config,
                             const xpm_partial *partial,
                             const uint8_t identifier[XPM_IDENTIFIER_SIZE]);

#endif
