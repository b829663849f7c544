/* main() of a program in C that has tasks: it plans an experiment, and is itself what runs each of
 * its tasks. It stands on the public interface alone. */
#include <experimaestro.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/interrupt.h"
#include "run/native.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SIGNAL = 128 };

typedef struct arguments {
    const char *folder, *workspace, *experiment; /* the first two may be NULL */
    xpm_experiment_options options;
    bool explains;
} arguments;

static int usage(const char *program, FILE *out)
{
    fprintf(
        out,
        "usage: %s run [WORKSPACE] [--workspace ID] [--experiment NAME] [--jobs N]\n"
        "       [--dry-run | --generate-only] [--explain]\n"
        "       %s job PARAMS\n"
        "       %s execute PARAMS\n"
        "       %s compare\n\n"
        "run      plans the experiment and runs its tasks in the folder WORKSPACE, or in the\n"
        "         workspace that the settings name ID; without either, in the one that they have\n"
        "         for the experiment\n"
        "         --dry-run lists what would run, --explain counts it and says why; neither "
        "writes\n"
        "job      runs the task that the file PARAMS describes (what run starts)\n"
        "execute  executes it here, without lock nor record\n"
        "compare  says how the files that it reads the names of are identified now\n",
        program, program, program, program);
    return out == stdout ? 0 : EXIT_USAGE;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int print_error(const char *program, const xpm_error *err)
{
    bool has_path = err->path[0] != '\0' && strstr(err->message, err->path) == NULL;
    fprintf(stderr, "%s: %s%s%s\n", program, has_path ? err->path : "", has_path ? ": " : "",
            err->message);
    return EXIT_FAILED;
}

/* Returns -1 when the command line is understood, else the exit status. */
static int parse(int argc, char **argv, arguments *args)
{
    static const struct option options[] = {{"workspace", required_argument, NULL, 'w'},
                                            {"experiment", required_argument, NULL, 'e'},
                                            {"jobs", required_argument, NULL, 'j'},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"generate-only", no_argument, NULL, 'g'},
                                            {"explain", no_argument, NULL, 'x'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    *args = (arguments){.experiment = base_name(argv[0])};
    while ((option = getopt_long(argc, argv, "e:j:nh", options, NULL)) != -1) {
        switch (option) {
        case 'w':
            args->workspace = optarg;
            break;
        case 'e':
            args->experiment = optarg;
            break;
        case 'j':
            args->options.slots = atoi(optarg);
            if (args->options.slots <= 0) {
                fprintf(stderr, "%s: --jobs takes a number from 1, not \"%s\"\n", argv[0], optarg);
                return EXIT_USAGE;
            }
            break;
        case 'n':
            args->options.mode = XPM_DRY_RUN;
            break;
        case 'g':
            args->options.mode = XPM_GENERATE_ONLY;
            break;
        case 'x':
            args->explains = true;
            break;
        case 'h':
            return usage(argv[0], stdout);
        default:
            return usage(argv[0], stderr);
        }
    }
    int words = argc - optind;
    if (words < 1 || words > 2 || strcmp(argv[optind], "run") != 0)
        return usage(argv[0], stderr);
    if (args->explains && args->options.mode == XPM_NORMAL)
        args->options.mode = XPM_PREPARE;
    args->folder = argv[optind + 1];
    return -1;
}

static void tell_waiting(void *user, const char *holder)
{
    fprintf(stderr, "%s: the experiment is being run by %s: waiting for it to end\n",
            (const char *)user, holder);
}

static void warn(void *user, const char *message)
{
    fprintf(stderr, "%s: warning: %s\n", (const char *)user, message);
}

static void report(const xpm_experiment *xp)
{
    xpm_counts counts = xpm_experiment_counts(xp);
    const char *folder = xpm_experiment_run_directory(xp);
    if (folder == NULL)
        return;
    printf("%zu jobs: %zu done, %zu failed; %zu started%s\nresults in %s\n", counts.submitted,
           counts.done, counts.failed, counts.started,
           counts.started == 0 ? " (nothing to do)" : "", folder);
}

static bool is_failed(const xpm_job *job, xpm_reason reason)
{
    return xpm_job_state_now(job) == XPM_JOB_ERROR && xpm_job_reason(job) == reason;
}

/* What is known of the jobs that failed. */
static void report_failures(const xpm_experiment *xp)
{
    size_t failed = xpm_experiment_counts(xp).failed, count = 0, dependent = 0;
    if (failed == 0)
        return;
    const char **directories = calloc(failed, sizeof *directories);
    xpm_job *job;
    for (size_t i = 0; directories != NULL && (job = xpm_experiment_job(xp, i)) != NULL; i++)
        dependent += is_failed(job, XPM_REASON_DEPENDENCY);
    for (int cancelled = 0; directories != NULL && cancelled < 2; cancelled++) /* those last */
        for (size_t i = 0; (job = xpm_experiment_job(xp, i)) != NULL && count < failed; i++)
            if (xpm_job_state_now(job) == XPM_JOB_ERROR && !is_failed(job, XPM_REASON_DEPENDENCY) &&
                is_failed(job, XPM_REASON_CANCELLED) == cancelled)
                directories[count++] = xpm_job_directory(job);
    char *cards = xpm_job_cards(directories, count, dependent);
    fputs(cards, stderr);
    xpm_free(cards);
    free(directories);
}

static void explain(xpm_experiment *xp)
{
    char *text = xpm_experiment_explain(xp);
    fputs(text, stdout);
    xpm_free(text);
}

static bool is_interrupted(void *user)
{
    (void)user;
    return xpm__interrupt_came() != 0;
}

/* Plans, and waits for the jobs; 0, or -1 when the plan failed. */
static int carry_out(const char *program, xpm_experiment *xp, xpm_plan plan)
{
    xpm_error err = {0};
    if (xpm__interrupt_watch(program, xp) < 0)
        fprintf(stderr, "%s: warning: signals are not heeded: %s\n", program, strerror(errno));
    int planned = plan(xp, &err);
    if (planned < 0)
        print_error(program, &err);
    xpm_experiment_wait(xp, -1);
    if (xpm__interrupt_came() != 0)
        xpm_experiment_drain(xp, XPM__PATIENCE);
    xpm__interrupt_end();
    return planned;
}

/* The workspace, as the settings or the command line say. */
static int choose(const arguments *args, xpm_settings *settings, xpm_workspace_settings *workspace,
                  xpm_error *err)
{
    if (xpm_settings_select(settings, args->workspace, args->folder, args->experiment, workspace,
                            err) < 0)
        return -1;
    if (workspace->remote)
        return xpm_fail(err, XPM_E_STATE, "workspace",
                        "the workspace %s is of another host: run the experiment there, or name a "
                        "folder here",
                        workspace->id);
    return 0;
}

/* Opens the experiment in its workspace. */
static xpm_experiment *open_experiment(const arguments *args, xpm_error *err)
{
    xpm_experiment *xp = NULL;
    xpm_workspace_settings workspace;
    xpm_settings *settings = xpm_settings_load(NULL, err);
    if (settings == NULL || choose(args, settings, &workspace, err) < 0)
        goto end;
    xpm_experiment_options options = args->options;
    xpm_workspace_settings_apply(&workspace, &options);
    xp = xpm_experiment_open(workspace.path, args->experiment, &options, err);
    if (xp != NULL)
        xpm_experiment_set_settings(xp, settings, &workspace);
end:
    xpm_settings_free(settings);
    return xp;
}

static int run(const char *program, const arguments *args, xpm_plan plan)
{
    xpm_error err = {0};
    if (xpm__interrupt_catch() < 0)
        return fprintf(stderr, "%s: %s\n", program, strerror(errno)), EXIT_FAILED;
    xpm_experiment *xp = open_experiment(args, &err);
    if (xp == NULL && err.code == XPM_E_MISSING)
        return print_error(program, &err), usage(program, stderr);
    if (xp == NULL)
        return print_error(program, &err);
    bool failed = carry_out(program, xp, plan) < 0 || xpm_experiment_counts(xp).failed > 0;
    int signal_number = xpm__interrupt_came();
    report(xp);
    if (args->explains)
        explain(xp);
    if (signal_number == 0)
        report_failures(xp);
    else if (!failed)
        xpm_experiment_detach(xp); /* what runs goes on */
    if (xpm_experiment_close(xp, failed, &err) < 0)
        return print_error(program, &err);
    return signal_number != 0 ? EXIT_SIGNAL + signal_number : failed ? EXIT_FAILED : 0;
}

/* What `experimaestro deprecated` asks: a line of JSON for each line of standard input. */
static int compare(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, stdin)) > 0) {
        line[size - (line[size - 1] == '\n')] = '\0';
        char *answer = xpm_params_compare(line, NULL, NULL);
        puts(answer);
        xpm_free(answer);
    }
    free(line);
    return 0;
}

int xpm_main(int argc, char **argv, xpm_plan plan)
{
    arguments args;
    if (argc == 3 && strcmp(argv[1], "job") == 0)
        return xpm_run(argv[2], NULL, xpm__native_execute, NULL);
    if (argc == 3 && strcmp(argv[1], "execute") == 0)
        return xpm_execute_params(argv[2], NULL, xpm__native_execute, NULL);
    if (argc == 2 && strcmp(argv[1], "compare") == 0)
        return compare();
    int status = parse(argc, argv, &args);
    if (status >= 0)
        return status;
    args.options.waiting = tell_waiting;
    args.options.warn = warn;
    args.options.interrupted = is_interrupted;
    args.options.user = argv[0];
    return run(argv[0], &args, plan);
}
