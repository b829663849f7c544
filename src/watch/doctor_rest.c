/* What is beside jobs and runs: tokens, and the links to jobs that were renamed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "record/relink.h"
#include "record/tokendir.h"
#include "watch/doctor.h"

/* A file of the workspace, and the lock under which it is removed. */
typedef struct removal {
    xpm__examination *e;
    const char *path, *lock;
    bool (*is_needed)(const xpm__examination *e, const char *path); /* asked once more */
} removal;

static int remove_locked(void *user, xpm_error *err)
{
    const removal *r = user;
    int lock = xpm__file_lock(r->e->fd, r->lock, false), status = -1;
    if (lock < 0)
        return xpm__fail_io(err, r->lock, "lock");
    if (r->is_needed(r->e, r->path))
        xpm__fail(err, XPM_E_STATE, r->path, "it is needed again");
    else if (unlinkat(r->e->fd, r->path, 0) < 0)
        xpm__fail_io(err, r->path, "remove");
    else
        status = 0;
    close(lock);
    return status;
}

/* ---- Tokens ----------------------------------------------------------------------------------- */

static bool is_held(const xpm__examination *e, const char *path)
{
    char *holder = xpm__format("%s/%s", e->workspace, path);
    bool held = !xpm__tokendir_is_left(holder);
    xpm_free(holder);
    return held;
}

typedef struct token_folder {
    xpm__examination *e;
    const char *path; /* relative to the workspace */
} token_folder;

static void on_holder(void *user, const char *name)
{
    const token_folder *t = user;
    size_t size = strlen(name);
    if (size < 5 || strcmp(name + size - 5, ".json") != 0)
        return;
    char *path = xpm__format("%s/jobs/%s", t->path, name);
    char *lock = xpm__format("%s/ipc.lock", t->path);
    removal r = {.e = t->e, .path = path, .lock = lock, .is_needed = is_held};
    xpm__finding finding = {.kind = "token-left",
                            .path = path,
                            .what = "tokens are held for a job that does not run",
                            .remedy = "give them back"};
    if (!is_held(t->e, path))
        xpm__doctor_found(t->e, &finding, remove_locked, &r);
    xpm_free(path);
    xpm_free(lock);
}

void xpm__doctor_tokens(xpm__examination *e)
{
    char **folders = xpm__tokendirs(e->workspace);
    for (size_t i = 0; folders[i] != NULL; i++) {
        token_folder t = {.e = e, .path = folders[i] + strlen(e->workspace) + 1};
        char *jobs = xpm__format("%s/jobs", t.path);
        xpm__file_each(e->fd, jobs, on_holder, &t);
        xpm_free(jobs);
    }
    xpm__tokendirs_free(folders);
}

/* ---- Links ------------------------------------------------------------------------------------ */

static bool leads_somewhere(const xpm__examination *e, const char *path)
{
    struct stat own, target;
    return fstatat(e->fd, path, &own, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(own.st_mode) ||
           fstatat(e->fd, path, &target, 0) == 0 || errno != ENOENT;
}

static void look_at_link(xpm__examination *e, const char *link)
{
    removal r = {.e = e, .path = link, .lock = XPM__RELINK_JOURNAL, .is_needed = leads_somewhere};
    xpm__finding finding = {.kind = "link-dangling",
                            .path = link,
                            .what = "the job that it stands for, under a new name, is gone",
                            .remedy = "remove it"};
    if (strstr(link, "..") == NULL && link[0] != '/' && !leads_somewhere(e, link))
        xpm__doctor_found(e, &finding, remove_locked, &r);
}

void xpm__doctor_links(xpm__examination *e)
{
    xpm__str journal = {0};
    const char *problem;
    if (xpm__file_read(e->fd, XPM__RELINK_JOURNAL, &journal) == 0 && journal.size > 0) {
        for (char *line = journal.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            json_object *json = xpm__json_parse(line, (size_t)(end - line), &problem);
            const char *link = xpm__json_get_text(json, "link");
            if (link != NULL)
                look_at_link(e, link);
            json_object_put(json);
        }
    }
    xpm__str_free(&journal);
}
