/* Batches: jobs that ask Slurm for the same, sent by one sbatch. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "launch/slurm.h"
#include "launch/slurm_options.h"
#include "record/array.h"

enum { SBATCH_SECONDS = 60, SAID = 1 << 16 /* bytes */ };

#define TOKEN "xpm-"
#define SCRIPT "step.sh"
static const char script[] =
    "#!/bin/sh\n"
    "# What sbatch is given: runs the command that follows. Written by experimaestro.\n"
    "[ -z \"$SLURM_CPUS_PER_TASK\" ] || export SRUN_CPUS_PER_TASK=\"$SLURM_CPUS_PER_TASK\"\n"
    "exec \"$@\"\n";

/* ---- Commands ----------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What this process was told about its own place, by Slurm or for MPI, is nothing to a job that it sends;
 * and what the user has set for squeue and sacct in the shell would hide jobs. */
static bool is_kept(const char *entry)
{
    static const char *const left[] = {"SQUEUE_",       "SACCT_", "SCANCEL_", "SBATCH_ARRAY_INX=",
                                       "SBATCH_WAIT=",  "PMI_",   "PMIX_",    "OMPI_COMM_",
                                       "OMPI_UNIVERSE_"};
    if (begins(entry, "SLURM_"))
        return begins(entry, "SLURM_CONF=") || begins(entry, "SLURM_CLUSTERS=");
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        if (begins(entry, left[i]))
            return false;
    return true;
}

char **xpm__slurm_environment(char *const *environment)
{
    size_t count = 0, kept = 0;
    while (environment[count] != NULL)
        count++;
    char **copy = xpm__alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        if (is_kept(environment[i]))
            copy[kept++] = xpm__strdup(environment[i]);
    copy[kept] = NULL;
    return copy;
}

void xpm__slurm_environment_free(char **environment)
{
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        xpm_free(environment[i]);
    xpm_free(environment);
}

/* Takes the word. */
static void add_word(xpm__slurm_command *command, char *word)
{
    command->words =
        xpm__grow(command->words, &command->capacity, command->count + 1, sizeof *command->words);
    command->words[command->count++] = word;
    command->words[command->count] = NULL;
}

void xpm__slurm_command_begin(xpm__slurm_command *command, const char *binpath, const char *name)
{
    add_word(command, xpm__format("%s%s%s", binpath, binpath[0] != '\0' ? "/" : "", name));
}

void xpm__slurm_command_add(xpm__slurm_command *command, const char *format, ...)
{
    xpm__str word = {0};
    va_list args;
    va_start(args, format);
    xpm__str_vprintf(&word, format, args);
    va_end(args);
    add_word(command, xpm__str_take(&word));
}

void xpm__slurm_command_free(xpm__slurm_command *command)
{
    for (size_t i = 0; i < command->count; i++)
        xpm_free(command->words[i]);
    xpm_free(command->words);
    *command = (xpm__slurm_command){0};
}

/* ---- Gathering ---------------------------------------------------------------------------------- */

static bool is_python(const xpm__start *start)
{
    return strcmp(start->argv[1], "job") != 0;
}

static xpm__slurm_need need_of(const xpm__start *start)
{
    const xpm_job *job = start->job;
    double more = job->retry.more_memory > 0 ? job->retry.more_memory : 1;
    return (xpm__slurm_need){.requirement = start->launcher->requirement,
                             .limits = xpm__job_limits(job),
                             .growth = pow(more, job->failures)};
}

static const xpm__slurm_launcher *launcher_of(const xpm__start *start)
{
    return (const xpm__slurm_launcher *)start->launcher;
}

/* After any end: each job looks for itself how, and says so when it cannot begin, even when nobody else is
 * there to record it. Numbers that Slurm does not know it drops without a word. */
static void add_dependencies(const xpm__start *start, xpm__str *out)
{
    if (start->after == NULL || start->after[0] == NULL)
        return;
    xpm__str_puts(out, "--dependency=afterany");
    for (const char *const *id = start->after; *id != NULL; id++)
        xpm__str_printf(out, ":%s", *id);
    xpm__str_putc(out, '\0');
}

static void add_arguments(const xpm__start *start, xpm__str *out)
{
    xpm__slurm_need need = need_of(start);
    add_dependencies(start, out);
    xpm__slurm_add_arguments((const char *const *)launcher_of(start)->options, &need, out);
}

char *xpm__slurm_key(const xpm__start *start)
{
    xpm__str key = {0}, arguments = {0};
    add_arguments(start, &arguments);
    xpm__str_printf(&key, "%p %d %zu:%s", (const void *)start->job->environment, is_python(start),
                    strlen(start->argv[0]), start->argv[0]);
    for (size_t at = 0; at < arguments.size; at += strlen(arguments.data + at) + 1)
        xpm__str_printf(&key, " %zu:%s", strlen(arguments.data + at), arguments.data + at);
    xpm__str_free(&arguments);
    return xpm__str_take(&key);
}

static char **inherited(const xpm_job *job)
{
    static const char *const none[] = {NULL};
    static const xpm__variables nothing;
    char **array = xpm__environment_array(job->environment, &nothing, none);
    char **copy = xpm__slurm_environment(array);
    xpm_free(array);
    return copy;
}

xpm__slurm_batch *xpm__slurm_batch_new(const xpm__start *start, char *key)
{
    xpm__slurm_batch *batch = xpm__zalloc(sizeof *batch);
    const xpm_job *job = start->job;
    xpm__str arguments = {0};
    add_arguments(start, &arguments);
    batch->key = key;
    batch->argument_size = arguments.size;
    batch->arguments = xpm__str_take(&arguments);
    batch->environment = inherited(job);
    batch->program = xpm__strdup(start->argv[0]);
    batch->binpath = xpm__strdup(launcher_of(start)->binpath);
    batch->folder = xpm__format("%s/" XPM__ARRAYS, job->workspace->path);
    batch->python = is_python(start);
    batch->ranks = launcher_of(start)->ranks;
    batch->job_name = xpm__strdup(start->name);
    return batch;
}

/* What the element will find of itself. */
static char *describe(const xpm__start *start, size_t *size)
{
    static const char *const none[] = {NULL};
    const xpm__variables *variables = &start->job->variables;
    const char **list = xpm__alloc((variables->count + 1) * sizeof *list);
    xpm__str record = {0};
    if (variables->count > 0)
        memcpy(list, variables->entries, variables->count * sizeof *list);
    list[variables->count] = NULL;
    xpm__array_add(
        &record,
        &(xpm__element){.directory = start->job->directory,
                        .start = start->start != NULL ? strchr(start->start, '=') + 1 : NULL,
                        .variables = list,
                        .needs = start->needs != NULL ? start->needs : none});
    xpm_free(list);
    *size = record.size;
    return xpm__str_take(&record);
}

static void add_item(xpm__slurm_batch *batch, const xpm__slurm_item *item, xpm__slurm_run *run)
{
    batch->items =
        xpm__grow(batch->items, &batch->item_capacity, batch->count, sizeof *batch->items);
    batch->runs = xpm__grow(batch->runs, &batch->run_capacity, batch->count, sizeof *batch->runs);
    batch->items[batch->count] = *item;
    batch->runs[batch->count] = run;
    run->batch = batch;
    run->index = batch->count++;
    batch->left++;
}

int xpm__slurm_batch_add(xpm__slurm_batch *batch, const xpm__start *start, xpm__slurm_run *run,
                         xpm_error *err)
{
    xpm__slurm_item item = {.lock = fcntl(start->lock, F_DUPFD_CLOEXEC, 0)};
    if (item.lock < 0)
        return xpm__fail_io(err, start->job->directory, "hold the lock of");
    item.directory = xpm__strdup(start->job->directory);
    item.name = xpm__strdup(start->name);
    item.record = describe(start, &item.record_size);
    if (strcmp(batch->job_name, start->name) != 0) {
        xpm_free(batch->job_name);
        batch->job_name = xpm__strdup(start->job->xp->name);
    }
    add_item(batch, &item, run);
    return 0;
}

static char *copy_bytes(const char *bytes, size_t size)
{
    return memcpy(xpm__alloc(size + 1), bytes, size);
}

xpm__slurm_batch *xpm__slurm_batch_cut(xpm__slurm_batch *batch, size_t count)
{
    xpm__slurm_batch *rest = xpm__zalloc(sizeof *rest);
    rest->key = xpm__strdup(batch->key);
    rest->arguments = copy_bytes(batch->arguments, batch->argument_size);
    rest->argument_size = batch->argument_size;
    rest->environment = xpm__slurm_environment(batch->environment);
    rest->program = xpm__strdup(batch->program);
    rest->binpath = xpm__strdup(batch->binpath);
    rest->folder = xpm__strdup(batch->folder);
    rest->python = batch->python;
    rest->ranks = batch->ranks;
    rest->job_name = xpm__strdup(batch->job_name);
    for (size_t i = count; i < batch->count; i++)
        add_item(rest, &batch->items[i], batch->runs[i]);
    batch->left -= batch->count - count;
    batch->count = count;
    return rest;
}

static void close_lock(xpm__slurm_item *item)
{
    if (item->lock >= 0)
        close(item->lock);
    item->lock = -1;
}

static void clear_item(xpm__slurm_item *item)
{
    close_lock(item);
    xpm_free(item->directory);
    xpm_free(item->name);
    xpm_free(item->record);
}

/* The last takes its place: one of many that are left out costs no more than one of few. */
void xpm__slurm_batch_leave_out(xpm__slurm_batch *batch, size_t index)
{
    size_t last = --batch->count;
    clear_item(&batch->items[index]);
    batch->runs[index]->batch = NULL;
    batch->left--;
    batch->items[index] = batch->items[last];
    batch->runs[index] = batch->runs[last];
    batch->runs[index]->index = index;
}

void xpm__slurm_batch_unlock(xpm__slurm_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        close_lock(&batch->items[i]);
}

void xpm__slurm_batch_free(xpm__slurm_batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->count; i++)
        clear_item(&batch->items[i]);
    xpm_free(batch->items);
    xpm_free(batch->runs);
    xpm__slurm_environment_free(batch->environment);
    char *const texts[] = {batch->key,     batch->arguments, batch->program,
                           batch->binpath, batch->folder,    batch->job_name};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        xpm_free(texts[i]);
    xpm_free(batch);
}

/* ---- Sending: in a thread ----------------------------------------------------------------------- */

void xpm__slurm_token(const xpm__slurm_batch *batch, size_t index, char token[XPM__SLURM_WORD])
{
    if (batch->count > 1)
        snprintf(token, XPM__SLURM_WORD, "%.40s_%zu", batch->token, index);
    else
        snprintf(token, XPM__SLURM_WORD, "%s", batch->token);
}

void xpm__slurm_element_id(const xpm__slurm_batch *batch, size_t index, char id[XPM__SLURM_ID])
{
    if (batch->count > 1)
        snprintf(id, XPM__SLURM_ID, "%.40s_%zu", batch->id, index);
    else
        snprintf(id, XPM__SLURM_ID, "%s", batch->id);
}

/* No two are equal, of any process on any machine. */
static void make_token(char token[XPM__SLURM_WORD])
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) < 0)
        random = (uint64_t)getpid();
    snprintf(token, XPM__SLURM_WORD, TOKEN "%llx-%016llx", (unsigned long long)xpm__clock_now(),
             (unsigned long long)random);
}

bool xpm__slurm_is_token(const char *comment)
{
    return begins(comment, TOKEN);
}

static char *file_of(const xpm__slurm_batch *batch, const char *suffix)
{
    return xpm__format("%s/%s%s", batch->folder, batch->token, suffix);
}

static int write_script(const xpm__slurm_batch *batch, xpm_error *err)
{
    char *path = xpm__format("%s/" SCRIPT, batch->folder);
    xpm__str there = {0};
    int status = xpm__file_mkdirs(batch->folder, err);
    bool same = status == 0 && xpm__file_read(AT_FDCWD, path, &there) == 0 &&
                there.size == sizeof script - 1 && memcmp(there.data, script, there.size) == 0;
    if (status == 0 && !same &&
        xpm__file_write(AT_FDCWD, path, script, sizeof script - 1, 0777) < 0)
        status = xpm__fail_io(err, path, "write");
    xpm__str_free(&there);
    xpm_free(path);
    return status;
}

/* The list's lock: whoever submits has it, until sbatch has ended, even when this process has died. */
static int write_list(const xpm__slurm_batch *batch, xpm_error *err)
{
    char *path = file_of(batch, XPM__ARRAY_SUFFIX);
    xpm__str list = {0};
    xpm__array_begin(&list, batch->token, batch->ranks);
    for (size_t i = 0; i < batch->count; i++)
        xpm__str_add(&list, batch->items[i].record, batch->items[i].record_size);
    int lock = -1;
    if (xpm__file_write(AT_FDCWD, path, list.data, list.size, 0666) < 0)
        xpm__fail_io(err, path, "write the list of jobs");
    else if ((lock = xpm__file_lock(AT_FDCWD, path, false)) < 0)
        xpm__fail_io(err, path, "lock the list of jobs");
    xpm__str_free(&list);
    xpm_free(path);
    return lock;
}

static int write_pid(const xpm__slurm_batch *batch, size_t index)
{
    const xpm__slurm_item *item = &batch->items[index];
    xpm__pid pid = {.launcher = "slurm"};
    int folder = open(item->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    xpm__slurm_token(batch, index, pid.token);
    if (batch->id[0] != '\0')
        xpm__slurm_element_id(batch, index, pid.id);
    int status = xpm__jobdir_write_queued(folder, item->name, &pid);
    close(folder);
    return status;
}

static int write_pids(const xpm__slurm_batch *batch, xpm_error *err)
{
    for (size_t i = 0; i < batch->count; i++)
        if (write_pid(batch, i) < 0)
            return xpm__fail_io(err, batch->items[i].directory, "say in its .pid that it is sent");
    return 0;
}

static void remove_pids(const xpm__slurm_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        char *path = xpm__format("%s/%s.pid", batch->items[i].directory, batch->items[i].name);
        unlink(path);
        xpm_free(path);
    }
}

/* Its log's path, as sbatch reads it: '%' stands for something there, unless it is doubled; and a
 * backslash, doubled too, says that none does. A relative path would be read so with the folder. */
static char *log_pattern(const xpm__slurm_batch *batch)
{
    xpm__str pattern = {0};
    char special = strchr(batch->folder, '\\') != NULL ? '\\' : '%';
    for (const char *at = batch->folder; *at != '\0'; at++) {
        if (*at == special)
            xpm__str_putc(&pattern, special);
        xpm__str_putc(&pattern, *at);
    }
    xpm__str_printf(&pattern, "/%s.log", batch->token);
    return xpm__str_take(&pattern);
}

static void make_command(const xpm__slurm_batch *batch, xpm__slurm_command *command)
{
    char *log = log_pattern(batch);
    xpm__slurm_command_begin(command, batch->binpath, "sbatch");
    xpm__slurm_command_add(command, "--parsable");
    xpm__slurm_command_add(command, "--export=ALL");
    xpm__slurm_command_add(command, "--open-mode=append");
    xpm__slurm_command_add(command, "--chdir=%s", batch->folder);
    xpm__slurm_command_add(command, "--output=%s", log);
    xpm_free(log);
    xpm__slurm_command_add(command, "--comment=%s", batch->token);
    xpm__slurm_command_add(command, "--job-name=%s", batch->job_name);
    if (batch->count > 1)
        xpm__slurm_command_add(command, "--array=0-%zu", batch->count - 1);
    for (size_t at = 0; at < batch->argument_size; at += strlen(batch->arguments + at) + 1)
        xpm__slurm_command_add(command, "%s", batch->arguments + at);
    xpm__slurm_command_add(command, "%s/" SCRIPT, batch->folder);
    if (batch->ranks) {
        xpm__slurm_command_begin(command, batch->binpath, "srun");
        xpm__slurm_command_add(command, "--kill-on-bad-exit=1");
    }
    xpm__slurm_command_add(command, "%s", batch->program);
    if (batch->python) {
        xpm__slurm_command_add(command, "-m");
        xpm__slurm_command_add(command, "experimaestro.run");
        xpm__slurm_command_add(command, "--array");
    } else {
        xpm__slurm_command_add(command, "job");
    }
    xpm__slurm_command_add(command, "%s/%s" XPM__ARRAY_SUFFIX, batch->folder, batch->token);
}

/* What an end of sbatch means that is none of its own. */
static void judge_problem(const xpm__slurm_batch *batch, int problem, xpm__slurm_answer *answer)
{
    bool is_there = problem != ENOENT && problem != EACCES && problem != ENOTDIR;
    answer->refusal = is_there ? XPM__SLURM_DOWN : XPM__SLURM_REFUSED;
    if (!is_there)
        xpm__str_printf(&answer->words, "cannot start sbatch, looked for in %s: %s",
                        batch->binpath[0] != '\0' ? batch->binpath : "PATH", strerror(problem));
    else if (problem == ETIMEDOUT)
        xpm__str_puts(&answer->words, "it has not answered in time");
    else if (problem == EINTR)
        xpm__str_puts(&answer->words, "a signal has ended it");
    else
        xpm__str_puts(&answer->words, strerror(problem));
}

static void judge_answer(xpm__slurm_batch *batch, int status, const xpm__str *out,
                         const xpm__str *errors, xpm__slurm_answer *answer)
{
    const char *text = errors->size > 0 ? errors->data : "";
    answer->taken = status == 0 && xpm__slurm_submitted(out->size > 0 ? out->data : "", batch->id);
    if (answer->taken)
        return;
    answer->refusal = status == 0 ? XPM__SLURM_DOWN : xpm__slurm_refusal_of(text);
    if (answer->refusal != XPM__SLURM_DOWN)
        xpm__str_puts(&answer->words, "sbatch refuses it: ");
    size_t before = answer->words.size;
    xpm__slurm_add_words(&answer->words, text);
    if (answer->words.size == before && status == 0)
        xpm__str_puts(&answer->words, "it has printed no number");
    else if (answer->words.size == before)
        xpm__str_printf(&answer->words, "it has ended with status %d", status);
}

static void submit(xpm__slurm_batch *batch, int lock, int hurry, xpm__slurm_answer *answer)
{
    xpm__patience patience = {.seconds = SBATCH_SECONDS, .size = SAID, .hurry = hurry};
    xpm__slurm_command command = {0};
    xpm__str out = {0}, errors = {0};
    make_command(batch, &command);
    int status = xpm__process_ask((const char *const *)command.words, batch->environment, &patience,
                                  lock, &out, &errors);
    if (status < 0)
        judge_problem(batch, errno, answer);
    else
        judge_answer(batch, status, &out, &errors, answer);
    xpm__slurm_command_free(&command);
    xpm__str_free(&out);
    xpm__str_free(&errors);
}

void xpm__slurm_batch_send(xpm__slurm_batch *batch, int hurry, xpm__slurm_answer *answer)
{
    xpm_error err = {0};
    int lock = -1;
    *answer = (xpm__slurm_answer){.refusal = XPM__SLURM_REFUSED};
    make_token(batch->token);
    batch->id[0] = '\0';
    if (write_script(batch, &err) == 0 && (lock = write_list(batch, &err)) >= 0 &&
        write_pids(batch, &err) == 0)
        submit(batch, lock, hurry, answer);
    else
        xpm__str_puts(&answer->words, err.message);
    if (answer->taken) {
        xpm__slurm_batch_record(batch);
    } else if (answer->refusal != XPM__SLURM_DOWN) {
        remove_pids(batch);
        xpm__slurm_batch_clean(batch);
    }
    if (lock >= 0)
        close(lock);
}

void xpm__slurm_batch_record(xpm__slurm_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        (void)write_pid(batch, i); /* else its token is found */
        close_lock(&batch->items[i]);
    }
}

/* ---- What is left of it ------------------------------------------------------------------------- */

static void clean(const char *folder, const char *token)
{
    struct stat info;
    char *list = xpm__format("%s/%s" XPM__ARRAY_SUFFIX, folder, token);
    char *log = xpm__format("%s/%s.log", folder, token);
    unlink(list);
    if (stat(log, &info) == 0 && info.st_size == 0)
        unlink(log);
    xpm_free(list);
    xpm_free(log);
}

void xpm__slurm_batch_clean(const xpm__slurm_batch *batch)
{
    clean(batch->folder, batch->token);
}

/* One whose folder is gone has ended too. */
static bool has_ended(const char *directory)
{
    char name[XPM__NAME_SIZE];
    xpm__jobdir_state state;
    int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    xpm__jobdir_name(directory, name);
    bool ended = folder < 0 || xpm__jobdir_read_markers(folder, name, &state);
    if (folder >= 0)
        close(folder);
    return ended;
}

static bool have_all_ended(const xpm__str *list)
{
    xpm__array_part part;
    bool ended = true, more = true;
    size_t count = 0;
    for (; ended && more; count++) {
        more = xpm__array_find(list, count, &part, NULL) == 0;
        ended = !more || has_ended(part.element.directory);
        more = more && !part.is_last;
        xpm__array_part_clear(&part);
    }
    return ended;
}

static void sweep_list(const char *folder, const char *token)
{
    char *path = xpm__format("%s/%s" XPM__ARRAY_SUFFIX, folder, token);
    xpm__str list = {0};
    if (!xpm__file_is_locked(AT_FDCWD, path) && xpm__file_read(AT_FDCWD, path, &list) == 0 &&
        have_all_ended(&list))
        clean(folder, token);
    xpm__str_free(&list);
    xpm_free(path);
}

static void sweep_named(void *user, const char *name)
{
    if (!xpm__array_is_named(name))
        return;
    char *token = xpm__strndup(name, strlen(name) - strlen(XPM__ARRAY_SUFFIX));
    sweep_list(user, token);
    xpm_free(token);
}

void xpm__slurm_sweep(const char *folder)
{
    (void)xpm__file_each_visible(AT_FDCWD, folder, sweep_named, (void *)folder);
}

char *xpm__slurm_log(const char *folder, const char *token)
{
    char *path = xpm__format("%s/%s.log", folder, token);
    xpm__str text = {0};
    (void)xpm__file_read(AT_FDCWD, path, &text); /* there may be none */
    xpm_free(path);
    return xpm__str_take(&text);
}
