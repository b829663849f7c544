#include "record/explain.h"

#include <string.h>

/* How long a value and how many differences a sentence has. */
enum { VALUE_MOST = 80, PRINT_MOST = 12 };

void xpm__explain_value(const char *value, xpm__str *out)
{
    size_t size = value != NULL ? strlen(value) : 0;
    if (size <= VALUE_MOST) {
        xpm__str_puts(out, value != NULL ? value : "none");
        return;
    }
    for (size = VALUE_MOST; size > 0 && ((unsigned char)value[size] & 0xc0) == 0x80;)
        size--; /* a character stays whole */
    xpm__str_add(out, value, size);
    xpm__str_puts(out, "...");
}

void xpm__against_find(xpm__against *against, xpm__finished *finished, xpm__node *task, size_t scan,
                       size_t depth)
{
    const xpm__finished_type *type = xpm__finished_read(finished, task->type);
    const struct xpm__finished_job *job = xpm__finished_nearest(finished, type, task, scan);
    *against = (xpm__against){.type = task->type, .read = type->count, .total = type->total};
    if (job == NULL)
        return;
    against->key = xpm__format("%s/%s", task->type, job->hash);
    xpm__differences_add(&against->differences, finished->graph, job->node, task, depth);
}

static void print_differences(const xpm__differences *differences, xpm__str *out)
{
    size_t count = differences->count < PRINT_MOST ? differences->count : PRINT_MOST;
    for (size_t i = 0; i < count; i++) {
        const struct xpm__difference *each = &differences->items[i];
        xpm__str_printf(out, "%s%s ", i > 0 ? ", " : "", each->path);
        xpm__explain_value(each->from, out);
        xpm__str_puts(out, " -> ");
        xpm__explain_value(each->to, out);
    }
    if (count < differences->count)
        xpm__str_printf(out, " and %zu more", differences->count - count);
}

/* The hash is cut as elsewhere. */
static void print_key(const xpm__against *against, xpm__str *out)
{
    char *name = xpm__short_name(against->type, against->key + strlen(against->type) + 1);
    xpm__str_puts(out, name);
    xpm_free(name);
}

void xpm__against_print(const xpm__against *against, xpm__str *out)
{
    if (against->key == NULL) {
        xpm__str_printf(out, "no job of type %s is finished%s", against->type,
                        against->total > 0 ? " whose parameters can be read" : "");
        return;
    }
    print_differences(&against->differences, out);
    xpm__str_puts(out, " against ");
    print_key(against, out);
    if (against->total == 1)
        xpm__str_puts(out, ", the only finished job of its type");
    else if (against->read == against->total)
        xpm__str_printf(out, ", the nearest of %zu finished jobs of its type", against->total);
    else
        xpm__str_printf(out, ", the nearest of the latest %zu of %zu finished jobs of its type",
                        against->read, against->total);
}

void xpm__against_clear(xpm__against *against)
{
    xpm_free(against->key);
    xpm__differences_free(&against->differences);
}
