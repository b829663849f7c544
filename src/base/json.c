#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

enum { MAX_DEPTH = 512 };

static void separate(xpm__str *out)
{
    if (out->size == 0)
        return;
    char last = out->data[out->size - 1];
    if (last != '{' && last != '[' && last != ':' && last != '\n' && last != ' ')
        xpm__str_putc(out, ',');
}

void xpm__json_open(xpm__str *out, char bracket)
{
    separate(out);
    xpm__str_putc(out, bracket);
}

void xpm__json_close(xpm__str *out, char bracket)
{
    xpm__str_putc(out, bracket);
}

void xpm__json_null(xpm__str *out)
{
    separate(out);
    xpm__str_puts(out, "null");
}

void xpm__json_bool(xpm__str *out, bool value)
{
    separate(out);
    xpm__str_puts(out, value ? "true" : "false");
}

void xpm__json_int(xpm__str *out, int64_t value)
{
    separate(out);
    xpm__str_printf(out, "%lld", (long long)value);
}

/* The shortest of 15, 16 and 17 digits that reads back to the same bits, always with a point or an
 * exponent: a reader must tell 2.0 from 2. */
void xpm__json_double(xpm__str *out, double value)
{
    char text[XPM__REAL_SIZE];
    separate(out);
    if (isnan(value)) {
        xpm__str_puts(out, "NaN");
    } else if (isinf(value)) {
        xpm__str_puts(out, value > 0 ? "Infinity" : "-Infinity");
    } else {
        for (int digits = 15; digits <= 17; digits++) {
            xpm__real_print(value, digits, text);
            if (xpm__real_parse(text) == value)
                break;
        }
        xpm__str_puts(out, text);
        if (strpbrk(text, ".e") == NULL)
            xpm__str_puts(out, ".0");
    }
}

void xpm__json_text_sized(xpm__str *out, const char *text, size_t size)
{
    separate(out);
    xpm__str_putc(out, '"');
    size_t start = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        xpm__str_add(out, text + start, i - start);
        start = i + 1;
        if (c == '"' || c == '\\')
            xpm__str_printf(out, "\\%c", c);
        else if (c == '\n')
            xpm__str_puts(out, "\\n");
        else
            xpm__str_printf(out, "\\u%04x", c);
    }
    xpm__str_add(out, text + start, size - start);
    xpm__str_putc(out, '"');
}

void xpm__json_text(xpm__str *out, const char *text)
{
    if (text == NULL)
        xpm__json_null(out);
    else
        xpm__json_text_sized(out, text, strlen(text));
}

void xpm__json_key(xpm__str *out, const char *key)
{
    xpm__json_text(out, key);
    xpm__str_putc(out, ':');
}

void xpm__json_pair(xpm__str *out, const char *key, const char *text)
{
    xpm__json_key(out, key);
    xpm__json_text(out, text);
}

void xpm__json_pair_int(xpm__str *out, const char *key, int64_t value)
{
    xpm__json_key(out, key);
    xpm__json_int(out, value);
}

void xpm__json_pair_double(xpm__str *out, const char *key, double value)
{
    xpm__json_key(out, key);
    xpm__json_double(out, value);
}

void xpm__json_pair_time(xpm__str *out, const char *key, double seconds)
{
    long long micros = (long long)(seconds * 1e6);
    xpm__json_key(out, key);
    separate(out);
    xpm__str_printf(out, "%lld.%06lld", micros / 1000000, micros % 1000000);
}

json_object *xpm__json_parse(const char *text, size_t size, const char **problem)
{
    json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
    json_object *object = NULL;
    *problem = "is empty";
    if (size > 0 && size < INT32_MAX) {
        object = json_tokener_parse_ex(tokener, text, (int)size);
        enum json_tokener_error status = json_tokener_get_error(tokener);
        size_t end = json_tokener_get_parse_end(tokener);
        if (status == json_tokener_continue) { /* a number alone ends with the text */
            object = json_tokener_parse_ex(tokener, "", 1);
            if (json_tokener_get_error(tokener) == json_tokener_success)
                status = json_tokener_success;
        }
        while (end < size && text[end] != '\0' && strchr(" \t\r\n", text[end]) != NULL)
            end++;
        if (status == json_tokener_continue)
            *problem = "is truncated";
        else if (status != json_tokener_success)
            *problem = json_tokener_error_desc(status);
        else if (end < size)
            *problem = "has something after its end";
        if (status != json_tokener_success || end < size) {
            json_object_put(object);
            object = NULL;
        }
    }
    json_tokener_free(tokener);
    return object;
}

json_object *xpm__json_read(int dir, const char *path)
{
    xpm__str text = {0};
    const char *problem;
    int status = xpm__file_read(dir, path, &text), saved = status < 0 ? errno : EBADMSG;
    json_object *json = status == 0 ? xpm__json_parse(text.data, text.size, &problem) : NULL;
    xpm__str_free(&text);
    errno = saved;
    return json;
}

json_object *xpm__json_get(json_object *object, const char *key)
{
    json_object *member = NULL;
    if (json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, key, &member);
    return member;
}

const char *xpm__json_get_text(json_object *object, const char *key)
{
    json_object *member = xpm__json_get(object, key);
    return json_object_is_type(member, json_type_string) ? json_object_get_string(member) : NULL;
}
