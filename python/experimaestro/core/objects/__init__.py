"""Configurations and what is known of them."""

from ... import _finder

__all__ = ["Config", "ConfigInformation", "ConfigMixin", "LightweightTask", "ObjectStore",
           "ResumableTask", "Task", "cache", "clone", "copyconfig", "initializer", "setmeta"]

__getattr__ = _finder(
    globals(),
    {
        **dict.fromkeys(__all__, "experimaestro"),
        "ConfigInformation": ".config",
        "ConfigMixin": ".config",
    },
)
