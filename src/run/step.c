#include "run/step.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "record/array.h"
#include "record/jobdir.h"

/* In each of these a starter of several processes (srun, mpirun, torchrun) says which one it is. The
 * first are srun's: its own, and those that MPI finds its place by. */
static const char *const rank_variables[] = {
    "SLURM_PROCID", "PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "RANK", "LOCAL_RANK",
};
enum { ASK_SECONDS = 20, SAID = 1 << 16 /* bytes */ };
enum { RANK_VARIABLES = sizeof rank_variables / sizeof *rank_variables, OF_SRUN = 3 };

/* This process enters one element, and stays in it. */
static struct entered {
    xpm__step step;
    xpm__str list;
    xpm__array_part part;
    char *id, *token;
    bool was_asked; /* when Slurm ends it */
    double ends_by; /* seconds since 1970; 0 for never */
} entered;

const xpm__step *xpm__step_entered(void)
{
    return entered.id != NULL ? &entered.step : NULL;
}

int xpm__step_rank(void)
{
    size_t count = entered.id != NULL ? 1 : RANK_VARIABLES; /* in a batch Slurm says it */
    for (size_t i = 0; i < count; i++) {
        const char *text = getenv(rank_variables[i]);
        if (text != NULL && atoi(text) > 0)
            return atoi(text);
    }
    return 0;
}

/* 0 when Slurm knows of no end. */
static double ask_remaining(const char *id)
{
    const xpm__patience patience = {.seconds = ASK_SECONDS, .size = SAID, .hurry = -1};
    const char *argv[] = {"squeue", "--noheader", "--format=%L", "--jobs", id, NULL};
    xpm__str out = {0};
    double seconds = 0;
    if (xpm__process_read(argv, environ, &patience, &out) == 0 && out.size > 0) {
        out.data[strcspn(out.data, " \n")] = '\0';
        seconds = xpm__clock_span(out.data);
    }
    xpm__str_free(&out);
    return seconds;
}

double xpm__step_remaining(void)
{
    if (entered.id == NULL)
        return -1;
    if (!entered.was_asked) {
        double left = ask_remaining(entered.id);
        entered.was_asked = true;
        entered.ends_by = left > 0 ? xpm__clock_now() + left : 0;
    }
    double left = entered.ends_by - xpm__clock_now();
    return entered.ends_by <= 0 ? -1 : left > 0 ? left : 0;
}

static void forget(void)
{
    xpm__array_part_clear(&entered.part);
    xpm__str_free(&entered.list);
    xpm_free(entered.id);
    xpm_free(entered.token);
    entered = (struct entered){0};
}

/* What the driver has inherited says where that one stands, not this one: of several processes only
 * what srun says counts, and of one nothing does. */
static void forget_ranks(bool ranks)
{
    for (size_t i = ranks ? OF_SRUN : 0; i < RANK_VARIABLES; i++)
        unsetenv(rank_variables[i]);
}

static void set_variables(const xpm__element *element)
{
    for (const char *const *entry = element->variables; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals == NULL)
            continue;
        char *name = xpm__strndup(*entry, (size_t)(equals - *entry));
        setenv(name, equals + 1, 1);
        xpm_free(name);
    }
    if (element->start != NULL)
        setenv(XPM__START_VARIABLE, element->start, 1);
    else
        unsetenv(XPM__START_VARIABLE);
    unsetenv(XPM__LOCK_VARIABLE); /* it takes its lock itself */
}

/* Appends, as several processes may write to it, and an attempt that Slurm repeats goes on. */
static int open_stream(const char *directory, const char *suffix, int stream, xpm_error *err)
{
    char name[XPM__NAME_SIZE];
    xpm__jobdir_name(directory, name);
    char *path = xpm__format("%s/%s%s", directory, name, suffix);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int status = fd >= 0 && dup2(fd, stream) == stream ? 0 : -1;
    if (status < 0)
        xpm__fail_io(err, path, "open the job's stream");
    if (fd >= 0)
        close(fd);
    xpm_free(path);
    return status;
}

/* What is shared by all of an array, and the element's number: "123_4". */
static char *of_element(const char *shared, const char *alone)
{
    const char *index = getenv("SLURM_ARRAY_TASK_ID");
    if (shared != NULL && index != NULL)
        return xpm__format("%s_%s", shared, index);
    return xpm__strdup(alone != NULL ? alone : "");
}

static int find_element(const char *list, xpm_error *err)
{
    const char *index = getenv("SLURM_ARRAY_TASK_ID");
    if (xpm__file_read(AT_FDCWD, list, &entered.list) < 0)
        return xpm__fail_io(err, list, "read the list of jobs");
    if (xpm__array_find(&entered.list, index != NULL ? strtoul(index, NULL, 10) : 0, &entered.part,
                        err) == 0)
        return 0;
    if (err != NULL)
        snprintf(err->path, sizeof err->path, "%s", list);
    return -1;
}

char *xpm_array_enter(const char *list, xpm_error *err)
{
    forget();
    xpm__at_reset(forget);
    int status = find_element(list, err);
    const xpm__element *element = &entered.part.element;
    if (status == 0)
        status = open_stream(element->directory, ".out", STDOUT_FILENO, err);
    if (status == 0)
        status = open_stream(element->directory, ".err", STDERR_FILENO, err);
    if (status < 0) {
        forget();
        return NULL;
    }
    forget_ranks(entered.part.ranks);
    set_variables(element);
    entered.id = of_element(getenv("SLURM_ARRAY_JOB_ID"), getenv("SLURM_JOB_ID"));
    entered.token = of_element(entered.part.token, entered.part.token);
    entered.step = (xpm__step){.id = entered.id, .token = entered.token, .needs = element->needs};
    return xpm__format("%s/params.json", element->directory);
}
