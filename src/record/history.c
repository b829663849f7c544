#include "record/history.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/json.h"
#include "base/mem.h"

typedef enum run_end {
    END_UNKNOWN, /* running, crashed, detached, torn: never removed */
    END_DONE,
    END_FAILED,
} run_end;

typedef struct past_run {
    const char *name;
    run_end end;
    bool tagged, goes;
} past_run;

/* ---- Reading ---------------------------------------------------------------------------------- */

static run_end parse_end(const char *status)
{
    if (status == NULL)
        return END_UNKNOWN;
    if (strcmp(status, "done") == 0 || strcmp(status, "completed") == 0)
        return END_DONE;
    return strcmp(status, "failed") == 0 ? END_FAILED : END_UNKNOWN;
}

static void read_run(const char *folder, past_run *run)
{
    char *path = xpm__format("%s/%s/status.json", folder, run->name);
    json_object *status = xpm__json_read(AT_FDCWD, path);
    json_object *tags = xpm__json_get(status, "run_tags");
    run->end = parse_end(xpm__json_get_text(status, "status"));
    run->tagged = tags != NULL && !(json_object_is_type(tags, json_type_array) &&
                                    json_object_array_length(tags) == 0);
    json_object_put(status);
    xpm_free(path);
}

/* YYYYmmdd_HHMMSS[.N]: not `current`, the lock, nor what is not ours. */
static int is_run(const struct dirent *entry)
{
    const char *name = entry->d_name;
    return strspn(name, "0123456789") == 8 && name[8] == '_' &&
           strspn(name + 9, "0123456789") == 6 &&
           (name[15] == '\0' || (name[15] == '.' && name[16] != '\0' &&
                                 strspn(name + 16, "0123456789") == strlen(name + 16)));
}

/* ---- Deciding --------------------------------------------------------------------------------- */

static bool counts_as(const past_run *run, run_end end)
{
    return run->end == end && !run->tagged && !run->goes;
}

/* Past the newest success, failures are of no more use. */
static void mark_failures_before_success(past_run *runs, size_t count)
{
    size_t newest = count;
    while (newest > 0 && runs[newest - 1].end != END_DONE)
        newest--;
    for (size_t i = 0; i < newest; i++)
        runs[i].goes = counts_as(&runs[i], END_FAILED);
}

/* From the latest on, `max` are kept. */
static void mark_too_many(past_run *runs, size_t count, run_end end, int max)
{
    int kept = 0;
    if (max == 0)
        return;
    for (size_t i = count; i-- > 0;)
        if (counts_as(&runs[i], end))
            runs[i].goes = kept++ >= (max > 0 ? max : 0);
}

/* ---- Removing --------------------------------------------------------------------------------- */

/* The run goes first into a folder of what is being removed: none is ever seen half. */
static void remove_run(const char *folder, const char *trash, const char *name)
{
    char *from = xpm__format("%s/%s", folder, name), *to = xpm__format("%s/%s", trash, name);
    mkdir(trash, 0777);
    (void)rename(from, to);
    xpm_free(from);
    xpm_free(to);
}

static bool has_ended(const past_run *runs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(runs[i].name, name) == 0)
            return runs[i].end != END_UNKNOWN;
    return false;
}

static void trim(const char *folder, past_run *runs, size_t count, const char *latest,
                 const xpm__history *limits)
{
    char *trash = xpm__format("%s/.trash", folder);
    for (size_t i = 0; i < count; i++)
        read_run(folder, &runs[i]);
    if (has_ended(runs, count, latest)) {
        mark_failures_before_success(runs, count);
        mark_too_many(runs, count, END_DONE, limits->max_done);
        mark_too_many(runs, count, END_FAILED, limits->max_failed);
    }
    for (size_t i = 0; i < count; i++)
        if (runs[i].goes && strcmp(runs[i].name, latest) != 0)
            remove_run(folder, trash, runs[i].name);
    (void)xpm__remove_all(trash);
    xpm_free(trash);
}

void xpm__history_trim(const xpm__workspace *workspace, const char *experiment,
                       const char *run_name, const xpm__history *limits)
{
    struct dirent **entries = NULL;
    if (limits->max_done == 0 && limits->max_failed == 0)
        return;
    char *folder = xpm__format("%s/experiments/%s", workspace->path, experiment);
    int count = scandir(folder, &entries, is_run, versionsort);
    past_run *runs = xpm__zalloc((count > 0 ? (size_t)count : 1) * sizeof *runs);
    for (int i = 0; i < count; i++)
        runs[i].name = entries[i]->d_name;
    if (count > 0)
        trim(folder, runs, (size_t)count, run_name, limits);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    xpm_free(runs);
    xpm_free(folder);
}
