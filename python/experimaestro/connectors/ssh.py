"""Another machine, through ssh."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from .. import _engine
from .local import Connector


@dataclass(frozen=True)
class SshConnector(Connector):
    """A machine that `ssh` reaches without a question, and that has the command `experimaestro`, the
    modules of the tasks, and the workspace under the path that it has here (see docs/ssh.md):

        launcher = DirectLauncher(SshConnector("gpu1", command="~/.venv/bin/experimaestro"))

    host: "host", "user@host", or a Host of ~/.ssh/config.
    command: experimaestro there: its path, in which "~/" is the home there, or a name that the shell
        finds there.
    python: the interpreter of Python tasks there; None for the path that it has here.
    options: words for ssh, before the host: ["-p", "2222"]. What is in ~/.ssh/config needs none.
    ssh: the program, by default found in PATH.
    slots: how many jobs run there at once; 0 for as many as it has cores.
    patience: seconds for which it may be out of reach before jobs fail that were not sent yet.

    ValueError when host is none, or a number is below 0.
    """

    host: str
    command: str | None = None
    python: str | None = None
    options: tuple = ()
    ssh: str | None = None
    slots: int = 0
    patience: float = 60

    is_here = False

    def __post_init__(self):
        object.__setattr__(self, "options", tuple(map(str, self.options)))
        self._launcher(False, False, 0, ())  # it is checked now, not when a job is submitted

    @staticmethod
    def parse(path):
        """The machine of a path as "ssh://user@host:port/folder". ValueError when it is none."""
        parts = urlsplit(str(path))
        if parts.scheme != "ssh" or not parts.hostname:
            raise ValueError(f"{path}: a path of another machine is ssh://HOST/FOLDER, or "
                             "ssh://USER@HOST:PORT/FOLDER")
        host = parts.netloc.removesuffix(f":{parts.port}")
        return SshConnector(host, options=("-p", parts.port) if parts.port else ())

    def _launcher(self, cold, pin, nice, prefix):
        """Jobs there are new programs, whatever `cold` says."""
        return _engine.Launcher.ssh(
            self.host, self.ssh, self.options, _text(self.command), _text(self.python), prefix, pin,
            nice, self.slots, self.patience)


def _text(path):
    return None if path is None else str(path)
