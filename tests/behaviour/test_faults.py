"""What is killed, full, torn or wrong: nothing is lost, nothing runs twice, and the message helps."""

import json
import os
import resource
import shutil
import signal
import subprocess

import pytest
from harness import HOLD, TIMEOUT, await_file, job_folders, wait_for_end

TASKS = HOLD + """
    class Write(Task):
        '''Writes so many bytes.'''
        size: Param[int]

        def execute(self):
            Path("data").write_bytes(b"x" * self.size)
"""

PLAN = """
    import sys
    from tasks import *
    if __name__ == "__main__":
        with experiment(sys.argv[1], "faults", jobs=4) as xp:
            for name in sys.argv[3:]:
                Hold(name=name, pipes=sys.argv[2]).submit()
        print(xp.counts["started"], xp.counts["done"])
"""


@pytest.fixture
def held(driver, workspace, pipes):
    """Starts the plan, with the jobs named; the driver is returned once each of them runs."""
    driver.write(TASKS, "tasks.py")
    script = driver.write(PLAN)

    def start(*names, new=True):
        for name in names if new else ():
            pipes.make(name)
        process = driver.start(script, workspace, pipes.folder, *names)
        return process, {name: pipes.pid(name) for name in names} if new else {}

    return start


def test_jobs_outlive_a_driver_that_is_killed_and_are_not_run_again(held, workspace, pipes):
    first, pids = held("a", "b")
    first.kill()
    first.wait()
    pipes.end("a")
    wait_for_end(pids["a"])
    second, _ = held("a", "b", new=False)  # a is done, b runs: it is adopted
    pipes.end("b")
    out, err = second.communicate(timeout=TIMEOUT)
    assert second.returncode == 0, err
    assert out.split() == ["0", "2"]  # nothing was started
    assert sorted((pipes.folder / "log").read_text().split()) == ["a", "b"]


def test_a_job_that_ends_badly_after_its_driver_is_run_again(held, workspace, pipes):
    first, pids = held("a")
    first.kill()
    first.wait()
    pipes.end("a", "fail")
    wait_for_end(pids["a"])
    (folder,) = job_folders(workspace)
    assert json.loads((folder / "hold.failed").read_text())["reason"] == "failed"
    second, _ = held("a", new=False)
    pipes.pid("a")
    pipes.end("a")
    out, err = second.communicate(timeout=TIMEOUT)
    assert out.split() == ["1", "1"], err


def test_a_job_killed_with_its_driver_is_shown_lost_then_run_again(held, workspace, pipes, command):
    first, pids = held("a")
    assert command("jobs", "list", "--workdir", workspace).stdout.startswith("RUNNING ")
    first.kill()
    first.wait()
    assert command("jobs", "list", "--workdir", workspace).stdout.startswith("RUNNING ")
    os.kill(pids["a"], signal.SIGKILL)
    wait_for_end(pids["a"])
    listed = command("jobs", "list", "--workdir", workspace).stdout
    assert listed.startswith("ERROR ") and "(LOST)" in listed
    assert "crashed" in command("experiments", "list", "--workdir", workspace).stdout
    second, _ = held("a", new=False)
    pipes.pid("a")
    pipes.end("a")
    out, err = second.communicate(timeout=TIMEOUT)
    assert out.split() == ["1", "1"], err


def test_a_job_killed_by_a_signal_is_a_failure_that_says_so(held, workspace, pipes):
    process, pids = held("a")
    os.kill(pids["a"], signal.SIGKILL)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1 and "FailedExperiment: 1 failed job" in err
    (folder,) = job_folders(workspace)
    marker = json.loads((folder / "hold.failed").read_text())
    assert marker["code"] == 128 + signal.SIGKILL and "killed by signal 9" in marker["message"]


def test_a_job_told_to_end_is_cancelled(held, workspace, pipes, command):
    process, pids = held("a")
    os.kill(pids["a"], signal.SIGTERM)
    process.communicate(timeout=TIMEOUT)
    (folder,) = job_folders(workspace)
    marker = json.loads((folder / "hold.failed").read_text())
    assert (marker["code"], marker["reason"]) == (15, "cancelled")
    assert "(CANCELLED)" in command("jobs", "list", "--workdir", workspace).stdout


def test_ctrl_c_leaves_the_jobs_running(held, workspace, pipes):
    process, pids = held("a")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0 and "KeyboardInterrupt" in err
    os.kill(pids["a"], 0)  # it is there
    pipes.end("a")
    wait_for_end(pids["a"])
    (folder,) = job_folders(workspace)
    assert (folder / "hold.done").exists()


def test_a_second_run_of_an_experiment_waits_and_says_for_whom(held, driver, workspace, pipes):
    first, _ = held("a")
    second, _ = held("a", new=False)
    line = second.stderr.readline()
    assert f"process {first.pid} on " in line
    pipes.end("a")
    first.communicate(timeout=TIMEOUT)
    out, err = second.communicate(timeout=TIMEOUT)
    assert out.split() == ["0", "1"], err


def test_two_experiments_share_a_job_that_runs_once(held, driver, workspace, pipes):
    first, _ = held("a")
    other = driver.write(PLAN.replace('"faults"', '"others"'), "other.py")
    second = driver.start(other, workspace, pipes.folder, "a")
    events = workspace / ".events" / "experiments" / "others-0.jsonl"
    await_file(events, lambda text: '"running"' in text)
    pipes.end("a")
    for process, started in ((first, "1"), (second, "0")):
        out, err = process.communicate(timeout=TIMEOUT)
        assert out.split() == [started, "1"], err
    assert (pipes.folder / "log").read_text() == "a\n"


def limited_to(size):
    """No file of the process, or of its jobs, may grow beyond so many bytes: as a full disk."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_a_disk_that_is_full_fails_the_run_and_the_next_goes_on(driver, workspace):
    driver.write(TASKS, "tasks.py")
    script = driver.write(
        """
        import sys
        from tasks import *
        with experiment(sys.argv[1], "full"):
            Write(size=100000).submit()
        """
    )
    full = driver.run(script, workspace, check=False, preexec_fn=limited_to(50000))
    assert full.returncode == 1 and "FailedExperiment" in full.stderr
    (folder,) = job_folders(workspace)
    assert "File too large" in (folder / "write.err").read_text()
    assert not (folder / "write.done").exists()
    driver.run(script, workspace)
    assert (folder / "write.done").exists() and (folder / "data").stat().st_size == 100000


def test_a_disk_with_no_room_for_the_parameters_leaves_no_torn_file(driver, workspace):
    driver.write(TASKS, "tasks.py")
    script = driver.write(
        """
        import sys
        from tasks import *
        with experiment(sys.argv[1], "full"):
            Write(size=10).submit()
        """
    )
    result = driver.run(script, workspace, check=False, preexec_fn=limited_to(100))
    assert result.returncode == 1 and "File too large" in result.stderr
    assert not list(workspace.rglob("*.tmp"))
    assert not list(workspace.rglob("params.json"))
    driver.run(script, workspace)


def test_a_torn_last_line_of_a_log_is_passed_over(held, workspace, pipes, command):
    process, _ = held("a")
    pipes.end("a")
    process.communicate(timeout=TIMEOUT)
    run = (workspace / "experiments/faults/current").resolve()
    for log in (run / "jobs.jsonl", run / "events/event-0.jsonl"):
        log.write_text(log.read_text() + '{"job_id": "torn')
    assert command("jobs", "list", "--workdir", workspace).stdout.count("DONE") == 1


def states(command, workspace, *words):
    """What `jobs list --count` prints, as a dict; with the index, and without."""
    counted = [
        command("jobs", "list", "--workdir", workspace, "--count", *words, env={**os.environ, **more})
        for more in ({}, {"XPM_INDEX_DIR": "/dev/null/none"})
    ]
    for result in counted:
        assert result.returncode == 0, result.stderr
    assert counted[0].stdout == counted[1].stdout
    return dict(line.split() for line in counted[0].stdout.splitlines())


def test_jobs_are_counted_as_they_are_while_a_run_lives_and_once_it_has_crashed(
    held, workspace, pipes, command
):
    process, pids = held("a", "b", "c")
    of_run = ["--experiment", "faults"]
    assert states(command, workspace, *of_run) == {"RUNNING": "3"}
    process.kill()
    process.wait()
    assert states(command, workspace, *of_run) == {"RUNNING": "3"}
    pipes.end("a")
    os.kill(pids["b"], signal.SIGKILL)
    wait_for_end(pids["a"])
    wait_for_end(pids["b"])
    assert states(command, workspace, *of_run) == {"DONE": "1", "ERROR": "1", "RUNNING": "1"}
    listed = command("jobs", "list", "--workdir", workspace, *of_run, "--state", "error,running")
    assert [line.split()[0] for line in sorted(listed.stdout.splitlines())] == ["ERROR", "RUNNING"]
    assert "(LOST)" in listed.stdout
    pipes.end("c", "fail")
    wait_for_end(pids["c"])
    assert states(command, workspace, *of_run) == {"DONE": "1", "ERROR": "2"}
    assert "crashed (1/3 jobs, some failed)" in command(
        "experiments", "list", "--workdir", workspace
    ).stdout


def test_a_job_that_failed_and_was_run_by_hand_is_counted_done(
    held, driver, workspace, pipes, command
):
    process, _ = held("a")
    pipes.end("a", "fail")
    process.communicate(timeout=TIMEOUT)
    of_run = ["--experiment", "faults"]
    assert states(command, workspace, *of_run) == {"ERROR": "1"}
    (folder,) = job_folders(workspace)
    by_hand = subprocess.Popen(
        [folder / "hold.py"], env={**os.environ, "PYTHONPATH": str(driver.folder)}
    )
    pipes.pid("a")
    assert states(command, workspace, *of_run) == {"RUNNING": "1"}
    pipes.end("a")
    assert by_hand.wait(TIMEOUT) == 0
    assert states(command, workspace, *of_run) == {"DONE": "1"}


def test_a_job_that_was_removed_is_not_counted_done(held, workspace, pipes, command):
    process, _ = held("a", "b")
    pipes.end("a")
    pipes.end("b")
    process.communicate(timeout=TIMEOUT)
    of_run = ["--experiment", "faults"]
    assert states(command, workspace, *of_run) == {"DONE": "2"}
    shutil.rmtree(job_folders(workspace)[0])
    assert states(command, workspace, *of_run) == {"DONE": "1", "UNSCHEDULED": "1"}


def test_a_log_of_a_newer_version_is_refused_by_name(held, workspace, pipes, command):
    process, _ = held("a")
    pipes.end("a")
    process.communicate(timeout=TIMEOUT)
    log = (workspace / "experiments/faults/current").resolve() / "events/event-0.jsonl"
    log.write_text(log.read_text().replace('"version":1', '"version":2', 1))
    for words in ([], ["--experiment", "faults", "--count"], ["--state", "done"]):
        refused = command("jobs", "list", "--workdir", workspace, *words)
        assert refused.returncode == 1
        assert "events/event-0.jsonl is a log of version 2" in refused.stderr


@pytest.mark.parametrize(
    "kind, said",
    [("file", "is a file, and a folder is needed there"), ("inside", "Not a directory"),
     ("forbidden", "cannot create the folder")],
)
def test_a_workspace_that_cannot_be_is_an_error_that_names_it(driver, tmp_path, kind, said):
    (tmp_path / "file").write_text("mine")
    where = {"file": tmp_path / "file", "inside": tmp_path / "file" / "ws", "forbidden": "/proc/ws"}
    script = driver.write(
        """
        import sys
        from experimaestro import experiment
        with experiment(sys.argv[1], "x"):
            pass
        """
    )
    result = driver.run(script, where[kind], check=False)
    assert result.returncode == 1
    assert said in result.stderr and str(where[kind]) in result.stderr.splitlines()[-1]
    assert (tmp_path / "file").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "driver"}
