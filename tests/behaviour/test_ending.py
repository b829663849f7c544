"""How tasks end before their time, are started again, or are not run at all: with real processes."""

import json
import os
import signal
from pathlib import Path

import pytest
from harness import TIMEOUT, await_file, wait_for_end

TASKS = """
    import os, sys, time
    from experimaestro import *

    class Stops(ResumableTask):
        '''Stops by itself for as often as it is told, then ends.'''
        times: Param[int]

        def execute(self):
            count = Path("count")
            done = len(count.read_text()) if count.exists() else 0
            with count.open("a") as file:
                file.write("x")
            print("attempt", done, flush=True)
            if done < self.times:
                raise GracefulTimeout(f"stopped at {done}")

    class Waits(Task):
        '''Says that it runs, then waits for a signal, and says what it got.'''
        pipe: Meta[Path]
        swallow: Param[bool] = False
        n: Param[int] = 0

        def execute(self):
            try:
                with open(self.pipe, "w") as pipe:
                    pipe.write(str(os.getpid()))
                time.sleep(60)
            except TaskCancelled as error:
                Path("cleaned").write_text(str(error))
                if not self.swallow:
                    raise

    class Long(Task):
        n: Param[int] = 0

        def execute(self):
            Path("left").write_text(repr(self.remaining_time()))
            try:
                time.sleep(60)
            except TaskCancelled:
                Path("cleaned").touch()
                raise

    class Stubborn(Task):
        '''Is deaf to being told to end.'''

        def execute(self):
            import signal
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            os.kill(os.getpid(), signal.SIGKILL)

    class Big(Task):
        size: Param[int]

        def execute(self):
            print(len(bytearray(self.size)))

    @Retry(on=["memory"], times=2, more_memory=2)
    class Growing(Big):
        pass

    @Retry(on="failed", times=2)
    class Flaky(Task):
        lucky: Param[int]

        def execute(self):
            with open("tries", "a") as tries:
                tries.write("x")
            if os.path.getsize("tries") < self.lucky:
                raise RuntimeError("no luck")

    class Maker(Task):
        n: Param[int]
        pieces: Annotated[Path, pathgenerator("pieces")]
        before: Param[Config | None] = None

        def execute(self):
            self.pieces.write_text("pieces")

    class User(Task):
        maker: Param[Maker]
        m: Param[int] = 0

        def execute(self):
            print(self.maker.pieces.read_text())
"""


# A sanitizer maps more than any limit.
limits_memory = pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="sanitized")


@pytest.fixture
def plan(driver):
    """Runs lines in an experiment of the tasks; what is printed is read as JSON."""
    import textwrap

    driver.write(TASKS, "tasks.py")

    def run(workspace, lines, check=True, options="", then="", **more):
        body = textwrap.indent(textwrap.dedent(lines) + then, " " * 8)
        script = driver.write(
            "import sys, json\nfrom tasks import *\nif __name__ == '__main__':\n"
            f"    with experiment(sys.argv[1], 'ending'{options}) as xp:\n{body}\n"
        )
        return driver.run(script, workspace, check=check, **more)

    return run


def marker(workspace, task):
    (failed,) = workspace.glob(f"jobs/tasks.{task}/*/{task}.failed")
    return json.loads(failed.read_text())


def status(workspace, task):
    (found,) = workspace.glob(f"jobs/tasks.{task}/*/.experimaestro/status.json")
    return json.loads(found.read_text())


def test_a_resumable_task_that_stops_gracefully_is_started_again(plan, workspace):
    plan(workspace, "Stops(times=2).submit()")
    (folder,) = workspace.glob("jobs/tasks.stops/*")
    assert (folder / "count").read_text() == "xxx"
    assert status(workspace, "stops")["retry_count"] == 2
    assert status(workspace, "stops")["resumable"] is True
    kept = sorted(folder.glob("stops.2*.out"), key=lambda path: path.stat().st_mtime_ns)
    assert [path.read_text() for path in kept] == ["attempt 0\n", "attempt 1\n"]
    assert (folder / "stops.out").read_text() == "attempt 2\n"


def test_it_is_started_again_as_often_as_max_retries_says_then_no_more(plan, workspace):
    plan(workspace, "Stops(times=9).submit(max_retries=1)", check=False)
    (folder,) = workspace.glob("jobs/tasks.stops/*")
    assert (folder / "count").read_text() == "xx"  # once, and once again
    assert marker(workspace, "stops") == {"code": 1, "reason": "timeout", "message": "stopped at 1"}
    again = plan(workspace, "Stops(times=9).submit(max_retries=1)", check=False)
    assert (folder / "count").read_text() == "xx"
    assert "is not started again: it has failed 2 times, and max_retries is 1" in again.stderr
    plan(workspace, "Stops(times=9).submit(max_retries=20)")
    assert (folder / "count").read_text() == "x" * 10


def test_a_task_that_is_not_resumable_is_not_started_again_in_the_run(plan, workspace):
    failed = plan(workspace, "Flaky(lucky=9).submit(max_retries=0)", check=False)
    assert failed.returncode == 1
    (tries,) = workspace.glob("jobs/tasks.flaky/*/tries")
    assert tries.read_text() == "x"


@pytest.mark.parametrize("times", ["2**31", "2**32", "10**30"])
def test_a_task_may_be_started_again_as_often_as_one_likes(plan, workspace, times):
    plan(workspace, f"Stops(times=1).submit(max_retries={times})")
    (folder,) = workspace.glob("jobs/tasks.stops/*")
    assert (folder / "count").read_text() == "xx"


def test_a_retry_on_failures_starts_the_task_again(plan, workspace):
    plan(workspace, "Flaky(lucky=3).submit()")
    (tries,) = workspace.glob("jobs/tasks.flaky/*/tries")
    assert tries.read_text() == "xxx"


@pytest.mark.parametrize("swallow", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_task_told_to_end_can_clean_up_and_is_cancelled(
    plan, driver, workspace, tmp_path, number, swallow
):
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    killer = threading.Thread(target=lambda: os.kill(int(pipe.read_text()), number))
    killer.start()
    result = plan(workspace, f"Waits(pipe={str(pipe)!r}, swallow={swallow}).submit()", check=False)
    killer.join()
    assert result.returncode == 1
    (cleaned,) = workspace.glob("jobs/tasks.waits/*/cleaned")
    assert cleaned.read_text() == f"told to end by signal {number.value}"
    assert marker(workspace, "waits")["reason"] == "cancelled"
    assert marker(workspace, "waits")["code"] == 15
    assert status(workspace, "waits")["failure_reason"] == "CANCELLED"


def test_a_time_limit_ends_a_task_with_the_reason_timeout(plan, workspace):
    result = plan(workspace, "Long().submit(launcher=DirectLauncher(time_limit=3))", check=False)
    assert result.returncode == 1
    (folder,) = workspace.glob("jobs/tasks.long/*")
    assert 0 < float((folder / "left").read_text()) <= 3
    assert (folder / "cleaned").exists()
    assert marker(workspace, "long")["reason"] == "timeout"
    assert status(workspace, "long")["failure_reason"] == "TIMEOUT"


@limits_memory
def test_a_time_limit_may_be_of_any_size(plan, workspace):
    plan(workspace, "Long().submit(launcher=DirectLauncher(time_limit=0.0001))", check=False)
    assert marker(workspace, "long")["reason"] == "timeout"
    memory = "memory_limit=200 << 20"
    limit = f"launcher=DirectLauncher(time_limit=1e300, {memory})"
    plan(workspace, f"Big(size=400 << 20).submit({limit})", check=False)
    assert marker(workspace, "big")["reason"] == "memory"


def test_without_a_limit_there_is_no_remaining_time(plan, workspace):
    plan(workspace, "Stops(times=0).submit()")
    from experimaestro import ResumableTask

    class Asks(ResumableTask):
        pass

    assert Asks.remaining_time(None) is None  # outside a task, too


@limits_memory
def test_a_memory_limit_ends_a_task_with_the_reason_memory(plan, workspace):
    limit = "launcher=DirectLauncher(memory_limit=200 << 20)"
    result = plan(workspace, f"Big(size=400 << 20).submit({limit})", check=False)
    assert result.returncode == 1
    assert marker(workspace, "big")["reason"] == "memory"
    message = marker(workspace, "big")["message"]
    assert "MemoryError" in message or "memory had run out" in message  # without or with a control group


@limits_memory
def test_a_retry_with_more_memory_succeeds_when_it_is_enough(plan, workspace):
    limit = "launcher=DirectLauncher(memory_limit=200 << 20)"
    plan(workspace, f"Growing(size=300 << 20).submit({limit})")
    assert status(workspace, "growing")["retry_count"] == 1
    assert status(workspace, "growing")["peak_memory"] >= 300 << 20


def test_a_task_killed_outright_is_a_failure_and_no_timeout(plan, workspace):
    plan(workspace, "Stubborn().submit(launcher=DirectLauncher(time_limit=50))", check=False)
    assert marker(workspace, "stubborn")["reason"] == "failed"
    assert "killed by signal 9" in marker(workspace, "stubborn")["message"]


def test_a_job_that_is_cancelled_ends_so_and_those_that_wait_do_not_start(plan, workspace, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result = plan(
        workspace,
        f"""
        task = Waits(pipe={str(pipe)!r}).submit()
        maker = Maker(n=1).add_dependencies(task).submit()
        other = Maker(n=2)
        other.add_dependencies(task)
        other.submit()
        open({str(pipe)!r}).read()
        other.job.cancel()
        assert other.job.wait() == JobState.ERROR and other.job.failure_reason.value == "cancelled"
        task.job.cancel()
        assert task.job.wait() == maker.job.wait() == JobState.ERROR
        print(task.job.failure_reason.value, maker.job.failure_reason.value)
        """,
        check=False,
    )
    assert result.stdout.split() == ["cancelled", "dependency"], result.stderr


def folders(workspace, task):
    return [path.name for path in workspace.glob(f"jobs/tasks.{task}/*") if (path / f"{task}.done").exists()]


def test_a_transient_task_runs_only_when_another_needs_it(plan, workspace):
    lines = """
        maker = Maker(n=1).submit(transient=TransientMode.TRANSIENT)
        unneeded = Maker(n=2).submit(transient=TransientMode.TRANSIENT)
        User(maker=maker).submit()
        xp.wait()
        print(maker.job.state.name, unneeded.job.state.name, xp.counts["transient"])
        """
    first = plan(workspace, lines)
    assert first.stdout.split() == ["DONE", "TRANSIENT", "1"]
    assert len(folders(workspace, "maker")) == 1
    second = plan(workspace, lines, then="xp.wait(); print(xp.counts['started'])")
    assert second.stdout.split() == ["DONE", "TRANSIENT", "1", "0"]


def test_a_transient_task_is_not_run_for_one_that_is_done(plan, workspace):
    import shutil

    lines = """
        maker = Maker(n=1).submit(transient=TransientMode.TRANSIENT)
        User(maker=maker, m=%d).submit()
        """
    plan(workspace, lines % 1)
    for folder in workspace.glob("jobs/tasks.maker/*"):
        shutil.rmtree(folder)
    plan(workspace, lines % 1)
    assert folders(workspace, "maker") == []
    plan(workspace, lines % 2)
    assert len(folders(workspace, "maker")) == 1


def test_a_chain_of_transient_tasks_runs_as_far_as_it_is_needed(plan, workspace):
    result = plan(
        workspace,
        """
        makers = [Maker(n=0).submit(transient=TransientMode.TRANSIENT)]
        for n in range(1, 6):
            makers.append(Maker(n=n, before=makers[-1]).submit(transient=TransientMode.TRANSIENT))
        User(maker=makers[3]).submit()
        xp.wait()
        print(*(maker.job.state.name for maker in makers))
        """,
    )
    assert result.stdout.split() == ["DONE"] * 4 + ["TRANSIENT"] * 2


def test_of_two_submissions_the_one_that_wants_the_result_counts(plan, workspace):
    result = plan(
        workspace,
        """
        first = Maker(n=1).submit(transient=TransientMode.REMOVE)
        xp.wait()
        assert first.job.state == JobState.TRANSIENT, first.job.state
        Maker(n=1).submit()
        xp.wait()
        print(first.job.state.name)
        """,
    )
    assert result.stdout.split() == ["DONE"]
    assert len(folders(workspace, "maker")) == 1


def test_what_is_to_be_removed_is_when_the_experiment_has_ended_well(plan, workspace):
    lines = """
        maker = Maker(n=1).submit(transient=TransientMode.REMOVE)
        User(maker=maker).submit()
        """
    plan(workspace, lines, then="Flaky(lucky=9).submit(max_retries=0)", check=False)
    assert len(folders(workspace, "maker")) == 1
    plan(workspace, lines)
    assert not list(workspace.glob("jobs/tasks.maker/*")) and len(folders(workspace, "user")) == 1
    third = plan(workspace, lines, then="xp.wait(); print(xp.counts['started'])")
    assert third.stdout.split() == ["0"]


def test_a_dry_run_tells_what_is_needed(plan, workspace):
    result = plan(
        workspace,
        """
        maker = Maker(n=1).submit(transient=TransientMode.TRANSIENT)
        Maker(n=2).submit(transient=TransientMode.TRANSIENT)
        User(maker=maker).submit()
        """,
        options=", run_mode=RunMode.DRY_RUN",
    )
    lines = [line.split("/")[0] for line in result.stderr.splitlines()]
    assert sorted(lines) == ["would run tasks.maker", "would run tasks.user"]


@pytest.mark.parametrize(
    "given, said",
    [
        ({"on": "luck"}, "retried on reasons among failed,"),
        ({"on": "dependency"}, "and not on dependency"),
        ({"on": ()}, "and not on none"),
        ({"times": 0}, "times is 0"),
        ({"times": "3"}, "times is '3': it must be a whole number"),
        ({"more_memory": 0.5}, "more_memory is 0.5"),
        ({"more_time": "2"}, "more_time is '2': it must be a number"),
    ],
)
def test_a_retry_that_cannot_be_is_refused(given, said):
    from experimaestro import Retry

    with pytest.raises(ValueError, match=said):
        Retry(**given)


def test_a_retry_decorates_a_class_and_is_called_for_it():
    from experimaestro import Retry

    with pytest.raises(TypeError, match=r"int is no reason: write @Retry\(\), with parentheses"):
        Retry(int)
    with pytest.raises(TypeError, match="decorates the class of a task, and not 3"):
        Retry()(3)


def test_a_limit_that_is_not_positive_is_refused():
    from experimaestro import DirectLauncher

    with pytest.raises(ValueError, match="time_limit is 0"):
        DirectLauncher(time_limit=0)
    with pytest.raises(ValueError, match="memory_limit is '8G': it must be a number of bytes"):
        DirectLauncher(memory_limit="8G")


@pytest.fixture
def memory_group():
    """A control group of 256 MiB, without swap: a function to join it before exec."""
    first, second = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    root = first if first.is_dir() else second
    group = root / f"experimaestro-test-{os.getpid()}"
    names = ("memory.limit_in_bytes",) if root is first else ("memory.max", "memory.swap.max")
    try:
        group.mkdir()
        for name in names:
            (group / name).write_text("0" if "swap" in name else str(256 << 20))
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"no control group can be made: {error}")
    yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    group.rmdir()


@limits_memory
def test_a_task_that_the_kernel_kills_for_memory_says_so(plan, workspace, memory_group):
    plan(workspace, "Big(size=600 << 20).submit()", check=False, preexec_fn=memory_group)
    assert marker(workspace, "big")["reason"] == "memory"
    assert "memory had run out" in marker(workspace, "big")["message"]


@pytest.mark.parametrize("lucky, suffix", [(1, "done"), (9, "failed")])
def test_a_job_whose_marker_is_removed_is_shown_so_and_runs_again(
    plan, workspace, command, lucky, suffix
):
    lines = f"Flaky(lucky={lucky}).submit(max_retries=0)"
    plan(workspace, lines, check=False)
    (path,) = workspace.glob(f"jobs/tasks.flaky/*/flaky.{suffix}")
    path.unlink()
    listed = command("jobs", "list", "--workdir", workspace).stdout
    assert listed.startswith("ERROR ") and "(MISSING_OUTPUTS)" in listed
    plan(workspace, lines, check=False)
    assert path.exists() and (path.parent / "tries").read_text() == "xx"


FORKS = """
    import os, sys
    from experimaestro import *

    class Forks(Task):
        '''Forks a child that leaves as the task itself would, and outlives it.'''
        child: Param[str]
        fails: Param[bool]

        def execute(self):
            child = os.fork()
            if child == 0 and self.child == "raises":
                raise RuntimeError("the child's own failure")
            if child == 0:
                sys.exit(0)
            os.waitpid(child, 0)
            if self.fails:
                raise RuntimeError("the task's failure")
"""


@pytest.mark.parametrize("child", ["raises", "exits"])
def test_a_child_that_a_task_forked_does_not_end_its_job(driver, workspace, child):
    driver.write(FORKS, "forks.py")
    script = driver.write(f"""
        import sys
        from forks import *
        if __name__ == "__main__":
            with experiment(sys.argv[1], "forks", raise_on_failure=False) as xp:
                for fails in True, False:
                    Forks(child="{child}", fails=fails).submit(max_retries=0)
            print(xp.counts["done"], xp.counts["failed"])
    """)
    assert driver.run(script, workspace).stdout == "1 1\n"
    (failed,) = workspace.glob("jobs/forks.forks/*/forks.failed")
    assert "the task's failure" in failed.read_text()
    assert not (failed.parent / "forks.done").exists()


LEAVES = """
    import multiprocessing, os, signal, sys, time
    from experimaestro import *

    def work(_):
        time.sleep(3600)

    class Leaves(Task):
        '''Is gone while the processes of its pool work.'''
        how: Param[str]

        def execute(self):
            pool = multiprocessing.Pool(2)
            pool.map_async(work, range(2))
            print(*(child.pid for child in multiprocessing.active_children()), flush=True)
            if self.how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(3)

    class Short(Task):
        def execute(self):
            print("ended")
"""


def test_a_job_that_is_killed_takes_the_processes_of_its_pool_along(driver, workspace, command):
    driver.write(LEAVES, "leaves.py")
    script = driver.write("""
        import sys
        from leaves import *
        if __name__ == "__main__":
            with experiment(sys.argv[1], "leaves", raise_on_failure=False) as xp:
                tasks = [Leaves(how=how).submit(max_retries=0) for how in ("killed", "exits")]
            for task in tasks:
                print(task.explain().splitlines()[0])
                print(task.stdout().read_text(), end="")
    """)
    for _ in range(2):  # the second run finds no lock held
        killed, first, exits, second = driver.run(script, workspace).stdout.splitlines()
        assert killed.endswith("with exit status 137: killed by signal 9 (Killed).")
        assert exits.endswith("its process exited with status 3 and left no word of its end: see its .err.")
        for pid in (first + " " + second).split():
            wait_for_end(int(pid))
    assert "(FAILED)" in command("jobs", "list", "--workdir", workspace).stdout


def test_so_does_one_that_another_driver_had_started(driver, workspace, pipes):
    script = driver.write("""
        import multiprocessing, os, signal, sys, time
        from experimaestro import *

        def work(_):
            time.sleep(3600)

        class Leaves(Task):
            pipes: Meta[Path]

            def execute(self):
                if os.path.exists("tried"):
                    raise RuntimeError("once more")
                open("tried", "w").close()
                pool = multiprocessing.Pool(2)
                pool.map_async(work, range(2))
                print(*(child.pid for child in multiprocessing.active_children()), flush=True)
                (self.pipes / "a.started").write_text(str(os.getpid()))
                (self.pipes / "a.end").read_text()
                os.kill(os.getpid(), signal.SIGKILL)

        if __name__ == "__main__":
            with experiment(sys.argv[1], sys.argv[2], raise_on_failure=False) as xp:
                Leaves(pipes=sys.argv[3]).submit(max_retries=0)
            print(xp.counts["failed"])
    """)
    pipes.make("a")
    first = driver.start(script, workspace, "first", pipes.folder)
    pid = pipes.pid("a")
    first.kill()
    first.wait()
    (out,) = workspace.glob("jobs/*/*/leaves.out")
    left = out.read_text().split()
    second = driver.start(script, workspace, "second", pipes.folder)
    await_file(workspace / ".events/experiments/second-0.jsonl", lambda text: '"running"' in text)
    os.kill(pid, signal.SIGKILL)
    for worker in left:
        wait_for_end(int(worker))
    assert second.communicate(timeout=TIMEOUT)[0] == "1\n"


def test_a_job_ends_with_the_process_that_its_wrapper_has_left(driver, workspace, command):
    driver.write(LEAVES, "leaves.py")
    script = driver.write("""
        import sys
        from leaves import *
        if __name__ == "__main__":
            wrapper = ["sh", "-c", '"$@" & exit 0', "sh"]
            with experiment(sys.argv[1], "leaves", launcher=DirectLauncher(wrapper=wrapper)) as xp:
                task = Short().submit()
            print(xp.counts["done"], task.stdout().read_text().strip())
    """)
    assert driver.run(script, workspace).stdout == "1 ended\n"
    doctor = command("doctor", "--workdir", workspace)
    assert doctor.returncode == 0, doctor.stdout


AGAIN = """
    import os, sys
    from experimaestro import *

    class Again(ResumableTask):
        '''Says that it runs, and stops when it is told to: the first time before its end.'''
        pipes: Meta[Path]

        def execute(self):
            attempt = "second" if os.path.exists("first") else "first"
            open(attempt, "w").close()
            (self.pipes / f"{attempt}.started").open("w").close()
            assert (self.pipes / f"{attempt}.end").read_text()
            if attempt == "first":
                raise GracefulTimeout("once more")

    if __name__ == "__main__":
        with experiment(sys.argv[1], sys.argv[2]) as xp:
            Again(pipes=sys.argv[3]).submit()
        print(xp.counts["done"], xp.counts["started"])
"""


def test_a_job_that_another_driver_has_started_again_is_not_lost(driver, workspace, tmp_path):
    script = driver.write(AGAIN)
    for attempt in ("first", "second"):
        for pipe in ("started", "end"):
            os.mkfifo(tmp_path / f"{attempt}.{pipe}")
    starts = driver.start(script, workspace, "starts", tmp_path)
    (tmp_path / "first.started").read_text()
    watches = driver.start(script, workspace, "watches", tmp_path)
    events = workspace / ".events/experiments/watches-0.jsonl"
    await_file(events, lambda text: '"running"' in text)
    watches.send_signal(signal.SIGSTOP)
    os.waitpid(watches.pid, os.WUNTRACED)
    (tmp_path / "first.end").write_text("now")
    (tmp_path / "second.started").read_text()  # its .failed is gone by now
    watches.send_signal(signal.SIGCONT)
    await_file(events, lambda text: text.count('"running"') + text.count('"error"') == 2)
    (tmp_path / "second.end").write_text("now")
    assert starts.communicate(timeout=TIMEOUT)[0] == "1 2\n"
    assert watches.communicate(timeout=TIMEOUT)[0] == "1 0\n"
