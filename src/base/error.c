#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NEAREST_MAX = 64 }; /* longer names are not compared */

static const char *const code_texts[] = {
#define XPM_CODE_TEXT(name, text) text,
    XPM_CODES(XPM_CODE_TEXT)
#undef XPM_CODE_TEXT
};

const char *xpm_version(void)
{
    return XPM_VERSION;
}

const char *xpm_code_text(xpm_code code)
{
    return (size_t)code < sizeof code_texts / sizeof *code_texts ? code_texts[code] : "unknown";
}

__attribute__((format(printf, 4, 0))) static void
write_error(xpm_error *err, xpm_code code, const char *path, const char *format, va_list args)
{
    if (err == NULL)
        return;
    err->code = code;
    snprintf(err->path, sizeof err->path, "%s", path != NULL ? path : "");
    vsnprintf(err->message, sizeof err->message, format, args);
}

int xpm_fail(xpm_error *err, xpm_code code, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_error(err, code, path, format, args);
    va_end(args);
    return -1;
}

int xpm__fail(xpm_error *err, xpm_code code, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_error(err, code, path, format, args);
    va_end(args);
    return -1;
}

int xpm__fail_io(xpm_error *err, const char *path, const char *what)
{
    return xpm__fail(err, XPM_E_IO, path, "cannot %s %s: %s", what, path, strerror(errno));
}

static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NEAREST_MAX + 1], length = strlen(b);
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            if (diagonal + 1 < best)
                best = diagonal + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j + 1] = best;
        }
    }
    return row[length];
}

const char *xpm__nearest(const char *name, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t length = strlen(name), best = length / 2 + 1;
    if (length > NEAREST_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (strlen(candidates[i]) > NEAREST_MAX)
            continue;
        size_t distance = edit_distance(name, candidates[i]);
        if (distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
