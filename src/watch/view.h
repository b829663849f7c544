/* What a workspace holds, for readers: the jobs, each with the state that the evidence on disk
 * proves, and with what the latest run of an experiment said of those that left none. A run that
 * crashed is shown like one that lives; nothing is shown running that is not. */
#ifndef XPM_WATCH_VIEW_H
#define XPM_WATCH_VIEW_H

#include <experimaestro.h>

#include "base/map.h"
#include "base/str.h"
#include "record/jobdir.h"

typedef struct xpm__job_view {
    char *key; /* TYPE/HASH */
    char *type, *hash;
    char *experiment; /* that listed it last; NULL when none did */
    char *tags;       /* a JSON object, as text; NULL when none */
    xpm__jobdir_state state;
} xpm__job_view;

typedef struct xpm__experiment_view {
    char *name, *run; /* the latest run */
    char *host;
    char *status; /* as it says: "running", "done", "failed" */
    bool running; /* its lock is held */
    size_t jobs, by_state[XPM_JOB_STATE_COUNT];
} xpm__experiment_view;

typedef struct xpm__view {
    char *workspace; /* absolute */
    int fd;
    xpm__job_view **jobs;
    size_t job_count, job_capacity;
    xpm__map by_key;
    xpm__experiment_view *experiments;
    size_t experiment_count, experiment_capacity;
} xpm__view;

/* Opens a workspace to read it. Errors: IO, STATE (no workspace there). */
int xpm__view_open(const char *workspace, xpm__view *view, xpm_error *err);
/* Loads the jobs of an experiment, or of all and those that no experiment lists (NULL), in order of
 * type and identifier, and the experiments with their counts. Errors: UNKNOWN (no such experiment
 * has run), IO, VERSION (a newer log). */
int xpm__view_load(xpm__view *view, const char *experiment, xpm_error *err);
/* The same for the jobs in some states alone, a bit each: of one experiment, most come from the index
 * then, and the times and messages of those that are done are only read `with_details`. */
int xpm__view_load_states(xpm__view *view, const char *experiment, unsigned states,
                          bool with_details, xpm_error *err);
/* Loads the experiments with their counts (NULL: all), and no jobs: from the index. */
int xpm__view_count(xpm__view *view, const char *experiment, xpm_error *err);
/* The job that `name` means: TYPE/HASH, or the start of either HASH or TYPE/HASH, if no other job
 * has it. NULL and an error otherwise. Borrowed from the view. */
const xpm__job_view *xpm__view_find(const xpm__view *view, const char *name, xpm_error *err);
/* Appends what is known of a job, a JSON object. */
void xpm__view_print_job(const xpm__view *view, const xpm__job_view *job, xpm__str *out);
void xpm__view_close(xpm__view *view);

#endif
