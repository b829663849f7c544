/* Memory: the one door to the allocator, which aborts when memory runs out, and the arena, for what
 * lives and dies together. */
#ifndef XPM_BASE_MEM_H
#define XPM_BASE_MEM_H

#include <experimaestro.h>

/* As malloc, calloc and realloc, but never NULL for a size above 0. */
void *xpm__alloc(size_t size);
void *xpm__zalloc(size_t size);
void *xpm__realloc(void *pointer, size_t size);

char *xpm__strdup(const char *text); /* NULL gives NULL */
char *xpm__strndup(const char *text, size_t size);

/* A printf-like text. New: xpm_free. */
char *xpm__format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Grows an array of `size`-byte items so that one more than `count` fit; capacity doubles. */
void *xpm__grow(void *items, size_t *capacity, size_t count, size_t size);

/* Calls `forget` at xpm_reset: for what a higher floor keeps for the life of the process. Asking
 * again changes nothing. The second makes the calls. */
void xpm__at_reset(void (*forget)(void));
void xpm__call_at_reset(void);

typedef struct xpm__arena {
    struct xpm__arena_block *blocks;
} xpm__arena;

void *xpm__arena_alloc(xpm__arena *arena, size_t size); /* zeroed */
char *xpm__arena_strdup(xpm__arena *arena, const char *text);
void xpm__arena_free(xpm__arena *arena);

#endif
