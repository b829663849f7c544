/* Waiting without looking: the library waits until the kernel wakes it, and in the main thread a signal
 * does so too, through the descriptor that Python writes to in its handler. */
#include "engine.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- Signals ------------------------------------------------------------------------------------- */

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

int engine_alarm_begin(engine_alarm *alarm)
{
    *alarm = (engine_alarm){.pipe = {-1, -1}, .before = -1};
    if (getpid() != gettid())
        return 0;
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

/* Whoever was told of signals before is told of them too. */
bool engine_alarm_take(const engine_alarm *alarm)
{
    char signals[64];
    bool came = false;
    ssize_t size;
    while (alarm->pipe[0] >= 0 && (size = read(alarm->pipe[0], signals, sizeof signals)) > 0) {
        came = true;
        if (alarm->before >= 0 && write(alarm->before, signals, (size_t)size) < 0)
            break; /* it is full: its reader is woken already */
    }
    return came;
}

/* An exception that is raised stays so. */
void engine_alarm_end(const engine_alarm *alarm)
{
    PyObject *type, *value, *traceback;
    if (alarm->pipe[0] < 0)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    if (set_wakeup(alarm->before) < -1) { /* that descriptor was closed meanwhile */
        PyErr_Clear();
        (void)set_wakeup(-1);
    }
    PyErr_Restore(type, value, traceback);
    (void)engine_alarm_take(alarm);
    close(alarm->pipe[0]);
    close(alarm->pipe[1]);
}

/* ---- Waiting ------------------------------------------------------------------------------------- */

/* Those that close the experiment wait until the last one has left. */
static void leave(Experiment *experiment)
{
    static const uint64_t once = 1;
    experiment->inside--;
    if (experiment->left >= 0 && write(experiment->left, &once, sizeof once) < 0)
        PyErr_BadInternalCall();
}

int engine_wait(Experiment *experiment, engine_waits waits, void *user)
{
    engine_alarm alarm;
    if (engine_alarm_begin(&alarm) < 0)
        return -1;
    if (PyErr_CheckSignals() < 0) { /* one that came before: from here on, they wake it */
        engine_alarm_end(&alarm);
        return -1;
    }
    int fd = alarm.pipe[0] >= 0 ? alarm.pipe[0] : experiment->closing;
    experiment->inside++;
    Py_BEGIN_ALLOW_THREADS;
    waits(user, fd);
    Py_END_ALLOW_THREADS;
    leave(experiment);
    bool came = engine_alarm_take(&alarm);
    engine_alarm_end(&alarm);
    return PyErr_CheckSignals() < 0 ? -1 : came;
}
