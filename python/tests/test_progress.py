"""progress and tqdm: how far a task is."""

import io
import json
import subprocess
import sys

import pytest

from experimaestro import progress, tqdm

PLAN = """
    import json, sys, time
    from pathlib import Path
    from experimaestro import *

    class Loop(Task):
        kind: Param[str]

        def shown(self):
            status = json.loads(Path(".experimaestro/status.json").read_text())
            return [(level["progress"], level["desc"]) for level in status["progress"]]

        def execute(self):
            seen = []
            if self.kind == "progress":
                for i in range(5):
                    progress(i / 4, desc="epochs")
                    progress(0.5, level=1, console=i == 0)
                    seen.append(self.shown())
            else:
                for i in tqdm(range(4), desc="outer", mininterval=0):
                    for j in tqdm(range(2), desc="inner", mininterval=0):
                        pass
                    if i:
                        seen.append(self.shown())
            Path("seen.json").write_text(json.dumps(seen))

    if __name__ == "__main__":
        with experiment("workspace", "loops"):
            Loop.C(kind=sys.argv[1]).submit()
"""


def test_a_watcher_sees_how_far_the_task_is(program):
    program.write("plan.py", PLAN)
    program.run("plan.py", "progress")
    assert json.loads(program.one("jobs/*/*/seen.json")) == [
        [[i / 4, "epochs"], [0.5, None]] for i in range(5)
    ]
    status = json.loads(program.one("jobs/*/*/.experimaestro/status.json"))
    assert status["state"] == "done"
    assert status["progress"][0] == {"level": 0, "progress": 1.0, "desc": "epochs"}
    assert program.one("jobs/*/*/loop.err") == "progress: 50%\n"


def test_a_watcher_sees_the_loops_of_tqdm(program):
    program.write("plan.py", PLAN)
    program.run("plan.py", "tqdm")
    seen = json.loads(program.one("jobs/*/*/seen.json"))
    assert [levels[0] for levels in seen] == [[0.25, "outer"], [0.5, "outer"], [0.75, "outer"]]
    assert [levels[1] for levels in seen] == [[1.0, "inner"]] * 3
    assert "outer" in program.one("jobs/*/*/loop.err")


def test_without_tqdm_its_loops_are_told_all_the_same(program):
    program.write("tqdm/__init__.py", "raise ImportError('not installed')")
    program.write("plan.py", PLAN)
    program.run("plan.py", "tqdm")
    seen = json.loads(program.one("jobs/*/*/seen.json"))
    assert [levels[0] for levels in seen] == [[0.25, "outer"], [0.5, "outer"], [0.75, "outer"]]
    assert program.one("jobs/*/*/loop.err") == ""


def test_a_task_that_is_run_alone_may_say_how_far_it_is(program):
    program.write("plan.py", PLAN)
    program.run("plan.py", "progress")
    (params,) = program.workspace.glob("jobs/*/*/params.json")
    copy = program.write("alone/params.json", params.read_text())
    done = subprocess.run(
        [sys.executable, "-m", "experimaestro.run", str(copy)],
        cwd=copy.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "status.json" in done.stderr  # it looks for a record, and a task alone has none


def test_progress_outside_a_task_is_an_error():
    with pytest.raises(RuntimeError, match="none runs in this process"):
        progress(0.5)


def test_tqdm_outside_a_task_is_tqdm():
    from tqdm.auto import tqdm as base

    out = io.StringIO()
    assert issubclass(tqdm, base)
    assert list(tqdm([1, 2, 3], desc="numbers", file=out)) == [1, 2, 3]
    assert "numbers: 100%" in out.getvalue()
    with tqdm(total=10, file=out) as bar:
        bar.update(4)
        assert bar.n == 4


def test_importing_the_package_imports_no_tqdm():
    line = "import sys, experimaestro; assert 'tqdm' not in sys.modules"
    subprocess.run([sys.executable, "-c", line], check=True, timeout=60)
