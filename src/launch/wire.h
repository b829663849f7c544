/* What a scheduler and its agent on another host say to each other: objects of JSON, one a line. Those
 * of the scheduler are orders, those of the agent answers. Both sides read what the other may not have
 * written: a login script that prints, or another version. */
#ifndef XPM_LAUNCH_WIRE_H
#define XPM_LAUNCH_WIRE_H

#include "base/json.h"
#include "launch/launcher.h"

/* Of what is said here. One that changes it takes another number: the two ends must have the same. */
enum { XPM__WIRE_VERSION = 1 };
/* Bytes of a line. An order has a job's parameters; what an answer tells of a job's files is cut. */
enum { XPM__ORDER_MAX = 256 << 20, XPM__ANSWER_MAX = 16 << 20 };

/* What came, and was not read yet. Start from {0}. */
typedef struct xpm__frames {
    xpm__str text;
    size_t begin;   /* of the first line that was not read */
    size_t scanned; /* bytes after it that hold no end of a line */
} xpm__frames;
void xpm__frames_add(xpm__frames *frames, const char *data, size_t size);
/* The next whole line, without its end; its size, or -1 when there is none. Borrowed until the next
 * call. */
ptrdiff_t xpm__frames_next(xpm__frames *frames, const char **line);
/* Whether a line is longer than `most`, with what there is of it. */
bool xpm__frames_overflow(const xpm__frames *frames, size_t most);
void xpm__frames_free(xpm__frames *frames);

/* Adds a word as the shell of another host reads it as one: the only place that writes for a shell. A
 * "~/" at its begin stays that host's home. */
void xpm__shell_quote(xpm__str *out, const char *word);

/* ---- Orders ----------------------------------------------------------------------------------- */

typedef enum xpm__order_kind {
    XPM__ORDER_OPEN,   /* the first: of which workspace */
    XPM__ORDER_START,  /* start a job, unless this very start has come before */
    XPM__ORDER_ADOPT,  /* say how a job goes that was started */
    XPM__ORDER_CANCEL, /* tell a job to end */
} xpm__order_kind;

/* One order. Its texts are borrowed from the object that was read; NULL where its kind has none. */
typedef struct xpm__order {
    xpm__order_kind kind;
    int version;
    int slots;             /* jobs at once; 0: as many as there are cores */
    const char *workspace; /* absolute */
    const char *probe;     /* a file of the workspace: who sees it there has the same folder */
    const char *token;     /* of this start of the job */
    const char *type, *hash, *name;
    const char *requires;        /* what it needs of the machine (requirement.h); or NULL */
    bool pin;                    /* it has cores of its own */
    const char *params, *script; /* what its files hold; the script may be NULL */
    json_object *wrapper;        /* texts: what the command is put after; or NULL */
    json_object *argv;           /* texts, at least one */
    json_object *variables;      /* NAME=VALUE */
    json_object *partials;       /* {"name", "folder"}: what it shares with others; or NULL */
    json_object *needs;          /* markers of those whose results it reads; or NULL */
} xpm__order;
/* Errors: FORMAT (it is none). */
int xpm__order_read(json_object *json, xpm__order *order, xpm_error *err);

/* ---- Answers ---------------------------------------------------------------------------------- */

typedef enum xpm__answer_kind {
    XPM__ANSWER_AGENT,   /* the greeting: which version it speaks */
    XPM__ANSWER_OPEN,    /* the workspace is */
    XPM__ANSWER_REFUSED, /* it cannot be; `message` */
    XPM__ANSWER_BEGAN,   /* a job runs */
    XPM__ANSWER_ENDED,   /* it has ended */
    XPM__ANSWER_FAILED,  /* it could not be started; `message` */
    XPM__ANSWER_GONE,    /* it was not begun there, as far as can be seen, nor will be */
} xpm__answer_kind;

typedef struct xpm__answer {
    json_object *json; /* that its texts are borrowed from, when it was read; borrowed as well */
    xpm__answer_kind kind;
    int version;
    int slots; /* how many jobs that machine has room for */
    bool same; /* its workspace is this very folder */
    const char *release, *token, *message;
    xpm__end end;           /* how its process ended */
    xpm_job_state state;    /* what its markers say: DONE, ERROR; UNSCHEDULED without marker */
    xpm_reason reason;      /* of an error, with its code; */
    int code;               /* `message` may be NULL */
    const char *status;     /* its status.json; or NULL */
    const char *last_words; /* the end of its NAME.err; or NULL */
} xpm__answer;
/* Errors: FORMAT (it is none). */
int xpm__answer_read(json_object *json, xpm__answer *answer, xpm_error *err);
void xpm__answer_print(const xpm__answer *answer, xpm__str *out); /* with its end of line */

#endif
