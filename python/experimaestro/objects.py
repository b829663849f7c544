"""What is done with configurations: contexts, stores of instances, copies, initializers."""

from functools import wraps

from ._engine import Configuration


class DirectoryContext:
    """Where the paths of a configuration are generated, when it is no task that is submitted.

        model = Model.C(...).instance(DirectoryContext("folder"))

    path: the directory, a Path.
    """

    def __init__(self, path):
        from pathlib import Path

        self.path = Path(path)

    def currentpath(self):
        """The directory."""
        return self.path

    def __fspath__(self):
        return str(self.path)


class ObjectStore:
    """The instances made of configurations, one of each. Calls of `instance` that are given the
    same store share them."""

    def __init__(self):
        self._made = {}
        self._configs = []  # the store has instances by address: their configurations must live

    def retrieve(self, config):
        """The instance made of a configuration, or None."""
        return self._made.get(config._address)

    def _instance(self, config, keep):
        self._configs.append(config)
        return config._instance(self._made, keep)


class SetInfo:
    """Where a parameter of a configuration was given its value.

    location: "file:line", or None. For a default, where the configuration was made.
    kind: "explicit", or "default".
    """

    __slots__ = ("location", "kind")

    def __init__(self, location, given):
        self.location = location
        self.kind = "explicit" if given else "default"

    def __repr__(self):
        return f"SetInfo(location={self.location!r}, kind={self.kind!r})"


def copyconfig(config, **values):
    """A copy of a configuration that shares what it holds, with other values for some of its
    parameters. It is not sealed, and is no task's output; what was generated is not copied.
    ValueError for a parameter that it has not, AttributeError for one that cannot be set."""
    copy = config._shallow()
    copy.__init__(**values)
    return copy


def clone(value):
    """A deep copy of a configuration, or of a list, dict, set or tuple of such."""
    if isinstance(value, Configuration):
        return value._copy()
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return type(value)(map(clone, value))
    return value


def initializer(method):
    """A method that runs once for each instance: later calls return what the first one returned.

        class Model(Config):
            @initializer
            def initialize(self):
                self.weights = load(...)
    """
    name = f"__xpm_initialized_{method.__name__}__"

    @wraps(method)
    def once(self, *args, **kwargs):
        known = self.__dict__
        if name not in known:
            known[name] = method(self, *args, **kwargs)
        return known[name]

    return once


def value_class(cls, value):
    """Makes `value` the class of the instances of `cls`. See Config.value_class."""
    from .declare import declare

    if not (isinstance(value, type) and issubclass(value, cls)):
        raise TypeError(
            f"the value class {value.__qualname__} of {cls.__qualname__} must derive from it"
        )
    for base in cls.__mro__[1:]:
        parent = base.__dict__.get("__xpm_value_class__")
        if parent is not None and not issubclass(value, parent):
            raise TypeError(
                f"the value class {value.__qualname__} of {cls.__qualname__} must derive from "
                f"{parent.__qualname__}, the value class of {base.__qualname__}"
            )
    cls.__xpm_value_class__ = declare(cls).value_class = value
    return value
