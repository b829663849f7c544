/* The shares of a machine: who gets what, and who has it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "launch/machine_inside.h"

#define VISIBLE "CUDA_VISIBLE_DEVICES"

static const xpm_request nothing;

/* ---- Looking ------------------------------------------------------------------------------------- */

xpm__machine *xpm__machine_new(int slots)
{
    xpm__machine *machine = xpm__zalloc(sizeof *machine);
    machine->allocation = xpm__allocation_look();
    xpm__cores_look(&machine->allocation, &machine->set);
    machine->cores = CPU_COUNT(&machine->set);
    machine->slots = slots > 0 ? slots : machine->cores;
    machine->visible = xpm__strdup(getenv(VISIBLE));
    machine->counted = xpm__strdup(getenv("XPM_RESOURCES"));
    return machine;
}

void xpm__machine_free(xpm__machine *machine)
{
    if (machine == NULL)
        return;
    xpm__neighbours_close(machine->neighbours);
    xpm__gpus_free(&machine->gpus);
    xpm__resources_free(&machine->resources);
    xpm_free(machine->devices);
    xpm_free(machine->resources_used);
    xpm_free(machine->accelerators);
    xpm_free(machine->visible);
    xpm_free(machine->counted);
    xpm_free(machine);
}

static void look_at_memory(xpm__machine *machine)
{
    if (!machine->memory_known)
        machine->memory = xpm__memory_look(&machine->allocation, machine->cores);
    machine->memory_known = true;
}

static int look_at_gpus(xpm__machine *machine, xpm_error *err)
{
    if (machine->gpus_known)
        return 0;
    if (xpm__gpus_look(&machine->gpus, err) < 0)
        return -1;
    look_at_memory(machine);
    if (machine->visible != NULL)
        xpm__gpus_restrict(&machine->gpus, machine->visible);
    machine->devices = xpm__zalloc((machine->gpus.count + 1) * sizeof *machine->devices);
    for (size_t i = 0; i < machine->gpus.count; i++) {
        int64_t memory = machine->gpus.items[i].memory;
        machine->devices[i].memory = memory > 0 ? memory : machine->memory;
    }
    machine->gpus_known = true;
    return 0;
}

void xpm__machine_have_no_accelerators(xpm__machine *machine)
{
    machine->gpus_known = true;
}

static int look_at_resources(xpm__machine *machine, xpm_error *err)
{
    if (machine->resources_known)
        return 0;
    if (machine->counted != NULL &&
        xpm__resources_parse(&machine->resources, machine->counted, err) < 0) {
        xpm__resources_free(&machine->resources);
        return -1;
    }
    machine->resources_used =
        xpm__zalloc((machine->resources.count + 1) * sizeof *machine->resources_used);
    machine->resources_known = true;
    return 0;
}

int xpm__machine_look(xpm__machine *machine, const xpm_request *request, xpm_error *err)
{
    if (request->memory > 0)
        look_at_memory(machine);
    if (request->accelerator_count > 0 && look_at_gpus(machine, err) < 0)
        return -1;
    return request->resource_count > 0 ? look_at_resources(machine, err) : 0;
}

static int by_memory(const void *a, const void *b)
{
    const xpm_accelerator *left = a, *right = b;
    return (left->memory < right->memory) - (left->memory > right->memory);
}

const xpm_host *xpm__machine_host(xpm__machine *machine, xpm_error *err)
{
    look_at_memory(machine);
    if (look_at_gpus(machine, err) < 0 || look_at_resources(machine, err) < 0)
        return NULL;
    size_t count = machine->gpus.count;
    if (machine->accelerators == NULL) {
        machine->accelerators = xpm__zalloc((count + 1) * sizeof *machine->accelerators);
        for (size_t i = 0; i < count; i++)
            machine->accelerators[i] = (xpm_accelerator){.kind = XPM_ACCELERATOR_CUDA,
                                                         .memory = machine->devices[i].memory};
        qsort(machine->accelerators, count, sizeof *machine->accelerators, by_memory);
    }
    machine->host = (xpm_host){
        .memory = machine->memory,
        .cores = machine->cores,
        .accelerators = machine->accelerators,
        .accelerator_count = count,
        .resources = machine->resources.items,
        .resource_count = machine->resources.count,
    };
    return &machine->host;
}

/* ---- Accelerators -------------------------------------------------------------------------------- */

/* How accelerators are chosen: of those that are free, of all as if no job had any, or for a job that
 * has one already, whatever others have. */
typedef enum choice { FREE, ALL, FORCED } choice;

static int64_t free_memory(const xpm__device *d)
{
    return d->memory - d->used - d->foreign;
}

static int all_jobs(const xpm__device *d)
{
    return d->jobs + d->foreign_jobs;
}

static bool is_chosen(const xpm__share *share, size_t index)
{
    for (size_t i = 0; i < share->device_count; i++)
        if (share->devices[i] == index)
            return true;
    return false;
}

/* `memory` 0: a whole one. A process can use one part of a divided one, and nothing beside it. */
static bool fits(const xpm__machine *machine, size_t index, const xpm_request *request,
                 int64_t memory, choice how)
{
    const xpm__device *d = &machine->devices[index];
    if (machine->gpus.items[index].of != NULL && request->accelerator_count > 1)
        return false;
    if (how == FORCED)
        return true;
    if (how == ALL)
        return d->memory >= memory;
    return memory > 0 ? free_memory(d) >= memory : all_jobs(d) == 0;
}

/* Whether the first is the better choice of two that fit: one that others use, so that whole ones are
 * left, then the fullest. A job that is there already has the emptiest, for all that is known. */
static bool is_better(const xpm__device *a, const xpm__device *b, int64_t memory, choice how)
{
    int64_t a_free = free_memory(a), b_free = free_memory(b);
    if (how == ALL)
        return a->memory < b->memory;
    if (how == FORCED)
        return a_free > b_free;
    if (memory > 0 && (all_jobs(a) > 0) != (all_jobs(b) > 0))
        return all_jobs(a) > 0;
    return a_free < b_free;
}

static void choose(const xpm__machine *machine, size_t index, int64_t memory, xpm__share *share)
{
    share->devices[share->device_count] = index;
    share->device_memory[share->device_count++] =
        memory > 0 ? memory : machine->devices[index].memory;
}

static bool choose_one(const xpm__machine *machine, const xpm_request *request, int64_t memory,
                       choice how, xpm__share *share)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < machine->gpus.count; i++)
        if (fits(machine, i, request, memory, how) && !is_chosen(share, i) &&
            (best == SIZE_MAX ||
             is_better(&machine->devices[i], &machine->devices[best], memory, how)))
            best = i;
    if (best == SIZE_MAX)
        return false;
    choose(machine, best, memory, share);
    return true;
}

/* What is chosen as the `index`-th: those that are asked for whole first, then those with most memory.
 * What is left for a later one is then never less than any other choice would leave. */
static const xpm_accelerator *wanted_at(const xpm_request *request, size_t index)
{
    for (int whole = 1; whole >= 0; whole--)
        for (size_t i = 0; i < request->accelerator_count; i++)
            if ((request->accelerators[i].memory == 0) == (whole == 1) && index-- == 0)
                return &request->accelerators[i];
    return NULL;
}

/* No MPS is ever here: that is another system's. */
static bool choose_all(const xpm__machine *machine, const xpm_request *request, choice how,
                       xpm__share *share)
{
    for (size_t i = 0; i < request->accelerator_count; i++) {
        const xpm_accelerator *wanted = wanted_at(request, i);
        if (wanted->kind == XPM_ACCELERATOR_MPS ||
            !choose_one(machine, request, wanted->memory, how, share))
            return false;
    }
    return true;
}

bool xpm__machine_has_accelerators(const xpm__machine *machine, const xpm_request *request)
{
    size_t count = request->accelerator_count;
    xpm__share share = {.devices = xpm__alloc(count * sizeof *share.devices),
                        .device_memory = xpm__alloc(count * sizeof *share.device_memory)};
    bool has = choose_all(machine, request, ALL, &share);
    xpm_free(share.devices);
    xpm_free(share.device_memory);
    return has;
}

const xpm_resource *xpm__machine_resource(const xpm__machine *machine, const char *name)
{
    for (size_t i = 0; i < machine->resources.count; i++)
        if (strcmp(machine->resources.items[i].name, name) == 0)
            return &machine->resources.items[i];
    return NULL;
}

/* ---- Shares -------------------------------------------------------------------------------------- */

static xpm__share *share_new(const xpm_request *request)
{
    xpm__share *share = xpm__zalloc(sizeof *share);
    share->seconds = request->seconds;
    share->memory = request->memory;
    share->asked = request->cores;
    if (request->accelerator_count > 0) {
        share->devices = xpm__alloc(request->accelerator_count * sizeof *share->devices);
        share->device_memory =
            xpm__alloc(request->accelerator_count * sizeof *share->device_memory);
    }
    return share;
}

static void share_free(xpm__share *share)
{
    xpm_free(share->devices);
    xpm_free(share->device_memory);
    xpm_free(share->resources);
    xpm_free(share->variable);
    xpm_free(share);
}

static int busy_cores(const xpm__share *share)
{
    return share->asked > 0 ? share->asked : 1;
}

/* Those with the lowest numbers: in most machines they are near to one another. */
static bool choose_cores(const xpm__machine *machine, xpm__share *share)
{
    int missing = busy_cores(share);
    for (size_t core = 0; core < CPU_SETSIZE && missing > 0; core++)
        if (CPU_ISSET(core, &machine->set) && !CPU_ISSET(core, &machine->pinned)) {
            CPU_SET(core, &share->cores);
            missing--;
        }
    share->is_pinned = true;
    return missing == 0;
}

static void choose_resources(const xpm__machine *machine, const xpm_request *request,
                             xpm__share *share)
{
    if (request->resource_count == 0)
        return;
    share->resources = xpm__zalloc((machine->resources.count + 1) * sizeof *share->resources);
    for (size_t i = 0; i < request->resource_count; i++) {
        const xpm_resource *has = xpm__machine_resource(machine, request->resources[i].name);
        if (has != NULL)
            share->resources[has - machine->resources.items] = request->resources[i].count;
    }
}

static void name_devices(const xpm__machine *machine, xpm__share *share)
{
    xpm__str text = {0};
    for (size_t i = 0; i < share->device_count; i++)
        xpm__str_printf(&text, "%s%s", i == 0 ? VISIBLE "=" : ",",
                        machine->gpus.items[share->devices[i]].uuid);
    share->variable = text.size > 0 ? xpm__str_take(&text) : NULL;
    share->variables[0] = share->variable;
}

/* Adds to what jobs have, or takes from it: `sign` is 1 or -1. */
static void count(xpm__machine *machine, const xpm__share *share, int sign)
{
    machine->jobs += sign;
    machine->busy += sign * busy_cores(share);
    machine->asked += sign * share->asked;
    machine->memory_used += sign * share->memory;
    for (size_t i = 0; i < share->device_count; i++) {
        xpm__device *d = &machine->devices[share->devices[i]];
        d->jobs += sign;
        d->used += sign * share->device_memory[i];
    }
    for (size_t i = 0; share->resources != NULL && i < machine->resources.count; i++)
        machine->resources_used[i] += sign * share->resources[i];
    if (share->is_pinned)
        CPU_XOR(&machine->pinned, &machine->pinned, &share->cores);
}

/* ---- Neighbours ---------------------------------------------------------------------------------- */

int xpm__machine_join(xpm__machine *machine)
{
    if (machine->neighbours == NULL)
        machine->neighbours = xpm__neighbours_open();
    return machine->neighbours != NULL ? xpm__neighbours_fd(machine->neighbours) : -1;
}

void xpm__machine_leave(xpm__machine *machine)
{
    xpm__neighbours_leave(machine->neighbours);
}

void xpm__machine_heard(xpm__machine *machine)
{
    xpm__neighbours_heard(machine->neighbours);
}

static size_t find_device(const xpm__machine *machine, const char *name);

static void add_foreign(void *user, const char *uuid, int64_t bytes)
{
    xpm__machine *machine = user;
    size_t index = find_device(machine, uuid);
    if (index == SIZE_MAX)
        return;
    machine->devices[index].foreign += bytes;
    machine->devices[index].foreign_jobs++;
}

static int begin_claim(xpm__machine *machine)
{
    for (size_t i = 0; i < machine->gpus.count; i++) {
        machine->devices[i].foreign = 0;
        machine->devices[i].foreign_jobs = 0;
    }
    return xpm__neighbours_begin(machine->neighbours, add_foreign, machine);
}

/* Chooses what is free of accelerators. When nothing can be claimed, as the disk is full, others do not see
 * it: the job runs all the same. */
static bool claim_devices(xpm__machine *machine, const xpm_request *request, xpm__share *share)
{
    bool seen =
        machine->neighbours != NULL && request->accelerator_count > 0 && begin_claim(machine) == 0;
    bool chosen = choose_all(machine, request, FREE, share);
    xpm__str text = {0};
    for (size_t i = 0; seen && chosen && i < share->device_count; i++)
        xpm__str_printf(&text, "%s %lld\n", machine->gpus.items[share->devices[i]].uuid,
                        (long long)share->device_memory[i]);
    if (text.size > 0)
        share->claim = xpm__neighbours_claim(machine->neighbours, text.data);
    if (seen)
        xpm__neighbours_end(machine->neighbours);
    xpm__str_free(&text);
    return chosen;
}

/* ---- Taking -------------------------------------------------------------------------------------- */

/* Whether so many cores are free; a job that asks for none is on one. */
static bool has_cores(const xpm__machine *machine, int asked)
{
    int most = machine->slots > machine->cores ? machine->slots : machine->cores;
    return machine->jobs < machine->slots && machine->busy + (asked > 0 ? asked : 1) <= most &&
           (asked == 0 || machine->asked + asked <= machine->cores);
}

bool xpm__machine_has_cores(const xpm__machine *machine, const xpm_requirement *requirement,
                            bool pin)
{
    size_t alternatives = requirement != NULL ? xpm_requirement_count(requirement) : 0;
    bool has = has_cores(machine, 0);
    for (size_t i = 0; has && i < alternatives; i++) {
        xpm__share trial = {.asked = xpm_requirement_at(requirement, i)->cores};
        has = has_cores(machine, trial.asked) && (!pin || choose_cores(machine, &trial));
    }
    return has;
}

static bool has_memory(const xpm__machine *machine, int64_t asked)
{
    return asked == 0 || machine->memory == 0 || asked <= machine->memory - machine->memory_used;
}

static bool has_resources(const xpm__machine *machine, const xpm_request *request)
{
    for (size_t i = 0; i < request->resource_count; i++) {
        const xpm_resource *wanted = &request->resources[i];
        const xpm_resource *has = xpm__machine_resource(machine, wanted->name);
        if (has == NULL ||
            machine->resources_used[has - machine->resources.items] + wanted->count > has->count)
            return false;
    }
    return true;
}

/* A tool that fails is not asked again each time that a job could start. Who asked whether the machine
 * can give it was told why not. */
static bool is_known(xpm__machine *machine, const xpm_request *request)
{
    bool asks = request->accelerator_count > 0;
    if (asks && machine->gpus_failed)
        return false;
    if (xpm__machine_look(machine, request, NULL) == 0)
        return true;
    machine->gpus_failed = asks && !machine->gpus_known;
    return false;
}

xpm__share *xpm__machine_take_request(xpm__machine *machine, const xpm_request *request, bool pin)
{
    if (!is_known(machine, request) || !has_cores(machine, request->cores) ||
        !has_memory(machine, request->memory) || !has_resources(machine, request))
        return NULL;
    xpm__share *share = share_new(request);
    if ((pin && !choose_cores(machine, share)) || !claim_devices(machine, request, share)) {
        share_free(share);
        return NULL;
    }
    choose_resources(machine, request, share);
    name_devices(machine, share);
    count(machine, share, 1);
    return share;
}

xpm__share *xpm__machine_take(xpm__machine *machine, const xpm_requirement *requirement, bool pin)
{
    if (requirement == NULL)
        return xpm__machine_take_request(machine, &nothing, pin);
    xpm__share *share = NULL;
    for (size_t i = 0; share == NULL && i < xpm_requirement_count(requirement); i++)
        share = xpm__machine_take_request(machine, xpm_requirement_at(requirement, i), pin);
    return share;
}

void xpm__machine_give(xpm__machine *machine, xpm__share *share)
{
    if (share == NULL)
        return;
    count(machine, share, -1);
    if (share->claim != NULL)
        xpm__claim_free(machine->neighbours, share->claim);
    share_free(share);
}

/* ---- Jobs that run already ----------------------------------------------------------------------- */

/* What a process was started with as CUDA_VISIBLE_DEVICES; NULL when it cannot be read, or is not
 * there. New: xpm_free. */
static char *read_visible(pid_t pid)
{
    char path[64], *found = NULL;
    xpm__str text = {0};
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    if (pid > 0 && xpm__file_read(AT_FDCWD, path, &text) == 0)
        for (size_t at = 0; at < text.size && found == NULL; at += strlen(text.data + at) + 1)
            if (strncmp(text.data + at, VISIBLE "=", strlen(VISIBLE "=")) == 0)
                found = xpm__strdup(text.data + at + strlen(VISIBLE "="));
    xpm__str_free(&text);
    return found;
}

/* The accelerator whose uuid a text begins with, up to a comma or its end; SIZE_MAX when none is. */
static size_t find_device(const xpm__machine *machine, const char *name)
{
    size_t size = strcspn(name, ",");
    for (size_t i = 0; i < machine->gpus.count; i++) {
        const char *uuid = machine->gpus.items[i].uuid;
        if (strlen(uuid) == size && strncmp(uuid, name, size) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* Those that the process names; when these are not what was asked for, what is likely. */
static void find_devices(const xpm__machine *machine, const xpm_request *request, pid_t pid,
                         xpm__share *share)
{
    char *visible = request->accelerator_count > 0 ? read_visible(pid) : NULL;
    const char *at = visible;
    while (at != NULL && share->device_count < request->accelerator_count) {
        size_t index = find_device(machine, at);
        if (index == SIZE_MAX || is_chosen(share, index))
            break;
        choose(machine, index, wanted_at(request, share->device_count)->memory, share);
        at += strcspn(at, ",");
        at = *at == ',' ? at + 1 : NULL;
    }
    xpm_free(visible);
    if (share->device_count < request->accelerator_count) {
        share->device_count = 0;
        choose_all(machine, request, FORCED, share);
    }
}

typedef struct claimed {
    const xpm__machine *machine;
    xpm__share *share;
    size_t most;
} claimed;

static void add_claimed(void *user, const char *uuid, int64_t bytes)
{
    const claimed *c = user;
    size_t index = find_device(c->machine, uuid);
    if (index == SIZE_MAX || c->share->device_count == c->most)
        return;
    choose(c->machine, index, bytes, c->share);
}

/* Those on which it has a claim, if it has one, are known for sure. */
static void find_claim(const xpm__machine *machine, const xpm_request *request, pid_t pid,
                       xpm__share *share)
{
    claimed c = {machine, share, request->accelerator_count};
    if (machine->neighbours != NULL && c.most > 0 && pid > 0)
        share->claim = xpm__neighbours_find(machine->neighbours, pid, add_claimed, &c);
    if (share->device_count < c.most) {
        share->device_count = 0;
        find_devices(machine, request, pid, share);
    }
}

/* Cores to which the process is held, and which no other job has as its own. */
static void find_cores(const xpm__machine *machine, pid_t pid, xpm__share *share)
{
    cpu_set_t set;
    if (pid <= 0 || sched_getaffinity(pid, sizeof set, &set) < 0)
        return;
    CPU_AND(&set, &set, &machine->set);
    if (CPU_EQUAL(&set, &machine->set))
        return;
    for (size_t core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &set) && !CPU_ISSET(core, &machine->pinned))
            CPU_SET(core, &share->cores);
    share->is_pinned = true;
}

xpm__share *xpm__machine_adopt_request(xpm__machine *machine, const xpm_request *request, pid_t pid)
{
    xpm__share *share = share_new(request);
    if (is_known(machine, request)) {
        find_claim(machine, request, pid, share);
        choose_resources(machine, request, share);
    }
    find_cores(machine, pid, share);
    name_devices(machine, share);
    count(machine, share, 1);
    return share;
}

/* Which alternative it has is not known: the first that this machine can give. */
xpm__share *xpm__machine_adopt(xpm__machine *machine, const xpm_requirement *requirement, pid_t pid)
{
    size_t alternatives = requirement != NULL ? xpm_requirement_count(requirement) : 0;
    for (size_t i = 0; i < alternatives; i++) {
        const xpm_request *request = xpm_requirement_at(requirement, i);
        if (xpm__machine_can_request(machine, request, NULL) == 0)
            return xpm__machine_adopt_request(machine, request, pid);
    }
    return xpm__machine_adopt_request(machine, &nothing, pid);
}

xpm__share *xpm__machine_force(xpm__machine *machine, const xpm_requirement *requirement)
{
    return xpm__machine_adopt(machine, requirement, 0);
}

/* ---- What a share says --------------------------------------------------------------------------- */

const char *const *xpm__share_variables(const xpm__share *share)
{
    return share->variables;
}

const cpu_set_t *xpm__share_cores(const xpm__share *share)
{
    return share->is_pinned ? &share->cores : NULL;
}

int64_t xpm__share_memory(const xpm__share *share)
{
    return share->memory;
}

int xpm__share_lock(const xpm__share *share)
{
    return share->claim != NULL ? xpm__claim_lock(share->claim) : -1;
}

void xpm__share_handed(xpm__share *share)
{
    if (share->claim != NULL)
        xpm__claim_handed(share->claim);
}

double xpm__share_seconds(const xpm__share *share)
{
    return share->seconds;
}
