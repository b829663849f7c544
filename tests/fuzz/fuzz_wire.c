/* Anything may come over a connection: each line is an order or an answer, or it is refused; an answer
 * that is printed again says the same. */
#include <stdlib.h>
#include <string.h>

#include "launch/wire.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_answer(const xpm__answer *answer)
{
    xpm__str out = {0};
    const char *problem;
    xpm__answer again;
    xpm__answer_print(answer, &out);
    must(memchr(out.data, '\n', out.size) == out.data + out.size - 1);
    json_object *json = xpm__json_parse(out.data, out.size - 1, &problem);
    must(json != NULL && xpm__answer_read(json, &again, NULL) == 0);
    must(again.kind == answer->kind && again.state == answer->state);
    must(is_same(again.token, answer->token) && is_same(again.message, answer->message));
    json_object_put(json);
    xpm__str_free(&out);
}

static void check_order(const xpm__order *order)
{
    if (order->kind == XPM__ORDER_OPEN)
        must(order->workspace[0] == '/' && strchr(order->probe, '/') == NULL);
    else
        must(order->token != NULL);
    if (order->kind == XPM__ORDER_START)
        must(json_object_array_length(order->argv) > 0 && strchr(order->name, '/') == NULL);
}

static void check_line(const char *line, size_t size)
{
    const char *problem;
    xpm__order order;
    xpm__answer answer;
    xpm_error err = {0};
    json_object *json = xpm__json_parse(line, size, &problem);
    if (json != NULL && xpm__order_read(json, &order, &err) == 0)
        check_order(&order);
    if (json != NULL && xpm__answer_read(json, &answer, &err) == 0)
        check_answer(&answer);
    json_object_put(json);
}

/* The first byte says in pieces of how many bytes the rest comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xpm__frames frames = {0};
    size_t piece = size > 0 && data[0] > 0 ? data[0] : 256;
    for (size_t at = 1; at < size; at += piece) {
        const char *line;
        ptrdiff_t line_size;
        xpm__frames_add(&frames, (const char *)data + at, piece < size - at ? piece : size - at);
        while ((line_size = xpm__frames_next(&frames, &line)) >= 0)
            check_line(line, (size_t)line_size);
    }
    xpm__frames_free(&frames);
    return 0;
}
