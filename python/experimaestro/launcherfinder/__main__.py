"""What `experimaestro find-launchers` prints where there is a file launchers.py."""

import argparse
import json
import sys

from ..logs import configure
from . import LauncherRegistry
from .parser import parse


def describe(launcher):
    """A launcher in words: as it prints itself, else its class."""
    plain = type(launcher).__repr__ is object.__repr__
    return type(launcher).__name__ if plain else repr(launcher)


def tell(alternative, launcher, as_json):
    """Prints which launcher an alternative gets, None for none."""
    name = None if launcher is None else describe(launcher)
    if as_json:
        print(json.dumps({"requirement": str(alternative), "launcher": name, "lacks": None}))
    else:
        print(f"{alternative}\n  -> {name or 'no launcher'}")


def main():
    parser = argparse.ArgumentParser(prog="python -m experimaestro.launcherfinder")
    parser.add_argument("--config", required=True)
    parser.add_argument("--tags", default="")
    parser.add_argument("--json", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("spec")
    given = parser.parse_args()
    configure()
    registry = LauncherRegistry(given.config)
    file = registry.file("launchers.py")
    tags = {tag for tag in given.tags.split(",") if tag}
    found = False
    for alternative in parse(given.spec).requirements:
        launcher = registry.ask(file, alternative, tags)
        tell(alternative, launcher, given.json)
        found = found or launcher is not None
    return 0 if found else f"experimaestro: {file} has no launcher for any of these"


if __name__ == "__main__":
    sys.exit(main())
