/* What a plain scalar means in YAML 1.1: the words and numbers that PyYAML knows, and no others (1e5,
 * 08 and -.5 are texts). */
#include "settings/yaml.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789_";

/* ---- Words ------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    xpm__yaml_scalar scalar;
} words[] = {
    {"null", {XPM__YAML_NULL, {.boolean = false}}}, {"yes", {XPM__YAML_BOOL, {.boolean = true}}},
    {"true", {XPM__YAML_BOOL, {.boolean = true}}},  {"on", {XPM__YAML_BOOL, {.boolean = true}}},
    {"no", {XPM__YAML_BOOL, {.boolean = false}}},   {"false", {XPM__YAML_BOOL, {.boolean = false}}},
    {"off", {XPM__YAML_BOOL, {.boolean = false}}},
};

/* yes, Yes and YES; no other mixture. */
static bool is_word(const char *text, const char *word)
{
    size_t size = strlen(word), capitals = 0;
    if (strlen(text) != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        bool capital = text[i] != word[i];
        if (capital && (word[i] < 'a' || word[i] > 'z' || text[i] != word[i] - 'a' + 'A'))
            return false;
        capitals += capital;
    }
    return capitals == 0 || capitals == size || (capitals == 1 && text[0] != word[0]);
}

static bool read_word(const char *text, xpm__yaml_scalar *scalar)
{
    if (text[0] == '\0' || strcmp(text, "~") == 0)
        text = "null";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(text, words[i].word)) {
            *scalar = words[i].scalar;
            return true;
        }
    return false;
}

/* ---- Whole numbers ----------------------------------------------------------------------------- */

/* Adds the digit of a base to a number of this sign. */
static bool add_digit(int64_t *number, int base, int sign, int digit)
{
    return !__builtin_mul_overflow(*number, base, number) &&
           !__builtin_add_overflow(*number, sign * digit, number);
}

static int digit_of(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Adds the digits up to `end`. */
static bool add_digits(int64_t *number, int base, int sign, const char *at, const char *end)
{
    for (; at < end; at++)
        if (*at != '_' && !add_digit(number, base, sign, digit_of(*at)))
            return false;
    return true;
}

/* Of ":30": how many characters the sixtieths have, with the colon; 0 when it is none. */
static size_t sixtieths(const char *text)
{
    if (text[0] != ':')
        return 0;
    size_t size = strspn(text + 1, "0123456789");
    return size == 1 || (size == 2 && text[1] <= '5') ? size + 1 : 0;
}

/* After its sign, one that starts with 0. Whether it is one; `fits` when it is not too large. */
static bool read_based(const char *text, int sign, int64_t *number, bool *fits)
{
    static const char *const of_base[] = {
        [2] = "01_", [8] = "01234567_", [16] = "0123456789abcdefABCDEF_"};
    int base = text[1] == 'b' ? 2 : text[1] == 'x' ? 16 : 8;
    text += base == 8 ? 1 : 2;
    size_t size = strspn(text, of_base[base]);
    if (text[size] != '\0' || (base != 8 && strspn(text, "_") == size))
        return false;
    *fits = add_digits(number, base, sign, text, text + size);
    return true;
}

/* After its sign, a decimal one, or 1:30:00. */
static bool read_decimal(const char *text, int sign, int64_t *number, bool *fits)
{
    size_t size = strspn(text, digits), part;
    *fits = add_digits(number, 10, sign, text, text + size);
    for (text += size; (part = sixtieths(text)) > 0; text += part) {
        int value = 0;
        for (size_t i = 1; i < part; i++)
            value = value * 10 + digit_of(text[i]);
        *fits = *fits && add_digit(number, 60, sign, value);
    }
    return *text == '\0';
}

static bool read_int(const char *text, xpm__yaml_scalar *scalar, bool *fits)
{
    int sign = *text == '-' ? -1 : 1;
    int64_t number = 0;
    text += *text == '-' || *text == '+';
    bool is = *text == '0'                   ? read_based(text, sign, &number, fits)
              : *text >= '1' && *text <= '9' ? read_decimal(text, sign, &number, fits)
                                             : false;
    if (is)
        *scalar = (xpm__yaml_scalar){XPM__YAML_INT, {.integer = number}};
    return is;
}

/* ---- Others ------------------------------------------------------------------------------------ */

/* Whether it is digits, a point, and what may follow; with sixtieths there is no exponent. */
static bool is_real(const char *text, bool is_signed)
{
    size_t whole = strspn(text, digits), part;
    if (whole > 0 ? text[0] == '_' : is_signed || text[1] < '0' || text[1] > '9')
        return false;
    text += whole;
    const char *first = text;
    while (whole > 0 && (part = sixtieths(text)) > 0)
        text += part;
    if (*text != '.')
        return false;
    bool is_sixtieths = text > first;
    text += 1 + strspn(text + 1, digits);
    if (!is_sixtieths && (*text == 'e' || *text == 'E') && (text[1] == '+' || text[1] == '-') &&
        text[2] != '\0')
        text += 2 + strspn(text + 2, "0123456789");
    return *text == '\0';
}

static double real_of(const char *text)
{
    xpm__str plain = {0};
    double value = 0, unit = 1;
    for (; *text != '\0'; text++)
        if (*text != '_')
            xpm__str_putc(&plain, *text);
    for (char *colon; (colon = strrchr(plain.data, ':')) != NULL; unit *= 60) {
        value += xpm__real_parse(colon + 1) * unit;
        *colon = '\0';
    }
    value += xpm__real_parse(plain.data) * unit;
    xpm__str_free(&plain);
    return value;
}

static bool read_real(const char *text, xpm__yaml_scalar *scalar)
{
    bool is_signed = *text == '-' || *text == '+';
    double sign = *text == '-' ? -1 : 1;
    const char *rest = text + is_signed;
    scalar->kind = XPM__YAML_FLOAT;
    if (*rest == '.' && is_word(rest + 1, "inf"))
        scalar->as.real = sign * (double)INFINITY;
    else if (strcmp(text, ".nan") == 0 || strcmp(text, ".NaN") == 0 || strcmp(text, ".NAN") == 0)
        scalar->as.real = (double)NAN;
    else if (is_real(rest, is_signed))
        scalar->as.real = sign * real_of(rest);
    else
        return false;
    return true;
}

int xpm__yaml_resolve(const char *text, xpm__yaml_scalar *scalar)
{
    bool fits = true;
    if (!read_word(text, scalar) && !read_int(text, scalar, &fits) && !read_real(text, scalar))
        *scalar = (xpm__yaml_scalar){.kind = XPM__YAML_TEXT};
    return scalar->kind == XPM__YAML_INT && !fits ? -1 : 0;
}

/* ---- As Python writes them --------------------------------------------------------------------- */

/* The fewest digits that read back, in full up to 16 digits before the point, and with a power of ten beyond
 * them: printf has the power as soon as there are more digits than it prints. */
static void spell_real(double value, xpm__str *out)
{
    enum { FULL = 16 };
    char text[XPM__REAL_SIZE];
    if (isnan(value) || isinf(value)) {
        xpm__str_puts(out, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    int precision = 0;
    do
        xpm__real_print(value, ++precision, text);
    while (xpm__real_parse(text) != value);
    const char *power = strstr(text, "e+");
    if (power != NULL && strtol(power + 2, NULL, 10) < FULL)
        xpm__real_print(value, FULL, text);
    bool is_whole = strpbrk(text, ".e") == NULL;
    size_t first = text[0] == '-' ? 2 : 1;
    if (is_whole && strlen(text) > FULL + first - 1) /* 17 digits */
        xpm__str_printf(out, "%.*s.%se+%d", (int)first, text, text + first, FULL);
    else
        xpm__str_printf(out, "%s%s", text, is_whole ? ".0" : "");
}

void xpm__yaml_spell(const xpm__yaml_scalar *scalar, xpm__str *out)
{
    if (scalar->kind == XPM__YAML_BOOL)
        xpm__str_puts(out, scalar->as.boolean ? "True" : "False");
    else if (scalar->kind == XPM__YAML_INT)
        xpm__str_printf(out, "%" PRId64, scalar->as.integer);
    else if (scalar->kind == XPM__YAML_FLOAT)
        spell_real(scalar->as.real, out);
    else
        xpm__str_puts(out, "None");
}
