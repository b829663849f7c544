/* What a job is started with: its command, its environment, and the script that people can start by
 * hand. */
#ifndef XPM_LAUNCH_COMMAND_H
#define XPM_LAUNCH_COMMAND_H

#include <experimaestro.h>

#include "launch/launcher.h"

/* What runs a job's task, and how that is called in params.json. */
typedef struct xpm__command {
    const char *language; /* "c", "python" */
    const char
        *program; /* absolute path; borrowed from the experiment, the class or the launcher */
    const char *argv[4]; /* ends with NULL; borrowed from this struct */
    char *argument;      /* of the program: the script, or params.json */
    char start[96];      /* XPM__START_VARIABLE=..., or "" */
} xpm__command;

/* Errors: STATE (nothing says which program runs the task). New: xpm__command_clear. */
int xpm__command_make(const xpm_job *job, xpm__command *command, xpm_error *err);
void xpm__command_clear(xpm__command *command);

/* Writes NAME.py, for a Python task, in the job's folder. */
int xpm__command_write_script(const xpm__command *command, const xpm_job *job, int directory,
                              xpm_error *err);

/* The command of a parent of warm jobs as this one (record/warmstart.h); ends with NULL. Borrowed from the
 * experiment and the class. False when its language has none. */
enum { XPM__COMMAND_WORDS = 6 };
bool xpm__command_warm(const xpm_job *job, const char *words[XPM__COMMAND_WORDS]);

/* The environment of jobs: what this process has, then what the experiment, the job and its share of
 * this machine (or NULL) add. A new array whose texts are borrowed, of the command too: xpm_free. */
char **xpm__command_environment(const xpm__command *command, const xpm_job *job,
                                const xpm__share *share);

#endif
