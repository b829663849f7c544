#include "cli/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "record/jobdir.h"
#include "record/params.h"

/* ---- The jobs --------------------------------------------------------------------------------- */

/* Who runs the job, and so can tell. */
static void read_program(cli_compared *job, const char *python)
{
    xpm_error err = {0};
    xpm__params params;
    if (xpm__params_peek(job->params, &params, &err) < 0) {
        job->error = xpm__strdup(err.message);
        return;
    }
    job->native = params.language != NULL && strcmp(params.language, "c") == 0;
    job->script = job->native ? NULL : xpm__strdup(params.script);
    if (!job->native && (python != NULL || params.language == NULL)) /* of the original: no word */
        job->program = xpm__strdup(python != NULL ? python : "python3");
    else
        job->program = xpm__strdup(params.program != NULL ? params.program : "python3");
    job->asked = xpm__format("%s\n%s", job->program, job->script != NULL ? job->script : "");
    xpm__params_clear(&params);
}

/* What is looked through: jobs/TYPE, once `type` is set. */
typedef struct listing {
    cli_comparison *c;
    const cli_question *question;
    const char *type;
} listing;

static void on_hash(void *user, const char *hash)
{
    const listing *l = user;
    cli_comparison *c = l->c;
    const cli_question *question = l->question;
    char path[1024], name[XPM__NAME_SIZE];
    struct stat info;
    xpm__jobdir_state state;
    snprintf(path, sizeof path, "jobs/%s/%s", l->type, hash);
    if (question->only != NULL && strcmp(path + strlen("jobs/"), question->only) != 0)
        return;
    int dir = openat(c->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return;
    if (fstatat(dir, "params.json", &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode)) {
        c->jobs = xpm__grow(c->jobs, &c->capacity, c->count, sizeof *c->jobs);
        cli_compared *job = &c->jobs[c->count++];
        *job = (cli_compared){.key = xpm__format("%s/%s", l->type, hash),
                              .params = xpm__format("%s/%s/params.json", c->workspace, path)};
        xpm__jobdir_name(path, name);
        xpm__jobdir_read(dir, name, &state);
        job->done = state.state == XPM_JOB_DONE;
        read_program(job, question->python);
    }
    close(dir);
}

/* A link to another type's folder is passed over, as links to jobs are. */
static void on_type(void *user, const char *type)
{
    listing *l = user;
    struct stat info;
    char *path = xpm__format("jobs/%s", type);
    l->type = type;
    if (fstatat(l->c->fd, path, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode))
        xpm__file_each_visible(l->c->fd, path, on_hash, l);
    xpm_free(path);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const cli_compared *)a)->key, ((const cli_compared *)b)->key);
}

static void read_jobs(cli_comparison *c, const cli_question *question)
{
    listing l = {.c = c, .question = question};
    xpm__file_each_visible(c->fd, "jobs", on_type, &l);
    if (c->count > 0)
        qsort(c->jobs, c->count, sizeof *c->jobs, compare_keys);
    for (size_t i = 0; i < c->count; i++)
        xpm__map_set(&c->by_params, c->jobs[i].params, &c->jobs[i]);
}

/* ---- The answers ------------------------------------------------------------------------------ */

static void take_changes(cli_compared *job, json_object *changes)
{
    size_t count =
        json_object_is_type(changes, json_type_array) ? json_object_array_length(changes) : 0;
    job->changes = xpm__zalloc((count + 1) * sizeof *job->changes);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(changes, i));
        job->changes[job->change_count++] = xpm__strdup(text != NULL ? text : "");
    }
}

/* New: free_files. */
static xpm__relink_file *read_files(json_object *json, size_t *count)
{
    xpm__relink_file *files = NULL;
    size_t capacity = 0;
    *count = 0;
    if (!json_object_is_type(json, json_type_object))
        return NULL;
    json_object_object_foreach (json, to, from) {
        const char *text = json_object_get_string(from);
        files = xpm__grow(files, &capacity, *count, sizeof *files);
        files[(*count)++] = (xpm__relink_file){.from = xpm__strdup(text != NULL ? text : ""),
                                               .to = xpm__strdup(to)};
    }
    return files;
}

static void free_files(xpm__relink_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        xpm_free((char *)files[i].from);
        xpm_free((char *)files[i].to);
    }
    xpm_free(files);
}

/* A name that becomes a folder of the workspace: a text from outside. */
static bool is_component(const char *text)
{
    return text != NULL && text[0] != '\0' && text[0] != '.' && strchr(text, '/') == NULL;
}

static void take_answer(cli_comparison *c, json_object *answer)
{
    const char *path = xpm__json_get_text(answer, "path");
    const char *error = xpm__json_get_text(answer, "error");
    const char *type = xpm__json_get_text(answer, "type"),
               *hash = xpm__json_get_text(answer, "new");
    cli_compared *job = path != NULL ? xpm__map_find(&c->by_params, path) : NULL;
    if (job == NULL || job->error != NULL || job->new_key != NULL)
        return;
    if (error != NULL) {
        job->error = xpm__strdup(error);
    } else if (is_component(type) && is_component(hash)) {
        job->new_key = xpm__format("%s/%s", type, hash);
        job->declared = json_object_get_boolean(xpm__json_get(answer, "declared"));
        take_changes(job, xpm__json_get(answer, "changes"));
        job->files = read_files(xpm__json_get(answer, "files"), &job->file_count);
        job->shared = read_files(xpm__json_get(answer, "shared"), &job->shared_count);
    }
}

/* Lines that are no answer are passed over. */
static void read_answers(cli_comparison *c, int fd)
{
    FILE *in = fdopen(fd, "r");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    const char *problem;
    while (in != NULL && (size = getline(&line, &capacity, in)) > 0) {
        json_object *answer = xpm__json_parse(line, (size_t)size, &problem);
        if (answer != NULL)
            take_answer(c, answer);
        json_object_put(answer);
    }
    free(line);
    if (in != NULL)
        fclose(in);
}

/* ---- Asking ----------------------------------------------------------------------------------- */

/* The questions: a file, so that who reads and writes never wait for each other. */
static int write_questions(const cli_comparison *c, const char *asked)
{
    FILE *questions = tmpfile();
    if (questions == NULL)
        return -1;
    for (size_t i = 0; i < c->count; i++)
        if (c->jobs[i].asked != NULL && strcmp(c->jobs[i].asked, asked) == 0)
            fprintf(questions, "%s\n", c->jobs[i].params);
    fflush(questions);
    int fd = fcntl(fileno(questions), F_DUPFD_CLOEXEC, 3);
    fclose(questions);
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static void execute(const cli_compared *job, const char *modules)
{
    if (job->native) {
        execlp(job->program, job->program, "compare", (char *)NULL);
    } else {
        char *folder = xpm__strdup(job->script != NULL ? job->script : "");
        char *slash = strrchr(folder, '/');
        *(slash != NULL ? slash : folder) = '\0';
        execlp(job->program, job->program, "-m", "experimaestro.compare", "--path", folder,
               "--import", modules != NULL ? modules : "", (char *)NULL);
    }
    fprintf(stderr, "experimaestro: cannot start %s: %s\n", job->program, strerror(errno));
    _exit(127);
}

/* Asks the program of `first` about all that it runs. */
static int ask(cli_comparison *c, const cli_compared *first, const char *modules, xpm_error *err)
{
    int answers[2], questions = write_questions(c, first->asked);
    if (questions < 0 || pipe2(answers, O_CLOEXEC) < 0) {
        xpm__fail_io(err, first->program, "ask the program");
        if (questions >= 0)
            close(questions);
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(questions, STDIN_FILENO);
        dup2(answers[1], STDOUT_FILENO);
        execute(first, modules);
    }
    close(questions);
    close(answers[1]);
    read_answers(c, answers[0]);
    if (pid < 0)
        return xpm__fail_io(err, first->program, "start the program");
    waitpid(pid, NULL, 0);
    return 0;
}

static int ask_all(cli_comparison *c, const char *modules, xpm_error *err)
{
    for (size_t i = 0; i < c->count; i++) {
        cli_compared *job = &c->jobs[i];
        if (job->error == NULL && job->new_key == NULL && ask(c, job, modules, err) < 0)
            return -1;
        for (size_t j = i; j < c->count; j++) {
            cli_compared *other = &c->jobs[j];
            if (other->error == NULL && other->new_key == NULL &&
                strcmp(other->asked, job->asked) == 0)
                other->error = xpm__format("%s gave no answer", job->program);
        }
    }
    return 0;
}

int cli_compare(const cli_question *question, cli_comparison *c, xpm_error *err)
{
    const char *workspace = question->workspace;
    char *real = realpath(workspace, NULL);
    *c = (cli_comparison){.fd = -1};
    if (real != NULL) {
        c->workspace = xpm__strdup(real);
        c->fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    free(real);
    if (c->fd < 0) {
        cli_comparison_free(c);
        return xpm__fail_io(err, workspace, "open the workspace");
    }
    if (!xpm__file_exists(c->fd, "jobs")) {
        cli_comparison_free(c);
        return xpm__fail(err, XPM_E_STATE, workspace, "%s is no workspace: it has no jobs",
                         workspace);
    }
    read_jobs(c, question);
    if (ask_all(c, question->modules, err) == 0)
        return 0;
    cli_comparison_free(c);
    return -1;
}

void cli_comparison_free(cli_comparison *c)
{
    for (size_t i = 0; i < c->count; i++) {
        cli_compared *job = &c->jobs[i];
        for (size_t j = 0; j < job->change_count; j++)
            xpm_free(job->changes[j]);
        free_files(job->files, job->file_count);
        free_files(job->shared, job->shared_count);
        xpm_free(job->changes);
        xpm_free(job->key);
        xpm_free(job->params);
        xpm_free(job->asked);
        xpm_free(job->program);
        xpm_free(job->script);
        xpm_free(job->error);
        xpm_free(job->new_key);
    }
    xpm__map_free(&c->by_params);
    xpm_free(c->jobs);
    xpm_free(c->workspace);
    if (c->fd >= 0)
        close(c->fd);
    *c = (cli_comparison){.fd = -1};
}
