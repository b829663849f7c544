"""Names of experimaestro.scheduler: older programs look for them here too."""

from .. import _finder

__all__ = ["DirtyGitAction", "DirtyGitError", "FailedExperiment", "GracefulExperimentExit",
           "experiment"]

__getattr__ = _finder(globals(), dict.fromkeys(__all__, ".scheduler"))
