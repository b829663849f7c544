/* The native program of test_ssh.py: its tasks run on the host that REMOTE_HOST names. They say that
 * they run, and end when they are told to, both by pipes in the folder REMOTE_PIPES; REMOTE_NAMES
 * names them, and REMOTE_AFTER one that reads what the last of them has written. A task named "bad"
 * fails. */
#include <experimaestro.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *name, *pipes, *result;
} hold;

typedef struct {
    const char *name;
    const hold *first;
    const char *result;
} after;

static FILE *open_pipe(const hold *self, const char *suffix, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", self->pipes, self->name, suffix);
    return fopen(path, mode);
}

static int write_result(const char *path, const char *text)
{
    FILE *result = fopen(path, "w");
    if (result == NULL)
        return 1;
    fprintf(result, "%s of %s", text, getenv("REMOTE_WORD") != NULL ? getenv("REMOTE_WORD") : "?");
    if (getenv("REMOTE_WRAPPED") != NULL)
        fprintf(result, ", wrapped");
    return fclose(result);
}

static int hold_execute(hold *self, xpm_task *task)
{
    (void)task;
    if (strcmp(self->name, "bad") == 0) {
        fprintf(stderr, "told to fail\n");
        return 3;
    }
    FILE *log = open_pipe(self, "log", "a"); /* a line each time that it runs */
    if (log == NULL || fprintf(log, "runs\n") < 0 || fclose(log) != 0)
        return 1;
    FILE *started = open_pipe(self, "started", "w");
    if (started == NULL)
        return 1;
    fprintf(started, "%d", (int)getpid());
    fclose(started);
    FILE *end = open_pipe(self, "end", "r");
    if (end == NULL || fgetc(end) == EOF || fclose(end) != 0)
        return 1;
    return write_result(self->result, self->name);
}
XPM_TASK(hold, "remote.hold", hold_execute, XPM_STR(name), XPM_PATH(pipes),
         XPM_FILE(result, "result"));

static int after_execute(after *self, xpm_task *task)
{
    char text[256] = "";
    FILE *first = fopen(self->first->result, "r");
    (void)task;
    if (first == NULL || fgets(text, sizeof text, first) == NULL || fclose(first) != 0)
        return 1;
    return write_result(self->result, text);
}
XPM_TASK(after, "remote.after", after_execute, XPM_STR(name), XPM_OBJECT(first, "remote.hold"),
         XPM_FILE(result, "result"));

static const char *text_of(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static xpm_launcher *make_launcher(xpm_error *err)
{
    static char words[1024];
    const char *options[32] = {NULL};
    size_t count = 0;
    snprintf(words, sizeof words, "%s", text_of("REMOTE_OPTIONS") ? getenv("REMOTE_OPTIONS") : "");
    for (char *word = strtok(words, "\n"); word != NULL && count < 31; word = strtok(NULL, "\n"))
        options[count++] = word;
    const char *slots = text_of("REMOTE_SLOTS"), *patience = text_of("REMOTE_PATIENCE");
    const char *const wrapper[] = {text_of("REMOTE_WRAPPER"), "REMOTE_WRAPPED=yes", NULL};
    xpm_ssh_options o = {.host = text_of("REMOTE_HOST"),
                         .ssh = text_of("REMOTE_SSH"),
                         .command = text_of("REMOTE_COMMAND"),
                         .options = options,
                         .wrapper = wrapper,
                         .slots = slots != NULL ? atoi(slots) : 0,
                         .patience = patience != NULL ? atof(patience) : 0};
    xpm_launcher *launcher = xpm_launcher_ssh(&o, err);
    if (launcher != NULL)
        xpm_launcher_setenv(launcher, "REMOTE_WORD", "a host's word");
    return launcher;
}

static int submit_all(xpm_experiment *xp, xpm_error *err)
{
    char names[256];
    xpm_config *last = NULL;
    snprintf(names, sizeof names, "%s", getenv("REMOTE_NAMES"));
    for (char *name = strtok(names, " "); name != NULL; name = strtok(NULL, " ")) {
        last = xpm_new("remote.hold", "name", name, "pipes", xpm_path(getenv("REMOTE_PIPES")));
        last = xpm_submit(xp, last, err);
        if (last == NULL)
            return -1;
    }
    if (text_of("REMOTE_AFTER") == NULL)
        return 0;
    xpm_config *next = xpm_new("remote.after", "name", getenv("REMOTE_AFTER"), "first", last);
    return xpm_submit(xp, next, err) != NULL ? 0 : -1;
}

static int plan(xpm_experiment *xp, xpm_error *err)
{
    xpm_launcher *launcher = make_launcher(err);
    if (launcher == NULL)
        return -1;
    xpm_experiment_set_launcher(xp, launcher);
    xpm_launcher_unref(launcher);
    return submit_all(xp, err);
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
