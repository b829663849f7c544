"""The two Pythons that run the works: the original in an environment of its own, and ours."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = HERE / ".peers"
OURS = HERE.parent / ".venv" / "bin" / "python"
TIMEOUT = 900

# The original waits 3 s in each experiment when carbon tracking is on and its package is not
# installed; this, from its manual, turns the tracking off.
SETTINGS = "carbon:\n  enabled: false\n"


class Failed(Exception):
    """A work that ended badly; the text fits in a cell."""


def stage(scratch):
    """Lays out in `scratch` what the works need: their scripts, and a home that holds nothing but
    SETTINGS. Outside the repository, as the original asks git about the project that it runs from,
    which would make its figures depend on that project. Returns the environment for everybody."""
    shutil.copytree(HERE / "work", Path(scratch, "work"), ignore=shutil.ignore_patterns("__*"))
    settings = Path(scratch, "home", ".config", "experimaestro", "settings.yaml")
    settings.parent.mkdir(parents=True)
    settings.write_text(SETTINGS)
    return {"PATH": os.environ["PATH"], "HOME": str(Path(scratch, "home")), "LANG": "C.UTF-8"}


def run(command, env, quiet=False, cwd=None):
    """Runs a command and returns its output. Its errors go to a file, or nowhere when `quiet`:
    never to a terminal, whose speed would count."""
    PEERS.mkdir(exist_ok=True)
    log = Path(os.devnull) if quiet else PEERS / "stderr.txt"
    with open(log, "wb") as errors:
        try:
            done = subprocess.run(
                command,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"failed: over {TIMEOUT} s") from None
    if done.returncode:
        last = "" if quiet else log.read_text(errors="replace").strip().rpartition("\n")[2]
        raise Failed(f"failed ({done.returncode}): {last or 'no message'}"[:100])
    return done.stdout.decode()


class Side:
    """A package under test. `missing` says why it cannot run, or is empty."""

    def __init__(self, name, python, scratch, env, missing=""):
        self.name, self.python, self.missing = name, python, missing
        self.scratch, self.env = Path(scratch), env
        self.version = "missing"
        if not missing:
            self.find_version()

    def find_version(self):
        """Imports the package, and makes sure that it is the one that the side is named after."""
        program = (
            "import importlib.metadata as m, json, experimaestro as x\n"
            "try: original = m.version('experimaestro')\n"
            "except m.PackageNotFoundError: original = None\n"
            "print(json.dumps([original, getattr(x, '__version__', None)]))"
        )
        try:
            original, version = json.loads(self.command("-c", program).splitlines()[-1])
        except (Failed, ValueError, IndexError) as error:
            self.missing = str(error) if self.name == "original" else "not built"
            return
        if (original is not None) != (self.name == "original"):
            self.missing = "another package answers to its name"
        self.version = original or version or "unknown version"

    def command(self, *arguments, quiet=False):
        return run([str(self.python), *arguments], self.env, quiet, cwd=self.scratch)

    def work(self, script, *arguments, quiet=False):
        """Runs work/SCRIPT; returns what the JSON of its last line says."""
        path = self.scratch / "work" / script
        text = self.command(*map(str, [path, *arguments]), quiet=quiet)
        try:
            return json.loads(text.splitlines()[-1])
        except (ValueError, IndexError):
            raise Failed("failed: no result") from None


def base_python():
    """The interpreter below our environment, so that both sides run the same; else this one's."""
    for python in (OURS, sys.executable):
        try:
            program = "import sys; print(sys._base_executable)"
            base = subprocess.check_output([python, "-c", program], text=True)
            return Path(base.strip()).resolve()
        except (OSError, subprocess.CalledProcessError):
            continue
    return Path(sys.executable)


def install(folder, base):
    """The newest published experimaestro, in an environment that is made again when ours changes
    interpreters. Returns why it cannot be had, or nothing."""
    ready = folder / "ready"
    if ready.exists() and ready.read_text() == str(base):
        return ""
    print("bench: installing the original package...", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    try:
        # With the user's environment: it may say where packages come from.
        run([base, "-m", "venv", folder], dict(os.environ))
        run([*pip, "--disable-pip-version-check", "experimaestro"], dict(os.environ))
    except (Failed, OSError) as error:
        print(f"bench: the original could not be installed: {error}", file=sys.stderr)
        return "missing: not installed"
    ready.write_text(str(base))
    return ""


def original(scratch, env):
    folder = PEERS / "original"
    missing = install(folder, base_python())
    return Side("original", folder / "bin" / "python", scratch, env, missing)


def ours(scratch, env):
    return Side("ours", OURS, scratch, env, "" if OURS.exists() else "not built")


if __name__ == "__main__":  # make original
    sys.exit(install(PEERS / "original", base_python()) or None)
