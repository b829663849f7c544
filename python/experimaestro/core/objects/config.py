"""The names of experimaestro.core.objects: older programs look for them here too."""

from . import __all__, __getattr__  # noqa: F401
