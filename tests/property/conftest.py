"""The two packages as processes that build programs: the original from the package index, which
`make original` installs where the benchmark has it, and ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ORIGINAL = HERE.parent.parent / "bench" / ".peers" / "original" / "bin" / "python"

# The original waits three seconds when carbon tracking is on and its package is not installed.
SETTINGS = "carbon:\n  enabled: false\n"


class Side:
    """A process of builder.py. It is started anew when a program ended it."""

    def __init__(self, name, python, folder, environment):
        self.name, self.python, self.folder = name, str(python), Path(folder)
        self.environment = {**environment, "HOME": str(folder)}
        self.process = None
        settings = self.folder / ".config" / "experimaestro" / "settings.yaml"
        settings.parent.mkdir(parents=True)
        settings.write_text(SETTINGS)

    def start(self):
        with open(self.folder / "stderr.txt", "ab") as errors:
            self.process = subprocess.Popen(
                [self.python, str(HERE / "builder.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=self.environment,
                cwd=self.folder,
            )

    def build(self, program):
        if self.process is None:
            self.start()
        self.process.stdin.write(json.dumps(program) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            status = self.process.wait()
            self.process = None
            errors = (self.folder / "stderr.txt").read_text(errors="replace")
            raise AssertionError(f"{self.name} ended with {status}: {errors[-2000:]}")
        return json.loads(answer)

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(timeout=60)


@pytest.fixture(scope="session")
def sides(tmp_path_factory):
    if not ORIGINAL.exists():
        pytest.skip("the original is not installed: make original")
    plain = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    folders = [tmp_path_factory.mktemp(name) for name in ("original", "ours")]
    pair = [
        Side("original", ORIGINAL, folders[0], plain),
        Side("ours", sys.executable, folders[1], dict(os.environ)),
    ]
    yield pair
    for side in pair:
        side.stop()
