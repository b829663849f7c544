/* Slurm's commands may print anything: what is read of it is a number, a state, a time, or nothing. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "launch/slurm_text.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_be_entry(const xpm__slurm_entry *entry)
{
    must(isdigit((unsigned char)entry->id[0]) && strlen(entry->id) < sizeof entry->id);
    must(entry->state[0] != '\0' && entry->left >= 0 && isfinite(entry->left));
    const xpm__slurm_meaning *meaning = xpm__slurm_state(entry->state);
    must((meaning->phase == XPM__SLURM_ENDED) == (meaning->reason != XPM_REASON_NONE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xpm__slurm_entry entry;
    xpm__str text = {0}, words = {0};
    char id[XPM__SLURM_ID];
    xpm__str_add(&text, (const char *)data, size);
    xpm__str_putc(&text, '\n');
    for (const char *at = text.data; xpm__slurm_next_queued(&at, &entry);)
        must_be_entry(&entry);
    for (const char *at = text.data; xpm__slurm_next_accounted(&at, &entry);)
        must_be_entry(&entry);
    if (xpm__slurm_submitted(text.data, id))
        must(id[0] != '\0' && strspn(id, "0123456789") == strlen(id));
    must(xpm__slurm_refusal_of(text.data) <= XPM__SLURM_ARRAY);
    xpm__slurm_has_no_accounting(text.data);
    xpm__slurm_array_size(text.data);
    must(xpm__slurm_kept(text.data) >= 0);
    must(!xpm__slurm_log_tells_memory(text.data, ""));
    xpm__slurm_log_tells_memory(text.data, "15");
    xpm__slurm_add_words(&words, text.data);
    must(words.size == 0 || strchr(words.data, '\n') == NULL);
    xpm__str_free(&words);
    xpm__str_free(&text);
    return 0;
}
