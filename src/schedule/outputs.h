/* Watching what jobs announce while they run: those who asked get a notice of each line of the job's
 * file, in the scheduler's loop, woken by the kernel when a line is added. The file is read from its
 * start for each watch, when the job begins to run, and once more when it ends. */
#ifndef XPM_SCHEDULE_OUTPUTS_H
#define XPM_SCHEDULE_OUTPUTS_H

#include <uv.h>

#include <experimaestro.h>

typedef struct xpm__outputs xpm__outputs;

/* NULL, with a libuv status in `status`, when it cannot be. Before the loop runs. */
xpm__outputs *xpm__outputs_new(uv_loop_t *loop, int *status);
/* Once the loop's handles are closed. Accepts NULL. */
void xpm__outputs_free(xpm__outputs *outputs);

/* Adds a watch of a number; from any thread. */
void xpm__outputs_watch(xpm__outputs *outputs, xpm_job *job, unsigned number);

/* A job runs; its process has ended, and its state is not told yet. In the loop's thread. */
void xpm__outputs_begin(xpm_job *job);
void xpm__outputs_end(xpm_job *job);

#endif
