"""Marks for the documentation."""


def documentation(method):
    """Marks a method as one that the documentation of its configuration shows. Returns it."""
    method.__documentation__ = True
    return method
