/* Tasks that witness how they are run, for the tests of faults. Each has, in the folder that WITNESS
 * names, NUMBER.lock, which it holds as long as its process lives, and NUMBER.log: "start PID", then
 * "end PID" as the last that it does, or "twice PID" when another process holds the lock. Where there
 * is a pipe NUMBER.hold, it waits until that has been opened and closed for writing, by which the
 * test knows that it runs; where there is a file NUMBER.fail, it fails.
 *
 *     witness run WORKSPACE      the first WITNESS_JOBS (30) tasks of the graph, each writing
 *                                WITNESS_BYTES (8) bytes to its file; as jobs of Slurm, whose
 *                                commands are in the folder WITNESS_SLURM, when that is set
 */
#include <experimaestro.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
    int64_t number;
    xpm_objects parents;
    const char *data;
} witness;

static const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value != NULL ? value : fallback;
}

static int open_file(const witness *self, const char *suffix, int flags)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.%s", setting("WITNESS", "."), (int)self->number, suffix);
    return open(path, flags, 0666);
}

static int say(int log, const char *word)
{
    char line[64];
    int size = snprintf(line, sizeof line, "%s %d\n", word, (int)getpid());
    return write(log, line, (size_t)size) == size ? 0 : -1;
}

/* A record lock, not flock(2): as a process is undone the kernel lets its record locks go first, then
 * the job's own lock, so "twice" is never said of one that is being undone. */
static bool hold(const witness *self)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open_file(self, "lock", O_WRONLY | O_CREAT);
    return fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0;
}

static void wait_until_told(const witness *self)
{
    char byte;
    int fd = open_file(self, "hold", O_RDONLY);
    if (fd < 0)
        return;
    while (read(fd, &byte, 1) > 0)
        continue;
    close(fd);
}

static int write_data(int fd, size_t size)
{
    while (size > 0) {
        static const char zeros[4096];
        ssize_t done = write(fd, zeros, size < sizeof zeros ? size : sizeof zeros);
        if (done < 0)
            return -1;
        size -= (size_t)done;
    }
    return 0;
}

static int work(const witness *self)
{
    int fd = open(self->data, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int status = fd >= 0 ? write_data(fd, (size_t)atol(setting("WITNESS_BYTES", "8"))) : -1;
    if (status < 0 || close(fd) < 0) {
        perror(self->data);
        return -1;
    }
    return 0;
}

static int witness_execute(witness *self, xpm_task *task)
{
    int log = open_file(self, "log", O_WRONLY | O_CREAT | O_APPEND);
    (void)task;
    if (log < 0)
        return 1;
    if (!hold(self)) {
        say(log, "twice");
        return 1;
    }
    if (say(log, "start") < 0)
        return 1;
    wait_until_told(self);
    int fail = open_file(self, "fail", O_RDONLY);
    return fail >= 0 || work(self) < 0 || say(log, "end") < 0;
}
XPM_TASK(witness, "faults.witness", witness_execute, XPM_INT(number),
         XPM_OBJECTS(parents, "faults.witness"), XPM_FILE(data, "data"));

/* The graph: a chain (0 to 9), ten that need 0 alone, one that needs those ten, four that need it
 * and the chain, four that need two of these each, and one that needs these four. */
static bool needs(int job, int other)
{
    if (job < 10)
        return other == job - 1;
    if (job < 20)
        return other == 0;
    if (job == 20)
        return other >= 10;
    if (job < 25)
        return other == 20 || other == 9;
    if (job < 29)
        return other == job - 4 || other == 21 + (job - 24) % 4;
    return other >= 25;
}

static int use_slurm(xpm_experiment *xp, const char *binpath, xpm_error *err)
{
    const char *const more[] = {getenv("WITNESS_SLURM_OPTION"), NULL};
    xpm_slurm_options options = {.binpath = binpath, .interval_max = 1, .options = more};
    xpm_launcher *launcher = xpm_launcher_slurm(&options, err);
    xpm_experiment_set_launcher(xp, launcher);
    xpm_launcher_unref(launcher);
    return launcher != NULL ? 0 : -1;
}

static int plan(xpm_experiment *xp, xpm_error *err)
{
    xpm_config *tasks[30];
    int count = atoi(setting("WITNESS_JOBS", "30"));
    const char *binpath = getenv("WITNESS_SLURM");
    if (binpath != NULL && use_slurm(xp, binpath, err) < 0)
        return -1;
    for (int job = 0; job < count && job < 30; job++) {
        xpm_value parents = xpm_list_new();
        for (int other = 0; other < job; other++)
            if (needs(job, other))
                xpm_list_append(&parents, xpm_object(tasks[other]));
        tasks[job] =
            xpm_submit(xp, xpm_new("faults.witness", "number", job, "parents", parents), err);
        if (tasks[job] == NULL)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
