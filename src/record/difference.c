/* Where two configurations differ: their leaves are merged in order of path. */
#include <string.h>

#include "base/str.h"
#include "record/graph.h"

typedef struct comparison {
    unsigned round;
    size_t depth, deepest;
    size_t found, most;
    size_t visits;          /* that may still be made: a cycle with another one has no end */
    xpm__differences *into; /* NULL when they are only counted */
    xpm__str path;
} comparison;

enum { VISITS_MOST = 1000000, SHORT = 8 };

static void compare(comparison *c, xpm__node *a, xpm__node *b);

char *xpm__short_name(const char *type, const char *identifier)
{
    return xpm__format("%s/%.*s", type, SHORT, identifier);
}

/* ---- What is found ---------------------------------------------------------------------------- */

static char *name_of(const xpm__node *node)
{
    return xpm__short_name(node->type, node->identifier);
}

static char *text_of(const xpm__leaf *leaf)
{
    if (leaf == NULL)
        return NULL;
    return leaf->node != NULL ? name_of(leaf->node) : xpm__strdup(leaf->text);
}

/* Takes the texts. */
static void add(comparison *c, char *from, char *to)
{
    xpm__differences *d = c->into;
    c->found++;
    d->items = xpm__grow(d->items, &d->capacity, d->count, sizeof *d->items);
    d->items[d->count++] = (struct xpm__difference){xpm__strdup(c->path.data), from, to};
}

static void add_leaves(comparison *c, const xpm__leaf *a, const xpm__leaf *b)
{
    if (c->into == NULL)
        c->found++;
    else
        add(c, text_of(a), text_of(b));
}

static void add_types(comparison *c, const xpm__node *a, const xpm__node *b)
{
    if (c->into == NULL)
        c->found++;
    else
        add(c, xpm__strdup(a->type), xpm__strdup(b->type));
}

static void add_nodes(comparison *c, const xpm__node *a, const xpm__node *b)
{
    if (c->into == NULL)
        c->found++;
    else
        add(c, name_of(a), name_of(b));
}

/* ---- Comparing -------------------------------------------------------------------------------- */

/* One of the two may be NULL. Whether they differ. */
static bool compare_leaf(comparison *c, const xpm__leaf *a, const xpm__leaf *b)
{
    if ((a == NULL || a->ignored) && (b == NULL || b->ignored))
        return false;
    if (a != NULL && b != NULL) {
        if (a->node != NULL && a->node == b->node)
            return false;
        if (a->text != NULL && b->text != NULL && strcmp(a->text, b->text) == 0)
            return false;
    }
    size_t size = c->path.size;
    if (c->into != NULL)
        xpm__str_puts(&c->path, a != NULL ? a->path : b->path);
    if (a != NULL && b != NULL && a->node != NULL && b->node != NULL)
        compare(c, a->node, b->node);
    else
        add_leaves(c, a, b);
    if (c->into != NULL)
        xpm__str_cut(&c->path, size);
    return true;
}

/* A class that only has another name keeps its parameters; those of another class tell nothing. */
static bool has_same_paths(const xpm__node *a, const xpm__node *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->leaves[i].path, b->leaves[i].path) == 0;
    return same;
}

/* Whether one differs. */
static bool compare_leaves(comparison *c, const xpm__node *a, const xpm__node *b)
{
    bool differs = false;
    size_t i = 0, j = 0;
    while ((i < a->count || j < b->count) && c->found < c->most) {
        const xpm__leaf *left = i < a->count ? &a->leaves[i] : NULL;
        const xpm__leaf *right = j < b->count ? &b->leaves[j] : NULL;
        int order = left == NULL ? 1 : right == NULL ? -1 : strverscmp(left->path, right->path);
        differs |= compare_leaf(c, order <= 0 ? left : NULL, order >= 0 ? right : NULL);
        i += order <= 0;
        j += order >= 0;
    }
    return differs;
}

static void look_into(comparison *c, const xpm__node *a, const xpm__node *b)
{
    bool renamed = strcmp(a->type, b->type) != 0;
    if (renamed)
        add_types(c, a, b);
    if (renamed && !has_same_paths(a, b))
        return;
    /* What differs may be no value: how often an instance is met, or what an old file does not say. */
    if (!compare_leaves(c, a, b) && !renamed)
        add_nodes(c, a, b);
}

static void compare(comparison *c, xpm__node *a, xpm__node *b)
{
    if (a == b || c->found >= c->most || c->visits == 0 || (a->round == c->round && a->met == b))
        return;
    a->round = c->round;
    a->met = b;
    c->visits--;
    if (c->depth == c->deepest) {
        add_nodes(c, a, b);
        return;
    }
    c->depth++;
    look_into(c, a, b);
    c->depth--;
}

static size_t start(comparison *c, xpm__graph *graph, xpm__node *a, xpm__node *b, size_t depth)
{
    c->round = ++graph->round;
    c->visits = VISITS_MOST;
    c->deepest = depth < XPM__DEPTH_MOST ? depth : XPM__DEPTH_MOST;
    compare(c, a, b);
    return c->found;
}

size_t xpm__graph_distance(xpm__graph *graph, xpm__node *a, xpm__node *b, size_t depth, size_t most)
{
    return start(&(comparison){.most = most}, graph, a, b, depth);
}

void xpm__differences_add(xpm__differences *differences, xpm__graph *graph, xpm__node *from,
                          xpm__node *to, size_t depth)
{
    comparison c = {.most = XPM__DIFFERENCES_MOST, .into = differences};
    xpm__str_putc(&c.path, '$');
    start(&c, graph, from, to, depth);
    xpm__str_free(&c.path);
}

void xpm__differences_free(xpm__differences *differences)
{
    for (size_t i = 0; i < differences->count; i++) {
        xpm_free(differences->items[i].path);
        xpm_free(differences->items[i].from);
        xpm_free(differences->items[i].to);
    }
    xpm_free(differences->items);
    *differences = (xpm__differences){0};
}
