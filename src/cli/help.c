/* The help that the table gives. */
#include <string.h>

#include "cli/cli.h"
#include "cli/table.h"

enum { MOST_LEFT = 28, LINE = 128 }; /* what is longer has its text on the next line */

/* ---- A list of names, each with a text -------------------------------------------------------- */

/* Prints a text from column `column` on, broken where the terminal ends. */
static void print_broken(const char *text, size_t column, FILE *out)
{
    size_t width = cli_width(out), at = column;
    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        bool fits = width == 0 || at + size < width || at == column;
        if (!fits) {
            fprintf(out, "\n%*s", (int)column, "");
            at = column;
        }
        fprintf(out, "%s%.*s", at > column ? " " : "", (int)size, text);
        at += size + (at > column);
        text += size + (text[size] == ' ');
    }
    fputc('\n', out);
}

static void print_item(const char *left, const char *text, size_t column, FILE *out)
{
    bool same_line = strlen(left) + 4 <= column;
    fprintf(out, "  %-*s", same_line ? (int)column - 2 : 0, left);
    if (!same_line)
        fprintf(out, "\n%*s", (int)column, "");
    print_broken(text, column, out);
}

static size_t fit_column(size_t column, const char *left)
{
    size_t size = strlen(left) + 4;
    return size > column && size <= MOST_LEFT + 4 ? size : column;
}

/* ---- Commands --------------------------------------------------------------------------------- */

/* "jobs log JOB" */
static const char *describe_call(const cli_command *command, char text[LINE])
{
    size_t size = (size_t)snprintf(text, LINE, "%s", command->name);
    for (const cli_argument *a = command->arguments; a->name != NULL; a++)
        size += (size_t)snprintf(text + size, LINE - size, a->many ? " [%s...]" : " %s", a->name);
    return text;
}

static bool is_listed(const cli_command *command, const char *group)
{
    size_t size = strlen(group);
    return command->run != NULL && !command->hidden && strncmp(command->name, group, size) == 0 &&
           (size == 0 || command->name[size] == ' ');
}

static void print_commands(const char *group, FILE *out)
{
    char text[LINE];
    size_t column = 0;
    for (const cli_command *command = cli_commands; command->name != NULL; command++)
        if (is_listed(command, group))
            column = fit_column(column, describe_call(command, text));
    for (const cli_command *command = cli_commands; command->name != NULL; command++)
        if (is_listed(command, group))
            print_item(describe_call(command, text), command->help, column, out);
}

/* ---- Options ---------------------------------------------------------------------------------- */

/* "-c, --count", "    --workdir DIR" */
static const char *describe_option(const cli_option *option, char text[LINE])
{
    char letter[] = {'-', option->letter, ',', ' ', '\0'};
    snprintf(text, LINE, "%s--%s%s%s", option->letter != 0 ? letter : "    ", option->name,
             option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
    return text;
}

static void print_options(const cli_option *options, FILE *out)
{
    char text[LINE];
    size_t column = 0;
    for (const cli_option *option = options; option->name != NULL; option++)
        column = fit_column(column, describe_option(option, text));
    for (const cli_option *option = options; option->name != NULL; option++)
        print_item(describe_option(option, text), option->help, column, out);
}

void cli_print_help(const cli_command *command, FILE *out)
{
    char text[LINE];
    bool whole = command != NULL && command->run != NULL;
    fprintf(out, "usage: experimaestro %s%s\n\n",
            command == NULL ? "[OPTIONS] " : describe_call(command, text),
            command == NULL ? "COMMAND"
            : whole         ? " [OPTIONS]"
                            : " COMMAND");
    if (command != NULL)
        print_broken(command->help, 0, out);
    if (whole) {
        if (command->options[0].name != NULL)
            fputc('\n', out);
        print_options(command->options, out);
        return;
    }
    if (command != NULL)
        fputc('\n', out);
    print_commands(command != NULL ? command->name : "", out);
    if (command == NULL) {
        fputc('\n', out);
        print_options(cli_globals, out);
    }
    fprintf(out, "\n`experimaestro COMMAND --help` tells the options of one.\n");
}
