"""Launchers: where jobs run."""

from ..launcher import DirectLauncher, Launcher
from .dynamic import DynamicLauncher

__all__ = ["DirectLauncher", "DynamicLauncher", "Launcher"]
