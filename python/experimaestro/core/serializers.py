"""Lightweight tasks that load what another task wrote."""

from .. import _finder

__all__ = ["PathSerializationLWTask", "SerializationLWTask"]

__getattr__ = _finder(globals(), dict.fromkeys(__all__, "experimaestro"))
