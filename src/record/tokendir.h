/* The folder of a token, tokens/NAME.counter: how many are in use, by which jobs, and who waits, of
 * all processes. A holder counts as long as its job's lock is held, and a ticket as long as its own is:
 * the kernel takes back what a killed process had. Everything is looked at and changed under the
 * folder's ipc.lock, which is held for an instant; those of several tokens are taken in order. */
#ifndef XPM_RECORD_TOKENDIR_H
#define XPM_RECORD_TOKENDIR_H

#include <sys/types.h>

#include <experimaestro.h>

#define XPM__TOKEN_TOTAL "informations.json"

/* The place of a job among all that wait, of all tokens and processes: those of lower text are
 * served first. It names the tickets. */
enum { XPM__RANK_SIZE = 128 };
typedef struct xpm__rank {
    char text[XPM__RANK_SIZE];
} xpm__rank;
/* A rank later than all that this process has made. */
void xpm__rank_make(xpm__rank *rank);

/* What a scheduler has in the queue of one token: its place is that of its first job. Start from
 * {.fd = -1}. */
typedef struct xpm__ticket {
    xpm__rank rank;
    int fd; /* of the file, locked; -1 when there is none */
} xpm__ticket;

/* A job in that queue. Everything is borrowed. */
typedef struct xpm__turn {
    const char *directory; /* absolute: WORKSPACE/jobs/TYPE/HASH */
    const xpm__rank *rank;
    int64_t count;
} xpm__turn;

/* Makes the folder, unless it is there. Errors: IO. */
int xpm__tokendir_make(const char *folder, xpm_error *err);
/* Makes it, and writes the total when it is another. Errors: IO. */
int xpm__tokendir_set_total(const char *folder, int64_t total, xpm_error *err);
/* The total that the folder has; `otherwise` when it has none. */
int64_t xpm__tokendir_total(const char *folder, int64_t otherwise);

/* ---- Taking ----------------------------------------------------------------------------------- */

/* What a job waits for: an open file, whose lock is held as long as it has to. */
typedef struct xpm__token_blocker {
    char *directory; /* of the job that holds some; NULL for the ticket of who comes before */
    int fd;          /* -1 when only the folder's changes tell */
} xpm__token_blocker;

typedef struct xpm__token_request {
    const char *folder;
    int64_t total;         /* that the folder gets if it has none */
    int64_t count;         /* how many */
    xpm__ticket *ticket;   /* of the scheduler */
    const xpm__turn *next; /* who gets the ticket when the job has the token; NULL for nobody */
    char *holder;          /* out: the file that says that the job has it. New: xpm_free */
} xpm__token_request;

typedef struct xpm__taking {
    const char *directory; /* the job's; its lock is held by the caller */
    const xpm__rank *rank;
    xpm__token_request *requests; /* of one job, in order of `folder` */
    size_t count;
    xpm__token_blocker *blockers; /* out, when it waits. New: xpm__taking_clear */
    size_t blocker_count, blocker_capacity;
} xpm__taking;

typedef enum xpm__taken {
    XPM__TAKEN,    /* it has all of them */
    XPM__NOT_FREE, /* it has none, and a ticket for each */
    XPM__TOO_MANY, /* it has none, and none can be given: a total is lower than what is asked for */
    XPM__NOT_TAKEN, /* it has none: an error */
} xpm__taken;
/* Takes all tokens of a job, or none. Errors: IO. */
xpm__taken xpm__tokendir_take(xpm__taking *taking, xpm_error *err);
void xpm__taking_clear(xpm__taking *taking);

/* Gives the ticket to another job of the same scheduler; NULL gives it up. */
void xpm__tokendir_move(const char *folder, xpm__ticket *ticket, const xpm__turn *next);

/* ---- Giving back ------------------------------------------------------------------------------ */

/* Whether a holder's file was left by a job that does not run. False when nothing says which job. */
bool xpm__tokendir_is_left(const char *holder);
/* Removes a holder's file if its job's lock is free; whether it is gone. */
bool xpm__tokendir_reclaim(const char *holder);

/* The holders of a job are listed in its folder, in locks.json. Writing: 0, or -1 with errno. */
int xpm__locks_write(int jobdir, const char *const *holders, size_t count);
/* Removes the list, and what is listed: for who holds the job's lock. */
void xpm__locks_release(int jobdir);

/* ---- Reading ---------------------------------------------------------------------------------- */

/* Who has tokens, or waits for some. */
typedef struct xpm__token_user {
    char *directory; /* the job's; of those of a scheduler that wait, the first one's */
    int64_t count;
    pid_t pid;    /* of a scheduler that waits, on `host`; 0 for a job that has some */
    char *host;   /* or NULL */
    double since; /* seconds since 1970 */
} xpm__token_user;

typedef struct xpm__token_report {
    char *name;
    int64_t total, used;
    xpm__token_user *holders;
    size_t holder_count, holder_capacity;
    xpm__token_user *waiters; /* the first to be served first */
    size_t waiter_count, waiter_capacity;
} xpm__token_report;
/* Reads a token's folder, and changes nothing there. Errors: IO. */
int xpm__token_report_read(const char *folder, xpm__token_report *report, xpm_error *err);
void xpm__token_report_clear(xpm__token_report *report);

/* The folders of the tokens below a workspace, or below a connector's folder, sorted; ends with NULL.
 * New: xpm__tokendirs_free. */
char **xpm__tokendirs(const char *workspace);
void xpm__tokendirs_free(char **folders);

#endif
