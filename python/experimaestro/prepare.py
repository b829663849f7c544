"""Prepare: what must be done in the process of the experiment before a task can run."""

import sys

from .config import Config

used = False  # whether there is any such class: when there is none, nothing is looked for
_known = {}  # identifier -> Preparation: those that go on, or have succeeded, in this process


class Prepare(Config):
    """A configuration that must be prepared, here, before a task that holds it can run: data that
    the machines which run tasks cannot download, for example.

        class Corpus(Prepare):
            name: Param[str]

            def prepare(self):
                download(self.name)

    `prepare` is called on the configuration, in a thread, once for each identifier in a process,
    when the first task that needs it is submitted and is not done. The task starts when all that it
    holds is prepared; it fails when one preparation has failed. What tasks have produced is not
    looked into. With RunMode.PREPARE, nothing else is done, and `submit` waits for it.
    """

    def __init_subclass__(cls, **kwargs):
        global used
        used = True
        super().__init_subclass__(**kwargs)

    def prepare(self):
        """Prepares the configuration. An exception makes the tasks that need it fail."""


class Preparation:
    """One that goes on or is done, and the jobs that wait for it."""

    def __init__(self, config):
        import threading

        self.config = config
        self.jobs = []
        self.done = False
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.run, name=repr(config), daemon=True)

    def run(self):
        failure = None
        try:
            self.config.prepare()
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
            failure = f"cannot prepare {self.config!r}: {type(error).__name__}: {error}"
            _known.pop(self.config.__xpm__.identifier.all, None)  # to be tried again
        with self.lock:
            self.done = True
            jobs, self.jobs = self.jobs, []
        for job in jobs:
            job._release(failure)

    def hold(self, job):
        """Keeps a job from starting until it is done."""
        with self.lock:
            if not self.done and job._hold():
                self.jobs.append(job)


def attach(task, job, mode):
    """Prepares what a sealed task holds; its job, which is not handed over yet, waits for it."""
    if mode not in ("NORMAL", "PREPARE") or job._is_done:
        return
    for config in task._reached(False):
        if not isinstance(config, Prepare):
            continue
        identifier = config.__xpm__.identifier.all
        known = _known.get(identifier)
        if known is None:
            if mode == "PREPARE":
                config.prepare()
            known = _known[identifier] = Preparation(config)
            known.done = mode == "PREPARE"
            known.hold(job)
            if not known.done:
                known.thread.start()
        else:
            known.hold(job)
