"""What the behaviour tests share: how they start real processes, and look at a workspace."""

import ctypes
import os
import select
import subprocess
import sys
import textwrap
from pathlib import Path

SOURCE = Path(os.environ.get("XPM_SOURCE", Path(__file__).parents[2]))
BUILD = Path(os.environ.get("XPM_BUILD", SOURCE / "build"))
TIMEOUT = 120  # seconds: a hang is a failure, not a wait


class Driver:
    """A Python program that plans, as a script of its own: tasks must be found again by jobs."""

    def __init__(self, folder):
        self.folder = folder
        self._started = []

    def write(self, source, name="plan.py"):
        path = self.folder / name
        path.write_text(textwrap.dedent(source))
        return path

    def start(self, script, *args, env=None, **more):
        environment = {**os.environ, **(env or {})}
        process = subprocess.Popen(
            [sys.executable, str(script), *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=self.folder,
            **more,
        )
        self._started.append(process)
        return process

    def close(self):
        """Ends what a test that has failed has left."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()

    def run(self, script, *args, check=True, **more):
        """The finished process: its stdout, stderr and returncode."""
        process = self.start(script, *args, **more)
        out, err = process.communicate(timeout=TIMEOUT)
        if check:
            assert process.returncode == 0, err
        return subprocess.CompletedProcess(script, process.returncode, out, err)


def run(*command, **more):
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=TIMEOUT, **more
    )


def job_folders(workspace, task="*"):
    return sorted(workspace.glob(f"jobs/{task}/*"))


def await_file(path, holds):
    """Waits until `holds(text of the file)`, woken by the changes of its folder, which exists."""
    libc = ctypes.CDLL(None)
    events = libc.inotify_init1(os.O_CLOEXEC)
    changes = 0x2 | 0x80 | 0x100  # IN_MODIFY, IN_MOVED_TO, IN_CREATE
    assert libc.inotify_add_watch(events, os.fsencode(path.parent), changes) >= 0
    while not (path.exists() and holds(path.read_text())):
        assert select.select([events], [], [], TIMEOUT)[0], f"{path} never holds what it must"
        os.read(events, 4096)
    os.close(events)


def wait_for_end(pid):
    """Until a process that is not our child is no more."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    assert select.select([fd], [], [], TIMEOUT)[0], f"process {pid} does not end"
    os.close(fd)


HOLD = """
    import os
    from experimaestro import *

    class Hold(Task):
        '''Says that it runs, then ends when it is told to: both by pipes.'''
        name: Param[str]
        pipes: Meta[Path]
        after: Param[list[Config]] = []

        def execute(self):
            progress(0.25, desc="epochs")
            with open(self.pipes / f"{self.name}.started", "w") as started:
                started.write(str(os.getpid()))
            with open(self.pipes / f"{self.name}.end") as end:
                if end.read() == "fail":
                    raise ValueError("no luck")
            with open(self.pipes / "log", "a") as log:
                log.write(self.name + "\\n")
"""


class Pipes:
    """The pipes of a Hold task: opening one waits for the other side, so nobody sleeps."""

    def __init__(self, folder):
        self.folder = folder

    def make(self, name):
        os.mkfifo(self.folder / f"{name}.started")
        os.mkfifo(self.folder / f"{name}.end")

    def pid(self, name):
        pipe = os.open(self.folder / f"{name}.started", os.O_RDONLY | os.O_NONBLOCK)
        assert select.select([pipe], [], [], TIMEOUT)[0], f"{name} never runs"
        os.set_blocking(pipe, True)
        with open(pipe) as text:
            return int(text.read())

    def end(self, name, word="done"):
        (self.folder / f"{name}.end").write_text(word)
