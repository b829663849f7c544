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
    "DependentMarker": ".submit",
    "DirectLauncher": ".launcher",
    "DirectoryContext": ".objects",
    "EmptyContextError": "._engine",
    "FailedExperiment": ".context",
    "Identifier": ".config",
    "Interaction": ".actions",
    "Job": ".job",
    "JobFailureStatus": ".states",
    "JobState": ".states",
    "Launcher": ".launcher",
    "LauncherRegistry": ".launcherfinder",
    "ObjectStore": ".objects",
    "Path": "pathlib",
    "Prepare": ".prepare",
    "RunMode": ".states",
    "SubmitHook": ".hooks",
    "TagDict": ".tagdict",
    "Workspace": ".context",
    "cache": ".cached",
    "clone": ".objects",
    "copyconfig": ".objects",
    "deprecate": ".deprecated",
    "documentation": ".mkdocs.annotations",
    "experiment": ".context",
    "help": ".annotations",
    "initializer": ".objects",
    "progress": ".notifications",
    "renamed_from": ".deprecated",
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
    "DependentMarker",
    "DirectLauncher",
    "DirectoryContext",
    "EmptyContextError",
    "FailedExperiment",
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
    "Param",
    "Path",
    "PathGenerator",
    "Prepare",
    "ResumableTask",
    "RunMode",
    "SubmitHook",
    "TagDict",
    "Task",
    "Workspace",
    "cache",
    "clone",
    "copyconfig",
    "deprecate",
    "documentation",
    "experiment",
    "field",
    "help",
    "initializer",
    "param_group",
    "partial",
    "pathgenerator",
    "progress",
    "renamed_from",
    "sealed_set",
    "setmeta",
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
