#include "launch/machine.h"

#include "base/mem.h"

struct xpm__machine {
    int free_slots;
};

struct xpm__share {
    int slots;
};

xpm__machine *xpm__machine_new(int slots)
{
    xpm__machine *machine = xpm__zalloc(sizeof *machine);
    machine->free_slots = slots;
    return machine;
}

void xpm__machine_free(xpm__machine *machine)
{
    xpm_free(machine);
}

bool xpm__machine_has_slot(const xpm__machine *machine)
{
    return machine->free_slots > 0;
}

xpm__share *xpm__machine_force(xpm__machine *machine, const xpm_requirement *requirement)
{
    xpm__share *share = xpm__zalloc(sizeof *share);
    (void)requirement;
    share->slots = 1;
    machine->free_slots -= share->slots;
    return share;
}

xpm__share *xpm__machine_take(xpm__machine *machine, const xpm_requirement *requirement, bool pin)
{
    (void)pin;
    return machine->free_slots > 0 ? xpm__machine_force(machine, requirement) : NULL;
}

void xpm__machine_give(xpm__machine *machine, xpm__share *share)
{
    if (share == NULL)
        return;
    machine->free_slots += share->slots;
    xpm_free(share);
}

const char *const *xpm__share_variables(const xpm__share *share)
{
    static const char *const none[] = {NULL};
    (void)share;
    return none;
}

const cpu_set_t *xpm__share_cores(const xpm__share *share)
{
    (void)share;
    return NULL;
}
