/* A hash table from pointers to numbers: what a walk over a graph has seen. Start from {0}. */
#ifndef XPM_BASE_PTRMAP_H
#define XPM_BASE_PTRMAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct xpm__ptrmap {
    struct xpm__ptrmap_entry {
        const void *key;
        size_t value;
    } * entries;
    size_t count, capacity;
} xpm__ptrmap;

/* Adds a key that is not there, and says whether it was added. */
bool xpm__ptrmap_add(xpm__ptrmap *map, const void *key, size_t value);
/* The key's number, which may be changed; NULL when there is none. */
size_t *xpm__ptrmap_find(const xpm__ptrmap *map, const void *key);
void xpm__ptrmap_free(xpm__ptrmap *map);

#endif
