#include "settings/place.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

/* The home of a user, or of this one ("" for the name). New: xpm_free. NULL when it is not known. */
static char *home_of(const char *name)
{
    char buffer[4096];
    struct passwd entry, *found = NULL;
    const char *home = getenv("HOME");
    if (name[0] == '\0' && home != NULL && home[0] != '\0')
        return xpm__strdup(home);
    if (name[0] == '\0')
        getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found);
    else
        getpwnam_r(name, &entry, buffer, sizeof buffer, &found);
    return found != NULL ? xpm__strdup(found->pw_dir) : NULL;
}

/* With the home in place of what begins with ~. New: xpm_free. */
static char *expand_home(const char *path)
{
    if (path[0] != '~')
        return xpm__strdup(path);
    size_t size = strcspn(path, "/");
    char *name = xpm__strndup(path + 1, size - 1), *home = home_of(name);
    char *expanded = home != NULL ? xpm__format("%s%s", home, path + size) : xpm__strdup(path);
    xpm_free(home);
    xpm_free(name);
    return expanded;
}

/* Adds the components, each after a slash. */
static void add_components(xpm__str *out, const char *path)
{
    while (*path != '\0') {
        size_t size = strcspn(path, "/");
        if (size > 0 && !(size == 1 && path[0] == '.')) {
            xpm__str_putc(out, '/');
            xpm__str_add(out, path, size);
        }
        path += size + (path[size] == '/');
    }
}

char *xpm__path_expand(const char *path)
{
    xpm__str out = {0};
    char *expanded = expand_home(path), *here = NULL;
    if (expanded[0] != '/' && (here = getcwd(NULL, 0)) != NULL)
        add_components(&out, here);
    add_components(&out, expanded);
    if (out.size == 0)
        xpm__str_putc(&out, '/');
    free(here);
    xpm_free(expanded);
    return xpm__str_take(&out);
}

char *xpm_config_folder(void)
{
    const char *own = getenv("XPM_CONFIG_DIR"), *base = getenv("XDG_CONFIG_HOME");
    if (own != NULL && own[0] != '\0')
        return expand_home(own);
    bool has_base = base != NULL && base[0] != '\0';
    char *folder = xpm__format("%s/experimaestro", has_base ? base : "~/.config");
    char *expanded = expand_home(folder);
    xpm_free(folder);
    return expanded;
}
