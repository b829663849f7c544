"""Reading what a task needs."""

from .specs import HostRequirement, check


def parse(text):
    """The HostRequirement of a text. ValueError when it is not understood."""
    check(text)
    return HostRequirement(text)
