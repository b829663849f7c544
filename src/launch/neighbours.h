/* What the jobs of this user's other experiments have of the accelerators of this machine. Each job
 * that has some has a file, its claim, in one folder of this machine, and a lock on it, which its own process
 * is handed: however the job and whoever started it end, the kernel lets the lock go, the claim is
 * void, and whoever watches the folder hears of it. For one thread. */
#ifndef XPM_LAUNCH_NEIGHBOURS_H
#define XPM_LAUNCH_NEIGHBOURS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct xpm__neighbours xpm__neighbours;
typedef struct xpm__claim xpm__claim;

/* Opens the folder: XPM_SHARE_DIR, else /tmp/experimaestro-share-UID. NULL when it cannot be made, or is not
 * this user's alone. New: close. */
xpm__neighbours *xpm__neighbours_open(void);
void xpm__neighbours_close(xpm__neighbours *neighbours); /* accepts NULL; its claims were freed */
/* From now on claims whose lock was handed on stay, for others to see. Accepts NULL. */
void xpm__neighbours_leave(xpm__neighbours *neighbours);
/* Can be read when a claim may have become void; `heard` then empties it. */
int xpm__neighbours_fd(const xpm__neighbours *neighbours);
void xpm__neighbours_heard(xpm__neighbours *neighbours);

/* Between these two nobody else looks or claims. `each` is told what claims hold that are not this
 * opener's own. -1 with errno, and then there is no end. */
typedef void (*xpm__neighbours_each)(void *user, const char *uuid, int64_t bytes);
int xpm__neighbours_begin(xpm__neighbours *neighbours, xpm__neighbours_each each, void *user);
void xpm__neighbours_end(xpm__neighbours *neighbours);
/* In between: makes a claim of lines "UUID BYTES". NULL with errno. New: xpm__claim_free. */
xpm__claim *xpm__neighbours_claim(xpm__neighbours *neighbours, const char *text);

/* Takes over the claim of a process that another has started, and tells what it holds. NULL when it
 * has none. New: xpm__claim_free. */
xpm__claim *xpm__neighbours_find(xpm__neighbours *neighbours, pid_t pid, xpm__neighbours_each each,
                                 void *user);

/* The lock, to be handed to the job's process; -1 once it was. */
int xpm__claim_lock(const xpm__claim *claim);
void xpm__claim_handed(xpm__claim *claim);
/* Removes the claim, unless the opener has left and a process was handed its lock. Accepts NULL. */
void xpm__claim_free(xpm__neighbours *neighbours, xpm__claim *claim);

#endif
