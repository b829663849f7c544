"""The job of a submitted task."""

import os
from _collections_abc import MutableMapping

from . import _engine
from .launcher import DirectLauncher


class Environment(MutableMapping):
    """The environment of a job: what is set here comes over what its launcher and its experiment set,
    and that over what it inherits."""

    def __init__(self, job):
        self._job = job

    def __getitem__(self, name):
        value = self._job._getenv(name)
        if value is None:
            value = os.environ[name]
        return value

    def __setitem__(self, name, value):
        self._job._setenv(name, value)

    def __delitem__(self, name):
        raise TypeError("the variables of a job cannot be removed: set this one to another value")

    def __iter__(self):
        return iter({**os.environ, **self._job._variables()})

    def __len__(self):
        return len({**os.environ, **self._job._variables()})


class Job(_engine.Job):
    """The job of a task: what runs, and where. Made by Task.submit.

    environ: the environment of its process, which hooks may change.
    launcher: the Launcher that it was submitted with.
    priority: of jobs that are ready, those with a higher one start first. It is the launcher's, and
        hooks may change it.
    identifier, type, name: 64 hexadecimal digits, the type's name, and its last component.

    Those of equal tasks that one experiment was given are equal: they are one job.
    """

    launcher = DirectLauncher()  # unless it was given another
    _environ = _priority = None

    @property
    def environ(self):
        """A mapping: what its process has. What is set here comes over what its launcher sets, that over
        what its experiment sets, and that over the inherited environment."""
        if self._environ is None:
            self._environ = Environment(self)
        return self._environ

    @property
    def priority(self):
        return self.launcher.priority if self._priority is None else self._priority

    @priority.setter
    def priority(self, priority):
        self._priority = priority

    @property
    def path(self):
        """Its directory: a Path."""
        from pathlib import Path

        return Path(self._directory)

    @property
    def stdout(self):
        """The file of its standard output: a Path."""
        return self.path / f"{self.name}.out"

    @property
    def stderr(self):
        """The file of its standard error: a Path."""
        return self.path / f"{self.name}.err"

    @property
    def state(self):
        """Its JobState."""
        from .states import JobState

        return JobState[self._state.upper()]

    @property
    def failure_reason(self):
        """Why it failed: a JobFailureStatus, or None."""
        from .states import JobFailureStatus

        return JobFailureStatus(self._reason) if self._reason else None

    def cancel(self):
        """Tells it to end: see TaskCancelled. One that waits does not run any more. False when it has
        ended, or was not submitted."""
        return self._cancel()

    def wait(self):
        """Waits until it has ended, and returns its JobState then. KeyboardInterrupt on Ctrl-C."""
        self._wait()
        return self.state

    def explain(self):
        """Why it is where it is, or would run: sentences, a line each (see docs/explain.md)."""
        return _engine.explain_job(self)

    def __eq__(self, other):
        same = isinstance(other, Job) and other.identifier == self.identifier
        return same and other._experiment is self._experiment

    def __hash__(self):
        return hash(self.identifier)

    def __repr__(self):
        return f"<Job {self.type}/{self.identifier}: {self._state}>"
