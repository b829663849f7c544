#include "record/relink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "record/jobdir.h"

enum { KEY_SIZE = 1024 };

/* What readers look for under the job's name. */
static const char *const suffixes[] = {".done", ".out", ".err"};
enum { SUFFIX_COUNT = sizeof suffixes / sizeof *suffixes };

/* One link: paths relative to the workspace, but for the target, which is as the link has it. */
typedef struct relink {
    char link[KEY_SIZE], target[KEY_SIZE], folder[KEY_SIZE];
    char old_name[XPM__NAME_SIZE], new_name[XPM__NAME_SIZE];
} relink;

static void describe(const char *old_key, const char *new_key, relink *r)
{
    snprintf(r->link, sizeof r->link, "jobs/%s", new_key);
    snprintf(r->target, sizeof r->target, "../%s", old_key);
    snprintf(r->folder, sizeof r->folder, "jobs/%s", old_key);
    xpm__jobdir_name(r->folder, r->old_name);
    xpm__jobdir_name(r->link, r->new_name);
}

/* ---- Looking ---------------------------------------------------------------------------------- */

xpm__relink_place xpm__relink_look(int workspace, const char *old_key, const char *new_key)
{
    struct stat own, job, target;
    relink r;
    describe(old_key, new_key, &r);
    if (fstatat(workspace, r.link, &own, AT_SYMLINK_NOFOLLOW) < 0)
        return XPM__PLACE_FREE;
    bool linked = S_ISLNK(own.st_mode) && fstatat(workspace, r.link, &target, 0) == 0 &&
                  fstatat(workspace, r.folder, &job, AT_SYMLINK_NOFOLLOW) == 0 &&
                  target.st_dev == job.st_dev && target.st_ino == job.st_ino;
    return linked ? XPM__PLACE_LINKED : XPM__PLACE_TAKEN;
}

/* ---- The journal ------------------------------------------------------------------------------ */

/* A line that a crash left unfinished names a link that was not made: it is ended, and stays. */
static int end_torn_line(int journal)
{
    char last;
    off_t size = lseek(journal, 0, SEEK_END);
    if (size <= 0)
        return size < 0 ? -1 : 0;
    if (pread(journal, &last, 1, size - 1) != 1)
        return -1;
    return last == '\n' ? 0 : xpm__file_append(journal, "\n", 1);
}

int xpm__relink_open(int workspace, xpm_error *err)
{
    int journal = xpm__file_lock(workspace, XPM__RELINK_JOURNAL, true);
    if (journal >= 0 && end_torn_line(journal) == 0)
        return journal;
    xpm__fail_io(err, XPM__RELINK_JOURNAL, "open the journal");
    if (journal >= 0)
        close(journal);
    return -1;
}

/* Written before anything is done: what is not in the journal was not made. */
static int write_line(int journal, const relink *r, const xpm__relink_file *files, size_t count,
                      xpm_error *err)
{
    char now[XPM__TIME_SIZE];
    xpm__str line = {0};
    xpm__clock_iso(xpm__clock_now(), now);
    xpm__json_open(&line, '{');
    xpm__json_pair(&line, "timestamp", now);
    xpm__json_pair(&line, "link", r->link);
    xpm__json_pair(&line, "target", r->target);
    xpm__json_key(&line, "files");
    xpm__json_open(&line, '[');
    for (size_t i = 0; i < count; i++)
        xpm__json_text(&line, files[i].to);
    xpm__json_close(&line, ']');
    xpm__json_close(&line, '}');
    xpm__str_putc(&line, '\n');
    int status = xpm__file_append(journal, line.data, line.size);
    if (status == 0)
        status = fsync(journal);
    xpm__str_free(&line);
    return status < 0 ? xpm__fail_io(err, XPM__RELINK_JOURNAL, "write the journal") : 0;
}

static bool is_link_to(int dir, const char *path, const char *target)
{
    char text[KEY_SIZE];
    ssize_t size = readlinkat(dir, path, text, sizeof text - 1);
    if (size < 0)
        return false;
    text[size] = '\0';
    return target == NULL || strcmp(text, target) == 0;
}

/* ---- Linking ---------------------------------------------------------------------------------- */

/* The links to make in the job's folder. */
typedef struct links {
    xpm__relink_file *items;
    size_t count;
    char names[SUFFIX_COUNT][2][XPM__NAME_SIZE];
} links;

static bool is_there(int dir, const char *path)
{
    struct stat info;
    return fstatat(dir, path, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Stays inside the folder that it is relative to. */
static bool is_inside(const char *path)
{
    return path[0] != '\0' && path[0] != '/' && strstr(path, "..") == NULL;
}

static void add_link(int dir, links *l, const char *from, const char *to)
{
    if (is_inside(from) && is_inside(to) && is_there(dir, from) && !is_there(dir, to))
        l->items[l->count++] = (xpm__relink_file){from, to};
}

/* Markers and streams under the new name, and files of which the place has changed. */
static void collect_links(int dir, const relink *r, const xpm__relink_file *files, size_t count,
                          links *l)
{
    l->items = xpm__alloc((SUFFIX_COUNT + count) * sizeof *l->items);
    l->count = 0;
    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        xpm__jobdir_file(r->old_name, suffixes[i], l->names[i][0]);
        xpm__jobdir_file(r->new_name, suffixes[i], l->names[i][1]);
        add_link(dir, l, l->names[i][0], l->names[i][1]);
    }
    for (size_t i = 0; i < count; i++)
        add_link(dir, l, files[i].from, files[i].to);
}

/* Makes the folders above `path`; -1 with errno when one of them is something else. */
static int make_parents(int dir, const char *path)
{
    char folder[KEY_SIZE];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        struct stat info;
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        if (mkdirat(dir, folder, 0777) < 0 && errno != EEXIST)
            return -1;
        if (fstatat(dir, folder, &info, AT_SYMLINK_NOFOLLOW) < 0)
            return -1;
        if (!S_ISDIR(info.st_mode)) {
            errno = ENOTDIR;
            return -1;
        }
    }
    return 0;
}

/* By links, so that they say no more than what they stand for. */
static int make_file_links(int dir, const relink *r, const links *l, xpm_error *err)
{
    for (size_t i = 0; i < l->count; i++) {
        xpm__str target = {0};
        for (const char *c = l->items[i].to; (c = strchr(c, '/')) != NULL; c++)
            xpm__str_puts(&target, "../");
        xpm__str_puts(&target, l->items[i].from);
        int status = make_parents(dir, l->items[i].to);
        if (status == 0 && symlinkat(target.data, dir, l->items[i].to) < 0 && errno != EEXIST)
            status = -1;
        xpm__str_free(&target);
        if (status < 0)
            return xpm__fail_io(err, r->folder, "link the files in");
    }
    return 0;
}

static int make_link(int workspace, const relink *r, xpm_error *err)
{
    char folder[KEY_SIZE];
    struct stat info;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(r->link, '/') - r->link), r->link);
    if (mkdirat(workspace, folder, 0777) < 0 && errno != EEXIST)
        return xpm__fail_io(err, folder, "make the folder");
    if (fstatat(workspace, folder, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(info.st_mode))
        return xpm__fail(err, XPM_E_CONFLICT, folder, "%s is no folder of this workspace", folder);
    if (symlinkat(r->target, workspace, r->link) == 0)
        return 0;
    if (errno == EEXIST && is_link_to(workspace, r->link, r->target))
        return 0; /* another has made it since we looked */
    if (errno == EEXIST)
        return xpm__fail(err, XPM_E_CONFLICT, r->link, "%s exists: it is left as it is", r->link);
    return xpm__fail_io(err, r->link, "make the link");
}

int xpm__relink_add(int workspace, int journal, const char *old_key, const char *new_key,
                    const xpm__relink_file *files, size_t count, xpm_error *err)
{
    relink r;
    links l;
    describe(old_key, new_key, &r);
    int dir = openat(workspace, r.folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return xpm__fail_io(err, r.folder, "open the job");
    collect_links(dir, &r, files, count, &l);
    int status = write_line(journal, &r, l.items, l.count, err);
    if (status == 0)
        status = make_file_links(dir, &r, &l, err);
    if (status == 0)
        status = make_link(workspace, &r, err);
    xpm_free(l.items);
    close(dir);
    return status;
}

static int share(int workspace, int journal, const xpm__relink_file *folder, xpm_error *err)
{
    relink r = {0};
    snprintf(r.link, sizeof r.link, "%s", folder->to);
    snprintf(r.target, sizeof r.target, "../../../%s", folder->from); /* partials/TYPE/NAME/HASH */
    if (write_line(journal, &r, NULL, 0, err) < 0)
        return -1;
    if (make_parents(workspace, r.link) < 0 ||
        (symlinkat(r.target, workspace, r.link) < 0 && errno != EEXIST))
        return xpm__fail_io(err, r.link, "make the link");
    return 0;
}

int xpm__relink_shared(int workspace, int journal, const xpm__relink_file *folders, size_t count,
                       xpm_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const xpm__relink_file *folder = &folders[i];
        bool wanted = strncmp(folder->to, "partials/", 9) == 0 &&
                      strncmp(folder->from, "partials/", 9) == 0 && is_inside(folder->to) &&
                      is_inside(folder->from) && is_there(workspace, folder->from) &&
                      !is_there(workspace, folder->to);
        if (wanted && share(workspace, journal, folder, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- Taking back ------------------------------------------------------------------------------ */

/* Removes a link, and the folders above it that are empty. */
static void remove_link(int dir, const char *path)
{
    char folder[KEY_SIZE];
    if (!is_link_to(dir, path, NULL) || unlinkat(dir, path, 0) < 0)
        return;
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash; (slash = strrchr(folder, '/')) != NULL;) {
        *slash = '\0';
        if (unlinkat(dir, folder, AT_REMOVEDIR) < 0)
            return;
    }
}

static void remove_files(int workspace, const char *folder, json_object *files)
{
    int dir = openat(workspace, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    size_t count =
        json_object_is_type(files, json_type_array) ? json_object_array_length(files) : 0;
    for (size_t i = 0; dir >= 0 && i < count; i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(files, i));
        if (name != NULL && is_inside(name))
            remove_link(dir, name);
    }
    if (dir >= 0)
        close(dir);
}

/* Whether a line is one that was written here. */
static bool is_ours(const char *link, const char *target)
{
    return link != NULL && target != NULL && is_inside(link) && strncmp(target, "../", 3) == 0 &&
           (strncmp(link, "jobs/", 5) == 0 || strncmp(link, "partials/", 9) == 0);
}

/* What a line of the journal made: the link first, then what it needed. */
static void take_back(int workspace, json_object *line, bool perform, xpm__relink_tell tell,
                      void *user)
{
    const char *link = xpm__json_get_text(line, "link");
    const char *target = xpm__json_get_text(line, "target");
    char folder[KEY_SIZE];
    if (!is_ours(link, target))
        return;
    bool is = is_link_to(workspace, link, target);
    if (is)
        tell(user, link, target);
    if (is && perform)
        remove_link(workspace, link);
    if (!perform || strncmp(link, "jobs/", 5) != 0)
        return;
    snprintf(folder, sizeof folder, "jobs/%s", target + 3);
    remove_files(workspace, folder, xpm__json_get(line, "files"));
}

static void take_back_all(int workspace, const xpm__str *text, bool perform, xpm__relink_tell tell,
                          void *user)
{
    size_t end = text->size;
    while (end > 0) {
        size_t start = end - 1;
        const char *problem;
        while (start > 0 && text->data[start - 1] != '\n')
            start--;
        json_object *line = xpm__json_parse(text->data + start, end - start, &problem);
        if (line != NULL)
            take_back(workspace, line, perform, tell, user);
        json_object_put(line);
        end = start;
    }
}

int xpm__relink_undo(int workspace, bool perform, xpm__relink_tell tell, void *user, xpm_error *err)
{
    xpm__str text = {0};
    if (!xpm__file_exists(workspace, XPM__RELINK_JOURNAL))
        return 0;
    int journal = perform ? xpm__relink_open(workspace, err) : -1;
    if (perform && journal < 0)
        return -1;
    int status = xpm__file_read(workspace, XPM__RELINK_JOURNAL, &text);
    if (status == 0)
        take_back_all(workspace, &text, perform, tell, user);
    if (status == 0 && perform)
        status = unlinkat(workspace, XPM__RELINK_JOURNAL, 0);
    if (status < 0)
        xpm__fail_io(err, XPM__RELINK_JOURNAL, "read or remove the journal");
    xpm__str_free(&text);
    if (journal >= 0)
        close(journal);
    return status;
}
