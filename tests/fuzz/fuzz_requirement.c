/* Any text may be given as a requirement: it is refused with a message, or it is read, and then what
 * is printed of it reads as the same. */
#include <string.h>

#include "base/mem.h"

static void check_printed(const xpm_requirement *requirement)
{
    xpm_error err = {0};
    char *printed = xpm_requirement_print(requirement);
    /* What is printed may be longer than a text may be. */
    xpm_requirement *again = xpm_requirement_parse(printed, &err);
    char *twice = again != NULL ? xpm_requirement_print(again) : NULL;
    if (again == NULL ? err.code != XPM_E_RANGE : strcmp(printed, twice) != 0)
        __builtin_trap();
    xpm_requirement_free(again);
    xpm_free(twice);
    xpm_free(printed);
}

static void match(const xpm_requirement *requirement)
{
    static const xpm_accelerator accelerators[] = {
        {.kind = XPM_ACCELERATOR_CUDA, .memory = 8},
        {.kind = XPM_ACCELERATOR_MPS},
        {.kind = XPM_ACCELERATOR_CUDA, .memory = (int64_t)24 << 30, .min_memory = 9}};
    static const xpm_resource resources[] = {{"licence", 2}};
    const xpm_host host = {.memory = (int64_t)64 << 30,
                           .cores = 8,
                           .accelerators = accelerators,
                           .accelerator_count = 3,
                           .resources = resources,
                           .resource_count = 1};
    xpm_host_match(&host, requirement);
}

static void combine(const xpm_requirement *requirement)
{
    xpm_requirement_free(xpm_requirement_and(requirement, requirement, NULL));
    xpm_requirement_free(xpm_requirement_or(requirement, requirement, NULL));
    xpm_requirement_free(xpm_requirement_times(requirement, 3, NULL));
    xpm_requirement_free(xpm_requirement_stretch(requirement, 1.7, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xpm_error err = {0};
    char *text = xpm__strndup((const char *)data, size);
    xpm_requirement *requirement = xpm_requirement_parse(text, &err);
    if (requirement == NULL && err.code != XPM_E_SYNTAX && err.code != XPM_E_RANGE)
        __builtin_trap();
    if (requirement != NULL) {
        check_printed(requirement);
        match(requirement);
        combine(requirement);
    }
    xpm_requirement_free(requirement);
    xpm_free(text);
    return 0;
}
