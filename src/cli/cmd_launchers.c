/* find-launchers: which launcher a requirement gets, alternative by alternative. What the user's file
 * launchers.py says is Python's to ask. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "launch/machine.h"

/* The folder of the user's files. New: xpm_free. */
static char *config_folder(const cli_call *call)
{
    const char *given = cli_value(call, "config");
    return given != NULL && given[0] != '\0' ? xpm__strdup(given) : xpm_config_folder();
}

static void print_json(const char *request, const xpm_error *lacks)
{
    xpm__str out = {0};
    xpm__json_open(&out, '{');
    xpm__json_pair(&out, "requirement", request);
    xpm__json_pair(&out, "launcher", "this machine");
    xpm__json_pair(&out, "lacks", lacks->message[0] != '\0' ? lacks->message : NULL);
    xpm__json_close(&out, '}');
    puts(out.data);
    xpm__str_free(&out);
}

/* Whether it can give it, and what it lacks. */
static void tell_this_machine(const xpm_requirement *requirement, bool json)
{
    xpm__machine *machine = xpm__machine_new(0);
    for (size_t i = 0; i < xpm_requirement_count(requirement); i++) {
        xpm_error err = {0};
        const xpm_request *request = xpm_requirement_at(requirement, i);
        char *text = xpm_request_print(request);
        bool can = xpm__machine_can_request(machine, request, &err) == 0;
        if (json)
            print_json(text, &err);
        else
            printf("%s\n  -> this machine%s%s\n", text, can ? "" : ", with less: ", err.message);
        xpm_free(text);
    }
    xpm__machine_free(machine);
}

/* Becomes Python, which asks the file; returns when it cannot be started. */
static int ask(const cli_call *call, const char *folder)
{
    const char *python = cli_value(call, "python"), *tags = cli_value(call, "tags");
    xpm_error err = {0};
    if (python == NULL)
        python = "python3";
    execlp(python, python, "-m", "experimaestro.launcherfinder", "--config", folder, "--tags",
           tags != NULL ? tags : "", cli_flag(call, "json") ? "--json" : "--no-json", "--",
           call->arguments[0], (char *)NULL);
    xpm__fail_io(&err, python, "start");
    return cli_fail(&err);
}

int cmd_find_launchers(const cli_call *call)
{
    xpm_error err = {0};
    xpm_requirement *requirement = xpm_requirement_parse(call->arguments[0], &err);
    if (requirement == NULL)
        return cli_fail(&err);
    char *folder = config_folder(call), *file = xpm__format("%s/launchers.py", folder);
    int status = CLI_OK;
    if (xpm__file_exists(AT_FDCWD, file))
        status = ask(call, folder);
    else
        tell_this_machine(requirement, cli_flag(call, "json"));
    xpm_free(file);
    xpm_free(folder);
    xpm_requirement_free(requirement);
    return status;
}
