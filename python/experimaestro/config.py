"""Config and Task, from which users derive, and what their configurations can do."""

import os

from . import _engine
from ._engine import Base, Configuration, Handle, Maker


class Information(Handle):
    """What is known of a configuration: its attribute __xpm__. identifier: its Identifier."""

    __slots__ = ()

    @property
    def values(self):
        """The values that it has, defaults among them: a new dict, by name."""
        return {argument.name: value for argument, value in self.xpmvalues()}

    def xpmvalues(self):
        """Its parameters that have a value, as pairs of Argument and value."""
        for name, argument in self.xpmtype.arguments.items():
            try:
                yield argument, getattr(self._config, name)
            except KeyError:  # required and missing, or a path that is not generated yet
                pass

    def get(self, name):
        """The value of a parameter. KeyError when it has none."""
        return getattr(self._config, name)

    def set(self, name, value):
        """Sets a parameter, as an assignment does."""
        setattr(self._config, name, value)

    def tags(self):
        """Its tags and those of all that it holds."""
        return self._config.tags()

    def seal(self, context=None):
        """Makes it read-only, as Config.seal; `context` is a DirectoryContext, or a path."""
        self._config.seal(getattr(context, "path", context))

    def validate(self):
        """Checks that sealing it would be possible, and changes nothing. ValueError when a value
        is missing, and whatever a __validate__ raises."""
        self._config._tags()  # brings to the engine what lists hold by now
        for config in reversed(self._config._reached(False)):
            for argument in config.__xpmtype__.arguments.values():
                if argument.required:
                    check_given(config, argument)
            validate = getattr(config, "__validate__", None)
            if validate is not None:
                validate()

    def get_partial_identifier(self, partial):
        """See partial_identifier."""
        return self.partial_identifier(partial)

    def partial_identifier(self, partial):
        """Its partial identifier: `partial` is the name of an attribute of the class, or the
        partial itself. KeyError when the class has none of that name."""
        return self._partial(getattr(partial, "name", partial))

    get_partial_identifier = partial_identifier

    def provenance_of(self, name):
        """Where a parameter was given its value: a SetInfo. ValueError for a name that is none."""
        from .objects import SetInfo

        return SetInfo(self._config._where(name), self._config._is_given(name))

    @property
    def made_at(self):
        """Where the configuration was made: "file:line", or None when no code made it."""
        return self._config._where(None)

    def mark_output(self, config):
        """Marks a configuration as an output of this task, as `dep` does in task_outputs, and
        returns it. An OutputError, which is an AssertionError, when it cannot be one."""
        from .submit import Dependency

        return Dependency(self._config)(config)

    def dependency(self):
        """The task itself, as what another is made to wait for: see add_dependencies."""
        return self._config

    @property
    def job(self):
        """The job of a task; None when it was not submitted."""
        return self._config._job

    @property
    def task(self):
        """The task that it is an output of (itself for a task that was submitted), or None."""
        config = self._config
        if config._task is not None or config._job is not None:
            return config._task or config
        from .serialization import task_of

        return task_of(config)

    @property
    def meta(self):
        """Whether it never counts (True), always counts (False), or as declared (None)."""
        return self._config._meta

    @property
    def sealed(self):
        """Whether it is read-only."""
        return self._config._sealed

    @property
    def typename(self):
        """The name that identifies its class, in lower case."""
        return self._config._class.name

    @property
    def xpmtype(self):
        """Its class, as tools see it: an ObjectType (see experimaestro.types)."""
        return self._config.__xpmtype__


ConfigInformation = Information  # as older programs name it


def check_given(config, argument):
    try:
        getattr(config, argument.name)
    except KeyError as error:
        raise ValueError(*error.args) from None


class TypeOf:
    """The ObjectType of a class, found when it is first asked for."""

    def __get__(self, instance, owner):
        return owner.__getxpmtype__()


class ConfigMixin(Configuration):
    """The methods of a configuration, as made by M.C(...)."""

    def __identifier__(self):
        """Its Identifier, as of __xpm__."""
        return self.__xpm__.identifier

    def tags(self):
        """Its tags and those of all that it holds, through tasks and init tasks: a TagDict. Of two
        tags of one name, that which is met last is kept: what is nearer to the configuration, or
        comes later in the order of the parameters' names; a warning tells where both were set."""
        from .tagdict import TagDict

        return TagDict(self._tags())

    def copy(self):
        """A deep copy, which is not sealed, and is no task's output."""
        return self._copy()

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self._copy()

    def __reduce_ex__(self, protocol):
        raise TypeError(
            f"the configuration {self!r} cannot be pickled: only what runs, instances, can be"
        )

    def seal(self, directory=None):
        """Validates it and makes it read-only; `directory`, a path or a DirectoryContext, is where
        its generated paths go. ValueError when a value is missing."""
        self._seal(None if directory is None else os.fspath(directory))
        return self

    def instance(self, context=None, *, objects=None, keep=True):
        """The object that runs, made with those that it holds: dependencies first, each by its
        class's __init__() without argument, then its parameters set as attributes, then
        __post_init__(). Seals the configuration. Init tasks are not executed.

        context: a DirectoryContext, or a path: where its generated paths go.
        objects: an ObjectStore, to share instances with other calls.
        keep: the instances know their configurations: `instance.xpmconfig`.

        ValueError when a value is missing; EmptyContextError, a ValueError too, when a path is to
        be generated and there is no context.
        """
        from .objects import ObjectStore

        self.seal(context)
        return (ObjectStore() if objects is None else objects)._instance(self, keep)

    @property
    def xpmconfig(self):
        """Itself."""
        return self

    def submit(
        self,
        workspace=None,
        launcher=None,
        run_mode=None,
        init_tasks=(),
        max_retries=None,
        transient=None,
    ):
        """Submits the task, and returns what its task_outputs returns: by default itself.

        workspace, run_mode: those of the experiment, unless given.
        launcher: a Launcher, whose environment the job gets.
        init_tasks: lightweight tasks that are executed before it, in its process.
        max_retries: how often it is started again at most, when it is resumable or has a Retry.
        transient: a TransientMode: whether it runs when no other task needs it.

        ValueError when a value is missing or wrong, when it was submitted before, or when there is
        no experiment; AttributeError when it is no task.
        """
        from .submit import submit

        return submit(self, workspace, launcher, run_mode, init_tasks, max_retries, transient)

    def add_dependencies(self, *dependencies):
        """Makes the task wait for others: submitted tasks, or outputs of some; or take some of a
        token while it runs: token.dependency(2). Its identifier does not change. Returns the task.
        ValueError when one of them is none of these, or when the task was submitted already."""
        from .submit import add_dependencies

        return add_dependencies(self, dependencies)

    def copy_dependencies(self, other):
        """Adds the dependencies that were added to another task, tokens too. Returns the task."""
        self.add_dependencies(*other._dependencies)
        _engine.Token._ask_as(self, other)
        return self

    @property
    def job(self):
        """The job of a submitted task. ValueError for another configuration."""
        job = self._job
        if job is None:
            raise ValueError(f"{self._class.name} has no job: it was not submitted")
        return job

    @property
    def jobpath(self):
        """The directory of the job: a Path."""
        return self.job.path

    def explain(self):
        """Why the job of a submitted task is where it is, or why it would run: sentences, a line
        each, as `experimaestro explain` prints them. ValueError for another configuration."""
        return self.job.explain()

    def stdout(self):
        """The file that gets the job's standard output: a Path."""
        return self.job.stdout

    def stderr(self):
        """The file that gets the job's standard error: a Path."""
        return self.job.stderr

    def __repr__(self):
        return describe(self, 3)


def describe(value, depth):
    """A short text for a value, which never follows a cycle for ever."""
    if isinstance(value, (list, tuple, dict, set)):
        return describe_collection(value, depth)
    if not isinstance(value, Configuration):
        return repr(value)
    name = value._class.cls.__qualname__
    if depth == 0:
        return f"{name}(...)"
    fields = []
    for key in sorted(value._class.parameters):
        try:
            fields.append(f"{key}={describe(getattr(value, key), depth - 1)}")
        except KeyError:
            pass
    return f"{name}({', '.join(fields)})"


def describe_collection(value, depth):
    """A short text for a collection: its first items."""
    opening, closing = {list: "[]", tuple: "()"}.get(type(value), "{}")
    if depth == 0 and value:
        return f"{opening}...{closing}"
    items = []
    for item in list(value)[:SHOWN]:
        text = describe(item, depth - 1)
        if isinstance(value, dict):
            text += f": {describe(value[item], depth - 1)}"
        items.append(text)
    if len(value) > SHOWN:
        items.append(f"... {len(value)} in all")
    return opening + ", ".join(items) + closing


SHOWN = 5  # items of a collection in a text, at most


def new_instance(cls):
    """A new object of a class, not initialised. For pickle."""
    return cls._new_instance()


class ValueClass:
    """The descriptor Config.XPMValue: the class of a class's instances."""

    def __get__(self, instance, owner):
        if issubclass(owner, Configuration):
            owner = owner.__xpm_class__.cls
        return owner.__dict__.get("__xpm_value_class__", owner)


class Config(Base):
    """The base of configurations: a class whose annotations declare parameters.

        class Model(Config):
            layers: Param[int]

        model = Model.C(layers=3)

    `C(...)`, like a call of the class, makes a configuration: an object that is described,
    identified, and given to tasks. Inside a running task, objects are plain instances of the
    class: `__init__()` is called without argument, the parameters are set as attributes, and
    `__post_init__()` is called.

    ValueError for a parameter that the class has not, or a value of the wrong type.
    """

    C = XPMConfig = Maker()

    def __xpm_serialize__(self, context):
        """Saves what belongs to a configuration that is being saved: by default, copies the files
        and folders of its data paths. Returns a dict from parameter to SerializedPath."""
        from .serialization import serialize_data

        return serialize_data(self, context)

    XPMValue = ValueClass()
    __xpmtype__ = TypeOf()

    @classmethod
    def value_class(cls):
        """A decorator for the class of this class's instances, which may need what the
        configuration should not import:

            @Model.value_class()
            class TorchModel(Model, torch.nn.Module):
                ...

        TypeError when it does not derive from this class, and from the value classes of the
        classes that this one extends.
        """
        from .objects import value_class

        return lambda value: value_class(cls, value)

    @property
    def xpmconfig(self):
        """The configuration that the instance was made of, by Config.instance. AttributeError when
        it is not known."""
        config = self.__dict__.get("__config__")
        if config is None:
            raise AttributeError(
                f"this {type(self).__qualname__} does not know its configuration: it was not made "
                "by instance(), or with keep=False"
            )
        return config

    @classmethod
    def __getxpmtype__(cls):
        """The class, as tools see it: an ObjectType (see experimaestro.types)."""
        from .types import object_type

        return object_type(cls)

    def __reduce_ex__(self, protocol):
        # Instances are pickled and copied as plain objects: calling the class would make a
        # configuration.
        function, arguments, *state = object.__reduce_ex__(self, max(protocol, 2))
        if state and isinstance(state[0], dict) and "__config__" in state[0]:
            state[0] = {k: v for k, v in state[0].items() if k != "__config__"}
        if function.__name__ == "__newobj__":
            function, arguments = new_instance, arguments[:1]
        return (function, arguments, *state)


class RunningPath:
    """A path of the process's task, made when it is read: importing pathlib takes long."""

    def __init__(self, name):
        self.name = name

    def __get__(self, instance, owner):
        if instance is None:
            return self
        from . import run

        if instance is not run.task:
            raise AttributeError(f"{self.name} is set on the task that runs, and there alone")
        from pathlib import Path

        return Path(run.directory if self.name == "__taskdir__" else run.main_directory)


class Stream:
    """The path of a stream of the job that executed a task, on the task's instance."""

    def __init__(self, suffix):
        self.suffix = suffix

    def __get__(self, instance, owner):
        if instance is None:
            return self
        from pathlib import Path

        from . import run

        identifier = instance.__dict__.get("__xpmidentifier__")
        if identifier is None or run.workspace is None:
            raise AttributeError(
                "the streams of a task are known inside a running task, of the tasks it was given"
            )
        name = next(base.__xpm_class__ for base in owner.__mro__ if "__xpm_class__" in vars(base)).name
        folder = Path(run.workspace, "jobs", name, identifier)
        return folder / f"{name.rpartition('.')[2]}.{self.suffix}"


class Task(Config):
    """A configuration that can be submitted, and executed in a process of its own.

        class Learn(Task):
            epochs: Param[int] = 100

            def execute(self):
                ...

    While it is executed, the working directory is the task's directory; `self.__taskdir__` is its
    Path, `self.__tags__` the dict of its tags, and `self.__maintaskdir__` the directory that it
    shares with the tasks of equal partial identifier, or else the task's directory. Of the tasks
    among its parameters, `__xpm_stdout__` and `__xpm_stderr__` are the files of the streams.
    """

    __taskdir__ = RunningPath("__taskdir__")
    __maintaskdir__ = RunningPath("__maintaskdir__")
    __xpm_stdout__ = Stream("out")
    __xpm_stderr__ = Stream("err")

    def execute(self):
        """What the task does. An exception makes it fail."""
        raise NotImplementedError(f"{type(self).__qualname__} has no method execute")

    def record(self, figures=None, /, **more):
        """Records figures of its course while it runs: `self.record(step=10, loss=0.5)`, or a dict for names that
        are no words. Numbers (also of numpy or torch), texts, True, False, None; TypeError for others. Each call
        appends a line to `.experimaestro/figures.jsonl` in the job's folder, at once: it costs some
        microseconds. OSError when it cannot be written. Outside a job nothing is recorded."""
        from ._engine import record

        figures = {**(figures or {}), **more}
        for name, value in figures.items():
            if not isinstance(value, (bool, int, float, str, type(None))) and hasattr(value, "item"):
                figures[name] = value.item()
        record(figures)

    def remaining_time(self):
        """Seconds until its time limit ends the task while it runs; None without a limit."""
        from ._engine import remaining

        return remaining()

    def on_completed(self, callback):
        """Calls `callback` once, in a thread of the experiment, when the task has succeeded, in this
        run or before; with the task, if it takes an argument. What it submits, the experiment waits
        for. It may be asked for before the task is submitted. Returns the task. TypeError when
        `callback` cannot be called."""
        from .listener import check_called, on_completed
        from .submit import once_submitted

        check_called(callback)
        return once_submitted(self, on_completed, callback)

    def register_task_output(self, method, *args, **kwargs):
        """Announces an output from inside the task that runs: what `method`, bound to the task or to
        what it has among its parameters, makes of these arguments, in the process of the experiment,
        for those who called watch_output. TypeError when this is no ResumableTask, when `method` is
        not such a method, or when the arguments are not plain JSON."""
        from .run import register_output

        check_resumable(self)
        register_output(method, args, kwargs)

    def watch_output(self, method, callback):
        """Calls `callback`, in a thread of the experiment, with each output that the task announces
        for `method`, a bound method of the task or of a configuration that it holds: with what
        `method(dep, ...)` returns, where `dep` marks configurations as outputs of the task. Who uses
        them does not wait for the task. Outputs that were announced before, in an earlier run too,
        come first. It may be asked for before the task is submitted. Returns the task. TypeError when
        this is no ResumableTask, or `method` not such a method."""
        from .listener import check_called, check_watched, watch_output
        from .submit import once_submitted

        check_resumable(self)
        check_watched(method)
        check_called(callback)
        return once_submitted(self, watch_output, method, callback)


class ResumableTask(Task):
    """A task that goes on where it was when it is run again: what it needs for that is in its folder.

    It is started again when its time was over (the reason "timeout"), `max_retries` times at most: of
    submit, else of the experiment, 3 by default. How often it has failed is kept in its folder; when
    that is `max_retries` or more, it is not started by another submission until it is given more.
    """


def check_resumable(task):
    """Whether a task may announce outputs: TypeError."""
    if not isinstance(task, ResumableTask):
        raise TypeError(
            f"{type(task).__qualname__.removesuffix('.XPMConfig')} is no ResumableTask, and announces no outputs while it runs: "
            "started again after an interruption, it would not go on from them"
        )


class LightweightTask(Config):
    """A task that is executed in the process of another, before it: see Task.submit."""

    def execute(self):
        """What it does."""
        raise NotImplementedError(f"{type(self).__qualname__} has no method execute")


class InstanceConfig(Config):
    """The base of configurations of which two distinct ones with equal parameters differ: in what
    holds both, the second one counts as another."""


def tags(config):
    """The tags of a configuration and of all that it holds: a dict in order of name."""
    return config.tags()


def tagspath(config):
    """The tags as the name of a file: "epochs=10_model=a"."""
    return "_".join(
        f"{key}={value.replace('/', '-') if isinstance(value, str) else value}"
        for key, value in config.tags().items()
    )


def sealed_set(*configs):
    """A set of configurations, given one by one or as an iterable, which are sealed first: what is
    in a set must not change. ValueError when one lacks a value."""
    if len(configs) == 1 and not isinstance(configs[0], Configuration):
        configs = tuple(configs[0])
    for config in configs:
        if isinstance(config, Configuration):
            config.seal()
    return set(configs)


def setmeta(config, meta):
    """Says whether a configuration never counts in the identifier of what holds it (True), always
    counts (False), or as declared (None). Returns it. AttributeError when it is sealed."""
    config._meta = meta
    return config
