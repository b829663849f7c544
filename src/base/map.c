#include "base/map.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

/* FNV-1a: short keys, no adversary. */
static size_t hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return (size_t)(hash ^ (hash >> 32));
}

static struct xpm__map_entry *slot_of(const xpm__map *map, const char *key)
{
    size_t mask = map->capacity - 1, i = hash_text(key) & mask;
    while (map->entries[i].key != NULL && strcmp(map->entries[i].key, key) != 0)
        i = (i + 1) & mask;
    return &map->entries[i];
}

static void rehash(xpm__map *map, size_t capacity)
{
    xpm__map old = *map;
    map->capacity = capacity;
    map->entries = xpm__zalloc(capacity * sizeof *map->entries);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].key != NULL)
            *slot_of(map, old.entries[i].key) = old.entries[i];
    xpm_free(old.entries);
}

void *xpm__map_find(const xpm__map *map, const char *key)
{
    return map->count > 0 ? slot_of(map, key)->value : NULL;
}

void xpm__map_set(xpm__map *map, const char *key, void *value)
{
    if ((map->count + 1) * 4 > map->capacity * 3)
        rehash(map, map->capacity > 0 ? map->capacity * 2 : 16);
    struct xpm__map_entry *slot = slot_of(map, key);
    if (slot->key == NULL)
        map->count++;
    *slot = (struct xpm__map_entry){key, value};
}

void xpm__map_free(xpm__map *map)
{
    xpm_free(map->entries);
    *map = (xpm__map){0};
}
