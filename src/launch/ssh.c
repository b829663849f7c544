/* The SSH launcher: jobs of another host, started and watched by an agent there (agent.c). It is one
 * process for a host and a scheduler, talked to through ssh. When the connection breaks the agent
 * leaves, the jobs go on, and the next agent takes them over: each start has a token, by which what
 * was begun is not begun again, and what has ended is found. How a job ended is written in its folder
 * here too, for whoever reads this workspace; what it wrote stays there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "launch/launcher.h"
#include "launch/ssh_order.h"
#include "launch/ssh_program.h"
#include "launch/talk.h"
#include "launch/wire.h"

enum {
    PATIENCE = 60,         /* seconds, unless the options say others */
    FIRST_PAUSE = 500,     /* milliseconds before the connection is tried again; doubles, */
    LONGEST_PAUSE = 60000, /* up to this */
    GREETING = 60000,      /* milliseconds for which an agent may say nothing at first */
    MOMENT = 20,           /* milliseconds for which a job's lock is held by who records its end */
    FAILURE_KEPT = 10000,  /* milliseconds for which jobs fail at once after one has */
    AHEAD =
        16, /* jobs that a host has beyond those that run: it can start the next, or one that fits */
    TOKEN_SIZE = 33,
    NOISE_MAX = 512,
};

typedef struct ssh_launcher {
    xpm_launcher base;
    xpm_ssh_options options; /* of the connection; its texts are the launcher's own */
    char **wrapper;          /* ends with NULL; NULL for none */
    char *place;
} ssh_launcher;

typedef struct ssh_run {
    xpm__run base;
    char token[64];
    xpm__str order; /* that starts it, until it has begun; empty for one that was taken over */
    bool sent;      /* it may have begun there */
    bool began;
    bool cancelled;
    json_object *held; /* its end, that is still to be recorded; a reference, or NULL */
    struct ssh_run *next, **link;
} ssh_run;

/* Where the connection is. */
typedef enum phase {
    DOWN,    /* there is none; it is tried again, if anything waits for it */
    CALLING, /* ssh was started, and the agent has not opened the workspace yet */
    OPEN,
} phase;

typedef struct ssh_site {
    xpm__site base;
    const xpm_ssh_options *options; /* of its launcher: */
    xpm_launcher *launcher;         /* a reference */
    xpm__workspace *workspace;      /* of the first job; NULL before it */
    phase phase;
    xpm__talk *talk;  /* NULL when it is down */
    xpm__str noise;   /* what came before the greeting, and is none */
    char probe[64];   /* a file that the agent looks for; "" when there is none */
    uv_timer_t timer; /* when to call again, or to give up an agent that says nothing */
    uv_timer_t soon;  /* what is to be told is told from the loop */
    bool has_timers;
    unsigned tries;
    uint64_t since;     /* when this outage began, on the loop's clock; 0 for none */
    bool warned;        /* of it */
    char failure[1024]; /* why jobs fail at once until: */
    uint64_t failing_until;
    int slots;
    bool same; /* the host's workspace is this very folder */
    ssh_run *runs;
    size_t count;
} ssh_site;

static void call(ssh_site *site);
static void on_soon(uv_timer_t *timer);

/* ---- The launcher ----------------------------------------------------------------------------- */

/* All by which one connection differs from another. */
static char *describe_place(const xpm_ssh_options *o)
{
    xpm__str place = {0};
    xpm__str_printf(&place, "%s\n%s\n%s\n%d\n%g", o->host, o->ssh != NULL ? o->ssh : "",
                    o->command != NULL ? o->command : "", o->slots, o->patience);
    for (size_t i = 0; o->options != NULL && o->options[i] != NULL; i++)
        xpm__str_printf(&place, "\n%s", o->options[i]);
    return xpm__str_take(&place);
}

xpm_launcher *xpm_launcher_ssh(const xpm_ssh_options *options, xpm_error *err)
{
    const char *host = options->host;
    if (host == NULL || host[0] == '\0' || host[0] == '-' || strpbrk(host, " \t\r\n") != NULL ||
        strlen(host) >= sizeof((xpm__pid *)0)->id) {
        xpm__fail(err, XPM_E_RANGE, "host",
                  "\"%s\" is no host for ssh: name it as \"host\", \"user@host\", or as a Host of "
                  "~/.ssh/config",
                  host != NULL ? host : "");
        return NULL;
    }
    if (options->nice < 0 || options->nice > 19) {
        xpm__fail(err, XPM_E_RANGE, "nice", "nice is %d: it must be from 0 to 19", options->nice);
        return NULL;
    }
    if (options->slots < 0 || !(options->patience >= 0)) {
        xpm__fail(err, XPM_E_RANGE, options->slots < 0 ? "slots" : "patience",
                  "%s must be 0, for the default, or more",
                  options->slots < 0 ? "slots" : "patience");
        return NULL;
    }
    ssh_launcher *launcher = (ssh_launcher *)xpm__launcher_new(&xpm__ssh_table, sizeof *launcher);
    launcher->base.nice = options->nice;
    launcher->base.pin = options->pin;
    launcher->base.python = xpm__strdup(options->python);
    launcher->options = *options;
    launcher->options.host = xpm__strdup(host);
    launcher->options.ssh = xpm__strdup(options->ssh);
    launcher->options.command = xpm__strdup(options->command);
    launcher->options.python = NULL;
    launcher->options.options = (const char *const *)xpm__words_copy(options->options);
    launcher->options.wrapper = NULL;
    launcher->wrapper = xpm__words_copy(options->wrapper);
    launcher->place = describe_place(&launcher->options);
    return &launcher->base;
}

static void free_ssh(xpm_launcher *base)
{
    ssh_launcher *launcher = (ssh_launcher *)base;
    xpm_free((char *)launcher->options.host);
    xpm_free((char *)launcher->options.ssh);
    xpm_free((char *)launcher->options.command);
    xpm__words_free((char **)launcher->options.options);
    xpm__words_free(launcher->wrapper);
    xpm_free(launcher->place);
}

static const char *place_ssh(const xpm_launcher *launcher)
{
    return ((const ssh_launcher *)launcher)->place;
}

/* ---- Runs ------------------------------------------------------------------------------------- */

static ssh_run *new_run(ssh_site *site, xpm_job *job, const char *token)
{
    ssh_run *run = xpm__zalloc(sizeof *run);
    run->base.site = &site->base;
    run->base.job = job;
    snprintf(run->token, sizeof run->token, "%s", token);
    run->next = site->runs;
    run->link = &site->runs;
    if (run->next != NULL)
        run->next->link = &run->next;
    site->runs = run;
    site->count++;
    if (site->workspace == NULL)
        site->workspace = xpm__workspace_ref(job->workspace);
    return run;
}

static void remove_run(ssh_run *run)
{
    ssh_site *site = (ssh_site *)run->base.site;
    *run->link = run->next;
    if (run->next != NULL)
        run->next->link = run->link;
    site->count--;
}

static void free_run(ssh_run *run)
{
    xpm__str_free(&run->order);
    json_object_put(run->held);
    xpm_free(run);
}

static void forget_ssh(xpm__run *base)
{
    remove_run((ssh_run *)base);
    free_run((ssh_run *)base);
}

static ssh_run *find_run(const ssh_site *site, const char *token)
{
    ssh_run *run = site->runs;
    while (run != NULL && strcmp(run->token, token) != 0)
        run = run->next;
    return run;
}

/* Tells of an end. What is told of may start other jobs. */
static void end_run(ssh_run *run, const xpm__end *end)
{
    const xpm__site *site = run->base.site;
    remove_run(run);
    site->events->ended(&run->base, end);
    free_run(run);
}

static void end_with(ssh_run *run, xpm_reason reason, const char *message)
{
    xpm__end end = {.known = true, .code = 1, .reason = reason};
    snprintf(end.message, sizeof end.message, "%s", message);
    end_run(run, &end);
}

static void warn(const ssh_site *site, const char *message)
{
    if (site->runs != NULL)
        xpm__job_warn(site->runs->base.job, message);
}

static void make_token(char token[TOKEN_SIZE])
{
    uint8_t bytes[TOKEN_SIZE / 2];
    (void)getrandom(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- Telling ------------------------------------------------------------------------------- */

static void send_cancel(const ssh_site *site, const ssh_run *run)
{
    xpm__str out = {0};
    xpm__order_cancel(&out, run->token);
    xpm__talk_say(site->talk, &out);
}

/* To an agent that does not know of it. */
static void send_run(const ssh_site *site, ssh_run *run)
{
    xpm__str out = {0};
    if (run->order.size > 0)
        xpm__str_add(&out, run->order.data, run->order.size);
    else
        xpm__order_adopt(&out, run->base.job, run->token);
    xpm__talk_say(site->talk, &out);
    run->sent = true;
    if (run->cancelled)
        send_cancel(site, run);
}

/* ---- What is recorded here -------------------------------------------------------------------- */

static void write_text(int folder, const char *file, const char *text)
{
    if (text != NULL)
        (void)xpm__file_write(folder, file, text, strlen(text), 0666);
}

/* The end of a job that left a marker there. With the lock. */
static void write_end(const ssh_run *run, int folder, const xpm__answer *answer)
{
    const char *name = xpm_job_name(run->base.job);
    char file[XPM__NAME_SIZE];
    mkdirat(folder, ".experimaestro", 0777);
    write_text(folder, ".experimaestro/status.json", answer->status);
    if (answer->state == XPM_JOB_DONE) {
        (void)xpm__jobdir_mark_done(folder, name);
        xpm__jobdir_file(name, ".py", file);
        unlinkat(folder, file, 0);
    } else {
        (void)xpm__jobdir_mark_failed(folder, name, answer->code, answer->reason, answer->message);
    }
    xpm__jobdir_file(name, ".pid", file);
    unlinkat(folder, file, 0);
}

static void write_answer(const ssh_run *run, int folder, const xpm__answer *answer)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(xpm_job_name(run->base.job), ".err", file);
    write_text(folder, file, answer->last_words);
    if (answer->state != XPM_JOB_UNSCHEDULED)
        write_end(run, folder, answer);
}

/* Whether the job is said to be where this run has it. */
static bool is_ours(const ssh_run *run, int folder)
{
    xpm__pid pid;
    xpm__jobdir_read_pid(folder, xpm_job_name(run->base.job), &pid);
    return strcmp(pid.token, run->token) == 0;
}

static bool is_done(const ssh_run *run, int folder)
{
    xpm__jobdir_state state;
    return xpm__jobdir_read_markers(folder, xpm_job_name(run->base.job), &state) &&
           state.state == XPM_JOB_DONE;
}

/* Writes in the folder here how a job ended there, unless another has done so, or has the job by now.
 * False when another is just about to. */
static bool mirror(const ssh_run *run, const xpm__answer *answer)
{
    char file[XPM__NAME_SIZE];
    int lock = -1,
        folder = open(xpm_job_directory(run->base.job), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return true;
    xpm__jobdir_file(xpm_job_name(run->base.job), ".lock", file);
    bool ours = is_ours(run, folder), is_held = false;
    if (ours) {
        lock = xpm__file_lock(folder, file, false);
        is_held = lock < 0 && errno == EWOULDBLOCK;
    }
    if (lock >= 0 && is_ours(run, folder))
        write_answer(run, folder, answer);
    else if (lock >= 0 && is_done(run, folder))
        unlinkat(folder, file, 0); /* just made */
    if (lock >= 0)
        close(lock);
    close(folder);
    return !is_held;
}

/* ---- The connection --------------------------------------------------------------------------- */

static void remove_probe(ssh_site *site)
{
    char path[128];
    if (site->probe[0] == '\0')
        return;
    snprintf(path, sizeof path, ".experimaestro/%s", site->probe);
    unlinkat(site->workspace->fd, path, 0);
    site->probe[0] = '\0';
}

static void hang_up(ssh_site *site)
{
    xpm__talk_close(site->talk);
    site->talk = NULL;
    site->phase = DOWN;
    if (site->workspace != NULL)
        remove_probe(site);
}

/* One that the host knows nothing of. */
static ssh_run *find_unsent(const ssh_site *site)
{
    ssh_run *run = site->runs;
    while (run != NULL && run->sent)
        run = run->next;
    return run;
}

static void fail_unsent(ssh_site *site)
{
    ssh_run *run;
    site->failing_until = uv_now(site->base.loop) + FAILURE_KEPT;
    while ((run = find_unsent(site)) != NULL)
        end_with(run, XPM_REASON_FAILED, site->failure);
}

static void on_timer(uv_timer_t *timer)
{
    ssh_site *site = timer->data;
    if (site->phase == DOWN && site->runs != NULL)
        call(site);
}

static void end_outage(ssh_site *site)
{
    uv_timer_stop(&site->timer);
    site->tries = 0;
    site->since = 0;
    site->warned = false;
}

/* There is no connection: what was sent waits until there is one again; what was not waits for as long
 * as there is hope. */
static void lose(ssh_site *site, const char *why, bool hopeless)
{
    uint64_t now = uv_now(site->base.loop);
    double patience = site->options->patience > 0 ? site->options->patience : PATIENCE;
    uint64_t pause = (uint64_t)FIRST_PAUSE << (site->tries < 7 ? site->tries : 7);
    snprintf(site->failure, sizeof site->failure, "%s", why);
    hang_up(site);
    if (site->since == 0)
        site->since = now;
    if (hopeless || (double)(now - site->since) >= patience * 1000)
        fail_unsent(site);
    site->tries++;
    if (site->runs == NULL) {
        end_outage(site);
        return;
    }
    if (!site->warned) {
        char *message = xpm__format("%s; it is tried again, and its jobs are waited for", why);
        warn(site, message);
        xpm_free(message);
    }
    site->warned = true;
    uv_timer_start(&site->timer, on_timer, pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE, 0);
}

/* The first order. The agent sees the probe where its workspace is this very folder. */
static void open_workspace(ssh_site *site)
{
    xpm__str out = {0};
    char path[128], token[TOKEN_SIZE];
    make_token(token);
    snprintf(site->probe, sizeof site->probe, "probe-%s", token);
    snprintf(path, sizeof path, ".experimaestro/%s", site->probe);
    mkdirat(site->workspace->fd, ".experimaestro", 0777);
    (void)xpm__file_touch(site->workspace->fd, path);
    xpm__order_open(&out, site->workspace, site->probe, site->options->slots);
    xpm__talk_say(site->talk, &out);
}

static void on_greeting(ssh_site *site, const xpm__answer *answer)
{
    if (answer->version == XPM__WIRE_VERSION) {
        open_workspace(site);
        return;
    }
    char *why =
        xpm__format("%s has experimaestro %s, whose agent speaks version %d, and here is %s, "
                    "which speaks %d: install the same on both",
                    site->options->host, answer->release != NULL ? answer->release : "?",
                    answer->version, xpm_version(), XPM__WIRE_VERSION);
    lose(site, why, true);
    xpm_free(why);
}

static void on_open(ssh_site *site, const xpm__answer *answer)
{
    site->phase = OPEN;
    site->slots = answer->slots > 0 ? answer->slots : 1;
    site->same = answer->same;
    remove_probe(site);
    if (site->warned) {
        char *message = xpm__format("%s is reached again", site->options->host);
        warn(site, message);
        xpm_free(message);
    }
    end_outage(site);
    for (ssh_run *run = site->runs; run != NULL; run = run->next)
        send_run(site, run);
    site->base.events->freed(site->base.user);
}

static void on_refused(ssh_site *site, const xpm__answer *answer)
{
    char *why =
        xpm__format("%s cannot have the workspace there: %s. It has the same path there as here",
                    site->options->host, answer->message != NULL ? answer->message : "?");
    lose(site, why, true);
    xpm_free(why);
}

static void on_began(ssh_run *run)
{
    if (run->began)
        return;
    run->began = true;
    xpm__str_free(&run->order);
    run->base.site->events->began(&run->base);
}

static void on_failed(ssh_run *run, const xpm__answer *answer)
{
    const ssh_site *site = (const ssh_site *)run->base.site;
    char *message = xpm__format("%s: %s", site->options->host,
                                answer->message != NULL ? answer->message : "it could not start");
    end_with(run, run->cancelled ? XPM_REASON_CANCELLED : XPM_REASON_FAILED, message);
    xpm_free(message);
}

static void on_gone(ssh_run *run)
{
    xpm__end end = {.again = true};
    if (run->began)
        end_with(run, XPM_REASON_LOST, "its folder on that host was removed while it ran");
    else
        end_run(run, &end);
}

/* What is said of an end that could not be recorded here. */
static void set_end(const ssh_site *site, const xpm__answer *answer, xpm__end *end)
{
    *end = answer->end;
    if (answer->state == XPM_JOB_DONE) {
        end->reason = XPM_REASON_FAILED;
        snprintf(end->message, sizeof end->message,
                 "it is done on %s, which could not be recorded here", site->options->host);
    } else if (answer->state == XPM_JOB_ERROR) {
        end->reason = answer->reason;
        end->code = answer->code;
        snprintf(end->message, sizeof end->message, "%s",
                 answer->message != NULL ? answer->message : "");
    }
}

/* Another program that waits for the job may be recording its end: then a little later. */
static void on_ended(ssh_run *run, const xpm__answer *answer)
{
    ssh_site *site = (ssh_site *)run->base.site;
    xpm__end end;
    if (!site->same && !mirror(run, answer)) {
        run->held = run->held != NULL ? run->held : json_object_get(answer->json);
        uv_timer_start(&site->soon, on_soon, MOMENT, 0);
        return;
    }
    set_end(site, answer, &end);
    end_run(run, &end);
}

/* What an agent says once the workspace is open is of a job. */
static void hear_of_job(const ssh_site *site, const xpm__answer *answer)
{
    ssh_run *run = find_run(site, answer->token);
    if (run == NULL) /* it was forgotten */
        return;
    if (answer->kind == XPM__ANSWER_BEGAN)
        on_began(run);
    else if (answer->kind == XPM__ANSWER_ENDED)
        on_ended(run, answer);
    else if (answer->kind == XPM__ANSWER_FAILED)
        on_failed(run, answer);
    else
        on_gone(run);
}

static void hear(ssh_site *site, const xpm__answer *answer)
{
    bool calling = site->phase == CALLING;
    if (answer->kind >= XPM__ANSWER_BEGAN && !calling)
        hear_of_job(site, answer);
    else if (answer->kind == XPM__ANSWER_AGENT && calling && site->probe[0] == '\0')
        on_greeting(site, answer);
    else if (answer->kind == XPM__ANSWER_OPEN && calling)
        on_open(site, answer);
    else if (answer->kind == XPM__ANSWER_REFUSED && calling)
        on_refused(site, answer);
}

/* Before the greeting anything may come: what the login scripts of that host print. */
static void on_said(void *user, const char *line, size_t size)
{
    ssh_site *site = user;
    const char *problem;
    xpm_error err = {0};
    xpm__answer answer;
    json_object *json = xpm__json_parse(line, size, &problem);
    if (json != NULL && xpm__answer_read(json, &answer, &err) == 0) {
        hear(site, &answer);
    } else if (site->phase == CALLING && site->probe[0] == '\0') {
        if (site->noise.size + size < NOISE_MAX) {
            xpm__str_add_visible(&site->noise, line, size);
            xpm__str_putc(&site->noise, '\n');
        }
    } else {
        char *why =
            xpm__format("%s: its agent says what cannot be understood", site->options->host);
        lose(site, why, false);
        xpm_free(why);
    }
    json_object_put(json);
}

static void on_over(void *user, int status, const char *errors)
{
    ssh_site *site = user;
    char why[1024];
    const char *said = errors[0] == '\0' && site->noise.size > 0 ? site->noise.data : errors;
    bool hopeless = xpm__ssh_explain(site->options, status, said, why, sizeof why);
    lose(site, why, hopeless && site->phase == CALLING);
}

static void on_silence(uv_timer_t *timer)
{
    ssh_site *site = timer->data;
    char *why =
        xpm__format("%s: `%s agent` says nothing there", site->options->host,
                    site->options->command != NULL ? site->options->command : "experimaestro");
    lose(site, why, false);
    xpm_free(why);
}

static void call(ssh_site *site)
{
    static const xpm__talk_events events = {on_said, on_over};
    xpm_error err = {0};
    char **words = xpm__ssh_words(site->options);
    xpm__str_clear(&site->noise);
    site->talk = xpm__talk_open(site->base.loop, (const char *const *)words, &events, site, &err);
    xpm__words_free(words);
    if (site->talk != NULL) {
        site->phase = CALLING;
        uv_timer_start(&site->timer, on_silence, GREETING, 0);
        return;
    }
    char *why = xpm__format("%s: %s. The jobs of other hosts need the program ssh (openssh-client)",
                            site->options->host, err.message);
    lose(site, why, true);
    xpm_free(why);
}

/* ---- The site --------------------------------------------------------------------------------- */

static xpm__site *open_ssh(const xpm_launcher *launcher, xpm_error *err)
{
    ssh_site *site = xpm__zalloc(sizeof *site);
    (void)err;
    site->launcher = xpm_launcher_ref((xpm_launcher *)launcher);
    site->options = &((const ssh_launcher *)launcher)->options;
    return &site->base;
}

static bool has_ssh(const xpm__site *base, const xpm__pid *pid)
{
    return strcmp(((const ssh_site *)base)->options->host, pid->id) == 0;
}

static void close_ssh(xpm__site *base)
{
    ssh_site *site = (ssh_site *)base;
    while (site->runs != NULL)
        forget_ssh(&site->runs->base);
    hang_up(site);
    if (site->has_timers) {
        uv_close((uv_handle_t *)&site->timer, NULL);
        uv_close((uv_handle_t *)&site->soon, NULL);
    }
}

static void destroy_ssh(xpm__site *base)
{
    ssh_site *site = (ssh_site *)base;
    xpm_launcher_unref(site->launcher);
    xpm__workspace_unref(site->workspace);
    xpm__str_free(&site->noise);
    xpm_free(site);
}

/* The first job opens the connection: only then is it known how many more there is room for. */
static size_t room_ssh(const xpm__site *base)
{
    const ssh_site *site = (const ssh_site *)base;
    size_t slots = site->phase == OPEN ? (size_t)site->slots + AHEAD : 1;
    return slots > site->count ? slots - site->count : 0;
}

/* One that was cancelled before it was sent; NULL when there is none. */
static ssh_run *find_cancelled(const ssh_site *site)
{
    ssh_run *run = site->runs;
    while (run != NULL && (run->sent || !run->cancelled))
        run = run->next;
    return run;
}

/* Those whose end could not be recorded. What is told of one may free others. */
static void record_held(ssh_site *site)
{
    xpm__answer answer;
    ssh_run *run = site->runs, *next;
    for (; run != NULL; run = next) {
        next = run->next;
        if (run->held != NULL && xpm__answer_read(run->held, &answer, NULL) == 0)
            on_ended(run, &answer);
    }
}

static void on_soon(uv_timer_t *timer)
{
    ssh_site *site = timer->data;
    ssh_run *run;
    record_held(site);
    while ((run = find_cancelled(site)) != NULL)
        end_with(run, XPM_REASON_CANCELLED, "cancelled before it was started");
    if (site->phase == DOWN && site->runs != NULL && !uv_is_active((uv_handle_t *)&site->timer))
        call(site);
}

/* Has it reached as soon as the loop goes on, as nothing may be told before. */
static void want(ssh_site *site)
{
    if (!site->has_timers) {
        uv_timer_init(site->base.loop, &site->timer);
        uv_timer_init(site->base.loop, &site->soon);
        site->timer.data = site->soon.data = site;
        site->has_timers = true;
    }
    uv_timer_start(&site->soon, on_soon, 0, 0);
}

static xpm__run *start_ssh(xpm__site *base, const xpm__start *start, xpm_error *err)
{
    ssh_site *site = (ssh_site *)base;
    xpm__pid pid = {0};
    xpm__str order = {0};
    char token[TOKEN_SIZE];
    if (uv_now(base->loop) < site->failing_until) {
        xpm__fail(err, XPM_E_IO, site->options->host, "%s", site->failure);
        return NULL;
    }
    make_token(token);
    if (xpm__order_start(&order, start, ((const ssh_launcher *)start->launcher)->wrapper, token,
                         err) < 0) {
        xpm__str_free(&order);
        return NULL;
    }
    snprintf(pid.launcher, sizeof pid.launcher, "%s", xpm__ssh_table.name);
    snprintf(pid.id, sizeof pid.id, "%s", site->options->host);
    snprintf(pid.token, sizeof pid.token, "%s", token);
    if (xpm__jobdir_write_queued(start->directory, start->name, &pid) < 0) {
        xpm__fail_io(err, start->name, "write who runs");
        xpm__str_free(&order);
        return NULL;
    }
    ssh_run *run = new_run(site, start->job, token);
    run->order = order;
    if (site->phase == OPEN)
        send_run(site, run);
    else
        want(site);
    return &run->base;
}

static xpm__run *adopt_ssh(xpm__site *base, xpm_job *job, const xpm__pid *pid)
{
    ssh_site *site = (ssh_site *)base;
    ssh_run *run = new_run(site, job, pid->token);
    run->sent = true;
    if (site->phase == OPEN)
        send_run(site, run);
    else
        want(site);
    return &run->base;
}

static void cancel_ssh(xpm__run *base)
{
    ssh_run *run = (ssh_run *)base;
    ssh_site *site = (ssh_site *)base->site;
    run->cancelled = true;
    if (site->phase == OPEN)
        send_cancel(site, run);
    else if (!run->sent)
        want(site);
}

const xpm__launcher_table xpm__ssh_table = {
    .name = "ssh",
    .free = free_ssh,
    .place = place_ssh,
    .has = has_ssh,
    .open = open_ssh,
    .close = close_ssh,
    .destroy = destroy_ssh,
    .start = start_ssh,
    .room = room_ssh,
    .adopt = adopt_ssh,
    .cancel = cancel_ssh,
    .forget = forget_ssh,
};
