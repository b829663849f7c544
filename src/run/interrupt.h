/* SIGINT and SIGTERM in a program that runs an experiment. The first stops it, and leaves the jobs
 * running; a second one within XPM__PATIENCE seconds cancels them; one that comes later ends the
 * program, as it would any. */
#ifndef XPM_RUN_INTERRUPT_H
#define XPM_RUN_INTERRUPT_H

#include <experimaestro.h>

enum { XPM__PATIENCE = 2 };

/* From here on they are noted. 0, or -1 with errno. */
int xpm__interrupt_catch(void);
/* The signal that came, or 0. */
int xpm__interrupt_came(void);
/* From here on they act on the experiment, in a thread; `program` is for what it says. 0, or -1 with
 * errno. */
int xpm__interrupt_watch(const char *program, xpm_experiment *xp);
/* From here on they end the program again. To be called before the experiment is closed. */
void xpm__interrupt_end(void);

#endif
