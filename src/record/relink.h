/* Jobs under new identifiers: jobs/NEWTYPE/NEWHASH is made a symbolic link to the folder where the
 * job ran. A journal in the workspace names each link before it is made, so that all of them can be
 * taken back. Keys are TYPE/HASH. Nothing that exists is replaced, and no link is followed. */
#ifndef XPM_RECORD_RELINK_H
#define XPM_RECORD_RELINK_H

#include <experimaestro.h>

#define XPM__RELINK_JOURNAL ".deprecated.jsonl"

typedef enum xpm__relink_place {
    XPM__PLACE_FREE,
    XPM__PLACE_LINKED, /* to the job, already */
    XPM__PLACE_TAKEN,  /* by something else */
} xpm__relink_place;

/* What is where the new key would be. `workspace` is a descriptor of its folder. */
xpm__relink_place xpm__relink_look(int workspace, const char *old_key, const char *new_key);

/* Opens the journal, and locks it: waits for another who links. Returns its descriptor, or -1. */
int xpm__relink_open(int workspace, xpm_error *err);
/* A file of the job that has another place in its folder today; relative, with slashes. */
typedef struct xpm__relink_file {
    const char *from, *to;
} xpm__relink_file;
/* Links a job that is done under its new key, with its markers and streams under the name that the
 * new key gives them, and those of `count` files that are there. Errors: IO, CONFLICT (the place is
 * taken). */
int xpm__relink_add(int workspace, int journal, const char *old_key, const char *new_key,
                    const xpm__relink_file *files, size_t count, xpm_error *err);

/* Links folders of the workspace, those of partial identifiers, to where they would be today, when
 * nothing is there. Errors: IO. */
int xpm__relink_shared(int workspace, int journal, const xpm__relink_file *folders, size_t count,
                       xpm_error *err);

/* Takes back all that the journal names, the last first, then removes it. Tells each link that
 * exists; removes nothing unless `perform`. Errors: IO. */
typedef void (*xpm__relink_tell)(void *user, const char *link, const char *target);
int xpm__relink_undo(int workspace, bool perform, xpm__relink_tell tell, void *user,
                     xpm_error *err);

#endif
