/* N tasks that do nothing, for the benchmark: N=10000 build/bench/noop run WORKSPACE */
#include <experimaestro.h>

#include <stdlib.h>

typedef struct {
    int64_t x;
} noop;

static int noop_execute(noop *self, xpm_task *task)
{
    (void)self, (void)task;
    return 0;
}
XPM_TASK(noop, "bench.noop", noop_execute, XPM_INT(x));

static int plan(xpm_experiment *xp, xpm_error *err)
{
    const char *text = getenv("N");
    int64_t count = text ? strtoll(text, NULL, 10) : 10000;
    for (int64_t x = 0; x < count; x++)
        if (!xpm_submit(xp, xpm_new("bench.noop", "x", x), err))
            return -1;
    return 0;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
