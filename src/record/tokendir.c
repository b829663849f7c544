#include "record/tokendir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "record/jobdir.h"

#define LOCKS "locks.json"
#define SUFFIX ".counter"

enum { GRACE = 30 }; /* seconds that experimaestro 2.x leaves to a process that it starts */

/* A token's folder while its ipc.lock is held. */
typedef struct desk {
    const char *folder;
    int dir, jobs, queue, lock;
} desk;

/* What a file in jobs/ says. */
typedef struct holder {
    char *file;
    char *directory; /* of the job; NULL when nothing says which */
    int64_t count;
    pid_t pid;   /* of the job's process; 0 when not said */
    bool locked; /* its job's lock is the whole truth: it is one of ours */
} holder;

typedef struct holders {
    holder *items;
    size_t count, capacity;
} holders;

void xpm__rank_make(xpm__rank *rank)
{
    static long long last;
    struct timespec now;
    char host[64] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    long long time = now.tv_sec * 1000000000LL + now.tv_nsec;
    long long before = __atomic_load_n(&last, __ATOMIC_RELAXED), made;
    do
        made = time > before ? time : before + 1;
    while (!__atomic_compare_exchange_n(&last, &before, made, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
    gethostname(host, sizeof host - 1);
    snprintf(rank->text, sizeof rank->text, "%020lld-%s-%d", made, host, (int)getpid());
}

/* ---- Files ------------------------------------------------------------------------------------ */

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), last = strlen(end);
    return size >= last && strcmp(text + size - last, end) == 0;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Whatever the locale is: the order of tickets is the same for all. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void free_entries(struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

/* Opens a file whose lock another holds; -1 when nobody does. */
static int open_if_held(int dir, const char *path)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK))
        return fd;
    close(fd);
    return -1;
}

static int write_total(int dir, int64_t total)
{
    xpm__str out = {0};
    xpm__json_open(&out, '{');
    xpm__json_pair_int(&out, "total", total);
    xpm__json_close(&out, '}');
    int status = xpm__file_write(dir, XPM__TOKEN_TOTAL, out.data, out.size, 0666);
    xpm__str_free(&out);
    return status;
}

/* False when there is none that can be read. */
static bool read_total(int dir, int64_t *total)
{
    json_object *json = xpm__json_read(dir, XPM__TOKEN_TOTAL);
    json_object *found = xpm__json_get(json, "total");
    bool known = json_object_is_type(found, json_type_int);
    if (known)
        *total = json_object_get_int64(found);
    json_object_put(json);
    return known;
}

/* ---- The folder ------------------------------------------------------------------------------- */

int xpm__tokendir_make(const char *folder, xpm_error *err)
{
    static const char *const names[] = {"jobs", "queue"};
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof names / sizeof *names; i++) {
        char *path = xpm__format("%s/%s", folder, names[i]);
        status = xpm__file_mkdirs(path, err);
        xpm_free(path);
    }
    return status;
}

static void leave(desk *d)
{
    const int fds[] = {d->jobs, d->queue, d->dir, d->lock}; /* the lock last */
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    d->dir = d->jobs = d->queue = d->lock = -1;
}

static bool open_all(desk *d)
{
    d->dir = open(d->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->dir >= 0)
        d->jobs = openat(d->dir, "jobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->jobs >= 0)
        d->queue = openat(d->dir, "queue", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->queue >= 0)
        d->lock = xpm__file_lock(d->dir, "ipc.lock", true);
    return d->lock >= 0;
}

static int enter(desk *d, const char *folder, xpm_error *err)
{
    const desk closed = {.folder = folder, .dir = -1, .jobs = -1, .queue = -1, .lock = -1};
    *d = closed;
    if (open_all(d))
        return 0;
    leave(d);
    *d = closed;
    if (xpm__tokendir_make(folder, err) < 0)
        return -1;
    if (open_all(d))
        return 0;
    xpm__fail_io(err, folder, "use the token's folder");
    leave(d);
    return -1;
}

/* Without the lock, and with what is there. */
static desk open_to_read(const char *folder)
{
    desk d = {.folder = folder, .jobs = -1, .queue = -1, .lock = -1};
    d.dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d.dir >= 0) {
        d.jobs = openat(d.dir, "jobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        d.queue = openat(d.dir, "queue", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return d;
}

int xpm__tokendir_set_total(const char *folder, int64_t total, xpm_error *err)
{
    desk d;
    int64_t known;
    int status = 0;
    if (enter(&d, folder, err) < 0)
        return -1;
    if ((!read_total(d.dir, &known) || known != total) && write_total(d.dir, total) < 0)
        status = xpm__fail_io(err, folder, "write the token's total in");
    leave(&d);
    return status;
}

int64_t xpm__tokendir_total(const char *folder, int64_t otherwise)
{
    int64_t total;
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool known = dir >= 0 && read_total(dir, &total);
    if (dir >= 0)
        close(dir);
    return known ? total : otherwise;
}

/* ---- Holders ---------------------------------------------------------------------------------- */

/* The job's folder: as the file says, or else as its name does, TYPE@HASH.json. */
static char *holder_directory(const char *folder, const char *file, json_object *json)
{
    static const char scheme[] = "file://";
    const char *uri = xpm__json_get_text(json, "job_uri"), *at = strchr(file, '@');
    if (uri != NULL)
        return xpm__strdup(strncmp(uri, scheme, strlen(scheme)) == 0 ? uri + strlen(scheme) : uri);
    if (at == NULL)
        return NULL;
    return xpm__format("%s/../../jobs/%.*s/%.*s", folder, (int)(at - file), file,
                       (int)strcspn(at + 1, "."), at + 1);
}

static holder read_holder(const desk *d, const char *file)
{
    json_object *json = xpm__json_read(d->jobs, file);
    json_object *count = xpm__json_get(xpm__json_get(json, "information"), "count");
    holder h = {.file = xpm__strdup(file), .count = 1};
    h.directory = holder_directory(d->folder, file, json);
    h.locked = xpm__json_get_text(json, "lock") != NULL;
    h.pid = json_object_get_int(xpm__json_get(xpm__json_get(json, "process"), "pid"));
    if (count != NULL && json_object_get_int64(count) >= 0)
        h.count = json_object_get_int64(count);
    json_object_put(json);
    return h;
}

static void clear_holder(holder *h)
{
    xpm_free(h->file);
    xpm_free(h->directory);
}

static void clear_holders(holders *all)
{
    for (size_t i = 0; i < all->count; i++)
        clear_holder(&all->items[i]);
    xpm_free(all->items);
}

static holders read_holders(const desk *d)
{
    struct dirent **entries = NULL;
    holders all = {0};
    int count = scandirat(d->dir, "jobs", &entries, is_visible, by_bytes);
    for (int i = 0; i < count; i++) {
        if (!ends_with(entries[i]->d_name, ".json"))
            continue;
        all.items = xpm__grow(all.items, &all.capacity, all.count, sizeof *all.items);
        all.items[all.count++] = read_holder(d, entries[i]->d_name);
    }
    free_entries(entries, count);
    return all;
}

static int is_temporary(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && ends_with(entry->d_name, ".tmp");
}

/* What a process has left that was killed while it wrote: writing is done under ipc.lock. */
static void sweep(const desk *d)
{
    struct dirent **entries = NULL;
    int count = scandirat(d->dir, "jobs", &entries, is_temporary, by_bytes);
    for (int i = 0; i < count; i++)
        unlinkat(d->jobs, entries[i]->d_name, 0);
    free_entries(entries, count);
}

/* A job of experimaestro 2.x lets its lock go for a moment when it starts: its process counts too. */
static bool process_lives(const desk *d, const holder *h)
{
    struct stat info;
    if (h->locked || fstatat(d->jobs, h->file, &info, 0) < 0)
        return false;
    if (h->pid <= 0)
        return time(NULL) - info.st_mtim.tv_sec < GRACE;
    return kill(h->pid, 0) == 0 || errno == EPERM;
}

/* Whether a holder counts; then `fd` is its job's lock, or -1. Nobody holds the lock of a job that a
 * queue has, before it begins. */
static bool holder_lives(const desk *d, const holder *h, int *fd)
{
    char name[XPM__NAME_SIZE];
    *fd = -1;
    if (h->directory == NULL)
        return false;
    xpm__jobdir_name(h->directory, name);
    char *lock = xpm__format("%s/%s.lock", h->directory, name);
    *fd = open_if_held(AT_FDCWD, lock);
    xpm_free(lock);
    return *fd >= 0 || process_lives(d, h) || xpm__jobdir_is_queued(h->directory);
}

static void print_holder(const xpm__taking *taking, int64_t count, xpm__str *out)
{
    char name[XPM__NAME_SIZE];
    xpm__jobdir_name(taking->directory, name);
    xpm__json_open(out, '{');
    xpm__json_pair(out, "job_uri", taking->directory);
    xpm__json_key(out, "information");
    xpm__json_open(out, '{');
    xpm__json_pair_int(out, "count", count);
    xpm__json_close(out, '}');
    xpm__json_key(out, "process");
    xpm__json_open(out, '{');
    xpm__json_pair(out, "type", "local");
    xpm__json_pair_int(out, "pid", getpid());
    xpm__json_close(out, '}');
    xpm__json_key(out, "lock");
    xpm__str_printf(out, "\"%s.lock\"", name);
    xpm__json_close(out, '}');
}

/* TYPE@HASH.json, or with a number when an equal job of another workspace has that. */
static char *holder_name(const desk *d, const char *directory)
{
    const char *hash = strrchr(directory, '/'), *type = hash;
    while (type > directory && type[-1] != '/')
        type--;
    char *name = xpm__format("%.*s@%s.json", (int)(hash - type), type, hash + 1);
    for (int i = 2; xpm__file_exists(d->jobs, name); i++) {
        xpm_free(name);
        name = xpm__format("%.*s@%s.%d.json", (int)(hash - type), type, hash + 1, i);
    }
    return name;
}

static int write_holder(const desk *d, const xpm__taking *taking, xpm__token_request *request,
                        xpm_error *err)
{
    xpm__str out = {0};
    char *name = holder_name(d, taking->directory);
    print_holder(taking, request->count, &out);
    int status = xpm__file_write(d->jobs, name, out.data, out.size, 0666);
    if (status == 0)
        request->holder = xpm__format("%s/jobs/%s", d->folder, name);
    else
        xpm__fail_io(err, d->folder, "take the token of");
    xpm__str_free(&out);
    xpm_free(name);
    return status;
}

/* ---- Tickets ---------------------------------------------------------------------------------- */

static void drop_ticket(const desk *d, xpm__ticket *ticket)
{
    if (ticket->fd < 0)
        return;
    unlinkat(d->queue, ticket->rank.text, 0);
    close(ticket->fd);
    ticket->fd = -1;
}

static void print_ticket(const xpm__turn *turn, xpm__str *out)
{
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    xpm__json_open(out, '{');
    xpm__json_pair(out, "job_uri", turn->directory);
    xpm__json_pair_int(out, "count", turn->count);
    xpm__json_pair(out, "host", host);
    xpm__json_pair_int(out, "pid", getpid());
    xpm__json_close(out, '}');
}

static bool has_ticket(const xpm__ticket *ticket, const xpm__turn *turn)
{
    return ticket->fd >= 0 && strcmp(ticket->rank.text, turn->rank->text) == 0;
}

/* On a full disk the scheduler waits without a place in the queue: then it is served by chance. */
static void put_ticket(const desk *d, xpm__ticket *ticket, const xpm__turn *turn)
{
    xpm__str out = {0};
    int fd = -1;
    if (has_ticket(ticket, turn))
        return;
    print_ticket(turn, &out);
    if (xpm__file_write(d->queue, turn->rank->text, out.data, out.size, 0666) == 0)
        fd = xpm__file_lock(d->queue, turn->rank->text, true); /* a reader may just be looking */
    xpm__str_free(&out);
    drop_ticket(d, ticket);
    ticket->rank = *turn->rank;
    ticket->fd = fd;
}

static void move_ticket(const desk *d, xpm__ticket *ticket, const xpm__turn *next)
{
    if (next != NULL)
        put_ticket(d, ticket, next);
    else
        drop_ticket(d, ticket);
}

void xpm__tokendir_move(const char *folder, xpm__ticket *ticket, const xpm__turn *next)
{
    desk d;
    if (next != NULL ? has_ticket(ticket, next) : ticket->fd < 0)
        return;
    if (enter(&d, folder, NULL) == 0) {
        move_ticket(&d, ticket, next);
        leave(&d);
    } else if (ticket->fd >= 0) {
        close(ticket->fd);
        ticket->fd = -1;
    }
}

/* ---- Taking ----------------------------------------------------------------------------------- */

static void add_blocker(xpm__taking *taking, const char *directory, int fd)
{
    taking->blockers = xpm__grow(taking->blockers, &taking->blocker_capacity, taking->blocker_count,
                                 sizeof *taking->blockers);
    taking->blockers[taking->blocker_count++] =
        (xpm__token_blocker){.directory = xpm__strdup(directory), .fd = fd};
}

static void cut_blockers(xpm__taking *taking, size_t count)
{
    while (taking->blocker_count > count) {
        xpm__token_blocker *last = &taking->blockers[--taking->blocker_count];
        xpm_free(last->directory);
        if (last->fd >= 0)
            close(last->fd);
    }
}

void xpm__taking_clear(xpm__taking *taking)
{
    cut_blockers(taking, 0);
    xpm_free(taking->blockers);
    taking->blockers = NULL;
    taking->blocker_capacity = 0;
}

/* Whether a scheduler that lives waits since before. What dead ones left is removed. */
static bool waits_before(xpm__taking *taking, const desk *d, const xpm__ticket *own)
{
    struct dirent **entries = NULL;
    bool found = false;
    int count = scandirat(d->dir, "queue", &entries, is_visible, by_bytes);
    for (int i = 0; i < count && !found; i++) {
        const char *name = entries[i]->d_name;
        if (strcmp(name, taking->rank->text) >= 0)
            break;
        if (own->fd >= 0 && strcmp(name, own->rank.text) == 0)
            continue;
        int fd = open_if_held(d->queue, name);
        found = fd >= 0;
        if (found)
            add_blocker(taking, NULL, fd);
        else
            unlinkat(d->queue, name, 0);
    }
    free_entries(entries, count);
    return found;
}

/* How many are in use. One that an earlier attempt of the job has left is removed. */
static int64_t count_used(const xpm__taking *taking, const desk *d, const holders *all)
{
    int64_t used = 0;
    for (size_t i = 0; i < all->count; i++) {
        const holder *h = &all->items[i];
        if (h->directory != NULL && strcmp(h->directory, taking->directory) == 0)
            unlinkat(d->jobs, h->file, 0);
        else
            used += h->count;
    }
    return used;
}

/* How many of those in use were in use by jobs that are dead, whose files are removed; the living
 * ones are what the job waits for. */
static int64_t take_back(xpm__taking *taking, const desk *d, const holders *all)
{
    int64_t back = 0;
    int fd;
    for (size_t i = 0; i < all->count; i++) {
        const holder *h = &all->items[i];
        if (h->directory != NULL && strcmp(h->directory, taking->directory) == 0)
            continue;
        if (holder_lives(d, h, &fd)) {
            add_blocker(taking, h->directory, fd);
        } else {
            unlinkat(d->jobs, h->file, 0);
            back += h->count;
        }
    }
    return back;
}

/* Whether one of the job's tokens can be had now. */
static xpm__taken look(xpm__taking *taking, const xpm__token_request *request, const desk *d)
{
    int64_t total;
    size_t blockers = taking->blocker_count;
    if (!read_total(d->dir, &total)) {
        total = request->total;
        write_total(d->dir, total);
    }
    sweep(d);
    holders all = read_holders(d);
    int64_t used = count_used(taking, d, &all);
    bool is_free = false;
    if (request->count <= total && !waits_before(taking, d, request->ticket)) {
        if (used > total - request->count)
            used -= take_back(taking, d, &all);
        is_free = used <= total - request->count;
    }
    if (is_free)
        cut_blockers(taking, blockers);
    clear_holders(&all);
    return is_free ? XPM__TAKEN : request->count <= total ? XPM__NOT_FREE : XPM__TOO_MANY;
}

static xpm__taken look_at_all(xpm__taking *taking, const desk *desks)
{
    xpm__taken taken = XPM__TAKEN;
    for (size_t i = 0; i < taking->count; i++) {
        xpm__taken one = look(taking, &taking->requests[i], &desks[i]);
        if (one > taken)
            taken = one;
    }
    return taken;
}

/* Writes all holders, or none. */
static int write_holders(const xpm__taking *taking, const desk *desks, xpm_error *err)
{
    size_t done = 0;
    while (done < taking->count &&
           write_holder(&desks[done], taking, &taking->requests[done], err) == 0)
        done++;
    if (done == taking->count)
        return 0;
    while (done-- > 0) {
        xpm__token_request *request = &taking->requests[done];
        unlink(request->holder);
        xpm_free(request->holder);
        request->holder = NULL;
    }
    return -1;
}

static xpm__taken take(xpm__taking *taking, const desk *desks, xpm_error *err)
{
    xpm__taken taken = look_at_all(taking, desks);
    if (taken == XPM__TAKEN && write_holders(taking, desks, err) < 0)
        taken = XPM__NOT_TAKEN;
    for (size_t i = 0; i < taking->count; i++) {
        xpm__token_request *request = &taking->requests[i];
        xpm__turn turn = {taking->directory, taking->rank, request->count};
        if (taken == XPM__TAKEN)
            move_ticket(&desks[i], request->ticket, request->next);
        else if (taken == XPM__NOT_FREE)
            put_ticket(&desks[i], request->ticket, &turn);
    }
    return taken;
}

xpm__taken xpm__tokendir_take(xpm__taking *taking, xpm_error *err)
{
    xpm__taken taken = XPM__NOT_TAKEN;
    desk *desks = xpm__zalloc(taking->count * sizeof *desks);
    size_t entered = 0;
    while (entered < taking->count &&
           enter(&desks[entered], taking->requests[entered].folder, err) == 0)
        entered++;
    if (entered == taking->count)
        taken = take(taking, desks, err);
    while (entered-- > 0)
        leave(&desks[entered]);
    xpm_free(desks);
    return taken;
}

/* ---- Giving back ------------------------------------------------------------------------------ */

/* FOLDER of FOLDER/jobs/FILE; NULL when it is not such a path. New: xpm_free. */
static char *folder_of(const char *path)
{
    static const char jobs[] = SUFFIX "/jobs";
    const char *slash = strrchr(path, '/');
    size_t size = slash != NULL ? (size_t)(slash - path) : 0, end = strlen(jobs);
    if (size < end || strncmp(path + size - end, jobs, end) != 0)
        return NULL;
    return xpm__strndup(path, size - strlen("/jobs"));
}

bool xpm__tokendir_is_left(const char *path)
{
    int fd = -1;
    char *folder = folder_of(path);
    if (folder == NULL)
        return false;
    desk d = open_to_read(folder);
    holder h = read_holder(&d, strrchr(path, '/') + 1);
    bool left = h.directory != NULL && !holder_lives(&d, &h, &fd);
    if (fd >= 0)
        close(fd);
    clear_holder(&h);
    leave(&d);
    xpm_free(folder);
    return left;
}

bool xpm__tokendir_reclaim(const char *path)
{
    desk d;
    int fd;
    bool gone = !xpm__file_exists(AT_FDCWD, path);
    char *folder = gone ? NULL : folder_of(path);
    if (folder == NULL || enter(&d, folder, NULL) < 0) {
        xpm_free(folder);
        return gone;
    }
    holder h = read_holder(&d, strrchr(path, '/') + 1);
    gone = !holder_lives(&d, &h, &fd);
    if (gone)
        unlinkat(d.jobs, h.file, 0);
    if (fd >= 0)
        close(fd);
    clear_holder(&h);
    leave(&d);
    xpm_free(folder);
    return gone;
}

int xpm__locks_write(int jobdir, const char *const *paths, size_t count)
{
    xpm__str out = {0};
    xpm__json_open(&out, '{');
    xpm__json_key(&out, "dynamic_locks");
    xpm__json_open(&out, '[');
    for (size_t i = 0; i < count; i++) {
        xpm__json_open(&out, '{');
        xpm__json_pair(&out, "path", paths[i]);
        xpm__json_close(&out, '}');
    }
    xpm__json_close(&out, ']');
    xpm__json_close(&out, '}');
    int status = xpm__file_write(jobdir, LOCKS, out.data, out.size, 0666);
    xpm__str_free(&out);
    return status;
}

/* Whether a file says that the job of this folder has a token: the list may be an old one, and the
 * name another's by now. */
static bool is_of_job(const char *path, int jobdir)
{
    struct stat own, named;
    char *folder = folder_of(path);
    json_object *json = folder != NULL ? xpm__json_read(AT_FDCWD, path) : NULL;
    const char *directory = xpm__json_get_text(json, "job_uri");
    bool same = directory != NULL && fstat(jobdir, &own) == 0 && stat(directory, &named) == 0 &&
                own.st_dev == named.st_dev && own.st_ino == named.st_ino;
    json_object_put(json);
    xpm_free(folder);
    return same;
}

void xpm__locks_release(int jobdir)
{
    if (!xpm__file_exists(jobdir, LOCKS))
        return;
    json_object *json = xpm__json_read(jobdir, LOCKS), *list = xpm__json_get(json, "dynamic_locks");
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *path = xpm__json_get_text(json_object_array_get_idx(list, i), "path");
        if (path != NULL && is_of_job(path, jobdir))
            unlink(path);
    }
    json_object_put(json);
    unlinkat(jobdir, LOCKS, 0);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static void report_holders(const desk *d, xpm__token_report *report)
{
    holders all = read_holders(d);
    for (size_t i = 0; i < all.count; i++) {
        holder *h = &all.items[i];
        int fd;
        if (!holder_lives(d, h, &fd))
            continue;
        if (fd >= 0)
            close(fd);
        report->holders = xpm__grow(report->holders, &report->holder_capacity, report->holder_count,
                                    sizeof *report->holders);
        report->holders[report->holder_count++] =
            (xpm__token_user){.directory = xpm__strdup(h->directory),
                              .count = h->count,
                              .since = xpm__file_modified(d->jobs, h->file)};
        report->used += h->count;
    }
    clear_holders(&all);
}

static void report_waiters(const desk *d, xpm__token_report *report)
{
    struct dirent **entries = NULL;
    int count = scandirat(d->dir, "queue", &entries, is_visible, by_bytes);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        int fd = open_if_held(d->queue, name);
        if (fd < 0)
            continue;
        close(fd);
        json_object *json = xpm__json_read(d->queue, name);
        report->waiters = xpm__grow(report->waiters, &report->waiter_capacity, report->waiter_count,
                                    sizeof *report->waiters);
        report->waiters[report->waiter_count++] =
            (xpm__token_user){.directory = xpm__strdup(xpm__json_get_text(json, "job_uri")),
                              .count = json_object_get_int64(xpm__json_get(json, "count")),
                              .pid = json_object_get_int(xpm__json_get(json, "pid")),
                              .host = xpm__strdup(xpm__json_get_text(json, "host")),
                              .since = (double)strtoll(name, NULL, 10) / 1e9};
        json_object_put(json);
    }
    free_entries(entries, count);
}

int xpm__token_report_read(const char *folder, xpm__token_report *report, xpm_error *err)
{
    const char *slash = strrchr(folder, '/'), *name = slash != NULL ? slash + 1 : folder;
    size_t size = strlen(name) - (ends_with(name, SUFFIX) ? strlen(SUFFIX) : 0);
    desk d = open_to_read(folder);
    *report = (xpm__token_report){0};
    if (d.dir < 0)
        return xpm__fail_io(err, folder, "read the token's folder");
    report->name = xpm__strndup(name, size);
    read_total(d.dir, &report->total);
    report_holders(&d, report);
    report_waiters(&d, report);
    leave(&d);
    return 0;
}

static void clear_users(xpm__token_user *users, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        xpm_free(users[i].directory);
        xpm_free(users[i].host);
    }
    xpm_free(users);
}

void xpm__token_report_clear(xpm__token_report *report)
{
    clear_users(report->holders, report->holder_count);
    clear_users(report->waiters, report->waiter_count);
    xpm_free(report->name);
    *report = (xpm__token_report){0};
}

static int is_token(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && ends_with(entry->d_name, SUFFIX);
}

char **xpm__tokendirs(const char *workspace)
{
    struct dirent **entries = NULL;
    char *tokens = xpm__format("%s/tokens", workspace);
    int count = scandirat(AT_FDCWD, tokens, &entries, is_token, by_bytes);
    char **folders = xpm__zalloc(((size_t)(count > 0 ? count : 0) + 1) * sizeof *folders);
    for (int i = 0; i < count; i++)
        folders[i] = xpm__format("%s/%s", tokens, entries[i]->d_name);
    free_entries(entries, count);
    xpm_free(tokens);
    return folders;
}

void xpm__tokendirs_free(char **folders)
{
    for (size_t i = 0; folders != NULL && folders[i] != NULL; i++)
        xpm_free(folders[i]);
    xpm_free(folders);
}
