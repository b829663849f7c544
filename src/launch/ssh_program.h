/* The program `ssh`: the words by which it is started, and what its end means. */
#ifndef XPM_LAUNCH_SSH_PROGRAM_H
#define XPM_LAUNCH_SSH_PROGRAM_H

#include <experimaestro.h>

/* The words that start the agent of a host, ending with NULL. Connections of one user to one host go
 * through one that is kept for a while, by a socket in a folder of the user's own. New:
 * xpm__words_free. */
char **xpm__ssh_words(const xpm_ssh_options *options);

/* Says why there is no agent: `status` is the exit status of ssh (-1 for a signal), `errors` what it
 * wrote last. Whether it is hopeless to try again. */
bool xpm__ssh_explain(const xpm_ssh_options *options, int status, const char *errors, char *message,
                      size_t size);

#endif
