"""`experimaestro explain`: why a job is where it is, from what is on disk alone."""

import json
import os
import re
import signal
import subprocess

import pytest
from harness import BUILD, HOLD, TIMEOUT, job_folders, wait_for_end

TASKS = HOLD + """
    class Model(Config):
        gamma: Param[float]
        layers: Param[int] = 2

    class Use(Task):
        '''Comes after it.'''
        hold: Param[Hold]
        size: Param[int] = 1

        def execute(self):
            pass

    class Learn(Task):
        model: Param[Model]
        epochs: Param[int]
        verbose: Meta[int] = 0
        fails: Meta[bool] = False

        def execute(self):
            if self.fails:
                raise ValueError("no luck")

    class Evaluate(Task):
        learn: Param[Learn]

        def execute(self):
            pass
"""

PLAN = """
    import sys
    from tasks import *
    if __name__ == "__main__":
        with experiment(sys.argv[1], "first", jobs=int(sys.argv[3]), raise_on_failure=False):
            for name in sys.argv[4:]:
                hold = Hold(name=name, pipes=sys.argv[2]).submit()
                use = Use(hold=hold).submit()
            print("submitted", flush=True)
            if input() == "explain":
                print(use.explain(), flush=True)
"""

LEARN = """
    import sys
    from tasks import *
    def learn(workspace, *settings, **options):
        with experiment(workspace, "learn", raise_on_failure=False, **options) as xp:
            tasks = [Learn(model=Model(gamma=gamma), epochs=epochs, **more).submit()
                     for gamma, epochs, more in settings]
            for task in tasks:
                Evaluate(learn=task).submit()
            plan = xp.explain()
        return tasks, plan
"""


@pytest.fixture
def held(driver, workspace, pipes):
    """Starts a Hold for each name, and a Use after each; returns once `runs` of them run."""
    driver.write(TASKS, "tasks.py")
    script = driver.write(PLAN)

    def start(*names, jobs=4, runs=None):
        for name in names:
            pipes.make(name)
        process = driver.start(script, workspace, pipes.folder, jobs, *names,
                               stdin=subprocess.PIPE)
        assert process.stdout.readline() == "submitted\n", process.stderr.read()
        return process, {name: pipes.pid(name) for name in names[:runs]}

    return start


@pytest.fixture
def explain(command, workspace):
    def run(job, *options):
        done = command("explain", job, "--workdir", workspace, *options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def learn(driver, workspace):
    """Runs LEARN, then a line of Python after it."""
    driver.write(TASKS, "tasks.py")
    driver.write(LEARN, "plans.py")

    def run(line):
        script = driver.write(f"""
            import sys
            from plans import *
            if __name__ == "__main__":
                workspace = sys.argv[1]
                {line}
        """)
        return driver.run(script, workspace).stdout

    return run


def hash_of(workspace, task):
    (folder,) = job_folders(workspace, task)
    return folder.name


def end(process):
    out, err = process.communicate("\n", timeout=TIMEOUT)
    assert process.returncode == 0, err
    return out


def listed(workspace, task):
    """The job of a run that may have no folder yet."""
    lines = (workspace / "experiments/first/current/jobs.jsonl").read_text().splitlines()
    jobs = [json.loads(line) for line in lines]
    return [f"{job['task_id']}/{job['job_id']}" for job in jobs if job["task_id"] == task]


TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


# ---- Each state ------------------------------------------------------------------------------------


def test_a_waiting_job_names_those_that_it_waits_for(held, workspace, pipes, explain):
    process, _ = held("a")
    (use,) = listed(workspace, "tasks.use")
    hold = hash_of(workspace, "tasks.hold")[:8]
    text = explain(use)
    assert re.match(
        rf"tasks.use/\w{{8}} waits since {TIME}, in experiment first, for 1 of the 1 jobs that it "
        rf"depends on:\n  tasks.hold/{hold} runs since {TIME}\n", text), text
    assert text.endswith("No job of type tasks.use is finished.\n")
    told = json.loads(explain(use, "--json"))
    assert [job["state"] for job in told["waits_for"]] == ["running"]
    assert told["job"]["state"] == "waiting" and told["nearest"] is None
    pipes.end("a")
    end(process)
    assert "is done since" in explain(use)


def test_a_ready_job_waits_for_a_slot(held, workspace, pipes, explain):
    process, _ = held("a", "b", jobs=1, runs=1)
    second = listed(workspace, "tasks.hold")[1]
    text = explain(second)
    assert re.match(rf"tasks.hold/\w{{8}} is ready since {TIME}, in experiment first: it waits for a "
                    "free slot; 1 job of the experiment runs.\n", text), text
    process.stdin.write("explain\n")
    process.stdin.flush()
    said = process.stdout.readline()  # what the task says in the program
    assert said.startswith("tasks.use/") and " waits since " in said
    pipes.end("a")
    pipes.pid("b")
    pipes.end("b")
    end(process)


def test_a_ready_job_waits_for_what_it_needs_of_the_machine(driver, workspace, pipes, explain):
    driver.write(TASKS, "tasks.py")
    script = driver.write("""
        import sys
        from tasks import *
        if __name__ == "__main__":
            with experiment(sys.argv[1], "first", jobs=4):
                for name, needs in ("a", "cpu(mem=1M)"), ("b", "resource(seat)"), ("c", "resource(seat) & cpu(mem=2M)"):
                    task = Hold(name=name, pipes=sys.argv[2])
                    task.submit(launcher=DirectLauncher(requirement=needs))
                print("submitted", flush=True)
    """)
    for name in "abc":
        pipes.make(name)
    process = driver.start(script, workspace, pipes.folder,
                           env={**os.environ, "XPM_RESOURCES": "seat=1"})
    assert process.stdout.readline() == "submitted\n", process.stderr.read()
    pipes.pid("a"), pipes.pid("b")
    first, second, third = (key.split("/")[1] for key in listed(workspace, "tasks.hold"))
    assert re.match(
        rf"tasks.hold/{third[:8]} is ready since {TIME}, in experiment first: it waits for "
        r"cpu\(mem=2M\) & resource\(seat\) of this machine; 2 jobs of the experiment run:\n"
        rf"(  tasks.hold/({first[:8]} has cpu\(mem=1M\)|{second[:8]} has resource\(seat\)) since {TIME}\n){{2}}",
        explain(third)), explain(third)
    told = json.loads(explain(third, "--json"))
    assert {job["job_id"] for job in told["waits_for"]} == {first, second}
    for name in "ab":
        pipes.end(name)
    pipes.pid("c")
    pipes.end("c")
    end(process)


def test_a_running_job_says_its_process_and_how_far_it_is(held, workspace, pipes, explain):
    process, pids = held("a")
    text = explain(hash_of(workspace, "tasks.hold"))
    assert re.match(rf"tasks.hold/\w{{8}} runs since {TIME}, as process {pids['a']} on "
                    rf"{re.escape(os.uname().nodename)}, in experiment first.\n"
                    "It is at 25 % of epochs.\n", text), text
    process.kill()
    process.wait()
    assert "The program that started it is gone" in explain(hash_of(workspace, "tasks.hold"))
    pipes.end("a")
    wait_for_end(pids["a"])
    assert "tasks.hold" in explain(hash_of(workspace, "tasks.hold"))


def test_a_done_job_says_when_and_in_which_experiment(held, workspace, pipes, explain):
    process, _ = held("a")
    pipes.end("a")
    end(process)
    text = explain(hash_of(workspace, "tasks.hold")[:6])
    assert re.fullmatch(rf"tasks.hold/\w{{8}} is done since {TIME} after [\d.e-]+ s, in experiment "
                        r"first\.\n", text), text


def test_a_failed_job_says_how_and_that_it_runs_again(held, workspace, pipes, explain):
    process, _ = held("a")
    pipes.end("a", "fail")
    end(process)
    text = explain(hash_of(workspace, "tasks.hold"))
    assert re.match(rf"tasks.hold/\w{{8}} failed at {TIME} after [\d.e-]+ s, in experiment first, with "
                    r"exit status 1: ValueError: no luck\.\nThe next run starts it again\.\n",
                    text), text
    (use,) = listed(workspace, "tasks.use")
    text = explain(use)
    assert re.match(rf"tasks.use/\w{{8}} was not started at {TIME}, in experiment first: what it "
                    rf"depends on failed:\n  tasks.hold/\w{{8}} failed at {TIME}: ValueError: no luck"
                    r"\nThe next run starts that again, and this one after it\.\n", text), text


def test_a_lost_job_says_why_we_say_so(held, workspace, explain):
    process, pids = held("a")
    process.kill()
    process.wait()
    os.kill(pids["a"], signal.SIGKILL)
    wait_for_end(pids["a"])
    text = explain(hash_of(workspace, "tasks.hold"))
    assert f"hold.pid names process {pids['a']}, which is no more" in text
    assert "neither hold.done nor hold.failed" in text
    assert "The next run starts it again." in text
    (use,) = listed(workspace, "tasks.use")  # its run has crashed
    text = explain(use)
    assert re.match(r"tasks.use/\w{8} was not started: the run of experiment first ended before it "
                    r"came to it\.\nThe next run that submits it starts it\.\n", text), text


def test_a_job_that_is_not_there_is_an_error(held, workspace, command, learn):
    learn("learn(workspace, (0.1, 10, {}))")
    done = command("explain", "nothing", "--workdir", workspace)
    assert done.returncode == 1 and "no job is named nothing" in done.stderr


# ---- The nearest -----------------------------------------------------------------------------------


def test_a_failed_job_is_compared_with_the_nearest_finished_one(learn, workspace, explain):
    learn("learn(workspace, (0.1, 10, {}), (0.5, 20, {}))")
    learn("learn(workspace, (0.1, 30, {'fails': True, 'verbose': 3}))")
    (failed,) = [folder for folder in job_folders(workspace, "tasks.learn")
                 if (folder / "learn.failed").exists()]
    text = explain(failed.name)
    assert re.search(r"^\$.epochs 10 -> 30 against tasks.learn/\w{8}, the nearest of 2 finished jobs "
                     r"of its type\.$", text, re.MULTILINE), text
    told = json.loads(explain(failed.name, "--json"))
    assert told["differences"] == [{"path": "$.epochs", "from": "10", "to": "30"}]
    assert (workspace / "jobs" / told["nearest"] / "learn.done").exists()


def test_a_job_that_was_not_started_is_compared_too(learn, workspace, explain, driver):
    learn("learn(workspace, (0.1, 10, {}))")
    learn("learn(workspace, (0.1, 30, {'fails': True}))")
    lines = (workspace / "experiments/learn/current/jobs.jsonl").read_text().splitlines()
    (evaluate,) = [job["job_id"] for job in map(json.loads, lines)
                   if job["task_id"] == "tasks.evaluate"]
    assert "$.learn.epochs 10 -> 30 against tasks.evaluate/" in explain(evaluate)


def test_tasks_explain_themselves_in_a_dry_run_and_after_a_run(learn):
    learn("learn(workspace, (0.1, 10, {}))")
    dry = 'run_mode="DRY_RUN"'
    out = learn(f"print(learn(workspace, (0.2, 10, {{}}), {dry})[0][0].explain())")
    assert re.fullmatch(r"tasks.learn/\w{8} would run: \$.model.gamma 0.1 -> 0.2 against "
                        r"tasks.learn/\w{8}, the only finished job of its type\.\n\n", out), out
    out = learn(f"print(learn(workspace, (0.1, 10, {{}}), {dry})[0][0].explain())")
    assert "is done since" in out
    out = learn("print(learn(workspace, (0.2, 10, {}))[0][0].explain())")
    assert "is done since" in out


def test_a_plan_is_explained_with_counts(learn, workspace):
    learn("learn(workspace, *((g, 10, {}) for g in range(6)))")
    learn("learn(workspace, (9, 9, {'fails': True}))")
    before = sorted(workspace.rglob("*"))
    plan = "*((g, 20, {}) for g in range(5)), (0, 10, {}), (9, 9, {}), (7, 10, {}), (8, 10, {})"
    out = learn(f'print(learn(workspace, {plan}, run_mode="DRY_RUN")[1])')
    out = re.sub(r"/\w{8}", "/H", out)
    lines = re.sub(r"\(\d.0 -> 9.0\)", "(G -> 9.0)", out).splitlines()[:-1]  # of several as near
    assert lines == [
        "tasks.evaluate: 9 jobs: 1 done, 8 would run",
        "  5 because of $.learn.epochs (10 -> 20) against tasks.evaluate/H and others",
        "  2 because of $.learn.model.gamma against tasks.evaluate/H and others",
        "  1 because of $.learn.epochs (10 -> 9), $.learn.model.gamma (G -> 9.0) against "
        "tasks.evaluate/H",
        "tasks.learn: 9 jobs: 1 done, 7 would run, 1 would run again after a failure",
        "  5 because of $.epochs (10 -> 20) against tasks.learn/H and others",
        "  2 because of $.model.gamma against tasks.learn/H and others",
        "total: 18 jobs: 2 done, 15 would run, 1 would run again after a failure",
    ], out
    assert sorted(workspace.rglob("*")) == before


def test_a_plan_in_c_is_explained(tmp_path):
    def run(*options):
        return subprocess.run([BUILD / "tests/plan", "run", tmp_path / "workspace", *options],
                              capture_output=True, text=True, timeout=TIMEOUT, check=True,
                              env={**os.environ, "EPOCHS": options and "20" or "10"})

    run()
    out = run("--explain")
    assert out.stderr == ""
    text = re.sub(r"/\w{8}", "/H", out.stdout)
    assert text == ("plan.learn: 3 jobs: 0 done, 3 would run\n"
                    "  3 because of $.epochs (10 -> 20) against plan.learn/H and others\n"
                    "total: 3 jobs: 0 done, 3 would run\n")
    assert "would run plan.learn/" in run("--explain", "--dry-run").stderr


# ---- Tokens ----------------------------------------------------------------------------------------


def test_a_job_that_waits_for_a_token_names_those_that_have_it(driver, workspace, pipes, explain):
    driver.write(TASKS, "tasks.py")
    script = driver.write("""
        import sys
        from tasks import *
        if __name__ == "__main__":
            with experiment(sys.argv[1], "first", jobs=4) as xp:
                token = xp.token("gpu", 2)
                for name in ("a", "b"):
                    token(2, Hold(name=name, pipes=sys.argv[2])).submit()
                print("submitted", flush=True)
                input()
    """)
    for name in ("a", "b"):
        pipes.make(name)
    process = driver.start(script, workspace, pipes.folder, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "submitted\n", process.stderr.read()
    pipes.pid("a")
    holder, waiter = listed(workspace, "tasks.hold")
    text = explain(waiter)
    assert re.match(rf"tasks.hold/\w{{8}} is ready since {TIME}, in experiment first: it waits for a token\.\n"
                    rf"Token gpu: 2 of 2 are taken\n  {holder[:19]} has 2 since {TIME}\n",
                    text), text
    pipes.end("a")
    pipes.pid("b")
    pipes.end("b")
    end(process)


def test_a_job_that_was_done_and_whose_folder_was_removed_was_not_left_out(learn, workspace, explain):
    learn("""with experiment(workspace, "removes"):
                    first = Learn(model=Model(gamma=1), epochs=1)
                    Evaluate(learn=first.submit(transient=TransientMode.REMOVE)).submit()""")
    text = explain("tasks.learn")
    assert re.match(r"tasks.learn/\w{8} was done in the run \w+ of experiment removes, and its folder "
                    r"was removed since\.\nThe next run that submits it starts it\.", text), text


def test_a_job_in_line_behind_another_of_its_program_may_wait_for_its_token(
    driver, workspace, pipes, explain
):
    driver.write(TASKS, "tasks.py")
    script = driver.write("""
        import sys
        from tasks import *
        if __name__ == "__main__":
            with experiment(sys.argv[1], "first", jobs=4) as xp:
                token = xp.token("gpu", 1)
                for name in ("a", "b", "c"):
                    token(1, Hold(name=name, pipes=sys.argv[2])).submit()
                print("submitted", flush=True)
                input()
    """)
    for name in ("a", "b", "c"):
        pipes.make(name)
    process = driver.start(script, workspace, pipes.folder, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "submitted\n", process.stderr.read()
    pipes.pid("a")
    text = explain(listed(workspace, "tasks.hold")[2])
    assert ("it waits for a free slot; 1 job of the experiment runs.\nOr it waits in line for a token, "
            "behind another job of its program.\nToken gpu: 1 of 1 are taken\n") in text
    pipes.end("a")
    for name in ("b", "c"):
        pipes.pid(name)
        pipes.end(name)
    end(process)
