"""Reading what a task needs."""

from .specs import HostRequirement


def parse(text):
    """The HostRequirement of a text. ValueError, with a caret under what is wrong, when it is not
    understood."""
    return HostRequirement(text)
