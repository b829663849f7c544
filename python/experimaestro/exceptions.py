"""Exceptions that programs raise for their users."""


class HandledException(Exception):
    """An error that the message tells in full: the command line prints it without a traceback.

    Raise it, or a subclass, for what is wrong with what the user gave.
    """
