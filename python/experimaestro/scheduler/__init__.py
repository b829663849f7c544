"""Experiments, jobs, and those who listen to them, under the modules where older programs look."""

from .. import _finder

__all__ = ["DirtyGitAction", "DirtyGitError", "FailedExperiment", "GracefulExperimentExit", "Job",
           "JobFailureStatus", "JobState", "Listener", "RunMode", "Workspace", "experiment"]

__getattr__ = _finder(
    globals(), {**dict.fromkeys(__all__, "experimaestro"), "Listener": ".listener"}
)
