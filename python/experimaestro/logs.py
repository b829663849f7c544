"""What `experimaestro --logging` and `--debug` ask of the loggers of the Python programs that it starts."""

import os


def configure():
    """Sets the levels that XPM_LOGGING says, "NAME=LEVEL,NAME=LEVEL"; does nothing without it."""
    levels = os.environ.get("XPM_LOGGING")
    if not levels:
        return
    import logging

    logging.basicConfig()
    for item in levels.split(","):
        name, _, level = item.rpartition("=")
        logging.getLogger(name or None).setLevel(level)
