/* Parsing a command line by the table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/cli.h"

/* ---- The table -------------------------------------------------------------------------------- */

const cli_command *cli_find_command(const char *name)
{
    for (const cli_command *command = cli_commands; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

const char *cli_word_under(const cli_command *command, const char *group)
{
    size_t size = strlen(group);
    const char *rest = command->name + size;
    if (strncmp(command->name, group, size) != 0 || (size > 0 && *rest++ != ' '))
        return NULL;
    return strchr(rest, ' ') == NULL ? rest : NULL;
}

static bool is_named(const cli_option *option, const char *word)
{
    if (word[1] != '-')
        return option->letter != 0 && option->letter == word[1];
    size_t size = strcspn(word + 2, "=");
    return strlen(option->name) == size && strncmp(option->name, word + 2, size) == 0;
}

const cli_option *cli_find_option(const cli_command *command, const char *word)
{
    const cli_option *lists[] = {command != NULL ? command->options : cli_globals, cli_globals};
    for (size_t i = 0; i < 2; i++)
        for (const cli_option *option = lists[i]; option->name != NULL; option++)
            if (is_named(option, word))
                return option;
    return NULL;
}

const cli_argument *cli_argument_at(const cli_command *command, size_t place)
{
    const cli_argument *argument = command->arguments;
    for (; argument->name != NULL && !argument->many && place > 0; place--)
        argument++;
    return argument->name != NULL ? argument : NULL;
}

size_t cli_option_words(const cli_option *option)
{
    if (option->value == NULL)
        return 0;
    return strchr(option->value, ' ') != NULL ? 2 : 1;
}

size_t cli_next_word(const char **list, const char **word)
{
    size_t size = strcspn(*list, "|");
    *word = *list;
    *list += size + ((*list)[size] == '|');
    return size;
}

bool cli_is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* ---- Wrong command lines ---------------------------------------------------------------------- */

/* Names to choose the nearest from. */
typedef struct names {
    const char **items;
    size_t count, capacity;
} names;

static void add_name(names *n, const char *name)
{
    n->items = xpm__grow(n->items, &n->capacity, n->count, sizeof *n->items);
    n->items[n->count++] = name;
}

/* Says which name is near, after `dashes`; the names are freed. */
static void tell_nearest(names *n, const char *given, const char *dashes)
{
    const char *nearest = xpm__nearest(given, n->items, n->count);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean %s%s?", dashes, nearest);
    xpm_free(n->items);
}

static const char *name_of(const cli_command *command)
{
    return command != NULL ? command->name : "";
}

/* Ends the sentence that says what is wrong. */
static int end_complaint(const cli_command *command)
{
    fputc('\n', stderr);
    if (!cli_is_quiet)
        fprintf(stderr, "Try `experimaestro %s%s--help`.\n", name_of(command),
                command != NULL ? " " : "");
    return CLI_USAGE;
}

/* Adds the word that is nearest among those that follow the words of `name`; false when none is near. */
static bool add_nearest(char name[CLI_NAME_SIZE], const char *word)
{
    names n = {0};
    for (const cli_command *command = cli_commands; command->name != NULL; command++)
        if (!command->hidden && cli_word_under(command, name) != NULL)
            add_name(&n, cli_word_under(command, name));
    const char *nearest = xpm__nearest(word, n.items, n.count);
    size_t size = strlen(name);
    if (nearest != NULL)
        snprintf(name + size, CLI_NAME_SIZE - size, "%s%s", size > 0 ? " " : "", nearest);
    xpm_free(n.items);
    return nearest != NULL;
}

/* The words come after those of a group, or of none (NULL). */
static int unknown_command(const cli_command *group, char **words)
{
    char name[CLI_NAME_SIZE];
    const char *of = name_of(group);
    snprintf(name, sizeof name, "%s", of);
    fprintf(stderr, "experimaestro: unknown command %s%s%s", of, group != NULL ? " " : "", *words);
    if (add_nearest(name, *words)) {
        while (*++words != NULL && !cli_is_option(*words) && add_nearest(name, *words))
            ;
        fprintf(stderr, "; did you mean %s?", name);
    }
    return end_complaint(group);
}

static int unknown_option(const cli_command *command, const char *word)
{
    names n = {0};
    for (const cli_option *option = command != NULL ? command->options : cli_globals;
         option->name != NULL; option++)
        add_name(&n, option->name);
    for (const cli_option *option = cli_globals; option->name != NULL; option++)
        add_name(&n, option->name);
    char *name = xpm__strndup(word, strcspn(word, "="));
    fprintf(stderr, "experimaestro: unknown option %s", name);
    tell_nearest(&n, name + strspn(name, "-"), "--");
    xpm_free(name);
    return end_complaint(command);
}

int cli_unknown_word(const cli_command *command, const char *who, const char *list,
                     const char *given)
{
    names n = {0};
    char *words = xpm__strdup(list);
    for (char *rest = words, *word; (word = strsep(&rest, "|")) != NULL;)
        add_name(&n, word);
    fprintf(stderr, "experimaestro: %s takes %s, not %s", who, list, given);
    tell_nearest(&n, given, "");
    xpm_free(words);
    return end_complaint(command);
}

static int complain(const cli_command *command, const char *what, const char *name)
{
    fprintf(stderr, "experimaestro: %s %s\n", what, name);
    if (!cli_is_quiet)
        cli_print_help(command, stderr);
    return CLI_USAGE;
}

/* ---- Options ---------------------------------------------------------------------------------- */

bool cli_is_in_list(const char *list, const char *given)
{
    const char *word;
    for (size_t size; (size = cli_next_word(&list, &word)) > 0;)
        if (strlen(given) == size && strncmp(given, word, size) == 0)
            return true;
    return false;
}

static bool is_global(const cli_option *option)
{
    const cli_option *global = cli_globals;
    while (global->name != NULL && global != option)
        global++;
    return global->name != NULL;
}

/* Takes the option's words: what the first word has after the option, or those that follow, of which
 * *words is moved to the last. */
static int read_option(cli_call *call, const cli_option *option, const char *attached,
                       char ***words)
{
    cli_given given = {.option = option, .value = ""};
    size_t count = cli_option_words(option);
    char *word = **words;
    if (count > 0 && (given.value = attached) == NULL && (*words)[1] != NULL)
        given.value = *++*words;
    if (count > 1 && given.value != NULL && (*words)[1] != NULL)
        given.second = *++*words;
    if (given.value == NULL || (count > 1 && given.second == NULL))
        return complain(call->command, "a value is missing after", word);
    char name[CLI_NAME_SIZE];
    snprintf(name, sizeof name, "--%s", option->name);
    if (option->kind == CLI_WORDS && !cli_is_in_list(option->value, given.value))
        return cli_unknown_word(call->command, name, option->value, given.value);
    call->given =
        xpm__grow(call->given, &call->given_capacity, call->given_count, sizeof *call->given);
    call->given[call->given_count++] = given;
    return is_global(option) ? cli_heed_global(call, &given) : CLI_GO_ON;
}

static int read_long(cli_call *call, char ***words)
{
    char *word = **words, *equals = strchr(word, '=');
    const cli_option *option = cli_find_option(call->command, word);
    if (option == NULL)
        return unknown_option(call->command, word);
    if (equals != NULL && option->value == NULL)
        return complain(call->command, "no value is taken by", word);
    return read_option(call, option, equals != NULL ? equals + 1 : NULL, words);
}

/* Letters of flags, or of flags and then an option with its value: -cfoVALUE. */
static int read_letters(cli_call *call, char ***words)
{
    int status = CLI_GO_ON;
    const char *word = **words;
    for (const char *letter = word + 1; *letter != '\0' && status == CLI_GO_ON; letter++) {
        char name[] = {'-', *letter, '\0'};
        const cli_option *option = cli_find_option(call->command, name);
        if (option == NULL)
            return unknown_option(call->command, name);
        bool takes = option->value != NULL;
        status = read_option(call, option, takes && letter[1] != '\0' ? letter + 1 : NULL, words);
        if (takes)
            break;
    }
    return status;
}

static int read_any_option(cli_call *call, char ***words)
{
    return (**words)[1] == '-' ? read_long(call, words) : read_letters(call, words);
}

/* ---- Arguments -------------------------------------------------------------------------------- */

static int read_argument(cli_call *call, const char *word)
{
    const cli_argument *argument = cli_argument_at(call->command, call->argument_count);
    if (argument == NULL)
        return complain(call->command, "unexpected argument", word);
    if (argument->kind == CLI_WORDS && !cli_is_in_list(argument->name, word))
        return cli_unknown_word(call->command, call->command->name, argument->name, word);
    call->arguments[call->argument_count++] = word;
    return CLI_GO_ON;
}

/* What follows the command's name. */
static int read_rest(cli_call *call, char **words)
{
    bool only_arguments = false;
    int status = CLI_GO_ON;
    for (; *words != NULL && status == CLI_GO_ON; words++) {
        if (!only_arguments && strcmp(*words, "--") == 0)
            only_arguments = true;
        else if (!only_arguments && cli_is_option(*words))
            status = read_any_option(call, &words);
        else
            status = read_argument(call, *words);
    }
    const cli_argument *missing = cli_argument_at(call->command, call->argument_count);
    if (status == CLI_GO_ON && missing != NULL && !missing->many)
        return complain(call->command, "missing argument", missing->name);
    return status;
}

/* ---- The command ------------------------------------------------------------------------------ */

/* Moves *words past the name of the command or group that they begin with: the longest. */
static const cli_command *read_name(char ***words)
{
    const cli_command *found = NULL;
    char name[CLI_NAME_SIZE] = "";
    for (char **word = *words; *word != NULL && !cli_is_option(*word); word++) {
        size_t size = strlen(name);
        if (strchr(*word, ' ') != NULL || size + strlen(*word) + 2 > sizeof name)
            break;
        snprintf(name + size, sizeof name - size, "%s%s", size > 0 ? " " : "", *word);
        const cli_command *command = cli_find_command(name);
        if (command == NULL)
            break;
        found = command;
        *words = word + 1;
        if (command->run != NULL)
            break;
    }
    return found;
}

/* A group is no command: what follows it is wrong, or asks for help. */
static int end_at_group(cli_call *call, char **words)
{
    if (*words == NULL) {
        cli_print_help(call->command, stderr);
        return CLI_USAGE;
    }
    if (!cli_is_option(*words))
        return unknown_command(call->command, words);
    int status = read_any_option(call, &words);
    return status == CLI_GO_ON ? end_at_group(call, words + 1) : status;
}

static int parse(cli_call *call, char **words)
{
    int status = CLI_GO_ON;
    for (; *words != NULL && cli_is_option(*words) && status == CLI_GO_ON; words++)
        status = read_any_option(call, &words);
    if (status != CLI_GO_ON)
        return status;
    call->command = read_name(&words);
    if (call->command == NULL || call->command->run == NULL)
        return end_at_group(call, words);
    return read_rest(call, words);
}

/* What was printed must have arrived. */
static int end_output(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "experimaestro: the output could not be written%s%s\n", errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : "");
    return CLI_FAILED;
}

int cli_main(int argc, char **argv)
{
    cli_call call = {.arguments = xpm__alloc((size_t)(argc + 1) * sizeof *call.arguments)};
    int status = parse(&call, argc > 0 ? argv + 1 : argv);
    if (status == CLI_GO_ON)
        status = call.command->run(&call);
    xpm_free(call.given);
    xpm_free(call.arguments);
    return end_output(status);
}

/* ---- For the commands ------------------------------------------------------------------------- */

const cli_given *cli_next(const cli_call *call, const char *option, const cli_given *previous)
{
    const cli_given *end = call->given + call->given_count;
    for (const cli_given *given = previous != NULL ? previous + 1 : call->given; given < end;
         given++)
        if (strcmp(given->option->name, option) == 0)
            return given;
    return NULL;
}

const char *cli_value(const cli_call *call, const char *option)
{
    const char *value = NULL;
    for (const cli_given *given = NULL; (given = cli_next(call, option, given)) != NULL;)
        value = given->value;
    return value;
}

bool cli_flag(const cli_call *call, const char *option)
{
    return cli_value(call, option) != NULL;
}
