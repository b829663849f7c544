#include "launch/agent.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/lockwait.h"
#include "base/mem.h"
#include "launch/oom.h"
#include "launch/requirement.h"
#include "launch/spawn.h"
#include "launch/wire.h"

/* By which start the job of a folder was begun: {"token"}. What was begun is not begun again because
 * it was told twice, which it is when a connection broke. While the start waits for its turn it is
 * {"token","waits":true}: an agent whose connection broke, and that does not know it yet, must not
 * begin what another was told since to leave, or to begin anew. */
#define START_FILE ".experimaestro/start.json"

enum {
    LAST_WORDS = 8192,    /* bytes of NAME.err that are told of a failure */
    STATUS_MAX = 1 << 20, /* bytes of a status.json that is told */
    PATIENCE = 32,        /* jobs that may pass one that waits for this machine */
};

typedef struct agent {
    uv_loop_t loop;
    uv_poll_t input;
    uv_async_t wake; /* a lock was got */
    int in, out;
    xpm__frames frames;
    xpm__workspace *workspace; /* NULL before it is open */
    bool is_same;              /* its folder is the scheduler's */
    xpm__environment *environment;
    xpm__lockwaits *waits;
    xpm__machine *machine;
    bool has_joined; /* the neighbours on it, if that can be, */
    bool listens;    /* which tell of what they give back: */
    uv_poll_t neighbours;
    struct here *jobs, **last; /* in the order in which they came */
    xpm_error *err;
    bool failed;
} agent;

/* A process that is watched. */
typedef struct watcher {
    uv_poll_t poll;
    xpm__process process;
    struct here *job;
} watcher;

/* A job that is to run here, or runs. */
typedef struct here {
    agent *agent;
    json_object *json;            /* the order, a reference, */
    xpm__order order;             /* and what it says */
    int folder;                   /* or -1 */
    xpm_requirement *requirement; /* or NULL */
    xpm__share *share;            /* that it has of this machine; or NULL */
    bool waits;                   /* for that, to start; */
    unsigned passed;              /* how many have started meanwhile that were after it */
    bool claimed;                 /* the folder says that this start waits, or said so */
    bool cancelled;
    watcher *watcher;  /* of its process; NULL while there is none */
    bool was_held;     /* its lock, by a process that this agent has not started; */
    xpm__stamp failed; /* what its .failed was then */
    struct here *next, **link;
} here;

static void look(here *job);

/* ---- Answering -------------------------------------------------------------------------------- */

/* Whether all could be written. Standard output may be the same socket as the input, and not block
 * then: who listens may take its time, as nothing is lost while it does. */
static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EAGAIN)
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        else if (done < 0 && errno != EINTR)
            return false;
        data += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static void say(agent *a, const xpm__answer *answer)
{
    xpm__str out = {0};
    xpm__answer_print(answer, &out);
    if (!write_all(a->out, out.data, out.size))
        uv_stop(&a->loop); /* who cannot hear is gone */
    xpm__str_free(&out);
}

static void free_watcher(uv_handle_t *handle)
{
    watcher *w = handle->data;
    close(w->process.fd);
    xpm_free(w);
}

static void stop_watching(here *job)
{
    if (job->watcher != NULL)
        uv_close((uv_handle_t *)&job->watcher->poll, free_watcher);
    job->watcher = NULL;
}

/* Others may start then. */
static void give_share(here *job)
{
    xpm__machine_give(job->agent->machine, job->share);
    job->share = NULL;
    uv_async_send(&job->agent->wake);
}

/* Forgets a job of which everything was said. */
static void forget(here *job)
{
    agent *a = job->agent;
    *job->link = job->next;
    if (job->next != NULL)
        job->next->link = job->link;
    else
        a->last = job->link;
    stop_watching(job);
    give_share(job);
    xpm_requirement_free(job->requirement);
    if (job->folder >= 0)
        close(job->folder);
    json_object_put(job->json);
    xpm_free(job);
}

static void say_kind(const here *job, xpm__answer_kind kind, const char *message)
{
    xpm__answer answer = {.kind = kind, .token = job->order.token, .message = message};
    say(job->agent, &answer);
}

static void say_failed(here *job, const xpm_error *err)
{
    say_kind(job, XPM__ANSWER_FAILED, err->message);
    forget(job);
}

/* Of a stream that may be long. */
static void read_last(int folder, const char *name, xpm__str *out)
{
    char file[XPM__NAME_SIZE], buffer[LAST_WORDS];
    struct stat info;
    xpm__jobdir_file(name, ".err", file);
    int fd = openat(folder, file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    off_t from = fstat(fd, &info) == 0 && info.st_size > LAST_WORDS ? info.st_size - LAST_WORDS : 0;
    ssize_t got = pread(fd, buffer, sizeof buffer, from);
    if (got > 0)
        xpm__str_add_visible(out, buffer, (size_t)got);
    close(fd);
}

/* Says how a job ended: by its markers, and by its process, when this one was its parent. */
static void say_ended(here *job, const xpm__end *end)
{
    const char *name = job->order.name;
    xpm__jobdir_state state;
    xpm__str status = {0}, last = {0};
    xpm__jobdir_read_markers(job->folder, name, &state);
    xpm__answer answer = {.kind = XPM__ANSWER_ENDED,
                          .token = job->order.token,
                          .message = state.message[0] != '\0' ? state.message : NULL,
                          .state = state.state,
                          .reason = state.reason,
                          .code = state.code,
                          .end = *end};
    if (!job->agent->is_same) {
        xpm__file_read(job->folder, ".experimaestro/status.json", &status);
        if (state.state != XPM_JOB_DONE)
            read_last(job->folder, name, &last);
        answer.status = status.size <= STATUS_MAX ? status.data : NULL;
        answer.last_words = last.data;
    }
    say(job->agent, &answer);
    xpm__str_free(&status);
    xpm__str_free(&last);
    forget(job);
}

/* ---- Watching --------------------------------------------------------------------------------- */

static bool is_marked(const here *job)
{
    xpm__jobdir_state state;
    return xpm__jobdir_read_markers(job->folder, job->order.name, &state);
}

static void on_end(uv_poll_t *poll, int status, int events)
{
    const watcher *w = poll->data;
    here *job = w->job;
    xpm__end end;
    (void)status;
    (void)events;
    xpm__process_end_rest(&w->process, job->folder, job->order.name);
    xpm__process_collect(&w->process, &end);
    stop_watching(job);
    give_share(job);
    if (end.known || is_marked(job))
        say_ended(job, &end);
    else
        look(job); /* it was another's; what is left of it may keep the lock for a while */
}

/* Takes the descriptor of the process, also when it cannot be watched: false. */
static bool watch(here *job, const xpm__process *process)
{
    watcher *w = xpm__zalloc(sizeof *w);
    w->process = *process;
    w->job = job;
    w->poll.data = w;
    if (uv_poll_init(&job->agent->loop, &w->poll, process->fd) < 0) {
        free_watcher((uv_handle_t *)&w->poll);
        return false;
    }
    job->watcher = w;
    uv_poll_start(&w->poll, UV_READABLE, on_end);
    say_kind(job, XPM__ANSWER_BEGAN, NULL);
    if (job->cancelled)
        xpm__process_tell(&w->process, SIGTERM);
    return true;
}

/* A process that .pid names. */
static bool watch_named(here *job)
{
    xpm__pid pid, now;
    xpm__process process;
    const char *name = job->order.name;
    xpm__jobdir_read_pid(job->folder, name, &pid);
    if (pid.process <= 0 || xpm__process_open(pid.process, &process) < 0)
        return false;
    xpm__jobdir_read_pid(job->folder, name, &now); /* the number was not given to another */
    if (now.process != pid.process) {
        close(process.fd);
        return false;
    }
    job->share = xpm__machine_adopt(job->agent->machine, job->requirement, pid.process);
    return watch(job, &process);
}

static void on_lock_free(void *user, void *about, int fd)
{
    here *job = about;
    (void)user;
    if (fd >= 0)
        close(fd);
    give_share(job);
    look(job);
}

/* Another process has it: one that an agent before this one has started, most often. */
static void watch_holder(here *job)
{
    xpm_error err = {0};
    give_share(job);
    job->was_held = true;
    job->failed = xpm__jobdir_failed_stamp(job->folder, job->order.name);
    if (watch_named(job))
        return;
    if (job->share == NULL)
        job->share = xpm__machine_force(job->agent->machine, job->requirement);
    char *lock = xpm__format("%s/jobs/%s/%s/%s.lock", job->agent->workspace->path, job->order.type,
                             job->order.hash, job->order.name);
    if (xpm__lockwaits_add(job->agent->waits, lock, on_lock_free, NULL, job, &err) < 0)
        say_failed(job, &err);
    xpm_free(lock);
}

/* ---- Starting --------------------------------------------------------------------------------- */

static int write_text(const here *job, const char *file, const char *text, unsigned mode,
                      xpm_error *err)
{
    if (xpm__file_write(job->folder, file, text, strlen(text), mode) < 0)
        return xpm__fail_io(err, file, "write, in the job's folder,");
    return 0;
}

/* Those whose results it reads must be here: else it would fail later, and say less. */
static int check_needs(const here *job, xpm_error *err)
{
    json_object *needs = job->order.needs;
    size_t count = needs != NULL ? json_object_array_length(needs) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *done = json_object_get_string(json_object_array_get_idx(needs, i));
        if (!xpm__file_exists(job->agent->workspace->fd, done))
            return xpm__fail(
                err, XPM_E_STATE, done,
                "it depends on a job that is not done there: there is no %s/%s. Run "
                "that job on the same host, or copy its folder, or share the workspace",
                job->agent->workspace->path, done);
    }
    return 0;
}

/* What the scheduler has written in the folder on its side. */
static int write_files(const here *job, xpm_error *err)
{
    const xpm__order *order = &job->order;
    char script[XPM__NAME_SIZE];
    size_t count = order->partials != NULL ? json_object_array_length(order->partials) : 0;
    xpm__jobdir_file(order->name, ".py", script);
    for (size_t i = 0; i < count; i++) {
        json_object *partial = json_object_array_get_idx(order->partials, i);
        if (xpm__jobdir_share(job->folder, xpm__json_get_text(partial, "name"),
                              job->agent->workspace->path, xpm__json_get_text(partial, "folder"),
                              err) < 0)
            return -1;
    }
    if (write_text(job, "params.json", order->params, 0666, err) < 0)
        return -1;
    return order->script != NULL ? write_text(job, script, order->script, 0777, err) : 0;
}

static int write_start(const here *job, bool waits, xpm_error *err)
{
    xpm__str out = {0};
    mkdirat(job->folder, ".experimaestro", 0777);
    xpm__json_open(&out, '{');
    xpm__json_pair(&out, "token", job->order.token);
    if (waits) {
        xpm__json_key(&out, "waits");
        xpm__json_bool(&out, true);
    }
    xpm__json_close(&out, '}');
    int status = write_text(job, START_FILE, out.data, 0666, err);
    xpm__str_free(&out);
    return status;
}

/* The texts of an array, ending with NULL; borrowed: xpm_free. */
static const char **texts_of(json_object *array)
{
    size_t count = array != NULL ? json_object_array_length(array) : 0;
    const char **texts = xpm__alloc((count + 1) * sizeof *texts);
    for (size_t i = 0; i < count; i++)
        texts[i] = json_object_get_string(json_object_array_get_idx(array, i));
    texts[count] = NULL;
    return texts;
}

static int spawn(const here *job, int lock, xpm__process *process, xpm_error *err)
{
    static const char *const lock_entry[] = {XPM__LOCK_VARIABLE "=3", NULL};
    xpm__streams streams;
    xpm__variables over = {0};
    int share_lock = xpm__share_lock(job->share);
    const char **wrapper = texts_of(job->order.wrapper), **argv = texts_of(job->order.argv);
    const char **added = texts_of(job->order.variables);
    const char *const *own = xpm__share_variables(job->share);
    for (size_t i = 0; own != NULL && own[i] != NULL; i++)
        xpm__variables_add(&over, own[i]); /* the first of a name counts */
    for (size_t i = 0; added[i] != NULL; i++)
        xpm__variables_add(&over, added[i]);
    char **environment = xpm__environment_array(job->agent->environment, &over, lock_entry);
    xpm__start start = {.directory = job->folder,
                        .name = job->order.name,
                        .argv = argv,
                        .environment = environment,
                        .lock = lock,
                        .guards = &share_lock,
                        .guard_count = share_lock >= 0,
                        .share = job->share};
    xpm__oom_watch();
    int status = xpm__streams_open(&start, &streams, err);
    if (status == 0) {
        status = xpm__spawn(&start, wrapper[0] != NULL ? wrapper : NULL, &streams, process, err);
        xpm__streams_close(&streams);
    }
    if (status == 0)
        xpm__share_handed(job->share);
    xpm_free(environment);
    xpm__variables_free(&over);
    xpm_free(added);
    xpm_free(argv);
    xpm_free(wrapper);
    return status;
}

/* Waits for its turn. */
static void claim(here *job)
{
    xpm_error err = {0};
    if (!job->claimed && write_start(job, true, &err) < 0) {
        say_failed(job, &err);
        return;
    }
    job->waits = job->claimed = true;
    uv_async_send(&job->agent->wake);
}

static void start(here *job, int lock)
{
    xpm_error err = {0};
    xpm__process process;
    int status = 0;
    if (!job->agent->is_same) {
        xpm__jobdir_renew(job->folder, job->order.name);
        status = check_needs(job, &err) < 0 || write_files(job, &err) < 0 ? -1 : 0;
    }
    if (status < 0 || write_start(job, false, &err) < 0 || spawn(job, lock, &process, &err) < 0) {
        say_failed(job, &err);
    } else if (!watch(job, &process)) {
        xpm__process_kill(&process);
        xpm__fail(&err, XPM_E_IO, NULL, "its process cannot be watched");
        say_failed(job, &err);
    }
}

/* ---- Deciding --------------------------------------------------------------------------------- */

/* Whether the folder's last start is the one that the order means, and was begun, or waits. */
static bool is_this_start(const here *job, bool waits)
{
    json_object *json = xpm__json_read(job->folder, START_FILE);
    const char *token = xpm__json_get_text(json, "token");
    bool is = token != NULL && strcmp(token, job->order.token) == 0 &&
              json_object_get_boolean(xpm__json_get(json, "waits")) == waits;
    json_object_put(json);
    return is;
}

/* A runner writes its .pid first; a scheduler that has the same folder has written another. */
static bool has_run(const here *job)
{
    xpm__pid pid;
    xpm__jobdir_read_pid(job->folder, job->order.name, &pid);
    return strcmp(pid.launcher, "local") == 0;
}

/* Whether the one who had the lock has failed since. */
static bool has_failed_since(const here *job)
{
    xpm__stamp now = xpm__jobdir_failed_stamp(job->folder, job->order.name);
    return job->was_held && now.inode != 0 && memcmp(&now, &job->failed, sizeof now) != 0;
}

/* An order to start, of a job that may: when its turn has come. */
static void go_on(here *job, int lock)
{
    bool is_claimed = job->claimed && is_this_start(job, true);
    if (job->cancelled) {
        if (is_claimed)
            unlinkat(job->folder, START_FILE, 0);
        say_failed(job, &(xpm_error){.message = "cancelled before it was started"});
    } else if (job->claimed && !is_claimed) {
        say_kind(job, XPM__ANSWER_GONE, NULL);
        forget(job);
    } else if (job->share == NULL) {
        claim(job); /* it waits without the lock */
    } else {
        start(job, lock);
    }
}

/* With the lock: nobody runs it. */
static void decide(here *job, int lock)
{
    static const xpm__end unknown;
    xpm__jobdir_state state;
    char file[XPM__NAME_SIZE];
    bool marked = xpm__jobdir_read_markers(job->folder, job->order.name, &state);
    bool is_done = marked && state.state == XPM_JOB_DONE;
    if (is_done) {
        xpm__jobdir_file(job->order.name, ".lock", file);
        unlinkat(job->folder, file, 0); /* just made, to look */
    }
    if (is_done || has_failed_since(job) || (is_this_start(job, false) && (marked || has_run(job))))
        say_ended(job, &unknown);
    else if (job->order.kind == XPM__ORDER_START)
        go_on(job, lock);
    else {
        say_kind(job, XPM__ANSWER_GONE, NULL);
        forget(job);
    }
}

/* Finds out where a job is, and goes on from there. */
static void look(here *job)
{
    char file[XPM__NAME_SIZE];
    xpm__jobdir_file(job->order.name, ".lock", file);
    int lock = xpm__file_lock(job->folder, file, false);
    if (lock >= 0) {
        decide(job, lock);
        close(lock);
    } else if (errno == EWOULDBLOCK) {
        watch_holder(job);
    } else {
        xpm_error err = {0};
        xpm__fail_io(&err, file, "lock, in the job's folder,");
        say_failed(job, &err);
    }
}

/* Those whose turn it is, in order. One that needs less may pass one that needs much, but no more than
 * so many. */
static void start_waiting(agent *a)
{
    here *blocked = NULL, *next;
    for (here *job = a->jobs; job != NULL; job = next) {
        next = job->next;
        if (!job->waits)
            continue;
        job->share = xpm__machine_take(a->machine, job->requirement, job->order.pin);
        if (job->share == NULL && job->passed >= PATIENCE)
            return;
        if (job->share == NULL) {
            blocked = blocked != NULL ? blocked : job;
            continue;
        }
        if (blocked != NULL)
            blocked->passed++;
        job->waits = false;
        look(job);
    }
}

/* ---- Orders ----------------------------------------------------------------------------------- */

static here *find(const agent *a, const char *token)
{
    here *job = a->jobs;
    while (job != NULL && strcmp(job->order.token, token) != 0)
        job = job->next;
    return job;
}

static void on_neighbours(uv_poll_t *poll, int status, int events)
{
    agent *a = poll->data;
    (void)status;
    (void)events;
    xpm__machine_heard(a->machine);
    start_waiting(a);
}

/* Accelerators are shared with this user's experiments on this machine, as sites are (sites.c). */
static void join_neighbours(agent *a)
{
    a->has_joined = true;
    a->neighbours.data = a;
    int fd = xpm__machine_join(a->machine);
    if (fd < 0 || uv_poll_init(&a->loop, &a->neighbours, fd) < 0)
        return;
    a->listens = true;
    uv_poll_start(&a->neighbours, UV_READABLE, on_neighbours);
}

/* What it needs of this machine, if that can ever be had; one that runs has had it. */
static int read_requirement(here *job, xpm_error *err)
{
    if (job->order.requires == NULL)
        return 0;
    job->requirement = xpm_requirement_parse(job->order.requires, err);
    if (job->requirement == NULL)
        return -1;
    if (!job->agent->has_joined && xpm__requirement_has_accelerators(job->requirement))
        join_neighbours(job->agent);
    return job->order.kind == XPM__ORDER_START
               ? xpm__machine_can(job->agent->machine, job->requirement, err)
               : 0;
}

static void take(agent *a, json_object *json, const xpm__order *order)
{
    xpm_error err = {0};
    if (find(a, order->token) != NULL)
        return;
    here *job = xpm__zalloc(sizeof *job);
    job->agent = a;
    job->json = json_object_get(json);
    job->order = *order;
    job->folder = -1;
    job->link = a->last;
    *a->last = job;
    a->last = &job->next;
    if (read_requirement(job, &err) < 0) {
        say_failed(job, &err);
        return;
    }
    char *path = xpm__workspace_job(a->workspace, order->type, order->hash);
    bool made = order->kind != XPM__ORDER_START || xpm__file_mkdirs(path, &err) == 0;
    job->folder = made ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    xpm_free(path);
    if (job->folder >= 0) {
        look(job);
    } else if (made && errno == ENOENT) {
        say_kind(job, XPM__ANSWER_GONE, NULL);
        forget(job);
    } else {
        if (made)
            xpm__fail_io(&err, order->hash, "open the folder of");
        say_failed(job, &err);
    }
}

/* Whoever runs it. */
static void cancel(here *job)
{
    xpm__pid pid;
    xpm__process process;
    job->cancelled = true;
    if (job->waits) {
        job->waits = false;
        look(job);
        return;
    }
    if (job->watcher != NULL) {
        xpm__process_tell(&job->watcher->process, SIGTERM);
        return;
    }
    xpm__jobdir_read_pid(job->folder, job->order.name, &pid);
    if (pid.process > 0 && xpm__process_open(pid.process, &process) == 0) {
        xpm__process_tell(&process, SIGTERM);
        close(process.fd);
    }
}

/* Those that this process may run on. */
static int count_cores(void)
{
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

static bool sees(const agent *a, const char *probe)
{
    char path[XPM__NAME_SIZE + 32];
    snprintf(path, sizeof path, ".experimaestro/%s", probe);
    return xpm__file_exists(a->workspace->fd, path);
}

static void open_workspace(agent *a, const xpm__order *order)
{
    xpm_error err = {0};
    if (a->workspace != NULL)
        return;
    if (order->version != XPM__WIRE_VERSION)
        xpm__fail(&err, XPM_E_FORMAT, NULL, "its agent speaks version %d, and was told %d",
                  XPM__WIRE_VERSION, order->version);
    else
        a->workspace = xpm__workspace_open(order->workspace, true, &err);
    if (a->workspace == NULL) {
        say(a, &(xpm__answer){.kind = XPM__ANSWER_REFUSED, .message = err.message});
        return;
    }
    int slots = order->slots > 0 ? order->slots : count_cores();
    a->is_same = sees(a, order->probe);
    a->machine = xpm__machine_new(slots);
    say(a, &(xpm__answer){.kind = XPM__ANSWER_OPEN, .slots = slots, .same = a->is_same});
}

static int obey(agent *a, json_object *json)
{
    xpm__order order;
    if (xpm__order_read(json, &order, a->err) < 0)
        return -1;
    if (order.kind == XPM__ORDER_OPEN) {
        open_workspace(a, &order);
        return 0;
    }
    if (a->workspace == NULL)
        return xpm__fail(a->err, XPM_E_STATE, NULL, "an order came before the workspace was open");
    here *job = find(a, order.token);
    if (order.kind != XPM__ORDER_CANCEL)
        take(a, json, &order);
    else if (job != NULL)
        cancel(job);
    return 0;
}

static int obey_line(agent *a, const char *line, size_t size)
{
    const char *problem;
    json_object *json = xpm__json_parse(line, size, &problem);
    int status = json != NULL
                     ? obey(a, json)
                     : xpm__fail(a->err, XPM_E_FORMAT, NULL, "an order is no JSON: %s", problem);
    json_object_put(json);
    return status;
}

/* ---- The loop --------------------------------------------------------------------------------- */

static void on_input(uv_poll_t *poll, int status, int events)
{
    agent *a = poll->data;
    char buffer[65536];
    const char *line;
    ptrdiff_t line_size;
    (void)status;
    (void)events;
    ssize_t size = read(a->in, buffer, sizeof buffer);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size > 0)
        xpm__frames_add(&a->frames, buffer, (size_t)size);
    while (!a->failed && (line_size = xpm__frames_next(&a->frames, &line)) >= 0)
        a->failed = obey_line(a, line, (size_t)line_size) < 0;
    if (!a->failed && xpm__frames_overflow(&a->frames, XPM__ORDER_MAX))
        a->failed = xpm__fail(a->err, XPM_E_FORMAT, NULL, "an order is longer than any may be") < 0;
    if (size <= 0 || a->failed)
        uv_stop(&a->loop);
}

static void on_wake(uv_async_t *wake)
{
    agent *a = wake->data;
    xpm__lockwaits_run(a->waits);
    start_waiting(a);
}

static void wake(void *user)
{
    uv_async_send(&((agent *)user)->wake);
}

static int watch_input(agent *a, xpm_error *err)
{
    int status = uv_poll_init(&a->loop, &a->input, a->in);
    a->input.data = a;
    if (status == 0)
        status = uv_poll_start(&a->input, UV_READABLE, on_input);
    if (status < 0)
        return xpm__fail(err, XPM_E_IO, NULL, "orders cannot be read from standard input: %s",
                         uv_strerror(status));
    return 0;
}

static void leave(agent *a)
{
    while (a->jobs != NULL)
        forget(a->jobs);
    uv_close((uv_handle_t *)&a->wake, NULL);
    if (a->listens)
        uv_close((uv_handle_t *)&a->neighbours, NULL);
    if (a->input.data != NULL)
        uv_close((uv_handle_t *)&a->input, NULL);
    uv_run(&a->loop, UV_RUN_DEFAULT);
    uv_loop_close(&a->loop);
    xpm__lockwaits_free(a->waits);
    xpm__machine_free(a->machine);
    xpm__workspace_unref(a->workspace);
    xpm__environment_unref(a->environment);
    xpm__frames_free(&a->frames);
}

int xpm__agent_run(int in, int out, xpm_error *err)
{
    agent a = {.in = in, .out = out, .err = err};
    xpm__environment *last = NULL;
    a.last = &a.jobs;
    int status = uv_loop_init(&a.loop);
    if (status < 0)
        return xpm__fail(err, XPM_E_IO, NULL, "no loop: %s", uv_strerror(status));
    signal(SIGPIPE, SIG_IGN); /* who cannot be answered is gone */
    uv_async_init(&a.loop, &a.wake, on_wake);
    a.wake.data = &a;
    a.waits = xpm__lockwaits_new(wake, &a);
    a.environment = xpm__environment_take(&last, &(xpm__variables){0});
    xpm__environment_unref(last);
    a.failed = watch_input(&a, err) < 0;
    if (!a.failed) {
        say(&a, &(xpm__answer){.kind = XPM__ANSWER_AGENT,
                               .version = XPM__WIRE_VERSION,
                               .release = xpm_version()});
        uv_run(&a.loop, UV_RUN_DEFAULT);
    }
    leave(&a);
    return a.failed ? -1 : 0;
}
