"""Writes the environment.json of a run, in a process of its own, while the run goes on.

The library starts it as PYTHON capture.py PATH PROJECT... RUN KNOWN: PATH is where the modules of
the program are, KNOWN what the library knows already. It is of no consequence if it fails.
"""

import os
import sys

if __name__ == "__main__":
    os.nice(19)  # jobs come first
    # The folder of this file has modules whose names are those of the standard library.
    sys.path[:1] = filter(None, sys.argv[1].split(":"))

import json


def main(projects, run, known):
    """Captures what `known` has not, and writes it."""
    python = {
        "version": ".".join(map(str, sys.version_info[:3])),
        "executable": sys.executable,
        "packages_of": folders_of_packages(),
    }
    packages, local = earlier(run, python) or installed()
    sources = (*projects, *(package["path"] for package in local.values()))
    more = {"python": python, "packages": packages, "local_packages": local}

    from experimaestro import _engine

    _engine.capture(run, known, sources, json.dumps(more, separators=(",", ":")))


def folders_of_packages():
    """The folders where packages are installed, and when each was changed."""
    names = ("site-packages", "dist-packages")
    folders = [path for path in sys.path if os.path.basename(path) in names and os.path.isdir(path)]
    return {folder: os.stat(folder).st_mtime_ns for folder in folders}


def earlier(run, python):
    """What the latest other run of the experiment found, if nothing was installed since."""
    folder, this = os.path.split(run)
    for name in sorted(set(os.listdir(folder)) - {this, "current"}, reverse=True):
        try:
            with open(os.path.join(folder, name, "environment.json")) as file:
                found = json.load(file)
            same = found["python"] == python
            return (found["packages"], found["local_packages"]) if same else None
        except (OSError, ValueError, KeyError):
            continue  # no run, or one whose environment was not captured
    return None


def installed():
    """Two dicts: the version of each package, and those that are projects on this machine."""
    from importlib.metadata import distributions

    packages, local = {}, {}
    for found in distributions():
        name = found.metadata["Name"]
        if name is None or name in packages:
            continue
        packages[name] = found.version
        project = project_of(found)
        if project is not None:
            local[name] = {"version": found.version, **project}
    return dict(sorted(packages.items())), local


def project_of(distribution):
    """The folder that a package was installed from; None when it is another kind of place."""
    from urllib.parse import unquote, urlsplit

    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        url, info = urlsplit(origin["url"]), origin["dir_info"]
    except (ValueError, KeyError):
        return None
    if url.scheme != "file":
        return None
    return {"path": unquote(url.path), "editable": bool(info.get("editable"))}


if __name__ == "__main__":
    main(sys.argv[2:-2], *sys.argv[-2:])
