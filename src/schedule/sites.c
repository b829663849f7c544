#include "schedule/sites.h"

#include <string.h>

#include "base/mem.h"
#include "launch/requirement.h"

struct xpm__sites {
    uv_loop_t *loop;
    const xpm__site_events *events;
    void *user;
    xpm__machine *machine;
    xpm__site *first;
    bool has_joined; /* the neighbours on this machine, if that can be, */
    bool listens;    /* which tell of what they give back: */
    uv_poll_t neighbours;
};

xpm__sites *xpm__sites_new(uv_loop_t *loop, int slots, const xpm__site_events *events, void *user)
{
    xpm__sites *sites = xpm__zalloc(sizeof *sites);
    sites->loop = loop;
    sites->events = events;
    sites->user = user;
    sites->machine = xpm__machine_new(slots);
    sites->neighbours.data = sites;
    return sites;
}

void xpm__sites_close(xpm__sites *sites)
{
    for (xpm__site *site = sites->first; site != NULL; site = site->next)
        site->table->close(site);
    xpm__machine_leave(sites->machine);
    if (sites->listens)
        uv_close((uv_handle_t *)&sites->neighbours, NULL);
}

void xpm__sites_free(xpm__sites *sites)
{
    if (sites == NULL)
        return;
    for (xpm__site *site = sites->first, *next; site != NULL; site = next) {
        next = site->next;
        xpm_free(site->place);
        site->table->destroy(site);
    }
    xpm__machine_free(sites->machine);
    xpm_free(sites);
}

xpm__machine *xpm__sites_machine(xpm__sites *sites)
{
    return sites->machine;
}

/* ---- Neighbours: other experiments on this machine --------------------------------------------- */

static void on_neighbours(uv_poll_t *poll, int status, int events)
{
    xpm__sites *sites = poll->data;
    (void)status;
    (void)events;
    xpm__machine_heard(sites->machine);
    sites->events->freed(sites->user);
}

/* Accelerators are shared with them, from the first job on that asks for one. */
static void join_neighbours(xpm__sites *sites)
{
    sites->has_joined = true;
    int fd = xpm__machine_join(sites->machine);
    if (fd < 0 || uv_poll_init(sites->loop, &sites->neighbours, fd) < 0)
        return;
    sites->listens = true;
    uv_poll_start(&sites->neighbours, UV_READABLE, on_neighbours);
}

/* ---- Sites ------------------------------------------------------------------------------------ */

static xpm__site *open_site(xpm__sites *sites, const xpm_launcher *launcher, xpm_error *err)
{
    xpm__site *site = launcher->table->open(launcher, err);
    if (site == NULL)
        return NULL;
    site->table = launcher->table;
    site->place = xpm__strdup(launcher->table->place(launcher));
    site->loop = sites->loop;
    site->events = sites->events;
    site->user = sites->user;
    site->next = sites->first;
    return sites->first = site;
}

xpm__site *xpm__sites_find(xpm__sites *sites, const xpm_launcher *launcher, xpm_error *err)
{
    const char *place = launcher->table->place(launcher);
    if (launcher->table->is_here && !sites->has_joined &&
        xpm__requirement_has_accelerators(launcher->requirement))
        join_neighbours(sites);
    for (xpm__site *site = sites->first; site != NULL; site = site->next)
        if (site->table == launcher->table && strcmp(site->place, place) == 0)
            return site;
    return open_site(sites, launcher, err);
}

static bool is_at(const xpm__site *site, const xpm__pid *pid)
{
    return strcmp(site->table->name, pid->launcher) == 0 &&
           (site->table->has == NULL || site->table->has(site, pid));
}

xpm__site *xpm__sites_find_pid(xpm__sites *sites, xpm__site *own, const xpm__pid *pid)
{
    xpm_error err;
    if (is_at(own, pid))
        return own;
    for (xpm__site *site = sites->first; site != NULL; site = site->next)
        if (is_at(site, pid))
            return site;
    xpm_launcher *launcher = xpm__launcher_named(pid);
    xpm__site *site = launcher != NULL ? xpm__sites_find(sites, launcher, &err) : NULL;
    xpm_launcher_unref(launcher);
    return site;
}

void xpm__sites_flush(xpm__sites *sites)
{
    for (xpm__site *site = sites->first; site != NULL; site = site->next)
        if (site->table->flush != NULL)
            site->table->flush(site);
}

bool xpm__sites_have_room(const xpm__sites *sites)
{
    for (const xpm__site *site = sites->first; site != NULL; site = site->next)
        if (!site->table->is_here)
            return true;
    return xpm__machine_has_slot(sites->machine);
}
