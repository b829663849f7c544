#include "launch/slurm_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Seconds that the runner's own end, at the job's limit, has before Slurm's. */
enum { GRACE = 60 };

/* Of sbatch, in its versions so far; '=' for those that take a value, '?' that may, '!' that the
 * library sets itself, or that it could not work with. */
static const struct known {
    const char *name;
    char kind;
} known[] = {
    {"account", '='},
    {"acctg-freq", '='},
    {"array", '!'},
    {"batch", '='},
    {"bb", '='},
    {"bbf", '='},
    {"begin", '='},
    {"chdir", '!'},
    {"cluster-constraint", '='},
    {"clusters", '!'},
    {"comment", '!'},
    {"constraint", '='},
    {"consolidate-segments", ' '},
    {"container", '='},
    {"container-id", '='},
    {"contiguous", ' '},
    {"core-spec", '='},
    {"cores-per-socket", '='},
    {"cpu-freq", '='},
    {"cpus-per-gpu", '='},
    {"cpus-per-task", '='},
    {"deadline", '='},
    {"delay-boot", '='},
    {"dependency", '!'},
    {"distribution", '='},
    {"error", '!'},
    {"exclude", '='},
    {"exclusive", '?'},
    {"export", '!'},
    {"export-file", '!'},
    {"extra", '='},
    {"extra-node-info", '='},
    {"get-user-env", '?'},
    {"gid", '='},
    {"gpu-bind", '='},
    {"gpu-freq", '='},
    {"gpus", '='},
    {"gpus-per-node", '='},
    {"gpus-per-socket", '='},
    {"gpus-per-task", '='},
    {"gres", '='},
    {"gres-flags", '='},
    {"help", '!'},
    {"hint", '='},
    {"hold", ' '},
    {"ignore-pbs", ' '},
    {"input", '!'},
    {"job-name", '='},
    {"kill-on-invalid-dep", '!'},
    {"licenses", '='},
    {"mail-type", '='},
    {"mail-user", '='},
    {"mcs-label", '='},
    {"mem", '='},
    {"mem-bind", '='},
    {"mem-per-cpu", '='},
    {"mem-per-gpu", '='},
    {"mincpus", '='},
    {"network", '='},
    {"nice", '?'},
    {"no-kill", '?'},
    {"no-requeue", ' '},
    {"nodefile", '='},
    {"nodelist", '='},
    {"nodes", '='},
    {"ntasks", '='},
    {"ntasks-per-core", '='},
    {"ntasks-per-gpu", '='},
    {"ntasks-per-node", '='},
    {"ntasks-per-socket", '='},
    {"oom-kill-step", '?'},
    {"open-mode", '!'},
    {"output", '!'},
    {"overcommit", ' '},
    {"oversubscribe", ' '},
    {"parsable", '!'},
    {"partition", '='},
    {"power", '='},
    {"prefer", '='},
    {"priority", '='},
    {"profile", '='},
    {"propagate", '?'},
    {"qos", '='},
    {"quiet", '!'},
    {"reboot", ' '},
    {"requeue", ' '},
    {"reservation", '='},
    {"resv-ports", '?'},
    {"segment", '='},
    {"signal", '='},
    {"sockets-per-node", '='},
    {"spread-job", ' '},
    {"spread-segments", ' '},
    {"stepmgr", ' '},
    {"switches", '='},
    {"test-only", '!'},
    {"thread-spec", '='},
    {"threads-per-core", '='},
    {"time", '='},
    {"time-min", '='},
    {"tmp", '='},
    {"tres-bind", '='},
    {"tres-per-task", '='},
    {"uid", '='},
    {"usage", '!'},
    {"use-min-nodes", ' '},
    {"verbose", '!'},
    {"version", '!'},
    {"wait", '!'},
    {"wait-all-nodes", '='},
    {"wckey", '='},
    {"wrap", '!'},
};
enum { KNOWN = sizeof known / sizeof *known };

/* Those that start more than one process of a job, when their value is not 1. */
static const char *const of_ranks[] = {
    "ntasks", "nodes", "ntasks-per-node", "ntasks-per-socket", "ntasks-per-core", "ntasks-per-gpu",
};

static size_t name_size(const char *option)
{
    return strcspn(option, "=");
}

static bool is_named(const char *option, const char *name)
{
    return name_size(option) == strlen(name) && strncmp(option, name, strlen(name)) == 0;
}

static const char *find(const char *const *options, const char *name)
{
    for (; options != NULL && *options != NULL; options++)
        if (is_named(*options, name))
            return *options;
    return NULL;
}

static bool has_any(const char *const *options, const char *const *names)
{
    for (; *names != NULL; names++)
        if (find(options, *names) != NULL)
            return true;
    return false;
}

/* ---- The user's -------------------------------------------------------------------------------- */

static int check_unknown(const char *name, xpm_error *err)
{
    const char *names[KNOWN];
    for (size_t i = 0; i < KNOWN; i++)
        names[i] = known[i].name;
    const char *near = xpm__nearest(name, names, KNOWN);
    if (near == NULL)
        return 0; /* of a later version: sbatch knows */
    return xpm__fail(err, XPM_E_RANGE, name, "sbatch has no option \"%s\"; did you mean \"%s\"?",
                     name, near);
}

int xpm__slurm_check_option(const char *option, xpm_error *err)
{
    char name[64];
    size_t size = name_size(option);
    snprintf(name, sizeof name, "%.*s", (int)size, option);
    if (option[0] == '-')
        return xpm__fail(err, XPM_E_RANGE, name,
                         "an option of sbatch is given without its dashes: \"%s\"",
                         option + strspn(option, "-"));
    if (size < 2 || size >= sizeof name ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != size)
        return xpm__fail(
            err, XPM_E_RANGE, name,
            "\"%s\" is no option of sbatch: it is a long name, as in \"partition=gpu\"", option);
    for (size_t i = 0; i < KNOWN; i++) {
        if (!is_named(option, known[i].name))
            continue;
        bool has_value = option[size] == '=';
        if (known[i].kind == '!')
            return xpm__fail(err, XPM_E_RANGE, name,
                             "the option \"%s\" of sbatch is set by the launcher itself", name);
        if (known[i].kind == '=' && (!has_value || option[size + 1] == '\0'))
            return xpm__fail(err, XPM_E_RANGE, name,
                             "the option \"%s\" of sbatch takes a value: \"%s=...\"", name, name);
        if (known[i].kind == ' ' && has_value)
            return xpm__fail(err, XPM_E_RANGE, name, "the option \"%s\" of sbatch takes no value",
                             name);
        return 0;
    }
    return check_unknown(name, err);
}

bool xpm__slurm_has_ranks(const char *const *options)
{
    for (size_t i = 0; i < sizeof of_ranks / sizeof *of_ranks; i++) {
        const char *option = find(options, of_ranks[i]);
        if (option != NULL && strcmp(option + name_size(option), "=1") != 0)
            return true;
    }
    return false;
}

/* ---- The job's --------------------------------------------------------------------------------- */

static const xpm_request *first_of(const xpm_requirement *requirement)
{
    return requirement != NULL && xpm_requirement_count(requirement) > 0
               ? xpm_requirement_at(requirement, 0)
               : NULL;
}

int xpm__slurm_can(const xpm_requirement *requirement, xpm_error *err)
{
    const xpm_request *request = first_of(requirement);
    for (size_t i = 0; request != NULL && i < request->accelerator_count; i++)
        if (request->accelerators[i].kind == XPM_ACCELERATOR_MPS)
            return xpm__fail(err, XPM_E_RANGE, "mps",
                             "Slurm has no accelerators of the kind mps: ask for gpu() or cuda()");
    return 0;
}

__attribute__((format(printf, 2, 3))) static void add(xpm__str *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    xpm__str_vprintf(out, format, args);
    va_end(args);
    xpm__str_putc(out, '\0');
}

static void add_time(const char *const *options, const xpm__slurm_need *need,
                     const xpm_request *request, xpm__str *out)
{
    double seconds = request != NULL ? request->seconds : 0;
    if (need->limits.seconds > 0 && need->limits.seconds + GRACE > seconds)
        seconds = need->limits.seconds + GRACE;
    if (seconds > 0 && seconds < 1e9 && find(options, "time") == NULL)
        add(out, "--time=%lld",
            ((long long)seconds + 59 + (seconds > (double)(long long)seconds)) / 60);
}

/* The limit of memory alone is kept by the runner: what Slurm gives by default may be more. */
static void add_memory(const char *const *options, const xpm__slurm_need *need,
                       const xpm_request *request, xpm__str *out)
{
    static const char *const names[] = {"mem", "mem-per-cpu", "mem-per-gpu", NULL};
    if (request == NULL || request->memory <= 0 || has_any(options, names))
        return;
    double bytes = (double)request->memory * need->growth;
    if (bytes < (double)need->limits.memory)
        bytes = (double)need->limits.memory;
    long long megabytes = (long long)(bytes / (1 << 20));
    add(out, "--mem=%lldM", megabytes + ((double)megabytes * (1 << 20) < bytes));
}

/* Accelerators are gpu, whatever their memory; resources have the names that the cluster gives. */
static void add_resources(const char *const *options, const xpm_request *request, xpm__str *out)
{
    static const char *const names[] = {
        "gres", "gpus", "gpus-per-node", "gpus-per-task", "gpus-per-socket", NULL};
    xpm__str gres = {0};
    if (has_any(options, names))
        return;
    if (request->accelerator_count > 0)
        xpm__str_printf(&gres, "gpu:%zu", request->accelerator_count);
    for (size_t i = 0; i < request->resource_count; i++)
        xpm__str_printf(&gres, "%s%s:%lld", gres.size > 0 ? "," : "", request->resources[i].name,
                        (long long)request->resources[i].count);
    if (gres.size > 0)
        add(out, "--gres=%s", gres.data);
    xpm__str_free(&gres);
}

void xpm__slurm_add_arguments(const char *const *options, const xpm__slurm_need *need,
                              xpm__str *out)
{
    const xpm_request *request = first_of(need->requirement);
    add_time(options, need, request, out);
    add_memory(options, need, request, out);
    if (request != NULL && request->cores > 0 && find(options, "cpus-per-task") == NULL)
        add(out, "--cpus-per-task=%d", request->cores);
    if (request != NULL)
        add_resources(options, request, out);
    for (; options != NULL && *options != NULL; options++)
        add(out, "--%s", *options);
}
