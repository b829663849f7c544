#include "base/lockwait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

enum { FIRST_FD = 40, STACK_SIZE = 128 << 10 };

/* One thread, and what it waits for. */
typedef struct waiting {
    xpm__lockwaits *waits; /* NULL once they are gone: what it gets is then let go */
    char *path;            /* NULL when the lock of an open file is to be free: */
    int file;
    dev_t device; /* of that file */
    ino_t inode;
    xpm__locked locked;
    void *user;
    void *about;
    int fd, error;
    bool done;
    struct waiting *next;
} waiting;

struct xpm__lockwaits {
    waiting *first; /* with the mutex */
    void (*wake)(void *user);
    void *user;
};

/* Threads outlive who started them. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void free_waiting(waiting *w)
{
    if (w->fd >= 0)
        close(w->fd);
    xpm_free(w->path);
    xpm_free(w);
}

/* No lock is kept: it is the next holder's. */
static int wait_until_free(int file)
{
    while (flock(file, LOCK_SH) < 0 && errno == EINTR)
        continue;
    close(file);
    return -1;
}

static void *wait_for_lock(void *user)
{
    waiting *w = user;
    int fd = w->path != NULL ? xpm__move_up(xpm__file_lock(AT_FDCWD, w->path, true))
                             : wait_until_free(w->file);
    int error = errno;
    pthread_mutex_lock(&mutex);
    w->fd = fd;
    w->error = error;
    w->done = true;
    if (w->waits != NULL)
        w->waits->wake(w->waits->user);
    else
        free_waiting(w);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

/* Signals are for the thread that submits. */
static int start_thread(waiting *w)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&thread, &attributes, wait_for_lock, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return status;
}

xpm__lockwaits *xpm__lockwaits_new(void (*wake)(void *user), void *user)
{
    xpm__lockwaits *waits = xpm__zalloc(sizeof *waits);
    waits->wake = wake;
    waits->user = user;
    return waits;
}

int xpm__lockwaits_add(xpm__lockwaits *waits, const char *path, xpm__locked locked, void *user,
                       void *about, xpm_error *err)
{
    waiting *w = xpm__zalloc(sizeof *w);
    *w = (waiting){.waits = waits,
                   .path = xpm__strdup(path),
                   .locked = locked,
                   .user = user,
                   .about = about,
                   .fd = -1};
    pthread_mutex_lock(&mutex);
    int status = errno = start_thread(w);
    if (status == 0) {
        w->next = waits->first;
        waits->first = w;
    }
    pthread_mutex_unlock(&mutex);
    if (status == 0)
        return 0;
    free_waiting(w);
    return xpm__fail_io(err, path, "start a thread that waits for");
}

/* With the mutex held. */
static bool is_waited_for(const xpm__lockwaits *waits, const struct stat *file)
{
    const waiting *w = waits->first;
    while (w != NULL &&
           (w->done || w->path != NULL || w->device != file->st_dev || w->inode != file->st_ino))
        w = w->next;
    return w != NULL;
}

void xpm__lockwaits_add_free(xpm__lockwaits *waits, int fd, xpm__locked locked, void *user)
{
    struct stat file = {0};
    waiting *w = xpm__zalloc(sizeof *w);
    fstat(fd, &file);
    *w = (waiting){.waits = waits,
                   .file = fd,
                   .device = file.st_dev,
                   .inode = file.st_ino,
                   .locked = locked,
                   .user = user,
                   .fd = -1};
    pthread_mutex_lock(&mutex);
    bool started = !is_waited_for(waits, &file) && start_thread(w) == 0;
    if (started) {
        w->next = waits->first;
        waits->first = w;
    }
    pthread_mutex_unlock(&mutex);
    if (started)
        return;
    close(fd);
    free_waiting(w);
}

/* One that has its lock, taken out of the list; NULL when there is none. */
static waiting *take_done(xpm__lockwaits *waits)
{
    pthread_mutex_lock(&mutex);
    waiting **link = &waits->first, *w;
    while ((w = *link) != NULL && !w->done)
        link = &w->next;
    if (w != NULL)
        *link = w->next;
    pthread_mutex_unlock(&mutex);
    return w;
}

void xpm__lockwaits_run(xpm__lockwaits *waits)
{
    waiting *w;
    while ((w = take_done(waits)) != NULL) {
        int fd = w->fd;
        w->fd = -1;
        errno = w->error;
        w->locked(w->user, w->about, fd);
        free_waiting(w);
    }
}

void xpm__lockwaits_free(xpm__lockwaits *waits)
{
    if (waits == NULL)
        return;
    pthread_mutex_lock(&mutex);
    for (waiting *w = waits->first, *next; w != NULL; w = next) {
        next = w->next;
        w->waits = NULL;
        if (w->done)
            free_waiting(w);
    }
    pthread_mutex_unlock(&mutex);
    xpm_free(waits);
}

/* ---- One lock, for a thread that has no loop ---------------------------------------------------- */

typedef struct single {
    int woken; /* an eventfd */
    int fd, error;
    bool done;
} single;

static void wake_single(void *user)
{
    static const uint64_t once = 1;
    const single *s = user;
    if (write(s->woken, &once, sizeof once) < 0)
        errno = 0; /* it is woken already */
}

static void got_single(void *user, void *about, int fd)
{
    single *s = user;
    (void)about;
    s->error = errno;
    s->fd = fd;
    s->done = true;
}

/* Waits for the thread; whether to give up. */
static bool wait_for_single(const single *s, int signals, bool (*interrupted)(void *user),
                            void *user)
{
    struct pollfd fds[] = {{.fd = s->woken, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    int ready = poll(fds, 2, -1);
    bool came = ready < 0 ? errno == EINTR : fds[1].revents != 0;
    return came && interrupted != NULL && interrupted(user);
}

int xpm__lockwait(const char *path, int signals, bool (*interrupted)(void *user), void *user)
{
    single s = {.woken = eventfd(0, EFD_CLOEXEC), .fd = -1};
    if (s.woken < 0)
        return -1;
    xpm__lockwaits *waits = xpm__lockwaits_new(wake_single, &s);
    bool gives_up = false;
    if (xpm__lockwaits_add(waits, path, got_single, &s, NULL, NULL) < 0) {
        s.error = errno;
        s.done = true;
    }
    while (!s.done && !gives_up) {
        gives_up = wait_for_single(&s, signals, interrupted, user);
        xpm__lockwaits_run(waits);
    }
    xpm__lockwaits_free(waits);
    close(s.woken);
    errno = s.done ? s.error : EINTR;
    return s.fd;
}

/* ---- Descriptors -------------------------------------------------------------------------------- */

int xpm__move_up(int fd)
{
    int moved = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD) : -1, saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return moved;
}
