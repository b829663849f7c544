/* Any text may stand in the files that say how a job and a run are: reading them gives a state, and
 * its JSON. The input is those files in the order of `files`, with a byte 255 between them; one that
 * is empty is not there. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "watch/view.h"

#define JOB "jobs/fuzz.learn/0123"
#define RUN "experiments/fuzz/20260101_000000"

static const char *const folders[] = {
    "jobs", "jobs/fuzz.learn", JOB, JOB "/.experimaestro", "experiments", "experiments/fuzz", RUN,
};
static const char *const files[] = {
    JOB "/learn.failed",
    JOB "/learn.pid",
    JOB "/.experimaestro/status.json",
    RUN "/status.json",
};

static char workspace[] = "/tmp/xpm-fuzz-XXXXXX";
static int dir = -1;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_workspace(void)
{
    nftw(workspace, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_workspace(void)
{
    must(mkdtemp(workspace) != NULL && atexit(remove_workspace) == 0);
    dir = open(workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        must(mkdirat(dir, folders[i], 0777) == 0);
    must(symlinkat("20260101_000000", dir, "experiments/fuzz/current") == 0);
}

/* Writes the files, one part of the input each. */
static void write_files(const char *data, size_t size)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *end = size > 0 ? memchr(data, 0xff, size) : NULL;
        size_t part = end != NULL ? (size_t)(end - data) : size;
        if (part == 0)
            unlinkat(dir, files[i], 0);
        else
            must(xpm__file_write(dir, files[i], data, part, 0666) == 0);
        data += end != NULL ? part + 1 : part;
        size -= end != NULL ? part + 1 : part;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xpm__view view;
    xpm__str out = {0};
    const char *problem;
    if (dir < 0)
        make_workspace();
    write_files((const char *)data, size);
    must(xpm__view_open(workspace, &view, NULL) == 0 && xpm__view_load(&view, NULL, NULL) == 0);
    must(view.job_count == 1 && view.experiment_count == 1);
    const xpm__jobdir_state *state = &view.jobs[0]->state;
    must(state->state <= XPM_JOB_ERROR && state->reason < XPM_REASON_COUNT);
    must(state->state != XPM_JOB_ERROR || state->reason != XPM_REASON_NONE);
    xpm__view_print_job(&view, view.jobs[0], &out);
    json_object *json = xpm__json_parse(out.data, out.size, &problem);
    must(json != NULL);
    json_object_put(json);
    xpm__str_free(&out);
    xpm__view_close(&view);
    return 0;
}
