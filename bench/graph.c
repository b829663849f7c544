/* graph SHAPE N: plans N jobs that depend on one another, in a dry run, and prints a line of JSON: the
 * seconds that building their configurations takes and those that submitting them does, the bytes of
 * a task's parameters, and those that a job has beside them. Shapes: "chain", each needs the one
 * before; "out", all need the first; "in", the last needs all; "grid", each needs the one on its left
 * and the one above. */
#include <experimaestro.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

typedef struct {
    int64_t n;
    void *left, *up;
    xpm_objects all;
} work;

static int work_execute(work *self, xpm_task *task)
{
    (void)self;
    (void)task;
    return 0;
}
XPM_TASK(work, "bench.work", work_execute, XPM_INT(n),
         XPM_OBJECT(left, "bench.work", .optional = true),
         XPM_OBJECT(up, "bench.work", .optional = true),
         XPM_OBJECTS(all, "bench.work", .optional = true));

/* Parameters are in order of name: all, left, n, up. */
enum { ALL, LEFT, N, UP };

typedef struct {
    const char *name;
    void (*link)(xpm_config **tasks, size_t size);
} shape;

static void link_chain(xpm_config **tasks, size_t size)
{
    for (size_t i = 1; i < size; i++)
        xpm_config_put(tasks[i], LEFT, xpm_object(tasks[i - 1]));
}

static void link_out(xpm_config **tasks, size_t size)
{
    for (size_t i = 1; i < size; i++)
        xpm_config_put(tasks[i], LEFT, xpm_object(tasks[0]));
}

static void link_in(xpm_config **tasks, size_t size)
{
    xpm_value all = xpm_list_new();
    for (size_t i = 0; i + 1 < size; i++)
        xpm_list_append(&all, xpm_object(tasks[i]));
    xpm_config_put(tasks[size - 1], ALL, all);
}

static void link_grid(xpm_config **tasks, size_t size)
{
    size_t width = (size_t)sqrt((double)size);
    for (size_t i = 0; i < size; i++) {
        if (i % width != 0)
            xpm_config_put(tasks[i], LEFT, xpm_object(tasks[i - 1]));
        if (i >= width)
            xpm_config_put(tasks[i], UP, xpm_object(tasks[i - width]));
    }
}

static const shape shapes[] = {
    {"chain", link_chain}, {"out", link_out}, {"in", link_in}, {"grid", link_grid}};

static const shape *find(const char *name)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    return NULL;
}

static xpm_config **build(const shape *of, size_t size)
{
    const xpm_class *class_ = xpm_class_find("bench.work");
    xpm_config **tasks = malloc(size * sizeof(xpm_config *));
    for (size_t i = 0; tasks != NULL && i < size; i++) {
        tasks[i] = xpm_config_ref(xpm_config_new(class_));
        xpm_config_put(tasks[i], N, xpm_int((int64_t)i));
    }
    if (tasks != NULL)
        of->link(tasks, size);
    return tasks;
}

int main(int argc, char **argv)
{
    const shape *of = argc == 3 ? find(argv[1]) : NULL;
    size_t size = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    xpm_experiment_options options = {.mode = XPM_PREPARE}; /* a dry run that prints nothing */
    xpm_error err = {0};
    if (of == NULL || size == 0)
        return fputs("usage: graph chain|out|in|grid N\n", stderr), 2;
    xpm_set_allocator(count);
    double start = now();
    xpm_config **tasks = build(of, size);
    double built = now();
    size_t parameters = held;
    xpm_experiment *xp = xpm_experiment_open("/nonexistent", "graph", &options, &err);
    for (size_t i = 0; xp != NULL && i < size; i++)
        if (xpm_submit(xp, tasks[i], &err) == NULL)
            return fprintf(stderr, "graph: %s: %s\n", err.path, err.message), 1;
    if (xp == NULL)
        return fprintf(stderr, "graph: %s\n", err.message), 1;
    xpm_counts counts = xpm_experiment_counts(xp);
    double submitted = now();
    size_t jobs = held - parameters;
    xpm_experiment_close(xp, false, NULL);
    for (size_t i = 0; i < size; i++)
        xpm_config_unref(tasks[i]);
    free(tasks);
    printf("{\"build\": %f, \"submit\": %f, \"close\": %f, \"jobs\": %zu, \"parameters\": %.1f, "
           "\"beside\": %.1f}\n",
           built - start, submitted - built, now() - submitted, counts.submitted,
           (double)parameters / (double)size, (double)jobs / (double)size);
    return 0;
}
