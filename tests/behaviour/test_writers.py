"""Directories shared by tasks of equal partial identifier: one task at a time writes there."""

import json
import os
import subprocess
import time

import pytest
from harness import TIMEOUT, job_folders

TASKS = """
    import json, os, sys, time
    from experimaestro import *

    iterations = param_group("iterations")

    class Count(Task):
        '''Adds to a number in a shared file, reading it a while before it writes it.'''
        shared = partial(exclude_groups=[iterations])
        other = partial(exclude_all=True)
        series: Param[int]
        number: Param[int] = field(groups=[iterations])
        total: Meta[Path] = field(default_factory=PathGenerator("total", partial=shared))
        fails: Meta[bool] = False

        def execute(self):
            before = int(self.total.read_text()) if self.total.exists() else 0
            time.sleep(0.1)
            self.total.write_text(str(before + 1))
            print(self.__maintaskdir__)
            sys.stdout.flush()
            if self.fails:
                os.kill(os.getpid(), 9)

    class Wait(Task):
        '''Says that it runs, and then waits to be told to end.'''
        shared = partial(exclude_groups=[iterations])
        number: Param[int] = field(groups=[iterations])
        pipe: Meta[Path]

        def execute(self):
            Path("runs").touch()
            self.pipe.read_text()

    class Free(Task):
        x: Param[int]

        def execute(self):
            pass
"""

PLAN = """
    import sys
    from tasks import *

    def main(workspace, name, first, last):
        with experiment(workspace, name, jobs=4) as xp:
            for number in range(int(first), int(last)):
                Count(series=1, number=number).submit()

    main(*sys.argv[1:])
"""


@pytest.fixture
def tasks(driver):
    driver.write(TASKS, "tasks.py")
    return driver


def total(workspace):
    (path,) = workspace.glob("partials/tasks.count/shared/*/total")
    return int(path.read_text())


def test_tasks_of_one_experiment_write_there_one_at_a_time(tasks, workspace):
    tasks.run(tasks.write(PLAN), workspace, "test", 0, 8)
    assert total(workspace) == 8


def test_tasks_of_two_processes_write_there_one_at_a_time(tasks, workspace):
    plan = tasks.write(PLAN)
    drivers = [tasks.start(plan, workspace, f"test{i}", 6 * i, 6 * i + 6) for i in range(2)]
    for process in drivers:
        _, errors = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, errors
    assert total(workspace) == 12


def test_what_waits_for_the_directory_has_no_slot(tasks, workspace, tmp_path):
    for number in range(3):
        os.mkfifo(tmp_path / f"pipe{number}")
    body = f"""
        from tasks import *
        with experiment({str(workspace)!r}, "test", jobs=2) as xp:
            pipes = [Path({str(tmp_path)!r}, f"pipe{{n}}") for n in range(3)]
            waits = [Wait(number=n, pipe=pipe).submit() for n, pipe in enumerate(pipes)]
            assert Free(x=1).submit().job.wait() == JobState.DONE
            states = [task.job.state.name for task in waits]
            for pipe in pipes:
                pipe.write_text("")
        print(*states)
    """
    result = tasks.run(tasks.write(body))
    assert result.stdout.split() == ["RUNNING", "READY", "READY"]


def test_a_task_that_is_killed_lets_the_next_one_in(tasks, workspace):
    body = f"""
        from tasks import *
        with experiment({str(workspace)!r}, "test", raise_on_failure=False) as xp:
            Count(series=1, number=1, fails=True).submit()
            Count(series=1, number=2).submit()
        print(xp.counts["failed"], xp.counts["done"])
    """
    assert tasks.run(tasks.write(body)).stdout.split() == ["1", "1"]
    assert total(workspace) == 2


def test_the_lock_lasts_as_long_as_the_task_and_not_as_its_driver(tasks, workspace, tmp_path):
    for number in (1, 2):
        os.mkfifo(tmp_path / f"pipe{number}")
    body = f"""
        from tasks import *
        with experiment({str(workspace)!r}, sys.argv[1]) as xp:
            pipe = Path({str(tmp_path)!r}, "pipe" + sys.argv[2])
            task = Wait(number=int(sys.argv[2]), pipe=pipe).submit()
            if sys.argv[1] == "first":
                while not (task.jobpath / "runs").exists():
                    time.sleep(0.01)
                os._exit(0)
    """
    script = tasks.write(body)
    tasks.run(script, "first", 1)
    second = tasks.start(script, "second", 2)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=1.5)
    ran = [(folder / "runs").exists() for folder in job_folders(workspace, "tasks.wait")]
    assert sum(ran) == 1
    (tmp_path / "pipe1").write_text("")  # the first ends
    deadline = time.monotonic() + TIMEOUT
    while sum((f / "runs").exists() for f in job_folders(workspace, "tasks.wait")) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (tmp_path / "pipe2").write_text("")
    _, errors = second.communicate(timeout=TIMEOUT)
    assert second.returncode == 0, errors


def test_a_job_started_by_hand_waits_for_the_directory_too(tasks, workspace):
    import fcntl

    body = f"""
        from tasks import *
        with experiment({str(workspace)!r}, "test", run_mode=RunMode.GENERATE_ONLY):
            Count(series=1, number=1).submit()
    """
    tasks.run(tasks.write(body))
    (folder,) = job_folders(workspace)
    link = folder / ".experimaestro/partials/shared"
    assert link.is_symlink() and not os.readlink(link).startswith("/")
    locks = link / ".experimaestro/locks"
    with open(locks / "ipc.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = tasks.start(folder / "count.py", env={"PYTHONPATH": str(tasks.folder)})
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
    _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, errors
    assert total(workspace) == 1


def test_every_partial_identifier_has_its_directory_and_its_link(tasks, workspace):
    tasks.run(tasks.write(PLAN), workspace, "test", 0, 2)
    folders = job_folders(workspace, "tasks.count")
    links = {
        name: {(folder / ".experimaestro/partials" / name).resolve() for folder in folders}
        for name in ("shared", "other")
    }
    assert {name: len(found) for name, found in links.items()} == {"shared": 1, "other": 1}
    for name, (path,) in links.items():
        assert path.parent == (workspace / "partials/tasks.count" / name).resolve()
        assert (path / ".experimaestro/locks/ipc.lock").exists()
    printed = {(folder / "count.out").read_text().strip() for folder in folders}
    assert printed == {str(next(iter(links["shared"])))}


def test_what_a_task_starts_does_not_keep_the_lock(tasks, workspace):
    tasks.write("""
        import subprocess
        from experimaestro import *

        class Spawn(Task):
            shared = partial(exclude_all=True)
            x: Param[int]

            def execute(self):
                subprocess.Popen(["sleep", "30"], close_fds=False)
    """, "spawn.py")
    body = f"""
        from spawn import *
        with experiment({str(workspace)!r}, "test") as xp:
            for x in (1, 2):
                Spawn(x=x).submit()
        print(json.dumps(xp.counts))
    """
    started = time.monotonic()
    result = tasks.run(tasks.write("import json\n" + "\n".join(
        line[8:] for line in body.splitlines())))
    assert json.loads(result.stdout)["done"] == 2
    assert time.monotonic() - started < 25

