#include "record/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "record/jobdir.h"

static const char version_event[] = "LogVersionEvent";

/* ---- Lines ------------------------------------------------------------------------------------ */

typedef struct reading {
    const char *path;
    off_t begins;   /* where in the file `text` begins */
    xpm__str text;  /* read, and not taken yet */
    size_t scanned; /* of it, the bytes that are known to hold no end of a line */
    bool too_long;  /* the line that goes on has lost its start */
    xpm__on_line callback;
    void *user;
    xpm__lines *lines;
    xpm_error *err;
} reading;

static int check_version(const reading *r, json_object *line)
{
    int64_t version = json_object_get_int64(xpm__json_get(line, "version"));
    if (version <= XPM__EVENTS_VERSION)
        return 0;
    return xpm__fail(r->err, XPM_E_VERSION, r->path,
                     "%s is a log of version %lld, written by a newer experimaestro: this one "
                     "reads version %d and those before",
                     r->path, (long long)version, XPM__EVENTS_VERSION);
}

static int take_line(reading *r, const char *line, size_t size)
{
    const char *problem;
    json_object *json = r->too_long ? NULL : xpm__json_parse(line, size, &problem);
    const char *event = xpm__json_get_text(json, "event_type");
    int status = 0;
    r->too_long = false;
    if (!json_object_is_type(json, json_type_object)) {
        r->lines->bad++;
    } else if (event != NULL && strcmp(event, version_event) == 0) {
        status = check_version(r, json);
    } else {
        r->lines->good++;
        r->callback(r->user, json);
    }
    json_object_put(json);
    return status;
}

/* Takes the whole lines of the text, and keeps the start of the one that goes on. */
static int take_lines(reading *r)
{
    char *line = r->text.data, *end;
    size_t left = r->text.size, scanned = r->scanned;
    int status = 0;
    while (status == 0 && (end = memchr(line + scanned, '\n', left - scanned)) != NULL) {
        size_t size = (size_t)(end - line);
        status = take_line(r, line, size);
        line = end + 1;
        left -= size + 1;
        scanned = 0;
        r->lines->end = r->begins + (line - r->text.data);
    }
    r->too_long = r->too_long || left > XPM__LINE_MAX;
    if (r->too_long)
        left = 0;
    r->begins += (off_t)(r->text.size - left);
    memmove(r->text.data, line, left);
    xpm__str_cut(&r->text, left);
    r->scanned = left;
    return status;
}

int xpm__events_read(int fd, const char *path, off_t from, xpm__on_line callback, void *user,
                     xpm__lines *lines, xpm_error *err)
{
    char part[1 << 16];
    reading r = {.path = path,
                 .begins = from,
                 .callback = callback,
                 .user = user,
                 .lines = lines,
                 .err = err};
    ssize_t got;
    int status = 0;
    *lines = (xpm__lines){.end = from};
    while (status == 0 && (got = pread(fd, part, sizeof part, from)) != 0) {
        if (got > 0) {
            from += got;
            xpm__str_add(&r.text, part, (size_t)got);
            status = take_lines(&r);
        } else if (errno != EINTR) {
            status = xpm__fail_io(err, path, "read");
        }
    }
    xpm__str_free(&r.text);
    return status;
}

int xpm__events_read_file(int dir, const char *path, xpm__on_line callback, void *user,
                          xpm_error *err)
{
    xpm__lines lines;
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : xpm__fail_io(err, path, "read");
    int status = xpm__events_read(fd, path, 0, callback, user, &lines, err);
    close(fd);
    return status;
}

/* ---- What they say ---------------------------------------------------------------------------- */

/* Paths are made of these names: what is no folder's name is no job's. */
static bool names_folder(const char *text)
{
    return text != NULL && text[0] != '\0' && text[0] != '.' && strchr(text, '/') == NULL;
}

bool xpm__event_job(json_object *line, const char **type, const char **hash)
{
    *type = xpm__json_get_text(line, "task_id");
    *hash = xpm__json_get_text(line, "job_id");
    return names_folder(*type) && names_folder(*hash);
}

static xpm_job_state parse_state(const char *text)
{
    for (int state = XPM_JOB_UNSCHEDULED; state <= XPM_JOB_ERROR; state++)
        if (strcmp(text, xpm_job_state_text((xpm_job_state)state)) == 0)
            return (xpm_job_state)state;
    return XPM_JOB_UNSCHEDULED;
}

static double parse_time(json_object *time)
{
    if (json_object_is_type(time, json_type_string))
        return xpm__clock_parse(json_object_get_string(time));
    return json_object_get_double(time);
}

bool xpm__event_parse(json_object *line, xpm__event *event)
{
    *event = (xpm__event){0};
    const char *state = xpm__json_get_text(line, "scheduler_state");
    const char *reason = xpm__json_get_text(line, "failure_reason");
    if (!xpm__event_job(line, &event->type, &event->hash) || state == NULL)
        return false;
    event->experiment = xpm__json_get_text(line, "experiment_id");
    event->run = xpm__json_get_text(line, "run_id");
    event->state = parse_state(state);
    event->reason = reason != NULL ? xpm__reason_parse(reason) : XPM_REASON_NONE;
    event->time = parse_time(xpm__json_get(line, "timestamp"));
    return true;
}

void xpm__events_print_version(xpm__str *out)
{
    xpm__json_open(out, '{');
    xpm__json_pair_time(out, "timestamp", xpm__clock_now());
    xpm__json_pair(out, "event_type", version_event);
    xpm__json_pair_int(out, "version", XPM__EVENTS_VERSION);
    xpm__json_close(out, '}');
    xpm__str_putc(out, '\n');
}
