#include "declare/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

/* What is left to read, and what was read, without its underscores. */
typedef struct reader {
    const char *at, *end;
    xpm__str digits;
} reader;

static bool accept(reader *r, const char *any)
{
    if (r->at == r->end || *r->at == '\0' || strchr(any, *r->at) == NULL)
        return false;
    xpm__str_putc(&r->digits, *r->at++);
    return true;
}

/* How many digits there are here. An underscore that is not between two digits ends them. */
static size_t accept_digits(reader *r)
{
    size_t count = 0;
    while (accept(r, "0123456789")) {
        count++;
        if (r->end - r->at > 1 && r->at[0] == '_' && isdigit((unsigned char)r->at[1]))
            r->at++;
    }
    return count;
}

static reader start(const char *text, size_t size)
{
    reader r = {.at = text, .end = text + size};
    while (r.at < r.end && isspace((unsigned char)*r.at))
        r.at++;
    while (r.at < r.end && isspace((unsigned char)r.end[-1]))
        r.end--;
    accept(&r, "+-");
    return r;
}

static bool is_whole(reader *r)
{
    if (accept_digits(r) == 0)
        return false;
    size_t size = r->digits.size;
    bool whole = !accept(r, ".") || accept_digits(r) > 0;
    for (size_t i = size + 1; whole && i < r->digits.size; i++)
        whole = r->digits.data[i] == '0';
    return whole && r->at == r->end;
}

xpm__reading xpm__read_int(const char *text, size_t size, int64_t *integer)
{
    reader r = start(text, size);
    xpm__reading reading = XPM__NOT_A_NUMBER;
    if (is_whole(&r)) {
        errno = 0;
        *integer = strtoll(r.digits.data, NULL, 10);
        reading = errno == ERANGE ? XPM__TOO_LARGE : XPM__READ;
    }
    xpm__str_free(&r.digits);
    return reading;
}

static bool is_word(reader *r)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    size_t size = (size_t)(r->end - r->at);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == size && strncasecmp(r->at, words[i], size) == 0) {
            xpm__str_puts(&r->digits, words[i]);
            return true;
        }
    }
    return false;
}

static bool is_real(reader *r)
{
    size_t count = accept_digits(r);
    if (accept(r, "."))
        count += accept_digits(r);
    if (count > 0 && accept(r, "eE")) {
        accept(r, "+-");
        count = accept_digits(r);
    }
    return count > 0 && r->at == r->end;
}

xpm__reading xpm__read_float(const char *text, size_t size, double *real)
{
    reader r = start(text, size);
    xpm__reading reading = XPM__NOT_A_NUMBER;
    if (is_word(&r) || is_real(&r)) {
        *real = xpm__real_parse(r.digits.data);
        reading = XPM__READ;
    }
    xpm__str_free(&r.digits);
    return reading;
}
