/* complete: what the last word of a command line may be, read off the table, and out of the workspace
 * that the line names. The scripts of the shells (completion.c) ask it at each press of a key.
 *
 * A line for each candidate: the word, and after a tab what it is, if anything is known. ":folder" and
 * ":file" stand for what a shell completes better. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"

/* Where the last word stands: what the words before it have made of the command line. */
typedef struct place {
    char name[CLI_NAME_SIZE];   /* the words of the command so far */
    const cli_command *command; /* NULL while those name no whole command */
    const cli_option *option;   /* that takes the next word, or NULL */
    size_t wanted;              /* words that it still takes */
    size_t argument;
    bool only_arguments, lost; /* "--" was seen; a word that nothing takes was */
    const char *workdir;       /* NULL when the line does not say; so is: */
    const char *workspace;
    const char *word;   /* what is typed of the last one */
    const char *before; /* what each candidate begins with before that: "--state=" */
    size_t before_size;
} place;

/* ---- The words before ------------------------------------------------------------------------- */

static void take_value(place *p, const char *value)
{
    if (strcmp(p->option->name, "workdir") == 0)
        p->workdir = value;
    if (strcmp(p->option->name, "workspace") == 0)
        p->workspace = value;
    if (--p->wanted == 0)
        p->option = NULL;
}

static void take_option(place *p, const char *word)
{
    const cli_option *option = cli_find_option(p->command, word);
    if (option == NULL)
        return;
    bool is_long = word[1] == '-';
    const char *attached = is_long ? strchr(word, '=') : word[2] != '\0' ? word + 1 : NULL;
    p->wanted = cli_option_words(option);
    p->option = p->wanted > 0 ? option : NULL;
    if (p->option != NULL && attached != NULL)
        take_value(p, attached + 1);
}

static void take_name(place *p, const char *word)
{
    size_t size = strlen(p->name);
    snprintf(p->name + size, sizeof p->name - size, "%s%s", size > 0 ? " " : "", word);
    const cli_command *command = cli_find_command(p->name);
    p->lost = command == NULL;
    p->command = command != NULL && command->run != NULL ? command : NULL;
}

static void take(place *p, const char *word)
{
    if (p->option != NULL && strcmp(word, "=") == 0)
        return; /* bash makes three words of --option=value */
    if (p->option != NULL)
        take_value(p, word);
    else if (!p->only_arguments && strcmp(word, "--") == 0)
        p->only_arguments = true;
    else if (!p->only_arguments && cli_is_option(word))
        take_option(p, word);
    else if (p->command == NULL)
        take_name(p, word);
    else
        p->argument++;
}

/* ---- Candidates ------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Prints a candidate, if it begins as what is typed. */
static void offer(const place *p, const char *word, const char *help)
{
    if (begins(word, p->word))
        printf("%.*s%s%s%s\n", (int)p->before_size, p->before, word, help != NULL ? "\t" : "",
               help != NULL ? help : "");
}

static void offer_commands(const place *p)
{
    for (const cli_command *command = cli_commands; command->name != NULL; command++)
        if (!command->hidden && cli_word_under(command, p->name) != NULL)
            offer(p, cli_word_under(command, p->name), command->help);
}

static void offer_options(const place *p, const cli_option *options)
{
    for (const cli_option *option = options; option->name != NULL; option++) {
        char name[CLI_NAME_SIZE];
        snprintf(name, sizeof name, "--%s", option->name);
        offer(p, name, option->help);
    }
}

static void offer_words(const place *p, const char *list)
{
    const char *word;
    for (size_t size; (size = cli_next_word(&list, &word)) > 0;) {
        char *name = xpm__strndup(word, size);
        offer(p, name, NULL);
        xpm_free(name);
    }
}

/* Of a list with commas, the last word is completed. */
static void offer_states(place *p)
{
    const char *comma = strrchr(p->word, ',');
    char *before = xpm__format("%.*s%.*s", (int)p->before_size, p->before,
                               comma != NULL ? (int)(comma + 1 - p->word) : 0, p->word);
    if (comma != NULL)
        p->word = comma + 1;
    p->before = before;
    p->before_size = strlen(before);
    for (int state = 0; state < XPM_JOB_STATE_COUNT; state++)
        offer(p, xpm_job_state_text((xpm_job_state)state), NULL);
    xpm_free(before);
}

/* ---- Out of the workspace --------------------------------------------------------------------- */

typedef struct reading {
    const place *place;
    int fd;           /* the workspace */
    const char *type; /* of the jobs */
} reading;

/* Job names may be given by their hash alone: so is then what is offered. */
static void on_hash(void *user, const char *hash)
{
    const reading *r = user;
    char *key = xpm__format("%s/%s", r->type, hash);
    offer(r->place, key, NULL);
    if (r->place->word[0] != '\0')
        offer(r->place, hash, r->type);
    xpm_free(key);
}

static void on_type(void *user, const char *type)
{
    reading *r = user;
    const char *slash = strchr(r->place->word, '/');
    if (slash != NULL && (strncmp(type, r->place->word, (size_t)(slash - r->place->word)) != 0 ||
                          type[slash - r->place->word] != '\0'))
        return;
    char *path = xpm__format("jobs/%s", type);
    r->type = type;
    xpm__file_each_visible(r->fd, path, on_hash, r);
    xpm_free(path);
}

static void on_experiment(void *user, const char *name)
{
    offer(((const reading *)user)->place, name, NULL);
}

static void offer_from_workspace(const place *p, const char *folder, xpm__file_named callback)
{
    const char *path = p->workdir != NULL ? p->workdir : getenv("XPM_WORKDIR");
    xpm_settings *settings = p->workspace != NULL ? xpm_settings_load(NULL, NULL) : NULL;
    const xpm_workspace_settings *named =
        settings != NULL ? xpm_settings_find(settings, p->workspace) : NULL;
    reading r = {.place = p};
    if (p->workdir == NULL && named != NULL)
        path = named->path;
    r.fd = open(path != NULL ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    xpm_settings_free(settings);
    if (r.fd < 0)
        return;
    xpm__file_each_visible(r.fd, folder, callback, &r);
    close(r.fd);
}

/* ---- Out of the settings ---------------------------------------------------------------------- */

static void offer_workspaces(const place *p)
{
    xpm_settings *settings = xpm_settings_load(NULL, NULL);
    for (size_t i = 0; settings != NULL && i < settings->workspace_count; i++)
        offer(p, settings->workspaces[i].id, settings->workspaces[i].path);
    xpm_settings_free(settings);
}

/* ---- The last word ---------------------------------------------------------------------------- */

static void offer_kind(place *p, cli_kind kind, const char *list)
{
    switch (kind) {
    case CLI_TEXT:
        break;
    case CLI_WORDS:
        offer_words(p, list);
        break;
    case CLI_FOLDER:
        puts(":folder");
        break;
    case CLI_FILE:
        puts(":file");
        break;
    case CLI_JOB:
        offer_from_workspace(p, "jobs", on_type);
        break;
    case CLI_EXPERIMENT:
        offer_from_workspace(p, "experiments", on_experiment);
        break;
    case CLI_WORKSPACE:
        offer_workspaces(p);
        break;
    case CLI_STATES:
        offer_states(p);
        break;
    }
}

/* "--option=value": the candidates begin with "--option=". False when it is none. */
static bool begin_value(place *p)
{
    const char *equals = strchr(p->word, '=');
    const cli_option *option = equals != NULL ? cli_find_option(p->command, p->word) : NULL;
    if (option == NULL || option->value == NULL)
        return false;
    p->option = option;
    p->before = p->word;
    p->word = equals + 1;
    p->before_size = (size_t)(p->word - p->before);
    return true;
}

static void offer_last(place *p)
{
    bool dashed = !p->only_arguments && p->word[0] == '-';
    const cli_argument *argument =
        p->command != NULL ? cli_argument_at(p->command, p->argument) : NULL;
    if (p->option != NULL || (dashed && begin_value(p)))
        offer_kind(p, p->option->kind, p->option->value);
    else if (p->command == NULL && !dashed)
        offer_commands(p);
    else if (argument != NULL && !dashed)
        offer_kind(p, argument->kind, argument->name);
    else if (!p->only_arguments)
        offer_options(p, p->command != NULL ? p->command->options : cli_globals);
    if (dashed && p->command != NULL && p->option == NULL)
        offer(p, "--help", cli_globals[0].help);
}

int cmd_complete(const cli_call *call)
{
    place p = {.word = "", .before = ""};
    for (size_t i = 0; i + 1 < call->argument_count; i++)
        take(&p, call->arguments[i]);
    if (call->argument_count > 0)
        p.word = call->arguments[call->argument_count - 1];
    if (p.option != NULL && strcmp(p.word, "=") == 0)
        p.word = "";
    if (!p.lost)
        offer_last(&p);
    return CLI_OK;
}
