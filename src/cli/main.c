/* The command `experimaestro`. */
#include <signal.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
    signal(SIGPIPE,
           SIG_DFL); /* when the reader has gone, nothing is left to say, whoever started this */
    return cli_main(argc, argv);
}

int cmd_version(const cli_call *call)
{
    (void)call;
    printf("experimaestro %s\n", xpm_version());
    return CLI_OK;
}
