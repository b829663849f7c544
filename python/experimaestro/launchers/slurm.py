"""The launcher of jobs of Slurm, and its options."""

import copy
import math
import re
from dataclasses import dataclass, field, fields

from .. import _engine
from ..launcher import Launcher, _finish, _limit

__all__ = ["SlurmLauncher", "SlurmOptions"]

# Minutes, [HOURS:]MINUTES:SECONDS, or DAYS-HOURS and what may follow it.
_TIME = re.compile(r"\d+|(\d+:)?\d+:\d+|\d+-\d+(:\d+){0,2}|UNLIMITED|INFINITE", re.IGNORECASE)


def time_text(time):
    """A limit of time as sbatch takes it: a text that is one already, or a number of seconds.
    ValueError when it is none."""
    if isinstance(time, str):
        if _TIME.fullmatch(time) is None:
            raise ValueError(f"time is {time!r}: it must be a number of seconds, or a text as sbatch "
                             "takes it: '90' (minutes), '1:30:00', '2-12:00:00'")
        return time
    seconds = math.ceil(_limit("time", time, "seconds"))
    return f"{seconds // 60}:{seconds % 60:02}"


@dataclass(init=False)
class SlurmOptions:
    """What is asked of Slurm for each job: the long options of sbatch, with `_` for `-`. Those that are
    not listed here can be given too, by keyword: SlurmOptions(reservation="school", exclusive=True).

    None leaves the choice to the cluster. A list stands for its items, separated by commas; True for
    an option without value.
    """

    nodes: int | None = 1
    """Number of nodes"""
    time: str | float | None = None
    """How long a job may run: a text as sbatch takes it, or a number of seconds"""
    account: str | None = None
    """Who is charged for it"""
    qos: str | None = None
    """Quality of service"""
    partition: str | None = None
    """Where it runs: one of several, separated by commas"""
    constraint: str | None = None
    """What its nodes must have: an expression of names that the cluster defines"""
    cpus_per_task: int | str | None = None
    """Number of processors"""
    mem: str | None = None
    """Memory of each node, in megabytes or with its unit: "16G" """
    mem_per_gpu: str | None = None
    """Memory for each GPU, in the same way"""
    exclude: str | None = None
    """Nodes on which it must not run"""
    nodelist: str | None = None
    """Nodes that it must have"""
    gpus: int | str | None = None
    """Number of GPUs, or "TYPE:NUMBER" """
    gpus_per_node: int | str | None = None
    """Number of GPUs of each node"""
    more: dict = field(default_factory=dict)
    """Other options, by name"""

    def __init__(self, **options):
        self.more = {}
        self._set(options)

    def merge(self, **options):
        """A copy, with other values for some options."""
        merged = copy.copy(self)
        merged.more = dict(self.more)
        merged._set(options)
        return merged

    def _set(self, options):
        for name, value in options.items():
            name = _OTHER_NAMES.get(name, name)
            if name == "time" and value is not None:
                value = time_text(value)
            if name in _NAMES:
                setattr(self, name, value)
            elif re.fullmatch("[a-z][a-z_]*", name):
                self.more[name] = value
            else:
                raise ValueError(f"{name!r} is no option of sbatch: use its long name, with _ for -")

    def words(self):
        """The options, as the engine takes them: a tuple of "partition=gpu", "exclusive"."""
        given = {name: getattr(self, name) for name in _NAMES} | self.more
        words = []
        for name, value in given.items():
            if value is None or value is False:
                continue
            if isinstance(value, (list, tuple, set)):
                value = ",".join(map(str, value))
            name = name.replace("_", "-")
            words.append(name if value is True else f"{name}={value}")
        return tuple(words)


_NAMES = tuple(one.name for one in fields(SlurmOptions) if one.name != "more")
_OTHER_NAMES = {"gpu_per_node": "gpus_per_node"}  # of older programs


class SlurmLauncher(Launcher):
    """Runs jobs by Slurm, through its commands.

        launcher = SlurmLauncher(partition="gpu", time="2:00:00")
        larger = launcher.config(gpus=4, time="12:00:00")

    Jobs that are ready together, and ask for the same, travel as one array. The queue is looked at for
    all of them at once. When the program ends, or is killed, they go on, and the next run takes them
    over. See docs/launchers.md.

    options: SlurmOptions; more options can be given by keyword.
    binpath: the folder of sbatch, squeue, scancel and sacct; by default they are found in PATH.
    interval_max: seconds between two looks at the queue, at most.
    submit_max: how many jobs are in the queue at once; None for as many as Slurm takes.
    time_limit: seconds, after which a job is told to end; Slurm is asked for a minute more. It is what a
        Retry multiplies, while the option `time` is asked for as it is.
    memory_limit, requirement, priority: see Launcher; what is required is asked of Slurm.

    ValueError for a time that is none, or, when a job is submitted, for an option that sbatch does not
    have, or that the engine sets itself ("array"), and for a `wrapper`, which Slurm's jobs cannot have.
    """

    def __init__(
        self,
        connector=None,
        *,
        options=None,
        binpath=None,
        interval_max=10,
        submit_max=None,
        time_limit=None,
        memory_limit=None,
        requirement=None,
        priority=0,
        **more,
    ):
        super().__init__(connector, priority=priority)
        self.options = (options or SlurmOptions()).merge(**more)
        self.time_limit = _limit("time_limit", time_limit, "seconds")
        self.memory_limit = _limit("memory_limit", memory_limit, "bytes")
        self.requirement = requirement
        self.binpath = binpath
        self.interval_max = interval_max
        self.submit_max = submit_max

    def config(self, **options):
        """The same launcher, with other values for some of Slurm's options: a new one."""
        other = copy.copy(self)
        other.options = self.options.merge(**options)
        other._environ = dict(self._environ)
        other._listeners = list(self._listeners)
        return other

    def _key(self, prefix, priority):
        binpath = None if self.binpath is None else str(self.binpath)
        return (prefix, priority, self.requirement and str(self.requirement), binpath,
                self.options.words(), float(self.interval_max or 0), int(self.submit_max or 0))

    def _make(self, prefix, priority, requirement, *options):
        if prefix:
            raise ValueError(f"wrapper is {' '.join(prefix)}: jobs of Slurm cannot have one")
        return _finish(_engine.Launcher.slurm(*options), priority, requirement)
