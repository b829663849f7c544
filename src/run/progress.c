/* How far a task is: kept in its status.json, which is written again when a reader would see another
 * figure, and not each time that a loop goes on. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "run/runner.h"

static const double STEP = 0.01; /* what a reader sees of a change */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Leaves `count` levels: a loop that goes on ends those inside it. */
static void keep_levels(xpm_task *task, size_t count)
{
    while (task->levels > count)
        xpm_free(task->progress[--task->levels].desc);
    while (task->levels < count)
        task->progress[task->levels++] = (xpm__progress){0};
}

/* Whether what status.json says is out of date. */
static bool shows(const xpm_task *task, size_t level, double value)
{
    double change = fabs(value - task->written[level]);
    return change > STEP || (value == 1 && change > 0);
}

void xpm_task_progress(xpm_task *task, unsigned level, double value, const char *desc)
{
    if (level >= XPM__LEVELS || isnan(value))
        return;
    value = value < 0 ? 0 : value > 1 ? 1 : value;
    bool is_new = level >= task->levels || !same_text(task->progress[level].desc, desc);
    keep_levels(task, level + 1);
    xpm__progress *progress = &task->progress[level];
    if (is_new) {
        xpm_free(progress->desc);
        progress->desc = desc != NULL ? xpm__strdup(desc) : NULL;
    }
    progress->value = value;
    if (task->status == NULL || (!is_new && !shows(task, level, value)))
        return;
    task->written[level] = value;
    xpm__runner_record(task);
}

void xpm__progress_clear(xpm_task *task)
{
    keep_levels(task, 0);
}
