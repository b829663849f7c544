"""Launchers: where jobs run."""

from ..launcher import DirectLauncher, Launcher

__all__ = ["DirectLauncher", "Launcher"]
