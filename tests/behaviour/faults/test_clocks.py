"""A process's number is used again by another, and the clock of the day jumps: what proves that a
job lives is its lock, and what proves that it is done is its marker, not a number and not a time."""

import ctypes
import fcntl
import json
import os
import struct
import subprocess

import pytest
from faults import Faults, Graph, check_finished, view
from harness import TIMEOUT


@pytest.fixture
def stranger():
    """A process that lives as long as the test, and is no job's."""
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    yield process.pid
    process.communicate()


def start_of(pid):
    """When a process started, in clock ticks since boot."""
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[19])


@pytest.fixture
def graph(tmp_path):
    """A graph of two jobs: the first has failed, the second was not reached."""
    graph = Graph(tmp_path, 2)
    (graph.witness / "0.fail").touch()
    graph.run()
    (graph.witness / "0.fail").unlink()
    return graph


def state(graph, number):
    """What a reader is told of a job."""
    hash = graph.folders()[number].name
    (job,) = (job for job in view(graph.workspace) if job["job_id"] == hash)
    return job["state"], job["failure_reason"]


def leave_pid(folder, pid, start=None):
    """As if the job's process had been killed, and its number used again."""
    (folder / "witness.failed").unlink()
    named = {"type": "local", "pid": pid, **({"start": start} if start is not None else {})}
    (folder / "witness.pid").write_text(json.dumps(named))


def test_a_number_that_another_process_has_now_is_not_the_job(graph, stranger):
    leave_pid(graph.folders()[0], stranger, start_of(stranger) + 1)
    assert state(graph, 0) == ("error", "lost")
    assert graph.run().returncode == 0
    check_finished(graph)


def test_a_number_without_a_start_is_believed_by_readers_but_not_by_a_run(graph, stranger):
    leave_pid(graph.folders()[0], stranger)
    assert state(graph, 0) == ("running", None)
    assert graph.run().returncode == 0  # the lock was free
    check_finished(graph)


def wait_until_read(path):
    """A function that returns once a process has read the file and closed it."""
    libc = ctypes.CDLL(None, use_errno=True)
    closed = 0x10  # IN_CLOSE_NOWRITE
    fd = libc.inotify_init1(os.O_CLOEXEC)
    assert fd >= 0 and libc.inotify_add_watch(fd, os.fsencode(path), closed) >= 0
    return lambda: os.close(fd) if struct.unpack_from("iI", os.read(fd, 4096))[1] & closed else None


def test_a_run_that_waits_for_a_job_does_not_wait_for_a_stranger(graph, stranger):
    folder = graph.folders()[0]
    leave_pid(folder, stranger, start_of(stranger) + 1)
    wait = wait_until_read(folder / "witness.pid")
    with open(folder / "witness.lock", "w") as lock:  # a job that has not said yet who it is
        fcntl.flock(lock, fcntl.LOCK_EX)
        driver = graph.start()
        wait()
    try:
        driver.communicate(timeout=TIMEOUT / 12)
    except subprocess.TimeoutExpired:
        driver.kill()
        driver.communicate()
        pytest.fail("the run waits for the end of a process that is not the job's")
    check_finished(graph)


def test_a_clock_that_jumps_loses_nothing(tmp_path):
    graph, day = Graph(tmp_path, 3), 86400
    (graph.witness / "1.fail").touch()
    runs = []
    for clock in (0, -day, day, 0, 0):
        if len(runs) == 2:
            (graph.witness / "1.fail").unlink()
        faults = Faults(tmp_path, graph.workspace, clock=clock)
        result = graph.run(faults=faults)
        assert result.returncode == (0 if len(runs) >= 2 else 1), result.stderr
        current = (graph.workspace / "experiments/witness/current").resolve()
        assert current not in runs, "a run has the folder of another"
        runs.append(current)
        status = json.loads((current / "status.json").read_text())
        assert status["started_at"] <= status["ended_at"]
    check_finished(graph)
    words = [[word for word, _ in graph.log(job)] for job in range(3)]
    assert words == [["start", "end"], ["start", "start", "start", "end"], ["start", "end"]]
    for job in view(graph.workspace):
        assert job["started_time"] <= job["ended_time"]


@pytest.mark.parametrize("jump", [-86400, 86400])
def test_a_job_that_outlives_a_jump_of_the_clock_is_adopted(tmp_path, jump):
    graph = Graph(tmp_path, 2)
    graph.make_hold(0)
    first = graph.start()
    with graph.held(0):
        first.kill()
        graph.finish(first)
        second = graph.start(faults=Faults(tmp_path, graph.workspace, clock=jump))
        assert state(graph, 0) == ("running", None)
    result = graph.finish(second)
    assert result.returncode == 0, result.stderr
    check_finished(graph)
    assert [word for word, _ in graph.log(0)] == ["start", "end"]
