/* Reading requirements:
 *
 *     requirement = request { "|" request }
 *     request     = term { "&" term }
 *     term        = "duration" "=" NUMBER UNIT
 *                 | "cpu" "(" [ part { "," part } ] ")"
 *                 | [ COUNT "*" ] several | several [ "*" COUNT ]
 *     several     = ( "cuda" | "gpu" | "mps" ) "(" [ "mem" "=" NUMBER UNIT ] ")"
 *                 | "resource" "(" NAME ")"
 *     part        = "mem" "=" NUMBER UNIT | "cores" "=" COUNT
 *
 * Names and units are in small or capital letters, and space may be anywhere between. */
#include "launch/requirement.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

enum {
    MOST_CHARACTERS = 4000,
    WORD_SIZE = 64, /* longer words are cut: there are none that mean something */
};

typedef struct reading {
    const char *text, *at;
    xpm_error *err;
} reading;

/* What a term asks for: what is not said is 0. */
typedef struct term {
    int64_t seconds, memory, cores, count;
    char name[WORD_SIZE]; /* of a resource */
} term;

/* ---- What is wrong, and where ------------------------------------------------------------------ */

/* The part of the text that is around the culprit, in its line, and on the next line a caret under it. */
static void add_caret(xpm__str *out, const reading *r, const char *culprit)
{
    enum { AROUND = 60 };
    const char *start = culprit, *end = culprit;
    while (start > r->text && start[-1] != '\n' && culprit - start < AROUND)
        start--;
    while (*end != '\0' && *end != '\n' && end - culprit < AROUND)
        end++;
    xpm__str_puts(out, "\n  ");
    size_t from = out->size;
    xpm__str_add_visible(out, start, (size_t)(culprit - start));
    size_t to = out->size;
    xpm__str_add_visible(out, culprit, (size_t)(end - culprit));
    xpm__str_puts(out, "\n  ");
    for (size_t i = from; i < to; i++) {
        char c = out->data[i];
        if (((unsigned char)c & 0xc0) != 0x80) /* not inside a character */
            xpm__str_putc(out, c == '\t' ? c : ' ');
    }
    xpm__str_putc(out, '^');
}

__attribute__((format(printf, 4, 5))) static bool
wrong(const reading *r, xpm_code code, const char *culprit, const char *format, ...)
{
    xpm__str message = {0};
    va_list args;
    va_start(args, format);
    xpm__str_vprintf(&message, format, args);
    va_end(args);
    if (*culprit == '\0') /* after the last that is to be seen */
        while (culprit > r->text && isspace((unsigned char)culprit[-1]))
            culprit--;
    xpm__str_puts(&message, " in the requirement:");
    add_caret(&message, r, culprit);
    xpm__fail(r->err, code, "requirement", "%s", message.data);
    xpm__str_free(&message);
    return false;
}

/* ---- Words and numbers ------------------------------------------------------------------------- */

static void skip(reading *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

/* Whether the character is next; passes over it. */
static bool accept(reading *r, char c)
{
    skip(r);
    bool there = *r->at == c;
    r->at += there;
    return there;
}

static bool expect(reading *r, char c, const char *after)
{
    return accept(r, c) || wrong(r, XPM_E_SYNTAX, r->at, "%c is expected after %s", c, after);
}

/* A word, in small letters; "" when there is none. Where it starts. */
static const char *read_word(reading *r, char word[WORD_SIZE])
{
    size_t size = 0;
    skip(r);
    const char *start = r->at;
    for (; isalpha((unsigned char)*r->at) || *r->at == '_'; r->at++)
        if (size + 1 < WORD_SIZE)
            word[size++] = (char)tolower((unsigned char)*r->at);
    word[size] = '\0';
    return start;
}

/* One of the names; its index, or -1 after an error, which says `what` they are. */
static int read_name(reading *r, const char *what, const char *const *names, size_t count)
{
    char word[WORD_SIZE];
    const char *start = read_word(r, word);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], word) == 0)
            return (int)i;
    const char *nearest = word[0] != '\0' ? xpm__nearest(word, names, count) : NULL;
    if (nearest != NULL)
        wrong(r, XPM_E_SYNTAX, start, "\"%s\" is not %s; did you mean %s?", word, what, nearest);
    else
        wrong(r, XPM_E_SYNTAX, start, "%s is expected", what);
    return -1;
}

static bool read_whole(reading *r, const char *what, int64_t *number)
{
    skip(r);
    const char *start = r->at;
    if (!isdigit((unsigned char)*start))
        return wrong(r, XPM_E_SYNTAX, start, "%s is expected", what);
    *number = 0;
    for (; isdigit((unsigned char)*r->at); r->at++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, *r->at - '0', number))
            return wrong(r, XPM_E_RANGE, start, "the number is too large");
    return true;
}

static bool read_count(reading *r, const char *what, int64_t most, int64_t *count)
{
    skip(r);
    const char *start = r->at;
    if (!read_whole(r, what, count))
        return false;
    if (*r->at == '.')
        return wrong(r, XPM_E_SYNTAX, r->at, "%s is expected", what);
    if (*count < 1 || *count > most)
        return wrong(r, XPM_E_RANGE, start, "the number is from 1 to %" PRId64, most);
    return true;
}

/* What is behind the point of a number, if there is one. */
static double read_fraction(reading *r)
{
    double fraction = 0, digit = 1;
    if (*r->at != '.' || !isdigit((unsigned char)r->at[1]))
        return 0;
    for (r->at++; isdigit((unsigned char)*r->at); r->at++)
        fraction += (digit /= 10) * (*r->at - '0');
    return fraction;
}

/* ---- Quantities -------------------------------------------------------------------------------- */

static int64_t read_unit_of_time(reading *r)
{
    static const char *const names[] = {"s",      "m",      "h",       "d",      "sec",   "min",
                                        "hour",   "day",    "secs",    "mins",   "hours", "days",
                                        "second", "minute", "seconds", "minutes"};
    static const char letters[] = "smhd";
    static const int64_t seconds[] = {1, 60, 3600, 24 * 3600};
    int index = read_name(r, "a unit of time (s, m, h or d, or one of these in full)", names,
                          sizeof names / sizeof *names);
    return index < 0 ? 0 : seconds[strchr(letters, names[index][0]) - letters];
}

/* All are powers of 1024: G, GB and GiB are the same. */
static int64_t read_unit_of_memory(reading *r)
{
    static const char letters[] = "bkmgtp";
    char word[WORD_SIZE];
    const char *start = read_word(r, word);
    const char *letter = word[0] != '\0' ? strchr(letters, word[0]) : NULL;
    bool known = letter != NULL &&
                 (word[1] == '\0' ||
                  (word[0] != 'b' && (strcmp(word + 1, "b") == 0 || strcmp(word + 1, "ib") == 0)));
    if (!known) {
        wrong(r, XPM_E_SYNTAX, start,
              "a unit of memory is expected: K, M, G, T or P, as in 4G, or B for bytes");
        return 0;
    }
    return (int64_t)1 << (10 * (letter - letters));
}

/* What is said by a number and its unit. */
typedef struct quantity {
    const char *what;
    int64_t (*read_unit)(reading *r); /* its size; 0 after an error */
    int64_t most;
    const char *most_text;
} quantity;

static const quantity duration = {"a duration, as 4h,", read_unit_of_time, XPM__MOST_SECONDS,
                                  "36500d"},
                      memory = {"memory, as 4G,", read_unit_of_memory, XPM__MOST_MEMORY, "4P"};

static bool read_quantity(reading *r, const quantity *q, int64_t *value)
{
    skip(r);
    const char *start = r->at;
    int64_t whole, unit;
    if (!read_whole(r, q->what, &whole))
        return false;
    double fraction = read_fraction(r);
    if ((unit = q->read_unit(r)) == 0)
        return false;
    double part = ceil(fraction * (double)unit);
    if (whole > q->most / unit || (*value = whole * unit + (int64_t)part) > q->most)
        return wrong(r, XPM_E_RANGE, start, "this is too much: the most is %s", q->most_text);
    if (*value == 0)
        return wrong(r, XPM_E_RANGE, start, "more than 0 is expected");
    return true;
}

/* ---- Terms ------------------------------------------------------------------------------------- */

/* In the parentheses of cpu, cuda, gpu and mps: the first `count` of these. */
static bool read_parts(reading *r, size_t count, term *t)
{
    static const char *const parts[] = {"mem", "cores"};
    if (!expect(r, '(', "the name"))
        return false;
    if (accept(r, ')'))
        return true;
    do {
        skip(r);
        const char *start = r->at;
        int part = read_name(r, count == 1 ? "mem" : "mem or cores", parts, count);
        if (part < 0 || !expect(r, '=', parts[part]))
            return false;
        if ((part == 0 ? t->memory : t->cores) != 0)
            return wrong(r, XPM_E_SYNTAX, start, "%s is said twice", parts[part]);
        if (!(part == 0 ? read_quantity(r, &memory, &t->memory)
                        : read_count(r, "a number of cores", XPM__MOST_CORES, &t->cores)))
            return false;
    } while (accept(r, ','));
    return accept(r, ')') || wrong(r, XPM_E_SYNTAX, r->at, "a comma or ) is expected");
}

static bool read_resource(reading *r, term *t)
{
    size_t size = 0;
    if (!expect(r, '(', "the name"))
        return false;
    skip(r);
    const char *start = r->at;
    for (; isalnum((unsigned char)*r->at) || (*r->at != '\0' && strchr("_.-", *r->at)); r->at++)
        if (size < sizeof t->name)
            t->name[size++] = *r->at;
    if (size == sizeof t->name)
        return wrong(r, XPM_E_RANGE, start, "a name has less than %d characters", WORD_SIZE);
    t->name[size] = '\0';
    if (!xpm__resource_is_name(t->name))
        return wrong(r, XPM_E_SYNTAX, start,
                     "the name of a resource is expected: letters, digits and _.-, a letter first");
    return expect(r, ')', "the name of a resource");
}

typedef enum term_kind { DURATION, CPU, CUDA, GPU, MPS, RESOURCE, TERM_KINDS } term_kind;

static bool read_inside(reading *r, term_kind kind, term *t)
{
    switch (kind) {
    case DURATION:
        return expect(r, '=', "duration") && read_quantity(r, &duration, &t->seconds);
    case CPU:
        return read_parts(r, 2, t);
    case RESOURCE:
        return read_resource(r, t);
    default:
        return read_parts(r, 1, t);
    }
}

static bool add_term(xpm_request *request, term_kind kind, const term *t)
{
    static const xpm_accelerator_kind kinds[] = {
        [CUDA] = XPM_ACCELERATOR_CUDA, [GPU] = XPM_ACCELERATOR_ANY, [MPS] = XPM_ACCELERATOR_MPS};
    switch (kind) {
    case DURATION:
        request->seconds = fmax(request->seconds, (double)t->seconds);
        return true;
    case CPU:
        request->memory = t->memory > request->memory ? t->memory : request->memory;
        request->cores = t->cores > request->cores ? (int)t->cores : request->cores;
        return true;
    case RESOURCE:
        return xpm__request_add_resource(request, t->name, t->count);
    default:
        return xpm__request_add_accelerators(request, kinds[kind], t->memory, t->count);
    }
}

static bool read_times(reading *r, term_kind kind, term *t)
{
    int64_t most = kind == RESOURCE ? XPM__MOST_RESOURCES : XPM__MOST_ACCELERATORS;
    const char *star = r->at - 1;
    if (kind == DURATION || kind == CPU)
        return wrong(r, XPM_E_SYNTAX, star, "only cuda, gpu, mps and resource may be several");
    if (t->count != 0)
        return wrong(r, XPM_E_SYNTAX, star, "how many is said twice");
    return read_count(r, "how many", most, &t->count);
}

static bool read_term(reading *r, xpm_request *request)
{
    static const char *const names[TERM_KINDS] = {"duration", "cpu", "cuda",
                                                  "gpu",      "mps", "resource"};
    term t = {0};
    skip(r);
    const char *start = r->at;
    if (isdigit((unsigned char)*r->at) &&
        (!read_count(r, "how many", XPM__MOST_RESOURCES, &t.count) || !expect(r, '*', "how many")))
        return false;
    int kind = read_name(r, "one of duration, cpu, cuda, gpu, mps and resource", names, TERM_KINDS);
    if (kind < 0)
        return false;
    if (t.count != 0 && (kind == DURATION || kind == CPU))
        return wrong(r, XPM_E_SYNTAX, start, "only cuda, gpu, mps and resource may be several");
    if (!read_inside(r, (term_kind)kind, &t) ||
        (accept(r, '*') && !read_times(r, (term_kind)kind, &t)))
        return false;
    if (t.count == 0)
        t.count = 1;
    return add_term(request, (term_kind)kind, &t) ||
           wrong(r, XPM_E_RANGE, start,
                 "at most %d accelerators are asked for together, and %d of a "
                 "resource",
                 XPM__MOST_ACCELERATORS, XPM__MOST_RESOURCES);
}

/* ---- The whole --------------------------------------------------------------------------------- */

static bool read_request(reading *r, xpm_requirement *requirement)
{
    xpm_request *request = xpm__requirement_add(requirement);
    if (request == NULL)
        return wrong(r, XPM_E_RANGE, r->at, "there are more than %d alternatives",
                     XPM__MOST_ALTERNATIVES);
    do
        if (!read_term(r, request))
            return false;
    while (accept(r, '&'));
    return true;
}

static bool read_all(reading *r, xpm_requirement *requirement)
{
    if (strlen(r->text) > MOST_CHARACTERS)
        return wrong(r, XPM_E_RANGE, r->text, "there are more than %d characters", MOST_CHARACTERS);
    do
        if (!read_request(r, requirement))
            return false;
    while (accept(r, '|'));
    return *r->at == '\0' ||
           wrong(r, XPM_E_SYNTAX, r->at, "& (and), | (or) or the end is expected");
}

xpm_requirement *xpm_requirement_parse(const char *text, xpm_error *err)
{
    reading r = {.text = text, .at = text, .err = err};
    xpm_requirement *requirement = xpm__zalloc(sizeof *requirement);
    if (read_all(&r, requirement))
        return requirement;
    xpm_requirement_free(requirement);
    return NULL;
}
