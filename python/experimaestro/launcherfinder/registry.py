"""Names of experimaestro.launcherfinder: older programs look for them here too."""

from . import LauncherRegistry, find_launcher

__all__ = ["LauncherRegistry", "find_launcher"]
