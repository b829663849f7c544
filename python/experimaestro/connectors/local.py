"""This machine."""

import os

from .. import _engine


class Connector:
    """The machine on which a launcher works. is_here: whether that is this one."""

    is_here = True

    def _launcher(self, cold, pin, nice, prefix):
        """What the engine has for a launcher there."""
        return _engine.Launcher.local(cold, pin, nice, prefix)


class LocalConnector(Connector):
    """This machine. localpath: the folder for what its programs share, a Path; by default
    $XPM_WORKDIR, or else ~/.local/share/experimaestro."""

    _instance = None

    def __init__(self, localpath=None):
        from pathlib import Path

        if localpath is None:
            localpath = os.environ.get("XPM_WORKDIR", "~/.local/share/experimaestro")
        self.localpath = Path(localpath).expanduser().absolute()

    @staticmethod
    def instance():
        """The one of the default folder."""
        if LocalConnector._instance is None:
            LocalConnector._instance = LocalConnector()
        return LocalConnector._instance

    def resolve(self, path, basepath=None):
        """The path as a text, as programs of this machine take it; relative to `basepath`, if it is
        given and the path is below or beside it."""
        return str(path) if basepath is None else os.path.relpath(path, basepath)

    def setExecutable(self, path, flag):
        """Says whether a file can be executed, by those who can read it."""
        mode = os.stat(path).st_mode & 0o7777
        readers = (mode & 0o444) >> 2
        os.chmod(path, mode | readers if flag else mode & ~0o111)

    def lock(self, path, max_delay=-1):
        """The lock of a file, for a `with`: see FileLock."""
        from .filelock import FileLock

        return FileLock(path, max_delay)

    def async_lock(self, path, max_delay=-1):
        """The same, for an `async with`."""
        return self.lock(path, max_delay)

    def processbuilder(self):
        """A ProcessBuilder, to start a program."""
        from .process import ProcessBuilder

        return ProcessBuilder()

    def createtoken(self, name, total):
        """The CounterToken of a name, in the connector's folder: all programs of this machine that
        use the folder share it. `total`: how many there are; it replaces what another process said.
        In one process, the first call counts. ValueError for a wrong name or total; OSError when
        the folder cannot be written."""
        from ..tokens import CounterToken

        return CounterToken(self.localpath, name, total)
