#include "watch/filter.h"

#include <ctype.h>
#include <regex.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"

enum {
    DEPTH = 200, /* of parentheses and nots: they are read by recursion */
    REGEX_SIZE = 200
};

typedef enum kind { AND, OR, NOT, EQUAL, MATCH, IN } kind;

/* A node of the tree; `name` to `count` are those of a comparison. */
typedef struct node {
    kind kind;
    struct node *left, *right;
    char *name;
    char **values;
    size_t count, capacity;
    regex_t regex;
    bool has_regex;
} node;

struct xpm__filter {
    node *root;
};

/* ---- Words ------------------------------------------------------------------------------------- */

typedef enum token { END, WORD, TEXT, SYMBOL, BAD } token;

typedef struct reading {
    const char *text, *at; /* `at` is after the token */
    const char *start;     /* of the token */
    token token;
    xpm__str word; /* of WORD and TEXT, its characters; of SYMBOL, one or two */
    int depth;
    xpm_error *err;
} reading;

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || strchr("_.-+", c) != NULL || (unsigned char)c >= 0x80;
}

/* Between quotes, a backslash takes the next quote or backslash as it is. */
static token read_text(reading *r)
{
    char quote = *r->at++;
    for (; *r->at != quote; r->at++) {
        if (*r->at == '\0')
            return BAD;
        if (*r->at == '\\' && (r->at[1] == quote || r->at[1] == '\\'))
            r->at++;
        xpm__str_putc(&r->word, *r->at);
    }
    r->at++;
    return TEXT;
}

static token read_word(reading *r)
{
    if (*r->at == '@')
        xpm__str_putc(&r->word, *r->at++);
    while (*r->at != '\0' && is_word(*r->at))
        xpm__str_putc(&r->word, *r->at++);
    return WORD;
}

static token read_symbol(reading *r)
{
    char c = *r->at;
    if (strchr("=~[](),!", c) == NULL)
        return BAD;
    xpm__str_putc(&r->word, *r->at++);
    if ((c == '=' || c == '!') && *r->at == '=')
        xpm__str_putc(&r->word, *r->at++);
    return SYMBOL;
}

static void next(reading *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
    r->start = r->at;
    xpm__str_clear(&r->word);
    xpm__str_puts(&r->word, "");
    if (*r->at == '\0')
        r->token = END;
    else if (*r->at == '"' || *r->at == '\'')
        r->token = read_text(r);
    else if (*r->at == '@' || is_word(*r->at))
        r->token = read_word(r);
    else
        r->token = read_symbol(r);
}

static bool is(const reading *r, token wanted, const char *word)
{
    return r->token == wanted && strcmp(r->word.data, word) == 0;
}

/* Whether it was there; passes over it. */
static bool accept(reading *r, token wanted, const char *word)
{
    bool there = is(r, wanted, word);
    if (there)
        next(r);
    return there;
}

static node *wrong(reading *r, const char *expected)
{
    int column = (int)(r->start - r->text);
    const char *hint = "";
    if (r->token == BAD && strchr("\"'", *r->start) != NULL)
        hint = " (these quotes have no end)";
    else if (r->token == BAD)
        hint = " (a text with more than letters, digits and _.-+ goes between quotes)";
    xpm__fail(r->err, XPM_E_FORMAT, "filter", "%s is expected in the filter%s:\n  %s\n  %*s^",
              expected, hint, r->text, column, "");
    return NULL;
}

/* ---- The tree ---------------------------------------------------------------------------------- */

static void free_node(node *n)
{
    if (n == NULL)
        return;
    free_node(n->left);
    free_node(n->right);
    for (size_t i = 0; i < n->count; i++)
        xpm_free(n->values[i]);
    if (n->has_regex)
        regfree(&n->regex);
    xpm_free(n->values);
    xpm_free(n->name);
    xpm_free(n);
}

static node *new_node(kind of, node *left, node *right)
{
    node *n = xpm__zalloc(sizeof *n);
    n->kind = of;
    n->left = left;
    n->right = right;
    return n;
}

static void add_value(node *n, const char *value)
{
    n->values = xpm__grow(n->values, &n->capacity, n->count, sizeof *n->values);
    n->values[n->count++] = xpm__strdup(value);
}

static node *read_or(reading *r);

/* What follows the name of a comparison: the kind, and whether it is the contrary that holds. */
static bool read_operator(reading *r, kind *of, bool *contrary)
{
    *contrary = false;
    *of = EQUAL;
    if (accept(r, SYMBOL, "=") || accept(r, SYMBOL, "=="))
        return true;
    if (accept(r, SYMBOL, "!="))
        return *contrary = true;
    *of = MATCH;
    if (accept(r, SYMBOL, "~"))
        return true;
    *of = IN;
    *contrary = accept(r, WORD, "not");
    return accept(r, WORD, "in");
}

static bool is_state(reading *r)
{
    unsigned states;
    if (strchr(r->word.data, ',') != NULL)
        return wrong(r, "one state, or `in` and a list,") != NULL;
    return xpm_states_parse(r->word.data, &states, r->err) == 0;
}

static bool read_value(reading *r, node *n)
{
    if (r->token != TEXT && r->token != WORD)
        return wrong(r, "a text between quotes, or a word,") != NULL;
    if (n->kind != MATCH && strcmp(n->name, "@state") == 0 && !is_state(r))
        return false;
    add_value(n, r->word.data);
    next(r);
    return true;
}

static bool read_list(reading *r, node *n)
{
    if (!accept(r, SYMBOL, "["))
        return wrong(r, "a list such as [\"a\", \"b\"]") != NULL;
    while (!accept(r, SYMBOL, "]")) {
        if (!read_value(r, n))
            return false;
        if (!is(r, SYMBOL, "]") && !accept(r, SYMBOL, ","))
            return wrong(r, "a comma or ]") != NULL;
    }
    return true;
}

static bool is_repetition(char c)
{
    return c != '\0' && strchr("*+?", c) != NULL;
}

/* The end of a bracket expression, whose first character is at `c`. */
static const char *skip_brackets(const char *c)
{
    c += 1 + (c[1] == '^');
    c += *c == ']';
    while (*c != '\0' && *c != ']')
        c++;
    return c;
}

/* Whether compiling takes time and memory that the length of the expression bounds: nothing in it is
 * repeated that has repetitions itself, as each one is copied. */
static bool is_bounded(const char *regex)
{
    bool repeats[REGEX_SIZE + 1] = {false}; /* in each group that is open */
    size_t depth = 0;
    if (strlen(regex) > REGEX_SIZE)
        return false;
    for (const char *c = regex; *c != '\0'; c++) {
        if (*c == '{' || (*c == '\\' && isdigit((unsigned char)c[1])))
            return false;
        if (*c == '\\' && c[1] != '\0') {
            c++;
        } else if (*c == '[') {
            c = skip_brackets(c);
            if (*c == '\0')
                return true; /* it will not compile */
        } else if (*c == '(') {
            repeats[++depth] = false;
        } else if (*c == ')' && depth > 0) {
            bool inside = repeats[depth--];
            if (inside && is_repetition(c[1]))
                return false;
            repeats[depth] |= inside;
        } else if (is_repetition(*c)) {
            if (is_repetition(c[1]))
                return false;
            repeats[depth] = true;
        }
    }
    return true;
}

/* Matches are from the first character, and need not be of the whole text. */
static bool compile(reading *r, node *n, const char *start)
{
    r->start = start;
    if (!is_bounded(n->values[0]))
        return wrong(r, "a regular expression without {, back references, and repetitions in "
                        "repetitions") != NULL;
    char *anchored = xpm__format("^(%s)", n->values[0]);
    int status = regcomp(&n->regex, anchored, REG_EXTENDED | REG_NOSUB);
    xpm_free(anchored);
    n->has_regex = status == 0;
    return status == 0 || wrong(r, "a regular expression (POSIX, extended)") != NULL;
}

static bool is_known(const char *name)
{
    static const char *const names[] = {"@state", "@name", "@job", "@experiment"};
    if (name[0] != '@')
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static node *read_comparison(reading *r)
{
    bool contrary;
    if (r->token != WORD && r->token != TEXT)
        return wrong(r, "@state, @name, @job, @experiment, or a tag's name,");
    if (r->token == WORD && !is_known(r->word.data))
        return wrong(r, "one of @state, @name, @job, @experiment");
    node *n = new_node(EQUAL, NULL, NULL);
    n->name = xpm__strdup(r->word.data);
    next(r);
    if (!read_operator(r, &n->kind, &contrary)) {
        wrong(r, "one of =, !=, ~, in, not in");
        goto fail;
    }
    const char *start = r->start;
    if (!(n->kind == IN ? read_list(r, n) : read_value(r, n)) ||
        (n->kind == MATCH && !compile(r, n, start)))
        goto fail;
    return contrary ? new_node(NOT, n, NULL) : n;
fail:
    free_node(n);
    return NULL;
}

static node *read_one(reading *r)
{
    node *inside;
    bool negated = accept(r, WORD, "not");
    if (!negated && !is(r, SYMBOL, "("))
        return read_comparison(r);
    if (++r->depth > DEPTH)
        return wrong(r, "less depth");
    if (negated) {
        inside = read_one(r);
        inside = inside != NULL ? new_node(NOT, inside, NULL) : NULL;
    } else {
        next(r);
        inside = read_or(r);
        if (inside != NULL && !accept(r, SYMBOL, ")")) {
            free_node(inside);
            inside = wrong(r, "and, or, or )");
        }
    }
    r->depth--;
    return inside;
}

/* A row of operands with one word between; to the left, so that a long row is not deep to read. */
static node *read_row(reading *r, node *(*operand)(reading *r), kind of, const char *word)
{
    node *left = operand(r);
    while (left != NULL && accept(r, WORD, word)) {
        node *right = operand(r);
        if (right == NULL) {
            free_node(left);
            return NULL;
        }
        left = new_node(of, left, right);
    }
    return left;
}

static node *read_and(reading *r)
{
    return read_row(r, read_one, AND, "and");
}

static node *read_or(reading *r)
{
    return read_row(r, read_and, OR, "or");
}

xpm__filter *xpm__filter_parse(const char *text, xpm_error *err)
{
    enum { MOST = 4000 };
    reading r = {.text = text, .at = text, .err = err};
    node *root = NULL;
    if (strlen(text) > MOST) { /* a row of that many makes a tree that is walked by recursion */
        xpm__fail(err, XPM_E_FORMAT, "filter", "the filter has more than %d characters", MOST);
        return NULL;
    }
    next(&r);
    root = read_or(&r);
    if (root != NULL && r.token != END) {
        free_node(root);
        root = wrong(&r, "and, or, or the end");
    }
    xpm__str_free(&r.word);
    if (root == NULL)
        return NULL;
    xpm__filter *filter = xpm__zalloc(sizeof *filter);
    filter->root = root;
    return filter;
}

void xpm__filter_free(xpm__filter *filter)
{
    if (filter == NULL)
        return;
    free_node(filter->root);
    xpm_free(filter);
}

/* ---- Matching ---------------------------------------------------------------------------------- */

typedef struct subject {
    const xpm__job_view *job;
    json_object *tags; /* parsed at the first comparison with a tag */
    bool parsed;
} subject;

static json_object *tags_of(subject *s)
{
    const char *problem;
    if (!s->parsed && s->job->tags != NULL)
        s->tags = xpm__json_parse(s->job->tags, strlen(s->job->tags), &problem);
    s->parsed = true;
    return s->tags;
}

static const char *tag_text(subject *s, const char *name)
{
    json_object *value;
    if (tags_of(s) == NULL || !json_object_object_get_ex(s->tags, name, &value))
        return NULL;
    return value != NULL ? json_object_get_string(value) : "null";
}

/* The text that a name stands for; NULL when the job has none. */
static const char *text_of(subject *s, const char *name)
{
    const xpm__job_view *job = s->job;
    if (strcmp(name, "@state") == 0)
        return xpm_job_state_text(job->state.state);
    if (strcmp(name, "@name") == 0)
        return job->type;
    if (strcmp(name, "@job") == 0)
        return job->hash;
    if (strcmp(name, "@experiment") == 0)
        return job->experiment;
    return tag_text(s, name);
}

static bool has_value(const node *n, const char *text)
{
    bool fold = strcmp(n->name, "@state") == 0; /* as it is shown, and as it is stored */
    for (size_t i = 0; i < n->count; i++)
        if ((fold ? strcasecmp(n->values[i], text) : strcmp(n->values[i], text)) == 0)
            return true;
    return false;
}

static bool matches(const node *n, subject *s)
{
    switch (n->kind) {
    case AND:
        return matches(n->left, s) && matches(n->right, s);
    case OR:
        return matches(n->left, s) || matches(n->right, s);
    case NOT:
        return !matches(n->left, s);
    case MATCH: {
        const char *text = text_of(s, n->name);
        return text != NULL && regexec(&n->regex, text, 0, NULL, 0) == 0;
    }
    default: {
        const char *text = text_of(s, n->name);
        return text != NULL && has_value(n, text);
    }
    }
}

bool xpm__filter_matches(const xpm__filter *filter, const xpm__job_view *job)
{
    subject s = {.job = job};
    bool matched = matches(filter->root, &s);
    json_object_put(s.tags);
    return matched;
}
