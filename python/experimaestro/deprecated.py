"""Names of the past: @deprecate, for classes and parameters, and @renamed_from, for classes."""

import sys
from warnings import warn

from .config import Config, ConfigMixin
from .declare import is_config_class, module_of, own

renamed = {}  # "module.qualname" of the past, in lower case -> class


def deprecate(target=None, *, replace=False):
    """Says that a class, or a parameter, is of the past.

        @deprecate
        class Old(New): ...         # identified as New, by its own parameters

        @deprecate(New)
        class Old(Config):
            value: Param[int]

            def __convert__(self):  # identified as what this gives
                return New.C(values=[self.value])

        class Learn(Task):
            losses: Param[list[Loss]] = field(default_factory=list)

            @deprecate
            def loss(self, value):  # C(loss=...) and `c.loss = ...` call it
                self.losses.append(value)

    With `replace=True`, `Old.C(...)` gives what `__convert__` does, whose attribute
    `_deprecated_from` is the deprecated configuration; setting a parameter of the past on it warns,
    and does nothing.

    TypeError when it cannot tell what replaces a class, or when it cannot be converted.
    """
    if target is None:
        return lambda cls: mark(cls, only_parent(cls), replace)
    if not isinstance(target, type):
        return DeprecatedParameter(target)
    if replace or is_bound(target, sys._getframe(1)):
        return lambda cls: mark(cls, target, replace)
    return mark(target, only_parent(target), replace)


def is_bound(cls, frame):
    """Whether a class has its name already: the one that is being decorated has not."""
    found = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls or any(
        value is cls for names in (frame.f_locals, frame.f_globals) for value in names.values()
    )


def only_parent(cls):
    parents = [base for base in cls.__bases__ if is_config_class(base)]
    if len(parents) != 1 or parents[0].__module__ == Config.__module__:
        raise TypeError(
            f"@deprecate cannot tell what replaces {cls.__qualname__}: it must derive from one "
            "class of yours; or write @deprecate(TheNewClass)"
        )
    return parents[0]


def mark(cls, by, replace):
    if not is_config_class(cls) or not is_config_class(by):
        raise TypeError(f"@deprecate takes classes of configurations, and not {cls!r}, {by!r}")
    if replace and not hasattr(cls, "__convert__"):
        raise TypeError(f"{cls.__qualname__} is replaced, and needs a method __convert__")
    if own(cls) is not None:
        raise TypeError(f"@deprecate comes before {cls.__qualname__} is used")
    cls.__xpm_deprecated__ = (by, replace)
    return cls


def renamed_from(*names):
    """Says which names a class had before, so that the results of old jobs are found: see
    `experimaestro deprecated`. A name without a dot is in the same module.

        @renamed_from("old.module.Learn")
        class Train(Task): ...
    """

    def decorate(cls):
        if not is_config_class(cls):
            raise TypeError(f"@renamed_from takes a class of configurations, and not {cls!r}")
        full = tuple(name if "." in name else f"{module_of(cls)}.{name}" for name in names)
        cls.__xpm_renamed_from__ = full
        renamed.update((name.lower(), cls) for name in full)
        return cls

    return decorate


# ---- What the class of configurations gets --------------------------------------------------------


def past_of(cls, parameters):
    """What the configurations of a class have for the past: `parameters` has the names that they
    had, and have."""
    past = {old: Renamed(old, new) for old, new in parameters.items() if not hasattr(cls, old)}
    if cls.__dict__.get("__xpm_deprecated__", (None, False))[1]:
        past["__new__"] = new_replaced
    return past


def new_replaced(config_class, *args, **kwargs):
    """What a deprecated configuration converts to, in place of itself."""
    old = ConfigMixin.__new__(config_class)
    text = f"{old._class.cls.__qualname__} is deprecated: this makes a {old._class.name}"
    warn(text, DeprecationWarning, stacklevel=2)
    old.__init__(*args, **kwargs)
    converted = old.__convert__()
    converted._deprecated_from = old
    new_class = type(converted)
    for name in old._class.parameters:
        if not hasattr(new_class, name):
            setattr(new_class, name, Discarded(name))
    return converted


class Renamed:
    """A name that a parameter had: reads and writes it, and warns."""

    def __init__(self, old, new):
        self.old = old
        self.new = new

    def __get__(self, config, owner=None):
        if config is None:
            return self
        self.warn(config)
        return getattr(config, self.new)

    def __set__(self, config, value):
        self.warn(config)
        setattr(config, self.new, value)

    def warn(self, config):
        text = f"parameter {self.old} of {config._class.name} is now called {self.new}"
        warn(text, DeprecationWarning, stacklevel=3)


class Discarded:
    """A parameter that what replaces a deprecated configuration has not."""

    def __init__(self, name):
        self.name = name

    def __get__(self, config, owner=None):
        if config is None:
            return self
        try:
            return config.__dict__[self.name]
        except KeyError:
            raise AttributeError(f"{config._class.name} has no attribute {self.name}") from None

    def __set__(self, config, value):
        old = config.__dict__.get("_deprecated_from")
        if old is None:
            config.__dict__[self.name] = value
        else:
            text = (f"{self.name} is a parameter of the deprecated {old._class.cls.__qualname__}, and "
                    f"not of {config._class.name}: the value is discarded")
            warn(text, stacklevel=2)


class DeprecatedParameter:
    """A parameter that is set through a method."""

    __xpm_setter__ = True

    def __init__(self, setter):
        self.setter = setter
        self.__doc__ = setter.__doc__

    def __get__(self, config, owner=None):
        if config is None:
            return self
        raise AttributeError(f"{self.setter.__qualname__} is deprecated: it is set, and not read")

    def __set__(self, config, value):
        text = f"parameter {self.setter.__qualname__} is deprecated"
        warn(text, DeprecationWarning, stacklevel=2)
        self.setter(config, value)
