#include "schedule/tokens.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "submit/token.h"

/* The folders of a token that are watched. */
enum { WATCH_JOBS, WATCH_QUEUE, WATCH_TOTAL, WATCHES };

/* A token, and the jobs of this scheduler that wait for it. */
typedef struct line {
    xpm_token *token;
    xpm__want *first, *last;
    xpm__ticket ticket; /* of the first */
    int watches[WATCHES];
    bool watched;
    struct line *next; /* of all */
} line;

struct xpm__tokens {
    uv_loop_t *loop;
    uv_poll_t poll; /* of inotify */
    int inotify;    /* -1 until a job asks for a token */
    line *lines;
    xpm__map by_folder; /* to line */
    xpm__map held;      /* directory to job: it has tokens, and its end will be known */
    xpm_job *too_many; /* linked by wants->next: they ask for more than a total, until it changes */
    bool competes;
    xpm__lockwaits *waits;
    void (*resume)(void *user, xpm_job *job);
    void (*wake)(void *user);
    void *user;
};

xpm__tokens *xpm__tokens_new(uv_loop_t *loop, xpm__lockwaits *waits,
                             void (*resume)(void *user, xpm_job *job), void (*wake)(void *user),
                             void *user)
{
    xpm__tokens *tokens = xpm__zalloc(sizeof *tokens);
    tokens->loop = loop;
    tokens->waits = waits;
    tokens->inotify = -1;
    tokens->competes = true;
    tokens->resume = resume;
    tokens->wake = wake;
    tokens->user = user;
    return tokens;
}

/* ---- Lines ------------------------------------------------------------------------------------ */

static line *line_of(xpm__tokens *tokens, const xpm__want *want)
{
    return xpm__map_find(&tokens->by_folder, want->token->folder);
}

/* Calls the first of a line to try, if it is the first in all its lines. */
static void call_first(xpm__tokens *tokens, const line *l)
{
    if (l->first == NULL || !tokens->competes || l->first->job->wants->called)
        return;
    xpm_job *job = l->first->job;
    for (size_t i = 0; i < job->wants->count; i++) {
        const xpm__want *want = &job->wants->items[i];
        if (line_of(tokens, want)->first != want)
            return;
    }
    job->wants->called = true;
    tokens->resume(tokens->user, job);
    tokens->wake(tokens->user);
}

static void call_all(xpm__tokens *tokens)
{
    for (line *l = tokens->lines; l != NULL; l = l->next)
        call_first(tokens, l);
}

/* Puts a want into its line, after those of earlier ranks: at the end, but for one that asked for
 * too many. */
static void join_line(line *l, xpm__want *want)
{
    const char *rank = want->job->wants->rank.text;
    xpm__want *after = l->last;
    while (after != NULL && strcmp(after->job->wants->rank.text, rank) > 0)
        after = after->previous;
    want->previous = after;
    want->next = after != NULL ? after->next : l->first;
    *(want->previous != NULL ? &want->previous->next : &l->first) = want;
    *(want->next != NULL ? &want->next->previous : &l->last) = want;
}

static void leave_line(line *l, xpm__want *want)
{
    *(want->previous != NULL ? &want->previous->next : &l->first) = want->next;
    *(want->next != NULL ? &want->next->previous : &l->last) = want->previous;
    want->next = want->previous = NULL;
}

static void join_lines(xpm__tokens *tokens, xpm_job *job)
{
    for (size_t i = 0; i < job->wants->count; i++)
        join_line(line_of(tokens, &job->wants->items[i]), &job->wants->items[i]);
    job->wants->waits = true;
}

static void leave_lines(xpm__tokens *tokens, xpm_job *job)
{
    for (size_t i = 0; i < job->wants->count; i++)
        leave_line(line_of(tokens, &job->wants->items[i]), &job->wants->items[i]);
    job->wants->waits = false;
}

static xpm__turn turn_of(const xpm__want *want)
{
    return (xpm__turn){want->job->directory, &want->job->wants->rank, want->count};
}

/* The first of a line has left it: the ticket is the next one's, who tries. */
static void move_up(xpm__tokens *tokens, line *l)
{
    bool waits = l->first != NULL && tokens->competes;
    xpm__turn next = waits ? turn_of(l->first) : (xpm__turn){0};
    if (l->ticket.fd >= 0)
        xpm__tokendir_move(l->token->folder, &l->ticket, waits ? &next : NULL);
    call_first(tokens, l);
}

/* ---- Being told ------------------------------------------------------------------------------- */

/* A total has changed: those that asked for too many are back in their lines. */
static void call_too_many(xpm__tokens *tokens)
{
    xpm_job *job = tokens->too_many;
    tokens->too_many = NULL;
    while (job != NULL) {
        xpm_job *next = job->wants->next;
        job->wants->aside = false;
        join_lines(tokens, job);
        job = next;
    }
    call_all(tokens);
}

static void on_event(xpm__tokens *tokens, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        call_too_many(tokens);
        return;
    }
    for (line *l = tokens->lines; l != NULL; l = l->next) {
        int watch = 0;
        while (watch < WATCHES && l->watches[watch] != event->wd)
            watch++;
        if (watch == WATCHES)
            continue;
        if (event->mask & IN_IGNORED) /* the folder was removed, and is made again by who takes */
            l->watched = false;
        if (watch != WATCH_TOTAL || (event->mask & IN_IGNORED))
            call_first(tokens, l);
        else if (event->len > 0 && strcmp(event->name, XPM__TOKEN_TOTAL) == 0)
            call_too_many(tokens);
    }
}

static void on_events(uv_poll_t *poll, int status, int events)
{
    xpm__tokens *tokens = (xpm__tokens *)((char *)poll - offsetof(xpm__tokens, poll));
    _Alignas(struct inotify_event) char buffer[4096];
    ssize_t size;
    (void)status;
    (void)events;
    while ((size = read(tokens->inotify, buffer, sizeof buffer)) > 0) {
        for (char *at = buffer; at < buffer + size;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            on_event(tokens, event);
            at += sizeof *event + event->len;
        }
    }
}

static int start_watching(xpm__tokens *tokens, xpm_error *err)
{
    if (tokens->inotify >= 0)
        return 0;
    tokens->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (tokens->inotify < 0)
        return xpm__fail_io(err, "inotify",
                            "watch tokens (see fs.inotify.max_user_instances) with");
    uv_poll_init(tokens->loop, &tokens->poll, tokens->inotify);
    tokens->poll.data = NULL; /* nothing to free when it is closed */
    uv_poll_start(&tokens->poll, UV_READABLE, on_events);
    return 0;
}

/* Every look closes ipc.lock, which is no news: only what is removed, or a total that is written. */
static int watch_line(xpm__tokens *tokens, line *l, xpm_error *err)
{
    static const struct {
        const char *folder;
        uint32_t mask;
    } folders[WATCHES] = {
        [WATCH_JOBS] = {"/jobs", IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR},
        [WATCH_QUEUE] = {"/queue", IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR},
        [WATCH_TOTAL] = {"", IN_MOVED_TO | IN_MODIFY | IN_ONLYDIR},
    };
    if (l->watched)
        return 0;
    if (start_watching(tokens, err) < 0 || xpm__tokendir_make(l->token->folder, err) < 0)
        return -1;
    for (size_t i = 0; i < WATCHES; i++) {
        char *path = xpm__format("%s%s", l->token->folder, folders[i].folder);
        l->watches[i] = inotify_add_watch(tokens->inotify, path, folders[i].mask);
        int saved = errno;
        xpm_free(path);
        errno = saved;
        if (l->watches[i] < 0)
            return xpm__fail_io(err, l->token->folder,
                                "watch (see fs.inotify.max_user_watches) the token's folder");
    }
    l->watched = true;
    return 0;
}

/* ---- Locks of other processes ----------------------------------------------------------------- */

static void on_free(void *user, void *about, int fd)
{
    (void)about;
    (void)fd;
    call_all(user);
}

/* The end of a job of this scheduler will be known without a thread. */
static void wait_for_blockers(xpm__tokens *tokens, xpm__taking *taking)
{
    for (size_t i = 0; i < taking->blocker_count; i++) {
        xpm__token_blocker *blocker = &taking->blockers[i];
        bool own =
            blocker->directory != NULL && xpm__map_find(&tokens->held, blocker->directory) != NULL;
        if (own || blocker->fd < 0)
            continue;
        xpm__lockwaits_add_free(tokens->waits, blocker->fd, on_free, tokens);
        blocker->fd = -1;
    }
}

/* ---- Taking ----------------------------------------------------------------------------------- */

/* The line of a want, made and watched when it is the first. NULL and an error. */
static line *open_line(xpm__tokens *tokens, const xpm__want *want, xpm_error *err)
{
    line *l = line_of(tokens, want);
    if (l == NULL) {
        l = xpm__zalloc(sizeof *l);
        *l = (line){.token = want->token, .ticket = {.fd = -1}, .next = tokens->lines};
        for (size_t i = 0; i < WATCHES; i++)
            l->watches[i] = -1;
        tokens->lines = l;
        xpm__map_set(&tokens->by_folder, l->token->folder, l);
    }
    return watch_line(tokens, l, err) == 0 ? l : NULL;
}

bool xpm__tokens_turn(xpm__tokens *tokens, xpm_job *job)
{
    struct xpm__wants *wants = job->wants;
    bool first = true;
    if (wants == NULL)
        return true;
    wants->called = false;
    for (size_t i = 0; i < wants->count; i++) {
        const line *l = line_of(tokens, &wants->items[i]);
        first &= l == NULL || l->first == NULL || l->first == &wants->items[i];
    }
    if (wants->waits || first)
        return first;
    for (size_t i = 0; i < wants->count; i++)
        if (open_line(tokens, &wants->items[i], NULL) == NULL)
            return true; /* it will see the error when it takes */
    xpm__rank_make(&wants->rank);
    join_lines(tokens, job);
    return false;
}

/* Puts what the job asks for into `taking`; `nexts` has who comes after it in each line. */
static int prepare(xpm__tokens *tokens, xpm_job *job, xpm__taking *taking, xpm__turn *nexts,
                   xpm_error *err)
{
    struct xpm__wants *wants = job->wants;
    if (!wants->waits)
        xpm__rank_make(&wants->rank);
    taking->directory = job->directory;
    taking->rank = &wants->rank;
    for (; taking->count < wants->count; taking->count++) {
        const xpm__want *want = &wants->items[taking->count];
        line *l = open_line(tokens, want, err);
        if (l == NULL)
            return -1;
        if (want->next != NULL)
            nexts[taking->count] = turn_of(want->next);
        taking->requests[taking->count] =
            (xpm__token_request){.folder = want->token->folder,
                                 .total = want->token->total,
                                 .count = want->count,
                                 .ticket = &l->ticket,
                                 .next = want->next != NULL ? &nexts[taking->count] : NULL};
    }
    return 0;
}

static int list_holders(const xpm_job *job, int jobdir, xpm_error *err)
{
    const struct xpm__wants *wants = job->wants;
    const char **paths = xpm__alloc(wants->count * sizeof *paths);
    for (size_t i = 0; i < wants->count; i++)
        paths[i] = wants->items[i].holder;
    int status = xpm__locks_write(jobdir, paths, wants->count);
    xpm_free(paths);
    return status < 0 ? xpm__fail_io(err, job->directory, "list the tokens in") : 0;
}

static xpm__tokens_taken have(xpm__tokens *tokens, xpm_job *job, const xpm__taking *taking,
                              int jobdir, xpm_error *err)
{
    struct xpm__wants *wants = job->wants;
    for (size_t i = 0; i < wants->count; i++)
        wants->items[i].holder = taking->requests[i].holder;
    xpm__map_set(&tokens->held, job->directory, job);
    if (wants->waits)
        leave_lines(tokens, job);
    for (size_t i = 0; i < wants->count; i++)
        call_first(tokens, line_of(tokens, &wants->items[i]));
    return list_holders(job, jobdir, err) == 0 ? XPM__TOKENS_TAKEN : XPM__TOKENS_FAILED;
}

static void set_aside(xpm__tokens *tokens, xpm_job *job)
{
    struct xpm__wants *wants = job->wants;
    if (wants->waits)
        leave_lines(tokens, job);
    wants->aside = true;
    wants->next = tokens->too_many;
    tokens->too_many = job;
    for (size_t i = 0; i < wants->count; i++)
        move_up(tokens, line_of(tokens, &wants->items[i]));
}

xpm__tokens_taken xpm__tokens_take(xpm__tokens *tokens, xpm_job *job, int jobdir, xpm_error *err)
{
    struct xpm__wants *wants = job->wants;
    if (wants == NULL)
        return XPM__TOKENS_TAKEN;
    xpm__tokens_taken result = XPM__TOKENS_FAILED;
    xpm__token_request *requests = xpm__zalloc(wants->count * sizeof *requests);
    xpm__turn *nexts = xpm__zalloc(wants->count * sizeof *nexts);
    xpm__taking taking = {.requests = requests};
    xpm__taken taken = XPM__NOT_TAKEN;
    if (prepare(tokens, job, &taking, nexts, err) == 0)
        taken = xpm__tokendir_take(&taking, err);
    if (taken == XPM__TAKEN) {
        result = have(tokens, job, &taking, jobdir, err);
    } else if (taken == XPM__TOO_MANY) {
        set_aside(tokens, job);
        result = XPM__TOKENS_WAIT;
    } else if (taken == XPM__NOT_FREE) {
        if (!wants->waits)
            join_lines(tokens, job);
        wait_for_blockers(tokens, &taking);
        result = XPM__TOKENS_WAIT;
    }
    xpm__taking_clear(&taking);
    xpm_free(requests);
    xpm_free(nexts);
    return result;
}

/* ---- Releasing -------------------------------------------------------------------------------- */

static void forget_too_many(xpm__tokens *tokens, const xpm_job *job)
{
    for (xpm_job **link = &tokens->too_many; *link != NULL; link = &(*link)->wants->next)
        if (*link == job) {
            *link = job->wants->next;
            break;
        }
    job->wants->aside = false;
}

bool xpm__tokens_waits(const xpm_job *job)
{
    const struct xpm__wants *wants = job->wants;
    return wants != NULL && ((wants->waits && !wants->called) || wants->aside);
}

void xpm__tokens_release(xpm__tokens *tokens, xpm_job *job)
{
    struct xpm__wants *wants = job->wants;
    if (wants == NULL)
        return;
    if (wants->waits)
        leave_lines(tokens, job);
    if (wants->aside)
        forget_too_many(tokens, job);
    wants->called = false;
    xpm__map_set(&tokens->held, job->directory, NULL);
    for (size_t i = 0; i < wants->count; i++) {
        xpm__want *want = &wants->items[i];
        line *l = line_of(tokens, want);
        if (want->holder != NULL)
            xpm__tokendir_reclaim(want->holder);
        xpm_free(want->holder);
        want->holder = NULL;
        if (l != NULL)
            move_up(tokens, l);
    }
}

void xpm__tokens_compete(xpm__tokens *tokens, bool can_start)
{
    if (tokens->competes == can_start)
        return;
    tokens->competes = can_start;
    for (line *l = tokens->lines; !can_start && l != NULL; l = l->next)
        xpm__tokendir_move(l->token->folder, &l->ticket, NULL);
    if (can_start)
        call_all(tokens);
}

void xpm__tokens_free(xpm__tokens *tokens)
{
    if (tokens == NULL)
        return;
    for (line *l = tokens->lines, *next; l != NULL; l = next) {
        next = l->next;
        xpm__tokendir_move(l->token->folder, &l->ticket, NULL);
        xpm_free(l);
    }
    if (tokens->inotify >= 0)
        close(tokens->inotify);
    xpm__map_free(&tokens->by_folder);
    xpm__map_free(&tokens->held);
    xpm_free(tokens);
}
