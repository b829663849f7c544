/* The doctor: looks at a workspace for what is wrong with its file system, and for files that do not
 * tell the truth, and repairs what can be. It writes nothing without being told to, and only what
 * nobody else may be writing: a job's files under its lock, a run's under the experiment's. */
#ifndef XPM_WATCH_DOCTOR_H
#define XPM_WATCH_DOCTOR_H

#include <experimaestro.h>

#include "base/json.h"
#include "base/map.h"
#include "base/str.h"

typedef enum xpm__outcome {
    XPM__FOUND,    /* what is told first, before anything is done */
    XPM__REPAIRED, /* then, with `fix`, of a finding that has a remedy: one of these */
    XPM__LEFT,     /* as it was: `why` */
} xpm__outcome;

typedef struct xpm__finding {
    const char *kind;   /* "lost" */
    const char *path;   /* relative to the workspace */
    const char *what;   /* is wrong with it */
    const char *remedy; /* what the repair does; NULL when there is none */
    bool note;          /* good to know, and nothing is wrong: no finding is counted */
    xpm__outcome outcome;
    const char *why;
} xpm__finding;
typedef void (*xpm__doctor_tell)(void *user, const xpm__finding *finding);

typedef struct xpm__doctor_report {
    size_t jobs, runs;            /* looked at */
    size_t findings, notes;       /* told */
    size_t repairable, remaining; /* of the findings: those with a remedy, those that remain */
} xpm__doctor_report;

/* Examines a workspace, and repairs it if `fix`. Errors: IO, STATE (no workspace there). */
int xpm__doctor(const char *workspace, bool fix, xpm__doctor_tell tell, void *user,
                xpm__doctor_report *report, xpm_error *err);

/* ---- For its parts ---------------------------------------------------------------------------- */

/* A folder of jobs/TYPE/HASH. */
typedef struct xpm__doctor_job {
    char *key;    /* TYPE/HASH */
    char *target; /* the same of the job that it is a link to, or NULL */
    xpm_job_state state;
    bool listed; /* by a run */
} xpm__doctor_job;

typedef struct xpm__examination {
    const char *workspace; /* absolute */
    int fd;
    bool fix;
    xpm__doctor_tell tell;
    void *user;
    xpm__doctor_report *report;
    xpm__doctor_job **jobs;
    size_t job_count, job_capacity;
    xpm__map by_key;
} xpm__examination;

/* Tells what was found and, if it is to be, repairs it: `repair`, which may be NULL, returns 0, or -1
 * and the reason. */
typedef int (*xpm__repair)(void *user, xpm_error *err);
void xpm__doctor_found(xpm__examination *e, const xpm__finding *finding, xpm__repair repair,
                       void *user);
/* The same of something that has no remedy. */
void xpm__doctor_note(xpm__examination *e, const xpm__finding *like, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether `file` is FILE.PID-N.tmp (base/file.h), left by a process that is no more; FILE one of
 * `names`, which ends with NULL. */
bool xpm__doctor_is_left(const char *file, const char *const *names);
/* What a file holds; NULL when it is not there, or no JSON (`broken`). New: json_object_put. */
json_object *xpm__doctor_json(int dir, const char *path, bool *broken);
/* As files are written that were read. */
enum { XPM__DOCTOR_JSON = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE };

void xpm__doctor_fs(xpm__examination *e);
void xpm__doctor_jobs(xpm__examination *e);
void xpm__doctor_runs(xpm__examination *e); /* after the jobs, which it marks as listed */
void xpm__doctor_tokens(xpm__examination *e);
void xpm__doctor_links(xpm__examination *e);

#endif
