/* Programs that are asked something, and read: no shell, no terminal, nothing inherited but the
 * environment, and an end to patience. Jobs are not started here: a launcher does. */
#ifndef XPM_BASE_PROCESS_H
#define XPM_BASE_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

/* How long, and for how much, it is listened to. */
typedef struct xpm__patience {
    double seconds;
    size_t size; /* bytes */
    /* When this descriptor can be read, there is a moment left (XPM__MOMENT_MS); -1 for none. */
    int hurry;
} xpm__patience;
enum { XPM__MOMENT_MS = 100 };

/* Starts argv[0], found in PATH, and reads what it prints. Returns its exit status; or -1 with
 * errno: ENOENT (no such program), ETIMEDOUT, EFBIG (it said more), EINTR (a signal ended it). One
 * that is not listened to any more is killed, with those that it has started. */
int xpm__process_read(const char *const *argv, char *const *environment,
                      const xpm__patience *patience, xpm__str *out);
/* The same, with what it prints on standard error; `keep` is a descriptor that it holds as long as it
 * lives, or -1. */
int xpm__process_ask(const char *const *argv, char *const *environment,
                     const xpm__patience *patience, int keep, xpm__str *out, xpm__str *errors);

/* Starts argv[0] in a session of its own, with no stream; whoever calls waits for it some time. -1
 * with errno. */
pid_t xpm__process_leave(const char *const *argv, char *const *environment);

/* Starts argv[0], found in PATH, to talk with: its standard input is written to fds[0], its output is
 * read from fds[1], its errors from fds[2]; the caller closes them, and waits for it. -1 with errno. */
pid_t xpm__process_talk(const char *const *argv, char *const *environment, int fds[3]);

#endif
