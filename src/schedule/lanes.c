#include "schedule/lanes.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "launch/requirement.h"
#include "schedule/queue.h"

enum {
    PATIENCE = 32, /* jobs that may pass one that waits for this machine */
    WINDOW = 64,   /* lanes that are tried at once: more needs than that are rare */
};

/* Lanes with jobs are in a heap: the one whose first job is to start first is its root. */
struct xpm__lane {
    char *key; /* what is needed, and where */
    xpm__site *site;
    xpm_launcher *launcher; /* of its first job ever: of all, what counts here is equal */
    xpm__queue jobs;
    size_t place; /* in the heap, from 1; 0 when it is empty */
    unsigned passed;
};
typedef struct xpm__lane lane;

struct xpm__lanes {
    xpm__machine *machine;
    xpm__site_finder find;
    void *user;
    lane *plain;         /* of jobs that say nothing */
    xpm_launcher *none;  /* their launcher */
    xpm_launcher *asked; /* the last that was looked for, and its lane; */
    lane *found;
    xpm__map table; /* key to lane */
    lane **all;     /* each to be freed */
    size_t count, capacity;
    lane **heap; /* from 1; room for as many as there are */
    size_t filled, room;
    int64_t first_order, last_order; /* of the jobs that were added */
};

/* ---- The heap --------------------------------------------------------------------------------- */

static bool comes_before(const lane *a, const lane *b)
{
    if (a->launcher->priority != b->launcher->priority)
        return a->launcher->priority > b->launcher->priority;
    return a->jobs.first->order < b->jobs.first->order;
}

static void put(xpm__lanes *l, lane *one, size_t place)
{
    l->heap[place] = one;
    one->place = place;
}

static void rise(xpm__lanes *l, lane *one)
{
    size_t place = one->place;
    for (; place > 1 && comes_before(one, l->heap[place / 2]); place /= 2)
        put(l, l->heap[place / 2], place);
    put(l, one, place);
}

static void sink(xpm__lanes *l, lane *one)
{
    size_t place = one->place, child;
    while ((child = 2 * place) <= l->filled) {
        if (child < l->filled && comes_before(l->heap[child + 1], l->heap[child]))
            child++;
        if (!comes_before(l->heap[child], one))
            break;
        put(l, l->heap[child], place);
        place = child;
    }
    put(l, one, place);
}

static void heap_add(xpm__lanes *l, lane *one)
{
    put(l, one, ++l->filled);
    rise(l, one);
}

static void heap_remove(xpm__lanes *l, lane *one)
{
    lane *last = l->heap[l->filled--];
    size_t place = one->place;
    one->place = 0;
    if (last == one)
        return;
    put(l, last, place);
    rise(l, last);
    sink(l, last);
}

/* Its first job is another, or it has none any more. */
static void heap_update(xpm__lanes *l, lane *one)
{
    if (one->jobs.first == NULL) {
        if (one->place > 0)
            heap_remove(l, one);
    } else if (one->place == 0) {
        heap_add(l, one);
    } else {
        rise(l, one);
        sink(l, one);
    }
}

/* ---- Lanes ------------------------------------------------------------------------------------ */

/* Takes the key. */
static lane *new_lane(xpm__lanes *l, char *key, xpm__site *site, xpm_launcher *launcher)
{
    lane *one = xpm__zalloc(sizeof *one);
    one->key = key;
    one->site = site;
    one->launcher = xpm_launcher_ref(launcher);
    xpm__queue_init(&one->jobs);
    l->all = xpm__grow(l->all, &l->capacity, l->count, sizeof *l->all);
    l->all[l->count++] = one;
    l->heap = xpm__grow(l->heap, &l->room, l->count, sizeof *l->heap);
    xpm__map_set(&l->table, key, one);
    return one;
}

/* Whether jobs of a lane that is not there yet can ever start: what was true when the launcher was
 * told of its requirement may not be so of the machine that the experiment has. */
static bool can_start(const xpm__lanes *l, const xpm__site *site, const xpm_launcher *launcher,
                      xpm_error *err)
{
    return !site->table->is_here || launcher->requirement == NULL ||
           xpm__machine_can(l->machine, launcher->requirement, err) == 0;
}

static lane *find_lane(xpm__lanes *l, xpm_launcher *launcher, xpm_error *err)
{
    if (launcher == l->asked)
        return l->found;
    xpm__site *site = l->find(l->user, launcher, err);
    if (site == NULL)
        return NULL;
    const char *needs = site->table->is_here && launcher->needs != NULL ? launcher->needs : "";
    char *key = xpm__format("%p %d %d %s", (void *)site, launcher->priority, launcher->pin, needs);
    lane *one = xpm__map_find(&l->table, key);
    if (one == NULL && can_start(l, site, launcher, err))
        one = new_lane(l, key, site, launcher);
    else
        xpm_free(key);
    if (one == NULL)
        return NULL;
    xpm_launcher_unref(l->asked);
    l->asked = xpm_launcher_ref(launcher);
    l->found = one;
    return one;
}

static lane *lane_of(xpm__lanes *l, xpm_job *job, xpm_error *err)
{
    if (job->lane != NULL)
        return job->lane;
    if (job->launcher != NULL)
        return find_lane(l, job->launcher, err);
    if (l->plain == NULL)
        l->plain = find_lane(l, l->none, err);
    return l->plain;
}

xpm__lanes *xpm__lanes_new(xpm_launcher *plain, xpm__machine *machine, xpm__site_finder find,
                           void *user)
{
    xpm__lanes *l = xpm__zalloc(sizeof *l);
    l->none = plain;
    l->machine = machine;
    l->find = find;
    l->user = user;
    return l;
}

void xpm__lanes_free(xpm__lanes *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->count; i++) {
        xpm_launcher_unref(l->all[i]->launcher);
        xpm_free(l->all[i]->key);
        xpm_free(l->all[i]);
    }
    xpm_launcher_unref(l->asked);
    xpm__map_free(&l->table);
    xpm_free(l->all);
    xpm_free(l->heap);
    xpm_free(l);
}

xpm__site *xpm__lane_site(const xpm_job *job)
{
    return job->lane->site;
}

const xpm_launcher *xpm__lane_launcher(const xpm_job *job)
{
    return job->launcher != NULL ? job->launcher : job->lane->launcher;
}

/* ---- Jobs ------------------------------------------------------------------------------------- */

int xpm__lanes_add(xpm__lanes *l, xpm_job *job, bool first, xpm_error *err)
{
    lane *one = job->lane = lane_of(l, job, err);
    if (one == NULL)
        return -1;
    if (first) {
        job->order = --l->first_order;
        xpm__queue_add_first(&one->jobs, job);
    } else {
        job->order = ++l->last_order;
        xpm__queue_add(&one->jobs, job);
    }
    heap_update(l, one);
    return 0;
}

bool xpm__lanes_remove(xpm__lanes *l, xpm_job *job)
{
    bool was_there = job->lane != NULL && xpm__queue_remove(&job->lane->jobs, job);
    if (was_there)
        heap_update(l, job->lane);
    return was_there;
}

/* Whether the first job of a lane can start; `*share` is what it then has. */
static bool has_room(const xpm__lanes *l, const lane *one, xpm__share **share)
{
    const xpm__site *site = one->site;
    *share = NULL;
    if (!site->table->is_here)
        return site->table->room == NULL || site->table->room(one->site) > 0;
    *share = xpm__machine_take(l->machine, one->launcher->requirement, one->launcher->pin);
    return *share != NULL;
}

/* The parts of this machine that a job of a lane takes. */
static unsigned parts_of(const lane *one)
{
    return one->site->table->is_here
               ? XPM__PART_CORES | xpm__requirement_parts(one->launcher->requirement)
               : 0;
}

/* What is kept for a lane that has waited long enough: what it asks for; but cores, of which each
 * job takes one, only while it lacks some. A job that waits for an accelerator, which others have for
 * long, does not leave the cores idle; and at the end cores are all that it lacks. */
static unsigned kept_for(const xpm__lanes *l, const lane *one)
{
    const xpm_launcher *launcher = one->launcher;
    unsigned parts = parts_of(one) & ~(unsigned)XPM__PART_CORES;
    if (!xpm__machine_has_cores(l->machine, launcher->requirement, launcher->pin))
        parts |= XPM__PART_CORES;
    return parts;
}

xpm_job *xpm__lanes_take(xpm__lanes *l, xpm__share **share)
{
    lane *passed[WINDOW], *one = NULL;
    size_t count = 0;
    unsigned kept = 0; /* parts of this machine, for those that have waited long enough */
    while (l->filled > 0 && count < WINDOW) {
        one = l->heap[1];
        if ((parts_of(one) & kept) == 0 && has_room(l, one, share))
            break;
        if (one->site->table->is_here && one->passed >= PATIENCE)
            kept |= kept_for(l, one);
        heap_remove(l, one);
        passed[count++] = one;
        one = NULL;
    }
    xpm_job *job = one != NULL ? xpm__queue_take(&one->jobs) : NULL;
    if (job != NULL) {
        one->passed = 0;
        heap_update(l, one);
    }
    for (size_t i = 0; i < count; i++) {
        passed[i]->passed += job != NULL && one->site->table->is_here;
        heap_add(l, passed[i]);
    }
    return job;
}
