/* A job that is not done against the nearest one that is: what a reader of the workspace and a plan
 * say alike. */
#ifndef XPM_RECORD_EXPLAIN_H
#define XPM_RECORD_EXPLAIN_H

#include "base/str.h"
#include "record/nearest.h"

typedef struct xpm__against {
    const char *type;             /* of both; borrowed */
    char *key;                    /* TYPE/HASH of the finished one; NULL when none is */
    size_t read, total;           /* how many were looked at, and are finished */
    xpm__differences differences; /* from it to the job */
} xpm__against;

/* `scan` and `depth` are those of nearest.h and graph.h. */
void xpm__against_find(xpm__against *against, xpm__finished *finished, xpm__node *task, size_t scan,
                       size_t depth);
/* "$.epochs 10 -> 20 against demo.learn/3f2a1bcd, the nearest of 5 finished jobs of its type", or
 * that there is none. */
void xpm__against_print(const xpm__against *against, xpm__str *out);
void xpm__against_clear(xpm__against *against);

/* A value as sentences have it: "none" for NULL, cut when it is long. */
void xpm__explain_value(const char *value, xpm__str *out);

#endif
