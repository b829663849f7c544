"""Launchers: where jobs run."""


class Launcher:
    """Where jobs run, and the environment that they get there.

    environ: variables for its jobs, over the inherited environment.
    connector: the machine on which it works; None is this one.
    """

    def __init__(self, connector=None):
        self.connector = connector
        self.environ = {}

    def setenv(self, name, value):
        """Sets a variable for the jobs that are submitted from now on."""
        self.environ[name] = value


class DirectLauncher(Launcher):
    """Runs jobs as processes of this machine."""
