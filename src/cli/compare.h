/* What today's classes make of the jobs of a workspace: each is asked of the program that runs it,
 * all those of one program in one process. */
#ifndef XPM_CLI_COMPARE_H
#define XPM_CLI_COMPARE_H

#include <experimaestro.h>

#include "base/map.h"

typedef struct cli_compared {
    char *key;     /* TYPE/HASH of its folder */
    char *params;  /* its params.json, absolute */
    char *asked;   /* what tells those that one process answers: program and script */
    char *program; /* that runs it */
    char *script;  /* or NULL */
    bool native;
    bool done;
    char *error;   /* why it cannot be told, or NULL: then what follows is known */
    char *new_key; /* TYPE/HASH today */
    char **changes;
    size_t change_count;
    bool declared; /* all the changes are names of the past that are declared */
} cli_compared;

typedef struct cli_comparison {
    char *workspace; /* absolute */
    int fd;
    cli_compared *jobs; /* in order of key */
    size_t count, capacity;
    xpm__map by_params;
} cli_comparison;

/* Reads the jobs, links excepted, and asks. `python` (or NULL) is the interpreter to ask about
 * those of Python, `modules` ("a,b", or NULL) what it imports first. Errors: IO. */
int cli_compare(const char *workspace, const char *python, const char *modules,
                cli_comparison *comparison, xpm_error *err);
void cli_comparison_free(cli_comparison *comparison);

#endif
