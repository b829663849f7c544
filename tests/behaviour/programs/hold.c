/* The native program of test_interrupts.py: its tasks say that they run, and end when they are told
 * to, both by pipes. HOLD_PIPES names the folder of the pipes, HOLD_NAMES the tasks; a task named
 * "bad" fails. */
#include <experimaestro.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *name, *pipes;
} hold;

static FILE *open_pipe(const hold *self, const char *suffix, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", self->pipes, self->name, suffix);
    return fopen(path, mode);
}

static int hold_execute(hold *self, xpm_task *task)
{
    (void)task;
    if (strcmp(self->name, "bad") == 0) {
        fprintf(stderr, "told to fail\n");
        return 3;
    }
    FILE *started = open_pipe(self, "started", "w");
    if (started == NULL)
        return 1;
    fprintf(started, "%d", (int)getpid());
    fclose(started);
    FILE *end = open_pipe(self, "end", "r");
    return end == NULL || fgetc(end) == EOF || fclose(end) != 0;
}
XPM_TASK(hold, "faults.hold", hold_execute, XPM_STR(name), XPM_PATH(pipes));

static int plan(xpm_experiment *xp, xpm_error *err)
{
    char names[256];
    snprintf(names, sizeof names, "%s", getenv("HOLD_NAMES"));
    for (char *name = strtok(names, " "); name != NULL; name = strtok(NULL, " ")) {
        xpm_config *task =
            xpm_new("faults.hold", "name", name, "pipes", xpm_path(getenv("HOLD_PIPES")));
        if (xpm_submit(xp, task, err) == NULL)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
