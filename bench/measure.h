/* What the programs of the benchmark measure with: the bytes that the library holds, and a clock. */
#ifndef XPM_BENCH_MEASURE_H
#define XPM_BENCH_MEASURE_H

#include <malloc.h>
#include <stdlib.h>
#include <time.h>

static size_t held, peak; /* bytes */

/* For xpm_set_allocator. */
static inline void *count(void *pointer, size_t size)
{
    held -= malloc_usable_size(pointer);
    void *result = realloc(pointer, size > 0 ? size : 1);
    if (size == 0) {
        free(result);
        return NULL;
    }
    held += malloc_usable_size(result);
    peak = held > peak ? held : peak;
    return result;
}

static inline double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

#endif
