"""What surrounds a run: its environment, its sources, its history, its failures, its end."""

import ctypes
import json
import os
import select
import subprocess
import sys

import pytest

import experimaestro
from experimaestro import (
    DirtyGitAction,
    DirtyGitError,
    GracefulExperimentExit,
    RunMode,
    experiment,
)
from experimaestro.settings import WorkspaceSettings

TASKS = """
    from experimaestro import *

    class Say(Task):
        x: Param[int]

        def execute(self):
            print("I am", self.x, file=__import__("sys").stderr)
            if self.x < 0:
                raise RuntimeError(f"no luck with {self.x}")

    class After(Task):
        before: Param[Say]

        def execute(self):
            pass
"""


def git(folder, *words):
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def make_tree(folder):
    folder.mkdir(exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "kept.py").write_text("")
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def run_status(xp_folder):
    return json.loads((xp_folder / "status.json").read_text())


# ---- The environment ---------------------------------------------------------------------------------


IN_MOVED_TO = 0x80


def environment(run):
    """It is written by a process that goes on by itself: the folder says when."""
    libc = ctypes.CDLL(None)
    events = libc.inotify_init1(os.O_CLOEXEC)
    assert libc.inotify_add_watch(events, os.fsencode(run), IN_MOVED_TO) >= 0
    while not (run / "environment.json").exists():
        assert select.select([events], [], [], 60)[0]
        os.read(events, 4096)
    os.close(events)
    return json.loads((run / "environment.json").read_text())


def test_a_run_has_the_packages_the_command_and_what_git_says(program):
    make_tree(program.folder)
    program.write("tasks.py", TASKS)
    program.write("main.py", """
        from tasks import *
        with experiment("workspace", "test") as xp:
            Say.C(x=1).submit()
        print(xp.run_id)
    """)
    found = environment(program.workspace / "experiments/test" / program.run("main.py", "-x").strip())
    assert found["python"]["executable"] == sys.executable
    assert found["command"][1:] == ["main.py", "-x"]
    assert found["directory"] == str(program.folder)
    assert found["packages"]["pytest"] == pytest.__version__
    (project,) = [project for project in found["projects"]
                  if project["path"] == os.path.realpath(program.folder)]
    assert project["commit"] == git(program.folder, "rev-parse", "HEAD")
    assert project["branch"] == "main"
    assert project["dirty"] and project["changed"] == ["main.py", "tasks.py"]


def test_what_nothing_was_installed_since_is_taken_from_the_run_before(tmp_path):
    from experimaestro import capture

    python = {"version": "3", "packages_of": {"/site-packages": 1}}
    packages = [{"pack": "1"}, {"pack": {"path": "/pack"}}]
    for name, found in {
        "20260101_000000": {"python": {}, "packages": {}, "local_packages": {}},
        "20260102_000000": {"python": python, "packages": packages[0], "local_packages": packages[1]},
        "20260103_000000": None,  # it was not captured
    }.items():
        (tmp_path / name).mkdir()
        if found:
            (tmp_path / name / "environment.json").write_text(json.dumps(found))
    this = str(tmp_path / "20260104_000000")
    assert capture.earlier(this, python) == tuple(packages)
    assert capture.earlier(this, {**python, "packages_of": {"/site-packages": 2}}) is None


def test_a_package_that_was_installed_from_a_folder_is_a_project(tmp_path, monkeypatch):
    from experimaestro import capture

    for name, origin in {
        "edited": {"url": "file:///home/ada/my%20pack", "dir_info": {"editable": True}},
        "wheel": {"url": "file:///tmp/x.whl", "archive_info": {}},
    }.items():
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
        (info / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    packages, local = capture.installed()
    assert packages == {"edited": "1", "wheel": "1"}
    assert local == {"edited": {"version": "1", "path": "/home/ada/my pack", "editable": True}}


# ---- Sources that have changed -----------------------------------------------------------------------


@pytest.fixture
def script(tmp_path, monkeypatch):
    """The program is a script outside of any working tree."""
    path = str(tmp_path / "main.py")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", path, raising=False)


def test_sources_with_changes_are_refused_before_anything_is_made(tmp_path, script):
    project = make_tree(tmp_path / "project")
    options = {"dirty_git": DirtyGitAction.ERROR, "project_paths": [project]}
    with experiment(tmp_path / "ws", "clean", **options):
        pass
    (project / "new.py").write_text("")
    with pytest.raises(DirtyGitError, match="project has changes that are not committed: new.py"):
        with experiment(tmp_path / "ws", "dirty", **options):
            raise AssertionError("the block is entered")
    assert experiment.current() is None
    assert not (tmp_path / "ws/experiments/dirty").exists()
    with experiment(tmp_path / "ws", "dirty", project_paths=[project]):  # it is not locked
        pass


def test_the_settings_of_a_workspace_say_what_is_done_about_changes(tmp_path, caplog, script):
    project = make_tree(tmp_path / "project")
    (project / "new.py").write_text("")
    with experiment(
        WorkspaceSettings("w", tmp_path / "ws", dirty_git="warn"), "test", project_paths=[project]
    ):
        pass
    assert "changes that are not committed: new.py" in caplog.text
    with pytest.raises(ValueError, match="dirty_git: expected one of IGNORE, WARN, ERROR, got 'no'"):
        experiment(tmp_path / "ws", "test", dirty_git="no")


def test_modules_and_files_name_projects(tmp_path):
    from experimaestro.context import _folders

    (tmp_path / "file.py").write_text("")
    given = [json, json.decoder, tmp_path, tmp_path / "file.py", experimaestro]
    found = _folders(given)[1:]
    assert found == (os.path.dirname(json.__file__), str(tmp_path),
                     os.path.dirname(experimaestro.__file__))


# ---- History -----------------------------------------------------------------------------------------


def runs(workspace):
    return sorted(path.name for path in (workspace / "experiments/test").glob("2*"))


def test_without_limits_every_run_is_kept_and_with_them_those_that_are_wanted(tmp_path):
    ids = []
    for history in (None, None, None, {"max_done": 2}):
        with experiment(tmp_path, "test", history=history) as xp:
            ids.append(xp.run_id)
        if history is None:
            assert runs(tmp_path) == sorted(ids)
    assert runs(tmp_path) == sorted(ids[-2:])


def test_of_runs_of_one_second_the_last_are_kept(tmp_path):
    ids = []
    for _ in range(12):
        with experiment(tmp_path, "test", history={"max_done": 2}) as xp:
            ids.append(xp.run_id)
        assert set(runs(tmp_path)) == set(ids[-2:])
    assert len(set(ids)) == 12


def test_a_success_removes_the_failures_before_it_and_the_settings_may_say_so(tmp_path):
    with pytest.raises(KeyError):
        with experiment(tmp_path, "test") as failed:
            raise KeyError
    settings = WorkspaceSettings("w", tmp_path, history={"max_failed": 0})
    with experiment(settings, "test") as done:
        pass
    assert runs(tmp_path) == [done.run_id]
    assert failed.run_id != done.run_id


def test_a_wrong_limit_is_told(tmp_path):
    with pytest.raises(ValueError, match="expected max_done and max_failed, got max_don"):
        experiment(tmp_path, "test", history={"max_don": 1})
    with pytest.raises(ValueError, match="expected a number of runs, from 0, got -1"):
        experiment(tmp_path, "test", history={"max_done": -1})


# ---- The end -----------------------------------------------------------------------------------------


def test_a_graceful_exit_is_no_error_and_the_run_is_detached(tmp_path):
    with experiment(tmp_path, "test", history={"max_done": 0, "max_failed": 0}) as xp:
        raise GracefulExperimentExit
    assert run_status(xp.workdir)["status"] == "detached"
    assert experiment.current() is None
    with experiment(tmp_path, "test", history={"max_done": 0, "max_failed": 0}):
        pass
    assert xp.workdir.exists()  # nobody knows how it ended


def test_a_graceful_exit_leaves_the_jobs_that_run(program):
    program.write("main.py", """
        import os
        from experimaestro import *

        class Hold(Task):
            pipes: Meta[Path]

            def execute(self):
                (self.pipes / "started").open("w").close()
                assert (self.pipes / "end").read_text()

        if __name__ == "__main__":
            for name in ("started", "end"):
                os.mkfifo(name)
            with experiment("workspace", "test"):
                Hold.C(pipes=os.getcwd()).submit()
                open("started").close()  # once it runs
                raise GracefulExperimentExit("enough")
            Path("end").write_text("now")
            with experiment("workspace", "test") as xp:
                Hold.C(pipes=os.getcwd()).submit()
            print(xp.counts["done"], xp.counts["started"])
    """)
    assert program.run("main.py") == "1 0\n"


def test_a_dry_run_may_be_left_gracefully(tmp_path):
    with experiment(tmp_path, "test", run_mode=RunMode.DRY_RUN):
        raise GracefulExperimentExit
    assert not (tmp_path / "experiments").exists()


def test_a_graceful_exit_does_not_stop_what_is_being_told(program):
    """The scheduler's thread warns while the main one leaves: neither may wait for the other."""
    program.write("main.py", """
        import logging
        from experimaestro import *

        class Refused(Task):
            x: Param[int]

            def execute(self):
                pass

        if __name__ == "__main__":
            logging.disable()
            for _ in range(20):
                with experiment("workspace", "test"):
                    Path("workspace/jobs/__main__.refused").touch()  # no job has a folder there
                    for x in range(50):
                        Refused.C(x=x).submit()
                    raise GracefulExperimentExit
            print("left")
    """)
    assert program.run("main.py") == "left\n"


def test_an_experiment_is_closed_when_a_service_cannot_be_stopped(tmp_path):
    from experimaestro.scheduler.services import Service

    class Stuck(Service):
        id = "stuck"

        def description(self):
            return "one that cannot be stopped"

        def stop(self):
            raise OSError("it is stuck")

    with pytest.raises(OSError, match="it is stuck"):
        with experiment(tmp_path, "test") as xp:
            xp.add_service(Stuck())
    assert run_status(xp.workdir)["status"] == "done"
    with experiment(tmp_path, "test"):  # it is not waited for
        pass


@pytest.mark.unsanitized  # whose allocator may be locked by a thread at a fork, for ever in the child
def test_a_child_that_was_forked_in_the_block_leaves_it_to_its_parent(program):
    program.write("main.py", """
        import os, sys
        from experimaestro import *

        class Quick(Task):
            def execute(self):
                pass

        if __name__ == "__main__":
            with experiment("workspace", "test") as xp:
                Quick.C().submit()
                child = os.fork()
                if child == 0:
                    assert experiment.current() is None
                    sys.exit(3)
                print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            print(xp.counts["done"])
    """)
    assert program.run("main.py") == "3\n1\n"


# ---- Failures ----------------------------------------------------------------------------------------


def test_a_failure_is_raised_with_its_card(program):
    program.write("tasks.py", TASKS)
    program.write("main.py", """
        from tasks import *
        if __name__ == "__main__":
            try:
                with experiment("workspace", "test"):
                    After.C(before=Say.C(x=-1).submit()).submit()
                    for x in range(-5, -1):
                        Say.C(x=x).submit()
            except FailedExperiment as error:
                print(error)
                print(len(error.cards), len(error.jobs), error.cards[0] in str(error))
    """)
    lines = program.run("main.py").splitlines()
    assert lines[0] == "6 failed jobs" and lines[-1] == "5 6 True"
    text = "\n".join(lines)
    assert text.count(": failed, exit status 1: RuntimeError: no luck with ") == 5
    assert text.count("    again: ") == 3 and text.count(", see ") == 2
    assert "1 more was not started: what it depends on failed" in text
    (again, *_) = [line.split(": ", 1)[1] for line in lines if "again: " in line]
    program.write("tasks.py", TASKS.replace("self.x < 0", "False"))
    found = {**os.environ, "PYTHONPATH": str(program.folder)}
    subprocess.run(again, shell=True, check=True, timeout=60, env=found)  # as it says
    assert len(list(program.workspace.glob("jobs/*/*/say.done"))) == 1


def test_a_quiet_experiment_raises_nothing(program):
    program.write("tasks.py", TASKS)
    program.write("main.py", """
        from tasks import *
        if __name__ == "__main__":
            with experiment("workspace", "test", raise_on_failure=False) as xp:
                Say.C(x=-1).submit()
            print(xp.failed)
    """)
    assert program.run("main.py") == "1\n"


# ---- Options that are wrong --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, said",
    [
        ({"jobs": 0}, "jobs: expected a number from 1, .* got 0"),
        ({"jobs": "2"}, "jobs: expected .* got '2'"),
        ({"run_mode": "dry"}, "run_mode: expected one of NORMAL, DRY_RUN, .* got 'dry'"),
        ({"history": 3}, "history: expected a dict of max_done and max_failed, got 3"),
        ({"history": {"max_done": True}}, "history: expected a number of runs, from 0, got True"),
        ({"project_paths": ["none"]}, "project_paths: 'none' is no module with a file, and no file"),
        ({"project_paths": "none"}, "project_paths: 'none'"),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_its_name_and_value(tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        experiment(tmp_path, "wrong", **options)


def test_the_name_of_an_experiment_is_a_text(tmp_path):
    with pytest.raises(TypeError, match="the name of an experiment is a text, and not None"):
        experiment(tmp_path, None)


def test_one_source_may_be_given_alone(tmp_path, script):
    project = make_tree(tmp_path / "project")
    (project / "new.py").write_text("")
    for source in (project, str(project)):
        with pytest.raises(DirtyGitError):
            experiment(tmp_path / "ws", "one", dirty_git="error", project_paths=source).__enter__()
    experiment(tmp_path / "ws", "one", project_paths=json)


def test_an_experiment_that_is_open_already_does_not_wait_for_itself(tmp_path):
    with experiment(tmp_path, "same"):
        with pytest.raises(RuntimeError, match="same of .* is open already in this process"):
            with experiment(tmp_path, "same"):
                pass
        with experiment(tmp_path, "same", run_mode="dry-run"), experiment(tmp_path, "other"):
            pass
    with experiment(tmp_path, "same"):
        pass


@pytest.mark.parametrize("name", ["", "A=B"])
def test_a_variable_whose_name_cannot_be_is_refused_at_once(tmp_path, name):
    with experiment(tmp_path, "variables", run_mode=RunMode.DRY_RUN) as xp:
        with pytest.raises(ValueError, match=f'"{name}" cannot name a variable'):
            xp.setenv(name, "value")
