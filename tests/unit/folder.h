/* Temporary folders for tests, and files in them. */
#ifndef XPM_TESTS_FOLDER_H
#define XPM_TESTS_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leaks.h"

enum { FOLDER_DEADLINE_MS = 30000 };

/* A new folder of its own, as an absolute path without links. New: folder_remove. */
static inline char *folder_new(void)
{
    const char *parent = getenv("TMPDIR");
    char path[PATH_MAX - 32];
    snprintf(path, sizeof path, "%s/xpm-test-XXXXXX", parent != NULL ? parent : "/tmp");
    assert_non_null(mkdtemp(path));
    char *real = realpath(path, NULL);
    assert_non_null(real);
    return real;
}

static inline int folder_remove_entry(const char *path, const struct stat *info, int type,
                                      struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void folder_remove(char *path)
{
    assert_int_equal(nftw(path, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(path);
}

/* FOLDER/NAME, in one of a few buffers that are reused in turn. */
__attribute__((format(printf, 1, 2))) static inline const char *path_of(const char *format, ...)
{
    static char buffers[8][PATH_MAX];
    static unsigned next;
    char *path = buffers[next++ % 8];
    va_list args;
    va_start(args, format);
    vsnprintf(path, PATH_MAX, format, args);
    va_end(args);
    return path;
}

static inline bool file_is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static inline void file_put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* The text of a file, "" when there is none. New: free. */
static inline char *file_text(const char *path)
{
    char *text = calloc(1, 1 << 16);
    FILE *file = fopen(path, "r");
    assert_non_null(text);
    if (file != NULL) {
        size_t size = fread(text, 1, (1 << 16) - 1, file);
        text[size] = '\0';
        fclose(file);
    }
    return text;
}

static inline bool file_holds(const char *path, const char *part)
{
    char *text = file_text(path);
    bool holds = strstr(text, part) != NULL;
    free(text);
    return holds;
}

/* How many times a file has a text. */
static inline size_t file_counts(const char *path, const char *part)
{
    char *text = file_text(path);
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    free(text);
    return count;
}

/* Waits until a file of an existing folder holds a text: woken by the changes of the folder. */
static inline void file_await(const char *folder, const char *name, const char *part)
{
    char events[4096];
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(inotify_add_watch(fd, folder, IN_CREATE | IN_MODIFY | IN_MOVED_TO) >= 0);
    while (!file_holds(path_of("%s/%s", folder, name), part)) {
        struct pollfd watched = {.fd = fd, .events = POLLIN};
        if (poll(&watched, 1, FOLDER_DEADLINE_MS) <= 0)
            fail_msg("%s/%s never held \"%s\"", folder, name, part);
        while (read(fd, events, sizeof events) > 0)
            continue;
    }
    close(fd);
}

#endif
