/* jobs list, jobs path, jobs log. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "watch/view.h"

static int open_view(const cli_call *call, const char *experiment, xpm__view *view, xpm_error *err)
{
    if (xpm__view_open(cli_workdir(call), view, err) < 0)
        return -1;
    if (xpm__view_load(view, experiment, err) == 0)
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

/* "k=v k=v" of a JSON object of scalars. */
static void print_tags(const char *tags)
{
    const char *problem;
    json_object *json = tags != NULL ? xpm__json_parse(tags, strlen(tags), &problem) : NULL;
    if (json == NULL)
        return;
    json_object_object_foreach (json, name, value) {
        printf(" %s=%s", name, value != NULL ? json_object_get_string(value) : "null");
    }
    json_object_put(json);
}

static void print_line(const xpm__job_view *job)
{
    char state[32], reason[XPM__REASON_SIZE];
    const char *why = xpm__reason_upper(job->state.reason, reason);
    snprintf(state, sizeof state, "%s", xpm_job_state_text(job->state.state));
    for (char *c = state; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    printf("%-11s %s", state, job->key);
    print_tags(job->tags);
    printf("%s%s%s\n", why != NULL ? " (" : "", why != NULL ? why : "", why != NULL ? ")" : "");
}

int cmd_jobs_list(const cli_call *call)
{
    xpm_error err = {0};
    xpm__view view;
    if (open_view(call, cli_value(call, "experiment"), &view, &err) < 0)
        return cli_fail(&err);
    for (size_t i = 0; i < view.job_count; i++) {
        if (cli_value(call, "json") != NULL)
            print_json(&view, view.jobs[i]);
        else
            print_line(view.jobs[i]);
    }
    xpm__view_close(&view);
    return CLI_OK;
}

/* The folder of the job that the command line names. New: xpm_free. NULL after an error. */
static char *named_folder(const cli_call *call, xpm_error *err)
{
    xpm__view view;
    char *path = NULL;
    if (open_view(call, NULL, &view, err) < 0)
        return NULL;
    const xpm__job_view *job = xpm__view_find(&view, call->argument, err);
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

int cmd_jobs_log(const cli_call *call)
{
    xpm_error err = {0};
    char name[XPM__NAME_SIZE];
    xpm__str text = {0};
    const char *stream = cli_value(call, "std") != NULL ? cli_value(call, "std") : "out";
    if (strcmp(stream, "out") != 0 && strcmp(stream, "err") != 0) {
        fprintf(stderr, "experimaestro: --std takes out or err, not %s\n", stream);
        return CLI_USAGE;
    }
    char *path = named_folder(call, &err);
    if (path == NULL)
        return cli_fail(&err);
    xpm__jobdir_name(path, name);
    char *file = xpm__format("%s/%s.%s", path, name, stream);
    int status = xpm__file_read(AT_FDCWD, file, &text);
    if (status == 0)
        fwrite(text.data, 1, text.size, stdout);
    else
        xpm__fail_io(&err, file, "read");
    xpm__str_free(&text);
    xpm_free(file);
    xpm_free(path);
    return status == 0 ? CLI_OK : cli_fail(&err);
}
