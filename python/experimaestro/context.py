"""experiment: the context in which tasks are submitted."""

import os
import sys

from . import _engine

MODES = ["NORMAL", "DRY_RUN", "GENERATE_ONLY", "PREPARE"]  # as the engine counts them
PATIENCE = 2  # seconds, for a second Ctrl-C

_open = []  # the experiments that are open, the current one last


class FailedExperiment(RuntimeError):
    """Jobs of the experiment failed. jobs: which, with those that were not started for it.

    Its message has what is known of the first ones: why, when, where, their last words, and the
    commands that run them again."""

    def __init__(self, jobs):
        self.jobs = jobs
        failed = tuple(job._directory for job in self._own())
        number = f"{len(jobs)} failed job{'s' if len(jobs) != 1 else ''}"
        told = _engine.cards(failed, len(jobs) - len(failed))
        super().__init__(f"{number}\n{told}".rstrip())

    def _own(self):
        """Those that failed by themselves; after them those that were told to end."""
        own = [job for job in self.jobs if job._reason != "dependency"]
        return sorted(own, key=lambda job: job._reason == "cancelled")

    @property
    def cards(self):
        """What is known of each job that failed by itself: a list of texts."""
        return [_engine.card(job._directory) for job in self._own()]


class GracefulExperimentExit(Exception):
    """Raised in the block of an experiment, leaves it at once and without error: no further job is
    started, those that run go on, and the run is recorded as detached."""


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
    dirty_git: a DirtyGitAction, for sources with changes that are not committed. The sources are
        where the script is, and the project_paths.
    detach: leaves the jobs to Slurm at the end of the block, and does not wait for them (see hand_over).
    project_paths: modules, files or folders; what git says of them is recorded with the run.
    history: how many runs are kept when this one ends, a dict of max_done and max_failed; all by
        default. A workspace of the settings may say both (dirty_git, history).
    host, port, token: not used; older programs give them.

    OSError when the workspace cannot be written; ValueError for a wrong name or option; DirtyGitError;
    RuntimeError when this process has it open already. When
    an exception leaves the block, or on Ctrl-C, no further job is started, and those that run go
    on: the same program, run again, takes them over. A second Ctrl-C, soon, cancels them.
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
        dirty_git=None,
        project_paths=(),
        history=None,
        detach=False,
    ):
        if not isinstance(name, str):
            raise TypeError(f"the name of an experiment is a text, and not {name!r}")
        self._path = os.path.abspath(getattr(workspace, "path", workspace))
        workspace, self._variables = _settings_of(workspace, self._path)
        more = getattr(workspace, "more", {})
        self.name = name
        self.launcher = launcher
        self.raise_on_failure = raise_on_failure
        self.detach = detach
        self.engine = None
        self.jobs = {}
        self.mode = mode_name(run_mode)
        self._slots = _slots(jobs)
        self._retries = getattr(workspace, "max_retries", None)
        self._dirty = _dirty_git(dirty_git or more.get("dirty_git"))
        self._projects = _folders(project_paths)
        self._limits = _history(more.get("history") if history is None else history)
        self._counts = None
        self.services = {}
        self._teller = None
        self._place = None

    @staticmethod
    def current():
        """The experiment in whose block we are, or None; in a thread that tells what happens in an
        experiment, this one."""
        listener = sys.modules.get("experimaestro.listener")
        told = getattr(listener.told, "experiment", None) if listener is not None else None
        return told or (_open[-1] if _open else None)

    @staticmethod
    def of(job):
        """The open experiment of a Job. RuntimeError when it has ended."""
        for xp in _open:
            if xp.engine is job._experiment:
                return xp
        raise RuntimeError(f"the experiment of {job!r} has ended: nothing more will happen in it")

    def __enter__(self):
        self._check_alone()
        mode = MODES.index(self.mode)
        path = search_path()
        self.engine = _engine.Experiment(
            self._path,
            self.name,
            mode,
            self._slots,
            None,
            sys.executable,
            self._waiting,
            0 if self._retries is None else self._retries or -1,
            self._dirty,
            *self._limits,
            self._projects,
            _capture(path, self._projects),
        )
        self._place = self.engine.run, self.engine.directory
        for variable, value in self._variables.items():
            self.engine.setenv(variable, value)
        self.engine.setenv("PYTHONPATH", _joined(path, self._variables.get("PYTHONPATH")))
        _open.append(self)
        return self

    def _check_alone(self):
        """It would wait for itself."""
        for xp in _open:
            if self.runs and xp.runs and (self._path, self.name) == (xp._path, xp.name):
                raise RuntimeError(f"experiment {self.name} of {self._path} is open already in this "
                                   "process: submit to it, or leave its block first")

    def __exit__(self, kind, error, traceback):
        if self not in _open:  # in a child that was forked in the block
            return False
        detached = kind is not None and issubclass(kind, GracefulExperimentExit)
        interrupted = False
        failed = not detached
        try:
            if kind is None:
                detached = self._finish()
                failed = self.engine.counts()["failed"] > 0
            elif issubclass(kind, KeyboardInterrupt):
                interrupted = True
                self._leave_running()
        except KeyboardInterrupt:
            interrupted = True
            self._leave_running()
            raise
        finally:
            _open.remove(self)
            try:
                if interrupted:
                    failed = self.engine.counts()["failed"] > 0
                if (detached or interrupted) and not failed:
                    self.engine.detach()
                elif failed:
                    self.engine.stop()
                self._end_helpers()
            finally:
                self._counts = self.engine.counts()
                self.engine.close(failed)
        if kind is None and failed and self.raise_on_failure:
            raise FailedExperiment(self._failed_jobs())
        return detached

    def _finish(self):
        """Waits for its jobs, or until Slurm has those that have not ended: whether there are such."""
        if not self.detach or not self.runs:
            self.engine.wait()
            return False
        self.engine.hand_over()
        counts = self.engine.counts()
        return counts["waiting"] + counts["running"] > 0

    def _leave_running(self):
        """After Ctrl-C: a second one, soon, cancels the jobs that run."""
        self.engine.stop()
        running = self.engine.counts()["running"]
        if running == 0:
            return
        jobs, go, them = ("job", "goes", "it") if running == 1 else ("jobs", "go", "them")
        try:
            self._say(
                f"{running} {jobs} {go} on, in {self._path}/jobs: run the same command again, and it "
                f"takes {them} over. Ctrl-C again within {PATIENCE} seconds cancels {them}"
            )
            self.engine.drain(PATIENCE)
        except KeyboardInterrupt:
            cancelled = self.engine.cancel()
            self._say(f"cancelled {cancelled} job{'s' if cancelled != 1 else ''}")
            self.engine.drain(PATIENCE)

    def _say(self, message):
        print(f"experiment {self.name}: {message}", file=sys.stderr, flush=True)

    def _end_helpers(self):
        if self._teller is not None:
            self._teller.stop()
        for service in self.services.values():
            service.stop()

    def _waiting(self, holder):
        self._say(f"waiting for the run of {holder} to end")

    def _failed_jobs(self):
        return [job for job in self.jobs.values() if job._state == "error"]

    @property
    def counts(self):
        """How many jobs are submitted, waiting, running, done, failed, and were started: a dict."""
        return self._counts or self.engine.counts()

    def explain(self):
        """Why its jobs would run, as text: for each type of tasks how many are done, would run, or
        would run again after a failure, and which parameters differ from the nearest finished jobs.
        Inside the block, in any mode; most often in DRY_RUN."""
        return _engine.explain_experiment(self.engine)

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
        if self._teller is not None:
            self._teller.tell("on_service_added", service)
        return service

    def addlistener(self, listener):
        """Tells a Listener (see experimaestro.scheduler) what happens from now on, in a thread of
        its own; an exception that it raises is printed. It need not be a Listener, if it has some of
        its methods; TypeError when it has none."""
        from .listener import check_listener

        check_listener(listener)
        self.teller.listeners.append(listener)

    def removelistener(self, listener):
        """Tells it no more. ValueError when it was not told."""
        self.teller.listeners.remove(listener)

    @property
    def teller(self):
        """Who tells what happens; made when it is first needed."""
        if self._teller is None:
            from .listener import Teller

            self._teller = Teller(self)
        return self._teller

    def watch_output(self, task, method, callback):
        """task.watch_output(method, callback), for a task that is or will be submitted here."""
        task.watch_output(method, callback)

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
        `override`, only if this process has it not. TypeError when it is no text."""
        if not isinstance(value, str):
            raise TypeError(f"the variable {name} is set to {value!r}: it must be a text")
        if override or name not in os.environ:
            self.engine.setenv(name, value)

    def set_launcher(self, launcher):
        """Says where the jobs run that are submitted from now on, unless submit says otherwise: a
        Launcher, or None for this machine. TypeError when it is none."""
        from .launcher import check_launcher

        self.launcher = launcher if launcher is None else check_launcher(launcher)

    def token(self, name, total):
        """The CounterToken of a name, in the workspace: all experiments there share it. `total`: how
        many there are; it replaces what another process said. In one process, the first call
        counts. ValueError for a wrong name or total."""
        from .tokens import CounterToken

        if not isinstance(total, int):
            raise TypeError(f"token {name}: its total is a whole number, and not {total!r}")
        return CounterToken(self.engine, name, total)

    def add_action(self, action):
        """Lists an Action with the run, and returns its identifier: 64 hexadecimal digits.
        ValueError when a value in it is missing or wrong; TypeError when it is no Action."""
        from .actions import Action

        if not isinstance(action, Action):
            raise TypeError(f"an action is a configuration of an Action, and not {action!r}")
        return self.engine.add_action(action, str(action.describe() or ""))

    def wait(self):
        """Waits for the jobs submitted so far, and for what is called because of them to return (and
        submit more). From such a call, it waits for the jobs alone. KeyboardInterrupt on Ctrl-C."""
        self.engine.wait()

    def hand_over(self, seconds=None):
        """Gives to Slurm all jobs of its launchers, those too that wait for others which it has, and waits until
        it has all that have not ended; those that run elsewhere are waited for. With `seconds`, not longer than
        that. Returns how many jobs need this program still: when it is 0, it may end (raise
        GracefulExperimentExit), and Slurm runs the rest in order. KeyboardInterrupt on Ctrl-C."""
        return self.engine.hand_over(-1 if seconds is None else seconds)

    def stop(self):
        """Starts no further job; those that run go on."""
        self.engine.stop()


def set_launcher(launcher):
    """experiment.set_launcher, of the experiment in whose block we are. RuntimeError without one."""
    xp = experiment.current()
    if xp is None:
        raise RuntimeError("set_launcher: call it inside `with experiment(workspace, name):`")
    xp.set_launcher(launcher)


def _abandon():
    """In a child that was forked: the experiments are its parent's."""
    while _open:
        _open.pop().engine.abandon()


os.register_at_fork(after_in_child=_abandon)


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


def mode_name(given):
    """The name of a RunMode, or of its name."""
    name = str(getattr(given, "name", given) or "normal").upper().replace("-", "_")
    if name not in MODES:
        raise ValueError(f"run_mode: expected one of {', '.join(MODES)}, got {given!r}")
    return name


def _slots(jobs):
    """How many jobs run at once, as the engine has it: 0 for one a core."""
    if jobs is not None and (not isinstance(jobs, int) or jobs < 1):
        raise ValueError(f"jobs: expected a number from 1, or None for one each core, got {jobs!r}")
    return jobs or 0


def _settings_of(workspace, path):
    """What the settings say of a workspace, a WorkspaceSettings or a folder with this path, and the variables
    of its jobs. Without settings it is what is given."""
    known = getattr(workspace, "env", {})
    if not os.path.exists(f"{_engine.config_folder()}/settings.yaml"):
        return workspace, known
    from .settings import WorkspaceSettings, get_settings, select

    if isinstance(workspace, WorkspaceSettings):
        settings = get_settings()
    else:
        workspace, settings = select(workdir=path)
    return workspace, {**settings.env, **workspace.env}


def _joined(*paths):
    return os.pathsep.join(path for path in paths if path)


def _dirty_git(given):
    """The number of a DirtyGitAction, or of its name, as settings have it."""
    name = str(getattr(given, "name", given) or "ignore").upper()
    names = ["IGNORE", "WARN", "ERROR"]
    if name not in names:
        raise ValueError(f"dirty_git: expected one of {', '.join(names)}, got {given!r}")
    return names.index(name)


def _history(given):
    """max_done and max_failed, as the engine has them: 0 is no limit, -1 none at all."""
    if not isinstance(given or {}, dict):
        raise ValueError(f"history: expected a dict of max_done and max_failed, got {given!r}")
    limits = dict(given or {})
    found = [limits.pop(name, None) for name in ("max_done", "max_failed")]
    if limits:
        raise ValueError(f"history: expected max_done and max_failed, got {', '.join(limits)}")
    for limit in found:
        if limit is not None and (type(limit) is not int or limit < 0):
            raise ValueError(f"history: expected a number of runs, from 0, got {limit!r}")
    return [0 if limit is None else limit or -1 for limit in found]


def _folders(paths):
    """The folders of the sources: the script's, and those of modules, files and folders."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    if isinstance(paths, (str, os.PathLike)) or hasattr(paths, "__spec__"):
        paths = (paths,)
    places = [script or os.path.join(os.getcwd(), ""), *map(_source, paths)]
    folders = []
    for place in map(os.path.abspath, places):
        folders.append(place if os.path.isdir(place) else os.path.dirname(place))
    return tuple(dict.fromkeys(folders))


def _source(path):
    """Where a module is, or what is given by its path."""
    place = getattr(path, "__file__", None) or next(iter(getattr(path, "__path__", ())), path)
    if not isinstance(place, (str, os.PathLike)) or not os.path.exists(place):
        raise ValueError(f"project_paths: {path!r} is no module with a file, and no file or folder")
    return place


def _capture(path, projects):
    """The command that writes environment.json; None when there is no interpreter to run it."""
    if not sys.executable:
        return None
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "capture.py")
    return sys.executable, script, path, *projects
