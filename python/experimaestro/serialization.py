"""Saving configurations, and loading them: see docs/saving.md."""

import json
import os
from pathlib import Path

from . import _engine
from .annotations import DataPath, Param
from .config import Config, Configuration, LightweightTask

DOCUMENT = "experimaestro.json"


class SerializedPath:
    """Where the data of a configuration is. path: relative to the saved folder."""

    def __init__(self, path, is_folder=None):
        self.path = Path(path)
        self.is_folder = self.path.is_dir() if is_folder is None else is_folder

    def __fspath__(self):
        return str(self.path)

    def __repr__(self):
        return f"SerializedPath({str(self.path)!r}, is_folder={self.is_folder})"


class SerializedPathLoader:
    """What finds the files of a saved value that are not in a folder: called with the document's
    name, or a SerializedPath; gives the Path of the file. Any function does."""

    def __call__(self, path):
        raise NotImplementedError(f"{type(self).__qualname__} has no method __call__")


class SerializationContext:
    """Where something is being saved. save_directory: the folder, or None when data stays where it
    is; var_path: the names that lead to the configuration whose data is being saved."""

    def __init__(self, *, save_directory=None):
        self.save_directory = None if save_directory is None else Path(save_directory)
        self.var_path = []
        self.serialized_paths = set()

    def serialize(self, var_path, data_path, config):
        """Copies a file or folder to the names `var_path` in the folder, and says where it is.
        ValueError when something was saved under these names."""
        source = Path(data_path)
        if self.save_directory is None:
            return SerializedPath(source)
        name = "/".join(map(str, var_path))
        if name in self.serialized_paths:
            raise ValueError(
                f"two files would be saved as {name}: __xpm_serialize__ must give other names"
            )
        if not source.exists():
            raise FileNotFoundError(f"{source}, the data of {config!r}, does not exist")
        _engine.save_data(str(source), str(self.save_directory), name)
        self.serialized_paths.add(name)
        return SerializedPath(name, source.is_dir())


def serialize_data(config, context):
    """Copies the data of a configuration: what Config.__xpm_serialize__ does."""
    values = {name: getattr(config, name) for name in _engine.data_of(config)}
    return {
        name: context.serialize([*context.var_path, name], value, config)
        for name, value in values.items()
        if value is not None
    }


def asking(context):
    """What the engine asks for the data of each configuration."""

    def ask(config, where):
        context.var_path = where.split("/") if where else []
        saved = config.__xpm_serialize__(context)
        return {name: str(getattr(path, "path", path)) for name, path in saved.items()}

    return ask


# ---- Saving -----------------------------------------------------------------------------------


def save(obj, save_directory, definition_filename=DOCUMENT):
    """Saves a value that holds configurations (itself one, or in lists and dicts) in a folder, with
    the files and folders of its data paths. What is not sealed stays so.

    ValueError when a required value is missing; OSError when the folder cannot be written.
    """
    context = SerializationContext(save_directory=save_directory)
    _engine.save(obj, str(save_directory), definition_filename, asking(context))


def serialize(obj, save_directory, *, init_tasks=(), definition_filename=DOCUMENT):
    """Saves a value with lightweight tasks that `deserialize` executes after loading it."""
    save([obj, list(init_tasks)], save_directory, definition_filename)


def state_dict(context, obj):
    """What save would write, as dicts and lists."""
    directory = context.save_directory
    text = _engine.save_text(obj, None if directory is None else str(directory), asking(context))
    return json.loads(text)


# ---- Loading ----------------------------------------------------------------------------------


class TaskStub:
    """A task that was not loaded. typename: its class's; identifier: in hexadecimal digits."""

    __slots__ = ("typename", "identifier")

    def __init__(self, typename, identifier):
        self.typename = typename
        self.identifier = identifier

    def __repr__(self):
        return f"TaskStub(identifier={self.identifier}, typename={self.typename!r})"


def task_of(config):
    """The TaskStub of a configuration whose task was not loaded, or None."""
    stub = _engine.task_stub(config)
    return stub and TaskStub(*stub)


def resolve(name, module, qualname, file):
    """The Class of a saved object. ImportError when it is not there any more."""
    from .declare import complete
    from .run import find

    try:
        return complete(find(module, qualname, file))
    except (ImportError, AttributeError, OSError) as error:
        raise ImportError(
            f"{module}.{qualname}, the class of a saved configuration, cannot be imported: {error}"
        ) from error


def instances(value, made):
    """A value with the instances of the configurations in it; `made` has those made so far."""
    if isinstance(value, Configuration):
        return value._instance(made, True)
    if isinstance(value, (list, tuple, set)):
        return type(value)(instances(item, made) for item in value)
    if isinstance(value, dict):
        return {instances(key, made): instances(item, made) for key, item in value.items()}
    return value


def found_by(loader, state):
    """A state whose data is where a SerializedPathLoader says."""
    if isinstance(state, list):
        return [found_by(loader, item) for item in state]
    if not isinstance(state, dict):
        return state
    if state.get("type") == "path.serialized":
        path = loader(SerializedPath(state["value"], state.get("is_folder", False)))
        return {"type": "path", "value": str(path)}
    return {key: found_by(loader, item) for key, item in state.items()}


def load(
    path,
    as_instance=False,
    partial_loading=None,
    definition_filename=None,
    *,
    discard_id=False,
):
    """Loads what was saved in a folder. Configurations are sealed; they keep the identifiers with
    which they were saved, and no task depends on what is loaded.

    as_instance: gives the objects that run instead of configurations.
    partial_loading: leaves out the tasks that made what is loaded; as as_instance says, by default.
    discard_id: identifiers are computed from today's classes.

    FileNotFoundError when nothing was saved there; ValueError when the file is not understood;
    RuntimeError when it is of a newer version; ImportError when a class is not there any more.
    """
    partial = as_instance if partial_loading is None else partial_loading
    if callable(path):
        file = path(definition_filename or DOCUMENT)
        text = json.dumps(found_by(path, json.loads(Path(file).read_text())))
        value = _engine.load_text(text, None, str(file), resolve, partial, discard_id)
    else:
        names = [definition_filename] if definition_filename else [DOCUMENT, "definition.json"]
        if not any(Path(path, name).exists() for name in names):
            raise FileNotFoundError(f"{path} has no {' nor '.join(names)}: nothing was saved there")
        value = _engine.load_saved(str(path), definition_filename, resolve, partial, discard_id)
    return instances(value, {}) if as_instance else value


def deserialize(path, as_instance=False, partial_loading=None, definition_filename=None):
    """Loads what `serialize` saved: the value and the list of its init tasks. With as_instance, the
    init tasks are executed, and the value alone is returned. ValueError when `save` saved it."""
    partial = as_instance if partial_loading is None else partial_loading
    both = load(path, False, partial, definition_filename)
    if not isinstance(both, list) or len(both) != 2 or not isinstance(both[1], list):
        raise ValueError(f"{path} has no init tasks: it was saved by save, and load loads it")
    if not as_instance:
        return tuple(both)
    value, init_tasks = instances(both, {})
    for task in init_tasks:
        task.execute()
    return value


def from_state_dict(
    state, path=None, *, as_instance=False, partial_loading=None, discard_id=False
):
    """Loads from what state_dict gave. path: where its data is: a folder, or a
    SerializedPathLoader; ValueError when it has data and there is none."""
    partial = as_instance if partial_loading is None else partial_loading
    if callable(path):
        state, path = found_by(path, state), None
    directory = None if path is None else str(path)
    text = json.dumps(state)
    value = _engine.load_text(text, directory, "the state", resolve, partial, discard_id)
    return instances(value, {}) if as_instance else value


def from_task_dir(path, as_instance=False, partial_loading=None, *, discard_id=False):
    """Loads the task of a job's folder."""
    partial = as_instance if partial_loading is None else partial_loading
    if not Path(path, "params.json").exists():
        raise FileNotFoundError(f"{path} is no job's folder: it has no params.json")
    task = _engine.load_task(str(path), resolve, partial, discard_id)
    return instances(task, {}) if as_instance else task


class ExperimentInfo:
    """The configurations of a run. jobs, actions: identifier to configuration."""

    __slots__ = ("jobs", "actions")

    def __init__(self, jobs, actions):
        self.jobs = jobs
        self.actions = actions

    def __repr__(self):
        return f"ExperimentInfo(jobs={self.jobs!r}, actions={self.actions!r})"


def lines_of(path):
    """The objects of a log; lines that are torn are passed over."""
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            pass


def load_xp_info(path):
    """Loads the configurations of the jobs and actions of a run's folder; those that several hold
    are shared. FileNotFoundError when the folder is no run's."""
    run = Path(path)
    objects, older = run / "objects.jsonl", run / "configs.json"
    if objects.exists():
        configs = _engine.load_objects(str(objects), resolve)
        log, status = run / "jobs.jsonl", run / "status.json"
        jobs = [line["job_id"] for line in lines_of(log)] if log.exists() else []
        known = json.loads(status.read_text()).get("actions") or {} if status.exists() else {}
        return ExperimentInfo(
            {key: configs[key] for key in jobs if key in configs},
            {key: configs[key] for key in known if key in configs},
        )
    if older.exists():
        return ExperimentInfo(load(run, definition_filename=older.name), {})
    raise FileNotFoundError(f"{path} is no run's folder: it has no objects.jsonl (nor configs.json)")


def load_configs(path):
    """Deprecated: load_xp_info(path).jobs."""
    import warnings

    warnings.warn("load_configs is deprecated: use load_xp_info", DeprecationWarning, stacklevel=2)
    return load_xp_info(path).jobs


# ---- In experiments ---------------------------------------------------------------------------


def save_in_run(run, obj, name):
    """See experiment.save."""
    save(obj, Path(run, "data", name))


def load_from_run(workspace, reference, name, run_id):
    """See experiment.load."""
    folder = Path(workspace, "experiments", reference)
    if run_id is not None:
        return load(folder / run_id / "data" / name)
    runs = [run for run in folder.iterdir() if not run.is_symlink()] if folder.is_dir() else []
    saved = [run for run in runs if (run / "data" / name).is_dir()]
    if not saved:
        raise FileNotFoundError(f"no run of experiment {reference} in {workspace} has saved {name}")
    return load(max(saved, key=os.path.getmtime) / "data" / name)


class SerializationLWTask(LightweightTask):
    """A lightweight task that restores the state of `value`."""

    value: Param[Config]


class PathSerializationLWTask(SerializationLWTask):
    """A lightweight task that restores the state of `value` from a file or folder, `path`, which is
    copied when it is saved."""

    path: DataPath
