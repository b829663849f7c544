/* jobs list, jobs path, jobs log. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "watch/filter.h"
#include "watch/view.h"

static int open_view(const cli_call *call, xpm__view *view, xpm_error *err)
{
    if (xpm__view_open(cli_workdir(call), view, err) < 0)
        return -1;
    if (xpm__view_load(view, NULL, err) == 0)
        return 0;
    xpm__view_close(view);
    return -1;
}

static void print_json(const xpm__view *view, const xpm__job_view *job)
{
    xpm__str out = {0};
    xpm__view_print_job(view, job, &out);
    puts(out.data);
    xpm__str_free(&out);
}

/* Adds "k=v k=v" of a JSON object of scalars. */
static void add_tags(const char *tags, xpm__str *out)
{
    const char *problem;
    json_object *json = tags != NULL ? xpm__json_parse(tags, strlen(tags), &problem) : NULL;
    if (json == NULL)
        return;
    json_object_object_foreach (json, name, value) {
        xpm__str_printf(out, "%s%s=%s", out->size > 0 ? " " : "", name,
                        value != NULL ? json_object_get_string(value) : "null");
    }
    json_object_put(json);
}

/* Its tags, and the reason when it failed. */
static char *describe(const xpm__job_view *job)
{
    xpm__str text = {0};
    char reason[XPM__REASON_SIZE];
    const char *why = xpm__reason_upper(job->state.reason, reason);
    add_tags(job->tags, &text);
    if (why != NULL)
        xpm__str_printf(&text, "%s(%s)", text.size > 0 ? " " : "", why);
    return xpm__str_take(&text);
}

static const char *state_upper(xpm_job_state state, char upper[32])
{
    snprintf(upper, 32, "%s", xpm_job_state_text(state));
    for (char *c = upper; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return upper;
}

/* A line for programs, or a row for a terminal. */
static void print_job(const xpm__job_view *job, cli_table *table)
{
    char state[32], *more = describe(job);
    state_upper(job->state.state, state);
    if (table == NULL) {
        printf("%-11s %s%s%s\n", state, job->key, more[0] != '\0' ? " " : "", more);
    } else {
        cli_table_add(table, cli_state_color(job->state.state), "%s", state);
        cli_table_add(table, CLI_PLAIN, "%s", job->key);
        cli_table_add(table, CLI_PLAIN, "%s", more);
    }
    xpm_free(more);
}

/* The states that --state names, else all. */
static int wanted_states(const cli_call *call, unsigned *states, xpm_error *err)
{
    const char *names = cli_value(call, "state");
    *states = XPM_ALL_STATES;
    return names != NULL ? xpm_states_parse(names, states, err) : 0;
}

/* A line for each state that was named; without names, for each that has jobs. */
static void print_counts(const cli_call *call, unsigned states,
                         const size_t counts[XPM_JOB_STATE_COUNT])
{
    bool named = cli_flag(call, "state"), as_json = cli_flag(call, "json");
    xpm__str out = {0};
    xpm__json_open(&out, '{');
    for (int state = 0; state < XPM_JOB_STATE_COUNT; state++) {
        char upper[32];
        if ((states >> state & 1) == 0)
            continue;
        xpm__json_pair_int(&out, xpm_job_state_text((xpm_job_state)state), (int64_t)counts[state]);
        if (!as_json && (named || counts[state] > 0))
            printf("%-11s %zu\n", state_upper((xpm_job_state)state, upper), counts[state]);
    }
    xpm__json_close(&out, '}');
    if (as_json)
        puts(out.data);
    xpm__str_free(&out);
}

static int count_jobs(const cli_call *call, unsigned states)
{
    xpm_error err = {0};
    size_t counts[XPM_JOB_STATE_COUNT];
    if (xpm_jobs_count(cli_workdir(call), cli_value(call, "experiment"), counts, &err) < 0)
        return cli_fail(&err);
    print_counts(call, states, counts);
    return CLI_OK;
}

static int load_listed(const cli_call *call, unsigned states, xpm__view *view, xpm_error *err)
{
    const char *experiment = cli_value(call, "experiment");
    if (states == XPM_ALL_STATES)
        return xpm__view_load(view, experiment, err);
    return xpm__view_load_states(view, experiment, states, cli_flag(call, "json"), err);
}

/* What the command line asks of jobs; -1 and an error when it cannot be understood. */
typedef struct wanted {
    unsigned states;
    xpm__filter *filter; /* or NULL */
} wanted;

static int read_wanted(const cli_call *call, wanted *w, xpm_error *err)
{
    const char *text = cli_value(call, "filter");
    *w = (wanted){0};
    if (wanted_states(call, &w->states, err) < 0)
        return -1;
    if (text != NULL)
        w->filter = xpm__filter_parse(text, err);
    return text != NULL && w->filter == NULL ? -1 : 0;
}

/* A line for each job that the filter matches, or how many are in each state. */
static void print_listed(const cli_call *call, const wanted *w, const xpm__view *view)
{
    size_t counts[XPM_JOB_STATE_COUNT] = {0};
    bool only_counts = cli_flag(call, "count"), json = cli_flag(call, "json");
    cli_table table = {.columns = 3}, *rows = isatty(STDOUT_FILENO) ? &table : NULL;
    for (size_t i = 0; i < view->job_count; i++) {
        const xpm__job_view *job = view->jobs[i];
        if (w->filter != NULL && !xpm__filter_matches(w->filter, job))
            continue;
        counts[job->state.state]++;
        if (json && !only_counts)
            print_json(view, job);
        else if (!only_counts)
            print_job(job, rows);
    }
    cli_table_print(&table, stdout);
    if (only_counts)
        print_counts(call, w->states, counts);
}

static int list_jobs(const cli_call *call, const wanted *w)
{
    xpm_error err = {0};
    xpm__view view;
    if (xpm__view_open(cli_workdir(call), &view, &err) < 0)
        return cli_fail(&err);
    int status = load_listed(call, w->states, &view, &err);
    if (status == 0)
        print_listed(call, w, &view);
    xpm__view_close(&view);
    return status == 0 ? CLI_OK : cli_fail(&err);
}

int cmd_jobs_list(const cli_call *call)
{
    xpm_error err = {0};
    wanted w;
    if (read_wanted(call, &w, &err) < 0) {
        cli_fail(&err);
        return CLI_USAGE;
    }
    bool counts = cli_flag(call, "count") && w.filter == NULL;
    int status = counts ? count_jobs(call, w.states) : list_jobs(call, &w);
    xpm__filter_free(w.filter);
    return status;
}

/* The folder of the job that the command line names. New: xpm_free. NULL after an error. */
static char *named_folder(const cli_call *call, xpm_error *err)
{
    xpm__view view;
    char *path = NULL;
    if (open_view(call, &view, err) < 0)
        return NULL;
    const xpm__job_view *job = xpm__view_find(&view, call->arguments[0], err);
    if (job != NULL)
        path = xpm__format("%s/jobs/%s", view.workspace, job->key);
    xpm__view_close(&view);
    return path;
}

int cmd_jobs_path(const cli_call *call)
{
    xpm_error err = {0};
    char *path = named_folder(call, &err);
    if (path == NULL)
        return cli_fail(&err);
    puts(path);
    xpm_free(path);
    return CLI_OK;
}

/* Of a stream that is not here: it may be where the job ran. */
static void fail_to_read(const char *folder, const char *file, xpm_error *err)
{
    char here[256] = "";
    int saved = errno;
    char *path = xpm__format("%s/.experimaestro/status.json", folder);
    json_object *status = xpm__json_read(AT_FDCWD, path);
    const char *host = xpm__json_get_text(status, "host");
    gethostname(here, sizeof here - 1);
    errno = saved;
    if (saved == ENOENT && host != NULL && strcmp(host, here) != 0)
        xpm__fail(err, XPM_E_IO, file, "it ran on %s, and what it wrote is there, in %s", host,
                  folder);
    else
        xpm__fail_io(err, file, "read");
    json_object_put(status);
    xpm_free(path);
}

int cmd_jobs_log(const cli_call *call)
{
    xpm_error err = {0};
    char name[XPM__NAME_SIZE];
    xpm__str text = {0};
    const char *stream = cli_flag(call, "std") ? cli_value(call, "std") : "out";
    char *path = named_folder(call, &err);
    if (path == NULL)
        return cli_fail(&err);
    xpm__jobdir_name(path, name);
    char *file = xpm__format("%s/%s.%s", path, name, stream);
    int status = xpm__file_read(AT_FDCWD, file, &text);
    if (status == 0)
        fwrite(text.data, 1, text.size, stdout);
    else
        fail_to_read(path, file, &err);
    xpm__str_free(&text);
    xpm_free(file);
    xpm_free(path);
    return status == 0 ? CLI_OK : cli_fail(&err);
}
