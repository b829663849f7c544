"""Enumerations: how an experiment runs, and what state a job is in."""

from enum import Enum, IntEnum


class RunMode(Enum):
    """How an experiment treats its tasks."""

    NORMAL = "normal"
    """They run."""
    DRY_RUN = "dry-run"
    """Nothing is run or written: it says what would run."""
    GENERATE_ONLY = "generate-only"
    """The folder of each job is written; nothing is run."""
    PREPARE = "prepare"
    """Only what tasks need prepared is: see Prepare. Nothing is written."""


class TransientMode(Enum):
    """How much a task's result is wanted for itself: see Task.submit."""

    NONE = 0
    """It is run."""
    TRANSIENT = 1
    """It is run only when a task that is not transient, and not done, waits for it."""
    REMOVE = 2
    """The same, and its folder is removed when the experiment has ended well."""


class DirtyGitAction(Enum):
    """What is done when the sources have changes that are not committed."""

    IGNORE = "ignore"
    """Nothing."""
    WARN = "warn"
    """A warning is logged."""
    ERROR = "error"
    """DirtyGitError is raised, before anything is done."""


class JobState(IntEnum):
    """The state of a job, from the first to the last."""

    TRANSIENT = -1
    """Not run, as nothing needs it: see TransientMode."""
    UNSCHEDULED = 0
    WAITING = 1
    READY = 2
    SCHEDULED = 3
    RUNNING = 4
    DONE = 5
    ERROR = 6

    def __str__(self):
        return f"JobState.{self.name}"

    def finished(self):
        """Whether it has ended, well or not."""
        return self >= JobState.DONE

    def running(self):
        """Whether it has been handed to the launcher, or runs."""
        return self in (JobState.SCHEDULED, JobState.RUNNING)

    def notstarted(self):
        """Whether it has not started yet."""
        return self <= JobState.READY

    def is_error(self):
        """Whether it has failed."""
        return self == JobState.ERROR


class JobFailureStatus(Enum):
    """Why a job failed."""

    DEPENDENCY = "dependency"
    FAILED = "failed"
    MEMORY = "memory"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    LOST = "lost"
    MISSING_OUTPUTS = "missing_outputs"
