/* What a scheduler and the parent of warm jobs say to each other, over a SOCK_SEQPACKET socket. The
 * parent is started as a job is, with the same environment, but for this socket in the place of the
 * job's lock (XPM__LOCK_FD), in an empty folder that is removed once it is ready, and with streams that
 * have no name. It ends at the end of the socket. */
#ifndef XPM_RECORD_WARMSTART_H
#define XPM_RECORD_WARMSTART_H

#include <stdint.h>

/* In the place of a native job's params.json, a file that is not there: a program that knows of no warm
 * starts fails. And for Python, what it executes: its arguments then are the module of the task, and its
 * file or "". */
#define XPM__WARM_PARAMS "warm"
#define XPM__WARM_CODE                                                                             \
    "from experimaestro import warm\ntry: exec(*warm.become())\n"                                  \
    "finally: __import__('experimaestro.warm').warm.flush()\n"

/* How the name of the folder begins where a parent is started. */
#define XPM__WARM_PLACE "xpm-warm-"

/* Fork a process for a job. After it come the words of the job's command, then the entries of its
 * environment that are its own (XPM__START_VARIABLE), each with a NUL. With it come
 * descriptors: the job's folder, its standard input, output and error, its lock, and other locks, which it
 * gets as the descriptors after it. */
typedef struct xpm__warm_request {
    uint32_t id;
    uint32_t command_size, entries_size; /* bytes, NULs included */
} xpm__warm_request;
enum { XPM__WARM_MESSAGE = 16 << 10 }; /* bytes of a request with its texts, at most */
enum {
    XPM__WARM_FOLDER,
    XPM__WARM_IN,
    XPM__WARM_OUT,
    XPM__WARM_ERR,
    XPM__WARM_LOCK,
    XPM__WARM_FDS /* and the others after it */
};

typedef enum xpm__warm_word {
    XPM__WARM_READY,   /* jobs may be asked for */
    XPM__WARM_REFUSED, /* no job can be forked from it: `reason`; it ends */
    XPM__WARM_STALE, /* what it has loaded is no more what a new process would: `reason`; it ends */
    XPM__WARM_STARTED, /* said by the job's process `pid` itself, before anything else */
    XPM__WARM_FAILED,  /* the process could not be forked: `error`, an errno */
} xpm__warm_word;

/* What was asked for and has no answer at the end of the socket was not begun: a process that was
 * forked for it has the socket too, until it has answered. */
typedef struct xpm__warm_answer {
    int32_t word; /* xpm__warm_word */
    uint32_t id;  /* of the request */
    int32_t pid, error;
    char reason[240];
} xpm__warm_answer;

#endif
