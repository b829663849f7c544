/* Jobs that use two tokens, for test_tokens.py. Each proves that it may run: it locks as many bytes of
 * a file as it has of a token, of as many as there are; the kernel frees those of a killed one. */
#include <experimaestro.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CPUS = 5, GPUS = 2, PASSES = 3, LENGTH = 4 };

typedef struct {
    int64_t number, cpus, gpus;
} use;

/* One byte, if nobody has it. Of a killed process, this kind of lock is gone before that of the job
 * is: it goes as soon as its descriptor is closed, and that is the first. */
static bool lock_byte(off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(STDIN_FILENO, F_SETLK, &lock) == 0;
}

/* Another job may let go of a byte that this one has just passed: it looks again. */
static bool lock_bytes(off_t first, int total, int64_t wanted)
{
    bool own[CPUS + GPUS] = {false};
    for (int pass = 0; pass < PASSES && wanted > 0; pass++)
        for (int i = 0; i < total && wanted > 0; i++)
            if (!own[i] && lock_byte(first + i)) {
                own[i] = true;
                wanted--;
            }
    return wanted == 0;
}

static void say(const char *board, const char *file, const use *self)
{
    char path[4096], line[64];
    snprintf(path, sizeof path, "%s/%s", board, file);
    int size = snprintf(line, sizeof line, "%d %d\n", (int)self->number, (int)getpid());
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, line, (size_t)size) != size)
        abort();
    close(fd);
}

static int use_execute(use *self, xpm_task *task)
{
    const char *board = getenv("BOARD");
    char path[4096];
    (void)task;
    snprintf(path, sizeof path, "%s/bytes", board);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
        return 1;
    close(fd);
    if (!lock_bytes(0, CPUS, self->cpus) || !lock_bytes(CPUS, GPUS, self->gpus))
        say(board, "exceeded", self);
    say(board, "started", self);
    poll(NULL, 0, LENGTH); /* as long as it takes that others could run beside it */
    return close(STDIN_FILENO);
}
XPM_TASK(use, "tokens.use", use_execute, XPM_INT(number), XPM_INT(cpus), XPM_INT(gpus));

static int submit(xpm_experiment *xp, int number, xpm_token *cpu, xpm_token *gpu, xpm_error *err)
{
    int cpus = 1 + number % 3, gpus = number % 5 == 0 ? 1 + number % 2 : 0;
    xpm_config *task = xpm_new("tokens.use", "number", number, "cpus", cpus, "gpus", gpus);
    if (gpus > 0 && number % 10 == 0 && xpm_config_add_token(task, gpu, gpus, err) < 0)
        return -1;
    if (xpm_config_add_token(task, cpu, cpus, err) < 0)
        return -1;
    if (gpus > 0 && number % 10 != 0 && xpm_config_add_token(task, gpu, gpus, err) < 0)
        return -1;
    return xpm_submit(xp, task, err) != NULL ? 0 : -1;
}

/* FIRST and COUNT say which jobs. */
static int plan(xpm_experiment *xp, xpm_error *err)
{
    int first = atoi(getenv("FIRST")), count = atoi(getenv("COUNT"));
    xpm_token *cpu = xpm_experiment_token(xp, "cpu", CPUS, err);
    xpm_token *gpu = cpu != NULL ? xpm_experiment_token(xp, "gpu", GPUS, err) : NULL;
    int status = gpu != NULL ? 0 : -1;
    for (int i = 0; status == 0 && i < count; i++)
        status = submit(xp, first + i, cpu, gpu, err);
    return status;
}

int main(int argc, char **argv)
{
    return xpm_main(argc, argv, plan);
}
