/* Where the jobs of one scheduler run: this machine, and a site for each place that a launcher has.
 * All is for the loop's thread. */
#ifndef XPM_SCHEDULE_SITES_H
#define XPM_SCHEDULE_SITES_H

#include <uv.h>

#include "launch/launcher.h"

typedef struct xpm__sites xpm__sites;

/* This machine has room for `slots` jobs. `events` and `loop` are borrowed; `user` is that of the
 * event `freed`. New: free. */
xpm__sites *xpm__sites_new(uv_loop_t *loop, int slots, const xpm__site_events *events, void *user);
void xpm__sites_close(xpm__sites *sites); /* forgets all runs, and closes all handles */
void xpm__sites_free(xpm__sites *sites);  /* after the loop has ended; accepts NULL */

xpm__machine *xpm__sites_machine(xpm__sites *sites);
/* The site of a launcher, opened at first. NULL with an error. */
xpm__site *xpm__sites_find(xpm__sites *sites, const xpm_launcher *launcher, xpm_error *err);
/* The site of what a .pid names: the job's own, if it may be that; NULL when there is none. */
xpm__site *xpm__sites_find_pid(xpm__sites *sites, xpm__site *own, const xpm__pid *pid);
/* Sends what was gathered. */
void xpm__sites_flush(xpm__sites *sites);
/* Whether a job that asks for nothing could start somewhere. */
bool xpm__sites_have_room(const xpm__sites *sites);

#endif
