#include "launch/wire.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* ---- Lines ------------------------------------------------------------------------------------ */

void xpm__frames_add(xpm__frames *frames, const char *data, size_t size)
{
    if (frames->begin > 0) { /* what was read goes: a line is short against what comes at once */
        xpm__str *text = &frames->text;
        memmove(text->data, text->data + frames->begin, text->size - frames->begin);
        xpm__str_cut(text, text->size - frames->begin);
        frames->begin = 0;
    }
    xpm__str_add(&frames->text, data, size);
}

ptrdiff_t xpm__frames_next(xpm__frames *frames, const char **line)
{
    size_t from = frames->begin + frames->scanned;
    const char *start = frames->text.data + frames->begin;
    const char *end = frames->text.size > from
                          ? memchr(frames->text.data + from, '\n', frames->text.size - from)
                          : NULL;
    if (end == NULL) {
        frames->scanned = frames->text.size - frames->begin;
        return -1;
    }
    *line = start;
    frames->begin += (size_t)(end - start) + 1;
    frames->scanned = 0;
    return end - start;
}

bool xpm__frames_overflow(const xpm__frames *frames, size_t most)
{
    return frames->scanned > most;
}

void xpm__frames_free(xpm__frames *frames)
{
    xpm__str_free(&frames->text);
    *frames = (xpm__frames){0};
}

void xpm__shell_quote(xpm__str *out, const char *word)
{
    if (strncmp(word, "~/", 2) == 0) {
        xpm__str_puts(out, "~/");
        word += 2;
    }
    xpm__str_putc(out, '\'');
    for (; *word != '\0'; word++)
        if (*word == '\'')
            xpm__str_puts(out, "'\\''");
        else
            xpm__str_putc(out, *word);
    xpm__str_putc(out, '\'');
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static const char *const orders[] = {
    [XPM__ORDER_OPEN] = "open",
    [XPM__ORDER_START] = "start",
    [XPM__ORDER_ADOPT] = "adopt",
    [XPM__ORDER_CANCEL] = "cancel",
};

static const char *const answers[] = {
    [XPM__ANSWER_AGENT] = "agent", [XPM__ANSWER_OPEN] = "open",   [XPM__ANSWER_REFUSED] = "refused",
    [XPM__ANSWER_BEGAN] = "began", [XPM__ANSWER_ENDED] = "ended", [XPM__ANSWER_FAILED] = "failed",
    [XPM__ANSWER_GONE] = "gone",
};

/* Which of the words the member `key` is; -1 for none. */
static int find_word(json_object *json, const char *key, const char *const *words, size_t count)
{
    const char *word = xpm__json_get_text(json, key);
    for (size_t i = 0; word != NULL && i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return (int)i;
    return -1;
}

static int wrong(xpm_error *err, const char *what)
{
    return xpm__fail(err, XPM_E_FORMAT, NULL, "what came over the connection has no right %s",
                     what);
}

/* A name of one file, that leads nowhere else. */
static bool is_name(const char *text)
{
    return text != NULL && text[0] != '\0' && text[0] != '.' && strchr(text, '/') == NULL &&
           strlen(text) < XPM__NAME_SIZE - 16; /* with a suffix */
}

/* Below the workspace. */
static bool is_relative(const char *path)
{
    return path[0] != '\0' && path[0] != '/' && strcmp(path, "..") != 0 &&
           strncmp(path, "../", 3) != 0 && strstr(path, "/../") == NULL;
}

/* Of an array that may be missing. */
static size_t count_of(json_object *array)
{
    return array != NULL ? json_object_array_length(array) : 0;
}

static bool is_array(json_object *json)
{
    return json == NULL || json_object_is_type(json, json_type_array);
}

static const char *text_at(json_object *array, size_t i)
{
    json_object *item = json_object_array_get_idx(array, i);
    return json_object_is_type(item, json_type_string) ? json_object_get_string(item) : NULL;
}

static bool are_texts(json_object *array, bool (*holds)(const char *text))
{
    for (size_t i = 0; i < count_of(array); i++)
        if (text_at(array, i) == NULL || !holds(text_at(array, i)))
            return false;
    return true;
}

static bool is_any(const char *text)
{
    (void)text;
    return true;
}

static bool is_variable(const char *text)
{
    return text[0] != '=' && strchr(text, '=') != NULL;
}

static bool are_partials(json_object *array)
{
    for (size_t i = 0; i < count_of(array); i++) {
        json_object *partial = json_object_array_get_idx(array, i);
        const char *folder = xpm__json_get_text(partial, "folder");
        if (!is_name(xpm__json_get_text(partial, "name")) || folder == NULL || !is_relative(folder))
            return false;
    }
    return true;
}

static int read_start(json_object *json, xpm__order *order, xpm_error *err)
{
    order->params = xpm__json_get_text(json, "params");
    order->script = xpm__json_get_text(json, "script");
    order->wrapper = xpm__json_get(json, "wrapper");
    order->argv = xpm__json_get(json, "argv");
    order->variables = xpm__json_get(json, "variables");
    order->partials = xpm__json_get(json, "partials");
    order->needs = xpm__json_get(json, "needs");
    if (order->params == NULL)
        return wrong(err, "params");
    if (!is_array(order->wrapper) || !is_array(order->argv) || !is_array(order->variables) ||
        !is_array(order->partials) || !is_array(order->needs))
        return wrong(err, "lists");
    if (count_of(order->argv) == 0 || !are_texts(order->argv, is_any))
        return wrong(err, "argv");
    if (!are_texts(order->wrapper, is_any))
        return wrong(err, "wrapper");
    if (!are_texts(order->variables, is_variable))
        return wrong(err, "variables");
    if (!are_partials(order->partials) || !are_texts(order->needs, is_relative))
        return wrong(err, "partials or needs");
    return 0;
}

static int read_open(json_object *json, xpm__order *order, xpm_error *err)
{
    order->version = json_object_get_int(xpm__json_get(json, "version"));
    order->slots = json_object_get_int(xpm__json_get(json, "slots"));
    order->workspace = xpm__json_get_text(json, "workspace");
    order->probe = xpm__json_get_text(json, "probe");
    if (order->workspace == NULL || order->workspace[0] != '/')
        return wrong(err, "workspace");
    if (order->slots < 0)
        return wrong(err, "slots");
    return is_name(order->probe) ? 0 : wrong(err, "probe");
}

int xpm__order_read(json_object *json, xpm__order *order, xpm_error *err)
{
    *order = (xpm__order){0};
    int kind = find_word(json, "do", orders, sizeof orders / sizeof *orders);
    if (kind < 0)
        return wrong(err, "\"do\"");
    order->kind = (xpm__order_kind)kind;
    if (order->kind == XPM__ORDER_OPEN)
        return read_open(json, order, err);
    order->token = xpm__json_get_text(json, "token");
    if (!is_name(order->token))
        return wrong(err, "token");
    if (order->kind == XPM__ORDER_CANCEL)
        return 0;
    order->type = xpm__json_get_text(json, "type");
    order->hash = xpm__json_get_text(json, "hash");
    order->name = xpm__json_get_text(json, "name");
    order->requires = xpm__json_get_text(json, "requires");
    order->pin = json_object_get_boolean(xpm__json_get(json, "pin"));
    if (!is_name(order->type) || !is_name(order->hash) || !is_name(order->name))
        return wrong(err, "job");
    return order->kind == XPM__ORDER_START ? read_start(json, order, err) : 0;
}

static void read_end(json_object *json, xpm__answer *answer)
{
    const char *state = xpm__json_get_text(json, "state");
    answer->end.known = json_object_get_boolean(xpm__json_get(json, "known"));
    answer->end.code = json_object_get_int(xpm__json_get(json, "exit"));
    answer->end.signal = json_object_get_int(xpm__json_get(json, "signal"));
    answer->end.memory = json_object_get_boolean(xpm__json_get(json, "memory"));
    answer->end.peak_memory = json_object_get_int64(xpm__json_get(json, "peak_memory"));
    answer->code = json_object_get_int(xpm__json_get(json, "code"));
    answer->status = xpm__json_get_text(json, "status");
    answer->last_words = xpm__json_get_text(json, "last_words");
    if (state != NULL && strcmp(state, "done") == 0)
        answer->state = XPM_JOB_DONE;
    else if (state != NULL)
        answer->state = XPM_JOB_ERROR;
    if (answer->state == XPM_JOB_ERROR)
        answer->reason = xpm__reason_parse(xpm__json_get_text(json, "reason"));
}

int xpm__answer_read(json_object *json, xpm__answer *answer, xpm_error *err)
{
    *answer = (xpm__answer){.json = json};
    int kind = find_word(json, "is", answers, sizeof answers / sizeof *answers);
    if (kind < 0)
        return wrong(err, "\"is\"");
    answer->kind = (xpm__answer_kind)kind;
    answer->version = json_object_get_int(xpm__json_get(json, "version"));
    answer->slots = json_object_get_int(xpm__json_get(json, "slots"));
    answer->same = json_object_get_boolean(xpm__json_get(json, "same"));
    answer->release = xpm__json_get_text(json, "release");
    answer->token = xpm__json_get_text(json, "token");
    answer->message = xpm__json_get_text(json, "message");
    if (answer->kind >= XPM__ANSWER_BEGAN && answer->token == NULL)
        return wrong(err, "token");
    if (answer->kind == XPM__ANSWER_ENDED)
        read_end(json, answer);
    return 0;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static void print_end(const xpm__answer *answer, xpm__str *out)
{
    const xpm__end *end = &answer->end;
    xpm__json_key(out, "known");
    xpm__json_bool(out, end->known);
    xpm__json_pair_int(out, "exit", end->code);
    xpm__json_pair_int(out, "signal", end->signal);
    xpm__json_key(out, "memory");
    xpm__json_bool(out, end->memory);
    xpm__json_pair_int(out, "peak_memory", end->peak_memory);
    if (answer->state == XPM_JOB_UNSCHEDULED)
        return;
    xpm__json_pair(out, "state", xpm_job_state_text(answer->state));
    xpm__json_pair(out, "reason", xpm_reason_text(answer->reason));
    xpm__json_pair_int(out, "code", answer->code);
    xpm__json_pair(out, "status", answer->status);
    xpm__json_pair(out, "last_words", answer->last_words);
}

void xpm__answer_print(const xpm__answer *answer, xpm__str *out)
{
    xpm__json_open(out, '{');
    xpm__json_pair(out, "is", answers[answer->kind]);
    if (answer->kind == XPM__ANSWER_AGENT) {
        xpm__json_pair_int(out, "version", answer->version);
        xpm__json_pair(out, "release", answer->release);
    } else if (answer->kind == XPM__ANSWER_OPEN) {
        xpm__json_pair_int(out, "slots", answer->slots);
        xpm__json_key(out, "same");
        xpm__json_bool(out, answer->same);
    }
    xpm__json_pair(out, "token", answer->token);
    xpm__json_pair(out, "message", answer->message);
    if (answer->kind == XPM__ANSWER_ENDED)
        print_end(answer, out);
    xpm__json_close(out, '}');
    xpm__str_putc(out, '\n');
}
