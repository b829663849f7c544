"""Experiments in Python, on real processes: what runs, when, where, and what is left of it."""

import json
import os
import resource

import pytest
from harness import job_folders

TASKS = """
    import json, os, sys
    from experimaestro import *

    class Show(Task):
        '''Writes what its process sees.'''
        x: Param[int]
        seen: Annotated[Path, pathgenerator("seen.json")]

        def execute(self):
            print("to stdout")
            print("to stderr", file=sys.stderr)
            self.seen.write_text(json.dumps({
                "cwd": os.getcwd(), "session": os.getsid(0), "pid": os.getpid(),
                "environment": dict(os.environ), "interpreter": sys.executable,
                "stdin": os.readlink("/proc/self/fd/0"), "x": self.x,
                "modules": sorted(sys.modules), "fds": os.listdir("/proc/self/fd")}))

    class Append(Task):
        '''Appends its name to a file, once it has read a line from each of its inputs.'''
        name: Param[str]
        log: Meta[Path]
        after: Param[list[Task]] = []
        fails: Param[bool] = False

        def execute(self):
            with open(self.log, "a") as log:
                log.write(self.name + "\\n")
            if self.fails:
                raise RuntimeError("as it was told")

    class Meet(Task):
        '''Two of them end only if they run at the same time: each opens one end of a pipe.'''
        pipe: Meta[Path]
        mode: Param[str]

        def execute(self):
            with open(self.pipe, self.mode) as pipe:
                pipe.read() if self.mode == "r" else pipe.write("here")
"""


@pytest.fixture
def tasks(driver):
    driver.write(TASKS, "tasks.py")
    return driver


def plan(driver, body, name="plan.py"):
    indented = "\n".join("        " + line for line in body.strip().splitlines())
    return driver.write(
        "import sys\n"
        "from pathlib import Path\n"
        "from tasks import *\n"
        "def main(workspace, *args):\n"
        "    with experiment(workspace, 'test') as xp:\n"
        f"{indented}\n"
        "    print(json.dumps(xp.counts))\n"
        "main(*sys.argv[1:])\n",
        name,
    )


def counts(result):
    return json.loads(result.stdout.splitlines()[-1])


def test_a_job_has_its_own_session_folder_streams_and_lock(tasks, workspace):
    script = plan(tasks, "Show(x=3).submit()")
    tasks.run(script, workspace, env={"FROM_DRIVER": "yes"})
    (folder,) = job_folders(workspace)
    seen = json.loads((folder / "seen.json").read_text())
    assert seen["cwd"] == str(folder)
    assert seen["session"] == seen["pid"]
    assert seen["stdin"] == "/dev/null"
    assert seen["environment"]["FROM_DRIVER"] == "yes"
    assert seen["environment"]["PATH"] == os.environ["PATH"]
    assert "XPM_JOB_LOCK" not in seen["environment"]
    assert seen["x"] == 3
    assert (folder / "show.out").read_text() == "to stdout\n"
    assert (folder / "show.err").read_text() == "to stderr\n"


def test_a_task_runs_under_the_interpreter_of_the_driver(tasks, workspace):
    import sys

    tasks.run(plan(tasks, "Show(x=1).submit()"), workspace)
    (folder,) = job_folders(workspace)
    assert json.loads((folder / "seen.json").read_text())["interpreter"] == sys.executable


def test_a_finished_job_leaves_eight_entries(tasks, workspace):
    tasks.run(plan(tasks, "Append(name='a', log='/dev/null').submit()"), workspace)
    (folder,) = job_folders(workspace)
    left = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert left == {
        "params.json",
        "append.out",
        "append.err",
        "append.done",
        ".experimaestro",
        ".experimaestro/status.json",
    }
    (link,) = workspace.glob("experiments/test/current/jobs/*/*")
    assert link.resolve() == folder


def test_a_finished_job_is_not_run_again(tasks, workspace, tmp_path):
    script = plan(tasks, f"Append(name='a', log='{tmp_path}/log').submit()")
    first, second = tasks.run(script, workspace), tasks.run(script, workspace)
    assert (counts(first)["started"], counts(second)["started"]) == (1, 0)
    assert counts(second)["done"] == 1
    assert (tmp_path / "log").read_text() == "a\n"


def test_equal_tasks_of_one_experiment_run_once(tasks, workspace, tmp_path):
    body = f"for _ in range(3): Append(name='a', log='{tmp_path}/log').submit()"
    assert counts(tasks.run(plan(tasks, body), workspace))["submitted"] == 1
    assert (tmp_path / "log").read_text() == "a\n"


def test_a_job_starts_after_those_it_depends_on(tasks, workspace, tmp_path):
    body = f"""
log = '{tmp_path}/log'
first = Append(name='1', log=log).submit()
middle = [Append(name=f'2{{c}}', log=log, after=[first]).submit() for c in 'abc']
Append(name='3', log=log, after=middle).submit()
"""
    tasks.run(plan(tasks, body), workspace)
    lines = (tmp_path / "log").read_text().split()
    assert lines[0] == "1" and lines[-1] == "3"
    assert sorted(lines[1:-1]) == ["2a", "2b", "2c"]


def test_jobs_run_at_the_same_time(tasks, workspace, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    body = f"for mode in 'rw': Meet(pipe='{tmp_path}/pipe', mode=mode).submit()"
    script = plan(tasks, body)
    script.write_text(script.read_text().replace("'test')", "'test', jobs=2)"))
    assert counts(tasks.run(script, workspace))["done"] == 2


def test_what_depends_on_a_failed_job_is_not_started(tasks, workspace, tmp_path, command):
    body = f"""
log = '{tmp_path}/log'
failed = Append(name='fails', log=log, fails=True).submit()
next = Append(name='next', log=log, after=[failed]).submit()
Append(name='last', log=log, after=[next]).submit()
Append(name='alone', log=log).submit()
"""
    result = tasks.run(plan(tasks, body), workspace, check=False)
    assert result.returncode == 1
    assert "FailedExperiment: 3 failed jobs" in result.stderr
    assert sorted((tmp_path / "log").read_text().split()) == ["alone", "fails"]
    listed = [json.loads(line) for line in
              command("jobs", "list", "--json", "--workdir", workspace).stdout.splitlines()]
    reasons = sorted((job["state"], job["failure_reason"]) for job in listed if job["experiment"])
    assert reasons == sorted(
        [("done", None), ("error", "dependency"), ("error", "dependency"), ("error", "failed")]
    )


def test_a_failure_leaves_its_traceback_its_marker_and_its_script(tasks, workspace):
    body = "Append(name='a', log='/dev/null', fails=True).submit()"
    tasks.run(plan(tasks, body), workspace, check=False)
    (folder,) = job_folders(workspace)
    marker = json.loads((folder / "append.failed").read_text())
    assert marker["code"] == 1 and marker["reason"] == "failed"
    assert "RuntimeError: as it was told" in marker["message"]
    assert "Traceback" in (folder / "append.err").read_text()
    assert os.access(folder / "append.py", os.X_OK)
    assert not (folder / "append.pid").exists()
    status = json.loads((folder / ".experimaestro" / "status.json").read_text())
    assert status["state"] == "error" and status["exit_code"] == 1


def test_a_failed_job_is_run_again_by_the_next_run(driver, workspace, tmp_path):
    driver.write(
        """
        from experimaestro import *
        class Once(Task):
            flag: Meta[Path]
            def execute(self):
                if not self.flag.exists():
                    self.flag.touch()
                    raise SystemExit(3)
        """,
        "tasks.py",
    )
    script = driver.write(
        """
        import sys
        from tasks import *
        with experiment(sys.argv[1], "again"):
            Once(flag=sys.argv[2]).submit()
        """
    )
    first = driver.run(script, workspace, tmp_path / "flag", check=False)
    (folder,) = job_folders(workspace)
    assert first.returncode == 1
    assert json.loads((folder / "once.failed").read_text())["code"] == 3
    driver.run(script, workspace, tmp_path / "flag")
    assert (folder / "once.done").exists() and not (folder / "once.failed").exists()


def test_the_script_of_a_failed_job_runs_it_by_hand(driver, workspace, tmp_path):
    driver.write(
        """
        from experimaestro import *
        class Needs(Task):
            flag: Meta[Path]
            def execute(self):
                assert self.flag.exists()
        """,
        "tasks.py",
    )
    script = driver.write(
        """
        import sys
        from tasks import *
        with experiment(sys.argv[1], "hand"):
            Needs(flag=sys.argv[2]).submit()
        """
    )
    driver.run(script, workspace, tmp_path / "flag", check=False)
    (folder,) = job_folders(workspace)
    (tmp_path / "flag").touch()
    driver.run(folder / "needs.py", env={"PYTHONPATH": str(driver.folder)})
    assert (folder / "needs.done").exists()


@pytest.mark.parametrize("layout", ["module", "package", "script"])
def test_a_task_is_found_wherever_it_is_defined(driver, workspace, layout):
    task = (
        "from experimaestro import *\n"
        "class Hello(Task):\n"
        "    x: Param[int]\n"
        "    def execute(self):\n"
        "        Path('hello').write_text(str(self.x))\n"
    )
    name = {"module": "hello_module", "package": "hello_package.inside", "script": "__main__"}
    if layout == "module":
        driver.write(task, "hello_module.py")
    elif layout == "package":
        (driver.folder / "hello_package").mkdir()
        driver.write("", "hello_package/__init__.py")
        driver.write(task, "hello_package/inside.py")
    start = task if layout == "script" else f"from {name[layout]} import *\n"
    script = driver.write(
        start
        + "if __name__ == '__main__':\n"
        + "    import sys\n"
        + "    with experiment(sys.argv[1], 'found'):\n"
        + "        Hello(x=5).submit()\n"
    )
    driver.run(script, workspace)
    (folder,) = job_folders(workspace)
    assert folder.parent.name == f"{name[layout]}.hello".lower()
    assert (folder / "hello").read_text() == "5"


def test_a_dry_run_writes_nothing_and_says_what_would_run(tasks, workspace):
    script = plan(tasks, "Append(name='a', log='/dev/null').submit()")
    script.write_text(script.read_text().replace("'test')", "'test', run_mode=RunMode.DRY_RUN)"))
    result = tasks.run(script, workspace)
    assert not workspace.exists()
    assert "would run" in result.stderr and "tasks.append/" in result.stderr


def test_generate_only_writes_what_a_job_is_started_with(tasks, workspace):
    script = plan(tasks, "Append(name='a', log='/dev/null').submit()")
    replaced = script.read_text().replace("'test')", "'test', run_mode=RunMode.GENERATE_ONLY)")
    script.write_text(replaced)
    tasks.run(script, workspace)
    (folder,) = job_folders(workspace)
    assert {path.name for path in folder.iterdir()} == {"params.json", "append.py"}


def test_a_run_is_recorded(tasks, workspace):
    body = """
first = Append(name='a', log='/dev/null').tag("letter", "a").submit()
Append(name='b', log='/dev/null', after=[first]).submit()
"""
    tasks.run(plan(tasks, body), workspace)
    run = (workspace / "experiments/test/current").resolve()
    jobs = [json.loads(line) for line in (run / "jobs.jsonl").read_text().splitlines()]
    objects = [json.loads(line) for line in (run / "objects.jsonl").read_text().splitlines()]
    events = [json.loads(line) for line in (run / "events/event-0.jsonl").read_text().splitlines()]
    status = json.loads((run / "status.json").read_text())
    assert [job["tags"] for job in jobs] == [{"letter": "a"}, {"letter": "a"}]
    assert {o["identifier"] for o in objects} == {job["job_id"] for job in jobs}
    assert status["status"] == "done" and set(status["job_states"].values()) == {"done"}
    states = {job["job_id"]: [] for job in jobs}
    assert (events[0]["event_type"], events[0]["version"]) == ("LogVersionEvent", 1)
    for event in events[1:-1]:
        states[event["job_id"]].append(event["scheduler_state"])
    first, second = (job["job_id"] for job in jobs)
    assert states[first] == ["ready", "running", "done"]
    assert states[second] == ["waiting", "ready", "running", "done"]
    assert events[-1]["event_type"] == "RunCompletedEvent"
    assert [e["depends_on"] for e in events if e.get("job_id") == second] == [[first]] * 4


def test_an_exception_in_the_plan_ends_the_run_as_failed(tasks, workspace):
    result = tasks.run(plan(tasks, "raise KeyError('plan')"), workspace, check=False)
    assert "KeyError: 'plan'" in result.stderr
    status = json.loads((workspace / "experiments/test/current/status.json").read_text())
    assert status["status"] == "failed"


def test_with_few_descriptors_fewer_jobs_run_at_once_and_none_fails(tasks, workspace):
    script = plan(tasks, "for x in range(40):\n    Show(x=x).submit()")
    wide = script.read_text().replace("experiment(workspace, 'test')", "experiment(workspace, 'test', jobs=60)")
    script.write_text(wide)
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))  # noqa: E731
    assert counts(tasks.run(script, workspace, preexec_fn=few))["done"] == 40


def test_a_run_that_was_stopped_before_its_jobs_were_started_is_not_called_done(tasks, workspace):
    tasks.run(plan(tasks, "xp.stop()\nShow(x=1).submit()"), workspace)
    status = json.loads((workspace / "experiments/test/current/status.json").read_text())
    assert status["status"] == "detached"
