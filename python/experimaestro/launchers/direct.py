"""The launcher of processes of this machine."""

from ..launcher import DirectLauncher

__all__ = ["DirectLauncher"]
