/* What a machine can never give of what is asked for, in words. */
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "launch/machine_inside.h"

static void miss_resource(const xpm__machine *machine, const xpm_resource *wanted, xpm__str *why)
{
    const xpm_resource *has = xpm__machine_resource(machine, wanted->name);
    if (has == NULL)
        xpm__str_printf(why, "%s is asked for, and XPM_RESOURCES counts none", wanted->name);
    else if (wanted->count > has->count)
        xpm__str_printf(why, "%lld of %s are asked for, and XPM_RESOURCES counts %lld",
                        (long long)wanted->count, wanted->name, (long long)has->count);
}

static const char *kind_name(const xpm_request *request)
{
    static const char *const names[] = {"", "CUDA ", "MPS "};
    xpm_accelerator_kind kind = XPM_ACCELERATOR_ANY;
    for (size_t i = 0; i < request->accelerator_count; i++)
        if (request->accelerators[i].kind > kind)
            kind = request->accelerators[i].kind;
    return names[kind];
}

/* As "79.65 GiB": what is lacking may be little. */
static void add_size(xpm__str *out, int64_t bytes)
{
    enum { DIGITS = 4 };
    char text[XPM__REAL_SIZE];
    xpm__real_print((double)bytes / (1 << 30), DIGITS, text);
    xpm__str_printf(out, "%s GiB", text);
}

/* " (80 GiB, 40 GiB)" */
static void add_sizes(xpm__str *out, const int64_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        xpm__str_puts(out, i == 0 ? " (" : ", ");
        if (sizes[i] > 0)
            add_size(out, sizes[i]);
        else
            xpm__str_puts(out, "all of one");
    }
    xpm__str_puts(out, count > 0 ? ")" : "");
}

static void say_accelerators(const xpm__machine *machine, const xpm_request *request, xpm__str *why)
{
    enum { SHOWN = 8 };
    int64_t wanted[SHOWN], has[SHOWN];
    size_t count = request->accelerator_count, there = machine->gpus.count;
    for (size_t i = 0; i < SHOWN; i++) {
        wanted[i] = i < count ? request->accelerators[i].memory : 0;
        has[i] = i < there ? machine->devices[i].memory : 0;
    }
    xpm__str_printf(why, "%zu %saccelerator%s asked for", count, kind_name(request),
                    count > 1 ? "s are" : " is");
    add_sizes(why, wanted, count < SHOWN ? count : SHOWN);
    xpm__str_puts(why, ", and this machine has ");
    if (there > 0)
        xpm__str_printf(why, "%zu of CUDA", there);
    else
        xpm__str_puts(why, "none");
    add_sizes(why, has, there < SHOWN ? there : SHOWN);
    if (there > 0 && machine->gpus.items[0].of != NULL && count > 1)
        xpm__str_puts(why, "; a process can use one part of a divided one, and nothing beside it");
    if (machine->visible != NULL)
        xpm__str_printf(why, ", as CUDA_VISIBLE_DEVICES is \"%.100s\"", machine->visible);
}

static void miss_memory(const xpm__machine *machine, const xpm_request *request, xpm__str *why)
{
    add_size(why, request->memory);
    xpm__str_puts(why, " of memory are asked for, and this machine has ");
    add_size(why, machine->memory);
    xpm__str_puts(why, " for this process");
}

/* Adds what the machine lacks first; nothing when it can give all. -1 when that is not known. */
static int miss(xpm__machine *machine, const xpm_request *request, xpm__str *why, xpm_error *err)
{
    size_t size = why->size;
    if (xpm__machine_look(machine, request, err) < 0)
        return -1;
    if (request->cores > machine->cores)
        xpm__str_printf(why, "%d cores are asked for, and this machine has %d for this process",
                        request->cores, machine->cores);
    else if (machine->memory > 0 && request->memory > machine->memory)
        miss_memory(machine, request, why);
    else if (request->accelerator_count > 0 && !xpm__machine_has_accelerators(machine, request))
        say_accelerators(machine, request, why);
    for (size_t i = 0; i < request->resource_count && why->size == size; i++)
        miss_resource(machine, &request->resources[i], why);
    return 0;
}

int xpm__machine_can_request(xpm__machine *machine, const xpm_request *request, xpm_error *err)
{
    xpm__str why = {0};
    int status = miss(machine, request, &why, err);
    if (status == 0 && why.size > 0)
        status = xpm__fail(err, XPM_E_RANGE, "", "%s", why.data);
    xpm__str_free(&why);
    return status;
}

int xpm__machine_can(xpm__machine *machine, const xpm_requirement *requirement, xpm_error *err)
{
    xpm__str why = {0};
    bool can = requirement == NULL;
    int status = 0;
    for (size_t i = 0; status == 0 && !can && i < xpm_requirement_count(requirement); i++) {
        xpm__str_puts(&why, i > 0 ? "; or: " : "");
        size_t size = why.size;
        status = miss(machine, xpm_requirement_at(requirement, i), &why, err);
        can = status == 0 && why.size == size;
    }
    if (status == 0 && !can)
        status = xpm__fail(err, XPM_E_RANGE, "", "%s", why.data);
    xpm__str_free(&why);
    return status;
}
