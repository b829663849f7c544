/* Which configurations have values that were generated for one place. */
#ifndef XPM_DECLARE_GENERATED_H
#define XPM_DECLARE_GENERATED_H

#include <experimaestro.h>

/* Whether the class of a configuration has generated parameters. */
bool xpm__config_has_generated(const xpm_config *config);

/* Notes, when what a configuration holds has been sealed, whether there are generated values in it. */
void xpm__config_mark_placed(xpm_config *config);

#endif
