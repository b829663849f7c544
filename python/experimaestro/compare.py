"""Says what today's classes make of old jobs, for `experimaestro deprecated`.

`python -m experimaestro.compare [--path FOLDER] [--import MODULE,...]` reads paths of params.json
from standard input, one a line, and answers each with a line of JSON (docs/formats.md). FOLDER is
searched for modules.
"""

import os
import sys


def main(arguments):
    from importlib import import_module

    from . import _engine
    from .logs import configure
    from .run import resolve

    configure()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the modules print is no answer
    options = dict(zip(arguments[::2], arguments[1::2]))
    sys.path[:0] = filter(None, [options.get("--path")])
    for module in filter(None, options.get("--import", "").split(",")):
        import_module(module)
    for line in sys.stdin:
        answers.write(_engine.compare(line.rstrip("\n"), resolve) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
