/*
 * token.h - tokens: what exists in a limited number and is shared by all jobs of all processes. A part
 * of <experimaestro.h>, which includes it. A job that asks for some of a token starts when as many are
 * free, and holds them until it ends; who asks first is served first; a job has all its tokens or
 * none; and what a killed job had is free at once.
 */
#ifndef EXPERIMAESTRO_TOKEN_H
#define EXPERIMAESTRO_TOKEN_H

#include <experimaestro.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct xpm_token xpm_token;

/* The token `name` of a folder: a workspace, or another. One is known to all processes by its folder,
 * DIRECTORY/tokens/NAME.counter, which is made; the total is written there, and replaces that which
 * another process gave it: lowering it takes nothing from those that hold some. In one process the
 * first call counts, and others return the same object. Borrowed, for ever (until xpm_reset).
 * Errors: RANGE (a negative total, a name that is not one component of a path), IO. */
XPM_API xpm_token *xpm_token_open(const char *directory, const char *name, int64_t total,
                                  xpm_error *err);
/* The same in the experiment's workspace; nothing is written unless its mode is NORMAL. */
XPM_API xpm_token *xpm_experiment_token(xpm_experiment *xp, const char *name, int64_t total,
                                        xpm_error *err);
XPM_API const char *xpm_token_name(const xpm_token *token);   /* borrowed, for ever */
XPM_API const char *xpm_token_folder(const xpm_token *token); /* absolute; borrowed, for ever */
XPM_API int64_t xpm_token_total(const xpm_token *token);      /* as it is now, on disk */

/* Makes a task take `count` of a token when it starts, and hold them until it ends; asked for
 * twice, it takes the sum. The identifier does not change. Errors: RANGE (a count below 1), STATE
 * (`task` is submitted already), TYPE (not a task). */
XPM_API int xpm_config_add_token(xpm_config *task, xpm_token *token, int64_t count, xpm_error *err);
/* Those that were added, borrowed for ever, and how many of each; NULL past the last. */
XPM_API xpm_token *xpm_config_token(const xpm_config *task, size_t index, int64_t *count);

#ifdef __cplusplus
}
#endif

#endif
