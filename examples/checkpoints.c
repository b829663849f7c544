/* A longer training goes on from where a shorter one stopped: a partial identifier leaves the number
 * of epochs out, and those that have it in common share a folder. One task at a time writes there.
 *
 *     build/examples/checkpoints run WORKSPACE
 */
#include <experimaestro.h>

#include <stdio.h>

typedef struct {
    double rate;
    int64_t epochs;
    const char *last;  /* shared: the epoch that was reached */
    const char *story; /* this task's own */
} train;

static int train_execute(train *self, xpm_task *task)
{
    int reached = 0;
    FILE *last = fopen(self->last, "r"), *story = fopen(self->story, "w");
    (void)task;
    if (last != NULL && fscanf(last, "%d", &reached) != 1)
        reached = 0;
    if (last != NULL)
        fclose(last);
    if (story == NULL)
        return 1;
    fprintf(story, "from epoch %d to %d", reached, (int)self->epochs);
    last = fopen(self->last, "w");
    if (last == NULL || fprintf(last, "%d", (int)self->epochs) < 0)
        return 1;
    return fclose(last) != 0 || fclose(story) != 0;
}
XPM_TASK(train, "checkpoints.train", train_execute,
         XPM_PARTIAL("checkpoints", .exclude = "iterations"), XPM_FLOAT(rate),
         XPM_INT(epochs, .groups = "iterations"),
         XPM_FILE(last, "last.txt", .partial = "checkpoints"), XPM_FILE(story, "story.txt"));

static int plan(xpm_experiment *xp, xpm_error *err)
{
    static const int epochs[] = {10, 25};
    for (int i = 0; i < 2; i++) {
        char line[64] = "nothing";
        xpm_config *task =
            xpm_submit(xp, xpm_new("checkpoints.train", "rate", 0.1, "epochs", epochs[i]), err);
        if (task == NULL)
            return -1;
        xpm_experiment_wait(xp, -1);
        FILE *in = fopen(xpm_text(task, "story"), "r");
        if (in != NULL && fgets(line, sizeof line, in) != NULL)
            fclose(in);
        puts(line);
    }
    return 0;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
