"""The names that programs import, each from the module where they look for it."""

import importlib
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

import experimaestro
from experimaestro import Config, Meta, Param, PathGenerator, Task, field, param_group

# Module -> the names that programs import from it.
NAMES = {
    "experimaestro": """
        Param field Config Meta Task tqdm Annotated Constant pathgenerator setmeta tags
        LightweightTask PathGenerator RunMode documentation tag tagspath Option Launcher SubmitHook
        Job experiment taskglobals progress click cache ResumableTask InstanceConfig Any Path
        Choices Action Interaction CLIInteraction Prepare TagDict ObjectStore DirectoryContext
        initializer sealed_set copyconfig stop_tags help deprecate DirtyGitAction DirtyGitError
        GracefulExperimentExit FailedExperiment
        """,
    "experimaestro.annotations": "cache documentation initializer stop_tags tag tags tagspath",
    "experimaestro.click": "forwardoption",
    "experimaestro.connectors": "LocalConnector SshConnector",
    "experimaestro.connectors.local": "LocalConnector",
    "experimaestro.connectors.ssh": "SshConnector",
    "experimaestro.core.arguments": "Argument Choices Constant Meta Option Param field help",
    "experimaestro.core.identifier": "Identifier",
    "experimaestro.core.objects": """
        Config ConfigInformation ConfigMixin ObjectStore Task clone copyconfig initializer setmeta
        """,
    "experimaestro.core.objects.config": "Config ConfigInformation clone",
    "experimaestro.core.types": "Any Identifier ObjectType SubmitHook Type",
    "experimaestro.exceptions": "HandledException",
    "experimaestro.experiments": """
        ConfigurationBase ExperimentHelper configuration generate_grid mock_modules
        """,
    "experimaestro.experiments.cli": "ExperimentHelper experiments_cli",
    "experimaestro.experiments.configuration": "ConfigurationBase configuration",
    "experimaestro.experiments.grid": "GridSearch generate_grid",
    "experimaestro.huggingface": "ExperimaestroHFHub",
    "experimaestro.launcherfinder": """
        AcceleratorSpecification CPUSpecification CudaSpecification HostRequirement
        HostSimpleRequirement HostSpecification LauncherNotFoundError LauncherRegistry
        MPSSpecification RequirementUnion cpu cuda_gpu find_launcher gpu mps_gpu
        """,
    "experimaestro.launcherfinder.parser": "parse",
    "experimaestro.launcherfinder.registry": "LauncherRegistry find_launcher parser specs",
    "experimaestro.launcherfinder.specs": """
        AcceleratorSpecification CPUSpecification CudaSpecification HostRequirement
        HostSimpleRequirement HostSpecification MPSSpecification MatchRequirement RequirementUnion
        cpu cuda_gpu duration gpu mps_gpu resource
        """,
    "experimaestro.launchers": "DirectLauncher DynamicLauncher Launcher",
    "experimaestro.launchers.direct": "DirectLauncher",
    "experimaestro.launchers.slurm": "SlurmLauncher SlurmOptions",
    "experimaestro.mkdocs.annotations": "documentation",
    "experimaestro.mkdocs.base": "Documentation",
    "experimaestro.mkdocs.metaloader": "DependencyInjectorFinder Module",
    "experimaestro.notifications": "progress tqdm",
    "experimaestro.rpyc": "client",
    "experimaestro.scheduler": """
        DirtyGitAction DirtyGitError FailedExperiment GracefulExperimentExit Job JobState Listener
        RunMode Workspace experiment
        """,
    "experimaestro.scheduler.base": "Job experiment",
    "experimaestro.scheduler.experiment": """
        DirtyGitAction DirtyGitError FailedExperiment GracefulExperimentExit experiment
        """,
    "experimaestro.scheduler.jobs": "Job JobState",
    "experimaestro.scheduler.services": """
        ProcessWebService Service ServiceListener ServiceState WebService
        """,
    "experimaestro.scheduler.workspace": "RunMode Workspace",
    "experimaestro.scheduler.workspace_state_provider": "WorkspaceStateProvider",
    "experimaestro.settings": "Settings WorkspaceSettings find_workspace get_settings get_workspace",
    "experimaestro.taskglobals": "Env",
    "experimaestro.tokens": "CounterToken ProcessCounterToken",
    "experimaestro.tools.documentation": "DocumentationAnalyzer",
    "experimaestro.types": "Argument Identifier ObjectType Type",
    "experimaestro.utils": "cleanupdir",
    "experimaestro.utils.settings": "JsonSettings",
    "experimaestro.xpmutils": "DirectoryContext",
}

# Those of saving, which is work of its own: as soon as one is there, all are.
SAVING = {
    "experimaestro": """
        DataPath OptionalDataPath PathSerializationLWTask SerializationContext SerializationLWTask
        SerializedPath deserialize from_state_dict from_task_dir load load_xp_info save serialize
        state_dict
        """,
    "experimaestro.core.arguments": "DataPath OptionalDataPath",
    "experimaestro.core.context": "SerializationContext SerializedPath",
    "experimaestro.core.serialization": "deserialize load save serialize state_dict",
    "experimaestro.core.serializers": "PathSerializationLWTask SerializationLWTask",
}
saves = "save" in experimaestro.__all__


def import_names(module, names):
    names = ", ".join(names.split())
    line = f"from {module} import {names}; assert all(found is not None for found in [{names}])"
    subprocess.run([sys.executable, "-c", line], check=True, timeout=60)


@pytest.mark.parametrize("module", NAMES)
def test_names_are_imported_from_their_module_in_a_fresh_interpreter(module):
    import_names(module, NAMES[module])


@pytest.mark.skipif(not saves, reason="configurations cannot be saved yet")
@pytest.mark.parametrize("module", SAVING)
def test_names_of_saving_are_imported_from_their_module(module):
    import_names(module, SAVING[module])


def test_the_lists_of_public_names_hold():
    awaited = set() if saves else {name for names in SAVING.values() for name in names.split()}
    for module in NAMES:
        found = importlib.import_module(module)
        for name in getattr(found, "__all__", ()):
            assert name in awaited or hasattr(found, name), f"{module}.{name}"


def test_a_name_that_a_module_has_not_is_an_error_that_names_both():
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from experimaestro.core.objects import nothing  # noqa: F401
    with pytest.raises(AttributeError, match="'experimaestro.scheduler' has no attribute 'nothing'"):
        importlib.import_module("experimaestro.scheduler").nothing  # noqa: B018


def test_a_name_is_the_same_wherever_it_is_imported_from():
    from experimaestro.core.objects.config import Config as there
    from experimaestro.scheduler.base import experiment as here

    assert there is Config
    assert here is experimaestro.experiment


# ---- Beside the original --------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path):
    """A copy of the package, in a folder of its own."""
    source = Path(experimaestro.__path__[0])
    shutil.copytree(source, tmp_path / "experimaestro")
    return tmp_path


def import_from(folder):
    return subprocess.run(
        [sys.executable, "-S", "-c", "import experimaestro.core.types"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_package_is_imported_by_itself(package):
    done = import_from(package)
    assert done.returncode == 0, done.stderr


def test_the_package_refuses_to_run_among_the_files_of_the_original(package):
    (package / "experimaestro" / "commandline.py").touch()
    done = import_from(package)
    assert done.returncode == 1
    assert "ImportError: the files of another distribution" in done.stderr
    assert "pip uninstall experimaestro" in done.stderr


# ---- What tools ask of configurations -------------------------------------------------------------


class Inner(Config):
    value: Param[int] = 1


class Outer(Task):
    """The title.

    What it is.

    Attributes:
        size: how large
            it is
    """

    size: Param[int]
    inner: Param[Inner]
    note: Meta[str] = "none"
    """A remark."""
    path: Meta[Path] = field(default_factory=PathGenerator("p.txt"))
    level: Param[int] = field(default=2, ignore_default=True, groups=[param_group("g")])


class Below(Outer):
    more: Param[float] = 0.5
    """More of it."""


def test_a_class_tells_its_parameters():
    found = Outer.__getxpmtype__().arguments
    assert [*found] == ["size", "inner", "note", "path", "level"]
    assert [found[name].required for name in found] == [True, True, False, False, False]
    assert [found[name].ignored for name in found] == [False, False, True, True, False]
    assert [found[name].generator for name in found] == [False, False, False, True, False]
    assert found["level"].default == 2
    assert found["level"].ignore_default_in_identifier
    assert found["level"].groups == ("g",)
    assert str(found["size"].type) == "int"
    assert found["inner"].type.config_class() is Inner
    assert found["size"].type.config_class() is None


def test_a_class_tells_what_its_source_says():
    kind = Outer.__getxpmtype__()
    assert (kind.title, kind.description.splitlines()[0]) == ("The title.", "What it is.")
    assert {name: given.help for name, given in Below.__getxpmtype__().arguments.items()} == {
        "size": "how large it is",
        "inner": None,
        "note": "A remark.",
        "path": None,
        "level": None,
        "more": "More of it.",
    }


def test_the_type_of_a_class_is_that_of_its_configurations():
    kind = Outer.__getxpmtype__()
    config = Outer.C(size=1)
    assert Outer.__xpmtype__ is kind is config.__xpmtype__ is config.__xpm__.xpmtype
    assert str(kind.identifier) == kind.identifier.name == f"{__name__}.outer"
    assert kind.value_type is Outer
    assert isinstance(config, kind.config_type)
    assert kind.name() == f"{__name__}.Outer"
    assert [parent.value_type for parent in Below.__getxpmtype__().parents()] == [Outer]
    assert Below.__getxpmtype__() is not kind


def test_a_configuration_tells_its_values():
    config = Outer.C(size=1)
    assert config.__xpm__.values == {"size": 1, "note": "none", "level": 2}
    assert {given.name: value for given, value in config.__xpm__.xpmvalues()}["size"] == 1
    config.__xpm__.set("size", 3)
    assert config.__xpm__.get("size") == config.size == 3
    assert config.__identifier__().all == config.__xpm__.identifier.all
    assert config.tag("a", 1).__xpm__.tags() == {"a": 1}


def test_validating_says_what_is_missing_and_changes_nothing():
    config = Outer.C(size=1)
    with pytest.raises(ValueError, match="inner"):
        config.__xpm__.validate()
    config.inner = Inner.C()
    config.__xpm__.validate()
    assert not config.__xpm__.sealed
    config.size = 2


class Shape(Config, ABC):
    sides: Param[int] = 3

    @abstractmethod
    def area(self): ...


class Square(Shape):
    def area(self):
        return 1


def test_an_abstract_class_has_no_configurations():
    with pytest.raises(TypeError, match="abstract class .*Shape.* area"):
        Shape.C(sides=4)
    with pytest.raises(TypeError, match="abstract class .*Shape.* area"):
        Shape()
    assert Square.C().sides == 3


class Many(Config):
    inner: Param[list[Inner]]
    more: Param[list["Many"]] = []


class Refusing(Inner):
    def __validate__(self):
        raise RuntimeError("refused")


def test_validating_looks_into_lists():
    config = Many.C(inner=[])
    config.__xpm__.validate()
    config.inner.append(Refusing.C())
    with pytest.raises(RuntimeError, match="refused"):
        config.__xpm__.validate()
    config.inner.clear()
    config.more.append(Many.C())
    with pytest.raises(ValueError, match="inner of .*many is required"):
        config.__xpm__.validate()


def test_clone_copies_what_configurations_are_in():
    from experimaestro.core.objects import clone

    config = Inner.C(value=3)
    (copy,), number = clone(([config], 5))
    assert copy is not config and copy.value == 3 and number == 5
    assert clone({"a": config})["a"] is not config


# ---- Launchers, connectors, services --------------------------------------------------------------


def test_the_direct_launcher_takes_a_connector():
    from experimaestro.connectors.local import LocalConnector
    from experimaestro.launchers.direct import DirectLauncher

    connector = LocalConnector.instance()
    assert connector is LocalConnector.instance()
    assert DirectLauncher(connector).connector is connector


def test_the_connector_makes_files_executable(tmp_path, monkeypatch):
    from experimaestro.connectors.local import LocalConnector

    monkeypatch.setenv("XPM_WORKDIR", str(tmp_path / "work"))
    connector = LocalConnector()
    assert connector.localpath == tmp_path / "work"
    file = tmp_path / "file"
    file.touch()
    file.chmod(0o640)
    connector.setExecutable(file, True)
    assert file.stat().st_mode & 0o777 == 0o750
    connector.setExecutable(file, False)
    assert file.stat().st_mode & 0o777 == 0o640
    assert connector.resolve(file, tmp_path / "work") == "../file"


@pytest.mark.parametrize(
    "module, name",
    [
        ("experimaestro.mkdocs.base", "Documentation"),
        ("experimaestro.rpyc", "client"),
    ],
)
def test_what_is_not_there_yet_says_so_when_it_is_used(module, name):
    with pytest.raises(NotImplementedError, match=f"{name} is not there yet: "):
        getattr(importlib.import_module(module), name)(partition="gpu")


def test_the_command_of_files_of_settings_says_that_it_is_not_there_yet():
    from click.testing import CliRunner

    from experimaestro.experiments.cli import experiments_cli

    result = CliRunner().invoke(experiments_cli, ["full.yaml", "--debug"])
    assert result.exit_code == 1
    assert "run-experiment is not there yet" in result.output
    with pytest.raises(NotImplementedError):
        experiments_cli.main(["full.yaml"], standalone_mode=False)
