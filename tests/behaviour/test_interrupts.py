"""Ctrl-C, in Python and in C: once, the jobs go on and are taken over; twice, they are cancelled."""

import json
import os
import signal
import subprocess
import sys

import pytest
from harness import BUILD, HOLD, TIMEOUT, await_file, job_folders, wait_for_end

PLAN = HOLD + """
    import sys

    if __name__ == "__main__":
        with experiment(sys.argv[2], "faults", jobs=2) as xp:
            for name in os.environ["HOLD_NAMES"].split():
                Hold(name=name, pipes=os.environ["HOLD_PIPES"]).submit()
        print(xp.counts["started"], "started")
"""


class Held:
    """A program whose jobs end when they are told to."""

    def __init__(self, command, workspace, pipes, options=()):
        self.command = [*map(str, command), "run", str(workspace), *options]
        self.workspace, self.pipes = workspace, pipes

    def start(self, *names, new=True):
        """The process, and the numbers of the jobs', once each runs."""
        environment = {"HOLD_NAMES": " ".join(names), "HOLD_PIPES": str(self.pipes.folder)}
        for name in names if new else ():
            self.pipes.make(name)
        process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )
        pids = [self.pipes.pid(name) for name in names[:2] if new]
        if new:  # the driver hears of a start after the job may have said that it runs
            events = self.workspace / ".events/experiments/faults-0.jsonl"
            await_file(events, lambda text: text.count('"running"') == len(pids))
        return process, pids

    def status(self):
        return json.loads((self.workspace / "experiments/faults/current/status.json").read_text())


@pytest.fixture
def native(workspace, pipes):
    options = ["--experiment", "faults", "--jobs", "2"]
    return Held([BUILD / "tests" / "hold"], workspace, pipes, options)


@pytest.fixture
def python(driver, workspace, pipes):
    return Held([sys.executable, driver.write(PLAN)], workspace, pipes)


@pytest.fixture(params=["python", "native"])
def held(request):
    return request.getfixturevalue(request.param)


def test_once_the_jobs_go_on_and_the_same_command_takes_them_over(held, workspace):
    process, pids = held.start("a", "b", "c")  # two at once: c waits
    process.send_signal(signal.SIGINT)
    line = process.stderr.readline()
    assert f"2 jobs go on, in {workspace}/jobs: run the same command again" in line
    process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0 and held.status()["status"] == "detached"
    for pid in pids:
        os.kill(pid, 0)  # it is there
    assert len(job_folders(workspace)) == 2
    second, _ = held.start("a", "b", new=False)
    held.pipes.end("a")
    held.pipes.end("b")
    out, err = second.communicate(timeout=TIMEOUT)
    assert second.returncode == 0, err
    assert "0 started" in out


def test_twice_cancels_the_jobs(held, workspace):
    process, pids = held.start("a", "b")
    process.send_signal(signal.SIGINT)
    assert "Ctrl-C again within 2 seconds cancels them" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert "cancelled 2 jobs" in process.stderr.readline()
    process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0
    for pid in pids:
        wait_for_end(pid)
    for folder in job_folders(workspace):
        assert json.loads((folder / "hold.failed").read_text())["reason"] == "cancelled"


def test_the_wait_for_a_second_one_is_over_when_no_job_runs(held):
    process, _ = held.start("a")
    process.send_signal(signal.SIGINT)
    assert "1 job goes on" in process.stderr.readline()
    held.pipes.end("a")
    process.communicate(timeout=TIMEOUT)
    assert set(held.status()["job_states"].values()) == {"done"}


def test_sigterm_ends_a_native_program_as_ctrl_c_and_its_status_says_by_what(native):
    process, _ = native.start("a")
    process.send_signal(signal.SIGTERM)
    assert "1 job goes on" in process.stderr.readline()
    native.pipes.end("a")
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + signal.SIGTERM and err == ""


def test_a_program_that_was_stopped_and_continued_still_heeds_ctrl_c(native):
    process, _ = native.start("a")
    for number, state in ((signal.SIGSTOP, os.WUNTRACED), (signal.SIGCONT, os.WCONTINUED)):
        process.send_signal(number)
        os.waitpid(process.pid, state)
    process.send_signal(signal.SIGINT)
    assert "1 job goes on" in process.stderr.readline()
    native.pipes.end("a")
    process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + signal.SIGINT


def test_a_native_program_shows_the_cards_of_its_failures(native, workspace):
    process, _ = native.start("bad", new=False)
    out, err = process.communicate(timeout=TIMEOUT)
    (folder,) = job_folders(workspace)
    assert process.returncode == 1 and "1 failed" in out
    assert f"faults.hold/{folder.name}: failed, exit status 3" in err
    assert "      | told to fail\n" in err
    assert f"    again: {native.command[0]} job {folder}/params.json\n" in err


def test_ctrl_c_ends_the_wait_for_another_run(held):
    first, _ = held.start("a")
    second, _ = held.start("a", new=False)
    assert "wait" in second.stderr.readline()
    while second.poll() is None:  # it says so just before it waits: once may be too early
        second.send_signal(signal.SIGINT)
        try:
            second.wait(1)
        except subprocess.TimeoutExpired:
            pass
    assert second.returncode != 0
    held.pipes.end("a")
    first.communicate(timeout=TIMEOUT)
    assert first.returncode == 0


def test_ctrl_c_just_before_it_waits_is_heeded(driver, workspace):
    """The signal comes while Python is told whom to wake: no such descriptor is written to any more."""
    script = driver.write("""
        import _signal, ctypes, functools, signal, sys
        from experimaestro import *

        class Endless(Task):
            def execute(self):
                import time
                time.sleep(60)

        came = []

        def once(number, frame):
            came.append(number)
            if len(came) == 1:
                raise KeyboardInterrupt

        if __name__ == "__main__":
            signal.signal(signal.SIGINT, once)
            with experiment(sys.argv[1], "early", raise_on_failure=False) as xp:
                job = Endless().submit()._job
                set_wakeup_fd = _signal.set_wakeup_fd
                _signal.set_wakeup_fd = functools.partial(ctypes.PyDLL(None)["raise"], signal.SIGINT)
                try:
                    xp.wait()
                except KeyboardInterrupt:
                    _signal.set_wakeup_fd = set_wakeup_fd
                    job.cancel()
            print(job.state.name, job.failure_reason.name)
    """)
    assert driver.run(script, workspace).stdout == "ERROR CANCELLED\n"
