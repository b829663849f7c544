/* The seed in C: one program declares configurations and tasks, plans the experiment, and is itself
 * what runs each task.
 *
 *     build/examples/seed run WORKSPACE
 *
 * RandomFold samples topics from a dataset, ModelLearn learns on them once for each learning rate
 * (the tag), and Evaluate scores what was learnt on the same topics.
 */
#include <experimaestro.h>

#include <math.h>
#include <stdio.h>

/* ---- Configurations ---------------------------------------------------------------------------- */

typedef struct {
    const char *path;
} topics;
XPM_CONFIG(topics, "seed.topics", XPM_PATH(path));

typedef struct {
    int64_t size; /* in documents */
} documents;
XPM_CONFIG(documents, "seed.documents", XPM_INT(size));

typedef struct {
    topics *topics;
    documents *documents;
} dataset;
XPM_CONFIG(dataset, "seed.dataset", XPM_OBJECT(topics, "seed.topics", .optional = true),
           XPM_OBJECT(documents, "seed.documents"));

typedef struct {
    double rate;
} model;
XPM_CONFIG(model, "seed.model", XPM_FLOAT(rate, .help = "learning rate of the gradient"));

/* ---- RandomFold: draws points of the line y = 2 x + 1, with some noise ------------------------- */

typedef struct {
    dataset *dataset;
    int64_t seed;
    const char *topics;
} random_fold;

static int random_fold_execute(random_fold *self, xpm_task *task)
{
    uint64_t state = (uint64_t)self->seed;
    FILE *out = fopen(self->topics, "w");
    (void)task;
    if (out == NULL)
        return 1;
    for (int64_t i = 0; i < self->dataset->documents->size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double x = (double)i / (double)self->dataset->documents->size;
        double noise = (double)(state >> 40) / (double)(1 << 24) - 0.5;
        fprintf(out, "%.9f\t%.9f\n", x, 2 * x + 1 + 0.1 * noise);
    }
    return fclose(out) == 0 ? 0 : 1;
}
XPM_TASK(random_fold, "seed.randomfold", random_fold_execute, XPM_OBJECT(dataset, "seed.dataset"),
         XPM_INT(seed, XPM_IGNORE_DEFAULT(0)), XPM_FILE(topics, "topics.tsv"));

/* ---- ModelLearn: fits a line by gradient descent ------------------------------------------------ */

typedef struct {
    int64_t epochs;
    model *model;
    dataset *dataset;
    const char *parameters;
} model_learn;

static int model_learn_execute(model_learn *self, xpm_task *task)
{
    double slope = 0, offset = 0, x, y;
    FILE *in = fopen(self->dataset->topics->path, "r");
    if (in == NULL)
        return 1;
    for (int64_t epoch = 0; epoch < self->epochs; epoch++) {
        rewind(in);
        while (fscanf(in, "%lf %lf", &x, &y) == 2) {
            double error = slope * x + offset - y;
            slope -= self->model->rate * error * x;
            offset -= self->model->rate * error;
        }
    }
    fclose(in);
    FILE *out = fopen(self->parameters, "w");
    if (out == NULL)
        return 1;
    fprintf(out, "%.9f %.9f\n", slope, offset);
    printf("learnt in %s: y = %.3f x + %.3f\n", xpm_task_directory(task), slope, offset);
    return fclose(out) == 0 ? 0 : 1;
}
XPM_TASK(model_learn, "seed.modellearn", model_learn_execute,
         XPM_INT(epochs, XPM_IGNORE_DEFAULT(100)), XPM_OBJECT(model, "seed.model"),
         XPM_OBJECT(dataset, "seed.dataset"), XPM_FILE(parameters, "parameters.txt"));

/* ---- Evaluate: the root mean square error of what was learnt ------------------------------------ */

typedef struct {
    model_learn *learned;
    topics *topics;
    const char *score;
} evaluate;

static int evaluate_execute(evaluate *self, xpm_task *task)
{
    double slope, offset, x, y, sum = 0;
    size_t count = 0;
    FILE *parameters = fopen(self->learned->parameters, "r");
    FILE *points = fopen(self->topics->path, "r"), *out = fopen(self->score, "w");
    (void)task;
    if (parameters == NULL || points == NULL || out == NULL ||
        fscanf(parameters, "%lf %lf", &slope, &offset) != 2)
        return 1;
    for (; fscanf(points, "%lf %lf", &x, &y) == 2; count++)
        sum += (slope * x + offset - y) * (slope * x + offset - y);
    fprintf(out, "%.6f\n", sqrt(sum / (double)count));
    fclose(parameters);
    fclose(points);
    return fclose(out) == 0 ? 0 : 1;
}
XPM_TASK(evaluate, "seed.evaluate", evaluate_execute, XPM_OBJECT(learned, "seed.modellearn"),
         XPM_OBJECT(topics, "seed.topics"), XPM_FILE(score, "score.txt"));

/* ---- The experiment ----------------------------------------------------------------------------- */

enum { RATES = 3 };

static void print_score(double rate, const xpm_config *evaluated)
{
    char line[64] = "no score\n";
    FILE *in = fopen(xpm_text(evaluated, "score"), "r");
    if (in == NULL || fgets(line, sizeof line, in) == NULL)
        snprintf(line, sizeof line, "no score\n");
    if (in != NULL)
        fclose(in);
    printf("%-8g %s", rate, line);
}

static int plan(xpm_experiment *xp, xpm_error *err)
{
    static const double rates[RATES] = {0.001, 0.01, 0.1};
    xpm_config *evaluated[RATES];
    xpm_config *source = xpm_new("seed.documents", "size", 200);
    xpm_config *fold = xpm_submit(
        xp, xpm_new("seed.randomfold", "dataset", xpm_new("seed.dataset", "documents", source)),
        err);
    if (fold == NULL)
        return -1;

    /* The topics come from the fold, and so does what holds them; the documents do not. */
    xpm_config *sampled =
        xpm_dep(fold, xpm_new("seed.topics", "path", xpm_path(xpm_text(fold, "topics"))));
    xpm_config *folded =
        xpm_dep(fold, xpm_new("seed.dataset", "topics", sampled, "documents", source));

    for (int i = 0; i < RATES; i++) {
        xpm_config *task = xpm_new("seed.modellearn", "dataset", folded, "model",
                                   xpm_new("seed.model", "rate", rates[i]));
        xpm_value rate = xpm_float(rates[i]);
        xpm_config_tag(task, "rate", &rate);
        xpm_config *learned = xpm_submit(xp, task, err);
        evaluated[i] =
            learned == NULL
                ? NULL
                : xpm_submit(xp, xpm_new("seed.evaluate", "learned", learned, "topics", sampled),
                             err);
        if (evaluated[i] == NULL)
            return -1;
    }

    if (xpm_experiment_run(xp) != NULL && xpm_experiment_wait(xp, -1) == 0) {
        printf("rate     error\n");
        for (int i = 0; i < RATES; i++)
            print_score(rates[i], evaluated[i]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
