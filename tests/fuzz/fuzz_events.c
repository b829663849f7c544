/* Any text may stand where a log of events is looked for: reading it gives the same lines at once
 * and in two parts, and each is an event of a job whose names name folders, or none. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/events.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* The states told, folded: how many events, and a sum that depends on their order. */
typedef struct fold {
    size_t events;
    uint64_t sum;
} fold;

static void take(void *user, json_object *line)
{
    fold *f = user;
    xpm__event event;
    if (!xpm__event_parse(line, &event))
        return;
    must(strchr(event.type, '/') == NULL && strchr(event.hash, '/') == NULL);
    must(event.state >= XPM_JOB_UNSCHEDULED && event.state <= XPM_JOB_ERROR);
    f->events++;
    f->sum = f->sum * 31 + strlen(event.hash) * 8 + (uint64_t)event.state;
}

static int read_log(int log, off_t from, fold *f, xpm__lines *lines)
{
    return xpm__events_read(log, "/fuzz/log", from, take, f, lines, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int log = -1;
    if (log < 0)
        log = memfd_create("log", MFD_CLOEXEC);
    fold whole = {0}, parts = {0};
    xpm__lines lines, first, second;
    must(ftruncate(log, 0) == 0 && pwrite(log, data, size, 0) == (ssize_t)size);
    if (read_log(log, 0, &whole, &lines) < 0)
        return 0;
    must(lines.end >= 0 && lines.end <= (off_t)size);
    must(lines.end == 0 || data[lines.end - 1] == '\n');

    must(ftruncate(log, (off_t)(size / 2)) == 0);
    must(read_log(log, 0, &parts, &first) == 0);
    must(pwrite(log, data, size, 0) == (ssize_t)size);
    must(read_log(log, first.end, &parts, &second) == 0);
    must(second.end == lines.end);
    must(first.good + second.good == lines.good && first.bad + second.bad == lines.bad);
    must(parts.events == whole.events && parts.sum == whole.sum);
    return 0;
}
