#include "launch/machine_look.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "launch/cgroup_find.h"
#include "launch/requirement.h"

/* ---- Lists of accelerators ----------------------------------------------------------------------- */

static void clear_gpu(xpm__gpu *gpu)
{
    xpm_free(gpu->uuid);
    xpm_free(gpu->of);
}

void xpm__gpus_free(xpm__gpus *gpus)
{
    for (size_t i = 0; i < gpus->count; i++)
        clear_gpu(&gpus->items[i]);
    xpm_free(gpus->items);
    *gpus = (xpm__gpus){0};
}

/* Takes the texts. One more than fit, or of a uuid that is there, is dropped. */
static void add_gpu(xpm__gpus *gpus, xpm__gpu gpu)
{
    bool known = gpus->count >= XPM__GPUS_MAX;
    for (size_t i = 0; i < gpus->count && !known; i++)
        known = strcmp(gpus->items[i].uuid, gpu.uuid) == 0;
    if (known) {
        clear_gpu(&gpu);
        return;
    }
    gpus->items = xpm__grow(gpus->items, &gpus->capacity, gpus->count, sizeof *gpus->items);
    gpus->items[gpus->count++] = gpu;
}

static xpm__gpu copy_gpu(const xpm__gpu *gpu)
{
    xpm__gpu copy = *gpu;
    copy.uuid = xpm__strdup(gpu->uuid);
    copy.of = xpm__strdup(gpu->of);
    return copy;
}

/* ---- What nvidia-smi says ------------------------------------------------------------------------ */

/* How much of a text a uuid is: "GPU-..." or "MIG-...", of characters that need no care in a variable.
 * 0 when it begins with none. */
static size_t uuid_size(const char *text, const char *prefix)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/";
    size_t size = strspn(text, plain);
    return size > strlen(prefix) && strncmp(text, prefix, strlen(prefix)) == 0 ? size : 0;
}

static const char *skip_to(const char *at, const char *separator)
{
    at += strspn(at, " \t");
    if (strncmp(at, separator, strlen(separator)) != 0)
        return NULL;
    at += strlen(separator);
    return at + strspn(at, " \t");
}

/* A line "INDEX, UUID, MIB"; with a text in the place of MIB where it has no memory of its own. */
static bool parse_gpu(const char *line, xpm__gpu *gpu)
{
    char *end;
    long index = strtol(line, &end, 10);
    const char *uuid = end != line ? skip_to(end, ",") : NULL;
    size_t size = uuid != NULL ? uuid_size(uuid, "GPU-") : 0;
    const char *memory = size > 0 ? skip_to(uuid + size, ",") : NULL;
    if (memory == NULL || index < 0 || index > INT_MAX)
        return false;
    long long mib = strtoll(memory, NULL, 10);
    *gpu = (xpm__gpu){
        .uuid = xpm__strndup(uuid, size),
        .index = (int)index,
        .memory = mib > 0 && mib < INT64_MAX >> 20 ? (int64_t)mib << 20 : 0,
    };
    return true;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL ? end + 1 : NULL;
}

static const char no_devices[] = "No devices were found";

static int fail_smi(xpm_error *err, const char *problem, const char *text)
{
    xpm__str said = {0};
    size_t size = strcspn(text, "\n");
    xpm__str_add_visible(&said, text, size < 200 ? size : 200);
    xpm__fail(err, XPM_E_IO, "nvidia-smi", "nvidia-smi %s, so that accelerators are not known: %s",
              problem, said.size > 0 ? said.data : "it says nothing");
    xpm__str_free(&said);
    return -1;
}

int xpm__gpus_parse(xpm__gpus *gpus, const char *text, xpm_error *err)
{
    bool empty = true, any = false;
    for (const char *line = text; line != NULL; line = next_line(line)) {
        xpm__gpu gpu;
        const char *at = line + strspn(line, " \t\r");
        empty = empty && (*at == '\0' || *at == '\n');
        size_t digits = strspn(at, "0123456789");
        if (digits == 0 || at[digits] != ',')
            continue;
        any = true; /* also without a uuid: then it is lost */
        if (parse_gpu(at, &gpu))
            add_gpu(gpus, gpu);
    }
    if (any || empty || strncmp(text, no_devices, strlen(no_devices)) == 0)
        return 0;
    return fail_smi(err, "says what is no list of accelerators", text);
}

/* The first that has it. */
static xpm__gpu *find_gpu(const xpm__gpus *gpus, const char *uuid, size_t size)
{
    for (size_t i = 0; i < gpus->count; i++) {
        xpm__gpu *gpu = &gpus->items[i];
        if (strncmp(gpu->uuid, uuid, size) == 0 ||
            (gpu->of != NULL && strncmp(gpu->of, uuid, size) == 0))
            return gpu;
    }
    return NULL;
}

/* The bytes of a profile as "3g.20gb". What it has is a little more than that many 10^9. */
static int64_t profile_memory(const char *line, const char *end)
{
    const char *dot = memchr(line, '.', (size_t)(end - line));
    long long count = dot != NULL ? strtoll(dot + 1, NULL, 10) : 0;
    return count > 0 && count < INT64_MAX / 1000000000 ? (int64_t)count * 1000000000 : 0;
}

/* The line of a whole one is "GPU 0: NAME (UUID: GPU-...)"; below it are those of its parts,
 * "  MIG 3g.20gb  Device  0: (UUID: MIG-...)". */
static void divide_line(xpm__gpus *parts, const xpm__gpus *gpus, const char *line,
                        const xpm__gpu **whole)
{
    static const char mark[] = "(UUID: ";
    const char *end = line + strcspn(line, "\n"), *at = line + strspn(line, " \t");
    const char *found = strstr(at, mark);
    const char *uuid = found != NULL && found < end ? found + strlen(mark) : end;
    size_t gpu_size = uuid_size(uuid, "GPU-"), part_size = uuid_size(uuid, "MIG-");
    if (strncmp(at, "GPU ", 4) == 0)
        *whole = gpu_size > 0 ? find_gpu(gpus, uuid, gpu_size) : NULL;
    if (*whole != NULL && part_size > 0 && strncmp(at, "MIG ", 4) == 0)
        add_gpu(parts, (xpm__gpu){.uuid = xpm__strndup(uuid, part_size),
                                  .of = xpm__strdup((*whole)->uuid),
                                  .index = (*whole)->index,
                                  .memory = profile_memory(at, end)});
}

void xpm__gpus_divide(xpm__gpus *gpus, const char *text)
{
    xpm__gpus parts = {0}, all = {0};
    const xpm__gpu *whole = NULL;
    for (const char *line = text; line != NULL; line = next_line(line))
        divide_line(&parts, gpus, line, &whole);
    for (size_t i = 0; i < gpus->count; i++) {
        bool divided = false;
        for (size_t j = 0; j < parts.count; j++)
            if (strcmp(parts.items[j].of, gpus->items[i].uuid) == 0) {
                add_gpu(&all, copy_gpu(&parts.items[j]));
                divided = true;
            }
        if (!divided)
            add_gpu(&all, copy_gpu(&gpus->items[i]));
    }
    xpm__gpus_free(&parts);
    xpm__gpus_free(gpus);
    *gpus = all;
}

/* ---- CUDA_VISIBLE_DEVICES ------------------------------------------------------------------------ */

static const xpm__gpu *find_visible(const xpm__gpus *gpus, const char *name, size_t size)
{
    char *end;
    if (uuid_size(name, "GPU-") >= size || uuid_size(name, "MIG-") >= size)
        return find_gpu(gpus, name, size);
    long index = isdigit((unsigned char)*name) ? strtol(name, &end, 10) : -1;
    for (size_t i = 0; index >= 0 && end == name + size && i < gpus->count; i++)
        if (gpus->items[i].index == index)
            return &gpus->items[i];
    return NULL;
}

void xpm__gpus_restrict(xpm__gpus *gpus, const char *visible)
{
    xpm__gpus kept = {0};
    for (const char *at = visible;; at++) {
        at += strspn(at, " \t");
        size_t size = strcspn(at, ", \t");
        const xpm__gpu *gpu = size > 0 ? find_visible(gpus, at, size) : NULL;
        if (gpu == NULL)
            break;
        add_gpu(&kept, copy_gpu(gpu));
        at += size + strspn(at + size, " \t");
        if (*at != ',')
            break;
    }
    xpm__gpus_free(gpus);
    *gpus = kept;
}

/* ---- Asking nvidia-smi --------------------------------------------------------------------------- */

/* It is slow where no other program keeps the driver awake. */
static const xpm__patience patience = {.seconds = 60, .size = 1 << 20, .hurry = -1};

/* What it prints. `*there` is false where there is no such program. */
static int ask(const char *const *argv, xpm__str *out, bool *there, xpm_error *err)
{
    char problem[64];
    int status = xpm__process_read(argv, environ, &patience, out);
    int saved = errno;
    *there = status >= 0 || saved != ENOENT;
    xpm__str_add(out, "", 0); /* for a text that is empty */
    if (status == 0 || !*there || strncmp(out->data, no_devices, strlen(no_devices)) == 0)
        return 0;
    if (status > 0)
        snprintf(problem, sizeof problem, "fails with status %d", status);
    else
        snprintf(problem, sizeof problem, "fails (%s)", strerror(saved));
    return fail_smi(err, problem, out->data);
}

static int ask_all(xpm__gpus *gpus, xpm_error *err)
{
    static const char *const query[] = {"nvidia-smi", "--query-gpu=index,uuid,memory.total",
                                        "--format=csv,noheader,nounits", NULL};
    static const char *const list[] = {"nvidia-smi", "-L", NULL};
    xpm__str out = {0};
    bool there;
    int status = ask(query, &out, &there, err);
    if (status == 0 && there)
        status = xpm__gpus_parse(gpus, out.data, err);
    xpm__str_clear(&out);
    if (status == 0 && gpus->count > 0) {
        status = ask(list, &out, &there, err);
        xpm__gpus_divide(gpus, out.data);
    }
    xpm__str_free(&out);
    return status;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* each experiment has a thread */
static bool asked;
static xpm__gpus known;

static void forget(void)
{
    xpm__gpus_free(&known);
    asked = false;
}

int xpm__gpus_look(xpm__gpus *gpus, xpm_error *err)
{
    pthread_mutex_lock(&mutex);
    int status = asked ? 0 : ask_all(&known, err);
    asked = status == 0;
    for (size_t i = 0; asked && i < known.count; i++)
        add_gpu(gpus, copy_gpu(&known.items[i]));
    if (!asked)
        xpm__gpus_free(&known);
    xpm__at_reset(forget);
    pthread_mutex_unlock(&mutex);
    return status;
}

/* ---- Cores and memory ---------------------------------------------------------------------------- */

/* A number that Slurm says; 0 when there is none, or none that can be. */
static int64_t slurm_number(const char *name)
{
    const char *text = getenv(name);
    long long number = text != NULL ? strtoll(text, NULL, 10) : 0;
    return number > 0 && number <= UINT32_MAX ? number : 0;
}

xpm__allocation xpm__allocation_look(void)
{
    enum { MIB_SHIFT = 20 };
    if (getenv("SLURM_JOB_ID") == NULL)
        return (xpm__allocation){0};
    return (xpm__allocation){
        .cores = slurm_number("SLURM_CPUS_ON_NODE"),
        .memory = slurm_number("SLURM_MEM_PER_NODE") << MIB_SHIFT,
        .memory_per_core = slurm_number("SLURM_MEM_PER_CPU") << MIB_SHIFT,
    };
}

void xpm__cores_look(const xpm__allocation *allocation, cpu_set_t *cores)
{
    if (sched_getaffinity(0, sizeof *cores, cores) < 0) {
        CPU_ZERO(cores);
        CPU_SET(0, cores);
    }
    int64_t most = allocation->cores;
    for (size_t core = CPU_SETSIZE; most > 0 && CPU_COUNT(cores) > most;)
        CPU_CLR(--core, cores);
}

static int64_t least(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

static int64_t total_memory(void)
{
    xpm__str text = {0};
    long long kib = 0;
    if (xpm__file_read(AT_FDCWD, "/proc/meminfo", &text) == 0 && text.size > 0)
        sscanf(text.data, "MemTotal: %lld kB", &kib);
    xpm__str_free(&text);
    return kib * 1024;
}

int64_t xpm__memory_look(const xpm__allocation *allocation, int cores)
{
    xpm__cgroup_place place;
    int64_t memory = total_memory();
    if (xpm__cgroup_of(getpid(), &place))
        memory = least(memory, xpm__cgroup_limit(&place));
    memory = least(memory, allocation->memory);
    return least(memory, allocation->memory_per_core * cores);
}

/* ---- Other resources ----------------------------------------------------------------------------- */

void xpm__resources_free(xpm__resources *resources)
{
    for (size_t i = 0; i < resources->count; i++)
        xpm_free((char *)resources->items[i].name);
    xpm_free(resources->items);
    *resources = (xpm__resources){0};
}

/* Takes the name. */
static int add_resource(xpm__resources *resources, char *name, int64_t count, xpm_error *err)
{
    size_t at = 0;
    while (at < resources->count && strcmp(resources->items[at].name, name) < 0)
        at++;
    if (at < resources->count && strcmp(resources->items[at].name, name) == 0) {
        xpm__fail(err, XPM_E_RANGE, "XPM_RESOURCES", "XPM_RESOURCES: %s is there twice", name);
        xpm_free(name);
        return -1;
    }
    resources->items =
        xpm__grow(resources->items, &resources->capacity, resources->count, sizeof(xpm_resource));
    memmove(&resources->items[at + 1], &resources->items[at],
            (resources->count++ - at) * sizeof(xpm_resource));
    resources->items[at] = (xpm_resource){.name = name, .count = count};
    return 0;
}

static int fail_resources(const char *text, xpm_error *err)
{
    return xpm__fail(
        err, XPM_E_SYNTAX, "XPM_RESOURCES",
        "XPM_RESOURCES is \"%.200s\": it must be NAME=COUNT, with commas between, as in "
        "\"licence=2,disk=4\"",
        text);
}

/* Reads one, up to a comma or the end; NULL when it is wrong. */
static const char *parse_resource(const char *at, char **name, int64_t *count)
{
    size_t size = strcspn(at, " \t=,");
    const char *digits = skip_to(at + size, "=");
    char *end = NULL;
    errno = 0;
    *count = digits != NULL && isdigit((unsigned char)*digits) ? strtoll(digits, &end, 10) : 0;
    const char *next = end != NULL ? end + strspn(end, " \t") : NULL;
    if (next == NULL || errno != 0 || (*next != ',' && *next != '\0'))
        return NULL;
    *name = xpm__strndup(at, size);
    if (xpm__resource_is_name(*name))
        return next;
    xpm_free(*name);
    return NULL;
}

int xpm__resources_parse(xpm__resources *resources, const char *text, xpm_error *err)
{
    const char *at = text + strspn(text, " \t");
    while (*at != '\0') {
        char *name;
        int64_t count;
        at = parse_resource(at, &name, &count);
        if (at == NULL)
            return fail_resources(text, err);
        if (add_resource(resources, name, count, err) < 0)
            return -1;
        at += *at == ',';
        at += strspn(at, " \t");
    }
    return 0;
}
