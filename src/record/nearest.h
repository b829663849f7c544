/* The finished jobs of one type, and which of them is nearest to a job that is not: the one that
 * differs from it in the fewest places, of several the latest. */
#ifndef XPM_RECORD_NEAREST_H
#define XPM_RECORD_NEAREST_H

#include "record/graph.h"

/* How many jobs of a type are read, the latest: to explain one job, and to explain a plan of many,
 * of which so many are compared with each. */
enum { XPM__FINISHED_ONE = 1000, XPM__FINISHED_PLAN = 20000, XPM__FINISHED_SCAN = 64 };

/* The finished jobs of one type. */
typedef struct xpm__finished_type {
    char *name;
    size_t first, count, total; /* places of those that were read; how many are finished in all */
} xpm__finished_type;

typedef struct xpm__finished {
    xpm__graph *graph; /* borrowed */
    int workspace;     /* the same; its folder */
    size_t most;       /* jobs that are read of a type */
    struct xpm__finished_job {
        char *hash;
        double done; /* its marker's time */
        xpm__node *node;
    } * jobs; /* of each type the latest first */
    size_t count, capacity;
    xpm__finished_type *types;
    size_t type_count, type_capacity;
    xpm__node **parts; /* what the jobs hold, each once */
    size_t part_count, part_capacity;
    /* Hashes of parts and of jobs, whole and less one leaf each; to places from 1. */
    xpm__ptrmap part_hashes, job_hashes;
} xpm__finished;

/* The type's jobs, which are read when it is new. What cannot be read is passed over. Borrowed until
 * another type is read. */
const xpm__finished_type *xpm__finished_read(xpm__finished *finished, const char *type);
/* The job of a type that is nearest to a task of it; NULL when none is finished. One that differs in
 * one place, however deep, is found by hashing, in time that does not depend on how many there are.
 * When none is, the latest `scan` are compared; all of them when there are not more. */
const struct xpm__finished_job *xpm__finished_nearest(xpm__finished *finished,
                                                      const xpm__finished_type *type,
                                                      xpm__node *task, size_t scan);
void xpm__finished_free(xpm__finished *finished);

#endif
