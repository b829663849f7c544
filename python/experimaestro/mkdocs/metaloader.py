"""Modules that are not there: documentation is built, and experiments are planned, without what
their code needs to run."""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Anything(type):
    """The class of classes that have every attribute."""

    def __getattr__(cls, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _make(f"{cls.__module__}.{cls.__qualname__}", name)

    def __getitem__(cls, item):
        return cls

    def __or__(cls, other):
        return cls

    __ror__ = __or__


def _make(owner, name):
    """A class to stand in for what a module that is not there has."""

    def new(cls, *args, **kwargs):
        if cls is stand_in and len(args) == 1 and not kwargs and callable(args[0]):
            return args[0]  # as a decorator
        return object.__new__(cls)

    stand_in = _Anything(
        name,
        (),
        {
            "__module__": owner,
            "__new__": new,
            "__init__": lambda self, *args, **kwargs: None,
            "__call__": lambda self, *args, **kwargs: args[0] if args else self,
        },
    )
    return stand_in


class Module(ModuleType):
    """A module that is not there: every name in it is a class, of which others can derive, and
    which decorates what it is called with."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = _make(self.__name__, name)
        setattr(self, name, value)
        return value


class _Loader(Loader):
    def create_module(self, spec):
        return Module(spec.name)

    def exec_module(self, module):
        pass


class DependencyInjectorFinder(MetaPathFinder):
    """Finds a Module for each module whose full name the regular expression matches.

        DependencyInjectorFinder.install(re.compile(r"^(torch|pandas)($|\\.)"))
    """

    def __init__(self, pattern):
        self.pattern = pattern

    @classmethod
    def install(cls, pattern):
        """Looks there before anything that is installed, from now on. Returns the finder, which
        can be removed from sys.meta_path."""
        finder = cls(pattern)
        sys.meta_path.insert(0, finder)
        return finder

    def find_spec(self, fullname, path, target=None):
        if self.pattern.match(fullname) is None:
            return None
        return ModuleSpec(fullname, _Loader(), is_package=True)
