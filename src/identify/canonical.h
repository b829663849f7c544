/* The stream of bytes that is hashed: nothing else decides what a configuration is. The rules are
 * those of docs/identifiers.md. */
#ifndef XPM_IDENTIFY_CANONICAL_H
#define XPM_IDENTIFY_CANONICAL_H

#include <experimaestro.h>

/* Computes the digest of a configuration's stream; with `partial`, less what it excludes of the
 * configuration's own parameters. Not for two threads at once on configurations that share others
 * which are not identified for good. */
int xpm__canonical_digest(xpm_config *config, const xpm_partial *partial,
                          uint8_t digest[XPM_IDENTIFIER_SIZE], xpm_error *err);
/* Whether parameter `index` is part of that stream, with the value that it has. */
bool xpm__canonical_counts(const xpm_config *config, size_t index);

#endif
