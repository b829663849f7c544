/* What the options of all commands do. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"

bool cli_is_quiet;
static bool tells_all; /* --traceback, --debug */

int cli_fail(const xpm_error *err)
{
    fprintf(stderr, "experimaestro: %s\n", err->message);
    if (tells_all)
        fprintf(stderr, "  %s%s%s\n", xpm_code_text(err->code), err->path[0] != '\0' ? ": " : "",
                err->path);
    return CLI_FAILED;
}

/* Programs in Python that are started read it (python/experimaestro/logs.py). */
static void add_levels(const char *levels)
{
    const char *before = getenv("XPM_LOGGING");
    char *all =
        xpm__format("%s%s%s", before != NULL ? before : "", before != NULL ? "," : "", levels);
    setenv("XPM_LOGGING", all, 1);
    xpm_free(all);
}

/* "NAME=LEVEL,NAME=LEVEL" */
static int heed_logging(const cli_call *call, const char *levels)
{
    static const char known[] = "DEBUG|INFO|WARNING|ERROR|CRITICAL";
    char *copy = xpm__strdup(levels);
    int status = CLI_GO_ON;
    for (char *rest = copy, *item; status == CLI_GO_ON && (item = strsep(&rest, ",")) != NULL;) {
        const char *equals = strrchr(item, '='), *level = equals != NULL ? equals + 1 : item;
        if (!cli_is_in_list(known, level))
            status = cli_unknown_word(call->command, "the level of a logger", known, level);
    }
    xpm_free(copy);
    if (status == CLI_GO_ON)
        add_levels(levels);
    return status;
}

int cli_heed_global(const cli_call *call, const cli_given *given)
{
    const char *name = given->option->name;
    if (strcmp(name, "help") == 0) {
        cli_print_help(call->command, stdout);
        return CLI_OK;
    }
    if (strcmp(name, "version") == 0)
        return cmd_version(call);
    if (strcmp(name, "logging") == 0)
        return heed_logging(call, given->value);
    cli_is_quiet |= strcmp(name, "quiet") == 0;
    tells_all |= strcmp(name, "traceback") == 0 || strcmp(name, "debug") == 0;
    if (strcmp(name, "debug") == 0)
        add_levels("root=DEBUG");
    return CLI_GO_ON;
}
