/* The command line that ps shows of a process. The kernel keeps where it is, not what it is: any memory
 * of the process will do, and no privilege is needed to say so. */
#include <errno.h>
#include <linux/prctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "run/warm.h"

/* Fields of /proc/self/stat, counted from the one after the name, which is in parentheses. */
enum {
    START_CODE = 23,
    END_CODE,
    START_STACK,
    START_DATA = 42,
    END_DATA,
    START_HEAP,
    ARG_START,
    ARG_END,
    ENV_START,
    ENV_END,
    FIELDS
};

static bool read_fields(unsigned long long fields[FIELDS])
{
    xpm__str text = {0};
    int field = 0, size = 0;
    if (xpm__file_read(AT_FDCWD, "/proc/self/stat", &text) == 0 && text.size > 0) {
        const char *at = strrchr(text.data, ')');
        at = at != NULL ? at + strlen(") S") : ""; /* the first field is a letter */
        for (field = 1; field < FIELDS && sscanf(at, "%llu%n", &fields[field], &size) == 1; field++)
            at += size;
    }
    xpm__str_free(&text);
    return field == FIELDS;
}

bool xpm__command_line_set(const char *words, size_t size)
{
    unsigned long long at[FIELDS];
    if (!read_fields(at))
        return false;
    struct prctl_mm_map map = {.start_code = at[START_CODE],
                               .end_code = at[END_CODE],
                               .start_data = at[START_DATA],
                               .end_data = at[END_DATA],
                               .start_brk = at[START_HEAP],
                               .brk = (uintptr_t)sbrk(0),
                               .start_stack = at[START_STACK],
                               .arg_start = (uintptr_t)words,
                               .arg_end = (uintptr_t)words + size,
                               .env_start = at[ENV_START],
                               .env_end = at[ENV_END],
                               .exe_fd = (uint32_t)-1};
    return prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) == 0;
}
