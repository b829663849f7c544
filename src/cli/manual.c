/* manual-page: prints a man page, in mdoc(7). What the table says of a command is its synopsis, its options
 * and their words; the rest is its text, docs/man/NAME.mdoc: a line ".Dd DATE", what the command does, and
 * then sections, if any. The page "experimaestro" is of all commands. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

/* ---- Texts ------------------------------------------------------------------------------------ */

/* A text of the table, as mdoc has it: dashes that can be copied, nothing that is read as a request. */
static void print_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == '\\')
            fputs(*text == '-' ? "\\-" : "\\e", stdout);
        else
            putchar(*text);
    }
    putchar('\n');
}

/* What an option or argument takes: one of the words that it lists, or a name. */
static void print_value(cli_kind kind, const char *value)
{
    printf(kind == CLI_WORDS ? " Cm " : " Ar ");
    for (; *value != '\0'; value++) {
        if (*value == '|')
            fputs(" | ", stdout);
        else
            putchar(*value);
    }
}

static void print_option(const cli_option *option, const char *macro)
{
    printf("%s", macro);
    if (option->letter != 0)
        printf(" Fl %c%s", option->letter, strcmp(macro, ".Op") == 0 ? " |" : " ,");
    printf(" Fl \\-%s", option->name);
    if (option->value != NULL)
        print_value(option->kind, option->value);
    if (option->repeats && strcmp(macro, ".Op") == 0)
        fputs(" ...", stdout);
    putchar('\n');
}

/* ---- Sections --------------------------------------------------------------------------------- */

static void print_synopsis(const cli_command *command)
{
    const cli_option *options = command != NULL ? command->options : cli_globals;
    puts(".Sh SYNOPSIS\n.Nm experimaestro");
    if (command != NULL)
        printf(".Cm %s\n", command->name);
    for (const cli_option *option = options; option->name != NULL; option++)
        print_option(option, ".Op");
    if (command == NULL)
        puts(".Ar command ...");
    for (const cli_argument *a = command != NULL ? command->arguments : NULL;
         a != NULL && a->name != NULL; a++) {
        putchar('.');
        fputs(a->many ? "Op" : "", stdout);
        print_value(a->kind, a->name);
        puts(a->many ? " ..." : "");
    }
}

static void print_options(const cli_option *options)
{
    if (options->name == NULL)
        return;
    puts(".Pp\nThe options are:\n.Bl -tag -width Ds");
    for (const cli_option *option = options; option->name != NULL; option++) {
        print_option(option, ".It");
        print_text(option->help);
    }
    puts(".El");
}

/* "jobs-list" */
static void page_name(const char *command, char name[CLI_NAME_SIZE])
{
    snprintf(name, CLI_NAME_SIZE, "%s", command);
    for (char *c = name; *c != '\0'; c++)
        if (*c == ' ')
            *c = '-';
}

static void print_commands(void)
{
    char name[CLI_NAME_SIZE];
    puts(".Pp\nThe commands are, each with a page of its own:\n.Bl -tag -width Ds");
    for (const cli_command *command = cli_commands; command->name != NULL; command++) {
        if (command->run == NULL || command->hidden)
            continue;
        page_name(command->name, name);
        printf(".It Cm %s\n", command->name);
        print_text(command->help);
        printf("See\n.Xr experimaestro-%s 1 .\n", name);
    }
    puts(".El");
}

/* ---- A page ----------------------------------------------------------------------------------- */

static void print_title(const char *name)
{
    fputs(".Dt EXPERIMAESTRO", stdout);
    if (name[0] != '\0')
        putchar('-');
    for (const char *c = name; *c != '\0'; c++)
        putchar(toupper((unsigned char)*c));
    puts(" 1\n.Os\n.Sh NAME");
    printf(".Nm experimaestro%s%s\n.Nd ", name[0] != '\0' ? "-" : "", name);
}

/* `command` is NULL for the page of all; `text` has a first line. */
static void print_page(const cli_command *command, const char *name, const char *text)
{
    const char *body = strchr(text, '\n') + 1, *sections = strstr(body - 1, "\n.Sh ");
    sections = sections != NULL ? sections + 1 : text + strlen(text);
    puts(".\\\" Made of the table of commands and of docs/man, as src/cli/manual.c says.");
    fwrite(text, 1, (size_t)(body - text), stdout);
    print_title(name);
    print_text(command != NULL ? command->help : "run, look at and repair experiments");
    print_synopsis(command);
    puts(".Sh DESCRIPTION");
    fwrite(body, 1, (size_t)(sections - body), stdout);
    if (command == NULL)
        print_commands();
    print_options(command != NULL ? command->options : cli_globals);
    fputs(sections, stdout);
    if (command != NULL)
        puts(".Sh SEE ALSO\n.Xr experimaestro 1");
}

/* The command whose text this file is. False, with an error, when there is none; NULL for the page of all. */
static bool find_page(const char *path, const cli_command **found, char name[CLI_NAME_SIZE],
                      xpm_error *err)
{
    const char *slash = strrchr(path, '/'), *file = slash != NULL ? slash + 1 : path;
    size_t size = strcspn(file, ".");
    *found = NULL;
    name[0] = '\0';
    if (strncmp(file, "experimaestro", size) == 0 && size == strlen("experimaestro"))
        return true;
    for (const cli_command *command = cli_commands; command->name != NULL; command++) {
        page_name(command->name, name);
        if (strlen(name) == size && strncmp(name, file, size) == 0) {
            *found = command;
            return true;
        }
    }
    xpm__fail(err, XPM_E_UNKNOWN, path,
              "%s is the text of no command: name it after one, with - for spaces", path);
    return false;
}

int cmd_manual_page(const cli_call *call)
{
    xpm_error err = {0};
    char name[CLI_NAME_SIZE];
    const char *path = call->arguments[0];
    const cli_command *command;
    xpm__str text = {0};
    if (!find_page(path, &command, name, &err))
        return cli_fail(&err);
    if (xpm__file_read(AT_FDCWD, path, &text) < 0) {
        xpm__fail_io(&err, path, "read");
    } else if (text.size < 3 || strncmp(text.data, ".Dd", 3) != 0 ||
               strchr(text.data, '\n') == NULL) {
        xpm__fail(&err, XPM_E_STATE, path, "%s does not begin with a line \".Dd MONTH DAY, YEAR\"",
                  path);
    } else {
        print_page(command, name, text.data);
    }
    xpm__str_free(&text);
    return err.message[0] == '\0' ? CLI_OK : cli_fail(&err);
}
