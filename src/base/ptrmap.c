#include "base/ptrmap.h"

#include <stdint.h>

#include "base/mem.h"

static struct xpm__ptrmap_entry *slot_of(const xpm__ptrmap *map, const void *key)
{
    size_t mask = map->capacity - 1;
    size_t i = (size_t)(((uintptr_t)key >> 4) * 0x9e3779b97f4a7c15u >> 20) & mask;
    while (map->entries[i].key != NULL && map->entries[i].key != key)
        i = (i + 1) & mask;
    return &map->entries[i];
}

static void rehash(xpm__ptrmap *map, size_t capacity)
{
    xpm__ptrmap old = *map;
    map->capacity = capacity;
    map->entries = xpm__zalloc(capacity * sizeof *map->entries);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].key != NULL)
            *slot_of(map, old.entries[i].key) = old.entries[i];
    xpm_free(old.entries);
}

bool xpm__ptrmap_add(xpm__ptrmap *map, const void *key, size_t value)
{
    if ((map->count + 1) * 4 > map->capacity * 3)
        rehash(map, map->capacity > 0 ? map->capacity * 2 : 16);
    struct xpm__ptrmap_entry *slot = slot_of(map, key);
    if (slot->key != NULL)
        return false;
    *slot = (struct xpm__ptrmap_entry){key, value};
    map->count++;
    return true;
}

size_t *xpm__ptrmap_find(const xpm__ptrmap *map, const void *key)
{
    if (map->count == 0)
        return NULL;
    struct xpm__ptrmap_entry *slot = slot_of(map, key);
    return slot->key != NULL ? &slot->value : NULL;
}

void xpm__ptrmap_free(xpm__ptrmap *map)
{
    xpm_free(map->entries);
    *map = (xpm__ptrmap){0};
}
