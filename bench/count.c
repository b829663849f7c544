/* Counts the jobs of an experiment by state, as often as is said, and prints the seconds of each. */
#include <stdio.h>
#include <stdlib.h>

#include <experimaestro.h>

#include "measure.h"

int main(int argc, char **argv)
{
    size_t counts[XPM_JOB_STATE_COUNT];
    xpm_error err;
    if (argc != 4) {
        fprintf(stderr, "usage: count WORKSPACE EXPERIMENT TIMES\n");
        return 2;
    }
    for (long i = strtol(argv[3], NULL, 10); i > 0; i--) {
        double start = now();
        if (xpm_jobs_count(argv[1], argv[2], counts, &err) < 0) {
            fprintf(stderr, "count: %s\n", err.message);
            return 1;
        }
        printf("{\"seconds\":%.6f,\"done\":%zu,\"error\":%zu,\"running\":%zu}\n", now() - start,
               counts[XPM_JOB_DONE], counts[XPM_JOB_ERROR], counts[XPM_JOB_RUNNING]);
    }
    return 0;
}
