/* Parsing a command line by the table, and the help that the table gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"

/* ---- Help ------------------------------------------------------------------------------------- */

/* Whether a command's name starts with the words given ("jobs" of "jobs list"). */
static bool is_under(const char *name, const char *group)
{
    size_t size = strlen(group);
    return size == 0 ||
           (strncmp(name, group, size) == 0 && (name[size] == ' ' || name[size] == '\0'));
}

static int print_commands(const char *group, FILE *out)
{
    fprintf(out, "usage: experimaestro %s%sCOMMAND [OPTIONS]\n\n", group,
            group[0] != '\0' ? " " : "");
    for (const cli_command *command = cli_commands; command->name != NULL; command++) {
        char call[64];
        const char *argument = command->argument != NULL ? command->argument : "";
        if (!is_under(command->name, group))
            continue;
        snprintf(call, sizeof call, "%s %s", command->name, argument);
        fprintf(out, "  %-20s %s\n", call, command->help);
    }
    fprintf(out, "\n`experimaestro COMMAND --help` tells the options of one.\n");
    return out == stdout ? CLI_OK : CLI_USAGE;
}

static int print_help(const cli_command *command, FILE *out)
{
    fprintf(out, "usage: experimaestro %s%s%s [OPTIONS]\n\n%s\n", command->name,
            command->argument != NULL ? " " : "",
            command->argument != NULL ? command->argument : "", command->help);
    for (const cli_option *option = command->options; option->name != NULL; option++) {
        char call[64];
        snprintf(call, sizeof call, "--%s %s", option->name,
                 option->value != NULL ? option->value : "");
        fprintf(out, "%s  %-20s %s\n", option == command->options ? "\n" : "", call, option->help);
    }
    return out == stdout ? CLI_OK : CLI_USAGE;
}

/* ---- Wrong command lines ---------------------------------------------------------------------- */

static int wrong(const char *what, const char *name, const char *nearest, const char *command)
{
    fprintf(stderr, "experimaestro: unknown %s %s", what, name);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean %s%s?", what[0] == 'o' ? "--" : "", nearest);
    fprintf(stderr, "\nTry `experimaestro %s%s--help`.\n", command, command[0] != '\0' ? " " : "");
    return CLI_USAGE;
}

static int unknown_command(const char *name)
{
    const char *names[64];
    size_t count = 0;
    while (cli_commands[count].name != NULL) {
        names[count] = cli_commands[count].name;
        count++;
    }
    return wrong("command", name, xpm__nearest(name, names, count), "");
}

static int unknown_option(const cli_command *command, const char *name)
{
    const char *names[CLI_MAX_OPTIONS + 1];
    size_t count = 0;
    for (const cli_option *option = command->options; option->name != NULL; option++)
        names[count++] = option->name;
    names[count++] = "help";
    return wrong("option", name, xpm__nearest(name + 2, names, count), command->name);
}

static int complain(const cli_command *command, const char *what, const char *name)
{
    fprintf(stderr, "experimaestro: %s %s\n", what, name);
    return print_help(command, stderr);
}

/* ---- Parsing ---------------------------------------------------------------------------------- */

/* The option that `--name` or `--name=value` names; its index, or -1. */
static int find_option(const cli_command *command, const char *text)
{
    size_t size = strcspn(text + 2, "=");
    for (int i = 0; command->options[i].name != NULL; i++)
        if (strlen(command->options[i].name) == size &&
            strncmp(command->options[i].name, text + 2, size) == 0)
            return i;
    return -1;
}

/* Where the next argument goes; NULL when there are enough. */
static const char **next_argument(cli_call *call)
{
    const char *argument = call->command->argument;
    if (argument == NULL)
        return NULL;
    if (call->argument == NULL)
        return &call->argument;
    return strchr(argument, ' ') != NULL && call->second == NULL ? &call->second : NULL;
}

/* Reads what follows the command's name. -1, or the exit status of a command line that ends here. */
static int parse_rest(cli_call *call, char **argv)
{
    const cli_command *command = call->command;
    for (; *argv != NULL; argv++) {
        if (strncmp(*argv, "--", 2) != 0) {
            const char **place = next_argument(call);
            if (place == NULL)
                return complain(command, "unexpected argument", *argv);
            *place = *argv;
            continue;
        }
        if (strcmp(*argv, "--help") == 0)
            return print_help(command, stdout);
        int index = find_option(command, *argv);
        if (index < 0)
            return unknown_option(command, *argv);
        const char *equals = strchr(*argv, '=');
        if (command->options[index].value == NULL)
            call->values[index] = "";
        else if (equals != NULL)
            call->values[index] = equals + 1;
        else if (argv[1] != NULL)
            call->values[index] = *++argv;
        else
            return complain(command, "a value is missing after", *argv);
    }
    if (next_argument(call) != NULL)
        return complain(command, "missing argument", command->argument);
    return -1;
}

int cli_main(int argc, char **argv)
{
    char words[128];
    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        return print_commands("", argc < 2 ? stderr : stdout);
    if (strcmp(argv[1], "--version") == 0)
        return cmd_version(NULL);
    for (const cli_command *command = cli_commands; command->name != NULL; command++) {
        bool two = strchr(command->name, ' ') != NULL;
        snprintf(words, sizeof words, "%s%s%s", argv[1], two && argc > 2 ? " " : "",
                 two && argc > 2 ? argv[2] : "");
        if (strcmp(words, command->name) != 0)
            continue;
        cli_call call = {.command = command};
        int status = parse_rest(&call, argv + (two ? 3 : 2));
        return status >= 0 ? status : command->run(&call);
    }
    for (const cli_command *command = cli_commands; command->name != NULL; command++)
        if (is_under(command->name, argv[1]) && (argc == 2 || strcmp(argv[2], "--help") == 0))
            return print_commands(argv[1], argc == 2 ? stderr : stdout);
    snprintf(words, sizeof words, "%s%s%s", argv[1], argc > 2 && argv[2][0] != '-' ? " " : "",
             argc > 2 && argv[2][0] != '-' ? argv[2] : "");
    return unknown_command(words);
}

/* ---- For the commands ------------------------------------------------------------------------- */

const char *cli_value(const cli_call *call, const char *name)
{
    for (int i = 0; call->command->options[i].name != NULL; i++)
        if (strcmp(call->command->options[i].name, name) == 0)
            return call->values[i];
    return NULL;
}

int cli_fail(const xpm_error *err)
{
    fprintf(stderr, "experimaestro: %s\n", err->message);
    return CLI_FAILED;
}

const char *cli_workdir(const cli_call *call)
{
    const char *given = cli_value(call, "workdir");
    if (given == NULL)
        given = getenv("XPM_WORKDIR");
    return given != NULL ? given : ".";
}
