#include "record/environment.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "record/git.h"

enum {
    GIT_SECONDS = 30,
    GIT_SIZE = 1 << 22,
    COMMAND_SIZE = 1 << 15, /* of a command line that is longer, the start is kept */
    NAMED = 5,              /* paths in a message */
};

struct xpm__capture {
    char *run, *known;
    char **projects;    /* ends with NULL */
    char **command;     /* that captures, with its last arguments; NULL when the thread does */
    char **environment; /* as it was at first: the program may change its own at any time */
    int hurry;
    pthread_t thread;
    pid_t pid; /* of the command; 0 when none was started */
};

/* ---- Texts ------------------------------------------------------------------------------------ */

static size_t count_texts(const char *const *texts)
{
    size_t count = 0;
    while (texts != NULL && texts[count] != NULL)
        count++;
    return count;
}

/* A copy, with so many places more. New: free_texts. */
static char **copy_texts(const char *const *texts, size_t more)
{
    size_t count = count_texts(texts);
    char **copy = xpm__zalloc((count + more + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = xpm__strdup(texts[i]);
    return copy;
}

static void free_texts(char **texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
        xpm_free(texts[i]);
    xpm_free(texts);
}

static char *program_of(const xpm_experiment_options *options)
{
    char path[PATH_MAX];
    if (options->program != NULL)
        return xpm__strdup(options->program);
    ssize_t size = readlink("/proc/self/exe", path, sizeof path);
    return size > 0 ? xpm__strndup(path, (size_t)size) : NULL;
}

/* The folders of the sources. New: free_texts. */
static char **projects_of(const xpm_experiment_options *options)
{
    static const char *const none[] = {NULL};
    if (options->projects != NULL)
        return copy_texts(options->projects, 0);
    char **projects = copy_texts(none, 1), *program = program_of(options);
    char *slash = program != NULL ? strrchr(program, '/') : NULL;
    if (slash != NULL)
        projects[0] = xpm__strndup(program, (size_t)(slash - program) + (slash == program));
    xpm_free(program);
    return projects;
}

/* ---- What is known at once -------------------------------------------------------------------- */

static void print_command(xpm__str *out)
{
    xpm__str line = {0};
    xpm__json_key(out, "command");
    xpm__json_open(out, '[');
    if (xpm__file_read(AT_FDCWD, "/proc/self/cmdline", &line) == 0 && line.size > 0) {
        size_t size = line.size < COMMAND_SIZE ? line.size : COMMAND_SIZE;
        for (const char *word = line.data; word < line.data + size; word += strlen(word) + 1) {
            xpm__str text = {0};
            xpm__str_add_visible(&text, word, strnlen(word, (size_t)(line.data + size - word)));
            xpm__json_text(out, text.size > 0 ? text.data : "");
            xpm__str_free(&text);
        }
    }
    xpm__json_close(out, ']');
    xpm__str_free(&line);
}

static void print_platform(xpm__str *out)
{
    struct utsname system;
    if (uname(&system) < 0)
        return;
    char *platform = xpm__format("%s %s %s", system.sysname, system.release, system.machine);
    xpm__json_pair(out, "hostname", system.nodename);
    xpm__json_pair(out, "platform", platform);
    xpm_free(platform);
}

/* New: xpm_free. */
static char *print_known(const char *name, double started, const xpm_experiment_options *options)
{
    char time[XPM__TIME_SIZE], directory[PATH_MAX];
    char *program = program_of(options);
    xpm__str out = {0};
    xpm__clock_iso(started, time);
    xpm__json_open(&out, '{');
    xpm__json_pair_int(&out, "version", 1);
    xpm__json_pair(&out, "experimaestro", xpm_version());
    xpm__json_pair(&out, "run_id", name);
    xpm__json_pair(&out, "started_at", time);
    print_platform(&out);
    xpm__json_pair_int(&out, "pid", getpid());
    xpm__json_pair(&out, "directory", getcwd(directory, sizeof directory));
    xpm__json_pair(&out, "program", program);
    print_command(&out);
    xpm__json_close(&out, '}');
    xpm_free(program);
    return xpm__str_take(&out);
}

/* ---- The rest --------------------------------------------------------------------------------- */

/* The user database may be far away: it is asked in the background. */
static void print_user(xpm__str *out)
{
    char buffer[4096];
    struct passwd entry, *found = NULL;
    int status = getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found);
    xpm__json_pair(out, "user", status == 0 && found != NULL ? found->pw_name : NULL);
}

/* The workspace of WORKSPACE/experiments/ID/RUN. New: xpm_free. */
static char *workspace_of(const char *run)
{
    size_t size = strlen(run);
    for (int level = 0; level < 3; level++)
        while (size > 0 && run[--size] != '/')
            continue;
    return size > 0 ? xpm__strndup(run, size) : NULL;
}

static xpm__asking ask_in(char *const *environment, int hurry)
{
    return (xpm__asking){environment, {.seconds = GIT_SECONDS, .size = GIT_SIZE, .hurry = hurry}};
}

static void print_projects(const char *run, const char *const *projects, const xpm__asking *asking,
                           xpm__str *out)
{
    xpm__gits gits = {0};
    char *workspace = workspace_of(run);
    for (size_t i = 0; projects[i] != NULL; i++)
        xpm__gits_add(&gits, projects[i], workspace, asking);
    xpm__json_key(out, "projects");
    xpm__gits_print(&gits, out);
    xpm__gits_free(&gits);
    xpm_free(workspace);
}

/* The members of a JSON object: its text without brackets, and spaces beside them. */
static void print_members(const char *object, xpm__str *out)
{
    const char *open = object != NULL ? strchr(object, '{') : NULL;
    const char *close = object != NULL ? strrchr(object, '}') : NULL;
    if (open == NULL || close == NULL)
        return;
    const char *start = open + 1 + strspn(open + 1, " \n");
    while (close > start && (close[-1] == ' ' || close[-1] == '\n'))
        close--;
    if (start >= close)
        return;
    if (out->data[out->size - 1] != '{')
        xpm__str_putc(out, ',');
    xpm__str_add(out, start, (size_t)(close - start));
}

static int write_environment(const char *run, const char *known, const char *const *projects,
                             const char *more, const xpm__asking *asking)
{
    xpm__str out = {0};
    char *path = xpm__format("%s/environment.json", run);
    xpm__json_open(&out, '{');
    print_members(known, &out);
    print_user(&out);
    print_projects(run, projects, asking, &out);
    print_members(more, &out);
    xpm__str_puts(&out, "}\n");
    int status = xpm__file_write(AT_FDCWD, path, out.data, out.size, 0666);
    xpm__str_free(&out);
    xpm_free(path);
    return status;
}

int xpm_environment_capture(const char *run, const char *known, const char *const *projects,
                            const char *more, xpm_error *err)
{
    xpm__asking asking = ask_in(environ, -1);
    int status = write_environment(run, known, projects, more, &asking);
    return status < 0 ? xpm__fail_io(err, run, "write the environment in") : 0;
}

/* ---- In the background ------------------------------------------------------------------------ */

/* Commands that had not ended when their run did: they are waited for by the runs that come. */
static struct {
    pthread_mutex_t mutex;
    pid_t pids[64];
} left = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void collect(pid_t pid)
{
    pthread_mutex_lock(&left.mutex);
    for (size_t i = 0; i < sizeof left.pids / sizeof *left.pids; i++) {
        if (left.pids[i] == 0) {
            left.pids[i] = pid;
            pid = 0;
        }
        if (left.pids[i] > 0 && waitpid(left.pids[i], NULL, WNOHANG) != 0)
            left.pids[i] = 0;
    }
    pthread_mutex_unlock(&left.mutex);
}

static void *capture_in_thread(void *user)
{
    xpm__capture *capture = user;
    const char *const *projects = (const char *const *)capture->projects;
    xpm__asking asking = ask_in(capture->environment, capture->hurry);
    if (capture->command != NULL)
        capture->pid =
            xpm__process_leave((const char *const *)capture->command, capture->environment);
    else
        write_environment(capture->run, capture->known, projects, NULL, &asking);
    return NULL;
}

/* A thread that no signal is delivered to: they are the program's. */
static int start_thread(xpm__capture *capture)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(&capture->thread, NULL, capture_in_thread, capture);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return problem;
}

static void free_capture(xpm__capture *capture)
{
    if (capture->hurry >= 0)
        close(capture->hurry);
    free_texts(capture->projects);
    free_texts(capture->command);
    free_texts(capture->environment);
    xpm_free(capture->known);
    xpm_free(capture->run);
    xpm_free(capture);
}

xpm__capture *xpm__capture_start(const char *run, const char *name, double started,
                                 const xpm_experiment_options *options)
{
    xpm__capture *capture = xpm__zalloc(sizeof *capture);
    capture->run = xpm__strdup(run);
    capture->known = print_known(name, started, options);
    capture->projects = projects_of(options);
    capture->environment = copy_texts((const char *const *)environ, 0);
    capture->hurry = eventfd(0, EFD_CLOEXEC);
    if (options->capture != NULL) {
        size_t count = count_texts(options->capture);
        capture->command = copy_texts(options->capture, 2);
        capture->command[count] = xpm__strdup(run);
        capture->command[count + 1] = xpm__strdup(capture->known);
    }
    if (capture->hurry >= 0 && start_thread(capture) == 0)
        return capture;
    free_capture(capture);
    return NULL;
}

void xpm__capture_end(xpm__capture *capture)
{
    static const uint64_t one = 1;
    if (capture == NULL)
        return;
    if (write(capture->hurry, &one, sizeof one) < 0)
        errno = 0; /* then it is waited for without hurry */
    pthread_join(capture->thread, NULL);
    collect(capture->pid > 0 ? capture->pid : 0);
    free_capture(capture);
}

/* ---- Before a run ----------------------------------------------------------------------------- */

/* "a.py, b.py and 3 more" */
static void print_changed(const xpm__git *git, xpm__str *out)
{
    for (size_t i = 0; i < git->changed_count && i < NAMED; i++)
        xpm__str_printf(out, "%s%s", i > 0 ? ", " : "", git->changed[i]);
    if (git->changed_count > NAMED)
        xpm__str_printf(out, " and %zu more", git->changed_count - NAMED);
}

static int complain(const xpm__git *git, const xpm_experiment_options *options, xpm_error *err)
{
    xpm__str message = {0};
    if (git->known) {
        xpm__str_printf(&message, "%s has changes that are not committed: ", git->toplevel);
        print_changed(git, &message);
    } else {
        xpm__str_printf(&message, "git does not say whether %s has changes", git->toplevel);
    }
    int status = 0;
    if (options->dirty_git == XPM_DIRTY_ERROR)
        status = xpm__fail(err, XPM_E_DIRTY, git->toplevel,
                           "%s. Commit them, or open the experiment with another dirty_git",
                           message.data);
    else if (options->warn != NULL)
        options->warn(options->user, message.data);
    xpm__str_free(&message);
    return status;
}

int xpm__environment_check(const xpm__workspace *workspace, const xpm_experiment_options *options,
                           xpm_error *err)
{
    xpm__asking asking = ask_in(environ, -1);
    xpm__gits gits = {0};
    int status = 0;
    if (options->dirty_git == XPM_DIRTY_IGNORE)
        return 0;
    char **projects = projects_of(options);
    for (size_t i = 0; projects[i] != NULL; i++)
        xpm__gits_add(&gits, projects[i], workspace->path, &asking);
    for (size_t i = 0; status == 0 && i < gits.count; i++)
        if (!gits.items[i].known || gits.items[i].changed_count > 0)
            status = complain(&gits.items[i], options, err);
    xpm__gits_free(&gits);
    free_texts(projects);
    return status;
}
