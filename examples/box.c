/* A box of jobs: each says what it needs of the machine, and as many run at once as fit.
 *
 *     build/examples/box run WORKSPACE
 *
 * Each job throws darts at a circle, on a core of its own and with memory for what it does.
 */
#define _GNU_SOURCE
#include <experimaestro.h>

#include <sched.h>
#include <stdio.h>

enum { SAMPLES = 12, DARTS = 100000 };

/* ---- Sample: how many darts of a seed are in the circle ------------------------------------------ */

typedef struct {
    int64_t seed;
    const char *inside;
} sample;

static double next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 40) / (double)(1 << 24);
}

static int sample_execute(sample *self, xpm_task *task)
{
    uint64_t state = (uint64_t)self->seed;
    cpu_set_t cores;
    int inside = 0;
    FILE *out = fopen(self->inside, "w");
    (void)task;
    if (out == NULL || sched_getaffinity(0, sizeof cores, &cores) < 0)
        return 1;
    for (int i = 0; i < DARTS; i++) {
        double x = next(&state), y = next(&state);
        inside += x * x + y * y < 1;
    }
    fprintf(out, "%d %d\n", inside, CPU_COUNT(&cores));
    return fclose(out) == 0 ? 0 : 1;
}
XPM_TASK(sample, "box.sample", sample_execute, XPM_INT(seed), XPM_FILE(inside, "inside.txt"));

/* ---- The experiment ------------------------------------------------------------------------------ */

/* Jobs of one core that is theirs, and of 64 MiB. */
static xpm_launcher *make_box(xpm_error *err)
{
    xpm_local_options options = {.pin = true, .nice = 5};
    xpm_requirement *needs = xpm_requirement_parse("cpu(cores=1, mem=64M)", err);
    xpm_launcher *box = needs != NULL ? xpm_launcher_local(&options, err) : NULL;
    if (box != NULL && xpm_launcher_require(box, needs, err) < 0) {
        xpm_launcher_unref(box);
        box = NULL;
    }
    xpm_requirement_free(needs);
    return box;
}

static void print_pi(xpm_config *const *samples)
{
    int all = 0, inside = 0, most = 0, cores = 0;
    for (int i = 0; i < SAMPLES; i++) {
        FILE *in = fopen(xpm_text(samples[i], "inside"), "r");
        if (in == NULL || fscanf(in, "%d %d", &inside, &cores) != 2)
            inside = 0;
        if (in != NULL)
            fclose(in);
        all += inside;
        most = cores > most ? cores : most;
    }
    printf("%d samples, each on %d core: pi is about %.2f\n", SAMPLES, most,
           4.0 * all / DARTS / SAMPLES);
}

static int plan(xpm_experiment *xp, xpm_error *err)
{
    xpm_config *samples[SAMPLES] = {NULL};
    xpm_launcher *box = make_box(err);
    int status = box != NULL ? 0 : -1;
    for (int i = 0; status == 0 && i < SAMPLES; i++) {
        samples[i] = xpm_submit_with(xp, xpm_new("box.sample", "seed", i + 1),
                                     &(xpm_submit_options){.launcher = box}, err);
        status = samples[i] != NULL ? 0 : -1;
    }
    xpm_launcher_unref(box);
    if (status == 0 && xpm_experiment_run(xp) != NULL && xpm_experiment_wait(xp, -1) == 0)
        print_pi(samples);
    return status;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
