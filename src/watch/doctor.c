#include "watch/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "watch/view.h"

/* ---- Telling ---------------------------------------------------------------------------------- */

void xpm__doctor_found(xpm__examination *e, const xpm__finding *finding, xpm__repair repair,
                       void *user)
{
    xpm__finding told = *finding;
    xpm_error err = {0};
    if (told.note) {
        e->report->notes++;
        e->tell(e->user, &told);
        return;
    }
    e->report->findings++;
    e->report->remaining++;
    e->report->repairable += told.remedy != NULL;
    e->tell(e->user, &told);
    if (!e->fix || told.remedy == NULL)
        return;
    told.outcome = XPM__LEFT;
    if (repair(user, &err) == 0) {
        told.outcome = XPM__REPAIRED;
        e->report->remaining--;
    }
    told.why = told.outcome == XPM__LEFT ? err.message : NULL;
    e->tell(e->user, &told);
}

void xpm__doctor_note(xpm__examination *e, const xpm__finding *like, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    xpm__finding finding = *like;
    finding.what = what;
    xpm__doctor_found(e, &finding, NULL, NULL);
}

/* ---- What the parts share --------------------------------------------------------------------- */

bool xpm__doctor_is_left(const char *file, const char *const *names)
{
    for (; *names != NULL; names++) {
        size_t size = strlen(*names);
        int pid, end = 0;
        if (strncmp(file, *names, size) == 0 &&
            sscanf(file + size, ".%d-%*u.tmp%n", &pid, &end) == 1 && end > 0 &&
            file[size + (size_t)end] == '\0')
            return pid > 0 && kill(pid, 0) < 0 && errno == ESRCH;
    }
    return false;
}

json_object *xpm__doctor_json(int dir, const char *path, bool *broken)
{
    json_object *json = xpm__json_read(dir, path);
    *broken = json == NULL && errno == EBADMSG;
    return json;
}

/* ---- Jobs of nobody --------------------------------------------------------------------------- */

static long long size_of(const char *path)
{
    char *paths[] = {(char *)path, NULL};
    long long size = 0;
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    while (walk != NULL && (entry = fts_read(walk)) != NULL)
        if (entry->fts_info == FTS_F)
            size += entry->fts_statp->st_size;
    if (walk != NULL)
        fts_close(walk);
    return size;
}

/* A job that is known by a new name too is listed when either is. */
static void list_targets(xpm__examination *e)
{
    for (size_t i = 0; i < e->job_count; i++) {
        const xpm__doctor_job *job = e->jobs[i];
        xpm__doctor_job *target =
            job->target != NULL && job->listed ? xpm__map_find(&e->by_key, job->target) : NULL;
        if (target != NULL)
            target->listed = true;
    }
}

static void tell_orphans(xpm__examination *e)
{
    list_targets(e);
    for (size_t i = 0; i < e->job_count; i++) {
        const xpm__doctor_job *job = e->jobs[i];
        if (job->listed || job->target != NULL)
            continue;
        char *folder = xpm__format("jobs/%s", job->key);
        char *path = xpm__format("%s/%s", e->workspace, folder);
        xpm__doctor_note(e, &(xpm__finding){.kind = "orphan", .path = folder, .note = true},
                         "no run lists this job (%s, %lld bytes)", xpm_job_state_text(job->state),
                         size_of(path));
        xpm_free(path);
        xpm_free(folder);
    }
}

/* ---- The whole -------------------------------------------------------------------------------- */

static void free_jobs(xpm__examination *e)
{
    for (size_t i = 0; i < e->job_count; i++) {
        xpm_free(e->jobs[i]->key);
        xpm_free(e->jobs[i]->target);
        xpm_free(e->jobs[i]);
    }
    xpm_free(e->jobs);
    xpm__map_free(&e->by_key);
}

int xpm__doctor(const char *workspace, bool fix, xpm__doctor_tell tell, void *user,
                xpm__doctor_report *report, xpm_error *err)
{
    xpm__view view;
    *report = (xpm__doctor_report){0};
    if (xpm__view_open(workspace, &view, err) < 0)
        return -1;
    xpm__examination e = {.workspace = view.workspace,
                          .fd = view.fd,
                          .fix = fix,
                          .tell = tell,
                          .user = user,
                          .report = report};
    xpm__doctor_fs(&e);
    xpm__doctor_jobs(&e);
    xpm__doctor_runs(&e);
    xpm__doctor_tokens(&e);
    xpm__doctor_links(&e);
    tell_orphans(&e);
    free_jobs(&e);
    xpm__view_close(&view);
    return 0;
}
