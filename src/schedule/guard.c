#include "schedule/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "record/jobdir.h"

enum {
    FIRST_FD = 64, /* above all those that a process is started with: none is overwritten */
    STACK_SIZE = 128 << 10
};

/* A directory, and the jobs of this scheduler that wait to enter it. */
typedef struct gate {
    char *directory;
    bool taken;
    xpm_job *first, **last; /* linked by `next` */
    struct gate *next;      /* of all */
} gate;

/* A thread that waits for the lock of another process. */
typedef struct waiting {
    xpm__guards *guards; /* NULL once they are gone: what it gets is then let go */
    xpm_job *job;
    char *path;
    int fd;
    bool done;
    struct waiting *next;
} waiting;

struct xpm__guards {
    xpm__map by_directory;
    gate *gates;
    waiting *waits; /* with the mutex */
    void (*resume)(void *user, xpm_job *job);
    void (*wake)(void *user);
    void *user;
};

/* Threads outlive the scheduler that started them. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

xpm__guards *xpm__guards_new(void (*resume)(void *user, xpm_job *job), void (*wake)(void *user),
                             void *user)
{
    xpm__guards *guards = xpm__zalloc(sizeof *guards);
    guards->resume = resume;
    guards->wake = wake;
    guards->user = user;
    return guards;
}

/* ---- Locks of other processes ----------------------------------------------------------------- */

static int move_up(int fd)
{
    int moved = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD) : -1;
    if (fd >= 0)
        close(fd);
    return moved;
}

static void free_waiting(waiting *w)
{
    if (w->fd >= 0)
        close(w->fd);
    xpm_free(w->path);
    xpm_free(w);
}

static void *wait_for_lock(void *user)
{
    waiting *w = user;
    int fd = move_up(xpm__file_lock(AT_FDCWD, w->path, true));
    pthread_mutex_lock(&mutex);
    w->fd = fd;
    w->done = true;
    if (w->guards != NULL)
        w->guards->wake(w->guards->user);
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

static int wait_elsewhere(xpm__guards *guards, xpm_job *job, const char *path, xpm_error *err)
{
    waiting *w = xpm__zalloc(sizeof *w);
    *w = (waiting){.guards = guards, .job = job, .path = xpm__strdup(path), .fd = -1};
    pthread_mutex_lock(&mutex);
    int status = errno = start_thread(w);
    if (status == 0) {
        w->next = guards->waits;
        guards->waits = w;
    }
    pthread_mutex_unlock(&mutex);
    if (status == 0)
        return 0;
    free_waiting(w);
    return xpm__fail_io(err, path, "start a thread that waits for");
}

xpm_job *xpm__guards_next(xpm__guards *guards)
{
    xpm_job *job = NULL;
    pthread_mutex_lock(&mutex);
    waiting **link = &guards->waits, *w;
    while ((w = *link) != NULL && !w->done)
        link = &w->next;
    if (w != NULL) {
        job = w->job;
        job->guards[job->guards_taken].fd = w->fd; /* -1: it is tried again, and the error seen */
        w->fd = -1;
        *link = w->next;
        free_waiting(w);
    }
    pthread_mutex_unlock(&mutex);
    return job;
}

/* Locks the guard's directory. 0, 1 when a thread waits for it, -1 and an error. */
static int lock_guard(xpm__guards *guards, xpm_job *job, struct xpm__guard *guard, xpm_error *err)
{
    char *folder = xpm__format("%s/" XPM__PARTIAL_LOCKS, guard->directory);
    char *path = xpm__format("%s/" XPM__PARTIAL_LOCK, guard->directory);
    int status = xpm__file_mkdirs(folder, err);
    if (status == 0 && (guard->fd = move_up(xpm__file_lock(AT_FDCWD, path, false))) < 0) {
        if (errno == EWOULDBLOCK)
            status = wait_elsewhere(guards, job, path, err) == 0 ? 1 : -1;
        else
            status = xpm__fail_io(err, path, "lock");
    }
    xpm_free(folder);
    xpm_free(path);
    return status;
}

/* ---- Gates ------------------------------------------------------------------------------------ */

static gate *find_gate(xpm__guards *guards, const char *directory)
{
    gate *found = xpm__map_find(&guards->by_directory, directory);
    if (found != NULL)
        return found;
    found = xpm__zalloc(sizeof *found);
    found->directory = xpm__strdup(directory);
    found->last = &found->first;
    found->next = guards->gates;
    guards->gates = found;
    xpm__map_set(&guards->by_directory, found->directory, found);
    return found;
}

/* Whether the job has the gate; if not, it is in its list. */
static bool pass_gate(xpm__guards *guards, xpm_job *job, struct xpm__guard *guard)
{
    gate *entered = find_gate(guards, guard->directory);
    if (!entered->taken) {
        entered->taken = guard->gate = true;
        return true;
    }
    job->next = NULL;
    *entered->last = job;
    entered->last = &job->next;
    return false;
}

/* The gate is given to the first that waits, who has it from now on. */
static void leave_gate(xpm__guards *guards, const char *directory)
{
    gate *left = find_gate(guards, directory);
    xpm_job *job = left->first;
    left->taken = job != NULL;
    if (job == NULL)
        return;
    left->first = job->next;
    if (left->first == NULL)
        left->last = &left->first;
    job->guards[job->guards_taken].gate = true;
    guards->resume(guards->user, job);
}

/* ---- Entering and leaving --------------------------------------------------------------------- */

xpm__entered xpm__guards_take(xpm__guards *guards, xpm_job *job, xpm_error *err)
{
    for (; job->guards_taken < job->guard_count; job->guards_taken++) {
        struct xpm__guard *guard = &job->guards[job->guards_taken];
        if (!guard->gate && !pass_gate(guards, job, guard))
            return XPM__ENTER_WAITS;
        int status = guard->fd < 0 ? lock_guard(guards, job, guard, err) : 0;
        if (status != 0)
            return status > 0 ? XPM__ENTER_WAITS : XPM__ENTER_FAILED;
    }
    return XPM__ENTERED;
}

void xpm__guards_hand_over(xpm_job *job)
{
    for (size_t i = 0; i < job->guard_count; i++) {
        if (job->guards[i].fd >= 0)
            close(job->guards[i].fd);
        job->guards[i].fd = -1;
    }
}

void xpm__guards_release(xpm__guards *guards, xpm_job *job)
{
    xpm__guards_hand_over(job);
    for (size_t i = 0; i < job->guard_count; i++) {
        if (job->guards[i].gate)
            leave_gate(guards, job->guards[i].directory);
        job->guards[i].gate = false;
    }
    job->guards_taken = 0;
}

void xpm__guards_free(xpm__guards *guards)
{
    if (guards == NULL)
        return;
    pthread_mutex_lock(&mutex);
    for (waiting *w = guards->waits, *next; w != NULL; w = next) {
        next = w->next;
        w->guards = NULL;
        if (w->done)
            free_waiting(w);
    }
    pthread_mutex_unlock(&mutex);
    for (gate *g = guards->gates, *next; g != NULL; g = next) {
        next = g->next;
        xpm_free(g->directory);
        xpm_free(g);
    }
    xpm__map_free(&guards->by_directory);
    xpm_free(guards);
}
