/* A hash table from texts to pointers, open addressing. It keeps the pointers to its keys: a key
 * must live as long as its entry (most often it is a part of the value). Start from {0}. */
#ifndef XPM_BASE_MAP_H
#define XPM_BASE_MAP_H

#include <stddef.h>

typedef struct xpm__map {
    struct xpm__map_entry {
        const char *key;
        void *value;
    } * entries;
    size_t count, capacity;
} xpm__map;

void *xpm__map_find(const xpm__map *map, const char *key); /* NULL when there is none */
void xpm__map_set(xpm__map *map, const char *key, void *value);
void xpm__map_free(xpm__map *map);

#endif
