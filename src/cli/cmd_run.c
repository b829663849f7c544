/* run: executes a task where one stands, without lock nor record, by the program that its
 * parameters name. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "record/params.h"

int cmd_run(const cli_call *call)
{
    xpm_error err = {0};
    xpm__params params;
    if (xpm__params_peek(call->arguments[0], &params, &err) < 0)
        return cli_fail(&err);
    const char *program = params.program;
    bool native = params.language != NULL && strcmp(params.language, "c") == 0;
    if (program == NULL)
        program = "python3"; /* of another experimaestro, which does not say */
    if (native)
        execlp(program, program, "execute", call->arguments[0], (char *)NULL);
    else
        execlp(program, program, "-m", "experimaestro.run", call->arguments[0], (char *)NULL);
    xpm__fail_io(&err, program, "start the program");
    xpm__params_clear(&params);
    return cli_fail(&err);
}
