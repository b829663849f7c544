/* deprecated list, deprecated diff, deprecated fix: old jobs that have another identifier under today's
 * declarations, and the links that keep their results. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/compare.h"
#include "record/relink.h"

/* ---- What becomes of a job -------------------------------------------------------------------- */

typedef enum fate { SAME, UNKNOWN, LINKED, TAKEN, NOT_DONE, UNDECLARED, TO_LINK } fate;

static const char *const fate_texts[] = {
    [SAME] = "same",
    [UNKNOWN] = "unknown",
    [LINKED] = "linked already",
    [TAKEN] = "its place is taken by another job, which is kept",
    [NOT_DONE] = "not done: it runs again, under its new identifier",
    [UNDECLARED] = "what changed is not declared: --all links it all the same",
    [TO_LINK] = "to link",
};

/* What would become of it. `planned` has the places that are given away already. */
static fate fate_of(const cli_comparison *c, const cli_compared *job, bool all, xpm__map *planned)
{
    if (job->error != NULL)
        return UNKNOWN;
    if (strcmp(job->key, job->new_key) == 0)
        return SAME;
    xpm__relink_place place = xpm__relink_look(c->fd, job->key, job->new_key);
    if (place == XPM__PLACE_LINKED)
        return LINKED;
    if (!job->done)
        return NOT_DONE;
    if (place == XPM__PLACE_TAKEN || xpm__map_find(planned, job->new_key) != NULL)
        return TAKEN;
    if (!job->declared && !all)
        return UNDECLARED;
    xpm__map_set(planned, job->new_key, (void *)job);
    return TO_LINK;
}

/* ---- Printing --------------------------------------------------------------------------------- */

static void print_job(const cli_compared *job, const char *state)
{
    printf("%s\n  -> %s (%s)\n", job->key, job->new_key, state);
    for (size_t i = 0; i < job->change_count; i++)
        printf("  %s\n", job->changes[i]);
}

static void print_json(const cli_compared *job, const char *state)
{
    xpm__str out = {0};
    xpm__json_open(&out, '{');
    xpm__json_pair(&out, "job", job->key);
    xpm__json_pair(&out, "new", job->new_key);
    xpm__json_pair(&out, "state", state);
    xpm__json_pair(&out, "error", job->error);
    xpm__json_key(&out, "changes");
    xpm__json_open(&out, '[');
    for (size_t i = 0; i < job->change_count; i++)
        xpm__json_text(&out, job->changes[i]);
    xpm__json_close(&out, ']');
    xpm__json_close(&out, '}');
    puts(out.data);
    xpm__str_free(&out);
}

static void print_error(const cli_compared *job)
{
    fprintf(stderr, "experimaestro: %s: %s\n", job->key, job->error);
}

static int compare(const cli_call *call, cli_comparison *comparison, xpm_error *err)
{
    cli_question question = {.workspace = call->arguments[0],
                             .python = cli_value(call, "python"),
                             .modules = cli_value(call, "import")};
    return cli_compare(&question, comparison, err);
}

/* ---- Linking ---------------------------------------------------------------------------------- */

/* Links one job; false after an error, which is told. */
static bool perform(const cli_comparison *c, const cli_compared *job, int *journal)
{
    xpm_error err = {0};
    if (*journal < 0)
        *journal = xpm__relink_open(c->fd, &err);
    if (*journal >= 0 &&
        xpm__relink_shared(c->fd, *journal, job->shared, job->shared_count, &err) == 0 &&
        xpm__relink_add(c->fd, *journal, job->key, job->new_key, job->files, job->file_count,
                        &err) == 0)
        return true;
    cli_fail(&err);
    return false;
}

/* What is done, or is only told. */
typedef struct linking {
    bool performs, all, json;
} linking;

static void tell(const linking *l, const cli_compared *job, fate what)
{
    const char *state = what == TO_LINK && l->performs ? "linked" : fate_texts[what];
    if (l->json && what != SAME)
        print_json(job, state);
    else if (what == UNKNOWN)
        print_error(job);
    else if (what != SAME && what != LINKED)
        print_job(job, state);
}

static int link_all(const cli_comparison *c, const linking *l)
{
    size_t linked = 0, left = 0;
    int journal = -1, status = CLI_OK;
    xpm__map planned = {0};
    for (size_t i = 0; i < c->count; i++) {
        const cli_compared *job = &c->jobs[i];
        fate what = fate_of(c, job, l->all, &planned);
        left += what == UNKNOWN || what == TAKEN || what == NOT_DONE || what == UNDECLARED;
        if (what == TO_LINK && l->performs && !perform(c, job, &journal)) {
            status = CLI_FAILED;
            continue;
        }
        linked += what == TO_LINK;
        tell(l, job, what);
    }
    if (!l->json)
        printf("%zu %s, %zu left as they are%s\n", linked,
               l->performs ? "linked" : "would be linked", left,
               l->performs || linked == 0 ? "" : "; nothing was done: add --perform");
    if (journal >= 0)
        close(journal);
    xpm__map_free(&planned);
    return status;
}

/* ---- deprecated list -------------------------------------------------------------------------- */

static int list(const cli_comparison *c, bool json)
{
    xpm__map planned = {0};
    size_t changed = 0, unknown = 0;
    for (size_t i = 0; i < c->count; i++) {
        const cli_compared *job = &c->jobs[i];
        fate what = fate_of(c, job, false, &planned);
        changed += what > UNKNOWN;
        unknown += what == UNKNOWN;
        if (json && what != SAME)
            print_json(job, fate_texts[what]);
        else if (what == UNKNOWN)
            print_error(job);
        else if (what != SAME)
            print_job(job, fate_texts[what]);
    }
    if (!json)
        printf("%zu jobs: %zu have another identifier, %zu could not be identified\n", c->count,
               changed, unknown);
    xpm__map_free(&planned);
    return CLI_OK;
}

int cmd_deprecated_list(const cli_call *call)
{
    xpm_error err = {0};
    cli_comparison comparison;
    if (compare(call, &comparison, &err) < 0)
        return cli_fail(&err);
    linking l = {.performs = true, .json = cli_flag(call, "json")};
    int status = cli_flag(call, "fix") ? link_all(&comparison, &l)
                                       : list(&comparison, cli_flag(call, "json"));
    cli_comparison_free(&comparison);
    return status;
}

/* ---- deprecated diff -------------------------------------------------------------------------- */

/* Splits the path of a job's folder: WORKSPACE/jobs/TYPE/HASH, NUL-terminated in place. */
static const char *split_folder(char *path, xpm_error *err)
{
    char *hash = strrchr(path, '/'), *type = NULL, *jobs = NULL;
    for (char *c = hash; c != NULL && c > path && type == NULL; c--)
        type = c < hash && *c == '/' ? c : NULL;
    for (char *c = type; c != NULL && c > path && jobs == NULL; c--)
        jobs = c < type && *c == '/' ? c : NULL;
    if (jobs == NULL || strncmp(jobs, "/jobs/", 6) != 0) {
        xpm__fail(err, XPM_E_STATE, path, "%s is no job: give its folder, WORKSPACE/jobs/TYPE/HASH",
                  path);
        return NULL;
    }
    *jobs = '\0';
    return type + 1;
}

static int tell_one(const cli_comparison *c)
{
    const cli_compared *job = c->jobs;
    if (job->error != NULL)
        print_error(job);
    else if (strcmp(job->key, job->new_key) == 0)
        puts("it has the same identifier");
    else
        print_job(job, "today");
    return job->error != NULL ? CLI_FAILED : CLI_OK;
}

int cmd_deprecated_diff(const cli_call *call)
{
    xpm_error err = {0};
    cli_comparison comparison;
    char *path = realpath(call->arguments[0], NULL);
    cli_question question = {.python = cli_value(call, "python"),
                             .modules = cli_value(call, "import")};
    int status = -1;
    if (path == NULL)
        xpm__fail_io(&err, call->arguments[0], "open the job");
    else
        question.only = split_folder(path, &err);
    question.workspace = path;
    if (question.only != NULL)
        status = cli_compare(&question, &comparison, &err);
    if (status == 0) {
        status = comparison.count == 1 ? tell_one(&comparison) : CLI_FAILED;
        if (comparison.count == 0)
            fprintf(stderr, "experimaestro: %s has no params.json\n", call->arguments[0]);
        cli_comparison_free(&comparison);
    } else {
        status = cli_fail(&err);
    }
    free(path);
    return status;
}

/* ---- deprecated fix --------------------------------------------------------------------------- */

typedef struct undoing {
    bool performs, json;
    size_t count;
} undoing;

static void print_undone(const char *link, const char *target, const char *state)
{
    xpm__str out = {0};
    xpm__json_open(&out, '{');
    xpm__json_pair(&out, "link", link);
    xpm__json_pair(&out, "target", target);
    xpm__json_pair(&out, "state", state);
    xpm__json_close(&out, '}');
    puts(out.data);
    xpm__str_free(&out);
}

static void tell_undone(void *user, const char *link, const char *target)
{
    undoing *u = user;
    const char *state = u->performs ? "removed" : "to remove";
    u->count++;
    if (u->json)
        print_undone(link, target, state);
    else
        printf("%s -> %s (%s)\n", link, target, state);
}

static int undo(const cli_call *call)
{
    xpm_error err = {0};
    undoing u = {.performs = cli_flag(call, "perform"), .json = cli_flag(call, "json")};
    int workspace = open(call->arguments[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (workspace < 0) {
        xpm__fail_io(&err, call->arguments[0], "open the workspace");
        return cli_fail(&err);
    }
    int status = xpm__relink_undo(workspace, u.performs, tell_undone, &u, &err);
    close(workspace);
    if (status < 0)
        return cli_fail(&err);
    if (!u.json)
        printf("%zu %s%s\n", u.count, u.performs ? "removed" : "would be removed",
               u.performs || u.count == 0 ? "" : "; nothing was done: add --perform");
    return CLI_OK;
}

int cmd_deprecated_fix(const cli_call *call)
{
    xpm_error err = {0};
    cli_comparison comparison;
    if (cli_flag(call, "undo"))
        return undo(call);
    if (compare(call, &comparison, &err) < 0)
        return cli_fail(&err);
    linking l = {.performs = cli_flag(call, "perform"),
                 .all = cli_flag(call, "all"),
                 .json = cli_flag(call, "json")};
    int status = link_all(&comparison, &l);
    cli_comparison_free(&comparison);
    return status;
}
