/* A program that is talked to for as long as it lives, a line at a time, in a loop: what it is told is
 * queued and never waited for. */
#ifndef XPM_LAUNCH_TALK_H
#define XPM_LAUNCH_TALK_H

#include <uv.h>

#include <experimaestro.h>

#include "base/str.h"

typedef struct xpm__talk xpm__talk;

typedef struct xpm__talk_events {
    /* A line of its output, without its end. Borrowed for the call, in which it may be closed. */
    void (*said)(void *user, const char *line, size_t size);
    /* It has ended, with this exit status, or -1 for a signal; `errors` is the end of what it wrote to
     * its standard error. It is to be closed. */
    void (*over)(void *user, int status, const char *errors);
} xpm__talk_events;

/* Starts argv[0], found in PATH, in a session of its own. New: xpm__talk_close. Errors: IO. */
xpm__talk *xpm__talk_open(uv_loop_t *loop, const char *const *argv, const xpm__talk_events *events,
                          void *user, xpm_error *err);
/* Says something. Takes the text. */
void xpm__talk_say(xpm__talk *talk, xpm__str *text);
/* Ends it, if it lives; nothing more is told. Frees it in the loop. Accepts NULL. */
void xpm__talk_close(xpm__talk *talk);

#endif
