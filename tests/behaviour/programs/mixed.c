/* The native half of test_mixed.py: types that Python declares too, with equal names and parameters,
 * and a task on each side of them. `mixed identifiers` prints what both must compute. */
#include <experimaestro.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    int64_t count;
    const char *path;
} numbers;
XPM_CONFIG(numbers, "mixed.numbers", XPM_INT(count), XPM_PATH(path));

/* Writes 1 to count, one a line. */
typedef struct {
    int64_t count;
    const char *path;
} write_numbers;

static int write_execute(write_numbers *self, xpm_task *task)
{
    FILE *out = fopen(self->path, "w");
    (void)task;
    for (int64_t i = 1; out != NULL && i <= self->count; i++)
        fprintf(out, "%" PRId64 "\n", i);
    return out == NULL || fclose(out) != 0;
}
XPM_TASK(write_numbers, "mixed.nativewrite", write_execute, XPM_INT(count),
         XPM_FILE(path, "numbers.txt"));

/* Sums what such a file has. */
typedef struct {
    numbers *numbers;
    double scale;
    const char *sum;
} sum_numbers;

static int sum_execute(sum_numbers *self, xpm_task *task)
{
    int64_t number, sum = 0;
    FILE *in = fopen(self->numbers->path, "r"), *out = fopen(self->sum, "w");
    (void)task;
    while (in != NULL && fscanf(in, "%" SCNd64, &number) == 1)
        sum += number;
    if (in == NULL || out == NULL)
        return 1;
    fprintf(out, "%g", (double)sum * self->scale);
    fclose(in);
    return fclose(out);
}
XPM_TASK(sum_numbers, "mixed.nativesum", sum_execute, XPM_OBJECT(numbers, "mixed.numbers"),
         XPM_FLOAT(scale, XPM_IGNORE_DEFAULT(1.0)), XPM_FILE(sum, "sum.txt"));

/* Writes what it was given. */
typedef struct {
    const xpm_value *pair, *row, *names;
    const char *mode, *seen;
} show_values;

static int show_execute(show_values *self, xpm_task *task)
{
    FILE *out = fopen(self->seen, "w");
    const xpm_value *pair = self->pair->as.items;
    (void)task;
    if (out == NULL || self->pair->kind != XPM_KIND_TUPLE || self->names->kind != XPM_KIND_SET)
        return 1;
    fprintf(out, "%d %s %s,", (int)pair[0].as.integer, pair[1].as.text, self->mode);
    for (size_t i = 0; i < self->row->size; i++)
        fprintf(out, " %g", self->row->as.items[i].as.real);
    fprintf(out, ", %d", (int)self->names->size);
    return fclose(out);
}
XPM_TASK(show_values, "mixed.nativeshow", show_execute, XPM_VALUE(pair, "tuple[int,str]"),
         XPM_VALUE(row, "tuple[float,...]"), XPM_VALUE(names, "set[str]"),
         XPM_STR(mode, .choices = "fast,slow"), XPM_FILE(seen, "seen.txt"));

static xpm_config *new_show(void)
{
    xpm_value names = xpm_set_new();
    xpm_list_append(&names, xpm_str("a"));
    xpm_list_append(&names, xpm_str("b"));
    xpm_list_append(&names, xpm_str("a"));
    return xpm_new("mixed.nativeshow", "pair", xpm_tuple("3", "x"), "row", xpm_tuple(1, 0.5),
                   "names", names, "mode", "slow");
}

/* A parameter of every kind. */
typedef enum { SQUARE, ABSOLUTE } loss;
XPM_ENUMERATION(loss, "tasks.Loss", {SQUARE, "SQUARE"}, {ABSOLUTE, "ABSOLUTE"});

typedef struct {
    loss loss;
    const loss *other;
    const int64_t *seed;
    xpm_ints sizes;
    xpm_floats rates;
    xpm_texts names;
    xpm_ints distinct;
    xpm_named sources;
    const xpm_value *scores, *pair, *losses;
    bool verbose;
    const char *kept, *out;
} kinds;

static int kinds_execute(kinds *self, xpm_task *task)
{
    FILE *out = fopen(self->out, "w");
    const xpm_value *score = xpm_dict_get(self->scores, "a");
    (void)task;
    if (out == NULL)
        return 1;
    fprintf(out, "%d %d %s", self->loss == ABSOLUTE, self->other != NULL,
            self->seed != NULL ? "seed" : "no seed");
    for (size_t i = 0; i < self->sizes.count; i++)
        fprintf(out, " %" PRId64, self->sizes.items[i]);
    fprintf(out, " %g %s %zu", self->rates.items[0], self->names.items[1], self->distinct.count);
    fprintf(out, " %s=%" PRId64, self->sources.names[0],
            ((const numbers *)self->sources.items[0])->count);
    fprintf(out, " %g %s %" PRId64, score->as.real, xpm_list_at(self->pair, 1)->as.text,
            xpm_dict_at(self->losses, 0)->as.integer);
    return fclose(out);
}
XPM_TASK(kinds, "mixed.kinds", kinds_execute, XPM_ENUM(loss, "tasks.Loss"),
         XPM_ENUM(other, "tasks.Loss"), XPM_INT(seed),
         XPM_INTS(sizes, XPM_IGNORE_DEFAULT_JSON("[1, 2]")), XPM_FLOATS(rates), XPM_STRS(names),
         XPM_ARRAY(distinct, "set[int]"), XPM_NAMED(sources, "mixed.numbers"),
         XPM_VALUE(scores, "dict[str,float]"), XPM_VALUE(pair, "tuple[int,str]"),
         XPM_VALUE(losses, "dict[tasks.Loss,int]"),
         XPM_BOOL(verbose, XPM_DEFAULT(false), .groups = "talk"),
         XPM_FILE(kept, "kept.txt", .partial = "quiet"), XPM_FILE(out, "out.txt"),
         XPM_PARTIAL("quiet", .exclude = "talk"));

static xpm_config *new_kinds(xpm_config *source, bool verbose)
{
    return xpm_new("mixed.kinds", "loss", ABSOLUTE, "sizes", xpm_list(3, 4), "rates",
                   xpm_list(0.5, 1.0), "names", xpm_list("a", "b"), "distinct", xpm_set(2, 1, 2),
                   "sources", xpm_dict("one", source), "scores", xpm_dict("a", 0.25), "pair",
                   xpm_tuple(1, "x"), "losses", xpm_dict(xpm_str("SQUARE"), 7), "verbose", verbose);
}

static void print_partial(const char *name, xpm_config *config)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    char hex[XPM_HEX_SIZE];
    const xpm_partial *partial = xpm_class_partial(xpm_config_class(config), "quiet");
    xpm_config_partial_identifier(config, partial, identifier, NULL);
    xpm_identifier_hex(identifier, hex);
    printf("%s %s\n", name, hex);
}

static void print_identifier(const char *name, xpm_config *config)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    char hex[XPM_HEX_SIZE];
    xpm_error err = {0};
    if (xpm_config_identifier(config, identifier, &err) < 0)
        printf("%s %s\n", name, err.message);
    xpm_identifier_hex(identifier, hex);
    printf("%s %s\n", name, hex);
}

static int plan(xpm_experiment *xp, xpm_error *err)
{
    (void)xp;
    (void)err;
    return 0; /* Python plans */
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "identifiers") == 0) {
        xpm_config *given = xpm_new("mixed.numbers", "count", 3, "path", xpm_path("/data"));
        print_identifier("numbers", given);
        print_identifier("write", xpm_new("mixed.nativewrite", "count", 3));
        print_identifier("kinds", new_kinds(given, true));
        print_identifier("defaults", xpm_new("mixed.kinds", "loss", SQUARE, "other", SQUARE, "seed",
                                             0, "sizes", xpm_list(1, 2)));
        print_identifier("sum", xpm_new("mixed.nativesum", "numbers", given, "scale", 0.5));
        print_identifier("show", new_show());
        print_partial("partial", new_kinds(given, true));
        print_partial("partial", new_kinds(given, false));
        return 0;
    }
    return xpm_main(argc, argv, plan);
}
