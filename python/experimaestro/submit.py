"""Submitting a task."""

from _thread import RLock

from . import hooks, prepare
from ._engine import Configuration
from .context import experiment, mode_name
from .job import Job
from .launcher import check_launcher

_submitting = RLock()  # one thread submits at a time
_asked = {}  # id of a task that is not submitted -> it, and what to do once it is


class OutputError(AssertionError, ValueError, TypeError):
    """What was given to `dep` cannot be an output of the task."""


class Dependency:
    """What task_outputs is given as `dep`: marks configurations as outputs of the task, when the
    task is submitted or later. task: the task. soft: who uses them does not wait for it."""

    __slots__ = ("task", "soft")

    def __init__(self, task, soft=False):
        self.task = task
        self.soft = soft

    def __call__(self, config):
        """Marks a configuration as an output of the task, and returns it; marking it again, or the
        task itself, changes nothing. An OutputError, which is an AssertionError, when it is the
        output of another task, or another task, or no configuration."""
        if not isinstance(config, Configuration):
            raise OutputError(f"dep marks configurations, and {config!r} is none: mark each "
                              "configuration that it holds")
        try:
            config._depend(self.task, self.soft)
        except ValueError as error:
            raise OutputError(str(error)) from None
        return config

    def __repr__(self):
        return f"<marks outputs of {self.task!r}>"


def submit(task, workspace, launcher, run_mode, init_tasks, max_retries, transient):
    """See Task.submit. Threads that listen to the experiment submit too: one at a time does."""
    with _submitting:
        return submit_alone(task, workspace, launcher, run_mode, init_tasks, max_retries, transient)


def submit_alone(task, workspace, launcher, run_mode, init_tasks, max_retries, transient):
    cls = task._class.cls
    xp = experiment.current()
    if xp is None:
        if mode_name(run_mode) == "NORMAL":
            raise ValueError(
                f"no experiment to submit {task._class.name} to: submit it inside "
                "`with experiment(workspace, name):`"
            )
        with experiment(workspace or "workspace", "alone", run_mode=run_mode) as alone:
            alone.add_action = None  # there will be none to have it
            return submit(task, None, launcher, None, init_tasks, max_retries, transient)
    if workspace is not None and not xp.workspace.same(workspace):
        raise ValueError(f"experiment {xp.name} is in workspace {xp.workspace.path}: a task of "
                         f"another workspace, {workspace}, needs an experiment there")
    if xp.runs and "<locals>" in cls.__qualname__:
        raise ValueError(f"{cls.__module__}.{cls.__qualname__} is defined inside a function, where "
                         "the task's process cannot find it: move it to the top of the module")
    add_init_tasks(task, init_tasks)
    launchers = check_launcher(launcher or xp.launcher or Job.launcher)._chain()
    launcher = launchers[-1]
    job = Job(xp.engine, task)
    if launcher is not Job.launcher:
        job.launcher = launcher
    known = xp.jobs.get(job.identifier)
    xp.jobs[job.identifier] = job  # before anybody is told of it
    try:
        set_policy(job, cls, launcher, max_retries)
        if known is not None or transient is not None:
            job._set_transient(transient_value(transient) if transient is not None else 0)
        run_hooks(task, job, launchers)
        native = launcher._for(job)
        if native is not None:
            job._set_launcher(native)
        mode = mode_name(run_mode)
        if mode == "NORMAL":
            mode = xp.mode
        if prepare.used:
            prepare.attach(task, job, mode)
        if mode == xp.mode:
            job._submit()
    except BaseException:
        job._withdraw(task)
        forget(xp, job, known)
        raise
    task._job = job
    if _asked and id(task) in _asked:
        for ask, arguments in _asked.pop(id(task))[1]:
            ask(xp, task, *arguments)
    return outputs_of(task, cls, xp)


def set_policy(job, cls, launcher, max_retries):
    """What is said of the job beside its parameters."""
    if launcher.time_limit or launcher.memory_limit:
        job._set_limits(float(launcher.time_limit or 0), int(launcher.memory_limit or 0))
    retry = getattr(cls, "__xpm_retry__", None)
    if retry is not None:
        retry._apply(job)
    if max_retries is not None:
        if not isinstance(max_retries, int) or max_retries < 0:
            raise ValueError(f"max_retries is {max_retries!r}: it must be a whole number, 0 or more")
        job._set_max_retries(max_retries)


def transient_value(transient):
    """The number of a TransientMode."""
    from .states import TransientMode

    if not isinstance(transient, TransientMode):
        raise TypeError("transient: expected a TransientMode, such as TransientMode.TRANSIENT, got "
                        f"{transient!r}")
    return transient.value


def forget(xp, job, known):
    """The job was not submitted; an equal task may have been before."""
    if known is None:
        del xp.jobs[job.identifier]
    else:
        xp.jobs[job.identifier] = known


def once_submitted(task, ask, *arguments):
    """Calls ask(xp, task, *arguments) when the task is submitted, or now if it was. Returns the
    task. RuntimeError when its experiment has ended."""
    with _submitting:
        if task._job is None:
            _asked.setdefault(id(task), (task, []))[1].append((ask, arguments))
        else:
            ask(experiment.of(task._job), task, *arguments)
    return task


def run_hooks(task, job, launchers):
    for launcher in launchers:
        for name, value in launcher.environ.items():
            job._setenv(name, value)
        launcher.onSubmit(job)
    if hooks.used:
        for hook in hooks.hooks_of(task._reached(True)):
            hook.process(job, job.launcher)


def outputs_of(task, cls, xp):
    """What submit returns."""
    cls = getattr(cls, "XPMValue", cls)
    outputs = getattr(cls, "__submit__", None)
    if outputs is not None:
        return outputs(task, Dependency(task), xp.add_action)
    outputs = getattr(cls, "task_outputs", None)
    return task if outputs is None else outputs(task, Dependency(task))


def add_dependencies(task, dependencies):
    """See Task.add_dependencies."""
    for dependency in dependencies:
        if isinstance(dependency, Configuration):
            task._add_dependency(dependency)
        else:
            add_token(task, dependency)
    return task


def add_token(task, dependency):
    """Makes the task ask for some of a token."""
    from .tokens import TokenDependency

    if not isinstance(dependency, TokenDependency):
        raise ValueError(f"{dependency!r} is no task to wait for, no output of one, and no "
                         "token.dependency(count)")
    dependency.token._ask(task, dependency.count)


def add_init_tasks(task, init_tasks):
    """Those of a submission that failed were added already."""
    known = task._init_tasks or ()
    if known and [*map(id, known)] != [*map(id, init_tasks)]:
        raise ValueError(f"{task._class.name} has init tasks already, and others were given")
    if not known:
        for init in init_tasks:
            task._add_init_task(init)


DependentMarker = Dependency
