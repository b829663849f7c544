#include "launch/requirement.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

const char *xpm__accelerator_name(xpm_accelerator_kind kind)
{
    static const char *const names[] = {
        [XPM_ACCELERATOR_ANY] = "gpu",
        [XPM_ACCELERATOR_CUDA] = "cuda",
        [XPM_ACCELERATOR_MPS] = "mps",
    };
    return names[kind];
}

bool xpm__resource_is_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]))
        return false;
    for (; *name != '\0'; name++)
        if (!isalnum((unsigned char)*name) && strchr("_.-", *name) == NULL)
            return false;
    return true;
}

/* ---- Putting together -------------------------------------------------------------------------- */

/* The order of accelerators in a request: those with most memory first, and of any kind last. */
static bool is_before(const xpm_accelerator *a, xpm_accelerator_kind kind, int64_t memory)
{
    return a->memory != memory ? a->memory > memory : a->kind >= kind;
}

bool xpm__request_add_accelerators(xpm_request *request, xpm_accelerator_kind kind, int64_t memory,
                                   int64_t count)
{
    size_t had = request->accelerator_count, place = 0;
    if (count > XPM__MOST_ACCELERATORS || had + (size_t)count > XPM__MOST_ACCELERATORS)
        return false;
    size_t more = (size_t)count;
    xpm_accelerator *all =
        xpm__realloc((xpm_accelerator *)request->accelerators, (had + more) * sizeof *all);
    while (place < had && is_before(&all[place], kind, memory))
        place++;
    memmove(all + place + more, all + place, (had - place) * sizeof *all);
    for (size_t i = 0; i < more; i++)
        all[place + i] = (xpm_accelerator){.kind = kind, .memory = memory};
    request->accelerators = all;
    request->accelerator_count = had + more;
    return true;
}

bool xpm__request_add_resource(xpm_request *request, const char *name, int64_t count)
{
    size_t had = request->resource_count, place = 0;
    xpm_resource *all = (xpm_resource *)request->resources;
    while (place < had && strcmp(all[place].name, name) < 0)
        place++;
    bool known = place < had && strcmp(all[place].name, name) == 0;
    if (count > XPM__MOST_RESOURCES || (known && all[place].count > XPM__MOST_RESOURCES - count))
        return false;
    if (known) {
        all[place].count += count;
        return true;
    }
    all = xpm__realloc(all, (had + 1) * sizeof *all);
    memmove(all + place + 1, all + place, (had - place) * sizeof *all);
    all[place] = (xpm_resource){.name = xpm__strdup(name), .count = count};
    request->resources = all;
    request->resource_count = had + 1;
    return true;
}

xpm_request *xpm__requirement_add(xpm_requirement *requirement)
{
    size_t count = requirement->count;
    if (count == XPM__MOST_ALTERNATIVES)
        return NULL;
    requirement->requests =
        xpm__realloc(requirement->requests, (count + 1) * sizeof *requirement->requests);
    requirement->requests[count] = (xpm_request){0};
    requirement->count = count + 1;
    return &requirement->requests[count];
}

/* How many of these, from the first, are alike. */
static size_t count_alike(const xpm_accelerator *first, size_t count)
{
    size_t alike = 1;
    while (alike < count && first[alike].kind == first->kind &&
           first[alike].memory == first->memory)
        alike++;
    return alike;
}

/* Adds so many times the accelerators and resources of `from` to `to`. False when it is too much. */
static bool add_times(xpm_request *to, const xpm_request *from, int64_t count)
{
    int64_t product;
    for (size_t i = 0, alike; i < from->accelerator_count; i += alike) {
        const xpm_accelerator *first = &from->accelerators[i];
        alike = count_alike(first, from->accelerator_count - i);
        if (__builtin_mul_overflow((int64_t)alike, count, &product) ||
            !xpm__request_add_accelerators(to, first->kind, first->memory, product))
            return false;
    }
    for (size_t i = 0; i < from->resource_count; i++)
        if (__builtin_mul_overflow(from->resources[i].count, count, &product) ||
            !xpm__request_add_resource(to, from->resources[i].name, product))
            return false;
    return true;
}

/* Adds what `from` asks for to `to`. False when it is too much. */
static bool join(xpm_request *to, const xpm_request *from)
{
    to->seconds = fmax(to->seconds, from->seconds);
    to->memory = to->memory > from->memory ? to->memory : from->memory;
    to->cores = to->cores > from->cores ? to->cores : from->cores;
    return add_times(to, from, 1);
}

/* ---- Made, and freed --------------------------------------------------------------------------- */

static int fail_too_much(xpm_error *err)
{
    return xpm__fail(
        err, XPM_E_RANGE, "requirement",
        "too much is asked for: at most %d accelerators together, %d of a resource, and "
        "%d alternatives",
        XPM__MOST_ACCELERATORS, XPM__MOST_RESOURCES, XPM__MOST_ALTERNATIVES);
}

static int fail_outside(const char *what, xpm_error *err)
{
    return xpm__fail(err, XPM_E_RANGE, "requirement",
                     "%s is out of range: seconds are from 0 to %lld, memory from 0 to %lld bytes, "
                     "cores from 0 to %d, and a resource is 1 or more of a name such as licence",
                     what, (long long)XPM__MOST_SECONDS, (long long)XPM__MOST_MEMORY,
                     XPM__MOST_CORES);
}

static bool is_memory(int64_t memory)
{
    return memory >= 0 && memory <= XPM__MOST_MEMORY;
}

static int check(const xpm_request *request, xpm_error *err)
{
    if (!(request->seconds >= 0) || request->seconds > (double)XPM__MOST_SECONDS)
        return fail_outside("the duration", err);
    if (request->cores < 0 || request->cores > XPM__MOST_CORES)
        return fail_outside("the number of cores", err);
    if (!is_memory(request->memory))
        return fail_outside("the memory", err);
    for (size_t i = 0; i < request->accelerator_count; i++)
        if (!is_memory(request->accelerators[i].memory) ||
            (unsigned)request->accelerators[i].kind > XPM_ACCELERATOR_MPS)
            return fail_outside("an accelerator", err);
    for (size_t i = 0; i < request->resource_count; i++)
        if (request->resources[i].count < 1 || !xpm__resource_is_name(request->resources[i].name))
            return fail_outside("a resource", err);
    return 0;
}

xpm_requirement *xpm_requirement_new(const xpm_request *requests, size_t count, xpm_error *err)
{
    xpm_requirement *made = xpm__zalloc(sizeof *made);
    if (count == 0) {
        xpm__fail(err, XPM_E_RANGE, "requirement", "a requirement has one alternative or more");
        goto fail;
    }
    for (size_t i = 0; i < count; i++) {
        if (check(&requests[i], err) < 0)
            goto fail;
        xpm_request *request = xpm__requirement_add(made);
        if (request == NULL || !join(request, &requests[i])) {
            fail_too_much(err);
            goto fail;
        }
        request->seconds = ceil(request->seconds);
    }
    return made;
fail:
    xpm_requirement_free(made);
    return NULL;
}

unsigned xpm__requirement_parts(const xpm_requirement *requirement)
{
    size_t count = requirement != NULL ? xpm_requirement_count(requirement) : 0;
    unsigned parts = 0;
    for (size_t i = 0; i < count; i++) {
        const xpm_request *request = xpm_requirement_at(requirement, i);
        parts |= (request->cores > 0 ? XPM__PART_CORES : 0u) |
                 (request->memory > 0 ? XPM__PART_MEMORY : 0u) |
                 (request->accelerator_count > 0 ? XPM__PART_GPUS : 0u) |
                 (request->resource_count > 0 ? XPM__PART_RESOURCES : 0u);
    }
    return parts;
}

xpm_requirement *xpm__requirement_copy(const xpm_requirement *requirement)
{
    return requirement != NULL
               ? xpm_requirement_new(requirement->requests, requirement->count, NULL)
               : NULL;
}

void xpm_requirement_free(xpm_requirement *requirement)
{
    if (requirement == NULL)
        return;
    for (size_t i = 0; i < requirement->count; i++) {
        xpm_request *request = &requirement->requests[i];
        for (size_t j = 0; j < request->resource_count; j++)
            xpm_free((char *)request->resources[j].name);
        xpm_free((xpm_resource *)request->resources);
        xpm_free((xpm_accelerator *)request->accelerators);
    }
    xpm_free(requirement->requests);
    xpm_free(requirement);
}

size_t xpm_requirement_count(const xpm_requirement *requirement)
{
    return requirement->count;
}

const xpm_request *xpm_requirement_at(const xpm_requirement *requirement, size_t index)
{
    return index < requirement->count ? &requirement->requests[index] : NULL;
}

/* ---- Combined ---------------------------------------------------------------------------------- */

xpm_requirement *xpm_requirement_and(const xpm_requirement *a, const xpm_requirement *b,
                                     xpm_error *err)
{
    xpm_requirement *made = xpm__zalloc(sizeof *made);
    for (size_t i = 0; i < a->count * b->count; i++) {
        xpm_request *request = xpm__requirement_add(made);
        if (request == NULL || !join(request, &a->requests[i / b->count]) ||
            !join(request, &b->requests[i % b->count])) {
            fail_too_much(err);
            xpm_requirement_free(made);
            return NULL;
        }
    }
    return made;
}

xpm_requirement *xpm_requirement_or(const xpm_requirement *a, const xpm_requirement *b,
                                    xpm_error *err)
{
    xpm_requirement *made = xpm__requirement_copy(a);
    for (size_t i = 0; i < b->count; i++) {
        xpm_request *request = xpm__requirement_add(made);
        if (request == NULL || !join(request, &b->requests[i])) {
            fail_too_much(err);
            xpm_requirement_free(made);
            return NULL;
        }
    }
    return made;
}

xpm_requirement *xpm_requirement_times(const xpm_requirement *requirement, int64_t count,
                                       xpm_error *err)
{
    xpm_requirement *made = xpm__zalloc(sizeof *made);
    for (size_t i = 0; i < requirement->count; i++) {
        const xpm_request *from = &requirement->requests[i];
        if (count < 1 || from->seconds > 0 || from->memory > 0 || from->cores > 0 ||
            from->accelerator_count + from->resource_count == 0) {
            char *text = xpm_request_print(from);
            xpm__fail(err, XPM_E_RANGE, "requirement",
                      "%.200s cannot be taken %" PRId64 " times: only accelerators and resources "
                      "alone can, once or more, as cuda(mem=8G) * 2 & cpu(cores=4)",
                      text, count);
            xpm_free(text);
            goto fail;
        }
        if (!add_times(xpm__requirement_add(made), from, count)) {
            fail_too_much(err);
            goto fail;
        }
    }
    return made;
fail:
    xpm_requirement_free(made);
    return NULL;
}

xpm_requirement *xpm_requirement_stretch(const xpm_requirement *requirement, double factor,
                                         xpm_error *err)
{
    if (!(factor > 0)) {
        xpm__fail(err, XPM_E_RANGE, "factor", "durations are multiplied by a number above 0");
        return NULL;
    }
    xpm_requirement *made = xpm__requirement_copy(requirement);
    for (size_t i = 0; i < made->count; i++) {
        double seconds = ceil(made->requests[i].seconds * factor);
        if (!(seconds <= (double)XPM__MOST_SECONDS)) {
            fail_outside("the duration", err);
            xpm_requirement_free(made);
            return NULL;
        }
        made->requests[i].seconds = seconds;
    }
    return made;
}

/* ---- Printed ----------------------------------------------------------------------------------- */

static void print_duration(xpm__str *out, double seconds)
{
    static const struct {
        int64_t seconds;
        char name;
    } units[] = {{24 * 3600, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t whole = (int64_t)seconds;
    size_t unit = 0;
    while (whole % units[unit].seconds != 0)
        unit++;
    xpm__str_printf(out, "duration=%" PRId64 "%c", whole / units[unit].seconds, units[unit].name);
}

static void print_memory(xpm__str *out, int64_t memory)
{
    static const char units[] = "BKMGTP";
    size_t unit = 0;
    while (memory % 1024 == 0 && unit + 2 < sizeof units) {
        memory /= 1024;
        unit++;
    }
    xpm__str_printf(out, "mem=%" PRId64 "%c", memory, units[unit]);
}

static void print_cpu(xpm__str *out, const xpm_request *request)
{
    xpm__str_puts(out, "cpu(");
    if (request->memory > 0)
        print_memory(out, request->memory);
    if (request->memory > 0 && request->cores > 0)
        xpm__str_puts(out, ", ");
    if (request->cores > 0)
        xpm__str_printf(out, "cores=%d", request->cores);
    xpm__str_putc(out, ')');
}

static void print_count(xpm__str *out, int64_t count)
{
    if (count > 1)
        xpm__str_printf(out, " * %" PRId64, count);
}

/* Those that are alike, from the first; how many they are. */
static size_t print_accelerators(xpm__str *out, const xpm_accelerator *first, size_t count)
{
    size_t alike = count_alike(first, count);
    xpm__str_printf(out, "%s(", xpm__accelerator_name(first->kind));
    if (first->memory > 0)
        print_memory(out, first->memory);
    xpm__str_putc(out, ')');
    print_count(out, (int64_t)alike);
    return alike;
}

static void separate(xpm__str *out, size_t start)
{
    if (out->size > start)
        xpm__str_puts(out, " & ");
}

static void print_request(xpm__str *out, const xpm_request *request)
{
    size_t start = out->size;
    if (request->seconds > 0)
        print_duration(out, request->seconds);
    for (size_t i = 0; i < request->accelerator_count;) {
        separate(out, start);
        i += print_accelerators(out, request->accelerators + i, request->accelerator_count - i);
    }
    if (request->memory > 0 || request->cores > 0) {
        separate(out, start);
        print_cpu(out, request);
    }
    for (size_t i = 0; i < request->resource_count; i++) {
        separate(out, start);
        xpm__str_printf(out, "resource(%s)", request->resources[i].name);
        print_count(out, request->resources[i].count);
    }
    if (out->size == start)
        print_cpu(out, request); /* nothing is asked for */
}

char *xpm_request_print(const xpm_request *request)
{
    xpm__str out = {0};
    print_request(&out, request);
    return xpm__str_take(&out);
}

char *xpm_requirement_print(const xpm_requirement *requirement)
{
    xpm__str out = {0};
    for (size_t i = 0; i < requirement->count; i++) {
        if (i > 0)
            xpm__str_puts(&out, " | ");
        print_request(&out, &requirement->requests[i]);
    }
    return xpm__str_take(&out);
}
