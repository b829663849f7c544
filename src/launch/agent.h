/* The agent: what a scheduler of another host starts on this one, to start and to watch its jobs here. */
#ifndef XPM_LAUNCH_AGENT_H
#define XPM_LAUNCH_AGENT_H

#include <experimaestro.h>

/* Takes orders from the descriptor `in`, and answers to `out`, until `in` ends; what runs goes on.
 * Errors: IO, FORMAT (an order that is none). */
int xpm__agent_run(int in, int out, xpm_error *err);

#endif
