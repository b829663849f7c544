"""Whatever fails between an experiment and a real Slurm, no job is lost and none runs twice at a time:
the tasks are those of faults/witness.py and programs/witness.c, which say how they are run."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from cluster import wait_until

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from faults import Graph, check_finished  # noqa: E402
from harness import TIMEOUT, wait_for_end  # noqa: E402
from kills import check_witness  # noqa: E402

# They take as long as all other tests of Slurm: side by side with these, on a cluster of their own.
pytestmark = pytest.mark.xdist_group("faults")

SHIM = """#!/bin/sh
# A command of Slurm that does it, or not, as its first lines say.
folder={folder}
{lines}
exec {real} "$@"
"""


class Commands:
    """A folder of Slurm's commands, some of which do something else first."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        for name in ("sbatch", "squeue", "scancel", "sacct", "scontrol", "srun"):
            (folder / name).symlink_to(self.real(name))

    @staticmethod
    def real(name):
        return shutil.which(name)

    def remove(self, name):
        (self.folder / name).unlink()

    def replace(self, name, lines):
        """The command begins with these lines of shell; `$folder` is for their files."""
        self.remove(name)
        path = self.folder / name
        path.write_text(SHIM.format(folder=self.folder, lines=lines, real=self.real(name)))
        path.chmod(0o755)

    def once(self, name, lines):
        """The same, at its first call alone."""
        self.replace(name, f'if mkdir "$folder/{name}.once" 2>/dev/null; then\n{lines}\nfi')


@pytest.fixture
def commands(tmp_path):
    return Commands(tmp_path / "commands")


@pytest.fixture(params=["c", "python"])
def graph(request, slurm, tmp_path, monkeypatch):
    monkeypatch.setenv("WITNESS_SLURM", os.path.dirname(Commands.real("sbatch")))
    return Graph(tmp_path / "graph", language=request.param)


@pytest.fixture
def c_graph(slurm, tmp_path):
    """For what is the same in both languages."""
    return Graph(tmp_path / "graph")


def check(graph, killed=(), marked=None):
    """All jobs are done, each by one process that counts."""
    check_witness(graph, set(killed), marked or {})
    check_finished(graph, killed)


def starts(graph):
    return sum([word for word, _ in graph.log(job)].count("start") for job in range(graph.jobs))


def said(graph, job):
    """Waits until a task has said that it runs: the process."""
    wait_until(lambda: graph.log(job), f"the start of task {job}")
    return dict(graph.log(job))["start"]


def test_a_graph_of_thirty_jobs_is_finished_once(graph):
    result = graph.run()
    assert result.returncode == 0, result.stderr
    check(graph)
    assert starts(graph) == 30
    assert graph.run().returncode == 0
    assert starts(graph) == 30


def test_a_driver_that_is_killed_leaves_jobs_that_run_and_are_queued(graph, slurm):
    graph.jobs = 20  # 0 to 9 are a chain, 10 to 19 need 0
    graph.make_hold(10)
    driver = graph.start()
    said(graph, 10)
    slurm.set_node("n1", "drain")  # what is ready now stays in the queue
    wait_until(lambda: any(line.endswith("PENDING") for line in slurm.queue()) or len(graph.done()) >= 19,
               "a job in the queue")
    driver.kill()
    graph.finish(driver)
    again = graph.start()
    slurm.set_node("n1", "resume")
    with graph.held(10):
        pass
    result = graph.finish(again)
    assert result.returncode == 0, result.stderr
    check(graph)
    assert starts(graph) == 20


def test_a_driver_that_is_killed_while_its_jobs_end_finds_them_done(graph):
    graph.jobs = 1
    graph.make_hold(0)
    driver = graph.start()
    said(graph, 0)
    driver.kill()
    graph.finish(driver)
    with graph.held(0):
        pass
    wait_until(lambda: graph.done() == {0}, "the marker of the job")
    assert graph.run().returncode == 0
    check(graph)
    assert starts(graph) == 1


def test_a_driver_may_be_killed_again_and_again(graph):
    for _ in range(4):
        driver = graph.start()
        before = len(graph.done())
        wait_until(lambda: len(graph.done()) > before or driver.poll() is not None, "a job that is done")
        driver.kill()
        graph.finish(driver)
    result = graph.run()
    assert result.returncode == 0, result.stderr
    check(graph)
    assert starts(graph) == 30


def test_a_controller_that_is_away_is_waited_for(graph, slurm):
    graph.make_hold(0)
    driver = graph.start()
    said(graph, 0)
    slurm.kill("slurmctld", signal.SIGTERM)
    with graph.held(0):
        pass
    wait_until(lambda: 0 in graph.done(), "the end of the job without controller")
    slurm.start_controller()
    slurm.start_node("n1")
    result = graph.finish(driver)
    assert result.returncode == 0, result.stderr
    check(graph)
    assert starts(graph) == 30


def test_a_node_daemon_that_is_killed_leaves_its_jobs(graph, slurm):
    graph.jobs = 12
    graph.make_hold(0)
    driver = graph.start()
    said(graph, 0)
    slurm.kill("n1")
    slurm.start_node("n1")
    with graph.held(0):
        pass
    result = graph.finish(driver)
    assert result.returncode == 0, result.stderr
    check(graph)


def test_a_job_that_is_killed_is_run_again_by_the_next_run(graph):
    graph.jobs = 2
    graph.make_hold(0)
    driver = graph.start()
    pid = said(graph, 0)
    os.kill(pid, signal.SIGKILL)
    assert graph.finish(driver).returncode == 1
    (graph.witness / "0.hold").unlink()
    result = graph.run()
    assert result.returncode == 0, result.stderr
    check(graph, killed=[pid])


# ---- Commands that fail ---------------------------------------------------------------------------


def run_with(graph, commands, jobs=6):
    graph.jobs = jobs
    return graph.run(WITNESS_SLURM=str(commands.folder))


def reasons(graph):
    return {path.read_text() for path in graph.workspace.glob("jobs/*/*/*.failed")}


def test_a_command_that_is_missing_is_named(c_graph, commands):
    commands.remove("sbatch")
    result = run_with(c_graph, commands, jobs=1)
    assert result.returncode == 1
    assert any("sbatch" in reason for reason in reasons(c_graph)), reasons(c_graph)


def test_what_a_command_says_as_it_refuses_is_told(c_graph, commands):
    commands.replace("sbatch", "echo 'sbatch: error: no such luck' >&2; exit 1")
    result = run_with(c_graph, commands, jobs=1)
    assert result.returncode == 1
    assert any("no such luck" in reason for reason in reasons(c_graph)), reasons(c_graph)
    commands.replace("sbatch", "")
    assert run_with(c_graph, commands, jobs=1).returncode == 0
    check(c_graph)


@pytest.mark.parametrize("name, lines", [
    ("sbatch", "echo 'sbatch: error: Unable to contact slurm controller (connect failure)' >&2; exit 1"),
    ("sbatch", "echo 'Welcome to the cluster!'; exit 0"),
    ("sbatch", "kill -9 $$"),
    ("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"),
    ("squeue", "echo '||||||'; echo '17'; head -c 5000 /dev/urandom; exit 0"),
    ("squeue", "exit 0"),
    ("scontrol", "exit 1"),
])
def test_a_command_that_fails_once_is_asked_again(c_graph, commands, name, lines):
    commands.once(name, lines)
    result = run_with(c_graph, commands)
    assert result.returncode == 0, result.stderr
    check(c_graph)
    assert starts(c_graph) == 6


@pytest.mark.parametrize("lines", [
    "{real} \"$@\" >/dev/null; exit 0",
    "{real} \"$@\" >/dev/null; echo 'sbatch: error: Socket timed out on send/recv operation' >&2; exit 1",
    "{real} \"$@\" >/dev/null; kill -9 $$",
])
def test_jobs_whose_submission_was_not_answered_run_once(c_graph, commands, lines):
    commands.once("sbatch", lines.format(real=commands.real("sbatch")))
    result = run_with(c_graph, commands)
    assert result.returncode == 0, result.stderr
    check(c_graph)
    assert starts(c_graph) == 6


@pytest.mark.parametrize("script", [
    pytest.param('{real} "$@" >/dev/null; echo >{reached}; sleep 2; exit 0', id="after Slurm has them"),
    pytest.param("echo >{reached}; sleep 1; exit 1", id="before"),
])
def test_a_driver_that_is_killed_while_it_submits_submits_nothing_twice(c_graph, commands, script):
    reached = commands.folder / "reached"
    os.mkfifo(reached)
    commands.once("sbatch", script.format(real=commands.real("sbatch"), reached=reached))
    c_graph.jobs = 3
    driver = c_graph.start(WITNESS_SLURM=str(commands.folder))
    reached.read_text()
    driver.kill()
    c_graph.finish(driver)
    result = run_with(c_graph, commands, jobs=3)
    assert result.returncode == 0, result.stderr
    check(c_graph)
    assert starts(c_graph) == 3
    if "real" not in script:
        assert "3 started" in result.stdout


def test_a_cancellation_that_is_not_answered_is_told_again(slurm, held, pipes, commands):
    commands.once("scancel", "echo 'scancel: error: Unable to contact slurm controller (connect failure)' >&2; exit 1")
    pipes.make("a")
    process = held.start(f"""
        task = Hold(name="a", pipes={str(pipes.folder)!r})
        task.submit(launcher=SlurmLauncher(binpath={str(commands.folder)!r}, interval_max=1))
        input()
        task.job.cancel()
        xp.wait()
        print(task.job.state, task.job.failure_reason)
    """, stdin=-1)
    pid = pipes.pid("a")
    out, err = process.communicate("\n", timeout=TIMEOUT)
    assert out == "JobState.ERROR JobFailureStatus.CANCELLED\n", err
    wait_for_end(pid)


def test_jobs_whose_submission_was_not_answered_are_handed_over_while_they_run(slurm, held, pipes, commands):
    commands.once("sbatch", f'{commands.real("sbatch")} "$@" >/dev/null; exit 0')
    for name in "ab":
        pipes.make(name)
    process = held.start(f"""
        xp.detach = True
        slurm = SlurmLauncher(binpath={str(commands.folder)!r}, interval_max=1)
        first = Hold(name="a", pipes={str(pipes.folder)!r})
        first.submit(launcher=slurm)
        Hold(name="b", pipes={str(pipes.folder)!r}, after=[first]).submit(launcher=slurm)
    """)
    pipes.pid("a")
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, err
    pipes.end("a")
    pipes.pid("b")
    pipes.end("b")
    wait_until(lambda: len([*held.workspace.glob("jobs/*/*/hold.done")]) == 2, "the end of both jobs")


def test_the_options_of_a_program_in_c_are_asked_for(c_graph, slurm, commands):
    c_graph.make_hold(0)
    c_graph.jobs = 1
    driver = c_graph.start(WITNESS_SLURM=str(commands.folder), WITNESS_SLURM_OPTION="partition=other")
    said(c_graph, 0)
    assert "other RUNNING" in slurm.queue("%P %T")
    with c_graph.held(0):
        pass
    assert c_graph.finish(driver).returncode == 0


def test_nothing_is_asked_of_slurm_while_nothing_is_queued(c_graph, commands):
    commands.replace("squeue", 'echo . >>"$folder/asked"')
    c_graph.jobs = 1
    assert run_with(c_graph, commands, jobs=1).returncode == 0
    before = (commands.folder / "asked").read_text()
    assert run_with(c_graph, commands, jobs=1).returncode == 0
    assert (commands.folder / "asked").read_text() == before


# ---- A controller that forgets --------------------------------------------------------------------


def crash(slurm, memory, taken, driver=None):
    """The controller is killed, and forgets jobs: their numbers, which others get if `taken`. Meanwhile the
    driver stands still."""
    if driver is not None:
        driver.send_signal(signal.SIGSTOP)
    before = slurm.queue("%A")
    slurm.crash(memory)
    forgotten = set(before) - set(slurm.queue("%A"))
    assert forgotten, "the controller has forgotten nothing"
    if taken:
        take_numbers(slurm, forgotten)
    if driver is not None:
        driver.send_signal(signal.SIGCONT)
    return forgotten


def take_numbers(slurm, numbers):
    """Submits jobs that are not ours, until they have these numbers; they stay in the queue."""
    while numbers:
        done = slurm.run("sbatch", "--parsable", "--hold", "--output=/dev/null", "--wrap=true")
        numbers = numbers - {done.stdout.strip()}


@pytest.fixture
def looked(c_graph, commands, monkeypatch):
    """A function that waits until the driver of c_graph has seen a state in the queue."""
    monkeypatch.setenv("WITNESS_SLURM", str(commands.folder))
    answers = commands.folder / "answers"
    answers.touch()
    commands.replace("squeue", f'{Commands.real("squeue")} "$@" >"$folder/$$.part" || exit\n'
                               'cat "$folder/$$.part" | tee -a "$folder/answers"; echo . >>"$folder/answers"; exit')

    def wait(state):
        def has_seen():  # the driver has asked again since
            before, _, after = answers.read_text().partition(f"|{state}|")
            return after.count(".\n") > 1
        wait_until(has_seen, f"two answers, the first with {state}")

    wait.forget = lambda: answers.write_text("")  # what earlier drivers have seen
    return wait


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("jobs", [1, 20])
def test_queued_jobs_that_the_controller_has_forgotten_are_sent_again(c_graph, slurm, looked, jobs, taken):
    if jobs == 20:  # 10 to 19 need 0 alone: an array
        c_graph.jobs = 1
        assert c_graph.run().returncode == 0
        looked.forget()
    c_graph.jobs = jobs
    slurm.set_node("n1", "drain")
    memory = slurm.remember()
    driver = c_graph.start()
    looked("PENDING")
    forgotten = crash(slurm, memory, taken, driver)
    slurm.put_in_service("n1")
    result = c_graph.finish(driver)
    assert result.returncode == 0, (result.stderr, reasons(c_graph))
    check(c_graph)
    assert starts(c_graph) == jobs
    assert f"{jobs - (jobs == 20)} started" in result.stdout
    if taken:  # and are not ours to cancel
        assert forgotten <= {line.split()[0] for line in slurm.queue() if line.endswith("PENDING")}


@pytest.mark.parametrize("taken", [False, True])
def test_running_jobs_that_the_controller_has_forgotten_are_lost(c_graph, slurm, looked, taken):
    c_graph.jobs = 1
    c_graph.make_hold(0)
    memory = slurm.remember()
    driver = c_graph.start()
    pid = said(c_graph, 0)
    looked("RUNNING")
    crash(slurm, memory, taken, driver)
    slurm.put_in_service("n1")
    assert c_graph.finish(driver).returncode == 1
    assert {json.loads(reason)["reason"] for reason in reasons(c_graph)} == {"lost"}, reasons(c_graph)
    wait_for_end(pid)  # Slurm ends what it has forgotten
    (c_graph.witness / "0.hold").unlink()
    result = c_graph.run()
    assert result.returncode == 0, (result.stderr, reasons(c_graph))
    check(c_graph, killed=[pid])


def test_a_new_driver_does_not_take_another_job_for_one_that_was_forgotten(c_graph, slurm, looked):
    c_graph.jobs = 1
    slurm.set_node("n1", "drain")
    memory = slurm.remember()
    driver = c_graph.start()
    looked("PENDING")
    driver.kill()
    c_graph.finish(driver)
    forgotten = crash(slurm, memory, taken=True)
    slurm.put_in_service("n1")
    result = c_graph.run()
    assert result.returncode == 0, (result.stderr, reasons(c_graph))
    check(c_graph)
    assert starts(c_graph) == 1
    assert "1 started" in result.stdout
    assert forgotten <= {line.split()[0] for line in slurm.queue() if line.endswith("PENDING")}


def test_a_queued_job_that_is_cancelled_is_not_sent_again(c_graph, slurm, looked):
    c_graph.jobs = 20
    c_graph.make_hold(0)
    driver = c_graph.start()
    said(c_graph, 0)
    slurm.set_node("n1", "drain")
    with c_graph.held(0):
        pass
    slurm.await_queue(lambda lines: any("PENDING" in line for line in lines))
    (array,) = {line.split("_")[0] for line in slurm.queue("%i %T") if "_" in line and "PENDING" in line}
    slurm.run("scancel", f"{array}_[2-4]")
    looked("PENDING")
    slurm.put_in_service("n1")
    result = c_graph.finish(driver)
    assert result.returncode == 1
    failed = [json.loads(reason)["reason"] for reason in reasons(c_graph)]
    assert len(c_graph.done()) == 17 and set(failed) == {"cancelled"}, (result.stderr, failed)
