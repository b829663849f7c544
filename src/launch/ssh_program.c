#include "launch/ssh_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "launch/wire.h"

/* Seconds for which the connection is kept when nothing uses it. */
#define PERSIST "60"
/* As long as the path of a socket can be, less the name that ssh puts there: a hash of 40 digits, and
 * while it is being made 17 more. */
enum { FOLDER_MAX = 107 - 1 - 40 - 17, EXIT_SSH = 255, EXIT_NOT_RUN = 126, EXIT_NOT_FOUND = 127 };

/* ---- Words ------------------------------------------------------------------------------------ */

typedef struct words {
    char **list;
    size_t count, capacity;
} words;

/* Takes the text; NULL ends the list. */
static void add(words *w, char *text)
{
    w->list = xpm__grow(w->list, &w->capacity, w->count, sizeof *w->list);
    w->list[w->count++] = text;
}

static void add_option(words *w, const char *option)
{
    add(w, xpm__strdup("-o"));
    add(w, xpm__strdup(option));
}

/* The user's own folder for sockets, which is made; false when there is none that nobody else can
 * write to, or its path does not do. */
static bool find_folder(char *path, size_t size)
{
    struct stat info;
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime != NULL && runtime[0] == '/')
        snprintf(path, size, "%s/experimaestro", runtime);
    else
        snprintf(path, size, "/tmp/experimaestro-%u", (unsigned)getuid());
    mkdir(path, 0700);
    return strlen(path) <= FOLDER_MAX && strpbrk(path, "%\" ") == NULL && lstat(path, &info) == 0 &&
           S_ISDIR(info.st_mode) && info.st_uid == getuid() && (info.st_mode & 077) == 0;
}

static void add_sharing(words *w)
{
    char folder[256];
    if (!find_folder(folder, sizeof folder))
        return;
    char *path = xpm__format("ControlPath=%s/%%C", folder);
    add_option(w, path);
    add_option(w, "ControlMaster=auto");
    add_option(w, "ControlPersist=" PERSIST);
    xpm_free(path);
}

/* The user's own options come first: of several, ssh takes the first. */
char **xpm__ssh_words(const xpm_ssh_options *options)
{
    words w = {0};
    xpm__str command = {0};
    add(&w, xpm__strdup(options->ssh != NULL ? options->ssh : "ssh"));
    for (size_t i = 0; options->options != NULL && options->options[i] != NULL; i++)
        add(&w, xpm__strdup(options->options[i]));
    add(&w, xpm__strdup("-T"));
    add_option(&w, "BatchMode=yes");
    add_option(&w, "ConnectTimeout=15");
    add_option(&w, "RemoteCommand=none");
    add_option(&w, "ClearAllForwardings=yes");
    add_option(&w, "ServerAliveInterval=15");
    add_option(&w, "ServerAliveCountMax=3");
    add_sharing(&w);
    add(&w, xpm__strdup(options->host));
    xpm__str_puts(&command, "exec ");
    xpm__shell_quote(&command, options->command != NULL ? options->command : "experimaestro");
    xpm__str_puts(&command, " agent");
    add(&w, xpm__str_take(&command));
    add(&w, NULL);
    return w.list;
}

/* ---- Its end ---------------------------------------------------------------------------------- */

/* The last line that says something, for people. New: xpm_free. */
static char *last_line(const char *errors)
{
    xpm__str line = {0};
    const char *end = errors + strlen(errors);
    while (end > errors && strchr("\r\n ", end[-1]) != NULL)
        end--;
    const char *start = end;
    while (start > errors && start[-1] != '\n')
        start--;
    xpm__str_add_visible(&line, start, (size_t)(end - start));
    return xpm__str_take(&line);
}

bool xpm__ssh_explain(const xpm_ssh_options *options, int status, const char *errors, char *message,
                      size_t size)
{
    const char *host = options->host;
    const char *command = options->command != NULL ? options->command : "experimaestro";
    char *said = last_line(errors);
    bool hopeless = true;
    if (status == EXIT_NOT_FOUND || status == EXIT_NOT_RUN) {
        snprintf(
            message, size,
            "%s: the command %s cannot be run there (%s). Install experimaestro on that host, or "
            "say the path that it has there (command)",
            host, command, said);
    } else if (status == EXIT_SSH && strstr(errors, "Permission denied") != NULL) {
        snprintf(
            message, size,
            "%s: ssh may not log in there (%s). `ssh %s true` must work without a password or a "
            "question: see ssh-copy-id, or ssh-agent",
            host, said, host);
    } else if (status == EXIT_SSH && strstr(errors, "Host key verification failed") != NULL) {
        snprintf(
            message, size,
            "%s: ssh does not know the key of that host. Call `ssh %s true` by hand, see that the "
            "key is right, and accept it",
            host, host);
    } else if (status == EXIT_SSH || status < 0) {
        snprintf(message, size, "%s cannot be reached: %s", host,
                 said[0] != '\0' ? said : "the connection ended");
        hopeless = false;
    } else {
        snprintf(message, size, "%s: `%s agent` ended with status %d there: %s", host, command,
                 status, said[0] != '\0' ? said : "it said nothing");
    }
    xpm_free(said);
    return hopeless;
}
