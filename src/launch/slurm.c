/* The site of Slurm: what is asked of Slurm, and when. */
#include "launch/slurm.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/process.h"
#include "launch/slurm_options.h"
#include "record/array.h"

enum {
    ASK_SECONDS = 60,      /* that a question may take */
    ANSWER_SIZE = 1 << 28, /* bytes */
    CANCEL_MAX = 500,      /* jobs that one scancel is told */
    LOCKS_MAX = 4000,      /* held at once */
    ARRAY_SIZE = 1000,     /* what Slurm lets arrays have, unless it says otherwise */
};

/* Seconds: what becomes ready together is gathered for a moment. */
static const double GATHER = 0.05, GATHER_MAX = 0.5;
static const double LOOK_FIRST = 0.1, LOOK_GROWTH = 1.5;
/* Sites bear about one request a second: so many may come faster, and then no more do. */
static const double BURST = 30, STEADY = 1;
static const double BACKOFF_FIRST = 1, BACKOFF_MAX = 60;
static const double KEPT = 300; /* what has ended stays in the queue, unless Slurm says otherwise */
static const double ACCOUNT_GAP = 2;

static void step(xpm__slurm_site *site);

/* ---- The launcher ----------------------------------------------------------------------------- */

static void free_slurm(xpm_launcher *base)
{
    xpm__slurm_launcher *launcher = (xpm__slurm_launcher *)base;
    for (size_t i = 0; launcher->options[i] != NULL; i++)
        xpm_free(launcher->options[i]);
    xpm_free(launcher->options);
    xpm_free(launcher->binpath);
}

static int can_slurm(const xpm_launcher *launcher, const xpm_requirement *requirement,
                     xpm_error *err)
{
    (void)launcher;
    return xpm__slurm_can(requirement, err);
}

static const char *place_slurm(const xpm_launcher *launcher)
{
    return ((const xpm__slurm_launcher *)launcher)->binpath;
}

/* ---- The site --------------------------------------------------------------------------------- */

static xpm__site *open_slurm(const xpm_launcher *launcher, xpm_error *err)
{
    xpm__slurm_site *site = xpm__zalloc(sizeof *site);
    site->hurry = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (site->hurry < 0) {
        xpm__fail_io(err, "eventfd", "make");
        xpm_free(site);
        return NULL;
    }
    site->binpath = xpm__strdup(place_slurm(launcher));
    site->interval = LOOK_FIRST;
    site->credit = BURST;
    site->interval_max = ((const xpm__slurm_launcher *)launcher)->interval_max;
    return &site->base;
}

double xpm__slurm_now(const xpm__slurm_site *site)
{
    return (double)uv_now(site->base.loop) / 1000;
}

static void on_timer(uv_timer_t *timer)
{
    step(timer->data);
}

static void wake_at(xpm__slurm_site *site, double when)
{
    double left = when - xpm__slurm_now(site);
    uv_timer_start(&site->timer, on_timer, left > 0 ? (uint64_t)(left * 1000) + 1 : 0, 0);
}

static void begin(xpm__slurm_site *site, const xpm_job *job)
{
    static const char *const none[] = {NULL};
    static const xpm__variables nothing;
    if (site->has_timer)
        return;
    uv_timer_init(site->base.loop, &site->timer);
    site->timer.data = site;
    site->has_timer = true;
    char **array = xpm__environment_array(job->environment, &nothing, none);
    site->environment = xpm__slurm_environment(array);
    xpm_free(array);
}

static void free_runs(xpm__slurm_site *site)
{
    while (site->runs != NULL) {
        xpm__slurm_run *run = site->runs;
        site->runs = run->next;
        xpm_free(run);
    }
    site->run_count = 0;
}

/* What was not sent yet is forgotten, and its locks are let go; what is being sent is found again by
 * its token, if its sbatch does not end in a moment. */
static void close_slurm(xpm__site *base)
{
    xpm__slurm_site *site = (xpm__slurm_site *)base;
    uint64_t one = 1;
    if (site->closed)
        return;
    site->closed = true;
    free_runs(site);
    if (site->work != XPM__SLURM_IDLE && write(site->hurry, &one, sizeof one) < 0)
        return; /* it takes as long as it takes */
    if (site->has_timer)
        uv_close((uv_handle_t *)&site->timer, NULL);
}

static void destroy_slurm(xpm__site *base)
{
    xpm__slurm_site *site = (xpm__slurm_site *)base;
    while (site->batches != NULL) {
        xpm__slurm_batch *batch = site->batches;
        site->batches = batch->next;
        xpm__slurm_batch_free(batch);
    }
    xpm__slurm_command_free(&site->command);
    xpm__slurm_environment_free(site->environment);
    xpm__str_free(&site->answer.words);
    xpm__str_free(&site->out);
    xpm__str_free(&site->errors);
    close(site->hurry);
    xpm_free(site->binpath);
    xpm_free(site);
}

void xpm__slurm_warn(xpm__slurm_site *site, const char *what, const char *words)
{
    if (site->warned || site->runs == NULL)
        return;
    site->warned = true;
    char *message = xpm__format("%s does not answer as it should: %s. It is asked again until it "
                                "does; nothing is lost",
                                what, words);
    xpm__job_warn(site->runs->base.job, message);
    xpm_free(message);
}

double xpm__slurm_gap(const xpm__slurm_site *site)
{
    return site->credit >= 1 ? 0 : STEADY < site->interval_max ? STEADY : site->interval_max;
}

/* Counts a request. */
static void spend(xpm__slurm_site *site)
{
    double now = xpm__slurm_now(site);
    site->credit += (now - site->credited) / STEADY;
    site->credit = (site->credit < BURST ? site->credit : BURST) - 1;
    site->credit = site->credit > 0 ? site->credit : 0;
    site->credited = now;
}

void xpm__slurm_look_soon(xpm__slurm_site *site)
{
    double gap = xpm__slurm_gap(site);
    site->interval = gap > LOOK_FIRST ? gap : LOOK_FIRST;
    double soon = xpm__slurm_now(site) + site->interval;
    if (site->look_at > soon)
        site->look_at = soon;
}

/* ---- Runs ------------------------------------------------------------------------------------- */

static xpm__slurm_run *new_run(xpm__slurm_site *site, xpm_job *job)
{
    xpm__slurm_run *run = xpm__zalloc(sizeof *run);
    begin(site, job);
    run->base.site = &site->base;
    run->base.job = job;
    run->next = site->runs;
    run->link = &site->runs;
    if (run->next != NULL)
        run->next->link = &run->next;
    site->runs = run;
    site->run_count++;
    return run;
}

static void drop_batch(xpm__slurm_site *site, xpm__slurm_batch *batch)
{
    xpm__slurm_batch **link = &site->batches;
    while (*link != batch)
        link = &(*link)->next;
    *link = batch->next;
    xpm__slurm_batch_free(batch);
}

/* A batch goes with its last run. One that is being sent is the thread's. */
static void leave_batch(xpm__slurm_site *site, xpm__slurm_run *run)
{
    xpm__slurm_batch *batch = run->batch;
    if (batch == NULL)
        return;
    batch->runs[run->index] = NULL;
    if (--batch->left > 0)
        return;
    if (batch->sent == XPM__SLURM_QUEUED)
        xpm__slurm_batch_clean(batch);
    drop_batch(site, batch);
}

static void forget_slurm(xpm__run *base)
{
    xpm__slurm_run *run = (xpm__slurm_run *)base;
    xpm__slurm_site *site = (xpm__slurm_site *)base->site;
    *run->link = run->next;
    if (run->next != NULL)
        run->next->link = run->link;
    site->run_count--;
    leave_batch(site, run);
    xpm_free(run);
}

/* With the last of all jobs go the lists of those that another scheduler has sent. */
static void leave_lists(const xpm__slurm_site *site, const xpm_job *job)
{
    if (!site->has_adopted || site->run_count > 1)
        return;
    char *folder = xpm__format("%s/" XPM__ARRAYS, job->workspace->path);
    xpm__slurm_sweep(folder);
    xpm_free(folder);
}

void xpm__slurm_end(xpm__slurm_run *run, const xpm__end *end)
{
    xpm__slurm_site *site = (xpm__slurm_site *)run->base.site;
    site->held_until = 0; /* there may be a place again */
    xpm__slurm_look_soon(site);
    site->base.events->ended(&run->base, end);
    leave_lists(site, run->base.job);
    forget_slurm(&run->base);
}

void xpm__slurm_end_as(xpm__slurm_run *run, xpm_reason reason, const char *format, ...)
{
    xpm__end end = {.known = true, .reason = reason, .code = 1};
    va_list args;
    va_start(args, format);
    vsnprintf(end.message, sizeof end.message, format, args);
    va_end(args);
    xpm__slurm_end(run, &end);
}

static xpm__slurm_batch *find_gathered(const xpm__slurm_site *site, const char *key)
{
    for (xpm__slurm_batch *batch = site->batches; batch != NULL; batch = batch->next)
        if (batch->sent == XPM__SLURM_GATHERED && strcmp(batch->key, key) == 0)
            return batch;
    return NULL;
}

static void add_batch(xpm__slurm_site *site, xpm__slurm_batch *batch)
{
    xpm__slurm_batch **link = &site->batches;
    while (*link != NULL)
        link = &(*link)->next;
    *link = batch;
}

/* Of launchers with one place, the strictest counts. */
static void heed(xpm__slurm_site *site, const xpm__slurm_launcher *launcher)
{
    size_t most = (size_t)launcher->submit_max;
    if (launcher->interval_max < site->interval_max)
        site->interval_max = launcher->interval_max;
    if (most > 0 && (site->submit_max == 0 || most < site->submit_max))
        site->submit_max = most;
}

static xpm__run *start_slurm(xpm__site *base, const xpm__start *start, xpm_error *err)
{
    xpm__slurm_site *site = (xpm__slurm_site *)base;
    char *key = xpm__slurm_key(start);
    xpm__slurm_batch *batch = find_gathered(site, key);
    xpm__slurm_run *run = new_run(site, start->job);
    heed(site, (const xpm__slurm_launcher *)start->launcher);
    if (batch == NULL)
        add_batch(site, batch = xpm__slurm_batch_new(start, key));
    else
        xpm_free(key);
    if (xpm__slurm_batch_add(batch, start, run, err) < 0) {
        if (batch->count == 0)
            drop_batch(site, batch);
        forget_slurm(&run->base);
        return NULL;
    }
    site->locks++;
    return &run->base;
}

static void flush_slurm(xpm__site *base)
{
    xpm__slurm_site *site = (xpm__slurm_site *)base;
    if (site->locks == 0 || site->closed)
        return;
    double now = xpm__slurm_now(site);
    if (site->gathered == 0)
        site->gathered = now;
    double due = now + GATHER, latest = site->gathered + GATHER_MAX;
    due = due < latest ? due : latest;
    if (site->send_at < due)
        site->send_at = due;
    if (site->work == XPM__SLURM_IDLE)
        wake_at(site, now);
}

/* Each job that was not sent yet has a descriptor. */
static size_t most_locks(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 > LOCKS_MAX)
        return LOCKS_MAX;
    return limit.rlim_cur / 2;
}

static size_t room_slurm(const xpm__site *base)
{
    const xpm__slurm_site *site = (const xpm__slurm_site *)base;
    size_t most = most_locks(), room = site->locks < most ? most - site->locks : 0;
    if (site->submit_max == 0)
        return room;
    size_t more = site->run_count < site->submit_max ? site->submit_max - site->run_count : 0;
    return more < room ? more : room;
}

static xpm__run *adopt_slurm(xpm__site *base, xpm_job *job, const xpm__pid *pid)
{
    xpm__slurm_site *site = (xpm__slurm_site *)base;
    xpm__slurm_run *run = new_run(site, job);
    run->adopted = site->has_adopted = true;
    snprintf(run->id, sizeof run->id, "%.*s", XPM__SLURM_ID - 1, pid->id);
    snprintf(run->token, sizeof run->token, "%s", pid->token);
    xpm__slurm_look_soon(site);
    if (site->work == XPM__SLURM_IDLE)
        wake_at(site, xpm__slurm_now(site));
    return &run->base;
}

static const char *id_slurm(const xpm__run *run)
{
    return ((const xpm__slurm_run *)run)->id;
}

static void cancel_slurm(xpm__run *base)
{
    xpm__slurm_run *run = (xpm__slurm_run *)base;
    xpm__slurm_site *site = (xpm__slurm_site *)base->site;
    run->cancelled = true;
    if (site->work == XPM__SLURM_IDLE)
        wake_at(site, xpm__slurm_now(site));
}

/* ---- Questions: in a thread -------------------------------------------------------------------- */

static void do_work(uv_work_t *request)
{
    xpm__slurm_site *site = request->data;
    xpm__patience patience = {.seconds = ASK_SECONDS, .size = ANSWER_SIZE, .hurry = site->hurry};
    if (site->work == XPM__SLURM_SEND) {
        if (!site->swept)
            xpm__slurm_sweep(site->sending->folder);
        site->swept = true;
        xpm__slurm_batch_send(site->sending, site->hurry, &site->answer);
        return;
    }
    site->status = xpm__process_ask((const char *const *)site->command.words, site->environment,
                                    &patience, -1, &site->out, &site->errors);
    site->problem = errno;
}

/* Waits longer each time that something fails. */
static double back_off(xpm__slurm_site *site)
{
    double next = site->backoff > 0 ? site->backoff * 2 : BACKOFF_FIRST;
    site->backoff = next < BACKOFF_MAX ? next : BACKOFF_MAX;
    return xpm__slurm_now(site) + site->backoff;
}

static const char *errors_of(const xpm__slurm_site *site)
{
    return site->errors.size > 0 ? site->errors.data : "";
}

/* Whether a command has answered; if not, that is told. */
static bool has_answered(xpm__slurm_site *site, const char *what)
{
    xpm__str words = {0};
    if (site->status == 0)
        return true;
    if (site->status < 0)
        xpm__str_puts(&words, strerror(site->problem));
    else
        xpm__slurm_add_words(&words, errors_of(site));
    xpm__slurm_warn(site, what, words.size > 0 ? words.data : "it has failed and said nothing");
    xpm__str_free(&words);
    return false;
}

static void on_configured(xpm__slurm_site *site)
{
    const char *config = site->status == 0 && site->out.size > 0 ? site->out.data : "";
    size_t size = xpm__slurm_array_size(config);
    double kept = xpm__slurm_kept(config);
    site->configured = true;
    site->array_size = size > 1 ? size : ARRAY_SIZE;
    site->kept = kept > 0 ? kept : KEPT;
}

/* An answer with lines of which none is one is no answer. */
static bool makes_sense(const char *answer)
{
    xpm__slurm_entry entry;
    const char *at = answer;
    return answer[strspn(answer, " \n")] == '\0' || xpm__slurm_next_queued(&at, &entry);
}

static void on_looked(xpm__slurm_site *site)
{
    const char *answer = site->out.size > 0 ? site->out.data : "";
    double now = xpm__slurm_now(site);
    if (!has_answered(site, "squeue")) {
        site->look_at = back_off(site);
        return;
    }
    if (!makes_sense(answer)) {
        xpm__slurm_warn(site, "squeue", "it prints what is no list of jobs");
        site->look_at = back_off(site);
        return;
    }
    site->backoff = 0;
    site->warned = false;
    double gap = xpm__slurm_gap(site);
    site->look_at = now + (gap > site->interval ? gap : site->interval);
    site->interval *= LOOK_GROWTH;
    if (site->interval > site->interval_max)
        site->interval = site->interval_max;
    xpm__slurm_looked(site, answer);
}

static void on_accounted(xpm__slurm_site *site)
{
    if (site->status != 0 && xpm__slurm_has_no_accounting(errors_of(site)))
        site->no_accounting = true;
    site->account_at = xpm__slurm_now(site) + ACCOUNT_GAP;
    xpm__slurm_accounted(site, site->status == 0 && site->out.size > 0 ? site->out.data : "");
}

/* It ends with 0 for jobs that have ended already. */
static void on_cancelled(xpm__slurm_site *site)
{
    bool down = site->status < 0 ||
                (site->status > 0 && xpm__slurm_refusal_of(errors_of(site)) == XPM__SLURM_DOWN);
    if (down) {
        (void)has_answered(site, "scancel");
        site->cancel_at = back_off(site);
    }
    for (xpm__slurm_run *run = site->runs; run != NULL; run = run->next)
        run->told = run->told && !down;
    xpm__slurm_look_soon(site);
}

/* ---- What comes next ---------------------------------------------------------------------------- */

static void on_work_done(uv_work_t *request, int status)
{
    xpm__slurm_site *site = request->data;
    xpm__slurm_work work = site->work;
    (void)status;
    xpm__slurm_command_free(&site->command);
    site->work = XPM__SLURM_IDLE;
    if (site->closed)
        return;
    uv_update_time(site->base.loop);
    if (work == XPM__SLURM_SEND)
        xpm__slurm_was_sent(site);
    else if (work == XPM__SLURM_CONFIGURE)
        on_configured(site);
    else if (work == XPM__SLURM_LOOK)
        on_looked(site);
    else if (work == XPM__SLURM_ACCOUNT)
        on_accounted(site);
    else
        on_cancelled(site);
    step(site);
}

static void do_next(xpm__slurm_site *site, xpm__slurm_work work)
{
    xpm__str_clear(&site->out);
    xpm__str_clear(&site->errors);
    xpm__str_free(&site->answer.words);
    spend(site);
    site->work = work;
    site->request.data = site;
    uv_queue_work(site->base.loop, &site->request, do_work, on_work_done);
}

/* Ends those that were cancelled before they were sent. */
static void end_unsent(xpm__slurm_site *site)
{
    for (xpm__slurm_run *run = site->runs, *next; run != NULL; run = next) {
        xpm__slurm_batch *batch = run->batch;
        next = run->next;
        if (!run->cancelled || batch == NULL || batch->sent != XPM__SLURM_GATHERED)
            continue;
        xpm__slurm_batch_leave_out(batch, run->index);
        site->locks--;
        if (batch->count == 0)
            drop_batch(site, batch);
        xpm__slurm_end_as(run, XPM_REASON_CANCELLED, "it was cancelled before Slurm had it");
    }
}

/* Whether Slurm is to be told that a job is cancelled: when its number is surely its own. */
static bool is_to_be_told(const xpm__slurm_run *run)
{
    return run->cancelled && !run->told && run->id[0] != '\0' && run->gone == 0 && run->heard > 0;
}

/* Tells of those that are to be cancelled; whether there are any. */
static bool tell_cancelled(xpm__slurm_site *site)
{
    size_t count = 0;
    for (xpm__slurm_run *run = site->runs; run != NULL && count < CANCEL_MAX; run = run->next) {
        if (!is_to_be_told(run))
            continue;
        if (count++ == 0)
            xpm__slurm_command_begin(&site->command, site->binpath, "scancel");
        xpm__slurm_command_add(&site->command, "%s", run->id);
        run->told = true;
    }
    return count > 0;
}

static xpm__slurm_batch *first_gathered(const xpm__slurm_site *site)
{
    xpm__slurm_batch *batch = site->batches;
    while (batch != NULL && batch->sent != XPM__SLURM_GATHERED)
        batch = batch->next;
    return batch;
}

/* Makes it as small as arrays, and what the queue has place for, must be. False when there is none. */
static bool shorten(xpm__slurm_site *site, xpm__slurm_batch *batch)
{
    size_t most = site->array_size > 0 ? site->array_size : batch->count;
    size_t queued = site->run_count - site->locks;
    if (site->limit > 0 && xpm__slurm_now(site) < site->limit_until) {
        size_t left = queued < site->limit ? site->limit - queued : 0;
        most = left < most ? left : most;
    }
    if (most == 0)
        return false;
    if (batch->count > most)
        xpm__slurm_divide(batch, most);
    return true;
}

static void configure(xpm__slurm_site *site)
{
    xpm__slurm_command_begin(&site->command, site->binpath, "scontrol");
    xpm__slurm_command_add(&site->command, "show");
    xpm__slurm_command_add(&site->command, "config");
    do_next(site, XPM__SLURM_CONFIGURE);
}

/* Whether it must be known how long Slurm lists what has ended. */
static bool is_configuration_needed(const xpm__slurm_site *site)
{
    const xpm__slurm_run *run = site->configured ? NULL : site->runs;
    while (run != NULL && !xpm__slurm_has_vanished(run))
        run = run->next;
    return run != NULL;
}

static void send_next(xpm__slurm_site *site, xpm__slurm_batch *batch)
{
    if (batch->count > 1 && !site->configured) {
        configure(site);
        return;
    }
    batch->sent = XPM__SLURM_SENDING;
    site->sending = batch;
    site->gathered = 0;
    do_next(site, XPM__SLURM_SEND);
}

static void look(xpm__slurm_site *site)
{
    xpm__slurm_command_begin(&site->command, site->binpath, "squeue");
    xpm__slurm_command_add(&site->command, "--noheader");
    xpm__slurm_command_add(&site->command, "--array");
    xpm__slurm_command_add(&site->command, "--states=all");
    xpm__slurm_command_add(&site->command, "--user=%u", (unsigned)geteuid());
    xpm__slurm_command_add(&site->command, "--format=%s", XPM__SQUEUE_FORMAT);
    do_next(site, XPM__SLURM_LOOK);
}

/* Asks sacct of all that need it; false when none does. */
static bool account(xpm__slurm_site *site)
{
    xpm__str ids = {0};
    for (const xpm__slurm_run *run = site->runs; run != NULL && !site->no_accounting;
         run = run->next)
        if (xpm__slurm_needs_accounting(run))
            xpm__str_printf(&ids, "%s%s", ids.size > 0 ? "," : "", run->id);
    bool any = ids.size > 0;
    if (any) {
        xpm__slurm_command_begin(&site->command, site->binpath, "sacct");
        xpm__slurm_command_add(&site->command, "--noheader");
        xpm__slurm_command_add(&site->command, "--parsable2");
        xpm__slurm_command_add(&site->command, "--allocations");
        xpm__slurm_command_add(&site->command, "--format=" XPM__SACCT_FORMAT);
        xpm__slurm_command_add(&site->command, "--jobs=%s", ids.data);
        do_next(site, XPM__SLURM_ACCOUNT);
    }
    xpm__str_free(&ids);
    return any;
}

static double earlier(double a, double b)
{
    return a < b ? a : b;
}

/* Whether something is queued, or may be. */
static bool is_asked(const xpm__slurm_site *site)
{
    bool asked = site->run_count > site->locks;
    for (const xpm__slurm_batch *b = site->batches; b != NULL && !asked; b = b->next)
        asked = b->sent == XPM__SLURM_UNKNOWN;
    return asked;
}

/* When the next batch may go: not while Slurm does not answer. */
static double next_sending(const xpm__slurm_site *site, const xpm__slurm_batch *batch, bool asked)
{
    if (batch == NULL || (asked && site->backoff > 0))
        return HUGE_VAL;
    for (const xpm__slurm_batch *b = site->batches; b != NULL; b = b->next)
        if (b->sent == XPM__SLURM_UNKNOWN)
            return HUGE_VAL;
    return site->send_at > site->held_until ? site->send_at : site->held_until;
}

/* One thing at a time: who waits for a cancellation comes first, then what is to be sent. */
static void step(xpm__slurm_site *site)
{
    if (site->work != XPM__SLURM_IDLE || site->closed || !site->has_timer)
        return;
    end_unsent(site);
    double now = xpm__slurm_now(site);
    bool asked = is_asked(site);
    xpm__slurm_batch *batch = first_gathered(site);
    double send_at = next_sending(site, batch, asked);
    if (now >= site->cancel_at && tell_cancelled(site))
        do_next(site, XPM__SLURM_CANCEL);
    else if (now >= send_at && shorten(site, batch))
        send_next(site, batch);
    else if (asked && is_configuration_needed(site))
        configure(site);
    else if (asked && now >= site->account_at && account(site))
        return;
    else if (asked && now >= site->look_at)
        look(site);
    else if (asked || (now < send_at && send_at < HUGE_VAL))
        wake_at(site,
                earlier(now < send_at ? send_at : HUGE_VAL, asked ? site->look_at : HUGE_VAL));
}

const xpm__launcher_table xpm__slurm_table = {
    .name = "slurm",
    .is_here = false,
    .free = free_slurm,
    .can = can_slurm,
    .place = place_slurm,
    .open = open_slurm,
    .close = close_slurm,
    .destroy = destroy_slurm,
    .start = start_slurm,
    .flush = flush_slurm,
    .room = room_slurm,
    .adopt = adopt_slurm,
    .cancel = cancel_slurm,
    .forget = forget_slurm,
    .id = id_slurm,
};
