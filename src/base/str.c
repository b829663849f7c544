#include "base/str.h"

#include <stdio.h>
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
