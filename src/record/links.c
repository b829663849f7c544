#include "record/links.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <experimaestro.h>

#include "base/mem.h"

enum {
    ALONE = 64, /* so many are made before a thread is worth while */
    ROOM = 4096 /* how many wait for it at most; a power of two */
};

struct xpm__links {
    int run;
    size_t made; /* without the thread */
    bool threaded;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards: */
    pthread_cond_t changed;
    struct link {
        const char *type;
        char hash[XPM_HEX_SIZE];
    } * waiting;        /* a ring of ROOM */
    size_t added, done; /* since the thread began */
    int error;          /* errno of the first that failed */
    bool ended;
};

xpm__links *xpm__links_new(int run)
{
    xpm__links *links = xpm__zalloc(sizeof *links);
    links->run = run;
    pthread_mutex_init(&links->mutex, NULL);
    pthread_cond_init(&links->changed, NULL);
    return links;
}

/* 0 or errno. */
static int make_link(int run, const char *type, const char *hash)
{
    char link[PATH_MAX], target[PATH_MAX], folder[PATH_MAX];
    int size = snprintf(target, sizeof target, "../../../../../jobs/%s/%s", type, hash);
    if (size < 0 || (size_t)size >= sizeof target)
        return ENAMETOOLONG;
    snprintf(link, sizeof link, "jobs/%s/%s", type, hash);
    if (symlinkat(target, run, link) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT)
        return errno;
    snprintf(folder, sizeof folder, "jobs/%s", type);
    return mkdirat(run, folder, 0777) == 0 && symlinkat(target, run, link) == 0 ? 0 : errno;
}

static void *make_waiting(void *user)
{
    xpm__links *links = user;
    pthread_mutex_lock(&links->mutex);
    for (;;) {
        while (links->done == links->added && !links->ended)
            pthread_cond_wait(&links->changed, &links->mutex);
        if (links->done == links->added)
            break;
        struct link link = links->waiting[links->done % ROOM];
        pthread_mutex_unlock(&links->mutex);
        int error = make_link(links->run, link.type, link.hash);
        pthread_mutex_lock(&links->mutex);
        if (links->error == 0)
            links->error = error;
        if (links->added - links->done++ == ROOM) /* who adds waits for room */
            pthread_cond_broadcast(&links->changed);
    }
    pthread_mutex_unlock(&links->mutex);
    return NULL;
}

/* Signals are for the thread that submits. */
static bool start_thread(xpm__links *links)
{
    sigset_t all, before;
    sigfillset(&all);
    links->waiting = xpm__alloc(ROOM * sizeof *links->waiting);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    links->threaded = pthread_create(&links->thread, NULL, make_waiting, links) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!links->threaded) {
        xpm_free(links->waiting);
        links->waiting = NULL;
    }
    return links->threaded;
}

static int hand_over(xpm__links *links, const char *type, const char *hash)
{
    pthread_mutex_lock(&links->mutex);
    while (links->added - links->done == ROOM)
        pthread_cond_wait(&links->changed, &links->mutex);
    struct link *link = &links->waiting[links->added % ROOM];
    link->type = type;
    snprintf(link->hash, sizeof link->hash, "%s", hash);
    if (links->added++ == links->done)
        pthread_cond_broadcast(&links->changed);
    int error = links->error;
    pthread_mutex_unlock(&links->mutex);
    return error;
}

int xpm__links_add(xpm__links *links, const char *type, const char *hash)
{
    bool threaded = links->threaded || (links->made >= ALONE && start_thread(links));
    links->made++;
    errno = threaded ? hand_over(links, type, hash) : make_link(links->run, type, hash);
    return errno == 0 ? 0 : -1;
}

int xpm__links_end(xpm__links *links)
{
    if (links == NULL)
        return 0;
    pthread_mutex_lock(&links->mutex);
    links->ended = true;
    pthread_cond_broadcast(&links->changed);
    pthread_mutex_unlock(&links->mutex);
    if (links->threaded)
        pthread_join(links->thread, NULL);
    int error = links->error;
    pthread_cond_destroy(&links->changed);
    pthread_mutex_destroy(&links->mutex);
    xpm_free(links->waiting);
    xpm_free(links);
    errno = error;
    return error == 0 ? 0 : -1;
}
