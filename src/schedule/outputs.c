#include "schedule/outputs.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "record/outputs.h"
#include "submit/job.h"

/* Who asked: a number, and how far the file was read for it. */
typedef struct watch {
    unsigned number;
    size_t offset;
    xpm_job *job; /* a reference, until it is among those of the job */
    struct watch *next;
} watch;

/* A job whose outputs are watched. */
struct xpm__watched {
    uv_fs_event_t event; /* of the file, while the job runs */
    xpm_job *job;        /* a reference */
    watch *watches;
    struct xpm__watched *next;
};

struct xpm__outputs {
    uv_loop_t *loop;
    uv_async_t added;
    pthread_mutex_t mutex; /* guards what other threads add: */
    watch *adding, **last_adding;
    struct xpm__watched *watched; /* the loop's own */
};

/* ---- Reading ---------------------------------------------------------------------------------- */

static void tell(const xpm_job *job, const watch *to, const char *line, size_t size)
{
    xpm_notice notice = {.kind = XPM_NOTICE_OUTPUT, .job = (xpm_job *)job, .watch = to->number};
    if (!xpm__outputs_parse(line, size, &notice))
        return;
    pthread_mutex_lock(&job->xp->mutex);
    xpm__notices_add(job->xp, &notice);
    pthread_mutex_unlock(&job->xp->mutex);
}

/* Tells of each line that was added since it was read for a watch. */
static void read_for(const xpm_job *job, watch *to)
{
    xpm__str lines = {0};
    (void)xpm__outputs_read(job->directory, &to->offset, &lines); /* what could be read is told */
    for (const char *line = lines.data, *end; line < lines.data + lines.size; line = end + 1) {
        end = memchr(line, '\n', (size_t)(lines.data + lines.size - line));
        tell(job, to, line, (size_t)(end - line));
    }
    xpm__str_free(&lines);
}

static void read_for_all(struct xpm__watched *watched)
{
    for (watch *to = watched->watches; to != NULL; to = to->next)
        read_for(watched->job, to);
}

static void on_change(uv_fs_event_t *event, const char *name, int events, int status)
{
    (void)name;
    (void)events;
    (void)status;
    read_for_all((struct xpm__watched *)event); /* its first member */
}

/* ---- Jobs that run ---------------------------------------------------------------------------- */

/* Where the kernel cannot tell of changes, the file is read when the job has ended. */
static void follow(struct xpm__watched *watched)
{
    char *path = xpm__format("%s/" XPM__OUTPUTS_FILE, watched->job->directory);
    if (xpm__outputs_make(watched->job->directory) == 0)
        uv_fs_event_start(&watched->event, on_change, path, 0);
    xpm_free(path);
}

void xpm__outputs_begin(xpm_job *job)
{
    if (job->watched == NULL)
        return;
    follow(job->watched);
    read_for_all(job->watched);
}

void xpm__outputs_end(xpm_job *job)
{
    if (job->watched == NULL)
        return;
    uv_fs_event_stop(&job->watched->event);
    read_for_all(job->watched);
}

/* ---- Watches ---------------------------------------------------------------------------------- */

static struct xpm__watched *watched_of(xpm__outputs *outputs, xpm_job *job)
{
    if (job->watched == NULL) {
        job->watched = xpm__zalloc(sizeof *job->watched);
        job->watched->job = xpm_job_ref(job);
        uv_fs_event_init(outputs->loop, &job->watched->event);
        job->watched->next = outputs->watched;
        outputs->watched = job->watched;
        if (xpm__job_state(job) == XPM_JOB_RUNNING)
            follow(job->watched);
    }
    return job->watched;
}

/* What the file has already was told. */
static void count_read(xpm_experiment *xp)
{
    pthread_mutex_lock(&xp->mutex);
    xp->notices.coming--;
    xpm__experiment_wake(xp);
    pthread_mutex_unlock(&xp->mutex);
}

static void accept_watch(xpm__outputs *outputs, watch *added)
{
    struct xpm__watched *watched = watched_of(outputs, added->job);
    watch **last = &watched->watches;
    while (*last != NULL)
        last = &(*last)->next;
    *last = added;
    added->next = NULL;
    read_for(watched->job, added);
    count_read(watched->job->xp);
    xpm_job_unref(added->job); /* `watched` has one */
    added->job = NULL;
}

static watch *take_added(xpm__outputs *outputs)
{
    pthread_mutex_lock(&outputs->mutex);
    watch *added = outputs->adding;
    outputs->adding = NULL;
    outputs->last_adding = &outputs->adding;
    pthread_mutex_unlock(&outputs->mutex);
    return added;
}

static void on_added(uv_async_t *async)
{
    xpm__outputs *outputs = (xpm__outputs *)((char *)async - offsetof(xpm__outputs, added));
    for (watch *added = take_added(outputs), *next; added != NULL; added = next) {
        next = added->next;
        accept_watch(outputs, added);
    }
}

/* ---- Life ------------------------------------------------------------------------------------- */

xpm__outputs *xpm__outputs_new(uv_loop_t *loop, int *status)
{
    xpm__outputs *outputs = xpm__zalloc(sizeof *outputs);
    outputs->loop = loop;
    outputs->last_adding = &outputs->adding;
    pthread_mutex_init(&outputs->mutex, NULL);
    *status = uv_async_init(loop, &outputs->added, on_added);
    if (*status == 0)
        return outputs;
    pthread_mutex_destroy(&outputs->mutex);
    xpm_free(outputs);
    return NULL;
}

static void free_watches(watch *first)
{
    while (first != NULL) {
        watch *next = first->next;
        xpm_job_unref(first->job);
        xpm_free(first);
        first = next;
    }
}

void xpm__outputs_free(xpm__outputs *outputs)
{
    if (outputs == NULL)
        return;
    free_watches(outputs->adding);
    while (outputs->watched != NULL) {
        struct xpm__watched *next = outputs->watched->next;
        free_watches(outputs->watched->watches);
        outputs->watched->job->watched = NULL;
        xpm_job_unref(outputs->watched->job);
        xpm_free(outputs->watched);
        outputs->watched = next;
    }
    pthread_mutex_destroy(&outputs->mutex);
    xpm_free(outputs);
}

void xpm__outputs_watch(xpm__outputs *outputs, xpm_job *job, unsigned number)
{
    watch *added = xpm__zalloc(sizeof *added);
    added->number = number;
    added->job = xpm_job_ref(job);
    pthread_mutex_lock(&job->xp->mutex);
    job->xp->notices.coming++;
    pthread_mutex_unlock(&job->xp->mutex);
    pthread_mutex_lock(&outputs->mutex);
    *outputs->last_adding = added;
    outputs->last_adding = &added->next;
    pthread_mutex_unlock(&outputs->mutex);
    uv_async_send(&outputs->added);
}
