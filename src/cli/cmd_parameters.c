/* parameters-difference: where two params.json differ. */
#include <fcntl.h>
#include <stdio.h>

#include "cli/cli.h"
#include "record/graph.h"

static void print_difference(const struct xpm__difference *difference)
{
    const char *from = difference->from, *to = difference->to;
    printf("%s: %s != %s\n", difference->path, from != NULL ? from : "none",
           to != NULL ? to : "none");
}

int cmd_parameters_difference(const cli_call *call)
{
    xpm_error err = {0};
    xpm__graph graph = {0};
    xpm__differences differences = {0};
    xpm__node *a = xpm__graph_read_file(&graph, AT_FDCWD, call->arguments[0], &err);
    xpm__node *b =
        a != NULL ? xpm__graph_read_file(&graph, AT_FDCWD, call->arguments[1], &err) : NULL;
    int status = b != NULL ? CLI_OK : cli_fail(&err);
    if (b != NULL)
        xpm__differences_add(&differences, &graph, a, b, XPM__DEPTH_MOST);
    for (size_t i = 0; i < differences.count; i++)
        print_difference(&differences.items[i]);
    xpm__differences_free(&differences);
    xpm__graph_free(&graph);
    return status;
}
