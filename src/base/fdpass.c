#include "base/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What carries descriptors, aligned as a header must be. */
typedef union rights {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(XPM__PASS_MAX * sizeof(int))];
} rights;

int xpm__fd_send(int socket, const void *data, size_t size, const int *fds, size_t count)
{
    rights control = {0};
    struct iovec part = {.iov_base = (void *)data, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > XPM__PASS_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    if (count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof *fds);
        control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                          .cmsg_type = SCM_RIGHTS,
                                          .cmsg_len = CMSG_LEN(count * sizeof *fds)};
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof *fds);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

static size_t take_fds(struct msghdr *message, int fds[XPM__PASS_MAX])
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return 0;
    size_t size = header->cmsg_len - CMSG_LEN(0);
    memcpy(fds, CMSG_DATA(header), size);
    return size / sizeof *fds;
}

ssize_t xpm__fd_receive(int socket, void *data, size_t size, int fds[XPM__PASS_MAX], size_t *count,
                        int flags)
{
    rights control;
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got;
    *count = 0;
    do /* who ended without reading all has reset the socket: what it had sent comes after that */
        got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0)
        return -1;
    *count = take_fds(&message, fds);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
        return got;
    while (*count > 0)
        close(fds[--*count]);
    errno = EMSGSIZE;
    return -1;
}
