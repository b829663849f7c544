"""Task.record: the figures that a task leaves of its course."""

import json
import math
from pathlib import Path

import pytest

from experimaestro import Task

PLAN = """
    import math, os, sys
    from pathlib import Path
    from experimaestro import *

    class Learn(Task):
        kind: Param[str]

        def execute(self):
            getattr(self, self.kind)()

        def scalars(self):
            self.record(step=1, loss=0.5, name="a \\"b\\"\\n", good=True, none=None, large=1 << 62)
            self.record({"loss/train": math.inf, "b c": -math.inf}, nan=math.nan)
            self.record()

        def items(self):
            class Scalar:
                def item(self):
                    return 0.25
            self.record(loss=Scalar())

        def others(self):
            for figure in [1], {"a": 1}, object():
                try:
                    self.record(step=0, loss=figure)
                except TypeError as error:
                    print(error)
                else:
                    sys.exit("it was recorded")

        def full(self):
            import resource, signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            self.record(step=0, words=5000 * "a")  # more than it prints, which the limit holds for too
            path = Path(".experimaestro/figures.jsonl")
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, resource.RLIM_INFINITY))
            try:
                self.record(step=1)
            except OSError as error:
                print(error)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            self.record(step=2)

        def child(self):
            if os.fork() == 0:
                self.record(of="child")
                os._exit(0)
            os.wait()
            self.record(of="task")

        def fails(self):
            self.record(attempt=Path("again").exists())
            if not Path("again").exists():
                Path("again").touch()
                os._exit(1)

    class Goes(ResumableTask):
        kind: Param[str] = ""

        def execute(self):
            self.record(attempt=Path("again").exists())
            if not Path("again").exists():
                Path("again").touch()
                os._exit(1)

    if __name__ == "__main__":
        with experiment("workspace", "record", raise_on_failure=False):
            task = Goes.C() if sys.argv[1] == "goes" else Learn.C(kind=sys.argv[1])
            task.submit()
"""


def figures(text):
    return [json.loads(line)["figures"] for line in text.splitlines()]


def run(program, kind):
    """What the task has recorded, and printed."""
    program.write("plan.py", PLAN)
    program.run("plan.py", kind)
    return figures(program.one("jobs/*/*/.experimaestro/figures.jsonl")), program.one("jobs/*/*/*.out")


def test_each_call_is_a_line(program):
    first, second, third = run(program, "scalars")[0]
    assert first == {"step": 1, "loss": 0.5, "name": 'a "b"\n', "good": True, "none": None, "large": 1 << 62}
    assert second.pop("nan") != 0 and second == {"loss/train": math.inf, "b c": -math.inf}
    assert third == {}
    lines = [json.loads(line) for line in program.one("jobs/*/*/.experimaestro/figures.jsonl").splitlines()]
    assert 0 < lines[0]["time"] <= lines[1]["time"] <= lines[2]["time"]


def test_what_has_an_item_is_recorded_as_that(program):
    assert run(program, "items")[0] == [{"loss": 0.25}]


def test_what_is_no_scalar_is_refused_and_named(program):
    program.write("plan.py", PLAN)
    program.run("plan.py", "others")
    said = program.one("jobs/*/*/*.out").splitlines()
    assert len(said) == 3 and all("loss" in line for line in said[:2])
    assert not list(Path(program.folder).glob("workspace/jobs/*/*/.experimaestro/figures.jsonl"))


def test_a_line_is_whole_or_not_there(program):
    recorded, said = run(program, "full")
    assert [line["step"] for line in recorded] == [0, 2]
    assert "File too large" in said


def test_a_child_records_for_its_task(program):
    assert run(program, "child")[0] == [{"of": "child"}, {"of": "task"}]


def test_a_task_that_is_started_anew_begins_a_new_file(program):
    run(program, "fails")
    assert run(program, "fails")[0] == [{"attempt": True}]
    assert figures(program.one("jobs/*/*/.experimaestro/figures.2*.jsonl")) == [{"attempt": False}]


def test_a_resumable_task_goes_on_with_its_own(program):
    run(program, "goes")
    assert run(program, "goes")[0] == [{"attempt": False}, {"attempt": True}]


def test_outside_a_job_nothing_is_recorded(tmp_path, monkeypatch):
    class Alone(Task):
        def execute(self):
            self.record(step=1)

    monkeypatch.chdir(tmp_path)
    Alone.C().instance().execute()
    assert not list(tmp_path.iterdir())
    with pytest.raises(TypeError):
        Alone.C().instance().record(step=[1])
