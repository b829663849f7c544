/* The command line: one table of commands, each with its options, from which parsing, help, completion
 * and man pages are made. Exit status: 0, 1 when something failed, 2 when the command line is wrong. */
#ifndef XPM_CLI_CLI_H
#define XPM_CLI_CLI_H

#include <stdio.h>

#include <experimaestro.h>

enum {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_GO_ON = -1, /* of parsing: the command line does not end here */
    CLI_MAX_ARGUMENTS = 4,
    CLI_MAX_OPTIONS = 24,
    CLI_NAME_SIZE = 64, /* of a command's name */
};

/* ---- The table -------------------------------------------------------------------------------- */

/* What a word of the command line is: completion offers what it may be. */
typedef enum cli_kind {
    CLI_TEXT,
    CLI_WORDS, /* one of those that its value lists: "out|err" */
    CLI_FOLDER,
    CLI_FILE,
    CLI_JOB,
    CLI_EXPERIMENT,
    CLI_WORKSPACE, /* the id of one of the settings */
    CLI_STATES,    /* states of jobs, with commas between */
} cli_kind;

typedef struct cli_option {
    const char *name;  /* "workdir" for --workdir */
    const char *value; /* what it takes: "DIR"; "KEY VALUE" for two words; NULL for a flag */
    const char *help;
    cli_kind kind;
    char letter;  /* 'c' for -c; 0 for none */
    bool repeats; /* each counts, not the last alone */
} cli_option;

typedef struct cli_argument {
    const char *name; /* "JOB" */
    cli_kind kind;
    bool many; /* any number of them, none as well: only the last argument may be so */
} cli_argument;

struct cli_call;

typedef struct cli_command {
    const char *name; /* "jobs list"; of a group of commands: "jobs" */
    const char *help;
    int (*run)(const struct cli_call *call);       /* NULL for a group */
    bool hidden;                                   /* for programs, not for people */
    cli_argument arguments[CLI_MAX_ARGUMENTS + 1]; /* ends with a NULL name */
    cli_option options[CLI_MAX_OPTIONS + 1];       /* ends with a NULL name */
} cli_command;

extern const cli_command cli_commands[]; /* ends with a NULL name */
extern const cli_option cli_globals[];   /* of every command; ends with a NULL name */

/* ---- A command line --------------------------------------------------------------------------- */

typedef struct cli_given {
    const cli_option *option;
    const char *value, *second; /* "" for a flag; NULL but for an option of two words */
} cli_given;

typedef struct cli_call {
    const cli_command *command;
    cli_given *given; /* in the order of the command line */
    size_t given_count, given_capacity;
    const char **arguments; /* as many as the command takes, or more if its last is many */
    size_t argument_count;
} cli_call;

/* The value of an option, the last one if it was given more than once; NULL when it was not given. */
const char *cli_value(const cli_call *call, const char *option);
bool cli_flag(const cli_call *call, const char *option);
/* The next time that it was given after `previous` (NULL: the first); NULL past the last. */
const cli_given *cli_next(const cli_call *call, const char *option, const cli_given *previous);

/* Parses a command line and runs the command. */
int cli_main(int argc, char **argv);

/* Prints an error, and returns CLI_FAILED. */
int cli_fail(const xpm_error *err);

/* The workspace to read: that of the settings whose id is --workspace, else --workdir, else XPM_WORKDIR, else
 * the current folder. When the settings do not have it, says so and exits with CLI_FAILED. */
const char *cli_workdir(const cli_call *call);

/* The folder of a workspace of the settings, or `folder` in its place. Kept until the process ends; as
 * above when there is none. */
const char *cli_workspace(const char *id, const char *folder);

/* ---- The table, for parsing, help, completion and man pages ----------------------------------- */

/* The command or group of this name, or NULL. */
const cli_command *cli_find_command(const char *name);
/* The option that a word names, "--name", "--name=value" or "-c": of the command, or of all. NULL when
 * there is none. `command` may be NULL. */
const cli_option *cli_find_option(const cli_command *command, const char *word);
/* The argument at this place, counted from 0; NULL when the command takes fewer. */
const cli_argument *cli_argument_at(const cli_command *command, size_t place);
/* The last word of a command's name when those before are `group` ("" of none), else NULL. */
const char *cli_word_under(const cli_command *command, const char *group);
bool cli_is_option(const char *word);              /* by its looks: "-c", "--count", "--" */
size_t cli_option_words(const cli_option *option); /* that it takes: 0, 1, 2 */
/* The next word of a list such as "out|err", of which `list` is moved to what follows; its size, 0 past
 * the last. */
size_t cli_next_word(const char **list, const char **word);

bool cli_is_in_list(const char *list, const char *word);
/* Says that `who` takes a word of a list, and which is near; returns CLI_USAGE. */
int cli_unknown_word(const cli_command *command, const char *who, const char *list,
                     const char *given);

extern bool cli_is_quiet; /* --quiet: errors are told without advice */
/* Does what an option of all commands asks, as soon as it is read: CLI_GO_ON, or the exit status. */
int cli_heed_global(const cli_call *call, const cli_given *given);

/* Prints what a command or a group does, and its options; NULL: all commands. */
void cli_print_help(const cli_command *command, FILE *out);

/* ---- The commands ----------------------------------------------------------------------------- */

int cmd_agent(const cli_call *call);
int cmd_complete(const cli_call *call);
int cmd_completion(const cli_call *call);
int cmd_deprecated_diff(const cli_call *call);
int cmd_deprecated_fix(const cli_call *call);
int cmd_deprecated_list(const cli_call *call);
int cmd_doctor(const cli_call *call);
int cmd_experiments_list(const cli_call *call);
int cmd_explain(const cli_call *call);
int cmd_find_launchers(const cli_call *call);
int cmd_jobs_list(const cli_call *call);
int cmd_jobs_log(const cli_call *call);
int cmd_jobs_path(const cli_call *call);
int cmd_manual_page(const cli_call *call);
int cmd_parameters_difference(const cli_call *call);
int cmd_run(const cli_call *call);
int cmd_version(const cli_call *call);
int cmd_workspaces_list(const cli_call *call);

#endif
