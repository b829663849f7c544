/* libyaml, loaded when a file of YAML is first read (base/library.h). */
#ifndef XPM_SETTINGS_LIBYAML_H
#define XPM_SETTINGS_LIBYAML_H

#include <stdbool.h>

#include <yaml.h>

#define XPM__LIBYAML_FILE "libyaml-0.so.2"

#define XPM__LIBYAML_FUNCTIONS(X)                                                                  \
    X(event_delete)                                                                                \
    X(parser_delete)                                                                               \
    X(parser_initialize)                                                                           \
    X(parser_parse)                                                                                \
    X(parser_set_input_string)

/* yaml_NAME is the member NAME. */
typedef struct xpm__libyaml {
#define XPM__LIBYAML_MEMBER(name) __typeof__(&yaml_##name) name;
    XPM__LIBYAML_FUNCTIONS(XPM__LIBYAML_MEMBER)
#undef XPM__LIBYAML_MEMBER
} xpm__libyaml;

/* Its functions; NULL when it cannot be loaded. */
const xpm__libyaml *xpm__libyaml_load(void);

#endif
