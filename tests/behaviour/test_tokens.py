"""Tokens: what exists in a limited number, shared by schedulers that are killed as they please."""

import contextlib
import ctypes
import fcntl
import json
import os
import random
import select
import signal
import subprocess
from pathlib import Path

import pytest
from harness import BUILD, HOLD, TIMEOUT, wait_for_end

TOKENS = BUILD / "tests" / "tokens"

TASKS = HOLD + """
    class Count(Task):
        '''Writes when it begins and when it ends, and how many of each token it has.'''
        name: Param[str]
        counts: Param[dict[str, int]]
        log: Meta[Path]

        def write(self, sign):
            line = " ".join(f"{sign}{count} {name}" for name, count in self.counts.items())
            fd = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(fd, (line + "\\n").encode())
            os.close(fd)

        def execute(self):
            self.write("+")
            os.sched_yield()
            self.write("-")
"""

PLAN = """
    import sys
    from tasks import *
    if __name__ == "__main__":
        workspace, pipes, xp_name, total, *jobs = sys.argv[1:]
        with experiment(workspace, xp_name, jobs=4) as xp:
            token = xp.token("slot", int(total))
            for job in jobs:
                name, count = job.split(":")
                token(int(count), Hold(name=name, pipes=pipes)).submit()
        print(xp.counts["done"])
"""

COUNT = """
    import sys
    from tasks import *
    if __name__ == "__main__":
        workspace, log, xp_name, *wants = sys.argv[1:]
        with experiment(workspace, xp_name, jobs=6) as xp:
            tokens = {"a": xp.token("a", 2), "b": xp.token("b", 2)}
            for i in range(8):
                counts = dict.fromkeys(wants, 1 + i % 2)
                task = Count(name=f"{xp_name}{i}", counts=counts, log=log)
                for name in wants:
                    tokens[name](counts[name], task)
                task.submit()
        print(xp.counts["done"])
"""


class Folder:
    """The folder of a token; waits for its changes by inotify."""

    def __init__(self, workspace, name):
        self.path = workspace / "tokens" / f"{name}.counter"
        self.libc = ctypes.CDLL(None, use_errno=True)

    def files(self, folder):
        """Those whose lock is held: holders that count, tickets that live."""
        found = []
        for path in sorted((self.path / folder).glob("[!.]*")):
            lock = path if folder == "queue" else self.lock_of(path)
            try:
                with open(lock) as file:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except FileNotFoundError:
                continue
            except BlockingIOError:
                found.append(path)
        return found

    @staticmethod
    def lock_of(path):
        job = json.loads(path.read_text())["job_uri"]
        return f"{job}/{job.split('/')[-2].rpartition('.')[2]}.lock"

    def waiting(self):
        """The processes of the schedulers that wait, the first first."""
        return [int(path.name.rpartition("-")[2]) for path in self.files("queue")]

    def wait_for(self, holders, *waiters):
        """Until so many jobs hold some, and these drivers wait, in this order."""
        fd = self.libc.inotify_init1(os.O_CLOEXEC)
        assert fd >= 0
        self.path.mkdir(parents=True, exist_ok=True)
        closed = 0x8  # after writing, as ipc.lock is when a scheduler has looked
        for path in (self.path, *self.path.glob("jobs")):
            assert self.libc.inotify_add_watch(fd, os.fsencode(path), closed | 0x200) >= 0
        expected = [process.pid for process in waiters]
        while len(self.files("jobs")) != holders or self.waiting() != expected:
            assert select.select([fd], [], [], TIMEOUT)[0], (
                f"{self.files('jobs')} hold, {self.files('queue')} wait"
            )
            os.read(fd, 1 << 16)
        os.close(fd)


@pytest.fixture
def folder(workspace):
    return Folder(workspace, "slot")


@pytest.fixture
def hold(driver, workspace, pipes):
    """Starts an experiment with jobs NAME:COUNT that ask for some of the token."""
    driver.write(TASKS, "tasks.py")
    script = driver.write(PLAN)

    def start(xp, *jobs, total=1, new=True):
        for job in jobs if new else ():
            pipes.make(job.split(":")[0])
        return driver.start(script, workspace, pipes.folder, xp, total, *jobs)

    yield start


def finish(process, done):
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, err
    assert out.split() == [str(done)]


def kill(process):
    process.kill()
    process.communicate()


def most_used(log):
    """The most of each token that was in use at once, and what was at the end."""
    used, most = {"a": 0, "b": 0}, {"a": 0, "b": 0}
    for line in log.read_text().splitlines():
        words = line.split()
        for count, name in zip(words[::2], words[1::2], strict=True):
            used[name] += int(count)
            most[name] = max(most[name], used[name])
    return most, used


# ---- Limits ---------------------------------------------------------------------------------------


def test_no_more_than_the_total_is_used_in_an_experiment(driver, workspace, tmp_path):
    driver.write(TASKS, "tasks.py")
    script = driver.write(COUNT)
    out = driver.run(script, workspace, tmp_path / "log", "one", "a").stdout
    assert out.split() == ["8"]
    assert most_used(tmp_path / "log") == ({"a": 2, "b": 0}, {"a": 0, "b": 0})


def test_experiments_that_take_two_tokens_in_opposite_order_do_not_block(
    driver, workspace, tmp_path
):
    driver.write(TASKS, "tasks.py")
    script, log = driver.write(COUNT), tmp_path / "log"
    processes = [
        driver.start(script, workspace, log, "first", "a", "b"),
        driver.start(script, workspace, log, "second", "b", "a"),
        driver.start(script, workspace, log, "third", "b"),
    ]
    for process in processes:
        finish(process, 8)
    assert most_used(log) == ({"a": 2, "b": 2}, {"a": 0, "b": 0})


def test_a_token_is_shared_by_experiments_and_those_who_wait_use_no_time(hold, folder, pipes):
    first = hold("first", "a:1")
    pipes.pid("a")
    second = hold("second", "b:1", "c:1")
    folder.wait_for(1, second)
    assert any(uses_no_time(second.pid, 0.3) for _ in range(3))  # it may be getting ready yet
    pipes.end("a")
    for name in "bc":
        pipes.pid(name)
        pipes.end(name)
    finish(first, 1)
    finish(second, 2)
    assert not [*folder.path.glob("jobs/*"), *folder.path.glob("queue/*")]


def times(pid):
    """How long each thread of a process was scheduled; but for the first, which is Python's."""
    found = {}
    for path in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            found[path.name] = (path / "schedstat").read_text()
    del found[str(pid)]
    return found


def uses_no_time(pid, seconds):
    """Whether the scheduler and who waits for the death of a job are there, and do nothing for so long."""
    before = times(pid)
    select.select([], [], [], seconds)
    return len(before) > 1 and before == times(pid)


# ---- Deaths ---------------------------------------------------------------------------------------


def test_what_a_job_had_that_was_killed_with_its_driver_is_free_at_once(hold, folder, pipes):
    first = hold("first", "a:1")
    pid = pipes.pid("a")
    second = hold("second", "b:1")
    folder.wait_for(1, second)
    kill(first)
    os.kill(pid, signal.SIGKILL)
    pipes.pid("b")
    pipes.end("b")
    finish(second, 1)


def test_a_job_keeps_its_tokens_when_its_driver_is_killed(hold, folder, pipes):
    first = hold("first", "a:1")
    pid = pipes.pid("a")
    second = hold("second", "b:1")
    folder.wait_for(1, second)
    kill(first)
    assert folder.files("jobs")
    third = hold("third", "c:1")  # c comes after b
    folder.wait_for(1, second, third)
    pipes.end("a")
    wait_for_end(pid)
    pipes.pid("b")
    pipes.end("b")
    finish(second, 1)
    pipes.pid("c")
    pipes.end("c")
    finish(third, 1)


def test_a_driver_that_is_killed_while_it_waits_is_passed_over(hold, folder, pipes):
    first = hold("first", "a:1")
    pipes.pid("a")
    second = hold("second", "b:1")
    folder.wait_for(1, second)
    third = hold("third", "c:1")
    folder.wait_for(1, second, third)
    kill(second)
    pipes.end("a")
    pipes.pid("c")
    pipes.end("c")
    finish(first, 1)
    finish(third, 1)
    assert not [*folder.path.glob("jobs/*"), *folder.path.glob("queue/*")]


def test_who_waits_behind_a_driver_goes_on_when_that_one_is_killed(hold, folder, pipes):
    first = hold("first", "a:1", total=2)
    pipes.pid("a")
    second = hold("second", "b:2", total=2)
    folder.wait_for(1, second)
    third = hold("third", "c:1", total=2)  # one is free, and b came first
    folder.wait_for(1, second, third)
    kill(second)
    pipes.pid("c")
    for name in "ac":
        pipes.end(name)
    finish(first, 1)
    finish(third, 1)


def test_a_job_that_is_started_again_takes_its_tokens_again(hold, folder, pipes):
    first = hold("first", "a:1")
    pid = pipes.pid("a")
    kill(first)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    again = hold("first", "a:1", new=False)
    pipes.pid("a")
    folder.wait_for(1)
    pipes.end("a")
    finish(again, 1)


# ---- Order ----------------------------------------------------------------------------------------


def test_a_job_that_asks_for_much_is_not_passed_by_those_that_ask_for_little(hold, folder, pipes):
    first = hold("first", "a:1", "b:1", total=3)
    pipes.pid("a"), pipes.pid("b")
    second = hold("second", "big:3", total=3)
    folder.wait_for(2, second)
    third = hold("third", "little:1", total=3)
    folder.wait_for(2, second, third)  # one is free, and little waits
    pipes.end("a")
    folder.wait_for(1, second, third)
    pipes.end("b")
    pipes.pid("big")
    folder.wait_for(1, third)
    pipes.end("big")
    pipes.pid("little")
    pipes.end("little")
    for process, done in ((first, 2), (second, 1), (third, 1)):
        finish(process, done)


def test_a_scheduler_without_a_free_slot_lets_others_go_first(driver, workspace, folder, pipes):
    driver.write(TASKS, "tasks.py")
    script = driver.write(
        """
        import sys
        from tasks import *
        if __name__ == "__main__":
            with experiment(sys.argv[1], sys.argv[3], jobs=1) as xp:
                for job in sys.argv[4:]:
                    name, count = job.split(":")
                    task = Hold(name=name, pipes=sys.argv[2])
                    if int(count):
                        xp.token("slot", 1)(int(count), task)
                    task.submit()
            print(xp.counts["done"])
        """
    )
    for name in "abcd":
        pipes.make(name)
    first = driver.start(script, workspace, pipes.folder, "first", "a:1")
    pipes.pid("a")
    second = driver.start(script, workspace, pipes.folder, "second", "b:1", "c:0")
    pipes.pid("c")  # b has waited for its token, and c has the one slot now
    third = driver.start(script, workspace, pipes.folder, "third", "d:1")
    folder.wait_for(1, third)
    pipes.end("a")
    pipes.pid("d")
    pipes.end("d")
    pipes.end("c")
    pipes.pid("b")
    pipes.end("b")
    for process, done in ((first, 1), (second, 2), (third, 1)):
        finish(process, done)


# ---- Totals ---------------------------------------------------------------------------------------


def test_a_total_that_is_raised_lets_who_waits_go_on(hold, folder, pipes):
    first = hold("first", "a:1", total=1)
    pipes.pid("a")
    second = hold("second", "b:1", total=1)
    folder.wait_for(1, second)
    third = hold("third", "c:1", total=3)
    for name in "bc":
        pipes.pid(name)
    for name in "abc":
        pipes.end(name)
    for process in (first, second, third):
        finish(process, 1)


def test_a_job_that_asks_for_more_than_a_lowered_total_waits_and_lets_others_pass(
    hold, folder, pipes
):
    first = hold("first", "a:2", total=2)
    pipes.pid("a")
    second = hold("second", "b:2", total=2)
    folder.wait_for(1, second)
    third = hold("third", "c:1", total=1)
    folder.wait_for(1, third)  # b has given up its place
    pipes.end("a")
    pipes.pid("c")
    finish(hold("fourth", total=2), 0)
    folder.wait_for(1, second)  # and has it again
    pipes.end("c")
    pipes.pid("b")
    pipes.end("b")
    for process in (first, second, third):
        finish(process, 1)


# ---- All at once ----------------------------------------------------------------------------------

DRIVERS, JOBS, KILLS = 4, 200, 40


class Board:
    """What the jobs of programs/tokens.c tell of themselves; it starts their drivers."""

    def __init__(self, workspace, path):
        self.workspace, self.path = workspace, path
        path.mkdir()
        os.mkfifo(path / "started")
        self.started = os.open(path / "started", os.O_RDWR)
        self.text = b""

    def start(self, name, first, count):
        environment = {"BOARD": self.path, "FIRST": first, "COUNT": count}
        command = [TOKENS, "-e", name, "-j", "6", "run", self.workspace]
        return subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        )

    def pids(self):
        """The processes of the jobs that have said that they run since the last call."""
        lines = (self.text + os.read(self.started, 1 << 16)).split(b"\n")
        self.text = lines.pop()
        return [int(line.split()[1]) for line in lines]


def kill_at_random(board, dice, kills):
    """Runs all drivers until each has done its jobs, killing some of them and of the jobs."""
    share = JOBS // DRIVERS
    plans = {f"xp{i}": (f"xp{i}", i * share, share) for i in range(DRIVERS)}
    running = {name: board.start(*plan) for name, plan in plans.items()}
    ends = {os.pidfd_open(process.pid): name for name, process in running.items()}
    killed = {"job": 0, "driver": 0}
    while ends:
        ready, _, _ = select.select([board.started, *ends], [], [], TIMEOUT)
        assert ready, "nothing happens any more"
        for fd in ready:
            if fd == board.started:
                for pid in board.pids():
                    if sum(killed.values()) < kills and dice.random() < 0.3:
                        what = dice.choice(("job", "driver"))
                        target = running[dice.choice([*ends.values()])].pid
                        kill_pid(pid if what == "job" else target)
                        killed[what] += 1
                continue
            name = ends.pop(fd)
            os.close(fd)
            if running[name].wait() != 0:
                running[name] = board.start(*plans[name])
                ends[os.pidfd_open(running[name].pid)] = name
    return killed


def kill_pid(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@pytest.mark.parametrize("seed", range(2))
def test_four_schedulers_and_their_jobs_killed_at_random_never_exceed_nor_leak(
    workspace, tmp_path, seed
):
    board = Board(workspace, tmp_path / "board")
    killed = kill_at_random(board, random.Random(seed), KILLS)
    assert min(killed.values()) > KILLS // 5, killed
    assert not (board.path / "exceeded").exists()
    assert len([*workspace.glob("jobs/tokens.use/*/use.done")]) == JOBS
    for name in ("cpu", "gpu"):
        folder = Folder(workspace, name)
        assert not folder.files("jobs") and not folder.files("queue")
    assert board.start("after", 300, 30).wait(TIMEOUT) == 0
    for name in ("cpu", "gpu"):
        path = Folder(workspace, name).path
        assert not [*path.glob("jobs/*"), *path.glob("queue/*")]


def test_jobs_that_have_more_than_they_asked_for_would_be_seen(workspace, tmp_path):
    """The proof of the proof: without the limit, the board says so."""
    board = Board(workspace, tmp_path / "board")
    for name in ("cpu", "gpu"):
        path = Folder(workspace, name).path
        path.mkdir(parents=True)
    process = board.start("xp", 0, 600)
    while not (board.path / "exceeded").exists() and process.poll() is None:
        for name in ("cpu", "gpu"):
            for holder in Folder(workspace, name).path.glob("jobs/*"):
                holder.unlink(missing_ok=True)
        board.pids()
    kill_pid(process.pid)
    process.wait()
    assert (board.path / "exceeded").exists()
