/* The parent of warm jobs, from inside: what makes it unfit, and how a process that it forked looks as
 * one that was started for its job. The public part is <experimaestro/warm.h>. */
#ifndef XPM_RUN_WARM_H
#define XPM_RUN_WARM_H

#include <stdbool.h>
#include <stddef.h>

enum { XPM__WARM_REASON_SIZE = 240 };

/* Whether this process, which was started to run the job of `params`, is to fork the processes of jobs
 * instead. */
bool xpm__warm_is_asked(const char *params);

/* Whether a process that is forked from this one is as a new one would be; else the reason why not. */
bool xpm__warm_is_fit(char reason[XPM__WARM_REASON_SIZE]);

/* Files, and what they were when they were added. Start from {0}. */
typedef struct xpm__sources {
    struct xpm__source *items;
    size_t count, capacity;
} xpm__sources;

/* Adds a file; one that is not there is left out. */
void xpm__sources_add(xpm__sources *sources, const char *path);
/* Adds what this process was loaded from: its program, and what is mapped of files that are not the
 * system's. */
void xpm__sources_add_loaded(xpm__sources *sources);
/* One that has changed since: its path, borrowed; NULL when none has. */
const char *xpm__sources_changed(const xpm__sources *sources);
void xpm__sources_free(xpm__sources *sources);

/* Makes `words`, each with its NUL, the command line that others see of this process. The text is kept
 * by the kernel: it must live as long as the process. False when the kernel does not allow it. */
bool xpm__command_line_set(const char *words, size_t size);

#endif
