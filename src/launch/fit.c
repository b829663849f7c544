/* What this machine can give of a requirement that it cannot meet. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "launch/machine.h"
#include "launch/requirement.h"

/* One alternative, which is being made smaller. */
typedef struct fit {
    xpm__machine *machine;
    const xpm_host *host;
    const xpm_request *asked;
    xpm_request request;
    xpm_accelerator *accelerators;
    xpm_resource *resources;
    xpm__str lacks; /* all that the machine lacks, in words */
} fit;

static void add_lack(xpm__str *lacks, const char *what)
{
    xpm__str_puts(lacks, lacks->size > 0 ? "; " : "");
    xpm__str_puts(lacks, what);
}

/* Whether it has a part of what is asked for; if not that is lacking. */
static bool has(fit *f, const xpm_request *part)
{
    xpm_error err = {0};
    if (xpm__machine_can_request(f->machine, part, &err) == 0)
        return true;
    add_lack(&f->lacks, err.message);
    return false;
}

static void fit_cores(fit *f)
{
    f->request.cores = f->asked->cores;
    if (!has(f, &(xpm_request){.cores = f->asked->cores}))
        f->request.cores = f->host->cores;
}

static void fit_memory(fit *f)
{
    f->request.memory = f->asked->memory;
    if (!has(f, &(xpm_request){.memory = f->asked->memory}))
        f->request.memory = f->host->memory;
}

/* The one with most memory is asked of that with most memory, and so on; all of it, where it has less. */
static void choose_accelerators(fit *f)
{
    const xpm_host *host = f->host;
    size_t count = 0;
    for (size_t i = 0; i < f->asked->accelerator_count && count < host->accelerator_count; i++) {
        xpm_accelerator wanted = f->asked->accelerators[i];
        if (wanted.kind == XPM_ACCELERATOR_MPS)
            continue;
        if (wanted.memory > host->accelerators[count].memory)
            wanted.memory = 0;
        f->accelerators[count++] = wanted;
    }
    f->request.accelerator_count = count;
}

/* Parts of a divided one cannot be had together: then it is one. */
static void fit_accelerators(fit *f)
{
    size_t count = f->asked->accelerator_count;
    f->request.accelerators = f->asked->accelerators;
    f->request.accelerator_count = count;
    if (has(f, &(xpm_request){.accelerators = f->asked->accelerators, .accelerator_count = count}))
        return;
    f->request.accelerators = f->accelerators = xpm__alloc(count * sizeof *f->accelerators);
    choose_accelerators(f);
    while (
        f->request.accelerator_count > 0 &&
        xpm__machine_can_request(f->machine,
                                 &(xpm_request){.accelerators = f->accelerators,
                                                .accelerator_count = f->request.accelerator_count},
                                 NULL) < 0)
        f->request.accelerator_count--;
}

static int64_t count_of(const xpm_host *host, const char *name)
{
    for (size_t i = 0; i < host->resource_count; i++)
        if (strcmp(host->resources[i].name, name) == 0)
            return host->resources[i].count;
    return 0;
}

static void fit_resources(fit *f)
{
    size_t count = f->asked->resource_count;
    f->request.resources = f->resources = xpm__alloc((count + 1) * sizeof *f->resources);
    for (size_t i = 0; i < count; i++) {
        xpm_resource wanted = f->asked->resources[i];
        if (!has(f, &(xpm_request){.resources = &f->asked->resources[i], .resource_count = 1}))
            wanted.count = count_of(f->host, wanted.name);
        if (wanted.count > 0)
            f->resources[f->request.resource_count++] = wanted;
    }
}

/* Adds what is lacking to `lacks`. */
static xpm_requirement *fit_request(xpm__machine *machine, const xpm_host *host,
                                    const xpm_request *asked, xpm__str *lacks, xpm_error *err)
{
    fit f = {.machine = machine, .host = host, .asked = asked};
    f.request.seconds = asked->seconds;
    fit_cores(&f);
    fit_memory(&f);
    fit_accelerators(&f);
    fit_resources(&f);
    xpm_requirement *fitted = xpm_requirement_new(&f.request, 1, err);
    if (f.lacks.size > 0)
        add_lack(lacks, f.lacks.data);
    xpm__str_free(&f.lacks);
    xpm_free(f.accelerators);
    xpm_free(f.resources);
    return fitted;
}

/* The alternatives that it can give whole; NULL when there is none. */
static xpm_requirement *possible(xpm__machine *machine, const xpm_requirement *requirement)
{
    size_t count = xpm_requirement_count(requirement), kept = 0;
    xpm_request *requests = xpm__alloc(count * sizeof *requests);
    for (size_t i = 0; i < count; i++)
        if (xpm__machine_can_request(machine, xpm_requirement_at(requirement, i), NULL) == 0)
            requests[kept++] = *xpm_requirement_at(requirement, i);
    xpm_requirement *found = kept > 0 ? xpm_requirement_new(requests, kept, NULL) : NULL;
    xpm_free(requests);
    return found;
}

static xpm_requirement *fit_to(xpm__machine *machine, const xpm_requirement *requirement,
                               xpm__str *lacks, xpm_error *err)
{
    if (xpm__machine_can(machine, requirement, err) == 0)
        return xpm__requirement_copy(requirement);
    if (err->code == XPM_E_IO) {
        add_lack(lacks, err->message);
        xpm__machine_have_no_accelerators(machine);
    }
    const xpm_host *host = xpm__machine_host(machine, err);
    xpm_requirement *found = host != NULL ? possible(machine, requirement) : NULL;
    if (host == NULL || found != NULL)
        return found;
    return fit_request(machine, host, xpm_requirement_at(requirement, 0), lacks, err);
}

xpm_requirement *xpm_requirement_fit(const xpm_requirement *requirement, char **lacks,
                                     xpm_error *err)
{
    xpm_error own = {0};
    xpm__str words = {0};
    xpm__machine *machine = xpm__machine_new(0);
    xpm_requirement *fitted = fit_to(machine, requirement, &words, &own);
    *lacks = fitted != NULL && words.size > 0 ? xpm__str_take(&words) : NULL;
    if (fitted == NULL && err != NULL)
        *err = own;
    xpm__str_free(&words);
    xpm__machine_free(machine);
    return fitted;
}
