/* Native tasks: the structs of their configurations, and their execution. */
#ifndef XPM_RUN_INSTANCE_H
#define XPM_RUN_INSTANCE_H

#include <experimaestro.h>

/* An xpm_executor: builds the structs of a task and of what it holds (one a configuration, however
 * often it is met), executes the init tasks, then the task. */
int xpm__native_execute(void *user, xpm_task *task, xpm_error *err);

#endif
