#include "run/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { END = 0 }; /* what is written in the place of a signal, when none is awaited any more */

/* A process has one experiment of which signals speak. */
static struct {
    int ends[2]; /* of a pipe, with a byte for each signal */
    volatile sig_atomic_t came;
    bool watched;
    pthread_t thread;
    const char *program;
    xpm_experiment *xp;
} interrupt = {.ends = {-1, -1}};

static void on_signal(int number)
{
    int saved = errno;
    char byte = (char)number;
    if (interrupt.came == 0)
        interrupt.came = number;
    ssize_t written = write(interrupt.ends[1], &byte, 1);
    (void)written; /* it fails when the pipe is full of them */
    errno = saved;
}

/* Without SA_RESTART: who waits for the lock of an experiment is to give up. */
static void handle(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int xpm__interrupt_catch(void)
{
    if (pipe2(interrupt.ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    handle(on_signal);
    return 0;
}

int xpm__interrupt_came(void)
{
    return interrupt.came;
}

/* ---- The thread ------------------------------------------------------------------------------- */

/* The signal that comes within so many milliseconds (-1: ever); END when none does. */
static int next_signal(int milliseconds)
{
    struct pollfd watched = {.fd = interrupt.ends[0], .events = POLLIN};
    char byte = END;
    int ready;
    do /* a program that was stopped, and goes on, is told of it here */
        ready = poll(&watched, 1, milliseconds);
    while (ready < 0 && errno == EINTR);
    return ready > 0 && read(interrupt.ends[0], &byte, 1) == 1 ? byte : END;
}

static void leave_running(size_t running)
{
    bool one = running == 1;
    fprintf(stderr,
            "%s: %zu %s on, in %s/jobs: run the same command again, and it takes %s over. Ctrl-C "
            "again within %d seconds cancels %s\n",
            interrupt.program, running, one ? "job goes" : "jobs go",
            xpm_experiment_workspace(interrupt.xp), one ? "it" : "them", XPM__PATIENCE,
            one ? "it" : "them");
    if (next_signal(XPM__PATIENCE * 1000) == END)
        return;
    size_t cancelled = xpm_experiment_cancel(interrupt.xp);
    fprintf(stderr, "%s: cancelled %zu job%s\n", interrupt.program, cancelled,
            cancelled == 1 ? "" : "s");
}

static void *watch(void *user)
{
    (void)user;
    if (next_signal(-1) == END)
        return NULL;
    xpm_experiment_stop(interrupt.xp);
    size_t running = xpm_experiment_counts(interrupt.xp).running;
    if (running > 0)
        leave_running(running);
    handle(SIG_DFL);
    return NULL;
}

int xpm__interrupt_watch(const char *program, xpm_experiment *xp)
{
    sigset_t all, before;
    interrupt.program = program;
    interrupt.xp = xp;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* they are the main thread's, which waits */
    errno = pthread_create(&interrupt.thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    interrupt.watched = errno == 0;
    return interrupt.watched ? 0 : -1;
}

void xpm__interrupt_end(void)
{
    static const char end = END;
    if (!interrupt.watched)
        return;
    while (write(interrupt.ends[1], &end, 1) < 0 && errno == EINTR)
        continue;
    pthread_join(interrupt.thread, NULL);
    interrupt.watched = false;
    handle(SIG_DFL);
}
