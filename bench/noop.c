/* N tasks that do nothing, for the benchmark: N=10000 build/bench/noop run WORKSPACE; with
 * CHAIN=order, each waits for the one before, and with CHAIN=value, each holds it, and so all before.
 * With SLURM=1 they are given to Slurm, held there, and left. */
#include <experimaestro.h>

#include <stdlib.h>
#include <string.h>

typedef struct noop {
    int64_t x;
    struct noop *before;
} noop;

static int noop_execute(noop *self, xpm_task *task)
{
    (void)self, (void)task;
    return 0;
}
XPM_TASK(noop, "bench.noop", noop_execute, XPM_INT(x),
         XPM_OBJECT(before, "bench.noop", .optional = true));

static int use_slurm(xpm_experiment *xp, xpm_error *err)
{
    xpm_slurm_options options = {.options = (const char *[]){"hold", "job-name=bench-noop", NULL}};
    xpm_launcher *slurm = xpm_launcher_slurm(&options, err);
    if (slurm == NULL)
        return -1;
    xpm_experiment_set_launcher(xp, slurm);
    xpm_launcher_unref(slurm);
    return 0;
}

/* Does not return. */
static void leave(xpm_experiment *xp)
{
    size_t left = xpm_experiment_hand_over(xp, 60);
    xpm_experiment_detach(xp);
    xpm_experiment_close(xp, false, NULL);
    exit(left == 0 ? 0 : 1);
}

static int plan(xpm_experiment *xp, xpm_error *err)
{
    const char *text = getenv("N"), *chain = getenv("CHAIN");
    int64_t count = text ? strtoll(text, NULL, 10) : 10000;
    bool holds = chain != NULL && strcmp(chain, "value") == 0;
    xpm_config *before = NULL;
    bool slurm = getenv("SLURM") != NULL;
    if (slurm && use_slurm(xp, err) < 0)
        return -1;
    for (int64_t x = 0; x < count; x++) {
        xpm_config *task = xpm_new("bench.noop", "x", x, "before", holds ? before : NULL);
        if (chain != NULL && !holds && before != NULL &&
            xpm_config_add_dependency(task, before, err) < 0)
            return -1;
        before = xpm_submit(xp, task, err);
        if (before == NULL)
            return -1;
    }
    if (slurm)
        leave(xp);
    return 0;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
