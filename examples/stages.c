/* Stages: what a task puts out goes into the next one, an init task prepares its process, and tags
 * say what varies.
 *
 *     build/examples/stages run WORKSPACE
 */
#include <experimaestro.h>

#include <stdio.h>

typedef struct {
    const char *path;
} numbers;
XPM_CONFIG(numbers, "stages.numbers", XPM_PATH(path));

/* ---- The first stage gives numbers to those who submit it --------------------------------------- */

typedef struct {
    int64_t count;
    const char *file;
} sample;

static int sample_execute(sample *self, xpm_task *task)
{
    FILE *out = fopen(self->file, "w");
    (void)task;
    for (int64_t i = 1; out != NULL && i <= self->count; i++)
        fprintf(out, "%d\n", (int)i);
    return out == NULL || fclose(out) != 0;
}

static xpm_config *sample_outputs(xpm_config *task, xpm_error *err)
{
    (void)err;
    return xpm_dep(task, xpm_new("stages.numbers", "path", xpm_path(xpm_text(task, "file"))));
}
XPM_TASK(sample, "stages.sample", sample_execute, XPM_INT(count), XPM_FILE(file, "numbers.txt"),
         XPM_OUTPUT(sample_outputs));

/* ---- Before the second, its process is told how to count ----------------------------------------- */

static int64_t step = 1;

typedef struct {
    int64_t by;
} count_by;

static int count_by_execute(count_by *self, xpm_task *task)
{
    (void)task;
    step = self->by;
    return 0;
}
XPM_LIGHTWEIGHT(count_by, "stages.countby", count_by_execute, XPM_INT(by));

typedef struct {
    numbers *numbers;
    const char *result;
} sum;

static int sum_execute(sum *self, xpm_task *task)
{
    int number, total = 0;
    FILE *in = fopen(self->numbers->path, "r"), *out = fopen(self->result, "w");
    if (in == NULL || out == NULL)
        return 1;
    while (fscanf(in, "%d", &number) == 1)
        total += number * (int)step;
    fprintf(out, "%d, tagged %d", total, (int)xpm_dict_get(xpm_task_tags(task), "by")->as.integer);
    fclose(in);
    return fclose(out);
}
XPM_TASK(sum, "stages.sum", sum_execute, XPM_OBJECT(numbers, "stages.numbers"),
         XPM_FILE(result, "sum.txt"));

/* ---- The experiment ------------------------------------------------------------------------------ */

static int plan(xpm_experiment *xp, xpm_error *err)
{
    xpm_config *sums[2];
    xpm_config *sampled = xpm_submit(xp, xpm_new("stages.sample", "count", 10), err);
    for (int by = 1; sampled != NULL && by <= 2; by++) {
        xpm_config *task = xpm_tag(xpm_new("stages.sum", "numbers", sampled), "by", by);
        sums[by - 1] =
            xpm_submit(xp, xpm_init_tasks(task, xpm_new("stages.countby", "by", by)), err);
        if (sums[by - 1] == NULL)
            return -1;
    }
    xpm_experiment_wait(xp, -1);
    for (int i = 0; sampled != NULL && i < 2; i++) {
        char line[64] = "nothing";
        FILE *in = fopen(xpm_text(sums[i], "result"), "r");
        if (in != NULL && fgets(line, sizeof line, in) != NULL)
            fclose(in);
        puts(line);
    }
    return sampled != NULL ? 0 : -1;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
