#include "launch/ssh_order.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "launch/wire.h"

static void begin_order(xpm__str *out, const char *kind, const char *token)
{
    xpm__json_open(out, '{');
    xpm__json_pair(out, "do", kind);
    if (token != NULL)
        xpm__json_pair(out, "token", token);
}

static void end_order(xpm__str *out)
{
    xpm__json_close(out, '}');
    xpm__str_putc(out, '\n');
}

/* Which job, and what it needs: the one that is taken over as well. */
static void print_job(xpm__str *out, const xpm_job *job)
{
    const xpm_launcher *launcher = job->launcher;
    xpm__json_pair(out, "type", xpm_job_type(job));
    xpm__json_pair(out, "hash", job->hex);
    xpm__json_pair(out, "name", xpm_job_name(job));
    xpm__json_pair(out, "requires", launcher != NULL ? launcher->needs : NULL);
    xpm__json_key(out, "pin");
    xpm__json_bool(out, launcher != NULL && launcher->pin);
}

static void print_texts(xpm__str *out, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        xpm__json_text(out, texts[i]);
}

/* A list that ends with NULL. */
static void print_words(xpm__str *out, const char *key, const char *const *words)
{
    size_t count = 0;
    while (words != NULL && words[count] != NULL)
        count++;
    xpm__json_key(out, key);
    xpm__json_open(out, '[');
    print_texts(out, words, count);
    xpm__json_close(out, ']');
}

/* This process's own environment is not for another host. */
static void print_variables(xpm__str *out, const xpm__start *start)
{
    const xpm_job *job = start->job;
    const xpm__variables *own = &job->variables, *all = &job->xp->variables;
    xpm__json_key(out, "variables");
    xpm__json_open(out, '[');
    if (start->start != NULL)
        xpm__json_text(out, start->start);
    print_texts(out, (const char *const *)own->entries,
                own->count); /* the first of a name counts */
    print_texts(out, (const char *const *)all->entries, all->count);
    xpm__json_close(out, ']');
}

static void print_partials(xpm__str *out, const xpm_job *job)
{
    xpm__json_key(out, "partials");
    xpm__json_open(out, '[');
    for (size_t i = 0; i < job->guard_count; i++) {
        xpm__json_open(out, '{');
        xpm__json_pair(out, "name", job->guards[i].name);
        xpm__json_pair(out, "folder", job->guards[i].directory + strlen(job->workspace->path) + 1);
        xpm__json_close(out, '}');
    }
    xpm__json_close(out, ']');
}

static void print_needs(xpm__str *out, const xpm_job *job)
{
    xpm__json_key(out, "needs");
    xpm__json_open(out, '[');
    for (size_t i = 0; i < job->dependency_count; i++) {
        const xpm_job *needed = job->dependencies[i];
        char *done = xpm__format("jobs/%s/%s/%s.done", xpm_job_type(needed), needed->hex,
                                 xpm_job_name(needed));
        xpm__json_text(out, done);
        xpm_free(done);
    }
    xpm__json_close(out, ']');
}

/* Adds a file of the job's folder, as it was written for this machine. */
static int print_file(xpm__str *out, const char *key, const xpm__start *start, const char *file,
                      xpm_error *err)
{
    xpm__str text = {0};
    int status = xpm__file_read(start->directory, file, &text);
    if (status == 0) {
        xpm__json_key(out, key);
        xpm__json_text_sized(out, text.data != NULL ? text.data : "", text.size);
    }
    xpm__str_free(&text);
    return status < 0 ? xpm__fail_io(err, file, "read, to send it,") : 0;
}

int xpm__order_start(xpm__str *out, const xpm__start *start, char *const *wrapper,
                     const char *token, xpm_error *err)
{
    char script[XPM__NAME_SIZE];
    xpm__jobdir_file(start->name, ".py", script);
    begin_order(out, "start", token);
    print_job(out, start->job);
    print_words(out, "wrapper", (const char *const *)wrapper);
    print_words(out, "argv", start->argv);
    print_variables(out, start);
    print_partials(out, start->job);
    print_needs(out, start->job);
    if (print_file(out, "params", start, "params.json", err) < 0)
        return -1;
    if (xpm__file_exists(start->directory, script) &&
        print_file(out, "script", start, script, err) < 0)
        return -1;
    end_order(out);
    if (out->size > XPM__ORDER_MAX)
        return xpm__fail(err, XPM_E_RANGE, start->job->directory,
                         "what is to be sent of the job has %zu bytes, and may have %d: give what "
                         "is large in its parameters as a file",
                         out->size, XPM__ORDER_MAX);
    return 0;
}

void xpm__order_open(xpm__str *out, const xpm__workspace *workspace, const char *probe, int slots)
{
    begin_order(out, "open", NULL);
    xpm__json_pair_int(out, "version", XPM__WIRE_VERSION);
    xpm__json_pair(out, "workspace", workspace->path);
    xpm__json_pair(out, "probe", probe);
    xpm__json_pair_int(out, "slots", slots);
    end_order(out);
}

void xpm__order_adopt(xpm__str *out, const xpm_job *job, const char *token)
{
    begin_order(out, "adopt", token);
    print_job(out, job);
    end_order(out);
}

void xpm__order_cancel(xpm__str *out, const char *token)
{
    begin_order(out, "cancel", token);
    end_order(out);
}
