/* The local launcher: processes of this machine, each in its own session. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "launch/launcher.h"
#include "launch/oom.h"
#include "launch/spawn.h"

typedef struct local_launcher {
    xpm_launcher base;
    char **wrapper; /* ends with NULL; NULL for none */
} local_launcher;

typedef struct local_run {
    xpm__run base;
    uv_poll_t poll;
    xpm__process process;
    struct local_run *next, **link; /* of its site */
} local_run;

typedef struct local_site {
    xpm__site base;
    local_run *runs;
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

static void free_run(uv_handle_t *handle)
{
    local_run *run = handle->data;
    close(run->process.fd);
    xpm_free(run);
}

static void forget_local(xpm__run *base)
{
    local_run *run = (local_run *)base;
    *run->link = run->next;
    if (run->next != NULL)
        run->next->link = run->link;
    uv_close((uv_handle_t *)&run->poll, free_run);
}

static void close_local(xpm__site *base)
{
    local_site *site = (local_site *)base;
    while (site->runs != NULL)
        forget_local(&site->runs->base);
}

static void destroy_local(xpm__site *base)
{
    xpm_free(base);
}

/* ---- Runs ------------------------------------------------------------------------------------- */

static void on_process_end(uv_poll_t *poll, int status, int events)
{
    local_run *run = poll->data;
    const xpm__site *site = run->base.site;
    xpm__end end;
    (void)status;
    (void)events;
    uv_poll_stop(poll);
    xpm__process_collect(&run->process, &end);
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

/* Takes the descriptor of the process, also when it cannot be watched: NULL. */
static xpm__run *watch(xpm__site *site, xpm_job *job, const xpm__process *process)
{
    local_run *run = xpm__zalloc(sizeof *run);
    run->base.site = site;
    run->base.job = job;
    run->process = *process;
    run->poll.data = run;
    if (uv_poll_init(site->loop, &run->poll, process->fd) < 0) {
        close(process->fd);
        xpm_free(run);
        return NULL;
    }
    uv_poll_start(&run->poll, UV_READABLE, on_process_end);
    add_run((local_site *)site, run);
    return &run->base;
}

static xpm__run *start_local(xpm__site *site, const xpm__start *start, xpm_error *err)
{
    const local_launcher *launcher = (const local_launcher *)start->launcher;
    xpm__streams streams;
    xpm__process process;
    xpm__oom_watch();
    if (xpm__streams_open(start, &streams, err) < 0)
        return NULL;
    int status = xpm__spawn(start, (const char *const *)launcher->wrapper, &streams, &process, err);
    xpm__streams_close(&streams);
    xpm__run *run = status == 0 ? watch(site, start->job, &process) : NULL;
    if (status == 0 && run == NULL) {
        xpm__fail(err, XPM_E_IO, start->argv[0], "its process cannot be watched");
        xpm__process_kill(&process);
    }
    return run;
}

static xpm__run *adopt_local(xpm__site *site, xpm_job *job, const xpm__pid *pid)
{
    xpm__process process;
    if (pid->process <= 0 || xpm__process_open(pid->process, &process) < 0)
        return NULL;
    return watch(site, job, &process);
}

static void cancel_local(xpm__run *run)
{
    xpm__process_tell(&((local_run *)run)->process, SIGTERM);
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
