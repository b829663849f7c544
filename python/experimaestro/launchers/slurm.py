"""The launcher of jobs of Slurm, and its options."""

from ..later import later

__all__ = ["SlurmLauncher", "SlurmOptions"]

_instead = "jobs run on this machine, with DirectLauncher"

SlurmLauncher = later("launchers.slurm.SlurmLauncher", _instead)
SlurmOptions = later("launchers.slurm.SlurmOptions", _instead)
