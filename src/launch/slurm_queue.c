/* What has become of the jobs that Slurm has: the markers in their folders say it first, then squeue,
 * then sacct. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "launch/slurm.h"
#include "record/array.h"

/* Seconds: a marker that was written on another machine may be seen later; a job that was told to end
 * has this long to do so, and sacct to know of it. */
static const double LAG = 2, PATIENCE = 45, ACCOUNTED_BY = 20;
enum { UNSEEN = 2 }; /* answers without it, before a batch was not taken */

/* What squeue has said, by id. */
typedef struct answer {
    xpm__slurm_entry *entries;
    size_t count, capacity;
    xpm__map by_id, by_comment;
} answer;

static void read_answer(const char *text, answer *a)
{
    xpm__slurm_entry entry;
    *a = (answer){0};
    while (xpm__slurm_next_queued(&text, &entry)) {
        a->entries = xpm__grow(a->entries, &a->capacity, a->count, sizeof *a->entries);
        a->entries[a->count++] = entry;
    }
    for (size_t i = 0; i < a->count; i++) {
        xpm__map_set(&a->by_id, a->entries[i].id, &a->entries[i]);
        xpm__map_set(&a->by_comment, a->entries[i].comment, &a->entries[i]);
    }
}

static void free_answer(answer *a)
{
    xpm__map_free(&a->by_id);
    xpm__map_free(&a->by_comment);
    xpm_free(a->entries);
}

static const xpm__slurm_entry *find_token(const answer *a, const char *token)
{
    return xpm__map_find(&a->by_comment, token);
}

/* The part of an id, or of a token, that all elements of an array share. */
static void shared_part(const char *text, char part[XPM__SLURM_WORD])
{
    snprintf(part, XPM__SLURM_WORD, "%.*s", (int)strcspn(text, "_"), text);
}

/* ---- What was sent, and not answered ------------------------------------------------------------ */

/* A batch whose sending nobody has answered: Slurm has it, or it is sent again once it surely has
 * not. */
static void resolve(xpm__slurm_site *site, xpm__slurm_batch *batch, const answer *a)
{
    const xpm__slurm_entry *entry = find_token(a, batch->token);
    double now = xpm__slurm_now(site);
    if (entry != NULL) {
        shared_part(entry->id, batch->id);
        xpm__slurm_batch_record(batch);
        xpm__slurm_taken(site, batch);
        return;
    }
    if (batch->unseen++ == 0)
        batch->since = now;
    if (batch->unseen < UNSEEN || now - batch->since < LAG)
        return;
    xpm__slurm_batch_clean(batch);
    batch->sent = XPM__SLURM_GATHERED;
}

/* Whether the sbatch of another process, for a token, still goes on: it has the list's lock. */
static bool is_being_sent(const xpm__slurm_run *run, const char *token)
{
    char *list = xpm__format("%s/" XPM__ARRAYS "/%s" XPM__ARRAY_SUFFIX,
                             run->base.job->workspace->path, token);
    bool locked = xpm__file_is_locked(AT_FDCWD, list);
    xpm_free(list);
    return locked;
}

/* One of another scheduler's, of which only the token is known. */
static void find_id(xpm__slurm_run *run, const answer *a)
{
    char token[XPM__SLURM_WORD], id[XPM__SLURM_WORD];
    shared_part(run->token, token);
    const xpm__slurm_entry *entry = find_token(a, token);
    const char *index = strchr(run->token, '_');
    if (entry == NULL)
        return;
    shared_part(entry->id, id);
    snprintf(run->id, sizeof run->id, "%.40s%.20s", id, index != NULL ? index : "");
    run->base.site->events->named(&run->base);
}

/* ---- Ends ---------------------------------------------------------------------------------------- */

/* What a job's folder says of its end. */
typedef struct traces {
    bool marked, locked;
    xpm__jobdir_state state; /* as the marker says */
} traces;

static int open_folder(const xpm_job *job, char lock[XPM__NAME_SIZE])
{
    xpm__jobdir_file(xpm_job_name(job), ".lock", lock);
    return open(job->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static traces look_at_folder(const xpm_job *job)
{
    traces found = {0};
    char lock[XPM__NAME_SIZE];
    int folder = open_folder(job, lock);
    if (folder < 0)
        return found;
    found.marked = xpm__jobdir_read_markers(folder, xpm_job_name(job), &found.state);
    found.locked = xpm__file_is_locked(folder, lock);
    close(folder);
    return found;
}

static char *log_of(const xpm__slurm_run *run)
{
    char token[XPM__SLURM_WORD];
    char *folder = xpm__format("%s/" XPM__ARRAYS, run->base.job->workspace->path);
    shared_part(run->token, token);
    char *log = xpm__slurm_log(folder, token);
    xpm_free(folder);
    return log;
}

/* What the state means that Slurm says last. Where Slurm measures what a job has, and does not leave it
 * to the kernel, a job that has too much is FAILED or CANCELLED there, and only its log says why. */
static const xpm__slurm_meaning *meaning_of(const xpm__slurm_run *run)
{
    const xpm__slurm_meaning *meaning = xpm__slurm_state(run->last.state);
    if (meaning->reason != XPM_REASON_FAILED && meaning->reason != XPM_REASON_CANCELLED)
        return meaning;
    char *log = log_of(run);
    if (xpm__slurm_log_tells_memory(log, run->last.number))
        meaning = xpm__slurm_state("OUT_OF_MEMORY");
    xpm_free(log);
    return meaning;
}

/* Whether one of several processes has failed, for which Slurm told the one that speaks for the job to end:
 * the job is FAILED there, and what was cancelled is not. */
static bool is_of_rank(const xpm__slurm_run *run, const xpm__slurm_meaning *meaning)
{
    const xpm_launcher *launcher = run->base.job->launcher;
    return meaning->reason == XPM_REASON_FAILED && launcher != NULL &&
           launcher->table == &xpm__slurm_table && ((const xpm__slurm_launcher *)launcher)->ranks;
}

/* Whether Slurm knows better why a job was ended than the job, which was told by a signal, or whose
 * program was killed. */
static bool is_refined(const xpm__slurm_run *run, const xpm__jobdir_state *marked)
{
    if (marked->state != XPM_JOB_ERROR || run->cancelled)
        return false;
    const xpm__slurm_meaning *meaning = meaning_of(run);
    if (meaning->phase != XPM__SLURM_ENDED)
        return false;
    bool is_limit = meaning->reason == XPM_REASON_TIMEOUT || meaning->reason == XPM_REASON_MEMORY;
    bool is_lost = meaning->reason == XPM_REASON_LOST && strcmp(run->last.state, "COMPLETED") != 0;
    return (marked->reason == XPM_REASON_CANCELLED &&
            (is_limit || is_lost || is_of_rank(run, meaning))) ||
           (marked->reason == XPM_REASON_FAILED && is_limit);
}

/* Writes Slurm's reason into the marker, unless another process has the job by now. */
static void refine(const xpm__slurm_run *run, const xpm__jobdir_state *marked)
{
    const xpm_job *job = run->base.job;
    const xpm__slurm_meaning *meaning = meaning_of(run);
    char name[XPM__NAME_SIZE];
    int folder = open_folder(job, name);
    int lock = folder >= 0 ? xpm__file_lock(folder, name, false) : -1;
    if (lock >= 0) {
        const char *sentence = is_of_rank(run, meaning)
                                   ? "one of its processes has failed, and the others were ended"
                                   : meaning->sentence;
        char *message = xpm__format("%s (Slurm: %s)", sentence, run->last.state);
        (void)xpm__jobdir_mark_failed(folder, xpm_job_name(job), marked->code, meaning->reason,
                                      message); /* else it has its own still */
        xpm_free(message);
        close(lock);
    }
    if (folder >= 0)
        close(folder);
}

/* The last line of a log, and of what is longer the beginning. */
static void add_last_line(xpm__str *out, char *log)
{
    enum { SHOWN = 160 };
    size_t size = strlen(log);
    while (size > 0 && log[size - 1] == '\n')
        log[--size] = '\0';
    const char *before = strrchr(log, '\n'), *line = before != NULL ? before + 1 : log;
    if (line[0] == '\0')
        return;
    size = strlen(line);
    xpm__str_puts(out, ": ");
    xpm__str_add_visible(out, line, size < SHOWN ? size : SHOWN);
}

/* As Slurm says last, with the last words of what came before the job. */
static void end_with(xpm__slurm_run *run)
{
    const xpm__slurm_entry *entry = &run->last;
    const xpm__slurm_meaning *meaning = meaning_of(run);
    xpm__str words = {0};
    if (meaning->reason == XPM_REASON_FAILED) {
        char *log = log_of(run);
        add_last_line(&words, log);
        xpm_free(log);
    }
    bool has_reason = entry->reason[0] != '\0' && strcmp(entry->reason, "None") != 0 &&
                      meaning->reason != XPM_REASON_CANCELLED; /* then it is why it waited */
    xpm__slurm_end_as(run, meaning->reason, "%s (Slurm: %s%s%s)%s", meaning->sentence, entry->state,
                      has_reason ? ", " : "", has_reason ? entry->reason : "",
                      words.size > 0 ? words.data : "");
    xpm__str_free(&words);
}

/* One that another scheduler had sent, and that was over before this one came, is started again, as any
 * job that was killed. */
static bool is_started_again(const xpm__slurm_run *run)
{
    return run->adopted && !run->seen;
}

bool xpm__slurm_has_vanished(const xpm__slurm_run *run)
{
    return run->gone > 0 && !run->began && run->heard > 0 &&
           xpm__slurm_state(run->last.state)->phase != XPM__SLURM_ENDED;
}

/* A controller that was killed forgets the last seconds, and gives their numbers again: what it had
 * taken is gone from the queue, though even a job that was cancelled would be there still. */
static bool is_forgotten(const xpm__slurm_run *run)
{
    const xpm__slurm_site *site = (const xpm__slurm_site *)run->base.site;
    if (!xpm__slurm_has_vanished(run))
        return false;
    return run->displaced ||
           (!run->traced && site->keeps_comments && run->gone - run->heard < site->kept);
}

/* Of one without a marker; `has_state`: Slurm has said how. */
static void end_unmarked(xpm__slurm_run *run, bool has_state)
{
    const xpm__end again = {.again = true, .token = run->token};
    if (is_started_again(run) || is_forgotten(run))
        xpm__slurm_end(run, &again);
    else if (has_state)
        end_with(run);
    else if (!run->began && (run->seen || run->told || run->traced))
        xpm__slurm_end_as(run, XPM_REASON_CANCELLED, "it was cancelled in Slurm's queue (job %s)",
                          run->id);
    else
        xpm__slurm_end_as(run, XPM_REASON_LOST,
                          "Slurm knows job %s no more, and it has left no marker", run->id);
}

/* Of one that is no more in the queue, or has ended there: `run->last` says so, or has no state. */
static void settle(xpm__slurm_run *run)
{
    static const xpm__end marked = {.known = true};
    xpm__slurm_site *site = (xpm__slurm_site *)run->base.site;
    bool has_state = xpm__slurm_state(run->last.state)->phase == XPM__SLURM_ENDED;
    double now = xpm__slurm_now(site);
    traces found = look_at_folder(run->base.job);
    if (run->gone == 0)
        run->gone = now;
    double since = now - run->gone;
    bool is_final = site->no_accounting || run->displaced || is_forgotten(run) ||
                    since >= ACCOUNTED_BY || run->id[0] == '\0' || (run->told && !run->began);
    bool refined = found.marked && is_refined(run, &found.state);
    if (found.locked && since < PATIENCE && (!found.marked || refined))
        return;
    if (refined)
        refine(run, &found.state);
    if (found.marked)
        xpm__slurm_end(run, &marked);
    else if (has_state ? since >= LAG || !run->began : since >= LAG && is_final)
        end_unmarked(run, has_state);
}

bool xpm__slurm_needs_accounting(const xpm__slurm_run *run)
{
    return run->gone > 0 && run->id[0] != '\0' && !run->displaced &&
           xpm__slurm_state(run->last.state)->phase != XPM__SLURM_ENDED;
}

void xpm__slurm_accounted(xpm__slurm_site *site, const char *text)
{
    xpm__slurm_entry entry;
    xpm__map needy = {0};
    for (xpm__slurm_run *run = site->runs; run != NULL; run = run->next)
        if (xpm__slurm_needs_accounting(run))
            xpm__map_set(&needy, run->id, run);
    while (xpm__slurm_next_accounted(&text, &entry)) {
        xpm__slurm_run *run = xpm__map_find(&needy, entry.id);
        if (run != NULL && xpm__slurm_needs_accounting(run) &&
            xpm__slurm_state(entry.state)->phase == XPM__SLURM_ENDED)
            run->last = entry;
    }
    xpm__map_free(&needy);
    for (xpm__slurm_run *run = site->runs, *next; run != NULL; run = next) {
        next = run->next;
        if (run->gone > 0)
            settle(run);
    }
}

/* ---- Looking -------------------------------------------------------------------------------------- */

static void hear(xpm__slurm_run *run, const xpm__slurm_entry *entry)
{
    xpm__slurm_site *site = (xpm__slurm_site *)run->base.site;
    xpm__slurm_phase phase = xpm__slurm_state(entry->state)->phase;
    bool changed = strcmp(run->last.state, entry->state) != 0;
    run->last = *entry;
    run->heard = xpm__slurm_now(site);
    if (changed)
        xpm__slurm_look_soon(site);
    if (phase == XPM__SLURM_ENDED) {
        run->began |= strcmp(entry->state, "CANCELLED") != 0;
        settle(run);
        return;
    }
    run->gone = 0;
    run->seen = true;
    if (phase != XPM__SLURM_RUNS)
        return;
    xpm__job_set_end(run->base.job, entry->left);
    if (!run->began) {
        run->began = true;
        site->base.events->began(&run->base);
    }
}

/* Elements that have not begun when they are cancelled are listed no more, or all as one. */
static const xpm__slurm_entry *find_entry(const answer *a, const char *id)
{
    char array[XPM__SLURM_WORD];
    const xpm__slurm_entry *entry = xpm__map_find(&a->by_id, id);
    if (entry != NULL || strchr(id, '_') == NULL)
        return entry;
    shared_part(id, array);
    entry = xpm__map_find(&a->by_id, array);
    return entry != NULL && xpm__slurm_state(entry->state)->phase == XPM__SLURM_ENDED ? entry
                                                                                      : NULL;
}

/* Whether a number is still the job's that it was given to: then its comment is its token. A cluster that
 * writes comments of its own is believed about the number, until it has shown a token. */
static bool is_own(xpm__slurm_run *run, const xpm__slurm_entry *entry, const char *token)
{
    xpm__slurm_site *site = (xpm__slurm_site *)run->base.site;
    const char *comment = entry->comment;
    if (strcmp(comment, token) == 0) {
        run->confirmed = site->keeps_comments = true;
        return true;
    }
    bool is_empty = comment[0] == '\0' || strcmp(comment, "(null)") == 0;
    return !is_empty && !xpm__slurm_is_token(comment) && !run->confirmed && !site->keeps_comments;
}

static void look_for(xpm__slurm_run *run, const answer *a)
{
    char token[XPM__SLURM_WORD];
    shared_part(run->token, token);
    if (run->id[0] == '\0')
        find_id(run, a);
    const xpm__slurm_entry *entry = find_entry(a, run->id);
    run->displaced = entry != NULL && !is_own(run, entry, token);
    run->traced = find_token(a, token) != NULL;
    if (entry != NULL && !run->displaced)
        hear(run, entry);
    else if (run->id[0] != '\0' || !is_being_sent(run, token))
        settle(run);
}

void xpm__slurm_looked(xpm__slurm_site *site, const char *text)
{
    answer a;
    read_answer(text, &a);
    for (xpm__slurm_batch *batch = site->batches; batch != NULL; batch = batch->next)
        if (batch->sent == XPM__SLURM_UNKNOWN)
            resolve(site, batch, &a);
    for (xpm__slurm_run *run = site->runs, *next; run != NULL; run = next) {
        next = run->next;
        if (run->batch == NULL || run->batch->sent == XPM__SLURM_QUEUED)
            look_for(run, &a);
    }
    free_answer(&a);
}
