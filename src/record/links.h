/* The links in a run's folder to the folders of its jobs. Making one takes the file system as long as all
 * the rest of listing a job that is done: after the first few, a thread makes them meanwhile. */
#ifndef XPM_RECORD_LINKS_H
#define XPM_RECORD_LINKS_H

typedef struct xpm__links xpm__links;

/* For the folder of a run, whose descriptor is borrowed. */
xpm__links *xpm__links_new(int run);
/* Adds jobs/TYPE/HASH; from one thread at a time. `type` is borrowed for ever. -1 with errno when this
 * one, or one before, could not be made. */
int xpm__links_add(xpm__links *links, const char *type, const char *hash);
/* Waits until all are made, and frees. -1 with errno when one could not be. Accepts NULL. */
int xpm__links_end(xpm__links *links);

#endif
