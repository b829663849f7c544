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
        print_identifier("sum", xpm_new("mixed.nativesum", "numbers", given, "scale", 0.5));
        print_identifier("show", new_show());
        return 0;
    }
    return xpm_main(argc, argv, plan);
}
