/* The command `experimaestro`: its table of commands. */
#include <stdio.h>

#include "cli/cli.h"

#define WORKDIR                                                                                    \
    {                                                                                              \
        "workdir", "DIR", "the workspace (default: XPM_WORKDIR, else the current folder)"          \
    }
#define IMPORT                                                                                     \
    {                                                                                              \
        "import", "MODULE[,MODULE]", "Python modules that declare what was renamed"                \
    }
#define PYTHON                                                                                     \
    {                                                                                              \
        "python", "PROGRAM", "the interpreter to ask about Python jobs (default: theirs)"          \
    }
#define JSON                                                                                       \
    {                                                                                              \
        "json", NULL, "print one JSON object a line"                                               \
    }

const cli_command cli_commands[] = {
    {"agent",
     NULL,
     "start jobs here for an experiment of another host, which calls this over ssh",
     cmd_agent,
     {{NULL, NULL, NULL}}},
    {"deprecated diff",
     "FOLDER",
     "say why the job of this folder has another identifier today",
     cmd_deprecated_diff,
     {IMPORT, PYTHON}},
    {"deprecated fix",
     "WORKSPACE",
     "link old jobs to their new identifiers: says what it would do, does it with --perform",
     cmd_deprecated_fix,
     {IMPORT,
      PYTHON,
      {"perform", NULL, "do it"},
      {"all", NULL, "link also the jobs that changed for a reason that is not declared"},
      {"undo", NULL, "take back the links that were made"}}},
    {"deprecated list",
     "WORKSPACE",
     "list jobs that have another identifier today",
     cmd_deprecated_list,
     {IMPORT, PYTHON, {"fix", NULL, "link them: the same as deprecated fix --perform"}, JSON}},
    {"doctor",
     NULL,
     "say what is wrong with a workspace, and what it would repair",
     cmd_doctor,
     {WORKDIR, {"fix", NULL, "repair it"}, JSON}},
    {"experiments list",
     NULL,
     "list the experiments of a workspace",
     cmd_experiments_list,
     {WORKDIR, JSON}},
    {"explain",
     "JOB",
     "say why a job is where it is, and how it differs from the nearest finished one",
     cmd_explain,
     {WORKDIR, JSON}},
    {"find-launchers",
     "SPEC",
     "say which launcher a requirement gets, alternative by alternative",
     cmd_find_launchers,
     {{"config", "DIR",
       "the folder of launchers.py (default: XPM_CONFIG_DIR, else ~/.config/experimaestro)"},
      {"tags", "TAG[,TAG]", "what find_launcher() in that file is given as tags"},
      {"python", "PROGRAM", "the interpreter that reads the file (default: python3)"}}},
    {"jobs list",
     NULL,
     "list jobs with their state and tags",
     cmd_jobs_list,
     {WORKDIR,
      {"experiment", "NAME", "only those of this experiment's latest run"},
      {"state", "STATE[,STATE]", "only those in these states"},
      {"filter", "EXPR",
       "only those that it matches: '@state = error and (model in [a, b] or not rate ~ 0)'"},
      {"count", NULL, "how many are in each state, instead of a line for each job"},
      JSON}},
    {"jobs log",
     "JOB",
     "print what a job wrote",
     cmd_jobs_log,
     {WORKDIR, {"std", "out|err", "which stream (default: out)"}}},
    {"jobs path", "JOB", "print a job's folder", cmd_jobs_path, {WORKDIR}},
    {"parameters-difference",
     "A B",
     "print where two params.json differ",
     cmd_parameters_difference,
     {{NULL, NULL, NULL}}},
    {"run",
     "PARAMS",
     "execute the task of a params.json here: no lock, no record",
     cmd_run,
     {{NULL, NULL, NULL}}},
    {"version", NULL, "print the version", cmd_version, {{NULL, NULL, NULL}}},
    {NULL, NULL, NULL, NULL, {{NULL, NULL, NULL}}},
};

int cmd_version(const cli_call *call)
{
    (void)call;
    printf("experimaestro %s\n", xpm_version());
    return CLI_OK;
}

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
