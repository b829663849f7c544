"""Experiments as configurations and tasks: identified, scheduled, recorded.

    from experimaestro import Config, Param, Task, experiment

    class Learn(Task):
        epochs: Param[int] = 100

        def execute(self):
            print("learning for", self.epochs, "epochs")

    if __name__ == "__main__":
        with experiment("workspace", "first"):
            Learn.C(epochs=10).submit()

What is rarely needed is imported when it is first used: see __getattr__.
"""

from os.path import exists as _exists

# The original has always had this file, and this package never has it.
if _exists(__path__[0] + "/commandline.py"):
    raise ImportError(
        "the files of another distribution, `experimaestro`, are in the same folder as those of "
        "`experimaestro-native` (" + __path__[0] + "): run `pip uninstall experimaestro "
        "experimaestro-native`, then `pip install experimaestro-native`"
    )

from ._engine import ConfigTypeError, stop_tags, tag, version
from .annotations import (
    Choices,
    Constant,
    Meta,
    Option,
    Param,
    PathGenerator,
    field,
    param_group,
    partial,
    pathgenerator,
)
from .config import (
    Config,
    InstanceConfig,
    LightweightTask,
    ResumableTask,
    Task,
    sealed_set,
    setmeta,
    tags,
    tagspath,
)

__version__ = version

# Public name -> the module that has it, imported at first use.
_lazy = {
    "Action": ".actions",
    "Annotated": "typing",
    "Any": "typing",
    "CLIInteraction": ".actions",
    "DataPath": ".annotations",
    "DependentMarker": ".submit",
    "DirectLauncher": ".launcher",
    "DirectoryContext": ".objects",
    "DirtyGitAction": ".states",
    "DirtyGitError": "._engine",
    "EmptyContextError": "._engine",
    "ExperimentInfo": ".serialization",
    "FailedExperiment": ".context",
    "GracefulExperimentExit": ".context",
    "GracefulTimeout": ".ending",
    "Identifier": "._engine",
    "Interaction": ".actions",
    "Job": ".job",
    "JobFailureStatus": ".states",
    "JobState": ".states",
    "Launcher": ".launcher",
    "LauncherRegistry": ".launcherfinder",
    "ObjectStore": ".objects",
    "OptionalDataPath": ".annotations",
    "Path": "pathlib",
    "PathSerializationLWTask": ".serialization",
    "Prepare": ".prepare",
    "Retry": ".ending",
    "RunMode": ".states",
    "SerializationContext": ".serialization",
    "SerializationLWTask": ".serialization",
    "SerializedPath": ".serialization",
    "SerializedPathLoader": ".serialization",
    "SubmitHook": ".hooks",
    "TagDict": ".tagdict",
    "TaskCancelled": ".ending",
    "TaskStub": ".serialization",
    "TransientMode": ".states",
    "Workspace": ".context",
    "cache": ".cached",
    "clone": ".objects",
    "copyconfig": ".objects",
    "deprecate": ".deprecated",
    "deserialize": ".serialization",
    "documentation": ".mkdocs.annotations",
    "experiment": ".context",
    "from_state_dict": ".serialization",
    "from_task_dir": ".serialization",
    "help": ".annotations",
    "initializer": ".objects",
    "load": ".serialization",
    "load_configs": ".serialization",
    "load_xp_info": ".serialization",
    "progress": ".notifications",
    "renamed_from": ".deprecated",
    "save": ".serialization",
    "serialize": ".serialization",
    "state_dict": ".serialization",
    "set_launcher": ".context",
    "submit_hook_decorator": ".hooks",
    "tqdm": ".notifications",
}

__all__ = [
    "Action",
    "Annotated",
    "Any",
    "CLIInteraction",
    "Choices",
    "Config",
    "ConfigTypeError",
    "Constant",
    "DataPath",
    "DependentMarker",
    "DirectLauncher",
    "DirectoryContext",
    "DirtyGitAction",
    "DirtyGitError",
    "EmptyContextError",
    "ExperimentInfo",
    "FailedExperiment",
    "GracefulExperimentExit",
    "GracefulTimeout",
    "Identifier",
    "InstanceConfig",
    "Interaction",
    "Job",
    "JobFailureStatus",
    "JobState",
    "Launcher",
    "LauncherRegistry",
    "LightweightTask",
    "Meta",
    "ObjectStore",
    "Option",
    "OptionalDataPath",
    "Param",
    "Path",
    "PathGenerator",
    "PathSerializationLWTask",
    "Prepare",
    "ResumableTask",
    "Retry",
    "RunMode",
    "SerializationContext",
    "SerializationLWTask",
    "SerializedPath",
    "SerializedPathLoader",
    "SubmitHook",
    "TagDict",
    "Task",
    "TaskCancelled",
    "TaskStub",
    "TransientMode",
    "Workspace",
    "cache",
    "clone",
    "copyconfig",
    "deprecate",
    "deserialize",
    "documentation",
    "experiment",
    "field",
    "from_state_dict",
    "from_task_dir",
    "help",
    "initializer",
    "load",
    "load_configs",
    "load_xp_info",
    "param_group",
    "partial",
    "pathgenerator",
    "progress",
    "renamed_from",
    "save",
    "sealed_set",
    "serialize",
    "set_launcher",
    "setmeta",
    "state_dict",
    "stop_tags",
    "submit_hook_decorator",
    "tag",
    "tags",
    "tagspath",
    "tqdm",
]


def _finder(space, names):
    """The __getattr__ of the module whose namespace this is: its public `names` (name -> module,
    from a dot on one of this package) are in other modules, which are imported at first use."""

    def find(name):
        module = names.get(name)
        if module is None:
            raise AttributeError(f"module {space['__name__']!r} has no attribute {name!r}")
        # Not import_module: importing importlib takes half as long as importing this package.
        found = __import__(__name__ + module if module[0] == "." else module, fromlist=[name])
        value = space[name] = getattr(found, name)
        return value

    return find


__getattr__ = _finder(globals(), _lazy)


def __dir__():
    return sorted({*globals(), *__all__})
