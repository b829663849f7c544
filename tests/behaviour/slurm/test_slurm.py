"""Jobs of a real Slurm: what they get, how they end, and what is told of it."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from harness import TIMEOUT, wait_for_end
from plans import HELD, Plan

# ---- What jobs get --------------------------------------------------------------------------------


def test_a_job_runs_in_its_folder_with_its_environment(slurm, plan):
    result = plan.run("""
        launcher.setenv("XPMT_LAUNCHER", "a 'b' $HOME")
        xp.setenv("XPMT_EXPERIMENT", "c")
        task = Show()
        task.submit()
        xp.wait()
        print(task.job.state, xp.counts["started"])
    """)
    assert result.stdout == "JobState.DONE 1\n"
    (seen,) = plan.shown()
    assert seen["cwd"] == str(plan.folder("show"))
    assert (seen["XPMT_LAUNCHER"], seen["XPMT_EXPERIMENT"]) == ("a 'b' $HOME", "c")
    assert seen["SLURM_CLUSTER_NAME"] == "test"
    left = sorted(path.name for path in plan.folder("show").iterdir())
    assert {"show.done", "show.out", "params.json"} <= set(left)
    assert not {"show.pid", "show.lock", "show.failed"} & set(left)
    assert plan.run("Show().submit(); xp.wait(); print(xp.counts['started'])").stdout == "0\n"


def test_what_a_hook_sets_is_there(slurm, plan):
    plan.run("""
        class Hook(SubmitHook):
            def spec(self):
                return 0
            def process(self, job, launcher):
                job.environ["XPMT_HOOK"] = type(launcher).__name__
        Hook()(Show)
        Show().submit()
    """)
    assert plan.shown()[0]["XPMT_HOOK"] == "SlurmLauncher"


def test_jobs_that_are_ready_together_travel_together(slurm, plan):
    plan.run("""
        first = Show()
        first.submit()
        for x in range(1, 51):
            task = Show(x=x)
            task.add_dependencies(first)
            task.submit()
    """)
    assert len(plan.shown()) == 51
    arrays = {seen.get("SLURM_ARRAY_JOB_ID", seen["SLURM_JOB_ID"]) for seen in plan.shown()}
    assert len(arrays) <= 3
    assert len({seen["SLURM_JOB_ID"] for seen in plan.shown()}) == 51


def test_a_chain_runs_in_its_order(slurm, plan):
    plan.run("""
        after = []
        for x in range(5):
            task = Show(x=x, after=after)
            task.submit()
            after = [task]
    """)
    by_number = {}
    for seen in plan.shown():
        params = json.loads(Path(seen["cwd"], "params.json").read_text())
        by_number[params["objects"][-1]["fields"]["x"]] = int(seen["SLURM_JOB_ID"])
    order = [by_number[x] for x in range(5)]
    assert order == sorted(order) and len(set(order)) == 5


def test_jobs_of_slurm_and_of_this_machine_wait_for_each_other(slurm, plan):
    plan.run("""
        one = Show(x=1)
        one.submit(launcher=DirectLauncher())
        two = Show(x=2, after=[one])
        two.submit()
        Show(x=3, after=[two]).submit(launcher=DirectLauncher())
    """)
    places = sorted("SLURM_JOB_ID" in seen for seen in plan.shown())
    assert places == [False, False, True]


def test_options_are_asked_of_slurm(slurm, plan):
    plan.run("""
        task = Show()
        task.submit(launcher=launcher.config(partition="other", time="1:30:00", cpus_per_task=3,
                                             mem="200M", nice=7, exclude=None))
    """)
    (seen,) = plan.shown()
    said = dict(word.split("=", 1) for word in seen["job"].split() if "=" in word)
    assert (said["Partition"], said["TimeLimit"], said["NumCPUs"]) == ("other", "01:30:00", "3")
    assert (said["MinMemoryNode"], said["Nice"]) == ("200M", "7")
    assert seen["SLURM_CPUS_PER_TASK"] == "3"
    assert 5000 < seen["left"] <= 5400


def test_the_limits_of_the_launcher_are_asked_of_slurm(slurm, plan):
    plan.run('Show().submit(launcher=SlurmLauncher(time_limit=1800, interval_max=1))')
    (seen,) = plan.shown()
    assert "TimeLimit=00:31:00" in seen["job"]
    assert 1700 < seen["left"] <= 1800


@pytest.mark.parametrize("options, message", [
    ("array=3", 'the option "array" of sbatch is set by the launcher itself'),
    ("partitoin='x'", 'did you mean "partition"'),
])
def test_an_option_that_cannot_be_is_refused_at_once(slurm, plan, options, message):
    result = plan.run(f"Show().submit(launcher=SlurmLauncher({options}))", check=False)
    assert result.returncode == 1 and message in result.stderr
    assert not [*plan.workspace.glob("jobs/*/*")]


def test_what_slurm_refuses_fails_with_its_words(slurm, plan):
    result = plan.run("""
        task = Show()
        task.submit(launcher=launcher.config(partition="nowhere"))
        xp.wait()
        print(task.job.state)
    """)
    assert result.stdout == "JobState.ERROR\n"
    assert "nvalid partition" in plan.failed("show")["message"]


# ---- How they end ---------------------------------------------------------------------------------


def test_a_task_that_fails_says_why(slurm, plan):
    plan.run("Fails().submit()")
    failed = plan.failed("fails")
    assert (failed["reason"], failed["code"]) == ("failed", 1) and "no luck" in failed["message"]
    assert (plan.folder("fails") / "fails.out").read_text() == "to the end\n"
    assert "ValueError: no luck" in (plan.folder("fails") / "fails.err").read_text()


def test_a_process_that_leaves_no_marker_has_failed(slurm, plan):
    plan.run("Exits(code=5).submit(); Killed().submit()")
    assert plan.failed("exits")["reason"] == "failed"
    assert plan.failed("killed")["reason"] in ("failed", "lost")


def test_what_failed_is_run_again_by_the_next_run(slurm, plan):
    plan.run("Fails().submit()")
    assert plan.run("Fails().submit(); xp.wait(); print(xp.counts['started'])").stdout == "1\n"


def test_a_time_limit_that_was_too_short_grows(slurm, plan):
    plan.run("""
        Slow().submit(launcher=SlurmLauncher(time_limit=1, interval_max=1))
    """)
    (seen,) = plan.shown("slow")
    assert "TimeLimit=00:08:00" in seen["job"]  # of 400 seconds and a minute


@pytest.mark.slow
def test_the_limit_of_slurm_is_a_timeout(slurm_nodes, held, pipes):
    """It takes a minute: on the cluster that fewest tests wait for."""
    pipes.make("a")
    process = held.start(f"Hold(name='a', pipes={str(pipes.folder)!r}).submit(launcher=launcher.config(time='1'))")
    pid = pipes.pid("a")
    _, err = process.communicate(timeout=240)
    assert held.failed("hold")["reason"] == "timeout", err
    wait_for_end(pid)


@pytest.mark.parametrize("how", ["scancel", "cancel"])
def test_a_job_that_runs_is_cancelled(slurm, held, pipes, how):
    pipes.make("a")
    process = held.start(f"""
        task = Hold(name="a", pipes={str(pipes.folder)!r})
        task.submit()
        input()
        if {how!r} == "cancel":
            task.job.cancel()
        xp.wait()
        print(task.job.state, task.job.failure_reason)
    """, stdin=-1)
    pid = pipes.pid("a")
    process.stdin.write("\n")
    process.stdin.flush()
    if how == "scancel":
        slurm.run("scancel", "-u", "root")
    out, err = process.communicate(timeout=TIMEOUT)
    assert out == "JobState.ERROR JobFailureStatus.CANCELLED\n", err
    assert held.failed("hold")["reason"] == "cancelled"
    wait_for_end(pid)


@pytest.mark.parametrize("how", ["scancel", "cancel"])
def test_a_job_that_is_queued_is_cancelled(slurm, held, pipes, how):
    slurm.set_node("n1", "drain")
    process = held.start(f"""
        task = Hold(name="a", pipes={str(pipes.folder)!r})
        task.submit()
        input()
        if {how!r} == "cancel":
            task.job.cancel()
        xp.wait()
        print(task.job.state, task.job.failure_reason)
    """, stdin=-1)
    slurm.await_queue(lambda lines: any("PENDING" in line for line in lines))
    process.stdin.write("\n")
    process.stdin.flush()
    if how == "scancel":
        slurm.run("scancel", "-u", "root")
    out, err = process.communicate(timeout=TIMEOUT)
    assert out == "JobState.ERROR JobFailureStatus.CANCELLED\n", err
    slurm.await_queue(lambda lines: not any("PENDING" in line for line in lines))
    assert not held.folder("hold").joinpath("hold.out").exists() or \
        held.folder("hold").joinpath("hold.out").read_text() == ""


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_job_that_exceeds_its_memory_says_so(slurm_accounting, plan, jobs):
    plan.run(f"""
        little = launcher.config(mem='250M')
        Show().submit(launcher=little)
        for x in range({jobs}):
            Swells(x=x).submit(launcher=little)
    """)
    failed = [json.loads(path.read_text()) for path in plan.workspace.glob("jobs/*/*/swells.failed")]
    assert len(failed) == jobs and len(plan.shown()) == 1
    for marker in failed:
        assert marker["reason"] == "memory" and "more memory than it asked for" in marker["message"], marker


def test_memory_that_was_too_little_grows(slurm_accounting, plan):
    result = plan.run("""
        Retry(on=["memory"], times=1, more_memory=10)(Swells)
        Swells(once=True).submit(launcher=SlurmLauncher(requirement="cpu(mem=250M)", interval_max=1))
        xp.wait()
        print(xp.counts["started"], xp.counts["done"])
    """)
    assert result.stdout == "2 1\n", plan.failed("swells")


def fail_node(slurm, pid):
    """The node of a job fails, with all that ran there."""
    (node,) = {node for line in slurm.queue("%T %N") for state, _, node in [line.partition(" ")] if state == "RUNNING"}
    keeper = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    slurm.kill(node)
    for process in (keeper, pid):
        os.kill(process, signal.SIGKILL)
        wait_for_end(process)
    slurm.set_node(node, "down")


def start_requeued(slurm, job):
    """Slurm waits two minutes before it starts a job again, from when all of its first run has ended. Two
    seconds it must: a node refuses a job that it has ended in the same second ("credential revoked")."""
    slurm.await_queue(lambda _: f"{job} PENDING BeginTime" in slurm.queue("%i %T %r"))
    slurm.run("scontrol", "update", f"jobid={job}", "starttime=now+2")
    slurm.await_queue(lambda lines: f"{job} RUNNING" in lines)


def test_a_job_whose_node_fails_is_lost_and_says_so(slurm_nodes, held, pipes):
    pipes.make("a")
    process = held.start(f"Hold(name='a', pipes={str(pipes.folder)!r}).submit()")
    fail_node(slurm_nodes, pipes.pid("a"))
    _, err = process.communicate(timeout=TIMEOUT)
    failed = held.failed("hold")
    assert failed["reason"] == "lost" and "NODE_FAIL" in failed["message"], (failed, err)


def test_a_job_whose_node_fails_is_run_to_the_end_once_by_a_retry(slurm_nodes, held, pipes):
    pipes.make("a")
    process = held.start(f"""
        Retry(on=["lost"], times=1)(Hold)
        Hold(name='a', pipes={str(pipes.folder)!r}).submit()
        xp.wait()
        print(xp.counts["done"], xp.counts["started"])
    """)
    fail_node(slurm_nodes, pipes.pid("a"))
    pipes.pid("a")
    pipes.end("a")
    out, err = process.communicate(timeout=TIMEOUT)
    assert out == "1 2\n" and (pipes.folder / "log").read_text() == "a\n", err


def run_requeued(slurm, held, pipes, requeue):
    """A job that is requeued while it runs, by requeue(job, pid): it runs again, and to the end once."""
    pipes.make("a")
    process = held.start(f"""
        Hold(name='a', pipes={str(pipes.folder)!r}).submit(launcher=launcher.config(requeue=True))
        xp.wait()
        print(xp.counts["done"], xp.counts["started"])
    """)
    pid = pipes.pid("a")
    (job,) = [line.split()[0] for line in slurm.queue() if line.endswith("RUNNING")]
    requeue(job, pid)
    start_requeued(slurm, job)
    pipes.pid("a")
    pipes.end("a")
    out, err = process.communicate(timeout=TIMEOUT)
    assert out == "1 1\n" and (pipes.folder / "log").read_text() == "a\n", err


def test_a_job_that_slurm_requeues_after_its_node_has_failed_is_run_to_the_end_once(slurm_nodes, held, pipes):
    run_requeued(slurm_nodes, held, pipes, lambda job, pid: fail_node(slurm_nodes, pid))


def test_a_job_that_is_requeued_by_hand_is_run_to_the_end_once(slurm, held, pipes):
    def requeue(job, pid):
        slurm.run("scontrol", "requeue", job)
        wait_for_end(pid)

    run_requeued(slurm, held, pipes, requeue)


def test_a_job_that_is_held_and_released_or_suspended_and_resumed_goes_on(slurm, held, pipes):
    pipes.make("a")
    process = held.start(f"""
        Hold(name='a', pipes={str(pipes.folder)!r}).submit(launcher=launcher.config(hold=True))
        xp.wait()
        print(xp.counts["done"], xp.counts["started"])
    """)
    slurm.await_queue(lambda lines: any("PENDING" in line for line in lines))
    (job,) = [line.split()[0] for line in slurm.queue() if line.endswith("PENDING")]
    slurm.run("scontrol", "release", job)
    pipes.pid("a")
    slurm.run("scontrol", "suspend", job)
    slurm.await_queue(lambda lines: f"{job} SUSPENDED" in lines)
    slurm.run("scontrol", "resume", job)
    pipes.end("a")
    out, err = process.communicate(timeout=TIMEOUT)
    assert out == "1 1\n" and (pipes.folder / "log").read_text() == "a\n", err


@pytest.mark.parametrize("retries", [0, 1])
def test_a_job_whose_place_is_given_to_another_is_lost_unless_it_is_retried(slurm_urgent, held, pipes, retries):
    pipes.make("a")
    process = held.start(f"""
        if {retries}:
            Retry(on=["lost"], times=1)(Hold)
        Hold(name='a', pipes={str(pipes.folder)!r}).submit()
        xp.wait()
        print(xp.counts["done"], xp.counts["started"])
    """)
    pid = pipes.pid("a")
    urgent = slurm_urgent.run("sbatch", "--parsable", "--partition=urgent", "--output=/dev/null",
                              "--wrap=exec sleep 1000").stdout.strip()
    wait_for_end(pid)
    if retries:
        slurm_urgent.await_queue(lambda lines: sum(line.endswith("PENDING") for line in lines) == 1)
        slurm_urgent.run("scancel", urgent)
        pipes.pid("a")
        pipes.end("a")
    out, err = process.communicate(timeout=TIMEOUT)
    assert out == ("1 2\n" if retries else "0 1\n"), err
    if not retries:
        failed = held.failed("hold")
        assert failed["reason"] == "lost" and "PREEMPTED" in failed["message"], failed


def test_the_process_of_a_job_whose_node_is_out_of_reach_ends_as_it_would(slurm_nodes, held, pipes):
    pipes.make("a")
    process = held.start(f"Hold(name='a', pipes={str(pipes.folder)!r}).submit(launcher=launcher.config(nodelist='n2'))")
    pid = pipes.pid("a")
    slurm_nodes.kill("n2")
    slurm_nodes.set_node("n2", "down")
    slurm_nodes.await_queue(lambda lines: any("NODE_FAIL" in line for line in lines))
    # Its process is still there, on the machine that nobody can reach, and has the lock.
    pipes.end("a")
    process.communicate(timeout=TIMEOUT)
    wait_for_end(pid)
    assert (held.folder("hold") / "hold.done").exists(), held.failed("hold")


def test_a_second_ctrl_c_cancels_what_is_queued_and_what_runs(slurm, held, pipes):
    pipes.make("a")
    process = held.start(f"Hold(name='a', pipes={str(pipes.folder)!r}).submit()")
    pid = pipes.pid("a")
    process.send_signal(signal.SIGINT)
    assert "Ctrl-C again" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=TIMEOUT)
    wait_for_end(pid)
    slurm.await_queue(lambda lines: not any("RUNNING" in line or "PENDING" in line for line in lines))


# ---- What nobody expects ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["with space", "quo'te\"s", "new\nline", "café 東京", "$HOME `id`; %j %a", "a|b,c", "back\\slash %j"])
def test_a_workspace_may_have_any_name(slurm, driver, tmp_path, name):
    strange = Plan(driver, tmp_path / name)
    result = strange.run("""
        xp.setenv("XPMT_LINES", "a\\nb=c\\n")
        first = Show()
        first.submit()
        for x in range(1, 4):
            Show(x=x, after=[first]).submit()
        xp.wait()
        print(xp.counts["done"])
    """)
    assert result.stdout == "4\n", (result.stderr, [path.read_text() for path in strange.workspace.glob("jobs/*/*/*.failed")])
    assert {seen["XPMT_LINES"] for seen in strange.shown()} == {"a\nb=c\n"}
    assert {Path(seen["cwd"]).parents[2] for seen in strange.shown()} == {strange.workspace}


def test_two_experiments_that_submit_the_same_jobs_at_once_run_each_once(slurm, driver, workspace, pipes):
    for name in "ab":
        pipes.make(name)
    lines = f"""
        first = Hold(name="a", pipes={str(pipes.folder)!r})
        first.submit()
        Hold(name="b", pipes={str(pipes.folder)!r}, after=[first]).submit()
        xp.wait()
        print(xp.counts["done"], xp.counts["started"])
    """
    processes = [Plan(driver, workspace, HELD, experiment=name).start(lines) for name in ("one", "two")]
    for name in "ab":
        pipes.pid(name)
        pipes.end(name)
    said = [process.communicate(timeout=TIMEOUT) for process in processes]
    counts = [tuple(map(int, out.split())) for out, _ in said]
    assert [done for done, _ in counts] == [2, 2] and sum(started for _, started in counts) == 2, said
    assert (pipes.folder / "log").read_text() == "a\nb\n"


def test_jobs_of_this_machine_go_on_while_sbatch_does_not_answer(slurm, held, pipes, tmp_path):
    for name in "ab":
        pipes.make(name)
    commands = tmp_path / "commands"
    commands.mkdir()
    os.mkfifo(commands / "answer")
    for name in ("squeue", "scancel", "sacct", "scontrol"):
        (commands / name).symlink_to(shutil.which(name))
    (commands / "sbatch").write_text(f'#!/bin/sh\ncat {commands}/answer >/dev/null\nexec {shutil.which("sbatch")} "$@"\n')
    (commands / "sbatch").chmod(0o755)
    process = held.start(f"""
        Hold(name="a", pipes={str(pipes.folder)!r}).submit(launcher=SlurmLauncher(binpath={str(commands)!r}, interval_max=1))
        first = Hold(name="b", pipes={str(pipes.folder)!r})
        first.submit(launcher=DirectLauncher())
        first.job.wait()
        print("went on", flush=True)
    """)
    with open(commands / "answer", "w"):  # sbatch waits for it to be closed
        pipes.pid("b")
        pipes.end("b")
        assert process.stdout.readline() == "went on\n"
    pipes.pid("a")
    pipes.end("a")
    _, err = process.communicate(timeout=TIMEOUT)
    assert (pipes.folder / "log").read_text() == "b\na\n", err


# ---- Many -----------------------------------------------------------------------------------------


def test_no_more_jobs_are_queued_than_was_said(slurm, held, pipes):
    for name in "abcd":
        pipes.make(name)
    process = held.start(f"""
        few = SlurmLauncher(interval_max=1, submit_max=2)
        for name in "abcd":
            Hold(name=name, pipes={str(pipes.folder)!r}).submit(launcher=few)
    """)
    for first, second in ("ab", "cd"):
        assert pipes.pid(first) != pipes.pid(second)
        alive = [line for line in slurm.queue() if line.endswith(("RUNNING", "PENDING"))]
        assert len(alive) <= 2
        pipes.end(first)
        pipes.end(second)
    _, err = process.communicate(timeout=TIMEOUT)
    assert sorted((pipes.folder / "log").read_text().split()) == list("abcd"), err


def test_more_jobs_than_an_array_may_have_travel_in_several(slurm_nodes, plan):
    plan.run("""
        first = Show()
        first.submit()
        for x in range(1, 11):
            Show(x=x, after=[first]).submit()
    """)
    arrays = [seen["SLURM_ARRAY_JOB_ID"] for seen in plan.shown() if "SLURM_ARRAY_JOB_ID" in seen]
    assert len(plan.shown()) == 11
    assert max(map(arrays.count, arrays)) == 4


def test_the_limit_of_an_account_is_waited_for(slurm_accounting, plan):
    with slurm_accounting.limit("MaxSubmitJobs", 2):
        result = plan.run("""
            for x in range(6):
                Show(x=x).submit()
            xp.wait()
            print(xp.counts["done"])
        """)
    assert result.stdout == "6\n", result.stderr
    assert len(plan.shown()) == 6
