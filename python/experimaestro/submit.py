"""Submitting a task."""

from . import hooks
from ._engine import Configuration
from .job import Job
from .launcher import DirectLauncher

_direct = DirectLauncher()


class Dependency:
    """What task_outputs is given: marks configurations as outputs of the task."""

    __slots__ = ("task",)

    def __init__(self, task):
        self.task = task

    def __call__(self, config):
        """Marks a configuration as an output of the task, and returns it. ValueError when it is
        the output of another, or is another task."""
        if not isinstance(config, Configuration):
            raise TypeError(f"dep marks configurations, and {config!r} is none")
        config._depend(self.task)
        return config


def submit(task, workspace, launcher, run_mode, init_tasks, max_retries, transient):
    """See Task.submit."""
    from .context import experiment

    cls = task._class.cls
    xp = experiment.current()
    if xp is None:
        mode = getattr(run_mode, "name", "NORMAL")
        if mode == "NORMAL":
            raise ValueError(
                f"no experiment to submit {task._class.name} to: submit it inside "
                "`with experiment(workspace, name):`"
            )
        with experiment(workspace or "workspace", "alone", run_mode=run_mode):
            return submit(task, None, launcher, None, init_tasks, max_retries, transient)
    if workspace is not None and not xp.workspace.same(workspace):
        raise ValueError(f"experiment {xp.name} is in workspace {xp.workspace.path}: a task of "
                         f"another workspace, {workspace}, needs an experiment there")
    if xp.runs and "<locals>" in cls.__qualname__:
        raise ValueError(f"{cls.__module__}.{cls.__qualname__} is defined inside a function, where "
                         "the task's process cannot find it: move it to the top of the module")
    add_init_tasks(task, init_tasks)
    launcher = launcher or xp.launcher or _direct
    configs = task._walk() if hooks.used else ()
    job = Job(xp.engine, task)
    task._job = job
    for name, value in launcher.environ.items():
        job._setenv(name, value)
    for hook in hooks.hooks_of(configs):
        hook.process(job, launcher)
    if run_mode is None or run_mode.name == "NORMAL":
        job._submit()
    xp.jobs[job.identifier] = job
    outputs = getattr(cls, "__submit__", None)
    if outputs is not None:
        return outputs(task, Dependency(task), None)
    outputs = getattr(cls, "task_outputs", None)
    return task if outputs is None else outputs(task, Dependency(task))


def add_init_tasks(task, init_tasks):
    """Those of a submission that failed were added already."""
    known = task._init_tasks or ()
    if known and [*map(id, known)] != [*map(id, init_tasks)]:
        raise ValueError(f"{task._class.name} has init tasks already, and others were given")
    if not known:
        for init in init_tasks:
            task._add_init_task(init)
