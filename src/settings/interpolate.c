#include "settings/interpolate.h"

#include <stdlib.h>
#include <string.h>

/* How long the reference is that the text begins with; 0 when there is none. `name` gets the variable's. */
static size_t read_reference(const char *text, const char **name, size_t *name_size)
{
    static const char *const openings[] = {"${env:", "${oc.env:"};
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        size_t size = strlen(openings[i]);
        if (strncmp(text, openings[i], size) != 0)
            continue;
        *name = text + size;
        *name_size = strcspn(*name, "}");
        return (*name)[*name_size] == '}' ? size + *name_size + 1 : 0;
    }
    return 0;
}

/* Adds the value of the variable; false when it is not set. */
static bool add_variable(xpm__str *out, const char *name, size_t size)
{
    char *copy = xpm__strndup(name, size);
    const char *value = getenv(copy);
    if (value != NULL)
        xpm__str_puts(out, value);
    xpm_free(copy);
    return value != NULL;
}

static const char *interpolated(xpm__yaml *yaml, const char *text)
{
    xpm__str out = {0};
    if (strstr(text, "${") == NULL)
        return text;
    while (*text != '\0') {
        const char *name;
        size_t name_size, size = read_reference(text, &name, &name_size);
        if (size == 0 || !add_variable(&out, name, name_size)) {
            size = size > 0 ? size : 1;
            xpm__str_add(&out, text, size);
        }
        text += size;
    }
    const char *kept = xpm__arena_strdup(&yaml->arena, out.data != NULL ? out.data : "");
    xpm__str_free(&out);
    return kept;
}

void xpm__yaml_interpolate(xpm__yaml *yaml, xpm__yaml_node *node)
{
    if (node->interpolated) /* by another of its places */
        return;
    node->interpolated = true;
    if (node->is.kind == XPM__YAML_TEXT)
        node->text = interpolated(yaml, node->text);
    for (size_t i = 0; i < node->count; i++)
        xpm__yaml_interpolate(yaml, node->items[i]);
}
