/* Any bytes may stand in the list of a batch: each of its elements is found, or refused, and its texts
 * lie inside the list. */
#include <stdlib.h>
#include <string.h>

#include "record/array.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_be_inside(const xpm__str *list, const char *text)
{
    must(text >= list->data && text + strlen(text) < list->data + list->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xpm__str list = {0};
    xpm__str_add(&list, (const char *)data, size);
    for (size_t i = 0; i < 4 && list.size > 0; i++) {
        xpm__array_part part;
        xpm_error err = {0};
        if (xpm__array_find(&list, i, &part, &err) < 0) {
            must(err.message[0] != '\0' && part.texts == NULL);
            continue;
        }
        must_be_inside(&list, part.token);
        must_be_inside(&list, part.element.directory);
        for (size_t k = 0; part.element.variables[k] != NULL; k++)
            must_be_inside(&list, part.element.variables[k]);
        for (size_t k = 0; part.element.needs[k] != NULL; k++)
            must_be_inside(&list, part.element.needs[k]);
        xpm__array_part_clear(&part);
    }
    xpm__str_free(&list);
    return 0;
}
