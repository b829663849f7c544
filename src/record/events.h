/* Logs of JSON lines, and their one reader: the events of runs, and the jobs that they list. A line
 * counts once it is whole: a torn last one is left for the next reading, which goes on from there,
 * and a bad one is passed over. A log of events begins with a line that says its version; one
 * without it is of version 0, and reads the same. */
#ifndef XPM_RECORD_EVENTS_H
#define XPM_RECORD_EVENTS_H

#include <sys/types.h>

#include <experimaestro.h>

#include "base/json.h"

enum { XPM__EVENTS_VERSION = 1, XPM__LINE_MAX = 1 << 24 };

/* Called for each line that is an object, which is borrowed; not for that of the version. */
typedef void (*xpm__on_line)(void *user, json_object *line);

/* What a reading has met. */
typedef struct xpm__lines {
    off_t end;        /* after the last whole line: where the next reading begins */
    size_t good, bad; /* lines; a bad one is no object, or longer than XPM__LINE_MAX */
} xpm__lines;

/* Reads the lines of an open log from byte `from`, where a line begins; `path` names it in errors.
 * Errors: IO, VERSION (a newer one: nothing of it is told). */
int xpm__events_read(int fd, const char *path, off_t from, xpm__on_line callback, void *user,
                     xpm__lines *lines, xpm_error *err);
/* The same of a whole file; one that is not there has no lines. */
int xpm__events_read_file(int dir, const char *path, xpm__on_line callback, void *user,
                          xpm_error *err);

/* What a line says of a job. The texts are borrowed from the line. */
typedef struct xpm__event {
    const char *type, *hash;      /* of the job */
    const char *experiment, *run; /* that say so; NULL when the line does not tell */
    xpm_job_state state;
    xpm_reason reason;
    double time; /* seconds since 1970; 0 when the line does not tell */
} xpm__event;

/* The job that a line is about; false when there is none, or its names are no names of folders. */
bool xpm__event_job(json_object *line, const char **type, const char **hash);
/* The new state of a job; false when the line tells of none. */
bool xpm__event_parse(json_object *line, xpm__event *event);

/* Appends the first line of a log. */
void xpm__events_print_version(xpm__str *out);

#endif
