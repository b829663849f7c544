/* A program whose types and parameters were renamed: compiled with -DPAST, it is as it was before.
 * Built twice, for tests/behaviour/test_deprecated.py. */
#include <experimaestro.h>

#include <stdio.h>

#ifdef PAST
#define TRAIN "past.learn"

typedef struct {
    double g;
} net;
XPM_CONFIG(net, "past.model", XPM_FLOAT(g));

typedef struct {
    double lr;
    net *net;
    const char *out;
} train;
static int train_execute(train *self, xpm_task *task);
XPM_TASK(train, "past.learn", train_execute, XPM_FLOAT(lr), XPM_OBJECT(net, "past.model"),
         XPM_FILE(out, "out.txt"));

static double rate_of(const train *self)
{
    return self->lr;
}

static xpm_config *new_train(void)
{
    return xpm_new("past.learn", "lr", 0.5, "net", xpm_new("past.model", "g", 2.0));
}
#else
#define TRAIN "past.train"

typedef struct {
    double gamma;
} net;
XPM_CONFIG(net, "past.net", XPM_RENAMED_FROM("past.model"), XPM_FLOAT(gamma, .renamed_from = "g"));

typedef struct {
    double rate;
    net *net;
    const char *out;
} train;
static int train_execute(train *self, xpm_task *task);
XPM_TASK(train, "past.train", train_execute, XPM_RENAMED_FROM("past.learn"),
         XPM_FLOAT(rate, .renamed_from = "lr"), XPM_OBJECT(net, "past.net"),
         XPM_FILE(out, "out.txt"));

static double rate_of(const train *self)
{
    return self->rate;
}

static xpm_config *new_train(void)
{
    return xpm_new("past.train", "rate", 0.5, "net", xpm_new("past.net", "gamma", 2.0));
}
#endif

static int train_execute(train *self, xpm_task *task)
{
    FILE *out = fopen(self->out, "w");
    (void)task;
    return out == NULL || fprintf(out, "%g", rate_of(self)) < 0 || fclose(out) != 0;
}

typedef struct {
    train *train;
    int64_t k;
} use;
static int use_execute(use *self, xpm_task *task)
{
    FILE *in = fopen(self->train->out, "r");
    (void)task;
    return in == NULL || fclose(in) != 0;
}
XPM_TASK(use, "past.use", use_execute, XPM_OBJECT(train, TRAIN), XPM_INT(k));

static int plan(xpm_experiment *xp, xpm_error *err)
{
    xpm_config *task = xpm_submit(xp, new_train(), err);
    return task != NULL && xpm_submit(xp, xpm_new("past.use", "train", task, "k", 1), err) ? 0 : -1;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
