"""Contexts in which instances are made outside a task."""

from . import _finder

__all__ = ["DirectoryContext"]

__getattr__ = _finder(globals(), {"DirectoryContext": "experimaestro"})
