"""Jobs that are left to Slurm: the program that planned them ends, and they run, in their order, alone."""

import json

import pytest
from cluster import wait_until
from harness import TIMEOUT, wait_for_end

CHAIN = """
    xp.detach = True
    after = []
    for name in "abcd":
        task = Hold(name=name, pipes={pipes!r}, after=after)
        task.submit()
        after = [task]
"""

DIAMOND = """
    xp.detach = True
    first = Hold(name="a", pipes={pipes!r})
    first.submit()
    sides = [Hold(name=name, pipes={pipes!r}, after=[first]) for name in "bc"]
    for side in sides:
        side.submit()
    Hold(name="d", pipes={pipes!r}, after=sides).submit()
"""


@pytest.fixture
def names(pipes):
    for name in "abcd":
        pipes.make(name)
    return "abcd"


def log(pipes):
    path = pipes.folder / "log"
    return path.read_text().split() if path.exists() else []


def status(held):
    (path,) = {path.resolve() for path in held.workspace.glob("experiments/slurm/*/status.json")}
    return json.loads(path.read_text())["status"]


def markers(held, suffix):
    """The markers of jobs, by their names."""
    found = {}
    for path in held.workspace.glob(f"jobs/*/*/hold{suffix}"):
        objects = json.loads((path.parent / "params.json").read_text())["objects"]
        found[objects[-1]["fields"]["name"]] = path.read_text()
    return found


def plan(lines, pipes):
    return lines.format(pipes=str(pipes.folder))


@pytest.mark.parametrize("lines, order", [(CHAIN, ["a", "b", "c", "d"]), (DIAMOND, ["a", "bc", "d"])],
                         ids=["chain", "diamond"])
def test_jobs_that_were_handed_over_run_in_their_order_without_the_program(slurm, held, pipes, names, lines, order):
    held.run(plan(lines, pipes))  # it has ended, and no job has
    assert log(pipes) == [] and status(held) == "detached"
    for together in order:
        for name in together:
            pipes.pid(name)
        for name in together:
            pipes.end(name)
    wait_until(lambda: len(markers(held, ".done")) == 4, "the end of all jobs")
    assert sorted(log(pipes)) == [*names]
    again = held.run(plan(lines, pipes) + """
    xp.detach = False
    xp.wait()
    print(xp.counts["done"], xp.counts["started"])
    """)
    assert again.stdout == "4 0\n" and sorted(log(pipes)) == [*names]


def test_what_depends_on_a_job_that_fails_says_so_without_the_program(slurm, held, pipes, names):
    held.run(plan(CHAIN, pipes))
    pipes.pid("a")
    pipes.end("a", "fail")
    wait_until(lambda: len(markers(held, ".failed")) == 4, "the end of all jobs")
    reasons = {name: json.loads(text)["reason"] for name, text in markers(held, ".failed").items()}
    assert reasons == {"a": "failed", "b": "dependency", "c": "dependency", "d": "dependency"}
    assert log(pipes) == []


def test_jobs_of_this_machine_are_waited_for_and_then_the_rest_is_handed_over(slurm, held, pipes, names):
    process = held.start(f"""
        xp.detach = True
        first = Hold(name="a", pipes={str(pipes.folder)!r})
        first.submit()
        here = Hold(name="b", pipes={str(pipes.folder)!r}, after=[first])
        here.submit(launcher=DirectLauncher())
        Hold(name="c", pipes={str(pipes.folder)!r}, after=[here]).submit()
        Hold(name="d", pipes={str(pipes.folder)!r}).submit()
        assert xp.hand_over(0) > 0
    """)
    pipes.pid("a")
    pipes.pid("d")
    pipes.end("a")
    pid = pipes.pid("b")
    assert process.poll() is None
    pipes.end("b")
    wait_for_end(pid)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, err
    assert sorted(log(pipes)) == ["a", "b"] and status(held) == "detached"
    pipes.pid("c")
    for name in "cd":
        pipes.end(name)
    wait_until(lambda: len(markers(held, ".done")) == 4, "the end of all jobs")


def test_the_next_run_takes_back_what_was_handed_over(slurm, held, pipes, names):
    held.run(plan(CHAIN, pipes))
    pipes.pid("a")
    process = held.start(plan(CHAIN, pipes) + """
    xp.detach = False
    xp.wait()
    print(xp.counts["done"], xp.counts["started"])
    """)
    for name in names:
        if name != "a":
            pipes.pid(name)
        pipes.end(name)
    out, err = process.communicate(timeout=TIMEOUT)
    assert out == "4 0\n", err
    assert log(pipes) == [*names]


def test_what_waits_for_a_job_that_is_tried_again_waits_for_the_last_try(slurm, held, pipes, names):
    process = held.start(f"""
        Retry(on=["failed"], times=1)(Hold)
        first = Hold(name="a", pipes={str(pipes.folder)!r})
        first.submit()
        Hold(name="b", pipes={str(pipes.folder)!r}, after=[first]).submit()
        assert xp.hand_over() == 0
        print("handed", flush=True)
        xp.wait()
        print(xp.counts["done"])
    """)
    pipes.pid("a")
    assert process.stdout.readline() == "handed\n"
    pipes.end("a", "fail")
    pipes.pid("a")
    pipes.end("a")
    pipes.pid("b")
    pipes.end("b")
    out, err = process.communicate(timeout=TIMEOUT)
    assert out == "2\n", err
    assert log(pipes) == ["a", "b"]


def test_with_nothing_to_hand_over_the_program_ends_as_ever(slurm, held, pipes, names):
    process = held.start(f"""
        xp.detach = True
        Hold(name="a", pipes={str(pipes.folder)!r}).submit(launcher=DirectLauncher())
    """)
    pipes.pid("a")
    pipes.end("a")
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0 and status(held) == "done", err
