/* Values of every kind: enumerations, lists, sets, dicts, optionals, and a check of them.
 *
 *     build/examples/values run WORKSPACE
 */
#include <experimaestro.h>

#include <stdio.h>

typedef enum { RELU, TANH } activation;
XPM_ENUMERATION(activation, "values.Activation", {RELU, "RELU"}, {TANH, "TANH"});

typedef struct {
    xpm_ints units;        /* of each layer */
    activation activation; /* of all of them */
    const double *dropout; /* NULL: none */
} network;

static int network_check(const void *object, xpm_error *err)
{
    const network *self = object;
    for (size_t i = 0; i < self->units.count; i++)
        if (self->units.items[i] <= 0)
            return xpm_fail(err, XPM_E_RANGE, NULL, "layer %zu has no units", i);
    return 0;
}
XPM_CONFIG(network, "values.network", XPM_INTS(units, XPM_DEFAULT_JSON("[64, 32]")),
           XPM_ENUM(activation, "values.Activation", XPM_IGNORE_DEFAULT(RELU)), XPM_FLOAT(dropout),
           XPM_VALIDATE(network_check));

typedef struct {
    xpm_named networks;      /* by name */
    xpm_texts metrics;       /* a set */
    const xpm_value *splits; /* how much of the data is for what */
    const char *report;
} compare;

static int compare_execute(compare *self, xpm_task *task)
{
    FILE *out = fopen(self->report, "w");
    (void)task;
    if (out == NULL)
        return 1;
    for (size_t i = 0; i < self->networks.count; i++) {
        const network *n = self->networks.items[i];
        fprintf(out, "%s: %zu layers, %s, %s dropout\n", self->networks.names[i], n->units.count,
                n->activation == TANH ? "tanh" : "relu", n->dropout != NULL ? "with" : "no");
    }
    fprintf(out, "%zu metrics, on %g of the data\n", self->metrics.count,
            xpm_dict_get(self->splits, "test")->as.real);
    return fclose(out);
}
XPM_TASK(compare, "values.compare", compare_execute, XPM_NAMED(networks, "values.network"),
         XPM_ARRAY(metrics, "set[str]", XPM_DEFAULT_JSON("[\"accuracy\"]")),
         XPM_VALUE(splits, "dict[str,float]"), XPM_FILE(report, "report.txt"));

static int plan(xpm_experiment *xp, xpm_error *err)
{
    char line[128];
    xpm_config *small = xpm_new("values.network", "units", xpm_list(8), "activation", TANH);
    xpm_config *large = xpm_new("values.network", "dropout", 0.1);
    xpm_config *task = xpm_submit(
        xp,
        xpm_new("values.compare", "networks", xpm_dict("small", small, "large", large), "metrics",
                xpm_set("accuracy", "recall"), "splits", xpm_dict("train", 0.9, "test", 0.1)),
        err);
    if (task == NULL)
        return -1;
    xpm_experiment_wait(xp, -1);
    FILE *report = fopen(xpm_text(task, "report"), "r");
    while (report != NULL && fgets(line, sizeof line, report) != NULL)
        fputs(line, stdout);
    if (report != NULL)
        fclose(report);
    return 0;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
