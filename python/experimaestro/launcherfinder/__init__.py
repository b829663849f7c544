"""Finding a launcher for what a task needs.

Today jobs run on this machine, whatever they need; what they say that they need is checked.
"""

from ..launcher import DirectLauncher
from .specs import check

__all__ = ["LauncherNotFoundError", "LauncherRegistry", "find_launcher"]


class LauncherNotFoundError(Exception):
    """No launcher has what is needed."""


def find_launcher(*specs, tags=()):
    """A launcher for jobs that need what one of the specifications says: the first one that can be
    met. A specification is a text, or an object made with experimaestro.launcherfinder.specs:

        find_launcher("duration=4 days & cuda(mem=4G)*2 & cpu(mem=4G, cores=2)")

    tags: names of launchers to prefer, which only a file launchers.py can give.

    Without such a file it is a DirectLauncher. TypeError or ValueError for a specification that is
    none; NotImplementedError when there is a file launchers.py, which is not read yet.
    """
    for spec in specs:
        check(spec)
    LauncherRegistry.instance().check_unread()
    return DirectLauncher()


class LauncherRegistry:
    """The folder of the launchers' files: $XPM_CONFIG_DIR, or else ~/.config/experimaestro."""

    _instance = None

    def __init__(self, folder=None):
        self.folder = folder

    @staticmethod
    def instance():
        """The only one."""
        if LauncherRegistry._instance is None:
            LauncherRegistry._instance = LauncherRegistry()
        return LauncherRegistry._instance

    @staticmethod
    def set_config_dir(folder):
        """Says where the folder is."""
        LauncherRegistry.instance().folder = folder

    def check_unread(self):
        from pathlib import Path

        from ..later import missing
        from ..settings import config_folder

        file = Path(self.folder or config_folder()) / "launchers.py"
        if file.exists():
            raise missing(f"reading {file}", "give a launcher to submit(launcher=...), or move the "
                          "file away: jobs then run on this machine")
