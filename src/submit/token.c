#include "submit/token.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "submit/job.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards: */
static xpm__map known;                                    /* from folder to token */

/* ---- Tokens ----------------------------------------------------------------------------------- */

static void forget_all(void)
{
    for (size_t i = 0; i < known.capacity; i++) {
        xpm_token *token = known.entries[i].key != NULL ? known.entries[i].value : NULL;
        if (token == NULL)
            continue;
        xpm_free(token->name);
        xpm_free(token->folder);
        xpm_free(token);
    }
    xpm__map_free(&known);
}

static int check(const char *name, int64_t total, xpm_error *err)
{
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return xpm__fail(err, XPM_E_RANGE, name,
                         "a token's name is one component of a path, without a point at its "
                         "start, and \"%s\" is not",
                         name);
    if (total < 0)
        return xpm__fail(err, XPM_E_RANGE, name,
                         "token %s: its total is %lld, and cannot be below 0", name,
                         (long long)total);
    return 0;
}

/* With the mutex held. */
static xpm_token *find_or_add(const char *directory, const char *name, int64_t total)
{
    char *folder = xpm__format("%s/tokens/%s.counter", directory, name);
    xpm_token *token = xpm__map_find(&known, folder);
    if (token != NULL) {
        xpm_free(folder);
        return token;
    }
    token = xpm__zalloc(sizeof *token);
    *token = (xpm_token){.name = xpm__strdup(name), .folder = folder, .total = total};
    xpm__map_set(&known, folder, token);
    xpm__at_reset(forget_all);
    return token;
}

static xpm_token *open_token(const char *directory, const char *name, int64_t total, bool make,
                             xpm_error *err)
{
    if (check(name, total, err) < 0)
        return NULL;
    pthread_mutex_lock(&mutex);
    xpm_token *token = find_or_add(directory, name, total);
    int status = 0;
    if (make && !token->made)
        status = xpm__tokendir_set_total(token->folder, token->total, err);
    if (make && status == 0)
        token->made = true;
    pthread_mutex_unlock(&mutex);
    return status == 0 ? token : NULL;
}

xpm_token *xpm_token_open(const char *directory, const char *name, int64_t total, xpm_error *err)
{
    if (xpm__file_mkdirs(directory, err) < 0)
        return NULL;
    char *real = realpath(directory, NULL);
    xpm_token *token = NULL;
    if (real != NULL)
        token = open_token(real, name, total, true, err);
    else
        xpm__fail_io(err, directory, "find the folder");
    free(real);
    return token;
}

xpm_token *xpm_experiment_token(xpm_experiment *xp, const char *name, int64_t total, xpm_error *err)
{
    return open_token(xp->workspace->path, name, total, xp->mode == XPM_NORMAL, err);
}

const char *xpm_token_name(const xpm_token *token)
{
    return token->name;
}

const char *xpm_token_folder(const xpm_token *token)
{
    return token->folder;
}

int64_t xpm_token_total(const xpm_token *token)
{
    return token->made ? xpm__tokendir_total(token->folder, token->total) : token->total;
}

/* ---- What tasks ask for ----------------------------------------------------------------------- */

int xpm_config_add_token(xpm_config *task, xpm_token *token, int64_t count, xpm_error *err)
{
    if ((task->class_->flags & XPM_CLASS_TASK) == 0)
        return xpm__fail(err, XPM_E_TYPE, task->class_->name,
                         "%s is a configuration and no task: only a task takes tokens",
                         task->class_->name);
    if (task->submitted)
        return xpm__fail(err, XPM_E_STATE, task->class_->name,
                         "task %s was submitted: the tokens that it takes cannot change",
                         task->class_->name);
    if (count < 1)
        return xpm__fail(err, XPM_E_RANGE, token->name,
                         "token %s: %lld asked for, and at least 1 must be", token->name,
                         (long long)count);
    xpm__config_extra *extra = xpm__config_extra_of(task);
    extra->tokens =
        xpm__grow(extra->tokens, &extra->token_capacity, extra->token_count, sizeof *extra->tokens);
    extra->tokens[extra->token_count++] = (struct xpm__token_count){token, count};
    return 0;
}

xpm_token *xpm_config_token(const xpm_config *task, size_t index, int64_t *count)
{
    if (task->extra == NULL || index >= task->extra->token_count)
        return NULL;
    *count = task->extra->tokens[index].count;
    return task->extra->tokens[index].token;
}

/* ---- What jobs want --------------------------------------------------------------------------- */

/* What the job wants of a token, 0 at first, at its place in the order. */
static xpm__want *want_of(xpm_job *job, xpm_token *token)
{
    struct xpm__wants *wants = job->wants;
    size_t count = wants != NULL ? wants->count : 0, at = 0;
    while (at < count && strcmp(wants->items[at].token->folder, token->folder) < 0)
        at++;
    if (at < count && wants->items[at].token == token)
        return &wants->items[at];
    wants = xpm__realloc(wants, sizeof *wants + (count + 1) * sizeof(xpm__want));
    if (count == 0)
        *wants = (struct xpm__wants){0};
    memmove(&wants->items[at + 1], &wants->items[at], (count - at) * sizeof(xpm__want));
    wants->items[at] = (xpm__want){.token = token, .job = job};
    wants->count = count + 1;
    job->wants = wants;
    return &wants->items[at];
}

static int add(xpm_job *job, xpm_token *token, int64_t count, xpm_error *err)
{
    xpm__want *want = want_of(job, token);
    int64_t total = xpm_token_total(token);
    if (count > total - want->count)
        return xpm__fail(err, XPM_E_RANGE, token->name,
                         "token %s: %lld asked for by %s, and its total is %lld", token->name,
                         (long long)(want->count + count), xpm_job_type(job), (long long)total);
    want->count += count;
    return 0;
}

int xpm__job_take_tokens(xpm_job *job, const xpm_config *task, xpm_error *err)
{
    int64_t count;
    xpm_token *token;
    int status = 0;
    if (job->handed && xpm__job_state(job) != XPM_JOB_ERROR)
        return 0;
    xpm__wants_free(job->wants);
    job->wants = NULL;
    for (size_t i = 0; status == 0 && (token = xpm_config_token(task, i, &count)) != NULL; i++)
        status = add(job, token, count, err);
    return status;
}

void xpm__wants_free(struct xpm__wants *wants)
{
    for (size_t i = 0; wants != NULL && i < wants->count; i++)
        xpm_free(wants->items[i].holder);
    xpm_free(wants);
}
