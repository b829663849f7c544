"""What the tests of faults share: injected faults (inject.c), witnessed graphs (programs/witness.c),
and what must hold of a workspace whatever has happened."""

import contextlib
import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

from experimaestro import _engine
from harness import BUILD, TIMEOUT

HERE = Path(__file__).parent
INJECT = BUILD / "tests/inject.so"
PROGRAMS = {
    "c": [str(BUILD / "tests/witness")],
    "python": [sys.executable, str(HERE / "witness.py")],
}


class Faults:
    """Faults for one driver and its jobs, each as inject.c reads them; `fired`: what came of them."""

    HEADER, FAULT = struct.Struct("i"), struct.Struct("IIi16s")

    def __init__(self, folder, workspace, *faults, clock=None):
        self.faults, self.workspace, self.clock = faults, workspace, clock
        self.state = folder / "state"
        self.state.write_bytes(bytes(4096))

    @property
    def environment(self):
        before = os.environ.get("LD_PRELOAD", "")  # a sanitizer's runtime has to be the first
        environment = {"LD_PRELOAD": f"{before} {INJECT}".strip()}
        if self.clock is not None:
            environment["XPM_FAULTS_CLOCK"] = str(self.clock)
        if self.faults:
            environment["XPM_FAULTS"] = ",".join(self.faults)
            environment["XPM_FAULTS_ROOT"] = str(self.workspace)
            environment["XPM_FAULTS_STATE"] = str(self.state)
        return environment

    def read(self):
        """For each fault: how many calls were counted, how often it fired, in which process, where."""
        data = self.state.read_bytes()
        for i in range(len(self.faults)):
            start = self.HEADER.size + i * self.FAULT.size
            calls, fired, pid, call = self.FAULT.unpack_from(data, start)
            yield calls, fired, pid, call.rstrip(b"\0").decode()


class Graph:
    """A witnessed graph in a folder of its own, and the drivers that run it."""

    def __init__(self, folder, jobs=30, language="c"):
        self.folder, self.jobs, self.language = folder, jobs, language
        self.workspace, self.witness = folder / "workspace", folder / "witness"
        self.witness.mkdir(parents=True)

    def start(self, *args, faults=None, **environment):
        environment = {
            **os.environ,
            "WITNESS": str(self.witness),
            "WITNESS_JOBS": str(self.jobs),
            **(faults.environment if faults else {}),
            **environment,
        }
        return subprocess.Popen(
            [*PROGRAMS[self.language], "run", str(self.workspace), *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def finish(self, process):
        """The finished driver: a hang is a failure."""
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"the driver hangs; {self.folder} has its workspace") from None
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def run(self, *args, **more):
        return self.finish(self.start(*args, **more))

    def make_hold(self, job):
        """Makes a job wait, once it runs."""
        os.mkfifo(self.witness / f"{job}.hold")

    @contextlib.contextmanager
    def held(self, job):
        """The block is run while the job runs."""
        path = self.witness / f"{job}.hold"
        with open(path, "w"):
            yield
        path.unlink()

    def log(self, job):
        """The words that a task has said, with the process that said each."""
        path = self.witness / f"{job}.log"
        text = path.read_text() if path.exists() else ""
        return [(word, int(pid)) for word, pid in map(str.split, text.splitlines())]

    def folders(self):
        """The jobs' folders, by their number."""
        found = {}
        for params in self.workspace.glob("jobs/*/*/params.json"):
            found[json.loads(params.read_text())["objects"][-1]["fields"]["number"]] = params.parent
        return found

    def done(self):
        """The numbers of the jobs that have the marker of success."""
        return {n for n, folder in self.folders().items() if list(folder.glob("*.done"))}


def view(workspace, experiment=None):
    """What a reader is told of the jobs of a workspace."""
    return json.loads(_engine.view(str(workspace), experiment, None))


def check_files(workspace, killed=()):
    """No file is torn, and none is left over, but for what processes that were killed left."""
    for path in workspace.rglob("*.json"):
        json.loads(path.read_text() or "nothing")
    for path in workspace.rglob("*.tmp"):
        number = re.search(r"\.(\d+)(-\d+)?\.tmp$", path.name)
        assert number and int(number[1]) in killed, f"{path} is left over"


def check_finished(graph, killed=()):
    """All jobs are done, nothing tells of another state, and no file is torn or left over."""
    assert graph.done() == set(range(graph.jobs))
    assert {job["state"] for job in view(graph.workspace)} == {"done"}
    for folder in graph.folders().values():
        assert not list(folder.glob("*.failed")), f"{folder} has a marker of failure too"
    check_files(graph.workspace, killed)
