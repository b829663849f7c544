"""How a task ends before its time, and when it is started again."""


class GracefulTimeout(Exception):
    """Raised by a task which sees that its time will not do: it fails with the reason "timeout", and a
    resumable task is started again (see ResumableTask).

        if (self.remaining_time() or math.inf) < 60:
            raise GracefulTimeout("stopped at epoch 12")
    """


class TaskCancelled(BaseException):
    """Raised in a task's main thread when its process is told to end, by SIGTERM or SIGINT: 30 seconds
    later it is killed. Whoever catches it puts things in order: the task has failed all the same, with
    the reason "cancelled", or "timeout" when its time limit is what ends it."""


def cancelled(signal_number, frame):
    """The handler of these signals."""
    raise TaskCancelled(f"told to end by signal {signal_number}")


class Retry:
    """When a failed task is started again, in the same run: a decorator of its class, which counts for
    classes that derive from it too.

        @Retry(on=["memory", "timeout"], times=2, more_memory=2, more_time=1.5)
        class Learn(Task):
            ...

    on: for which reasons: names of JobFailureStatus, or these. times: how often, at most; as max_retries of submit.
    more_time, more_memory: what the limits of its launcher are multiplied by, each time.

    ValueError when a reason is none, or a number is too small; TypeError when it decorates no class.
    """

    def __init__(self, on=("timeout",), times=3, more_time=1.0, more_memory=1.0):
        from .states import JobFailureStatus

        if isinstance(on, type):
            raise TypeError(f"{on.__qualname__} is no reason: write @Retry(), with parentheses")
        if isinstance(on, (str, JobFailureStatus)):
            on = (on,)
        # A job that was not started has nothing to start again.
        never = ("DEPENDENCY", "MISSING_OUTPUTS")
        names = [reason.name for reason in JobFailureStatus if reason.name not in never]
        given = [getattr(reason, "name", str(reason)).upper() for reason in on]
        unknown = [name.lower() for name in given if name not in names]
        if unknown or not given:
            raise ValueError(f"a task is retried on reasons among {', '.join(names).lower()}, and not "
                             f"on {', '.join(unknown) or 'none'}")
        if not isinstance(times, int) or times < 1:
            raise ValueError(f"times is {times!r}: it must be a whole number, 1 or more")
        for name, factor in (("more_time", more_time), ("more_memory", more_memory)):
            if isinstance(factor, str) or not factor >= 1:
                raise ValueError(f"{name} is {factor!r}: it must be a number, 1 or more")
        self.on = [JobFailureStatus[name] for name in given]
        self.times = times
        self.more_time = more_time
        self.more_memory = more_memory

    def __call__(self, cls):
        if not isinstance(cls, type):
            raise TypeError(f"Retry decorates the class of a task, and not {cls!r}")
        cls.__xpm_retry__ = self
        return cls

    def _apply(self, job):
        from .states import JobFailureStatus

        order = list(JobFailureStatus)
        bits = sum(1 << (1 + order.index(reason)) for reason in self.on)
        job._set_retry(bits, self.times, self.more_time, self.more_memory)
