/* Messages over a local socket (SOCK_SEQPACKET), and open descriptors with them. */
#ifndef XPM_BASE_FDPASS_H
#define XPM_BASE_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

enum { XPM__PASS_MAX = 64 }; /* descriptors of one message */

/* Sends a message whole, without waiting, and copies of `count` descriptors. 0, or -1 with errno:
 * EAGAIN when the other side has not read what it was sent before, EPIPE or ECONNRESET when it is no
 * more. */
int xpm__fd_send(int socket, const void *data, size_t size, const int *fds, size_t count);

/* Receives a message, and its descriptors, which are close-on-exec and the caller's. `flags`: 0, or
 * MSG_DONTWAIT. Returns its size, 0 at the end of all; or -1 with errno: EMSGSIZE when it was larger
 * than `size`, and nothing of it is left open. */
ssize_t xpm__fd_receive(int socket, void *data, size_t size, int fds[XPM__PASS_MAX], size_t *count,
                        int flags);

#endif
