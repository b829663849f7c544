/* What today's classes make of the jobs of a workspace: each is asked of the program that runs it,
 * all those of one program in one process. */
#ifndef XPM_CLI_COMPARE_H
#define XPM_CLI_COMPARE_H

#include <experimaestro.h>

#include "base/map.h"
#include "record/relink.h"

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
    xpm__relink_file *files; /* that have another place in its folder today; texts are owned */
    size_t file_count;
    xpm__relink_file *shared; /* the same for folders of partial identifiers, in the workspace */
    size_t shared_count;
    bool declared; /* all the changes are names of the past that are declared */
} cli_compared;

typedef struct cli_comparison {
    char *workspace; /* absolute */
    int fd;
    cli_compared *jobs; /* in order of key */
    size_t count, capacity;
    xpm__map by_params;
} cli_comparison;

typedef struct cli_question {
    const char *workspace;
    const char *only;    /* TYPE/HASH of the only job; NULL for all */
    const char *python;  /* the interpreter to ask about jobs of Python; NULL for theirs */
    const char *modules; /* "a,b": what it imports first, or NULL */
} cli_question;

/* Reads the jobs, links excepted, and asks. Errors: IO, STATE (no workspace). */
int cli_compare(const cli_question *question, cli_comparison *comparison, xpm_error *err);
void cli_comparison_free(cli_comparison *comparison);

#endif
