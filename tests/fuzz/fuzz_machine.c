/* Any text may come from nvidia-smi, and stand in the variables that say what may be used of this
 * machine: it gives a list, in order, or an error. The input is, with a byte 255 between them, what
 * nvidia-smi says to a query, what it says to -L, CUDA_VISIBLE_DEVICES, XPM_RESOURCES, and the groups
 * and mounts of a process. */
#include <stdlib.h>
#include <string.h>

#include "launch/cgroup_find.h"
#include "launch/machine_look.h"

enum { PARTS = 6 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Each part as a text of its own. */
static void split(const char *data, size_t size, char *parts[PARTS])
{
    for (size_t i = 0; i < PARTS; i++) {
        const char *end = size > 0 ? memchr(data, 0xff, size) : NULL;
        size_t part = end != NULL ? (size_t)(end - data) : size;
        parts[i] = calloc(part + 1, 1);
        must(parts[i] != NULL);
        memcpy(parts[i], data, part);
        data += end != NULL ? part + 1 : part;
        size -= end != NULL ? part + 1 : part;
    }
}

/* That its uuids can stand in a variable, and differ. */
static void check_gpus(const xpm__gpus *gpus)
{
    must(gpus->count <= XPM__GPUS_MAX);
    for (size_t i = 0; i < gpus->count; i++) {
        const xpm__gpu *gpu = &gpus->items[i];
        must(strncmp(gpu->uuid, gpu->of != NULL ? "MIG-" : "GPU-", 4) == 0);
        must(strpbrk(gpu->uuid, ", \t\r\n") == NULL && gpu->memory >= 0 && gpu->index >= 0);
        for (size_t j = 0; j < i; j++)
            must(strcmp(gpus->items[j].uuid, gpu->uuid) != 0);
    }
}

static void read_gpus(const char *query, const char *list, const char *visible)
{
    xpm__gpus gpus = {0};
    xpm_error err = {0};
    int status = xpm__gpus_parse(&gpus, query, &err);
    must((status == 0) == (err.code == XPM_E_OK) && (status == 0 || gpus.count == 0));
    check_gpus(&gpus);
    xpm__gpus_divide(&gpus, list);
    check_gpus(&gpus);
    size_t count = gpus.count;
    xpm__gpus_restrict(&gpus, visible);
    check_gpus(&gpus);
    must(gpus.count <= count);
    xpm__gpus_free(&gpus);
}

static void read_resources(const char *text)
{
    xpm__resources resources = {0};
    xpm_error err = {0};
    int status = xpm__resources_parse(&resources, text, &err);
    must((status == 0) == (err.code == XPM_E_OK));
    for (size_t i = 0; i < resources.count; i++) {
        must(resources.items[i].count >= 0 && resources.items[i].name[0] != '\0');
        must(i == 0 || strcmp(resources.items[i - 1].name, resources.items[i].name) < 0);
    }
    xpm__resources_free(&resources);
}

static void read_place(const char *groups, const char *mounts)
{
    xpm__cgroup_place place;
    if (xpm__cgroup_locate(groups, mounts, &place))
        must(place.root <= strlen(place.path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *parts[PARTS];
    split((const char *)data, size, parts);
    read_gpus(parts[0], parts[1], parts[2]);
    read_resources(parts[3]);
    read_place(parts[4], parts[5]);
    for (size_t i = 0; i < PARTS; i++)
        free(parts[i]);
    return 0;
}
