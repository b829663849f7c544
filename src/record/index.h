/* The index of a workspace: what the logs of the latest run of each experiment say of its jobs, in
 * SQLite, so that a question about many jobs reads what is new since the last one. It is a cache on
 * the node's own disk, and never right against the files: whatever is wrong with it, it is made
 * anew, and where there can be none the files are read. That a job is done it may say alone; any
 * other state must be looked for in the job's folder. */
#ifndef XPM_RECORD_INDEX_H
#define XPM_RECORD_INDEX_H

#include <experimaestro.h>

typedef struct xpm__index xpm__index;

/* Opens the index of the workspace at `path`, open as `dir`, and reads what is new. `index` is NULL,
 * without an error, when there can be none. Errors, for the logs of `experiment` (NULL: of any): IO,
 * VERSION. New: xpm__index_close. */
int xpm__index_open(const char *path, int dir, const char *experiment, xpm__index **index,
                    xpm_error *err);
void xpm__index_close(xpm__index *index); /* accepts NULL */

/* A job that a run has listed. The texts are borrowed during the call. */
typedef struct xpm__index_job {
    const char *type, *hash;
    const char *tags;    /* a JSON object, as text; NULL when none */
    bool done;           /* else: what the run said last */
    xpm_job_state state; /* UNSCHEDULED when it said nothing */
    xpm_reason reason;
} xpm__index_job;

/* The jobs that a run has listed: how many are done, and each of the others; or each, with `all`.
 * -1 when the index cannot say: then the files must be read, and what was told be forgotten. */
typedef void (*xpm__on_index_job)(void *user, const xpm__index_job *job);
int xpm__index_jobs(xpm__index *index, const char *experiment, const char *run, bool all,
                    xpm__on_index_job callback, void *user, size_t *done);

#endif
