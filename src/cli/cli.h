/* The command line: one table of commands, each with its options, from which parsing and help are
 * made. Exit status: 0, 1 when something failed, 2 when the command line is wrong. */
#ifndef XPM_CLI_CLI_H
#define XPM_CLI_CLI_H

#include <experimaestro.h>

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_MAX_OPTIONS = 16 };

typedef struct cli_option {
    const char *name;  /* "workdir" for --workdir */
    const char *value; /* what it takes: "DIR"; NULL for a flag */
    const char *help;
} cli_option;

typedef struct cli_call {
    const struct cli_command *command;
    const char *values[CLI_MAX_OPTIONS]; /* one an option, NULL when not given; "" for a flag */
    const char *argument;                /* NULL when the command takes none */
    const char *second;                  /* of a command that takes two */
} cli_call;

typedef struct cli_command {
    const char *name;     /* "jobs list" */
    const char *argument; /* "JOB"; "A B" for two; NULL for none */
    const char *help;
    int (*run)(const cli_call *call);
    cli_option options[CLI_MAX_OPTIONS]; /* ends with a NULL name */
} cli_command;

extern const cli_command cli_commands[]; /* ends with a NULL name */

/* The value of an option: NULL when it was not given. */
const char *cli_value(const cli_call *call, const char *option);

/* Parses a command line and runs the command. */
int cli_main(int argc, char **argv);

/* Prints an error, and returns CLI_FAILED. */
int cli_fail(const xpm_error *err);

/* The workspace to read: --workdir, else XPM_WORKDIR, else the current folder. */
const char *cli_workdir(const cli_call *call);

int cmd_version(const cli_call *call);
int cmd_jobs_list(const cli_call *call);
int cmd_jobs_path(const cli_call *call);
int cmd_jobs_log(const cli_call *call);
int cmd_experiments_list(const cli_call *call);
int cmd_explain(const cli_call *call);
int cmd_find_launchers(const cli_call *call);
int cmd_run(const cli_call *call);
int cmd_agent(const cli_call *call);
int cmd_deprecated_diff(const cli_call *call);
int cmd_deprecated_list(const cli_call *call);
int cmd_deprecated_fix(const cli_call *call);
int cmd_doctor(const cli_call *call);
int cmd_parameters_difference(const cli_call *call);

#endif
