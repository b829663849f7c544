#include "launch/slurm_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"

/* ---- States ------------------------------------------------------------------------------------ */

static const struct state {
    const char *name;
    xpm__slurm_meaning meaning;
} states[] = {
    {"PENDING", {XPM__SLURM_WAITS, XPM_REASON_NONE, NULL}},
    {"CONFIGURING", {XPM__SLURM_WAITS, XPM_REASON_NONE, NULL}},
    {"REQUEUED", {XPM__SLURM_WAITS, XPM_REASON_NONE, NULL}},
    {"REQUEUE_FED", {XPM__SLURM_WAITS, XPM_REASON_NONE, NULL}},
    {"REQUEUE_HOLD", {XPM__SLURM_WAITS, XPM_REASON_NONE, NULL}},
    {"RESV_DEL_HOLD", {XPM__SLURM_WAITS, XPM_REASON_NONE, NULL}},
    {"SPECIAL_EXIT", {XPM__SLURM_WAITS, XPM_REASON_NONE, NULL}},
    {"RUNNING", {XPM__SLURM_RUNS, XPM_REASON_NONE, NULL}},
    {"COMPLETED", {XPM__SLURM_ENDED, XPM_REASON_LOST, "it has ended, and left no marker"}},
    {"FAILED", {XPM__SLURM_ENDED, XPM_REASON_FAILED, "it failed before it could say why"}},
    {"TIMEOUT", {XPM__SLURM_ENDED, XPM_REASON_TIMEOUT, "Slurm's time limit was over"}},
    {"DEADLINE", {XPM__SLURM_ENDED, XPM_REASON_TIMEOUT, "its deadline was over"}},
    {"OUT_OF_MEMORY",
     {XPM__SLURM_ENDED, XPM_REASON_MEMORY, "it had more memory than it asked for"}},
    {"CANCELLED", {XPM__SLURM_ENDED, XPM_REASON_CANCELLED, "it was cancelled"}},
    {"PREEMPTED", {XPM__SLURM_ENDED, XPM_REASON_LOST, "another job was given its place"}},
    {"NODE_FAIL", {XPM__SLURM_ENDED, XPM_REASON_LOST, "the machine that it ran on has failed"}},
    {"BOOT_FAIL", {XPM__SLURM_ENDED, XPM_REASON_LOST, "the machine for it did not start"}},
    {"REVOKED", {XPM__SLURM_ENDED, XPM_REASON_LOST, "another cluster took it"}},
};

const xpm__slurm_meaning *xpm__slurm_state(const char *state)
{
    static const xpm__slurm_meaning unknown = {XPM__SLURM_RUNS, XPM_REASON_NONE, NULL};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(state, states[i].name) == 0)
            return &states[i].meaning;
    return &unknown;
}

/* ---- Lines ------------------------------------------------------------------------------------- */

enum { FIELDS = 6 };
typedef struct field {
    const char *text;
    size_t size;
} field;

/* Cuts the next line into `count` fields at '|', the last with all that follows. False at the end;
 * `*whole` says whether it has as many. */
static bool next_line(const char **text, field *fields, size_t count, bool *whole)
{
    const char *at = *text, *end = at + strcspn(at, "\n");
    if (*at == '\0')
        return false;
    *text = *end != '\0' ? end + 1 : end;
    *whole = true;
    for (size_t i = 0; i < count; i++) {
        const char *bar = i + 1 < count ? memchr(at, '|', (size_t)(end - at)) : end;
        if (bar == NULL) {
            *whole = false;
            return true;
        }
        fields[i] = (field){at, (size_t)(bar - at)};
        at = bar < end ? bar + 1 : end;
    }
    return true;
}

static void copy(char *to, size_t size, const field *from)
{
    snprintf(to, size, "%.*s", (int)(from->size < size ? from->size : size - 1), from->text);
}

/* "123" or "123_4". */
static bool is_id(const field *f)
{
    size_t i = 0, digits = 0, underscores = 0;
    for (; i < f->size; i++) {
        if (isdigit((unsigned char)f->text[i]))
            digits++;
        else if (f->text[i] == '_' && digits > 0 && ++underscores == 1)
            digits = 0;
        else
            return false;
    }
    return digits > 0 && f->size < XPM__SLURM_ID;
}

/* The first word: "CANCELLED by 1000", "CANCELLED+". */
static bool read_state(const field *f, char state[XPM__SLURM_STATE])
{
    size_t size = 0;
    while (size < f->size && (isupper((unsigned char)f->text[size]) || f->text[size] == '_'))
        size++;
    copy(state, XPM__SLURM_STATE, &(field){f->text, size});
    return size > 0 && size < XPM__SLURM_STATE;
}

bool xpm__slurm_next_queued(const char **text, xpm__slurm_entry *entry)
{
    field fields[FIELDS];
    char left[XPM__SLURM_WORD];
    bool whole;
    while (next_line(text, fields, FIELDS, &whole)) {
        *entry = (xpm__slurm_entry){0};
        if (!whole || !is_id(&fields[0]) || !read_state(&fields[2], entry->state))
            continue;
        copy(entry->id, sizeof entry->id, &fields[0]);
        copy(entry->number, sizeof entry->number, &fields[1]);
        copy(left, sizeof left, &fields[3]);
        entry->left = xpm__clock_span(left);
        copy(entry->reason, sizeof entry->reason, &fields[4]);
        copy(entry->comment, sizeof entry->comment, &fields[5]);
        return true;
    }
    return false;
}

bool xpm__slurm_next_accounted(const char **text, xpm__slurm_entry *entry)
{
    enum { ACCOUNTED = 4 };
    field fields[ACCOUNTED];
    bool whole;
    while (next_line(text, fields, ACCOUNTED, &whole)) {
        *entry = (xpm__slurm_entry){0};
        if (!whole || !is_id(&fields[0]) || !read_state(&fields[2], entry->state))
            continue;
        copy(entry->id, sizeof entry->id, &fields[0]);
        copy(entry->number, sizeof entry->number, &fields[1]);
        copy(entry->reason, sizeof entry->reason, &fields[3]);
        return true;
    }
    return false;
}

static bool says(const char *text, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++)
        if (strcasestr(text, *phrases) != NULL)
            return true;
    return false;
}

/* Whether a text names a job, or a step of it: "StepId=127.batch", "Job 127". */
static bool names_job(const char *text, const char *number)
{
    static const char *const before[] = {"Id=", "Step ", "Job "};
    size_t size = strlen(number);
    for (const char *at = strstr(text, number); size > 0 && at != NULL; at = strstr(at + 1, number))
        for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
            size_t length = strlen(before[i]);
            if ((size_t)(at - text) >= length && strncasecmp(at - length, before[i], length) == 0 &&
                !isdigit((unsigned char)at[size]))
                return true;
        }
    return false;
}

bool xpm__slurm_log_tells_memory(const char *log, const char *number)
{
    static const char *const phrases[] = {"exceeded memory limit", "oom_kill event",
                                          "oom-kill event", NULL};
    bool told = false;
    while (!told && *log != '\0') {
        size_t size = strcspn(log, "\n");
        char *line = xpm__strndup(log, size);
        told = says(line, phrases) && names_job(line, number);
        xpm_free(line);
        log += size + (log[size] == '\n');
    }
    return told;
}

bool xpm__slurm_submitted(const char *text, char id[XPM__SLURM_ID])
{
    bool found = false;
    while (*text != '\0') {
        size_t line = strcspn(text, "\n"), digits = strspn(text, "0123456789");
        if (digits > 0 && digits < XPM__SLURM_ID && (digits == line || text[digits] == ';')) {
            copy(id, XPM__SLURM_ID, &(field){text, digits});
            found = true;
        }
        text += line + (text[line] == '\n');
    }
    return found;
}

/* ---- Errors ------------------------------------------------------------------------------------ */

xpm__slurm_refusal xpm__slurm_refusal_of(const char *errors)
{
    static const char *const full[] = {"MaxSubmitJob",
                                       "SubmitJobsLimit",
                                       "SubmitJobLimit",
                                       "MaxSubmitPU",
                                       "temporarily unable to accept job",
                                       NULL};
    static const char *const policy[] = {"violates accounting/QOS policy", NULL};
    static const char *const array[] = {"Invalid job array specification", NULL};
    static const char *const down[] = {"Unable to contact",
                                       "contact slurm controller",
                                       "timed out",
                                       "Zero Bytes were transmitted",
                                       "Connection refused",
                                       "Connection reset",
                                       "connect failure",
                                       "Transport endpoint",
                                       "Insane message length",
                                       "Message receive failure",
                                       "Message send failure",
                                       "Protocol authentication error",
                                       "Header lengths are longer",
                                       "slurmctld is not responding",
                                       "backup controller",
                                       "standby mode",
                                       NULL};
    if (says(errors, full))
        return XPM__SLURM_FULL;
    if (says(errors, policy))
        return XPM__SLURM_POLICY;
    if (says(errors, array))
        return XPM__SLURM_ARRAY;
    return says(errors, down) ? XPM__SLURM_DOWN : XPM__SLURM_REFUSED;
}

bool xpm__slurm_has_no_accounting(const char *errors)
{
    static const char *const phrases[] = {"accounting storage is disabled", NULL};
    return says(errors, phrases);
}

/* Without the command's name, which stands before each line. */
void xpm__slurm_add_words(xpm__str *out, const char *errors)
{
    size_t before = out->size;
    while (*errors != '\0') {
        size_t line = strcspn(errors, "\n"), skip = 0;
        for (const char *mark = "error: "; skip + strlen(mark) <= line; skip++)
            if (strncmp(errors + skip, mark, strlen(mark)) == 0)
                break;
        const char *start =
            skip + strlen("error: ") <= line ? errors + skip + strlen("error: ") : errors;
        size_t size = (size_t)(errors + line - start);
        if (size > 0) {
            xpm__str_puts(out, out->size > before ? "; " : "");
            xpm__str_add_visible(out, start, size);
        }
        errors += line + (errors[line] == '\n');
    }
}

/* ---- The configuration ------------------------------------------------------------------------- */

/* The number of "NAME = 1001" on a line of its own. */
static size_t number_of(const char *config, const char *name)
{
    for (const char *line = config; line != NULL && *line != '\0';) {
        const char *next = strchr(line, '\n');
        if (strncmp(line, name, strlen(name)) == 0 && strchr(" =", line[strlen(name)]) != NULL) {
            const char *value = line + strlen(name);
            return strtoul(value + strspn(value, " ="), NULL, 10);
        }
        line = next != NULL ? next + 1 : NULL;
    }
    return 0;
}

size_t xpm__slurm_array_size(const char *config)
{
    static const char tasks[] = "max_array_tasks=";
    size_t size = number_of(config, "MaxArraySize");
    const char *more = strstr(config, tasks);
    size_t most = more != NULL ? strtoul(more + sizeof tasks - 1, NULL, 10) : 0;
    return most > 0 && (size == 0 || most < size) ? most : size;
}

double xpm__slurm_kept(const char *config)
{
    return (double)number_of(config, "MinJobAge");
}
