/* Waiting for locks that other processes hold: the kernel offers no event for a flock(2), so a thread
 * blocks in it. Whoever waits is told in its own thread, with the lock; all is for that thread, but
 * for those that block. These are few, since most of what another process runs can be watched by a
 * pidfd. */
#ifndef XPM_BASE_LOCKWAIT_H
#define XPM_BASE_LOCKWAIT_H

#include <experimaestro.h>

typedef struct xpm__lockwaits xpm__lockwaits;

/* `wake` is told, from any thread, that xpm__lockwaits_run has something to do. */
xpm__lockwaits *xpm__lockwaits_new(void (*wake)(void *user), void *user);
/* Forgets those that wait. Accepts NULL. */
void xpm__lockwaits_free(xpm__lockwaits *waits);

/* Told with the lock's descriptor, which is the callee's to close; -1 when it could not be locked,
 * with the reason in errno. */
typedef void (*xpm__locked)(void *user, void *about, int fd);
/* Starts to wait for the lock of a file, which is made if it is not there; `about` is what it is for.
 * Copies the path. Errors: IO (no thread). */
int xpm__lockwaits_add(xpm__lockwaits *waits, const char *path, xpm__locked locked, void *user,
                       void *about, xpm_error *err);
/* Starts to wait until the lock of an open file is held by nobody; `locked` is then told, with no
 * descriptor. One thread waits for a file, however often it is asked to. Takes the descriptor. */
void xpm__lockwaits_add_free(xpm__lockwaits *waits, int fd, xpm__locked locked, void *user);
/* Tells each of those that have got their lock. */
void xpm__lockwaits_run(xpm__lockwaits *waits);

/* Waits for the lock of a file. When there is something to read from `signals` (-1 for none), or a
 * signal was handled, `interrupted` (NULL: none) is asked whether to give up, with errno EINTR. Its
 * descriptor, or -1 with errno. */
int xpm__lockwait(const char *path, int signals, bool (*interrupted)(void *user), void *user);

/* A descriptor with a number above all those that a process is started with, so that none of these
 * overwrites it; closes the given one. Accepts -1. */
int xpm__move_up(int fd);

#endif
