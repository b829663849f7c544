"""Submitting tasks: outputs, run modes, failures, and what is recorded."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from experimaestro import (
    Config,
    LightweightTask,
    Meta,
    Param,
    Path,
    PathGenerator,
    RunMode,
    Task,
    experiment,
    field,
    param_group,
    partial,
)


class Model(Config):
    layers: Param[int]


class Learn(Task):
    epochs: Param[int]
    model: Param[Model]


class After(Task):
    learn: Param[Learn]


class Init(LightweightTask):
    x: Param[int]


@pytest.fixture
def dry(tmp_path, capfd):
    with experiment(tmp_path / "workspace", "dry", run_mode=RunMode.DRY_RUN) as xp:
        yield xp


def learn(epochs=1):
    return Learn(epochs=epochs, model=Model(layers=1))


def test_a_dry_run_writes_nothing(tmp_path, capfd):
    workspace = tmp_path / "workspace"
    with experiment(workspace, "dry", run_mode=RunMode.DRY_RUN) as xp:
        job = learn().submit().job
        assert xp.run_mode is RunMode.DRY_RUN and list(xp.jobs) == [job.identifier]
        with pytest.raises(RuntimeError):
            xp.resultspath
    assert not workspace.exists()
    assert f"learn/{job.identifier}" in capfd.readouterr().err


def test_submitting_returns_the_task_and_seals_it(dry):
    task = learn()
    before = task.__xpm__.identifier
    assert task.submit() is task
    assert task.__xpm__.identifier == before and task.__xpm__.task is task
    assert task.job.identifier == before.hex() and task.job is task.__xpm__.job
    assert task.jobpath == dry.workspace.path / "jobs" / task.__xpm__.typename / before.hex()
    assert task.stdout() == task.jobpath / "learn.out"
    assert task.stderr() == task.jobpath / "learn.err"
    with pytest.raises(AttributeError, match="read-only"):
        task.epochs = 3


def test_equal_tasks_have_one_job(dry):
    first, second = learn().submit(), learn().submit()
    assert first.job.identifier == second.job.identifier
    assert len(dry.jobs) == 1


def test_a_task_must_be_submitted_before_it_is_used(dry):
    with pytest.raises(ValueError, match=r"\$\.learn: .*must be submitted before"):
        After(learn=learn())
    After(learn=learn().submit()).submit()


def test_a_task_is_submitted_once(dry):
    task = learn().submit()
    with pytest.raises(ValueError, match="already submitted"):
        task.submit()
    task.copy().submit()


def test_a_missing_value_leaves_the_task_as_it_was(dry):
    task = Learn(model=Model())
    with pytest.raises(ValueError, match="epochs is required but missing"):
        task.submit()
    task.epochs = 1
    with pytest.raises(ValueError, match=r"\$\.model\.layers"):
        task.submit(init_tasks=[Init(x=1)])
    with pytest.raises(ValueError, match="has no job"):
        task.job
    task.model.layers = 2
    with pytest.raises(ValueError, match="init tasks already"):
        task.submit(init_tasks=[Init(x=1)])
    assert task.submit(init_tasks=task._init_tasks) is task
    assert len(dry.jobs) == 1


def test_only_tasks_are_submitted_and_only_lightweight_ones_go_before(dry):
    with pytest.raises(ValueError, match="only a task can be submitted"):
        Model(layers=1).submit()
    with pytest.raises(ValueError, match="not a lightweight task"):
        learn().submit(init_tasks=[Model(layers=1)])


def test_init_tasks_count_in_the_identifier(dry):
    plain = learn().submit()
    first = learn().submit(init_tasks=[Init(x=1), Init(x=2)])
    second = learn().submit(init_tasks=[Init(x=2), Init(x=1)])
    assert len({t.__xpm__.identifier for t in (plain, first, second)}) == 3


def test_without_an_experiment_only_a_dry_run_is_possible(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="no experiment"):
        learn().submit()
    learn().submit(run_mode=RunMode.DRY_RUN)
    assert os.listdir(tmp_path) == []


def test_the_current_experiment_is_the_innermost(dry, tmp_path):
    assert experiment.current() is dry
    with experiment(tmp_path / "other", "inner", run_mode=RunMode.DRY_RUN) as inner:
        assert experiment.current() is inner
    assert experiment.current() is dry


class Outputs(Task):
    x: Param[int]

    def task_outputs(self, dep):
        first = dep(Model(layers=self.x))
        assert dep(first) is first and dep(self) is self
        return first, [Model(layers=2)]


steps = param_group("steps")


class Resumed(Task):
    checkpoints = partial(exclude_groups=[steps])
    epochs: Param[int] = field(groups=[steps])
    width: Param[int]
    own: Meta[Path] = field(default_factory=PathGenerator("own"))
    shared: Meta[Path] = field(default_factory=PathGenerator("model", partial=checkpoints))


def test_a_path_of_a_partial_identifier_is_shared(dry):
    first, second, other = [
        Resumed(epochs=epochs, width=width).submit() for epochs, width in ((1, 1), (2, 1), (1, 2))
    ]
    assert first.own != second.own and first.shared == second.shared != other.shared
    folder = dry.workspace.path / "partials" / first.__xpm__.typename / "checkpoints"
    assert first.shared == folder / first.__xpm__.partial_identifier("checkpoints").hex() / "model"


def test_anything_can_be_returned_by_task_outputs(dry):
    task = Outputs(x=1)
    first, (second,) = task.submit()
    assert first.__xpm__.task is task and second.__xpm__.task is None
    assert first.__xpm__.identifier != Model(layers=1).__xpm__.identifier

    class Marks(Task):
        x: Param[int]

        def task_outputs(self, dep):
            return dep

    mark = Marks(x=1).submit()
    for wrong, message in ((first, "output of"), (task, "a task is its own output")):
        with pytest.raises(ValueError, match=message):
            mark(wrong)
    with pytest.raises(TypeError, match="dep marks configurations"):
        mark(3)


def test_a_task_inside_a_function_is_refused_when_it_would_run(tmp_path):
    class Local(Task):
        pass

    with experiment(tmp_path / "workspace", "local") as xp:
        with pytest.raises(ValueError, match="inside a function"):
            Local().submit()
    assert xp.counts["submitted"] == 0


def test_a_workspace_that_cannot_be_is_an_error(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OSError, match=str(file)):
        with experiment(file, "name"):
            pass
    with pytest.raises(ValueError, match="a/b"):
        with experiment(tmp_path / "workspace", "a/b"):
            pass
    assert experiment.current() is None


# ---- Programs that run tasks -----------------------------------------------------------------

MODULE = """
import os, sys, time
from experimaestro import Config, Task, Param, Meta, LightweightTask, experiment, RunMode
from experimaestro import FailedExperiment, JobState

class Say(Task):
    x: Param[int]
    how: Meta[str] = "well"

    def execute(self):
        print("x is", self.x)
        print("to", "stderr", file=sys.stderr)
        if self.how == "badly":
            raise LookupError("nothing there")
        if self.how.startswith("exit"):
            sys.exit(int(self.how[4:]))
        if self.how.startswith("sleep"):
            time.sleep(float(self.how[5:]))

class Next(Task):
    before: Param[Say]

    def execute(self):
        print("after", self.before.x)
"""


@pytest.fixture
def tasks(program):
    """A module of tasks beside the program."""
    program.write("tasks.py", MODULE)

    def main(body, **options):
        text = "from tasks import *\nif __name__ == '__main__':\n"
        program.write("main.py", text + "\n".join("    " + line for line in body.splitlines()))
        return program.run("main.py", **options)

    program.main = main
    return program


def test_tasks_of_a_module_and_a_package_are_imported_by_name(tasks):
    tasks.write("package/__init__.py", "")
    tasks.write("package/inner.py", "from tasks import Say\nclass Inner(Say):\n    pass\n")
    tasks.main(
        "from package.inner import Inner\n"
        "with experiment('workspace', 'modules'):\n"
        "    Say(x=1).submit()\n"
        "    Inner(x=2).submit()"
    )
    assert tasks.one("jobs/tasks.say/*/say.out") == "x is 1\n"
    assert tasks.one("jobs/package.inner.inner/*/inner.out") == "x is 2\n"


def test_a_finished_job_is_not_run_again_and_a_failed_one_is(tasks):
    body = """
with experiment("workspace", "again", raise_on_failure=False) as xp:
    Say(x=1).submit()
    Say(x=2, how=HOW).submit()
print(xp.counts["started"], xp.counts["done"], xp.failed)
"""
    assert tasks.main(body.replace("HOW", "'badly'")) == "2 1 1\n"
    assert tasks.main(body.replace("HOW", "'well'")) == "1 2 0\n"
    assert tasks.main(body.replace("HOW", "'well'")) == "0 2 0\n"


def test_a_failure_is_recorded_and_raised_at_the_end(tasks):
    output = tasks.main(
        """
try:
    with experiment("workspace", "failing"):
        bad = Say(x=1, how="badly").submit()
        Next(before=bad).submit()
        assert bad.job.wait() is JobState.ERROR
except FailedExperiment as error:
    print(error)
    print(bad.job.failure_reason.name, [job._reason for job in error.jobs])
"""
    )
    lines = output.splitlines()
    assert lines[0] == "2 failed jobs" and lines[-1] == "FAILED ['failed', 'dependency']"
    assert lines[1].startswith("tasks.say/") and ": failed, exit status 1: " in lines[1]
    assert json.loads(tasks.one("jobs/tasks.say/*/say.failed"))["reason"] == "failed"
    errors = tasks.one("jobs/tasks.say/*/say.err")
    assert "Traceback" in errors and "LookupError: nothing there" in errors


@pytest.mark.parametrize("code, state", [(0, "DONE"), (3, "ERROR")])
def test_the_exit_status_tells_success(tasks, code, state):
    output = tasks.main(
        f"""
with experiment("workspace", "exit", raise_on_failure=False):
    task = Say(x=1, how="exit{code}").submit()
print(task.job.state)
"""
    )
    assert output == f"JobState.{state}\n"
    if code:
        assert json.loads(tasks.one("jobs/*/*/say.failed"))["code"] == code


def test_an_exception_in_the_block_goes_through_and_stops_the_rest(tasks):
    tasks.main(
        """
with experiment("workspace", "raising", jobs=1):
    first = Say(x=1, how="sleep1").submit()
    for i in range(5):
        Say(x=2 + i).submit()
    raise KeyError("mine")
""",
        status=1,
    )
    assert "KeyError: 'mine'" in tasks.errors
    assert len(list(tasks.workspace.glob("jobs/*/*/*.out"))) <= 1


def test_generate_only_writes_the_folders(tasks):
    tasks.main(
        "with experiment('workspace', 'generate', run_mode=RunMode.GENERATE_ONLY):\n"
        "    Say(x=1).submit()"
    )
    (params,) = tasks.workspace.glob("jobs/*/*/params.json")
    assert json.loads(params.read_text())["version"] == 3
    assert not list(tasks.workspace.glob("jobs/*/*/*.done"))
    # The task can be executed where we are, without a mark.
    assert tasks.run("-m", "experimaestro.run", params) == "x is 1\n"
    # Or as the job that it is.
    (script,) = tasks.workspace.glob("jobs/*/*/say.py")
    path = os.pathsep.join([str(tasks.folder), *sys.path])
    tasks.run(script, env={**os.environ, "PYTHONPATH": path})
    assert list(tasks.workspace.glob("jobs/*/*/say.done"))


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda text: text[: len(text) // 2], "params.json"),
        (lambda text: re.sub(r'"version": ?3', '"version": 99', text), "version 99"),
        (lambda text: text.replace("tasks", "missing_module"), "missing_module"),
        (lambda text: text.replace("Say", "Unsaid"), "Unsaid"),
        (lambda text: "[]", "params.json"),
    ],
)
def test_a_damaged_params_file_is_a_clear_error(tasks, damage, message):
    tasks.main(
        "with experiment('workspace', 'generate', run_mode=RunMode.GENERATE_ONLY):\n"
        "    Say(x=1).submit()"
    )
    (params,) = tasks.workspace.glob("jobs/*/*/params.json")
    params.write_text(damage(params.read_text()))
    tasks.run("-m", "experimaestro.run", params, status=1)
    assert message in tasks.errors


def test_the_environment_reaches_the_jobs(tasks):
    tasks.write(
        "env.py",
        "import os\n"
        "from experimaestro import *\n"
        "class Env(Task):\n"
        "    x: Param[int]\n"
        "    def execute(self):\n"
        "        print(os.environ.get('A'), os.environ.get('B'), 'PATH' in os.environ)\n",
    )
    tasks.main(
        """
from env import Env
from experimaestro import DirectLauncher
launcher = DirectLauncher()
launcher.setenv("B", "from launcher")
with experiment("workspace", "env") as xp:
    xp.setenv("A", "from experiment")
    task = Env(x=1).submit(launcher=launcher)
    assert task.job.environ["B"] == "from launcher"
    assert task.job.environ["HOME"] and "NOT_SET" not in task.job.environ
    assert set({"A": "from experiment", "B": "from launcher"}.items()) < set(task.job.environ.items())
"""
    )
    assert tasks.one("jobs/*/*/env.out") == "from experiment from launcher True\n"


def test_modules_found_by_a_changed_path_are_found_by_the_jobs(tasks):
    tasks.write("elsewhere/far.py", "from tasks import Say\nclass Far(Say):\n    pass\n")
    tasks.main(
        "import sys\n"
        "sys.path.append('elsewhere')\n"
        "from far import Far\n"
        "with experiment('workspace', 'path'):\n"
        "    Far(x=1).submit()"
    )
    assert tasks.one("jobs/far.far/*/far.out") == "x is 1\n"


def test_ctrl_c_stops_the_program_and_not_the_jobs(tasks):
    tasks.write(
        "main.py",
        "from tasks import *\n"
        "if __name__ == '__main__':\n"
        "    with experiment('workspace', 'interrupted', jobs=1):\n"
        "        Say(x=1, how='sleep2').submit()\n"
        "        Say(x=2).submit()\n",
    )
    process = subprocess.Popen(
        [sys.executable, "main.py"], cwd=tasks.folder, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while not list(tasks.workspace.glob("jobs/*/*/*.out")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode != 0 and "KeyboardInterrupt" in errors
    while not list(tasks.workspace.glob("jobs/*/*/*.done")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert tasks.one("jobs/*/*/say.done") == ""
    assert len(list(tasks.workspace.glob("jobs/*/*/*.out"))) == 1


def test_ctrl_c_ends_the_wait_for_another_run_of_the_experiment(program):
    program.write("plan.py", """
        import sys
        from experimaestro import experiment

        with experiment("workspace", "test"):
            print("in", flush=True)
            sys.stdin.read()
    """)
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    command = [sys.executable, "plan.py"]
    first = subprocess.Popen(command, cwd=program.folder, text=True, **pipes)
    assert first.stdout.readline() == "in\n"
    second = subprocess.Popen(command, cwd=program.folder, text=True, **pipes)
    assert "waiting for the run of process" in second.stderr.readline()
    time.sleep(0.2)  # it may not wait yet, and the signal then comes too early
    second.send_signal(signal.SIGINT)
    _, errors = second.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    first.communicate("", timeout=30)
    assert first.returncode == 0


def test_waiting_for_a_job_takes_no_longer_than_the_job(tmp_path, capfd):
    with experiment(tmp_path, "dry", run_mode=RunMode.DRY_RUN) as xp:
        job = learn().submit().job
        assert job.wait().name == "UNSCHEDULED"
        assert xp.counts["submitted"] == 1


def test_the_script_of_a_job_is_started_by_hand_with_what_the_job_had(tasks):
    import os
    import shutil

    tasks.write("beside.py", "WORD = 'héllo \\\\ \"x\"'\n")
    tasks.write(
        "variables.py",
        """
        import os, sys
        from experimaestro import Task, experiment

        class Fails(Task):
            def execute(self):
                import beside
                print(os.environ["GREETING"], beside.WORD)
                sys.exit(0 if os.path.exists("go") else 3)

        if __name__ == "__main__":
            with experiment("workspace", "script", raise_on_failure=False) as xp:
                xp.setenv("GREETING", 'h\\u00e9llo \\\\ "x"')
                Fails().submit()
        """,
    )
    tasks.run("variables.py")
    (script,) = tasks.workspace.glob("jobs/*/*/fails.py")
    (script.parent / "go").touch()
    done = tasks.run(script, env={"PATH": os.environ["PATH"]})
    assert done == 'héllo \\ "x" héllo \\ "x"\n'
    assert (script.parent / "fails.done").exists()


@pytest.mark.parametrize(
    "options, said",
    [
        ({"launcher": "slurm"}, "launcher: expected a Launcher, .* got 'slurm'"),
        ({"transient": True}, "transient: expected a TransientMode, .* got True"),
        ({"max_retries": "3"}, "max_retries is '3': it must be a whole number"),
        ({"run_mode": "dry"}, "run_mode: expected one of NORMAL, .* got 'dry'"),
    ],
)
def test_what_submit_is_told_wrongly_is_refused_and_may_be_told_again(tmp_path, options, said):
    with experiment(tmp_path, "wrong", run_mode=RunMode.DRY_RUN) as xp:
        task = learn()
        with pytest.raises((TypeError, ValueError), match=said):
            task.submit(**options)
        assert xp.counts["submitted"] == 0
        task.submit()


def test_a_mode_may_be_given_by_its_name(tmp_path):
    with experiment(tmp_path, "by-name") as xp:
        learn().submit(run_mode="dry-run")
        assert xp.counts["submitted"] == 0


def test_the_jobs_of_equal_tasks_are_equal(tmp_path):
    with experiment(tmp_path, "equal", run_mode=RunMode.DRY_RUN):
        first, second, other = learn().submit(), learn().submit(), learn(epochs=77).submit()
        assert first.job == second.job and {first.job: "found"}[second.job] == "found"
        assert first.job != other.job and first.job != first
    with experiment(tmp_path, "equal", run_mode=RunMode.DRY_RUN):
        assert learn().submit().job != first.job
