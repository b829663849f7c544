"""What experiments are helped with: their configurations, services, listeners, settings; and what
is asked of a workspace, of the documentation, of modules that are not there."""

import json
import os
import re
import sys
import threading
from pathlib import Path

import pytest

from experimaestro import Config, JobState, Param, Task, documentation, experiment, tag
from experimaestro.experiments import ConfigurationBase, ExperimentHelper, configuration
from experimaestro.experiments.grid import GridSearch, generate_grid

# ---- Configurations of experiments ----------------------------------------------------------------


@configuration
class Model:
    size: int = 3
    layers: list[int] = [1, 2]


@configuration
class Learning(ConfigurationBase):
    rate: GridSearch[float] = 0.1
    batch: GridSearch[int] = 32
    model: Model = Model()
    seed: int


def test_settings_are_given_by_keyword_and_each_object_has_its_own_defaults():
    one, two = Learning(id="a", seed=1), Learning(id="a", seed=1)
    assert one == two
    one.model.layers.append(3)
    one.model.size = 4
    assert (two.model.layers, two.model.size) == ([1, 2], 3)
    assert (one.rate, one.file, one.add_timestamp) == (0.1, "experiment", False)
    with pytest.raises(TypeError, match="seed"):
        Learning(id="a")
    with pytest.raises(TypeError):
        Learning("a", seed=1)


def test_a_search_gives_all_combinations():
    given = Learning(id="a", seed=1, rate=[0.1, 0.2], batch={"range": [16, 48, 16]})
    configurations, tags = generate_grid(given)
    assert tags == [
        {"rate": 0.1, "batch": 16},
        {"rate": 0.1, "batch": 32},
        {"rate": 0.2, "batch": 16},
        {"rate": 0.2, "batch": 32},
    ]
    assert [(found.rate, found.batch) for found in configurations] == [
        (0.1, 16), (0.1, 32), (0.2, 16), (0.2, 32),
    ]
    assert given.rate == [0.1, 0.2]


def test_without_a_search_there_is_one_combination():
    given = Learning(id="a", seed=1)
    assert generate_grid(given) == ([given], [{}])


def test_a_search_may_be_a_progression_or_of_settings_further_down():
    grid = {"model.size": [1, 2], "seed": 5}
    given = Learning(id="a", seed=1, rate={"range_mult": [1, 3, 10]}, grid_search=grid)
    configurations, tags = generate_grid(given)
    assert [found["rate"] for found in tags] == [1, 1, 10, 10, 100, 100]
    assert [found.model.size for found in configurations] == [1, 2, 1, 2, 1, 2]
    assert {found.seed for found in configurations} == {5}


@pytest.mark.parametrize("search", [{"range": ["a"]}, {"other": [1, 2]}, {"range_mult": [1, 2]}, {}])
def test_a_search_that_is_none_is_refused(search):
    with pytest.raises(ValueError, match="rate: .* is no search"):
        generate_grid(Learning(id="a", seed=1, rate=search))


def test_a_search_of_a_setting_that_is_not_there_is_refused():
    with pytest.raises(AttributeError, match="nothing"):
        generate_grid(Learning(id="a", seed=1, grid_search={"model.nothing": [1]}))


def test_a_helper_calls_its_function():
    calls = []

    class Helper(ExperimentHelper):
        pass

    @Helper.decorator
    def run(helper, given):
        calls.append((helper, given))

    assert isinstance(run, Helper)
    run.run([], 5)
    assert calls == [(run, 5)]
    assert isinstance(ExperimentHelper.decorator()(len), ExperimentHelper)
    with pytest.raises(ValueError, match="takes no arguments, and was given --fast"):
        run.run(["--fast"], 5)


# ---- In an experiment -----------------------------------------------------------------------------


class Step(Task):
    number: Param[int]

    def execute(self):
        if self.number < 0:
            raise ValueError("negative")


def make_services():
    from experimaestro.scheduler.services import ServiceState, WebService

    class Pages(WebService):
        id = "pages"

        def set_experiment(self, xp):
            self.xp = xp

        def description(self):
            return "Pages"

        def _serve(self, running):
            self.url = "http://localhost:1"
            self.state = ServiceState.RUNNING
            running.set()
            while not self.should_stop():
                self._stopping.wait(0.01)

    class Broken(Pages):
        id = "broken"

        def _serve(self, running):
            raise OSError("no port")

    return Pages(), Broken(), ServiceState


def test_a_service_is_started_when_it_is_asked_for_and_stopped_at_the_end(tmp_path):
    pages, broken, states = make_services()
    with experiment(tmp_path, "services") as xp:
        assert xp.add_service(pages) is pages
        assert pages.xp is xp
        assert xp.services == {"pages": pages}
        assert pages.state == states.STOPPED
        assert pages.get_url() == pages.get_url() == "http://localhost:1"
        assert pages.state == states.RUNNING
        with pytest.raises(ValueError, match="has a service pages already"):
            xp.add_service(make_services()[0])
        with pytest.raises(RuntimeError, match="broken does not start: no port"):
            broken.get_url()
        assert broken.state == states.ERROR
    assert pages.state == states.STOPPED


def test_a_service_may_be_a_program(tmp_path):
    from experimaestro.scheduler.services import ProcessWebService, ServiceState

    seen = []

    class Program(ProcessWebService):
        id = "program"

        def description(self):
            return "A program"

        def _build_command(self):
            return [sys.executable, "-c", "import time; time.sleep(100)"]

        def _wait_for_ready(self):
            assert self.process.poll() is None
            return "http://localhost:2"

    class Seen:
        def service_state_changed(self, service):
            seen.append(service.state)

    program = Program()
    program.add_listener(Seen())
    assert program.get_url() == "http://localhost:2"
    process = program.process
    program.stop()
    assert process.poll() is not None
    assert seen == [ServiceState.STARTING, ServiceState.RUNNING, ServiceState.STOPPED]


def test_listeners_are_told_of_jobs_and_services(tmp_path):
    from experimaestro.scheduler import Listener

    told = []

    class Told(Listener):
        def on_job_submitted(self, job):
            told.append(("submitted", job.name))
            raise RuntimeError("what a listener raises changes nothing")

        def on_job_state_changed(self, job):
            told.append((job.state, threading.current_thread().name))

        def on_service_added(self, service):
            told.append(service.id)

    with experiment(tmp_path, "told") as xp:
        xp.scheduler.addlistener(Told())
        xp.add_service(make_services()[0])
        Step.C(number=1).submit()
    assert told[0] == "pages"
    assert told[1] == ("submitted", "step")
    assert told[-1] == (JobState.DONE, "xpm-notices")


def test_a_workspace_tells_its_jobs_and_their_tags(tmp_path):
    from experimaestro.scheduler.workspace_state_provider import WorkspaceStateProvider

    with experiment(tmp_path, "steps", raise_on_failure=False) as xp:
        done = Step.C(number=tag(1)).submit()
        failed = Step.C(number=tag(-1)).submit()
    provider = WorkspaceStateProvider(tmp_path)
    jobs = {job.identifier: job for job in provider.get_jobs("steps")}
    assert [*jobs] == sorted([done.job.identifier, failed.job.identifier])
    found = jobs[failed.job.identifier]
    assert (found.state, found.tags) == (JobState.ERROR, {"number": -1})
    assert found.failure_reason.value == "failed"
    assert found.path == failed.job.path
    assert found.experiment_id == "steps"
    assert found.endtime >= found.starttime
    assert provider.get_tags_map("steps")[done.job.identifier] == {"number": 1}
    assert provider.get_current_run("steps") == xp.run_id
    assert [job.identifier for job in provider.get_jobs(state="DONE")] == [done.job.identifier]
    assert len(provider.get_jobs(tags={"number": 1})) == 1
    assert len(provider.get_jobs("steps", states=["done", JobState.ERROR])) == 2
    assert [job.identifier for job in provider.get_jobs("steps", state=JobState.DONE)] == [
        done.job.identifier
    ]
    for experiment_id in ("steps", None):
        counts = provider.count_jobs(experiment_id)
        assert counts == {**dict.fromkeys(JobState, 0), JobState.DONE: 1, JobState.ERROR: 1}
    with pytest.raises(ValueError, match="did you mean done?"):
        provider.get_jobs(states=["dnoe"])
    assert provider.get_job(found.task_id, found.identifier).full_id == found.full_id
    assert provider.get_job("none", found.identifier) is None
    with pytest.raises(ValueError, match="no experiment other has run"):
        provider.get_jobs("other")
    with pytest.raises(OSError):
        WorkspaceStateProvider(tmp_path / "none").get_jobs()
    with pytest.raises(NotImplementedError, match="reading an earlier run is not there yet"):
        provider.get_jobs("steps", run_id="20200101_000000")


def test_a_task_knows_where_it_runs(program):
    from experimaestro.taskglobals import Env

    assert Env.instance() is Env.instance()
    assert (Env.instance().taskpath, Env.instance().wspath) == (None, None)
    program.write(
        "plan.py",
        """
        from experimaestro import *
        from experimaestro.taskglobals import Env

        class Look(Task):
            def execute(self):
                env = Env.instance()
                assert env.taskpath == self.__taskdir__ and not env.slave
                assert env.xpm_path == env.taskpath / ".experimaestro"
                print(env.wspath)

        if __name__ == "__main__":
            with experiment("workspace", "look"):
                Look.C().submit()
        """,
    )
    program.run("plan.py", env={**os.environ, "RANK": "1"})  # of the program, not of the job
    assert program.one("jobs/*/*/look.out") == f"{program.workspace}\n"


# ---- Settings in JSON -----------------------------------------------------------------------------


def test_settings_in_json_are_read_and_saved(tmp_path):
    from experimaestro.utils.settings import JsonSettings

    class Schema:
        def load(self, content):
            made = Keys()
            made.keys = content["keys"]
            return made

        def dump(self, settings):
            return {"keys": settings.keys}

    class Keys(JsonSettings):
        SCHEMA = Schema
        keys = ()

    new = Keys.load(tmp_path / "folder" / "settings.json")
    assert new.keys == ()
    new.keys = ["a"]
    new.save()
    assert Keys.load(new.path).keys == ["a"]
    assert [*new.path.parent.iterdir()] == [new.path]
    new.path.write_text("{")
    with pytest.raises(json.JSONDecodeError):
        Keys.load(new.path)


# ---- Documentation, and what is not installed -----------------------------------------------------


@pytest.fixture
def documented(tmp_path, monkeypatch):
    """A package with configurations, and its documentation."""
    package = tmp_path / "zoo"
    (package / "tests").mkdir(parents=True)
    source = "from experimaestro import Config\nclass {}(Config): pass\n"
    (package / "__init__.py").write_text("from .cats import Cat\n")
    (package / "cats.py").write_text(source.format("Cat"))
    (package / "dogs.py").write_text(source.format("Dog") + "def help(): pass\n")
    (package / "tests" / "__init__.py").write_text(source.format("Left"))
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.rst").write_text(
        "Zoo\n===\n\n.. toctree::\n   :maxdepth: 2\n\n   cats\n   The dogs <dogs>\n\nEnd\n"
    )
    (docs / "cats.rst").write_text(".. autoxpmconfig:: zoo.cats.Cat\n   :members:\n")
    (docs / "dogs.rst").write_text(
        ".. currentmodule:: zoo.dogs\n\n.. autoxpmconfig:: Dog\n\n.. autoclass:: other.Thing\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield docs
    for name in [name for name in sys.modules if name.split(".")[0] == "zoo"]:
        del sys.modules[name]


def analysis(docs):
    from experimaestro.tools.documentation import DocumentationAnalyzer

    found = DocumentationAnalyzer(docs / "index.rst", {"zoo"}, {"zoo.tests"})
    found.analyze()
    return found


def test_a_package_whose_configurations_are_all_documented(documented, capsys):
    found = analysis(documented)
    assert found.configurations == {"zoo.cats.Cat", "zoo.dogs.Dog"}
    found.assert_valid_documentation()
    found.report()
    assert capsys.readouterr().out == "every configuration is documented\n"


def test_what_documentation_lacks_is_named(documented, capsys):
    (documented / "cats.rst").write_text(".. autoxpmconfig:: zoo.cats.Lion\n")
    found = analysis(documented)
    with pytest.raises(AssertionError, match="^zoo.cats.Cat is not documented$"):
        found.assert_no_undocumented()
    with pytest.raises(AssertionError, match="zoo.cats.Lion is documented, and does not exist"):
        found.assert_valid_documentation()
    found.report()
    assert capsys.readouterr().out.count("\n") == 2


def test_what_cannot_be_read_or_imported_is_named(documented):
    (documented / "cats.rst").unlink()
    (documented.parent / "zoo" / "birds.py").write_text("import nothing_of_the_kind")
    with pytest.raises(AssertionError) as raised:
        analysis(documented).assert_no_undocumented()
    assert "cats.rst cannot be read: No such file" in str(raised.value)
    assert "zoo.birds cannot be imported: ModuleNotFoundError" in str(raised.value)


def test_documentation_marks_a_method():
    class Table(Config):
        @documentation
        def rows(self):
            return 3

    assert Table.rows.__documentation__ is True


@pytest.fixture
def finder():
    from experimaestro.experiments import mock_modules

    finder = mock_modules(["absent_library"], ["absent_library.quick"])
    yield finder
    sys.meta_path.remove(finder)
    for name in [name for name in sys.modules if name.split(".")[0] == "absent_library"]:
        del sys.modules[name]


def test_modules_that_are_not_there_are_stood_in_for(finder):
    import absent_library.nn as nn
    from absent_library import quick

    class Layer(nn.Module, nn.functional.Other):
        size: nn.Tensor[int] = 3

    @quick
    def compute():
        return 5

    @nn.jit(level=3)
    def other():
        return 6

    assert (compute(), other(), Layer().size) == (5, 6, 3)
    with pytest.raises(ImportError):
        import absent_library_2  # noqa: F401


def test_a_finder_stands_in_for_what_its_pattern_matches():
    from experimaestro.mkdocs.metaloader import DependencyInjectorFinder, Module

    finder = DependencyInjectorFinder.install(re.compile(r"^(another_absence)($|\.)"))
    try:
        import another_absence

        assert isinstance(another_absence, Module)
        assert finder.find_spec("experimaestro", None) is None
    finally:
        sys.meta_path.remove(finder)
        del sys.modules["another_absence"]


# ---- Small things ---------------------------------------------------------------------------------


def test_a_folder_is_emptied_and_stays(tmp_path):
    from experimaestro.utils import cleanupdir

    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "file").touch()
    (folder / "link").symlink_to(kept)
    cleanupdir(folder)
    assert [*folder.iterdir()] == []
    assert (kept / "file").exists()


def test_options_of_a_command_are_made_from_parameters():
    import click
    from click.testing import CliRunner

    from experimaestro.click import forwardoption

    class Inner(Config):
        rate: Param[float] = 0.5

    class Learn(Config):
        epochs: Param[int]
        """How many times."""
        inner: Param[Inner]

    @forwardoption.epochs(Learn)
    @forwardoption.inner.rate(Learn, name="the-rate")
    @click.command()
    def main(epochs, the_rate):
        print(epochs + 1, the_rate)

    run = CliRunner().invoke
    assert run(main, ["--epochs", "4"]).output == "5 0.5\n"
    assert run(main, []).exit_code == 2
    assert "How many times." in run(main, ["--help"]).output
    with pytest.raises(AttributeError, match="has no parameter nothing: it has"):
        forwardoption.nothing(Learn)


def test_a_handled_exception_is_an_exception():
    from experimaestro.exceptions import HandledException

    with pytest.raises(HandledException, match="no such corpus"):
        raise HandledException("no such corpus")
