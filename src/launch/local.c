/* The local launcher: processes of this machine, each in its own session. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "launch/cgroup.h"
#include "launch/launcher.h"
#include "launch/oom.h"
#include "launch/spawn.h"
#include "launch/warm.h"

typedef struct local_launcher {
    xpm_launcher base;
    bool cold;
    char **wrapper; /* ends with NULL; NULL for none */
} local_launcher;

typedef struct local_run {
    xpm__run base;
    uv_poll_t poll;
    xpm__process process;           /* `pid` is 0 until a process that was asked for is there */
    bool told;                      /* to end, before it was there */
    xpm__cgroup *group;             /* that holds it to its memory; NULL without a limit */
    struct local_run *next, **link; /* of its site */
} local_run;

typedef struct local_site {
    xpm__site base;
    local_run *runs;
    xpm__warm *warm; /* from the first job on that may start warm */
    bool has_warm;
} local_site;

/* ---- The launcher ----------------------------------------------------------------------------- */

xpm_launcher *xpm_launcher_local(const xpm_local_options *options, xpm_error *err)
{
    static const xpm_local_options defaults;
    const xpm_local_options *o = options != NULL ? options : &defaults;
    if (o->nice < 0 || o->nice > 19) {
        xpm__fail(err, XPM_E_RANGE, "nice", "nice is %d: it must be from 0 to 19", o->nice);
        return NULL;
    }
    local_launcher *launcher =
        (local_launcher *)xpm__launcher_new(&xpm__local_table, sizeof *launcher);
    launcher->base.nice = o->nice;
    launcher->base.pin = o->pin;
    launcher->cold = o->cold;
    launcher->wrapper = xpm__words_copy(o->wrapper);
    return &launcher->base;
}

static void free_local(xpm_launcher *base)
{
    xpm__words_free(((local_launcher *)base)->wrapper);
}

/* Of this machine as it is for a scheduler with the usual slots. */
static int can_local(const xpm_launcher *launcher, const xpm_requirement *requirement,
                     xpm_error *err)
{
    xpm__machine *machine = xpm__machine_new(0);
    int status = xpm__machine_can(machine, requirement, err);
    (void)launcher;
    xpm__machine_free(machine);
    return status;
}

static const char *place_local(const xpm_launcher *launcher)
{
    (void)launcher;
    return "";
}

/* ---- The site --------------------------------------------------------------------------------- */

static xpm__site *open_local(const xpm_launcher *launcher, xpm_error *err)
{
    (void)launcher;
    (void)err;
    return xpm__zalloc(sizeof(local_site));
}

static void free_run(local_run *run)
{
    xpm__cgroup_remove(run->group);
    xpm_free(run);
}

static void on_closed(uv_handle_t *handle)
{
    local_run *run = handle->data;
    close(run->process.fd);
    free_run(run);
}

static void remove_run(local_run *run)
{
    *run->link = run->next;
    if (run->next != NULL)
        run->next->link = run->link;
}

static void forget_local(xpm__run *base)
{
    local_run *run = (local_run *)base;
    remove_run(run);
    if (run->process.pid > 0) {
        uv_close((uv_handle_t *)&run->poll, on_closed);
    } else {
        xpm__warm_forget(((local_site *)base->site)->warm, run);
        free_run(run);
    }
}

static void close_local(xpm__site *base)
{
    local_site *site = (local_site *)base;
    while (site->runs != NULL)
        forget_local(&site->runs->base);
    xpm__warm_close(site->warm);
}

static void destroy_local(xpm__site *base)
{
    xpm__warm_free(((local_site *)base)->warm);
    xpm_free(base);
}

/* ---- Runs ------------------------------------------------------------------------------------- */

/* The kernel has killed it within its group. */
static bool is_out_of_memory(const local_run *run, const xpm__end *end)
{
    return end->signal == SIGKILL && run->group != NULL && xpm__cgroup_oom(run->group);
}

static void end_rest(const local_run *run)
{
    const xpm_job *job = run->base.job;
    int folder = open(job->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    xpm__process_end_rest(&run->process, folder, xpm_job_name(job));
    close(folder);
}

static void on_process_end(uv_poll_t *poll, int status, int events)
{
    local_run *run = poll->data;
    const xpm__site *site = run->base.site;
    xpm__end end;
    (void)status;
    (void)events;
    uv_poll_stop(poll);
    end_rest(run);
    xpm__process_collect(&run->process, &end);
    end.memory |= is_out_of_memory(run, &end);
    site->events->ended(&run->base, &end);
    forget_local(&run->base);
}

static void add_run(local_site *site, local_run *run)
{
    run->next = site->runs;
    run->link = &site->runs;
    if (run->next != NULL)
        run->next->link = &run->next;
    site->runs = run;
}

static local_run *new_run(xpm__site *site, xpm_job *job)
{
    local_run *run = xpm__zalloc(sizeof *run);
    run->base.site = site;
    run->base.job = job;
    run->poll.data = run;
    return run;
}

/* Takes the descriptor of the process, also when it cannot be watched: -1. */
static int watch_process(local_run *run, const xpm__process *process)
{
    if (uv_poll_init(run->base.site->loop, &run->poll, process->fd) < 0) {
        close(process->fd);
        return -1;
    }
    run->process = *process;
    uv_poll_start(&run->poll, UV_READABLE, on_process_end);
    return 0;
}

static void cancel_local(xpm__run *base)
{
    local_run *run = (local_run *)base;
    if (run->process.pid > 0)
        xpm__process_tell(&run->process, SIGTERM);
    else
        run->told = true;
}

/* The process of a job that starts warm is there; or, when `pid` is 0, the job is to be started again. */
static void on_warm(void *user, pid_t pid)
{
    local_run *run = user;
    xpm__process process = {.pid = pid};
    xpm__end end = {.again = pid == 0};
    if (pid > 0 && xpm__process_open(pid, &process) == 0 && watch_process(run, &process) == 0) {
        if (run->told)
            cancel_local(&run->base);
        return;
    }
    if (pid > 0) {
        xpm__process_kill(&process);
        end.reason = XPM_REASON_FAILED;
        end.code = 1;
        snprintf(end.message, sizeof end.message, "its process cannot be watched");
    }
    run->base.site->events->ended(&run->base, &end);
    forget_local(&run->base);
}

/* Asks for a process that has loaded what the job needs. False: it starts cold. */
static bool start_warm(local_run *run, const xpm__start *start, const xpm__streams *streams)
{
    local_site *site = (local_site *)run->base.site;
    if (!site->has_warm)
        site->warm = xpm__warm_new(site->base.loop, on_warm);
    site->has_warm = true;
    return xpm__warm_start(site->warm, start, streams, run);
}

static int start_cold(local_run *run, const xpm__start *start, const char *const *wrapper,
                      const xpm__streams *streams, xpm_error *err)
{
    xpm__process process;
    if (xpm__spawn(start, wrapper, streams, &process, err) < 0)
        return -1;
    if (watch_process(run, &process) == 0)
        return 0;
    xpm__process_kill(&process);
    return xpm__fail(err, XPM_E_IO, start->argv[0], "its process cannot be watched");
}

static int start_run(local_run *run, const xpm__start *start, xpm_error *err)
{
    const local_launcher *launcher = (const local_launcher *)start->launcher;
    const char *const *wrapper = (const char *const *)launcher->wrapper;
    xpm__streams streams;
    int status = 0;
    if (xpm__streams_open(start, &streams, err) < 0)
        return -1;
    bool can_be_warm = !launcher->cold && wrapper == NULL;
    if (!can_be_warm || !start_warm(run, start, &streams))
        status = start_cold(run, start, wrapper, &streams, err);
    xpm__streams_close(&streams);
    return status;
}

/* The environment, with the group in what it says of this start. The texts are borrowed: xpm_free. */
static char **name_group(const xpm__start *start, const char *entry)
{
    size_t count = 0;
    while (start->environment[count] != NULL)
        count++;
    char **copy = xpm__alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i <= count; i++)
        copy[i] = start->environment[i] == start->start ? (char *)entry : start->environment[i];
    return copy;
}

/* Starts a job whose process enters a group; a limit of memory is a part of what is said to it. */
static int start_in_group(local_run *run, const xpm__start *start, xpm_error *err)
{
    xpm__start confined = *start;
    char *entry = xpm__format("%s %s", start->start, xpm__cgroup_path(run->group));
    char **environment = name_group(start, entry);
    confined.start = entry;
    confined.environment = environment;
    int status = start_run(run, &confined, err);
    xpm_free(environment);
    xpm_free(entry);
    return status;
}

static xpm__run *start_local(xpm__site *site, const xpm__start *start, xpm_error *err)
{
    local_run *run = new_run(site, start->job);
    xpm__oom_watch();
    run->group = xpm__cgroup_make(xpm__job_limits(start->job).memory);
    int status = run->group != NULL ? start_in_group(run, start, err) : start_run(run, start, err);
    if (status < 0) {
        free_run(run);
        return NULL;
    }
    add_run((local_site *)site, run);
    return &run->base;
}

static xpm__run *adopt_local(xpm__site *site, xpm_job *job, const xpm__pid *pid)
{
    xpm__process process;
    if (pid->process <= 0 || xpm__process_open(pid->process, &process) < 0)
        return NULL;
    local_run *run = new_run(site, job);
    if (watch_process(run, &process) < 0) {
        free_run(run);
        return NULL;
    }
    run->group = xpm__cgroup_find(pid->process);
    add_run((local_site *)site, run);
    return &run->base;
}

const xpm__launcher_table xpm__local_table = {
    .name = "local",
    .is_here = true,
    .free = free_local,
    .can = can_local,
    .place = place_local,
    .open = open_local,
    .close = close_local,
    .destroy = destroy_local,
    .start = start_local,
    .adopt = adopt_local,
    .cancel = cancel_local,
    .forget = forget_local,
};
