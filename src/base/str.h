/* A text that grows. Start from {0}; `data` is NUL-terminated once anything was added. */
#ifndef XPM_BASE_STR_H
#define XPM_BASE_STR_H

#include <stdarg.h>
#include <stddef.h>

typedef struct xpm__str {
    char *data;
    size_t size, capacity;
} xpm__str;

void xpm__str_add(xpm__str *str, const char *data, size_t size);
void xpm__str_puts(xpm__str *str, const char *text);
void xpm__str_putc(xpm__str *str, char c);
void xpm__str_printf(xpm__str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));
void xpm__str_vprintf(xpm__str *str, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Adds what was read from anywhere, for people: bytes that are no UTF-8 as U+FFFD, and control
 * characters, but for tabs, as "\x1b". */
void xpm__str_add_visible(xpm__str *str, const char *data, size_t size);
void xpm__str_clear(xpm__str *str);            /* empties it, keeping its memory */
void xpm__str_cut(xpm__str *str, size_t size); /* shortens it to `size` bytes */
void xpm__str_free(xpm__str *str);
/* As printf("%.*g") and strtod, with a point, whatever the locale that the program has chosen. */
enum { XPM__REAL_SIZE = 40 };
void xpm__real_print(double value, int digits, char text[XPM__REAL_SIZE]);
double xpm__real_parse(const char *text);
/* What it holds ("" when nothing), which the caller then owns; the str is empty again. */
char *xpm__str_take(xpm__str *str);

#endif
