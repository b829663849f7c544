"""Launchers: where jobs run."""

class Launcher:
    """Where jobs run, and with what; by itself, as processes of this machine.

    A launcher is given to an experiment, or to `submit`. What is changed in it counts for the jobs that
    are submitted from then on. A subclass may have `environ`, `wrapper` or `command` of its own, or
    do something at each submission, in `onSubmit`:

        class Pinned(DirectLauncher):
            wrapper = ["numactl", "--cpunodebind=0"]

            def onSubmit(self, job):
                super().onSubmit(job)
                job.environ["OMP_NUM_THREADS"] = "8"

    connector: the machine on which it works; None is this one.
    environ: variables for its jobs, a dict: over the inherited environment, under what hooks set.
    priority: of jobs that are ready, those of a launcher with a higher priority start first; it may
        be any whole number.
    time_limit, memory_limit: what each job may use, in seconds and bytes; None for no limit.
    requirement: what each job needs of its machine, a text as find_launcher takes it, or the same as
        an object; None for one core of this machine.
    wrapper: words that are put before the command of each job, the first being a program.
    notificationURL: not used; older programs set it.
    """

    priority = 0
    time_limit = memory_limit = requirement = None
    wrapper = ()
    notificationURL = None

    def __init__(self, connector=None, *, priority=0):
        self.connector = check_connector(connector)
        self.priority = priority
        self._environ = {}
        self._listeners = []
        self._made = None, None

    @staticmethod
    def get(path):
        """The launcher of jobs whose files are below a path: a DirectLauncher, of another machine for
        "ssh://host/folder". ValueError for a path of that kind that names no host."""
        if str(path).startswith("ssh:"):
            from .connectors.ssh import SshConnector

            return DirectLauncher(SshConnector.parse(path))
        return DirectLauncher()

    @property
    def environ(self):
        return self._environ

    def setenv(self, name, value):
        """Sets a variable for the jobs that are submitted from now on."""
        self.environ[name] = value

    def setNotificationURL(self, url):
        """Not used; older programs call it."""
        self.notificationURL = url

    def addListener(self, listener):
        """Calls listener(job) at each submission, in the thread that submits."""
        self._listeners.append(listener)

    def onSubmit(self, job):
        """Called with each Job that is submitted with it, once it has its environment and before its
        hooks; what it raises leaves `submit`."""
        for listener in self._listeners:
            listener(job)

    def command(self, job):
        """The words that are put before the command of a job: `wrapper`."""
        return self.wrapper

    def processbuilder(self):
        """A ProcessBuilder of its connector."""
        from .connectors.local import LocalConnector

        return (self.connector or LocalConnector.instance()).processbuilder()

    # ---- For submit

    def _chain(self):
        """The launchers that change a job, the last of which is where it runs."""
        return (self,)

    def _for(self, job):
        """What the engine has for it; None for its own default. The one made before, if it would be
        equal."""
        key = self._key(_words(self.command(job)), job.priority)
        is_here = self.connector is None or self.connector.is_here
        if is_here and key == _PLAIN:
            return None
        made, native = self._made
        if made != (self.connector, key):
            self._check(job.priority)
            native = self._make(*key)
            self._made = (self.connector, key), native
        return native

    def _key(self, prefix, priority):
        """All that tells it from others, for the engine: the arguments of _make."""
        return prefix, priority, self.requirement and str(self.requirement), False, False, 0

    def _check(self, priority):
        """TypeError for what has another type: each may be set at any time."""
        if self.requirement is not None:
            from .launcherfinder.specs import as_requirement

            as_requirement(self.requirement)
        for name, value in ("priority", priority), ("nice", getattr(self, "nice", 0)):
            if not isinstance(value, int):
                raise TypeError(f"{name} is {value!r}: it must be a whole number")

    def _make(self, prefix, priority, requirement, cold, pin, nice):
        from .connectors.local import LocalConnector

        connector = self.connector or LocalConnector.instance()
        return _finish(connector._launcher(cold, pin, nice, prefix), priority, requirement)


def check_connector(connector):
    """The connector, or None. TypeError when it is neither."""
    if connector is not None:
        from .connectors.local import Connector

        if not isinstance(connector, Connector):
            raise TypeError("connector: expected a Connector, such as SshConnector('gpu1'), got "
                            f"{connector!r}")
    return connector


def _words(command):
    """The words that are put before a command, which are easily written as one text."""
    if isinstance(command, str):
        raise TypeError(f"wrapper: expected a list of words, such as {command.split()!r}, got "
                        f"{command!r}")
    return tuple(map(str, command))


_PLAIN = (), 0, None, False, False, 0


def _finish(native, priority, requirement):
    """Sets what all launchers have."""
    native.set_priority(priority)
    if requirement is not None:
        native.require(requirement)
    return native


class DirectLauncher(Launcher):
    """Runs jobs as processes of this machine, or of the one that a connector names:

        DirectLauncher(SshConnector("gpu1"))

    time_limit: seconds after which a job is told to end; it fails with the reason "timeout".
    memory_limit: bytes of data that a job may have; what it asks for beyond fails (MemoryError).
    warm: whether a job may be forked from a process that waits with the task's module loaded, which
        takes less time than to start an interpreter (see docs/launchers.md).
    nice: what is added to the priority number of its processes: from 0 to 19, which is the least urgent.
    pin: whether each job has cores of its own, and no others.
    requirement: what each job needs: it starts when this machine has it free, and has it alone until
        it ends.
    priority, wrapper: see Launcher.

    ValueError when a limit is no number above 0, TypeError when a connector is none. Other options are
    checked when a job is submitted: TypeError for one of another type, ValueError for a `nice` out of
    range, or for a requirement that this machine can never meet.
    """

    warm, pin, nice = True, False, 0

    def __init__(
        self,
        connector=None,
        *,
        time_limit=None,
        memory_limit=None,
        warm=True,
        nice=0,
        pin=False,
        requirement=None,
        priority=0,
        wrapper=None,
    ):
        super().__init__(connector, priority=priority)
        self.time_limit = _limit("time_limit", time_limit, "seconds")
        self.memory_limit = _limit("memory_limit", memory_limit, "bytes")
        self.warm, self.nice, self.pin = warm, nice, pin
        self.requirement = requirement
        if wrapper is not None:
            self.wrapper = wrapper

    def _key(self, prefix, priority):
        requirement = self.requirement and str(self.requirement)
        return prefix, priority, requirement, not self.warm, bool(self.pin), self.nice


def check_launcher(launcher):
    """The launcher. TypeError when it is none."""
    if not isinstance(launcher, Launcher):
        raise TypeError(f"launcher: expected a Launcher, such as DirectLauncher(), got {launcher!r}")
    return launcher


def _limit(name, limit, unit):
    if limit is not None and (isinstance(limit, str) or not limit > 0):
        raise ValueError(f"{name} is {limit!r}: it must be a number of {unit}, more than 0, or None "
                         "for no limit")
    return limit
