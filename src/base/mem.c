#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16384 };

typedef struct xpm__arena_block {
    struct xpm__arena_block *next;
    size_t used, size;
    max_align_t data[];
} block;

static void *default_allocator(void *pointer, size_t size)
{
    if (size == 0) {
        free(pointer);
        return NULL;
    }
    return realloc(pointer, size);
}

static xpm_allocator allocator = default_allocator;

void xpm_set_allocator(xpm_allocator replacement)
{
    allocator = replacement != NULL ? replacement : default_allocator;
}

void *xpm__realloc(void *pointer, size_t size)
{
    void *result = allocator(pointer, size);
    if (result == NULL && size > 0) {
        fputs("experimaestro: out of memory\n", stderr);
        abort();
    }
    return result;
}

void *xpm__alloc(size_t size)
{
    return xpm__realloc(NULL, size);
}

void *xpm__zalloc(size_t size)
{
    return memset(xpm__realloc(NULL, size), 0, size);
}

void xpm_free(void *pointer)
{
    if (pointer != NULL)
        allocator(pointer, 0);
}

char *xpm__strndup(const char *text, size_t size)
{
    char *copy = xpm__alloc(size + 1);
    if (size > 0)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

char *xpm__strdup(const char *text)
{
    return text != NULL ? xpm__strndup(text, strlen(text)) : NULL;
}

char *xpm__format(const char *format, ...)
{
    va_list args;
    char *text;
    int size;
    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = xpm__alloc((size_t)size + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}

void *xpm__grow(void *items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity > 0 ? *capacity * 2 : 8;
    return xpm__realloc(items, *capacity * size);
}

static void (*at_reset[8])(void);

void xpm__at_reset(void (*forget)(void))
{
    size_t i = 0;
    while (at_reset[i] != NULL && at_reset[i] != forget)
        i++;
    at_reset[i] = forget;
}

void xpm__call_at_reset(void)
{
    for (size_t i = 0; i < sizeof at_reset / sizeof *at_reset; i++)
        if (at_reset[i] != NULL)
            at_reset[i]();
}

void *xpm__arena_alloc(xpm__arena *arena, size_t size)
{
    block *head = arena->blocks;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (head == NULL || head->size - head->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        head = xpm__zalloc(sizeof(block) + room);
        head->size = room;
        head->next = arena->blocks;
        arena->blocks = head;
    }
    void *result = (char *)head->data + head->used;
    head->used += size;
    return result;
}

char *xpm__arena_strdup(xpm__arena *arena, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    return memcpy(xpm__arena_alloc(arena, size), text, size);
}

void xpm__arena_free(xpm__arena *arena)
{
    while (arena->blocks != NULL) {
        block *next = arena->blocks->next;
        xpm_free(arena->blocks);
        arena->blocks = next;
    }
}
