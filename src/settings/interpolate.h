/* ${env:NAME} in the texts of a file of YAML. */
#ifndef XPM_SETTINGS_INTERPOLATE_H
#define XPM_SETTINGS_INTERPOLATE_H

#include "settings/yaml.h"

/* Puts the values of environment variables in place of ${env:NAME} and ${oc.env:NAME}, in all texts of a node
 * but keys. That of a variable that is not set stays; what a value has is not looked at. */
void xpm__yaml_interpolate(xpm__yaml *yaml, xpm__yaml_node *node);

#endif
