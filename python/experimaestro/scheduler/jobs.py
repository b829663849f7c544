"""Names of experimaestro.scheduler: older programs look for them here too."""

from .. import _finder

__all__ = ["Job", "JobFailureStatus", "JobState"]

__getattr__ = _finder(globals(), dict.fromkeys(__all__, ".scheduler"))
