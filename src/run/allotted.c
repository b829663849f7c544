#include "run/allotted.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/process.h"

enum { SECONDS = 10, SIZE = 4096 }; /* that squeue may take, and say */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Of "1-02:03:04", "03:04": seconds; -1 for what is none ("UNLIMITED"). */
static double read_time(const char *text)
{
    double days = 0, seconds = 0;
    for (;; text++) {
        char *end;
        long number = strtol(text, &end, 10);
        if (end == text || number < 0)
            return -1;
        if (*end == '-')
            days = (double)number;
        else
            seconds = seconds * 60 + (double)number;
        if (*end != '-' && *end != ':')
            return days * 86400 + seconds;
        text = end;
    }
}

static double ask(const char *id)
{
    const char *const argv[] = {"squeue", "--noheader", "--jobs", id, "--format=%L", NULL};
    const xpm__patience patience = {.seconds = SECONDS, .size = SIZE, .hurry = -1};
    xpm__str out = {0};
    double left = -1;
    if (xpm__process_read(argv, environ, &patience, &out) == 0 && out.size > 0)
        left = read_time(out.data);
    xpm__str_free(&out);
    return left;
}

double xpm__allotted_left(void)
{
    static double end; /* on the clock of now() */
    const char *id = getenv("SLURM_JOB_ID");
    if (end == 0 && id != NULL) {
        double left = ask(id);
        end = left >= 0 ? now() + left : 0;
    }
    double left = end - now();
    return end == 0 ? -1 : left > 0 ? left : 0;
}
