#include "submit/environment.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static char **find(const xpm__variables *variables, const char *name, size_t size)
{
    for (size_t i = 0; i < variables->count; i++)
        if (strncmp(variables->entries[i], name, size) == 0 && variables->entries[i][size] == '=')
            return &variables->entries[i];
    return NULL;
}

/* A new place, which holds NULL. */
static char **add_place(xpm__variables *variables)
{
    variables->entries = xpm__grow(variables->entries, &variables->capacity, variables->count,
                                   sizeof *variables->entries);
    variables->entries[variables->count] = NULL;
    return &variables->entries[variables->count++];
}

void xpm__variables_set(xpm__variables *variables, const char *name, const char *value)
{
    char **entry = find(variables, name, strlen(name));
    if (entry == NULL)
        entry = add_place(variables);
    xpm_free(*entry);
    *entry = xpm__format("%s=%s", name, value);
}

void xpm__variables_add(xpm__variables *variables, const char *entry)
{
    if (find(variables, entry, (size_t)(strchr(entry, '=') - entry)) == NULL)
        *add_place(variables) = xpm__strdup(entry);
}

const char *xpm__variables_get(const xpm__variables *variables, const char *name)
{
    char **entry = find(variables, name, strlen(name));
    return entry != NULL ? *entry + strlen(name) + 1 : NULL;
}

void xpm__variables_free(xpm__variables *variables)
{
    for (size_t i = 0; i < variables->count; i++)
        xpm_free(variables->entries[i]);
    xpm_free(variables->entries);
    *variables = (xpm__variables){0};
}

static bool has_changed(const xpm__environment *last)
{
    size_t i = 0;
    for (; i < last->seen_count && environ[i] == last->seen[i]; i++)
        if (environ[i] == NULL)
            return true;
    return i < last->seen_count || environ[i] != NULL;
}

/* NAME=VALUE split at its first '=': an entry without one is left out. */
static void copy_entry(xpm__variables *variables, const char *entry)
{
    const char *equals = strchr(entry, '=');
    if (equals == NULL)
        return;
    char *name = xpm__strndup(entry, (size_t)(equals - entry));
    xpm__variables_set(variables, name, equals + 1);
    xpm_free(name);
}

static xpm__environment *take_snapshot(const xpm__variables *added)
{
    xpm__environment *environment = xpm__zalloc(sizeof *environment);
    size_t count = 0;
    while (environ[count] != NULL)
        copy_entry(&environment->variables, environ[count++]);
    for (size_t i = 0; i < added->count; i++)
        copy_entry(&environment->variables, added->entries[i]);
    environment->refs = 1;
    environment->seen = xpm__alloc((count + 1) * sizeof *environment->seen);
    memcpy(environment->seen, environ, count * sizeof *environment->seen);
    environment->seen_count = count;
    return environment;
}

void xpm__environment_unref(xpm__environment *environment)
{
    if (environment == NULL || __atomic_sub_fetch(&environment->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    xpm__variables_free(&environment->variables);
    xpm_free(environment->seen);
    xpm_free(environment);
}

xpm__environment *xpm__environment_take(xpm__environment **last, const xpm__variables *added)
{
    if (*last == NULL || has_changed(*last)) {
        xpm__environment_unref(*last);
        *last = take_snapshot(added);
    }
    __atomic_add_fetch(&(*last)->refs, 1, __ATOMIC_RELAXED);
    return *last;
}

/* Puts an entry in place of one with the same name, or at the end. */
static size_t put(char **list, size_t count, const char *entry)
{
    size_t size = (size_t)(strchr(entry, '=') - entry) + 1, i = 0;
    while (i < count && strncmp(list[i], entry, size) != 0)
        i++;
    list[i] = (char *)entry;
    return i < count ? count : count + 1;
}

char **xpm__environment_array(const xpm__environment *environment, const xpm__variables *over,
                              const char *const *entries)
{
    size_t count = environment->variables.count, more = 0;
    while (entries[more] != NULL)
        more++;
    char **list = xpm__alloc((count + over->count + more + 1) * sizeof *list);
    memcpy(list, environment->variables.entries, count * sizeof *list);
    for (size_t i = 0; i < over->count; i++)
        count = put(list, count, over->entries[i]);
    for (size_t i = 0; i < more; i++)
        count = put(list, count, entries[i]);
    list[count] = NULL;
    return list;
}
