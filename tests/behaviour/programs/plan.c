/* The program of test_explain.py and test_workspaces.py: three tasks, with as many epochs as the variable EPOCHS
 * says, which print the variables PLAN_ALL and PLAN_OWN that they have. */
#include <experimaestro.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    int64_t seed, epochs;
} learn;

static const char *text_of(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "none";
}

static int learn_execute(learn *self, xpm_task *task)
{
    (void)self;
    (void)task;
    printf("%s %s\n", text_of("PLAN_ALL"), text_of("PLAN_OWN"));
    return 0;
}
XPM_TASK(learn, "plan.learn", learn_execute, XPM_INT(seed), XPM_INT(epochs));

static int plan(xpm_experiment *xp, xpm_error *err)
{
    const char *epochs = getenv("EPOCHS");
    for (int seed = 0; seed < 3; seed++)
        if (xpm_submit(
                xp,
                xpm_new("plan.learn", "seed", seed, "epochs", epochs != NULL ? atoi(epochs) : 1),
                err) == NULL)
            return -1;
    return 0;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
