/* The table of commands, in the order of their names. Each that is not hidden has a text of its own,
 * docs/man/NAME.mdoc, with "-" for the spaces of its name: its man page is made of both. */
#include "cli/cli.h"

#define FLAG(option, text)                                                                         \
    {                                                                                              \
        .name = option, .help = text                                                               \
    }
#define TAKES(option, of_kind, what, text)                                                         \
    {                                                                                              \
        .name = option, .kind = of_kind, .value = what, .help = text                               \
    }
#define ARGUMENT(what, of_kind)                                                                    \
    {                                                                                              \
        .name = what, .kind = of_kind                                                              \
    }

#define WORKDIR                                                                                    \
    TAKES("workdir", CLI_FOLDER, "DIR",                                                            \
          "the workspace (default: XPM_WORKDIR, else the current folder)"),                        \
        TAKES("workspace", CLI_WORKSPACE, "ID", "the workspace that the settings name so")
#define IMPORT                                                                                     \
    TAKES("import", CLI_TEXT, "MODULE[,MODULE]", "Python modules that declare what was renamed")
#define PYTHON                                                                                     \
    TAKES("python", CLI_FILE, "PROGRAM",                                                           \
          "the interpreter to ask about Python jobs (default: theirs)")
#define JSON FLAG("json", "print one JSON object a line")

const cli_option cli_globals[] = {
    {.name = "help", .letter = 'h', .help = "tell what a command does, and its options"},
    FLAG("version", "print the version"),
    FLAG("quiet", "print results and errors, no advice"),
    FLAG("debug", "tell all that is known of an error, and log all that Python programs can"),
    TAKES("logging", CLI_TEXT, "NAME=LEVEL[,NAME=LEVEL]",
          "what loggers of Python programs write: DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    FLAG("traceback", "tell of an error also its kind and its place"),
    {.name = NULL},
};

const cli_command cli_commands[] = {
    {
        .name = "agent",
        .help = "start jobs here for an experiment of another host, which calls this over ssh",
        .run = cmd_agent,
        .hidden = true,
    },
    {
        .name = "complete",
        .help = "print what the last word of a command line may be, for the completion of shells",
        .run = cmd_complete,
        .hidden = true,
        .arguments = {{.name = "WORD", .many = true}},
    },
    {
        .name = "completion",
        .help = "print the script that has a shell complete these commands",
        .run = cmd_completion,
        .arguments = {ARGUMENT("bash|zsh|fish", CLI_WORDS)},
    },
    {
        .name = "deprecated",
        .help = "keep the results of what was renamed",
    },
    {
        .name = "deprecated diff",
        .help = "say why the job of this folder has another identifier today",
        .run = cmd_deprecated_diff,
        .arguments = {ARGUMENT("FOLDER", CLI_FOLDER)},
        .options = {IMPORT, PYTHON},
    },
    {
        .name = "deprecated fix",
        .help =
            "link old jobs to their new identifiers: says what it would do, does it with --perform",
        .run = cmd_deprecated_fix,
        .arguments = {ARGUMENT("WORKSPACE", CLI_FOLDER)},
        .options = {IMPORT, PYTHON, FLAG("perform", "do it"),
                    FLAG("all",
                         "link also the jobs that changed for a reason that is not declared"),
                    FLAG("undo", "take back the links that were made"), JSON},
    },
    {
        .name = "deprecated list",
        .help = "list jobs that have another identifier today",
        .run = cmd_deprecated_list,
        .arguments = {ARGUMENT("WORKSPACE", CLI_FOLDER)},
        .options = {IMPORT, PYTHON, FLAG("fix", "link them: the same as deprecated fix --perform"),
                    JSON},
    },
    {
        .name = "doctor",
        .help = "say what is wrong with a workspace, and what it would repair",
        .run = cmd_doctor,
        .options = {WORKDIR, FLAG("fix", "repair it"), JSON},
    },
    {
        .name = "experiments",
        .help = "look at experiments",
    },
    {
        .name = "experiments list",
        .help = "list the experiments of a workspace",
        .run = cmd_experiments_list,
        .options = {WORKDIR, JSON},
    },
    {
        .name = "explain",
        .help = "say why a job is where it is, and how it differs from the nearest finished one",
        .run = cmd_explain,
        .arguments = {ARGUMENT("JOB", CLI_JOB)},
        .options = {WORKDIR, JSON},
    },
    {
        .name = "find-launchers",
        .help = "say which launcher a requirement gets, alternative by alternative",
        .run = cmd_find_launchers,
        .arguments = {ARGUMENT("SPEC", CLI_TEXT)},
        .options = {TAKES("config", CLI_FOLDER, "DIR",
                          "the folder of launchers.py (default: XPM_CONFIG_DIR, else "
                          "~/.config/experimaestro)"),
                    TAKES("tags", CLI_TEXT, "TAG[,TAG]",
                          "what find_launcher() in that file is given as tags"),
                    TAKES("python", CLI_FILE, "PROGRAM",
                          "the interpreter that reads the file (default: python3)"),
                    JSON},
    },
    {
        .name = "jobs",
        .help = "look at jobs",
    },
    {
        .name = "jobs list",
        .help = "list jobs with their state and tags",
        .run = cmd_jobs_list,
        .options = {WORKDIR,
                    TAKES("experiment", CLI_EXPERIMENT, "NAME",
                          "only those of this experiment's latest run"),
                    TAKES("state", CLI_STATES, "STATE[,STATE]", "only those in these states"),
                    TAKES("filter", CLI_TEXT, "EXPR",
                          "only those that it matches: "
                          "'@state = error and (model in [a, b] or not rate ~ 0)'"),
                    {.name = "count",
                     .letter = 'c',
                     .help = "how many are in each state, instead of a line for each job"},
                    JSON},
    },
    {
        .name = "jobs log",
        .help = "print what a job wrote",
        .run = cmd_jobs_log,
        .arguments = {ARGUMENT("JOB", CLI_JOB)},
        .options = {WORKDIR, TAKES("std", CLI_WORDS, "out|err", "which stream (default: out)")},
    },
    {
        .name = "jobs path",
        .help = "print a job's folder",
        .run = cmd_jobs_path,
        .arguments = {ARGUMENT("JOB", CLI_JOB)},
        .options = {WORKDIR},
    },
    {
        .name = "manual-page",
        .help = "print the man page of the command whose text is in this file",
        .run = cmd_manual_page,
        .hidden = true,
        .arguments = {ARGUMENT("FILE", CLI_FILE)},
    },
    {
        .name = "parameters-difference",
        .help = "print where two params.json differ",
        .run = cmd_parameters_difference,
        .arguments = {ARGUMENT("A", CLI_FILE), ARGUMENT("B", CLI_FILE)},
    },
    {
        .name = "run",
        .help = "execute the task of a params.json here: no lock, no record",
        .run = cmd_run,
        .arguments = {ARGUMENT("PARAMS", CLI_FILE)},
    },
    {
        .name = "version",
        .help = "print the version",
        .run = cmd_version,
    },
    {
        .name = "workspaces",
        .help = "look at the workspaces of the settings",
    },
    {
        .name = "workspaces list",
        .help = "list the workspaces of the settings",
        .run = cmd_workspaces_list,
        .options = {{.name = "verbose", .letter = 'v', .help = "also what each of them says"},
                    JSON},
    },
    {.name = NULL},
};
