#include "base/str.h"

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void reserve(xpm__str *str, size_t more)
{
    size_t needed = str->size + more + 1;
    if (needed <= str->capacity)
        return;
    str->capacity = needed > 2 * str->capacity ? needed : 2 * str->capacity;
    str->data = xpm__realloc(str->data, str->capacity);
}

void xpm__str_add(xpm__str *str, const char *data, size_t size)
{
    reserve(str, size);
    if (size > 0)
        memcpy(str->data + str->size, data, size);
    str->size += size;
    str->data[str->size] = '\0';
}

void xpm__str_puts(xpm__str *str, const char *text)
{
    xpm__str_add(str, text, strlen(text));
}

void xpm__str_putc(xpm__str *str, char c)
{
    xpm__str_add(str, &c, 1);
}

void xpm__str_vprintf(xpm__str *str, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t size = (size_t)vsnprintf(NULL, 0, format, again);
    va_end(again);
    reserve(str, size);
    vsnprintf(str->data + str->size, size + 1, format, args);
    str->size += size;
}

void xpm__str_printf(xpm__str *str, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    xpm__str_vprintf(str, format, args);
    va_end(args);
}

/* How many bytes the character at the start of `data` has; 0 when it is no UTF-8. */
static size_t character_size(const unsigned char *data, size_t size)
{
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (data[0] < 0x80)
        return 1;
    size_t count = data[0] >= 0xf0 ? 4 : data[0] >= 0xe0 ? 3 : 2;
    if (data[0] < 0xc0 || data[0] > 0xf4 || count > size)
        return 0;
    unsigned code = data[0] & (0x7fu >> count);
    for (size_t i = 1; i < count; i++) {
        if ((data[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (data[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < smallest[count] || code > 0x10ffff || surrogate ? 0 : count;
}

void xpm__str_add_visible(xpm__str *str, const char *data, size_t size)
{
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)data[i];
        size_t count = character_size((const unsigned char *)data + i, size - i);
        if (count == 0)
            xpm__str_puts(str, "\xef\xbf\xbd");
        else if ((c < 0x20 && c != '\t') || c == 0x7f)
            xpm__str_printf(str, "\\x%02x", c);
        else
            xpm__str_add(str, data + i, count);
        i += count > 0 ? count : 1;
    }
}

void xpm__str_clear(xpm__str *str)
{
    str->size = 0;
    if (str->data != NULL)
        str->data[0] = '\0';
}

void xpm__str_cut(xpm__str *str, size_t size)
{
    str->size = size;
    str->data[size] = '\0';
}

void xpm__str_free(xpm__str *str)
{
    xpm_free(str->data);
    *str = (xpm__str){0};
}

char *xpm__str_take(xpm__str *str)
{
    xpm__str_add(str, "", 0);
    char *data = str->data;
    *str = (xpm__str){0};
    return data;
}

void xpm__real_print(double value, int digits, char text[XPM__REAL_SIZE])
{
    locale_t before = uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0)); /* a static one */
    snprintf(text, XPM__REAL_SIZE, "%.*g", digits, value);
    uselocale(before);
}

double xpm__real_parse(const char *text)
{
    return strtod_l(text, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0));
}
