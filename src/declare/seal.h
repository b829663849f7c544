/* Sealing, in two steps: everything that a task holds is validated and becomes read-only; then,
 * when its identifier has told the directory, the generated values are made. A missing value
 * leaves nothing half sealed. */
#ifndef XPM_DECLARE_SEAL_H
#define XPM_DECLARE_SEAL_H

#include <experimaestro.h>

#include "declare/walk.h"

/* What was sealed and awaits its generated values. */
typedef struct xpm__sealing {
    struct xpm__pending {
        xpm_config *config;
        char *folder; /* in the job's directory: "", "out/layers/2" */
    } * pending;
    size_t count, capacity;
} xpm__sealing;

/* Where generated files go. */
typedef struct xpm__places {
    const char *directory; /* the job's; NULL when nothing is generated */
    /* The directory of a partial identifier of `config`. New: xpm_free. NULL: there is none. */
    char *(*shared)(void *user, xpm_config *config, const xpm_partial *partial, xpm_error *err);
    void *user;
} xpm__places;

/* Where the files go of the configuration that is being visited: "" for the task, "out/layers/2" for
 * what it holds. New: xpm_free. */
char *xpm__seal_folder(const xpm__walk *walk);

/* Validates and freezes what is not sealed yet. `placed`: xpm__seal_end will be given a directory. */
int xpm__seal_begin(xpm_config *config, bool placed, xpm__sealing *sealing, xpm_error *err);
/* Generates the values, and empties `sealing`, which must be so ended also after an error. */
int xpm__seal_end(xpm__sealing *sealing, const xpm__places *places, xpm_error *err);
/* Gives up: what was sealed stays so, without its generated values. */
void xpm__seal_abandon(xpm__sealing *sealing);

#endif
