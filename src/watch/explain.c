#include "watch/explain.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "record/events.h"
#include "record/tokendir.h"

enum { PRINT_MOST = 20 };

/* One job that is being explained. */
typedef struct inquiry {
    const xpm__view *view;
    const xpm__job_view *job;
    const xpm__experiment_view *experiment; /* that listed it last; or NULL */
    xpm__explanation *out;
    double since;              /* of its last event */
    xpm__map depends_on;       /* identifier to itself: new */
    char *needs;               /* what it needs of its machine; NULL: a slot */
    char *name;                /* for people */
    char file[XPM__NAME_SIZE]; /* NAME of its files */
    int dir;                   /* its folder; -1 when there is none */
} inquiry;

/* ---- Words ------------------------------------------------------------------------------------ */

static void say(inquiry *q, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(inquiry *q, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    xpm__str_vprintf(&q->out->sentences, format, args);
    va_end(args);
}

/* " since 2026-11-27 12:01:03", with the word given; nothing when the time is not known. */
static void say_time(inquiry *q, const char *word, double seconds)
{
    char text[XPM__TIME_SIZE];
    if (seconds <= 0)
        return;
    xpm__clock_iso(seconds, text);
    text[strlen("2026-11-27")] = ' ';
    say(q, " %s %.19s", word, text);
}

static void say_duration(inquiry *q, double seconds)
{
    long whole = (long)seconds;
    if (seconds < 0)
        return;
    if (seconds < 60)
        say(q, " after %.3g s", seconds);
    else if (whole < 3600)
        say(q, " after %ld min %ld s", whole / 60, whole % 60);
    else if (whole < 24 * 3600)
        say(q, " after %ld h %ld min", whole / 3600, whole % 3600 / 60);
    else
        say(q, " after %ld d %ld h", whole / (24 * 3600), whole % (24 * 3600) / 3600);
}

static void say_experiment(inquiry *q)
{
    if (q->job->experiment != NULL)
        say(q, ", in experiment %s", q->job->experiment);
}

/* ---- What the run says ------------------------------------------------------------------------- */

/* The logs in a folder whose names begin with `start`. */
typedef struct logs {
    inquiry *q;
    const char *folder, *start;
    xpm__on_line callback; /* for each line */
} logs;

static void read_log(void *user, const char *name)
{
    const logs *l = user;
    if (strncmp(name, l->start, strlen(l->start)) != 0)
        return;
    char *path = xpm__format("%s/%s", l->folder, name);
    (void)xpm__events_read_file(l->q->view->fd, path, l->callback, l->q, NULL);
    xpm_free(path);
}

static void read_logs(inquiry *q, const char *folder, const char *start, xpm__on_line callback)
{
    logs l = {.q = q, .folder = folder, .start = start, .callback = callback};
    xpm__file_each_visible(q->view->fd, folder, read_log, &l);
}

/* The log of a run is in its folder, or, if it lives or has crashed, among the living ones. */
static void each_event(inquiry *q, xpm__on_line callback)
{
    if (q->experiment == NULL)
        return;
    char *folder = xpm__format("experiments/%s/%s/events", q->experiment->name, q->experiment->run);
    char *start = xpm__format("%s-", q->experiment->name);
    read_logs(q, folder, "", callback);
    read_logs(q, ".events/experiments", start, callback);
    xpm_free(folder);
    xpm_free(start);
}

/* Whether a line tells the state of a job in the run that is looked at. */
static bool parse_event(const inquiry *q, json_object *line, xpm__event *event)
{
    return xpm__event_parse(line, event) && event->run != NULL &&
           strcmp(event->run, q->experiment->run) == 0;
}

static void note_dependencies(inquiry *q, json_object *ids)
{
    size_t count = json_object_is_type(ids, json_type_array) ? json_object_array_length(ids) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *id = json_object_get_string(json_object_array_get_idx(ids, i));
        if (id == NULL || xpm__map_find(&q->depends_on, id) != NULL)
            continue;
        char *copy = xpm__strdup(id);
        xpm__map_set(&q->depends_on, copy, copy);
    }
}

/* What a job needs is said when it is ready. */
static void note_needs(char **needs, json_object *line)
{
    const char *text = xpm__json_get_text(line, "needs");
    if (text == NULL)
        return;
    xpm_free(*needs);
    *needs = xpm__strdup(text);
}

static void on_own_event(void *user, json_object *line)
{
    inquiry *q = user;
    xpm__event event;
    if (!parse_event(q, line, &event) || strcmp(event.hash, q->job->hash) != 0 ||
        strcmp(event.type, q->job->type) != 0)
        return;
    q->since = event.time;
    note_needs(&q->needs, line);
    note_dependencies(q, xpm__json_get(line, "depends_on"));
}

static void on_blocker_event(void *user, json_object *line)
{
    inquiry *q = user;
    xpm__event event;
    if (!parse_event(q, line, &event) || xpm__map_find(&q->depends_on, event.hash) == NULL)
        return;
    for (size_t i = 0; i < q->out->blocker_count; i++)
        if (strcmp(q->out->blockers[i].job->hash, event.hash) == 0)
            q->out->blockers[i].since = event.time;
}

static void add_blocker(inquiry *q, const xpm__job_view *job)
{
    xpm__explanation *e = q->out;
    e->blockers =
        xpm__grow(e->blockers, &e->blocker_capacity, e->blocker_count, sizeof *e->blockers);
    e->blockers[e->blocker_count++] = (xpm__blocker){.job = job};
}

/* Those of its dependencies that are not done; of a job that was not started because of them, those
 * that failed. */
static void find_blockers(inquiry *q)
{
    bool failed = q->job->state.state == XPM_JOB_ERROR;
    for (size_t i = 0; i < q->view->job_count; i++) {
        const xpm__job_view *job = q->view->jobs[i];
        if (xpm__map_find(&q->depends_on, job->hash) != NULL &&
            (failed ? job->state.state == XPM_JOB_ERROR : job->state.state != XPM_JOB_DONE))
            add_blocker(q, job);
    }
    if (q->out->blocker_count > 0)
        each_event(q, on_blocker_event);
}

/* ---- Blockers ---------------------------------------------------------------------------------- */

static void say_failure(inquiry *q, const xpm__jobdir_state *state)
{
    switch (state->reason) {
    case XPM_REASON_DEPENDENCY:
        say(q, "was not started, because what it depends on failed");
        return;
    case XPM_REASON_CANCELLED:
        say(q, "was cancelled");
        break;
    case XPM_REASON_TIMEOUT:
        say(q, "ran out of time");
        break;
    case XPM_REASON_MEMORY:
        say(q, "ran out of memory");
        break;
    case XPM_REASON_LOST:
        say(q, "was lost");
        break;
    default:
        say(q, "failed");
    }
}

static void say_blocker(inquiry *q, const xpm__blocker *blocker)
{
    const xpm__jobdir_state *state = &blocker->job->state;
    char *name = xpm__short_name(blocker->job->type, blocker->job->hash);
    say(q, "\n  %s ", name);
    if (state->state == XPM_JOB_ERROR) {
        say_failure(q, state);
        say_time(q, "at", state->ended > 0 ? state->ended : blocker->since);
        say(q, "%s%s", state->message[0] != '\0' ? ": " : "", state->message);
    } else if (state->state == XPM_JOB_RUNNING) {
        say(q, "runs");
        say_time(q, "since", state->started > 0 ? state->started : blocker->since);
    } else {
        say(q, "is %s", xpm_job_state_text(state->state));
        say_time(q, "since", blocker->since);
    }
    xpm_free(name);
}

static void say_blockers(inquiry *q)
{
    size_t count = q->out->blocker_count;
    for (size_t i = 0; i < count && i < PRINT_MOST; i++)
        say_blocker(q, &q->out->blockers[i]);
    if (count > PRINT_MOST)
        say(q, "\n  and %zu more", count - PRINT_MOST);
}

/* ---- Tokens ------------------------------------------------------------------------------------ */

/* "TYPE/HASH" of a job's folder, wherever its workspace is. */
static const char *key_of(const char *directory)
{
    const char *jobs = directory != NULL ? strstr(directory, "/jobs/") : NULL, *next = jobs;
    while (next != NULL && (next = strstr(next + 1, "/jobs/")) != NULL)
        jobs = next;
    return jobs != NULL ? jobs + strlen("/jobs/") : NULL;
}

static bool is_waiter(const inquiry *q, const xpm__token_report *token)
{
    bool found = false;
    for (size_t i = 0; !found && i < token->waiter_count; i++) {
        const char *key = key_of(token->waiters[i].directory);
        found = key != NULL && strcmp(key, q->job->key) == 0;
    }
    return found;
}

/* A job of another workspace is named by its folder. */
static void say_holder(inquiry *q, const xpm__token_user *holder)
{
    const char *key = key_of(holder->directory);
    const xpm__job_view *job = key != NULL ? xpm__map_find(&q->view->by_key, key) : NULL;
    char *name = job != NULL ? xpm__short_name(job->type, job->hash) : NULL;
    say(q, "\n  %s has %lld",
        name != NULL                ? name
        : holder->directory != NULL ? holder->directory
                                    : "a job",
        (long long)holder->count);
    say_time(q, "since", holder->since);
    xpm_free(name);
}

static void say_token(inquiry *q, const xpm__token_report *token)
{
    size_t count = token->holder_count;
    say(q, "\nToken %s: %lld of %lld are taken", token->name, (long long)token->used,
        (long long)token->total);
    for (size_t i = 0; i < count && i < PRINT_MOST; i++)
        say_holder(q, &token->holders[i]);
    if (count > PRINT_MOST)
        say(q, "\n  and %zu more", count - PRINT_MOST);
}

/* Those in whose queue the job is; or, when its scheduler has put another in for it, those that
 * anybody waits for. Whether the job is in a queue itself. */
static bool say_tokens(inquiry *q, bool own)
{
    bool said = false;
    char **folders = xpm__tokendirs(q->view->workspace);
    for (size_t i = 0; folders[i] != NULL; i++) {
        xpm__token_report token;
        if (xpm__token_report_read(folders[i], &token, NULL) < 0)
            continue;
        if (own ? is_waiter(q, &token) : token.waiter_count > 0) {
            if (!said)
                say(q,
                    own ? ": it waits for a token."
                        : "\nOr it waits in line for a token, behind another job of its program.");
            say_token(q, &token);
            said = true;
        }
        xpm__token_report_clear(&token);
    }
    xpm__tokendirs_free(folders);
    return said;
}

/* ---- States ------------------------------------------------------------------------------------ */

static void say_waiting(inquiry *q)
{
    say(q, "%s waits", q->name);
    say_time(q, "since", q->since);
    say_experiment(q);
    find_blockers(q);
    if (q->out->blocker_count > 0) {
        say(q, ", for %zu of the %zu jobs that it depends on:", q->out->blocker_count,
            q->depends_on.count);
        say_blockers(q);
    } else if (!say_tokens(q, true)) {
        say(q, ": for no other job, but for a directory that another job writes, or for something "
               "that is prepared for it.");
    }
    say(q, "\n");
}

static bool runs_beside(const inquiry *q, const xpm__job_view *job)
{
    return job->state.state == XPM_JOB_RUNNING && job->experiment != NULL &&
           q->job->experiment != NULL && strcmp(job->experiment, q->job->experiment) == 0;
}

static size_t count_running(const inquiry *q)
{
    size_t count = 0;
    for (size_t i = 0; i < q->view->job_count; i++)
        count += runs_beside(q, q->view->jobs[i]);
    return count;
}

static void on_holder_event(void *user, json_object *line)
{
    inquiry *q = user;
    xpm__event event;
    if (!parse_event(q, line, &event))
        return;
    for (size_t i = 0; i < q->out->blocker_count; i++)
        if (strcmp(q->out->blockers[i].job->hash, event.hash) == 0)
            note_needs(&q->out->blockers[i].needs, line);
}

/* The jobs of its experiment that run, and what each has of the machine. */
static void find_holders(inquiry *q)
{
    for (size_t i = 0; i < q->view->job_count; i++)
        if (runs_beside(q, q->view->jobs[i]))
            add_blocker(q, q->view->jobs[i]);
    if (q->out->blocker_count > 0)
        each_event(q, on_holder_event);
}

static void say_machine(inquiry *q)
{
    const xpm__explanation *e = q->out;
    find_holders(q);
    say(q, ": it waits for %s of this machine; %zu %s of the experiment %s%s", q->needs,
        e->blocker_count, e->blocker_count == 1 ? "job" : "jobs",
        e->blocker_count == 1 ? "runs" : "run", e->blocker_count > 0 ? ":" : ".");
    for (size_t i = 0; i < e->blocker_count && i < PRINT_MOST; i++) {
        const xpm__blocker *holder = &e->blockers[i];
        char *name = xpm__short_name(holder->job->type, holder->job->hash);
        say(q, "\n  %s has %s", name, holder->needs != NULL ? holder->needs : "a slot");
        say_time(q, "since", holder->job->state.started);
        xpm_free(name);
    }
    if (e->blocker_count > PRINT_MOST)
        say(q, "\n  and %zu more", e->blocker_count - PRINT_MOST);
    if (strstr(q->needs, "cuda") != NULL || strstr(q->needs, "gpu") != NULL)
        say(q, "\nJobs of other experiments may have accelerators, too.");
}

static void say_slot(inquiry *q)
{
    size_t running = count_running(q);
    say(q, ": it waits for a free slot; %zu %s of the experiment %s.", running,
        running == 1 ? "job" : "jobs", running == 1 ? "runs" : "run");
}

static void say_ready(inquiry *q)
{
    say(q, "%s is ready", q->name);
    say_time(q, "since", q->since);
    say_experiment(q);
    if (!say_tokens(q, true)) {
        if (q->needs != NULL)
            say_machine(q);
        else
            say_slot(q);
        say_tokens(q, false);
    }
    say(q, "\n");
}

static void say_scheduled(inquiry *q)
{
    xpm__pid pid = {0};
    if (q->dir >= 0)
        xpm__jobdir_read_pid(q->dir, q->file, &pid);
    say(q, "%s was given to %s", q->name, pid.launcher[0] != '\0' ? pid.launcher : "a queue");
    if (pid.id[0] != '\0')
        say(q, ", as job %s", pid.id);
    say_time(q, "at", q->since);
    say_experiment(q);
    say(q, ", and has not begun as far as its folder says.\n");
}

static void say_progress(inquiry *q)
{
    json_object *status = xpm__json_read(q->dir, ".experimaestro/status.json");
    json_object *levels = xpm__json_get(status, "progress");
    size_t count =
        json_object_is_type(levels, json_type_array) ? json_object_array_length(levels) : 0;
    for (size_t i = 0; i < count; i++) {
        json_object *level = json_object_array_get_idx(levels, i);
        const char *of = xpm__json_get_text(level, "desc");
        double value = json_object_get_double(xpm__json_get(level, "progress"));
        say(q, "%s%.0f %%%s%s", i == 0 ? "It is at " : ", ", value * 100, of != NULL ? " of " : "",
            of != NULL ? of : "");
    }
    if (count > 0)
        say(q, ".\n");
    json_object_put(status);
}

static void say_running(inquiry *q)
{
    const xpm__jobdir_state *state = &q->job->state;
    const xpm__experiment_view *e = q->experiment;
    say(q, "%s runs", q->name);
    say_time(q, "since", state->started);
    if (state->pid != 0)
        say(q, ", as process %d", (int)state->pid);
    else
        say(q, ", as its lock is held");
    if (e != NULL && e->host != NULL)
        say(q, " on %s", e->host);
    say_experiment(q);
    say(q, ".\n");
    say_progress(q);
    if (e != NULL && !e->running)
        say(q, "The program that started it is gone: it goes on without it, and the next run waits "
               "for its end instead of starting it.\n");
}

static void say_done(inquiry *q)
{
    const xpm__jobdir_state *state = &q->job->state;
    say(q, "%s is done", q->name);
    say_time(q, "since", state->ended);
    if (state->started > 0 && state->ended >= state->started)
        say_duration(q, state->ended - state->started);
    say_experiment(q);
    say(q, ".\n");
}

/* What the evidence is that it was killed: it could not say so itself. */
static void say_lost(inquiry *q)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(q->file, ".pid", file);
    json_object *json = xpm__json_read(q->dir, file), *pid = xpm__json_get(json, "pid");
    say(q, "%s is lost", q->name);
    say_experiment(q);
    if (pid != NULL)
        say(q, ": %s names process %d, which is no more,", file, json_object_get_int(pid));
    else
        say(q, ": status.json says that it runs, while nobody holds %s.lock,", q->file);
    say(q,
        " and there is neither %s.done nor %s.failed: it was killed before it could say how it "
        "ended.\nThe next run starts it again.\n",
        q->file, q->file);
    json_object_put(json);
}

static void say_not_started(inquiry *q)
{
    say(q, "%s was not started", q->name);
    say_time(q, "at", q->since);
    say_experiment(q);
    find_blockers(q);
    say(q, ": what it depends on failed%s", q->out->blocker_count > 0 ? ":" : ".");
    say_blockers(q);
    say(q, "\nThe next run starts that again, and this one after it.\n");
}

/* How many failures a resumable job is allowed, only the program that submits it knows. */
static void say_next(inquiry *q)
{
    unsigned failures = q->job->state.failures;
    json_object *status = xpm__json_read(q->dir, ".experimaestro/status.json");
    bool resumable = json_object_get_boolean(xpm__json_get(status, "resumable"));
    if (resumable && failures > 0)
        say(q,
            "It is resumable, and has failed %u %s: a run whose max_retries is above that starts "
            "it "
            "again.\n",
            failures, failures == 1 ? "time" : "times");
    else
        say(q, "The next run starts it again.\n");
    json_object_put(status);
}

static void say_failed(inquiry *q)
{
    const xpm__jobdir_state *state = &q->job->state;
    say(q, "%s ", q->name);
    say_failure(q, state);
    say_time(q, "at", state->ended > 0 ? state->ended : q->since);
    if (state->started > 0 && state->ended >= state->started)
        say_duration(q, state->ended - state->started);
    say_experiment(q);
    say(q, ", with exit status %d%s%s.\n", state->code, state->message[0] != '\0' ? ": " : "",
        state->message);
    say_next(q);
}

static void say_error(inquiry *q)
{
    xpm__jobdir_state marked;
    if (q->job->state.reason == XPM_REASON_DEPENDENCY)
        say_not_started(q);
    else if (q->job->state.reason == XPM_REASON_LOST &&
             (q->dir < 0 || !xpm__jobdir_read_markers(q->dir, q->file, &marked)))
        say_lost(q);
    else
        say_failed(q);
}

/* Whether a run that has ended says that the job was done in it. */
static bool was_done(const inquiry *q, const xpm__experiment_view *e)
{
    char *file = xpm__format("experiments/%s/%s/status.json", e->name, e->run);
    json_object *status = xpm__json_read(q->view->fd, file);
    const char *said = xpm__json_get_text(xpm__json_get(status, "job_states"), q->job->hash);
    bool done = said != NULL && strcmp(said, xpm_job_state_text(XPM_JOB_DONE)) == 0;
    json_object_put(status);
    xpm_free(file);
    return done;
}

static void say_unscheduled(inquiry *q)
{
    const xpm__experiment_view *e = q->experiment;
    bool removed = e != NULL && e->run != NULL && !e->running && was_done(q, e);
    say(q, removed ? "%s was done" : "%s was not started", q->name);
    if (removed)
        say(q, " in the run %s of experiment %s, and its folder was removed since", e->run,
            e->name);
    else if (e != NULL)
        say(q, ": the run of experiment %s %s", e->name,
            e->running ? "has it, and no word of it yet" : "ended before it came to it");
    say(q, ".\n");
    if (e == NULL || !e->running)
        say(q, "The next run that submits it starts it.\n");
}

static void say_state(inquiry *q)
{
    switch (q->job->state.state) {
    case XPM_JOB_WAITING:
        say_waiting(q);
        break;
    case XPM_JOB_READY:
        say_ready(q);
        break;
    case XPM_JOB_SCHEDULED:
        say_scheduled(q);
        break;
    case XPM_JOB_RUNNING:
        say_running(q);
        break;
    case XPM_JOB_DONE:
        say_done(q);
        break;
    case XPM_JOB_ERROR:
        say_error(q);
        break;
    default:
        say_unscheduled(q);
    }
}

/* ---- Against the nearest ----------------------------------------------------------------------- */

/* Its parameters: from its folder when it was started, else from the run that lists it. */
static xpm__node *read_task(inquiry *q)
{
    xpm__graph *graph = &q->out->graph;
    xpm__str text = {0};
    xpm__node *node = q->dir >= 0 ? xpm__graph_read_file(graph, q->dir, "params.json", NULL) : NULL;
    if (node != NULL || q->experiment == NULL)
        return node;
    char *path =
        xpm__format("experiments/%s/%s/objects.jsonl", q->experiment->name, q->experiment->run);
    if (xpm__file_read(q->view->fd, path, &text) == 0 && text.size > 0)
        xpm__graph_read_lines(graph, text.data);
    xpm__str_free(&text);
    xpm_free(path);
    return xpm__graph_find(graph, q->job->hash);
}

static void say_against(inquiry *q)
{
    xpm__node *task = read_task(q);
    if (task == NULL)
        return;
    xpm__finished finished = {
        .graph = &q->out->graph, .workspace = q->view->fd, .most = XPM__FINISHED_ONE};
    xpm__against_find(&q->out->against, &finished, task, SIZE_MAX, XPM__DEPTH_MOST);
    size_t start = q->out->sentences.size;
    xpm__against_print(&q->out->against, &q->out->sentences);
    if (q->out->sentences.data[start] == 'n')
        q->out->sentences.data[start] = 'N';
    say(q, ".\n");
    xpm__finished_free(&finished);
}

/* ---- Together ---------------------------------------------------------------------------------- */

static const xpm__experiment_view *find_experiment(const xpm__view *view, const char *name)
{
    for (size_t i = 0; name != NULL && i < view->experiment_count; i++)
        if (strcmp(view->experiments[i].name, name) == 0)
            return &view->experiments[i];
    return NULL;
}

void xpm__explain_job(const xpm__view *view, const xpm__job_view *job,
                      xpm__explanation *explanation)
{
    inquiry q = {.view = view,
                 .job = job,
                 .experiment = find_experiment(view, job->experiment),
                 .out = explanation,
                 .name = xpm__short_name(job->type, job->hash)};
    char *folder = xpm__format("jobs/%s", job->key);
    *explanation = (xpm__explanation){.graph = {.round = 0}};
    xpm__jobdir_name(folder, q.file);
    q.dir = openat(view->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (job->state.state != XPM_JOB_DONE && job->state.state != XPM_JOB_RUNNING)
        each_event(&q, on_own_event);
    say_state(&q);
    if (job->state.state != XPM_JOB_DONE)
        say_against(&q);
    if (q.dir >= 0)
        close(q.dir);
    for (size_t i = 0; i < q.depends_on.capacity; i++)
        if (q.depends_on.entries[i].key != NULL)
            xpm_free(q.depends_on.entries[i].value);
    xpm__map_free(&q.depends_on);
    xpm_free(q.needs);
    xpm_free(q.name);
    xpm_free(folder);
}

static void print_sentences(const char *text, xpm__str *out)
{
    xpm__json_key(out, "sentences");
    xpm__json_open(out, '[');
    for (const char *end; text != NULL && (end = strchr(text, '\n')) != NULL; text = end + 1)
        xpm__json_text_sized(out, text, (size_t)(end - text));
    xpm__json_close(out, ']');
}

static void print_blockers(const xpm__explanation *e, xpm__str *out)
{
    xpm__json_key(out, "waits_for");
    xpm__json_open(out, '[');
    for (size_t i = 0; i < e->blocker_count; i++) {
        xpm__json_open(out, '{');
        xpm__json_pair(out, "job_id", e->blockers[i].job->hash);
        xpm__json_pair(out, "task_id", e->blockers[i].job->type);
        xpm__json_pair(out, "state", xpm_job_state_text(e->blockers[i].job->state.state));
        xpm__json_close(out, '}');
    }
    xpm__json_close(out, ']');
}

static void print_differences(const xpm__differences *differences, xpm__str *out)
{
    xpm__json_key(out, "differences");
    xpm__json_open(out, '[');
    for (size_t i = 0; i < differences->count; i++) {
        xpm__json_open(out, '{');
        xpm__json_pair(out, "path", differences->items[i].path);
        xpm__json_pair(out, "from", differences->items[i].from);
        xpm__json_pair(out, "to", differences->items[i].to);
        xpm__json_close(out, '}');
    }
    xpm__json_close(out, ']');
}

void xpm__explanation_print(const xpm__view *view, const xpm__job_view *job,
                            const xpm__explanation *explanation, xpm__str *out)
{
    xpm__json_open(out, '{');
    xpm__json_key(out, "job");
    xpm__view_print_job(view, job, out);
    print_sentences(explanation->sentences.data, out);
    print_blockers(explanation, out);
    xpm__json_pair(out, "nearest", explanation->against.key);
    print_differences(&explanation->against.differences, out);
    xpm__json_close(out, '}');
}

void xpm__explanation_clear(xpm__explanation *explanation)
{
    xpm__str_free(&explanation->sentences);
    for (size_t i = 0; i < explanation->blocker_count; i++)
        xpm_free(explanation->blockers[i].needs);
    xpm_free(explanation->blockers);
    xpm__against_clear(&explanation->against);
    xpm__graph_free(&explanation->graph);
}

char *xpm_explain(const char *workspace, const char *job, xpm_error *err)
{
    xpm__view view;
    xpm__explanation explanation;
    const xpm__job_view *found = NULL;
    char *text = NULL;
    if (xpm__view_open(workspace, &view, err) < 0)
        return NULL;
    if (xpm__view_load(&view, NULL, err) == 0)
        found = xpm__view_find(&view, job, err);
    if (found != NULL) {
        xpm__explain_job(&view, found, &explanation);
        text = xpm__str_take(&explanation.sentences);
        xpm__explanation_clear(&explanation);
    }
    xpm__view_close(&view);
    return text;
}
