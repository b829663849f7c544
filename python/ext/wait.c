/* Waiting without looking: the library waits until the kernel wakes it, and in the main thread a signal
 * does so too, through the descriptor that Python writes to in its handler. */
#include "engine.h"

#include <fcntl.h>
#include <unistd.h>

/* What signals are told to while the main thread waits. */
typedef struct alarm {
    int pipe[2];
    int before; /* the descriptor that Python wrote to; -1 for none */
} alarm_t;

static bool is_main_thread(void)
{
    return getpid() == gettid();
}

/* The descriptor that Python wrote to before; -2 and an exception when it cannot be changed. */
static int set_wakeup(int fd)
{
    PyObject *set = engine_import("_signal", "set_wakeup_fd");
    PyObject *before = set != NULL ? PyObject_CallFunction(set, "i", fd) : NULL;
    int number = before != NULL ? (int)PyLong_AsLong(before) : -2;
    Py_XDECREF(set);
    Py_XDECREF(before);
    return number;
}

static int alarm_begin(alarm_t *alarm)
{
    if (pipe2(alarm->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    alarm->before = set_wakeup(alarm->pipe[1]);
    if (alarm->before >= -1)
        return 0;
    close(alarm->pipe[0]);
    close(alarm->pipe[1]);
    return -1;
}

/* Whether a signal came. Whoever was told of signals before is told of it too. The descriptor that was
 * there before may be closed by now: then nobody is. */
static bool alarm_end(const alarm_t *alarm)
{
    char signals[64];
    bool came = false;
    ssize_t size;
    if (set_wakeup(alarm->before) < -1) {
        PyErr_Clear();
        (void)set_wakeup(-1);
    }
    while ((size = read(alarm->pipe[0], signals, sizeof signals)) > 0) {
        came = true;
        if (alarm->before >= 0 && write(alarm->before, signals, (size_t)size) < 0)
            break; /* it is full: its reader is woken already */
    }
    close(alarm->pipe[0]);
    close(alarm->pipe[1]);
    return came;
}

/* Those that close the experiment wait until the last one has left. */
static void leave(Experiment *experiment)
{
    static const uint64_t once = 1;
    experiment->inside--;
    if (experiment->left >= 0 && write(experiment->left, &once, sizeof once) < 0)
        PyErr_BadInternalCall();
}

static void wait_inside(Experiment *experiment, engine_waits waits, void *user, int fd)
{
    experiment->inside++;
    Py_BEGIN_ALLOW_THREADS;
    waits(user, fd);
    Py_END_ALLOW_THREADS;
    leave(experiment);
}

int engine_wait(Experiment *experiment, engine_waits waits, void *user)
{
    alarm_t alarm;
    if (!is_main_thread()) {
        wait_inside(experiment, waits, user, experiment->closing);
        return 0;
    }
    if (PyErr_CheckSignals() < 0 || alarm_begin(&alarm) < 0)
        return -1;
    wait_inside(experiment, waits, user, alarm.pipe[0]);
    bool came = alarm_end(&alarm);
    return PyErr_CheckSignals() < 0 ? -1 : came;
}
