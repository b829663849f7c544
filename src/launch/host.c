/* Whether a machine has what is asked for. */
#include <experimaestro.h>

#include <string.h>

#include "base/mem.h"

static bool is_of_kind(const xpm_accelerator *has, const xpm_accelerator *asked)
{
    return asked->kind == XPM_ACCELERATOR_ANY || has->kind == asked->kind;
}

/* Memory that an accelerator has, when it is known: one that shares the machine's may have all of it. */
static int64_t memory_of(const xpm_host *host, const xpm_accelerator *has)
{
    return has->memory == 0 && has->kind == XPM_ACCELERATOR_MPS ? host->memory : has->memory;
}

static bool serves(const xpm_host *host, const xpm_accelerator *has, const xpm_accelerator *asked)
{
    int64_t memory = memory_of(host, has);
    return is_of_kind(has, asked) && (memory == 0 || memory >= asked->memory) &&
           asked->memory >= has->min_memory;
}

/* The free one with the least memory that serves; -1 when there is none. */
static ptrdiff_t find_smallest(const xpm_host *host, const xpm_accelerator *asked,
                               const bool *taken)
{
    ptrdiff_t best = -1;
    for (size_t i = 0; i < host->accelerator_count; i++)
        if (!taken[i] && serves(host, &host->accelerators[i], asked) &&
            (best < 0 ||
             memory_of(host, &host->accelerators[i]) < memory_of(host, &host->accelerators[best])))
            best = (ptrdiff_t)i;
    return best;
}

/* Takes accelerators for those that are asked for by their kind, or for the others, which are left
 * what these do not need; in the order of the request, the largest first. Adds up the memory that is
 * the machine's. */
static bool take(const xpm_host *host, const xpm_request *request, bool of_any_kind, bool *taken,
                 int64_t *memory)
{
    for (size_t i = 0; i < request->accelerator_count; i++) {
        const xpm_accelerator *asked = &request->accelerators[i];
        if ((asked->kind == XPM_ACCELERATOR_ANY) != of_any_kind)
            continue;
        ptrdiff_t found = find_smallest(host, asked, taken);
        if (found < 0)
            return false;
        taken[found] = true;
        if (host->accelerators[found].kind == XPM_ACCELERATOR_MPS)
            *memory += asked->memory;
    }
    return true;
}

static bool has_memory_and_accelerators(const xpm_host *host, const xpm_request *request)
{
    int64_t memory = request->memory;
    if (request->accelerator_count > host->accelerator_count)
        return false;
    bool *taken = xpm__zalloc(host->accelerator_count + 1);
    bool has =
        take(host, request, false, taken, &memory) && take(host, request, true, taken, &memory);
    xpm_free(taken);
    return has && (host->memory == 0 || memory <= host->memory);
}

static bool has_resources(const xpm_host *host, const xpm_request *request)
{
    for (size_t i = 0; i < request->resource_count; i++) {
        const xpm_resource *asked = &request->resources[i];
        bool found = false;
        for (size_t j = 0; j < host->resource_count && !found; j++)
            found = strcmp(host->resources[j].name, asked->name) == 0 &&
                    host->resources[j].count >= asked->count;
        if (!found)
            return false;
    }
    return true;
}

bool xpm_host_matches(const xpm_host *host, const xpm_request *request)
{
    if (host->max_seconds > 0 && request->seconds > host->max_seconds)
        return false;
    if (host->cores > 0 && request->cores > host->cores)
        return false;
    if (request->memory < host->min_memory || request->accelerator_count < host->min_accelerators)
        return false;
    return has_resources(host, request) && has_memory_and_accelerators(host, request);
}

ptrdiff_t xpm_host_match(const xpm_host *host, const xpm_requirement *requirement)
{
    for (size_t i = 0; i < xpm_requirement_count(requirement); i++)
        if (xpm_host_matches(host, xpm_requirement_at(requirement, i)))
            return (ptrdiff_t)i;
    return -1;
}
