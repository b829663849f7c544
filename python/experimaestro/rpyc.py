"""Python programs of other machines."""

from .later import missing


def client(*args, **kwargs):
    """Not there yet."""
    raise missing("rpyc.client", "run the program on the machine itself")
