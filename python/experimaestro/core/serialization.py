"""Saving and loading configurations: the functions of the package."""

from .. import _finder

__all__ = ["deserialize", "from_state_dict", "from_task_dir", "load", "load_xp_info", "save",
           "serialize", "state_dict"]

__getattr__ = _finder(globals(), dict.fromkeys(__all__, "experimaestro"))
