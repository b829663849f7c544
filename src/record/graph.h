/* Configurations as they are compared: of each object its type, its identifier and the leaves of its
 * fields, whether it comes from a params.json, from lines of objects.jsonl or from memory. There is
 * one node for each identifier, so that equal ones are never looked into. What the identifier leaves
 * out is left out or marked. From one thread at a time. */
#ifndef XPM_RECORD_GRAPH_H
#define XPM_RECORD_GRAPH_H

#include <experimaestro.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/ptrmap.h"

typedef struct xpm__node xpm__node;

typedef struct xpm__leaf {
    const char *path; /* from its object: ".layers[0]", ".(task)", ".(init tasks)[0]" */
    const char *text; /* of its value; NULL when that is a configuration: */
    xpm__node *node;
    bool ignored;  /* the identifier leaves it out, as it is */
    uint64_t hash; /* of all this */
} xpm__leaf;

struct xpm__node {
    const char *identifier, *type;
    xpm__leaf *leaves; /* in order of path */
    size_t count;
    bool read; /* its leaves are known */
    /* nearest.c: it is of a finished job; the finished one of its type that is nearest */
    bool finished, searched;
    xpm__node *nearest;
    /* difference.c: what it was compared with last, and in which comparison */
    const xpm__node *met;
    unsigned round;
};

/* Numbers of objects, as one file or one run gives them. */
typedef struct xpm__numbers {
    xpm__ptrmap places;
    struct xpm__numbered {
        xpm__node *node;
        bool meta; /* it counts in nothing that holds it */
    } * items;
    size_t count, capacity;
} xpm__numbers;

/* Starts from {0}. */
typedef struct xpm__graph {
    xpm__arena arena;
    xpm__map nodes;       /* by identifier */
    xpm__ptrmap written;  /* configurations in memory, with their numbers */
    xpm__numbers numbers; /* of those, or of the lines that were read */
    unsigned round, unnamed;
} xpm__graph;

/* The task of a params.json, which is its last object. Borrowed from the graph, as all nodes are.
 * NULL after an error; `path` is for its message. Errors: FORMAT. */
xpm__node *xpm__graph_read(xpm__graph *graph, const char *text, size_t size, const char *path,
                           xpm_error *err);
/* The same, of a file. Errors: IO, FORMAT. */
xpm__node *xpm__graph_read_file(xpm__graph *graph, int dir, const char *path, xpm_error *err);
/* Reads the lines of one run's objects.jsonl; those that are torn are passed over. Not for a graph
 * that has configurations of memory. */
void xpm__graph_read_lines(xpm__graph *graph, const char *text);
/* The node of a sealed and identified task. What was added is not read again: the configurations
 * live as long as the graph. */
xpm__node *xpm__graph_add(xpm__graph *graph, const xpm_config *task);
/* The hash of a leaf that is a configuration. */
uint64_t xpm__leaf_hash(const char *path, const xpm__node *node);
/* NULL when there is none. */
xpm__node *xpm__graph_find(const xpm__graph *graph, const char *identifier);
void xpm__graph_free(xpm__graph *graph);

/* ---- Differences ------------------------------------------------------------------------------ */

typedef struct xpm__differences {
    struct xpm__difference {
        char *path;      /* "$.model.gamma" */
        char *from, *to; /* NULL: none */
    } * items;
    size_t count, capacity;
} xpm__differences;

enum { XPM__DIFFERENCES_MOST = 1000, XPM__DEPTH_MOST = 2000 };

/* Appends where two configurations differ, in order of path, and at most XPM__DIFFERENCES_MOST. An
 * object that many hold is looked at once. Deeper than `depth` configurations (at most
 * XPM__DEPTH_MOST), two that differ are named and not looked into. */
void xpm__differences_add(xpm__differences *differences, xpm__graph *graph, xpm__node *from,
                          xpm__node *to, size_t depth);
void xpm__differences_free(xpm__differences *differences);
/* How many there are; those beyond `most` are not counted. */
size_t xpm__graph_distance(xpm__graph *graph, xpm__node *a, xpm__node *b, size_t depth,
                           size_t most);
/* "demo.learn/3f2a1bcd": how people are told of a job or a configuration. New: xpm_free. */
char *xpm__short_name(const char *type, const char *identifier);

#endif
