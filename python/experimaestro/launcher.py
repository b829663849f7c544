"""Launchers: where jobs run."""


class Launcher:
    """Where jobs run, and the environment that they get there.

    environ: variables for its jobs, over the inherited environment.
    time_limit, memory_limit: what each job may use, in seconds and bytes; None for no limit.
    connector: the machine on which it works; None is this one.
    requirement: what each of its jobs needs, a launcherfinder.HostRequirement; None for nothing.
    """

    requirement = None
    time_limit = memory_limit = None

    def __init__(self, connector=None):
        self.connector = connector
        self.environ = {}

    def setenv(self, name, value):
        """Sets a variable for the jobs that are submitted from now on."""
        self.environ[name] = value


class DirectLauncher(Launcher):
    """Runs jobs as processes of this machine.

    time_limit: seconds after which a job is told to end; it fails with the reason "timeout".
    memory_limit: bytes of data that a job may have; what it asks for beyond fails (MemoryError).

    ValueError when one of them is no number above 0.
    """

    def __init__(self, connector=None, *, time_limit=None, memory_limit=None):
        super().__init__(connector)
        for name, limit, unit in (("time_limit", time_limit, "seconds"),
                                  ("memory_limit", memory_limit, "bytes")):
            if limit is not None and (isinstance(limit, str) or not limit > 0):
                raise ValueError(f"{name} is {limit!r}: it must be a number of {unit}, more than 0, or "
                                 "None for no limit")
        self.time_limit = time_limit
        self.memory_limit = memory_limit
