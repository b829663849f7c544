/* agent: starts and watches the jobs of an experiment that runs on another host, which talks to it by
 * its streams. */
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "launch/agent.h"

int cmd_agent(const cli_call *call)
{
    xpm_error err = {0};
    (void)call;
    if (isatty(STDIN_FILENO)) {
        xpm__fail(
            &err, XPM_E_STATE, NULL,
            "agent is for experiments of other hosts, which start it over ssh: see docs/ssh.md");
        return cli_fail(&err);
    }
    return xpm__agent_run(STDIN_FILENO, STDOUT_FILENO, &err) < 0 ? cli_fail(&err) : CLI_OK;
}
