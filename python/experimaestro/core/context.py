"""Saving configurations: the names of experimaestro.serialization."""

from .. import _finder

__all__ = ["SerializationContext", "SerializedPath"]

__getattr__ = _finder(globals(), dict.fromkeys(__all__, "experimaestro"))
