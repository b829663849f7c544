/* What every unit test stands on: cmocka, and an allocator that counts, so that each program of
 * tests is also a test that nothing leaks. Tests are named by sentences. */
#ifndef XPM_TESTS_LEAKS_H
#define XPM_TESTS_LEAKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <experimaestro.h>

#define TEST(sentence) static void sentence(__attribute__((unused)) void **state)

static long leaks_live; /* blocks that the library has not given back; atomic */

static inline void *leaks_allocator(void *pointer, size_t size)
{
    if (size == 0) {
        __atomic_sub_fetch(&leaks_live, pointer != NULL, __ATOMIC_RELAXED);
        free(pointer);
        return NULL;
    }
    void *result = realloc(pointer, size);
    __atomic_add_fetch(&leaks_live, pointer == NULL && result != NULL, __ATOMIC_RELAXED);
    return result;
}

/* A test that fails jumps out of what it holds: leaks are only looked for when all have passed. */
static inline int leaks_check(int failed)
{
    xpm_reset();
    long live = __atomic_load_n(&leaks_live, __ATOMIC_RELAXED);
    if (failed == 0 && live != 0)
        fprintf(stderr, "%ld blocks are still allocated after xpm_reset()\n", live);
    return failed != 0 || live != 0;
}

/* What main() returns, given an array of tests, and a function to call before them. */
#define RUN_TESTS_WITH(tests, setup)                                                               \
    (xpm_set_allocator(leaks_allocator), leaks_check(cmocka_run_group_tests(tests, setup, NULL)))
#define RUN_TESTS(tests) RUN_TESTS_WITH(tests, NULL)

/* That an error was set: its code, and a part of its message. */
static inline void assert_error(const xpm_error *err, xpm_code code, const char *part)
{
    if (err->code != code || strstr(err->message, part) == NULL)
        fail_msg("expected \"%s\" with \"%s\", got \"%s\": %s", xpm_code_text(code), part,
                 xpm_code_text(err->code), err->message);
}

#endif
