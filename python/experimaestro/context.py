"""experiment: the context in which tasks are submitted."""

import os
import sys

from . import _engine

_open = []  # the experiments that are open, the current one last


class FailedExperiment(RuntimeError):
    """Jobs of the experiment failed. jobs: which."""

    def __init__(self, jobs):
        self.jobs = jobs
        lines = [f"{len(jobs)} failed job{'s' if len(jobs) != 1 else ''}"]
        for job in jobs[:10]:
            where = "" if job._reason == "dependency" else f", see {job._directory}/{job.name}.err"
            lines.append(f"  {job.type}/{job.identifier}: {job._reason}{where}")
        if len(jobs) > 10:
            lines.append(f"  and {len(jobs) - 10} more")
        super().__init__("\n".join(lines))


class Workspace:
    """The folder that has the jobs and the experiments. path: a Path."""

    def __init__(self, path):
        from pathlib import Path

        self.path = Path(path)

    def same(self, other):
        """Whether `other`, a Workspace or a path, is this workspace."""
        return os.path.abspath(getattr(other, "path", other)) == os.path.abspath(self.path)

    def __fspath__(self):
        return str(self.path)


class experiment:
    """A run of an experiment: tasks are submitted inside it, and it waits for them at its end.

        with experiment("workspace", "digits") as xp:
            Learn.C(epochs=10).submit()

    workspace: the folder that gets the results (a path, or an object with a `path`).
    name: the experiment's, one component of a path.
    run_mode: a RunMode; the default is RunMode.NORMAL.
    launcher: where the jobs run, unless submit says otherwise.
    jobs: how many run at once; one for each core by default.
    raise_on_failure: raises FailedExperiment at the end when jobs failed.
    host, port, token: not used; older programs give them.

    OSError when the workspace cannot be written; ValueError for a wrong name. When an exception
    leaves the block, or on Ctrl-C, no further job is started, and those that run go on.
    """

    def __init__(
        self,
        workspace,
        name,
        *,
        host=None,
        port=None,
        token=None,
        run_mode=None,
        launcher=None,
        jobs=None,
        raise_on_failure=True,
    ):
        self.name = name
        self.launcher = launcher
        self.raise_on_failure = raise_on_failure
        self.engine = None
        self.jobs = {}
        self._path = os.path.abspath(getattr(workspace, "path", workspace))
        self.mode = getattr(run_mode, "name", run_mode) or "NORMAL"
        self._slots = jobs or 0
        self._counts = None
        self.services = {}
        self._listeners = None
        self._place = None

    @staticmethod
    def current():
        """The experiment in whose block we are, or None."""
        return _open[-1] if _open else None

    def __enter__(self):
        mode = ["NORMAL", "DRY_RUN", "GENERATE_ONLY", "PREPARE"].index(self.mode)
        self.engine = _engine.Experiment(
            self._path, self.name, mode, self._slots, None, sys.executable, self._waiting
        )
        self._place = self.engine.run, self.engine.directory
        self.engine.setenv("PYTHONPATH", search_path())
        _open.append(self)
        return self

    def __exit__(self, kind, error, traceback):
        failed = True
        try:
            if kind is None:
                self.engine.wait()
                failed = self.engine.counts()["failed"] > 0
        finally:
            _open.remove(self)
            if kind is not None or failed:
                self.engine.stop()
            self._end_helpers()
            self._counts = self.engine.counts()
            self.engine.close(failed)
        if kind is None and failed and self.raise_on_failure:
            raise FailedExperiment(self._failed_jobs())
        return False

    def _end_helpers(self):
        if self._listeners is not None:
            self._listeners.stop()
        for service in self.services.values():
            service.stop()

    def _waiting(self, holder):
        print(f"experiment {self.name}: waiting for the run of {holder} to end", file=sys.stderr)

    def _failed_jobs(self):
        return [job for job in self.jobs.values() if job._state == "error"]

    @property
    def counts(self):
        """How many jobs are submitted, waiting, running, done, failed, and were started: a dict."""
        return self._counts or self.engine.counts()

    @property
    def failed(self):
        """How many jobs have failed."""
        return self.counts["failed"]

    @property
    def runs(self):
        """Whether its tasks run."""
        return self.mode == "NORMAL"

    @property
    def run_mode(self):
        """Its RunMode."""
        from .states import RunMode

        return RunMode[self.mode]

    @property
    def workspace(self):
        """Its Workspace."""
        return Workspace(self._path)

    @property
    def run_id(self):
        """The name of this run."""
        return self._place[0]

    @property
    def workdir(self):
        """The folder of this run: a Path. RuntimeError when the mode is not NORMAL."""
        if self._place is None or self._place[1] is None:
            raise RuntimeError(f"experiment {self.name} has no folder: its tasks do not run")
        from pathlib import Path

        return Path(self._place[1])

    @property
    def resultspath(self):
        """The folder for your results: a Path, that you make. RuntimeError as for workdir."""
        return self.workdir / "results"

    @property
    def jobspath(self):
        """The folder of the links to the run's jobs: a Path. RuntimeError as for workdir."""
        return self.workdir / "jobs"

    def add_service(self, service):
        """Adds a Service (see experimaestro.scheduler.services), which is stopped at the end.
        Returns it. ValueError when there is one of its id already."""
        if service.id in self.services:
            raise ValueError(f"experiment {self.name} has a service {service.id} already")
        self.services[service.id] = service
        service.set_experiment(self)
        for listener in self._listeners.listeners if self._listeners else ():
            listener.on_service_added(service)
        return service

    def addlistener(self, listener):
        """Tells a Listener (see experimaestro.scheduler) what happens from now on, in a thread of
        its own; an exception that it raises is printed."""
        if self._listeners is None:
            from .listener import Teller

            self._listeners = Teller(self)
        self._listeners.listeners.append(listener)

    @property
    def scheduler(self):
        """Where listeners are added: the experiment itself."""
        return self

    def save(self, obj, name="default"):
        """Saves a value with configurations in the run's folder, for `load`; nothing unless the
        tasks run."""
        if self.runs:
            from .serialization import save_in_run

            save_in_run(self.workdir, obj, name)

    def load(self, reference, name="default", run_id=None):
        """Loads what an experiment of this workspace, `reference`, has saved: its latest run that
        has, or run `run_id`. FileNotFoundError when none has."""
        from .serialization import load_from_run

        return load_from_run(self._path, reference, name, run_id)

    def setenv(self, name, value, override=True):
        """Sets a variable in the environment of the jobs that are submitted from now on; unless
        `override`, only if this process has it not."""
        if override or name not in os.environ:
            self.engine.setenv(name, value)

    def add_action(self, action):
        """Lists an Action with the run, and returns its identifier: 64 hexadecimal digits.
        ValueError when a value in it is missing or wrong; TypeError when it is no Action."""
        from .actions import Action

        if not isinstance(action, Action):
            raise TypeError(f"an action is a configuration of an Action, and not {action!r}")
        return self.engine.add_action(action, str(action.describe() or ""))

    def wait(self):
        """Waits for the jobs submitted so far. KeyboardInterrupt on Ctrl-C."""
        self.engine.wait()

    def stop(self):
        """Starts no further job; those that run go on."""
        self.engine.stop()


def search_path():
    """The PYTHONPATH with which a job finds the modules that this process finds: the script's
    folder first, then what was added; what any process of this interpreter has is left out."""
    library = os.path.dirname(os.path.realpath(os.__file__))
    found = []
    for entry in map(os.path.abspath, sys.path):
        place = os.path.realpath(entry)
        known = place == library or os.path.dirname(place) == library or place.endswith(".zip")
        if not known and entry not in found:
            found.append(entry)
    return os.pathsep.join(found)
