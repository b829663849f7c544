/* Identifiers of configurations, and where they are kept. */
#ifndef XPM_IDENTIFY_IDENTIFIER_H
#define XPM_IDENTIFY_IDENTIFIER_H

#include <experimaestro.h>

/* Identifies a sealed configuration and all that it holds, through tasks, once and for all: from
 * then on any thread may read `config->identifier` of each. */
int xpm__identify_all(xpm_config *config, xpm_error *err);

#endif
