#include "record/array.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define VERSION "experimaestro.array=1"

static void add_text(xpm__str *out, const char *name, const char *value)
{
    xpm__str_puts(out, name);
    xpm__str_putc(out, '=');
    xpm__str_add(out, value, strlen(value) + 1);
}

static void add_texts(xpm__str *out, const char *name, const char *const *values)
{
    for (; *values != NULL; values++)
        add_text(out, name, *values);
}

void xpm__array_begin(xpm__str *out, const char *token, bool ranks)
{
    xpm__str_add(out, VERSION, sizeof VERSION);
    add_text(out, "token", token);
    if (ranks)
        add_text(out, "ranks", "1");
    xpm__str_putc(out, '\0');
}

void xpm__array_add(xpm__str *out, const xpm__element *element)
{
    add_text(out, "directory", element->directory);
    if (element->start != NULL)
        add_text(out, "start", element->start);
    add_texts(out, "set", element->variables);
    add_texts(out, "needs", element->needs);
    xpm__str_putc(out, '\0');
}

/* ---- Reading ------------------------------------------------------------------------------------ */

/* The texts from one place to the empty one after them; NULL when the list was cut before it. */
typedef struct group {
    const char *first, *end; /* `end` is the empty text */
    size_t count;
} group;

static bool next_group(const char *at, const char *end, group *found)
{
    *found = (group){.first = at};
    while (at < end && *at != '\0') {
        const char *last = memchr(at, '\0', (size_t)(end - at));
        if (last == NULL)
            return false;
        at = last + 1;
        found->count++;
    }
    found->end = at;
    return at < end;
}

/* The value of a text of that name; else NULL. */
static const char *value_of(const char *text, const char *name)
{
    size_t size = strlen(name);
    return strncmp(text, name, size) == 0 && text[size] == '=' ? text + size + 1 : NULL;
}

static const char *find(const group *g, const char *name)
{
    const char *found = NULL;
    for (const char *text = g->first; found == NULL && text < g->end; text += strlen(text) + 1)
        found = value_of(text, name);
    return found;
}

/* Puts all of that name into `list`, which ends with NULL then; the end of it. */
static const char **find_all(const group *g, const char *name, const char **list)
{
    for (const char *text = g->first; text < g->end; text += strlen(text) + 1) {
        *list = value_of(text, name);
        list += *list != NULL;
    }
    *list = NULL;
    return list + 1;
}

static void read_element(const group *g, xpm__array_part *part)
{
    part->texts = xpm__alloc((g->count + 2) * sizeof *part->texts);
    const char **needs = find_all(g, "set", part->texts);
    find_all(g, "needs", needs);
    part->element.variables = part->texts;
    part->element.needs = needs;
    part->element.start = find(g, "start");
    part->element.directory = find(g, "directory");
}

int xpm__array_find(const xpm__str *list, size_t index, xpm__array_part *part, xpm_error *err)
{
    const char *end = list->data + list->size, *at = list->data;
    group head, element = {0};
    *part = (xpm__array_part){0};
    if (list->size < sizeof VERSION || memcmp(at, VERSION, sizeof VERSION) != 0 ||
        !next_group(at, end, &head))
        return xpm__fail(err, XPM_E_SYNTAX, NULL, "it is no list of jobs of this version");
    part->token = find(&head, "token");
    part->ranks = find(&head, "ranks") != NULL;
    at = head.end + 1;
    for (size_t i = 0; i == 0 || (i <= index && at < end); i++) {
        if (!next_group(at, end, &element))
            return xpm__fail(err, XPM_E_SYNTAX, NULL, "the list of jobs was cut");
        at = element.end + 1;
        if (i == 0 && at == end)
            index = 0; /* it has one */
        if (i == index)
            break;
        element = (group){0};
    }
    if (element.first == NULL)
        return xpm__fail(err, XPM_E_RANGE, NULL, "the list of jobs has no number %zu", index);
    part->is_last = at == end;
    read_element(&element, part);
    if (part->token != NULL && part->element.directory != NULL)
        return 0;
    xpm__array_part_clear(part);
    return xpm__fail(err, XPM_E_SYNTAX, NULL, "the list of jobs does not say which they are");
}

void xpm__array_part_clear(xpm__array_part *part)
{
    xpm_free(part->texts);
    *part = (xpm__array_part){0};
}

bool xpm__array_is_named(const char *path)
{
    size_t size = strlen(path), suffix = sizeof XPM__ARRAY_SUFFIX - 1;
    return size > suffix && strcmp(path + size - suffix, XPM__ARRAY_SUFFIX) == 0;
}
