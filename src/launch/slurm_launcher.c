/* The launcher of Slurm, as users make it. */
#include "base/error.h"
#include "base/mem.h"
#include "launch/slurm.h"
#include "launch/slurm_options.h"

static const double INTERVAL_MAX = 10; /* seconds */

static char **copy_options(const char *const *options)
{
    size_t count = 0;
    while (options != NULL && options[count] != NULL)
        count++;
    char **copy = xpm__zalloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = xpm__strdup(options[i]);
    return copy;
}

static int check(const xpm_slurm_options *o, xpm_error *err)
{
    if (!(o->interval_max >= 0))
        return xpm__fail(err, XPM_E_RANGE, "interval_max",
                         "interval_max is %g: it must be seconds above 0, or 0 for %g",
                         o->interval_max, INTERVAL_MAX);
    if (o->submit_max < 0)
        return xpm__fail(err, XPM_E_RANGE, "submit_max",
                         "submit_max is %d: it must be above 0, or 0 for any number",
                         o->submit_max);
    for (size_t i = 0; o->options != NULL && o->options[i] != NULL; i++)
        if (xpm__slurm_check_option(o->options[i], err) < 0)
            return -1;
    return 0;
}

xpm_launcher *xpm_launcher_slurm(const xpm_slurm_options *options, xpm_error *err)
{
    static const xpm_slurm_options defaults;
    const xpm_slurm_options *o = options != NULL ? options : &defaults;
    if (check(o, err) < 0)
        return NULL;
    xpm__slurm_launcher *launcher =
        (xpm__slurm_launcher *)xpm__launcher_new(&xpm__slurm_table, sizeof *launcher);
    launcher->binpath = xpm__strdup(o->binpath != NULL ? o->binpath : "");
    launcher->options = copy_options(o->options);
    launcher->ranks = xpm__slurm_has_ranks(o->options);
    launcher->interval_max = o->interval_max > 0 ? o->interval_max : INTERVAL_MAX;
    launcher->submit_max = o->submit_max;
    return &launcher->base;
}
