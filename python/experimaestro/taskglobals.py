"""What a running task can ask of its process."""

from . import run as _run


class Env:
    """Where the task of this process runs; the values are None outside a task.

    taskpath: its directory, a Path. wspath: the workspace, a Path.
    slave: whether this process is another than the first of a task of several processes.
    """

    _instance = None

    @staticmethod
    def instance():
        """The only one."""
        if Env._instance is None:
            Env._instance = Env()
        return Env._instance

    @property
    def taskpath(self):
        return _path(_run.directory)

    @property
    def wspath(self):
        return _path(_run.workspace)

    @property
    def xpm_path(self):
        """The folder `.experimaestro` of the task's directory, a Path."""
        return None if self.taskpath is None else self.taskpath / ".experimaestro"

    @property
    def slave(self):
        from ._engine import rank

        return rank() > 0


def _path(path):
    if path is None:
        return None
    from pathlib import Path

    return Path(path)
