"""Acting on what happens in an experiment, in its process: listeners, what is called when a task has
completed, and outputs that are announced while a task runs."""

import inspect
import threading
import traceback

told = threading.local()  # its `experiment`: of which the thread tells what happens


class Listener:
    """Is told what happens in an experiment, if its addlistener was given it. Derive from it. What
    it does may submit tasks, which the experiment then waits for too."""

    def on_job_submitted(self, job):
        """A Job was submitted, for the first time in this run."""
        self.job_submitted(job)

    def on_job_state_changed(self, job):
        """The state of a Job has changed, once for each change; `job.state` is the state by now."""
        self.job_state(job)

    def on_service_added(self, service):
        """A Service was added. Called by add_service, in its thread."""
        self.service_add(service)

    def job_submitted(self, job):
        """on_job_submitted, as older programs name it."""

    def job_state(self, job):
        """on_job_state_changed, as older programs name it."""

    def service_add(self, service):
        """on_service_added, as older programs name it."""


# How older programs name what a listener has.
OLDER = {
    "on_job_submitted": "job_submitted",
    "on_job_state_changed": "job_state",
    "on_service_added": "service_add",
}


def method_of(listener, name):
    """What a listener has by this name, or the older one; None when it has neither."""
    return getattr(listener, name, None) or getattr(listener, OLDER[name], None)


def check_listener(listener):
    """Whether it can be told anything: TypeError."""
    if not any(method_of(listener, name) for name in OLDER):
        raise TypeError(f"{listener!r} is no Listener: it has none of {', '.join(OLDER)}")
    if isinstance(listener, type):
        raise TypeError(f"{listener!r} is a class: give an object of it")


class Watch:
    """One call of watch_output."""

    def __init__(self, task, method, callback):
        self.task = task
        self.method = method
        self.callback = callback
        self.key = method.__self__.__xpm__.identifier.all.hex(), method.__name__

    def tell(self, arguments, named):
        """An output was announced: makes it, and hands it over."""
        from .submit import Dependency

        self.callback(self.method(Dependency(self.task, soft=True), *arguments, **named))


class Teller:
    """Tells what happens in an experiment, from one thread: each thing once, in order. What is
    called may raise: that is printed, and changes nothing."""

    def __init__(self, xp):
        self.listeners = []
        self._xp = xp
        self._lock = threading.Lock()
        self._completed = {}  # identifier -> what is called when the job is done
        self._watches = {}  # number -> Watch
        xp.engine.listen()
        self._thread = threading.Thread(target=self._run, daemon=True, name="xpm-notices")
        self._thread.start()

    def stop(self):
        """Tells what has happened so far, and ends."""
        self._xp.engine.unlisten()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def on_completed(self, job, callback):
        """Calls `callback` once the job is done, or now if it is."""
        with self._lock:
            self._completed.setdefault(job.identifier, []).append(callback)
        job._tell()

    def watch(self, job, watch):
        """Tells a Watch of each output that the job announces, or has announced."""
        with self._lock:  # the first notice may come at once
            self._watches[job._watch()] = watch

    def tell(self, name, argument):
        """Calls a method of each listener."""
        for listener in list(self.listeners):
            method = method_of(listener, name)
            if method is not None:
                call(method, argument)

    def _run(self):
        told.experiment = self._xp
        while (notice := self._xp.engine.next()) is not None:
            call(getattr(self, "_tell_" + notice[0]), *notice[1:])

    def _tell_submitted(self, identifier):
        self.tell("on_job_submitted", self._xp.jobs[identifier])

    def _tell_state(self, identifier, state):
        self.tell("on_job_state_changed", self._xp.jobs[identifier])
        if state == "done":
            with self._lock:
                callbacks = self._completed.pop(identifier, ())
            for callback in callbacks:
                call(callback)

    def _tell_output(self, identifier, number, config, method, arguments, named):
        with self._lock:
            watch = self._watches[number]
        if watch.key == (config, method):
            call(watch.tell, arguments, named)


def call(function, *arguments, **named):
    """Calls what may raise, sys.exit() too: without this thread, the experiment would never end."""
    try:
        function(*arguments, **named)
    except BaseException:
        traceback.print_exc()


def completion(callback, task):
    """What on_completed has called: `callback`, with the task if it takes an argument."""
    try:
        inspect.signature(callback).bind()
    except TypeError:
        return lambda: callback(task)
    except ValueError:  # what it takes is not known
        pass
    return callback


def on_completed(xp, task, callback):
    """See Task.on_completed; the task was submitted to `xp`."""
    xp.teller.on_completed(task._job, completion(callback, task))


def check_called(callback):
    """Whether it can be called: TypeError."""
    if not callable(callback):
        raise TypeError(f"the callback must be a function, and is {callback!r}")


def check_watched(method):
    """What may be watched: TypeError."""
    from .config import Config

    if not isinstance(getattr(method, "__self__", None), Config):
        raise TypeError(
            f"{method!r} is no method of a configuration: give the one whose outputs the task "
            "registers, of the task or of what it holds"
        )


def watch_output(xp, task, method, callback):
    """See Task.watch_output; the task was submitted to `xp`."""
    watch = Watch(task, method, callback)
    if all(config.__xpm__.identifier.all.hex() != watch.key[0] for config in task._reached(True)):
        raise TypeError(f"{method!r} is of a configuration that {task!r} does not hold: the task cannot "
                        "announce its outputs")
    xp.teller.watch(task._job, watch)
