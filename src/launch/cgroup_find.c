#include "launch/cgroup_find.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

static const xpm__cgroup_files first = {
    .version = 1,
    .limit = "memory.limit_in_bytes",
    .swap = "memory.memsw.limit_in_bytes",
    .events = "memory.oom_control",
};
static const xpm__cgroup_files second = {
    .version = 2,
    .limit = "memory.max",
    .swap = "memory.swap.max",
    .events = "memory.events",
};

/* The first version has no limit as the largest number of whole pages. */
enum { NONE_SHIFT = 62 };

/* ---- Where it is --------------------------------------------------------------------------------- */

/* Whether `word` is one of a list with commas between. */
static bool is_listed(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return false;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL && end[1] != '\0' ? end + 1 : NULL;
}

/* A line is "N:CONTROLLERS:/PATH"; that of the second version has N 0 and no controller, and counts
 * where the first does not count memory. */
static const xpm__cgroup_files *find_group(const char *groups, char group[PATH_MAX])
{
    const xpm__cgroup_files *files = NULL;
    for (const char *line = groups; line != NULL; line = next_line(line)) {
        char controllers[256], path[PATH_MAX];
        if (sscanf(line, "%*d:%255[^:\n]:%4095[^\n]", controllers, path) == 2 &&
            is_listed(controllers, "memory")) {
            strcpy(group, path);
            return &first;
        }
        if (sscanf(line, "0::%4095[^\n]", path) == 1) {
            strcpy(group, path);
            files = &second;
        }
    }
    return files;
}

/* A line is "ID PARENT DEVICE ROOT MOUNT OPTIONS ... - TYPE SOURCE OPTIONS". */
static bool is_mount_of(const char *line, const xpm__cgroup_files *files)
{
    char type[32], options[1024];
    const char *end = strchr(line, '\n'), *dash = strstr(line, " - ");
    if (dash == NULL || (end != NULL && dash > end) ||
        sscanf(dash, " - %31s %*s %1023[^\n]", type, options) != 2)
        return false;
    if (files->version == 2)
        return strcmp(type, "cgroup2") == 0;
    return strcmp(type, "cgroup") == 0 && is_listed(options, "memory");
}

/* In a container the root of what is mounted may be the container's own group, which the group's path
 * begins with. */
static bool place_group(const char *line, const char *group, xpm__cgroup_place *place)
{
    char root[PATH_MAX], mount[PATH_MAX];
    if (sscanf(line, "%*s %*s %*s %4095s %4095s", root, mount) != 2)
        return false;
    size_t skip = strcmp(root, "/") != 0 ? strlen(root) : 0;
    if (strncmp(group, root, skip) != 0 || (group[skip] != '/' && group[skip] != '\0') ||
        strstr(group, "/..") != NULL)
        return false;
    const char *below = strcmp(group + skip, "/") != 0 ? group + skip : "";
    place->root = strlen(mount);
    return snprintf(place->path, sizeof place->path, "%s%s", mount, below) <
           (int)sizeof place->path;
}

bool xpm__cgroup_locate(const char *groups, const char *mounts, xpm__cgroup_place *place)
{
    char group[PATH_MAX];
    place->files = find_group(groups, group);
    if (place->files == NULL)
        return false;
    for (const char *line = mounts; line != NULL; line = next_line(line))
        if (is_mount_of(line, place->files) && place_group(line, group, place))
            return true;
    return false;
}

bool xpm__cgroup_of(pid_t pid, xpm__cgroup_place *place)
{
    char path[64];
    xpm__str groups = {0}, mounts = {0};
    snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    bool found = xpm__file_read(AT_FDCWD, path, &groups) == 0 && groups.size > 0 &&
                 xpm__file_read(AT_FDCWD, "/proc/self/mountinfo", &mounts) == 0 &&
                 mounts.size > 0 && xpm__cgroup_locate(groups.data, mounts.data, place);
    xpm__str_free(&groups);
    xpm__str_free(&mounts);
    return found;
}

/* ---- What its files say -------------------------------------------------------------------------- */

/* A file of a group; empty when it cannot be read. */
static void read_file(const char *path, const char *name, xpm__str *text)
{
    char file[PATH_MAX + 64];
    snprintf(file, sizeof file, "%s/%s", path, name);
    if (xpm__file_read(AT_FDCWD, file, text) < 0)
        xpm__str_clear(text);
}

/* 0: none. */
static int64_t read_limit(const char *path, const char *name)
{
    xpm__str text = {0};
    read_file(path, name, &text);
    long long limit = text.size > 0 ? strtoll(text.data, NULL, 10) : 0;
    xpm__str_free(&text);
    return limit > 0 && limit < 1LL << NONE_SHIFT ? limit : 0;
}

int64_t xpm__cgroup_limit(const xpm__cgroup_place *place)
{
    xpm__cgroup_place at = *place;
    int64_t lowest = 0;
    for (;;) {
        int64_t limit = read_limit(at.path, at.files->limit);
        if (limit > 0 && (lowest == 0 || limit < lowest))
            lowest = limit;
        char *slash = strrchr(at.path, '/');
        if (slash == NULL || (size_t)(slash - at.path) < at.root)
            return lowest;
        *slash = '\0';
    }
}

long xpm__cgroup_kills(const xpm__cgroup_files *files, const char *path)
{
    xpm__str text = {0};
    read_file(path, files->events, &text);
    const char *line = text.size > 0 ? strstr(text.data, "oom_kill ") : NULL;
    long count = line != NULL ? strtol(line + strlen("oom_kill "), NULL, 10) : 0;
    xpm__str_free(&text);
    return count;
}
