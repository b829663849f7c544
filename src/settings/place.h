/* Where the user's files are, and paths as users write them. */
#ifndef XPM_SETTINGS_PLACE_H
#define XPM_SETTINGS_PLACE_H

#include <experimaestro.h>

/* An absolute path, with the home of `~` and `~name`, and without empty components, `.` and a final slash; links
 * and `..` stay. New: xpm_free. */
char *xpm__path_expand(const char *path);

#endif
