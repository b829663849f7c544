/* What a process was made of, to see that it has not changed on the disk. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/warm.h"

struct xpm__source {
    char *path;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

static bool look(const char *path, struct xpm__source *source)
{
    struct stat found;
    if (stat(path, &found) < 0)
        return false;
    source->device = found.st_dev;
    source->inode = found.st_ino;
    source->size = found.st_size;
    source->modified = found.st_mtim;
    return true;
}

void xpm__sources_add(xpm__sources *sources, const char *path)
{
    struct xpm__source source = {0};
    if (!look(path, &source))
        return;
    source.path = xpm__strdup(path);
    sources->items =
        xpm__grow(sources->items, &sources->capacity, sources->count, sizeof *sources->items);
    sources->items[sources->count++] = source;
}

static bool is_system(const char *path)
{
    static const char *const folders[] = {"/usr/lib", "/lib", "/usr/share"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strncmp(path, folders[i], strlen(folders[i])) == 0)
            return true;
    return false;
}

/* The mappings of a file follow each other. */
static bool is_last(const xpm__sources *sources, const char *path)
{
    return sources->count > 0 && strcmp(sources->items[sources->count - 1].path, path) == 0;
}

void xpm__sources_add_loaded(xpm__sources *sources)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && (size = getline(&line, &capacity, maps)) > 0) {
        char *path = strchr(line, '/');
        line[size - 1] = '\0';
        if (path != NULL && !is_system(path) && !is_last(sources, path))
            xpm__sources_add(sources, path);
    }
    free(line);
    if (maps != NULL)
        fclose(maps);
}

const char *xpm__sources_changed(const xpm__sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        const struct xpm__source *source = &sources->items[i];
        struct xpm__source now;
        if (!look(source->path, &now) || now.device != source->device ||
            now.inode != source->inode || now.size != source->size ||
            now.modified.tv_sec != source->modified.tv_sec ||
            now.modified.tv_nsec != source->modified.tv_nsec)
            return source->path;
    }
    return NULL;
}

void xpm__sources_free(xpm__sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        xpm_free(sources->items[i].path);
    xpm_free(sources->items);
    *sources = (xpm__sources){0};
}
