/* Native tasks: their execution, on the structs of their configurations. */
#ifndef XPM_RUN_NATIVE_H
#define XPM_RUN_NATIVE_H

#include <experimaestro.h>

/* An xpm_executor: makes the structs of a task and of what it holds, executes the init tasks, then
 * the task. */
int xpm__native_execute(void *user, xpm_task *task, xpm_error *err);

#endif
