/* Tokens, as jobs ask for them. A token lives as long as the process; its folder, which all processes
 * share, is record/tokendir. What a job wants of each is in order of folder, in which they are taken. */
#ifndef XPM_SUBMIT_TOKEN_H
#define XPM_SUBMIT_TOKEN_H

#include <experimaestro.h>

#include "record/tokendir.h"

struct xpm_token {
    char *name;
    char *folder; /* absolute */
    int64_t total;
    bool made; /* the folder is there, with the total */
};

/* What a job wants of a token. */
typedef struct xpm__want {
    xpm_token *token;
    int64_t count;
    xpm_job *job;
    char *holder;                      /* L: the file that says that the job has it; or NULL */
    struct xpm__want *next, *previous; /* L: in the line of the token */
} xpm__want;

struct xpm__wants {
    size_t count;
    bool waits;        /* L: it is in the lines of all its tokens */
    bool called;       /* L: it was told to try, and has not yet */
    xpm__rank rank;    /* L: its place, while it waits */
    bool aside;        /* L: it asks for more than a total, and is in no line */
    xpm_job *next;     /* L: among those */
    xpm__want items[]; /* sorted by folder */
};

/* Takes over what a task asks for; a job that was submitted keeps what it has, unless it failed. */
int xpm__job_take_tokens(xpm_job *job, const xpm_config *task, xpm_error *err);
void xpm__wants_free(struct xpm__wants *wants); /* accepts NULL */

#endif
