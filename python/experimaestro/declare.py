"""Lowers Python classes into native ones, at first use.

A class is lowered in two steps. Its native class is declared as soon as something names it; its
annotations are evaluated, and its parameters added, before the first configuration is made. So
annotations may name classes that are defined later, and classes may name each other.
"""

import sys

from . import config as _config
from ._engine import Base, Class, Type
from .annotations import (
    Choices,
    Constant,
    DataPath,
    Hint,
    Meta,
    OptionalDataPath,
    Param,
    PathGenerator,
    field,
    missing,
    partial,
)

META, CONSTANT, IGNORED_DEFAULT, NONE_IS_DEFAULT = 1, 2, 4, 8
DATA, SAVER = 16, 8  # of a parameter, of a class
FLAGS = {
    _config.Task: 1,
    _config.LightweightTask: 2,
    _config.InstanceConfig: 4,
    _config.ResumableTask: 16,
}
BARE = {
    list: Type.list,
    tuple: Type.tuple_of,
    set: Type.set,
    frozenset: Type.set,
    dict: lambda any: Type.dict(any, any),
}
SCALARS = {int: "int", float: "float", bool: "bool", str: "str"}

MARKERS = (Choices, PathGenerator)

_in_progress = set()
_variables = {}  # TypeVar to Type


def own(cls):
    """The Class of a class, if it has been declared."""
    return cls.__dict__.get("__xpm_class__")


# ---- Declaring --------------------------------------------------------------------------------


def module_of(cls):
    """The module's name. A script is run under another name in a task's process."""
    return "__main__" if cls.__module__ == "_main_" else cls.__module__


def file_of(cls):
    """The script in which a class is defined; None when its module can be imported by name."""
    if module_of(cls) != "__main__":
        return None
    from os.path import abspath

    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return abspath(file) if file else None


def name_of(cls):
    name = cls.__dict__.get("__xpmid__")
    deprecated = "__xpm_deprecated__" in cls.__dict__  # one inherited is that of its replacement
    if name is None and not deprecated:
        name = getattr(cls, "__xpmid__", None)
        if not hasattr(name, "__func__"):  # a text is not inherited
            name = None
    elif name is not None and not isinstance(name, str):
        name = cls.__xpmid__
    if callable(name):
        name = name()
    if name is None:
        return f"{module_of(cls)}.{cls.__qualname__}"
    if not isinstance(name, str):
        raise TypeError(f"__xpmid__ of {cls!r} is {name!r}: it must be a text")
    return name


def declare(cls):
    """The Class of a class, whose parameters may be missing as yet."""
    class_ = own(cls)
    if class_ is not None:
        return class_
    bases = tuple(declare(base) for base in cls.__bases__ if is_config_class(base))
    file = file_of(cls)
    module = sys.modules.get(cls.__module__)
    place = file or getattr(module, "__file__", None) or "no file"
    program = getattr(cls, "__program__", None)
    class_ = Class(
        cls,
        name_of(cls),
        module_of(cls),
        cls.__qualname__,
        file,
        f"{module_of(cls)}.{cls.__qualname__} ({place})",  # the latest of one origin replaces it
        FLAGS.get(cls, 0) | (SAVER if "__xpm_serialize__" in cls.__dict__ else 0),
        bases,
        "c" if program else "python",
        str(program) if program else None,
    )
    cls.__xpm_class__ = class_
    if "__xpm_deprecated__" in cls.__dict__:
        by, replace = cls.__xpm_deprecated__
        class_.deprecate(declare(by), hasattr(cls, "__convert__"), not replace)
    for name in cls.__dict__.get("__xpm_renamed_from__", ()):
        class_.rename_from(name)
    return class_


def is_config_class(cls):
    return isinstance(cls, type) and issubclass(cls, _config.Config)


def complete(cls):
    """The Class of a class, of which configurations can be made. TypeError when an annotation is
    not understood; ValueError when the class's name is taken by another."""
    if not is_config_class(cls):
        raise TypeError(f"{cls!r} does not derive from Config")
    class_ = declare(cls)
    if class_.config_class is not None or cls in _in_progress:
        return class_
    _in_progress.add(cls)
    try:
        bases = [complete(base) for base in cls.__bases__ if is_config_class(base)]
        bind_variables(cls, class_)
        for base in bases:
            class_.inherit(base)
        add_partials(cls, class_)
        for name, hint in own_hints(cls):
            add_parameter(cls, class_, name, hint)
        class_.finish(make_config_class(cls, class_), *methods(cls))
    finally:
        _in_progress.discard(cls)
    return class_


def bind_variables(cls, class_):
    """Says what the variables of generic bases stand for: class Sub(Model[int])."""
    for base in cls.__dict__.get("__orig_bases__", ()):
        origin = getattr(base, "__origin__", None)
        if is_config_class(origin):
            where = f"{cls.__qualname__}({base!r})"
            variables, types = lower_arguments(cls, where, origin, base.__args__)
            for variable, type in zip(variables, types):
                class_.bind(variable, type)


def methods(cls):
    """Whether a class has __validate__, __post_init__, and methods with a @cache."""
    return tuple(
        hasattr(cls, name) for name in ("__validate__", "__post_init__", "__xpm_cached__")
    )


def make_config_class(cls, class_):
    namespace = {
        **class_.parameters,
        "__module__": cls.__module__,
        "__qualname__": f"{cls.__qualname__}.XPMConfig",
        "__doc__": cls.__doc__,
        "__xpm_class__": class_,
    }
    renamed = class_.renamed()
    if renamed or "__xpm_deprecated__" in cls.__dict__:
        from .deprecated import past_of

        namespace.update(past_of(cls, renamed))
    name = f"{cls.__name__}.XPMConfig"
    return type(cls)(name, (_config.ConfigMixin, cls), namespace)


def add_partials(cls, class_):
    for name, value in cls.__dict__.items():
        if isinstance(value, partial):
            class_.add_partial(
                value.name or name,
                names(value.exclude_groups),
                names(value.include_groups),
                value.exclude_all,
                value.exclude_no_group,
            )


def names(groups):
    return tuple(getattr(group, "name", group) for group in groups)


# ---- Annotations ------------------------------------------------------------------------------


def own_hints(cls):
    """The annotations of the class itself that declare parameters, evaluated."""
    for name, annotation in annotations_of(cls).items():
        if isinstance(annotation, str):
            try:
                annotation = evaluate(cls, annotation)
            except Exception as error:
                if "[" in annotation and is_marker(annotation):
                    raise TypeError(
                        f"{cls.__qualname__}.{name}: the annotation {annotation!r} cannot be "
                        f"evaluated ({error}): what it names must be defined at the top of the "
                        "module, and not under TYPE_CHECKING or inside a function"
                    ) from error
                continue
        hint = read(annotation)
        if hint is not None:
            yield name, hint


def annotations_of(cls):
    try:
        return cls.__annotations__
    except NameError:  # from Python 3.14 on, when one of them cannot be evaluated
        from annotationlib import Format, get_annotations

        return get_annotations(cls, format=Format.FORWARDREF)


def is_marker(text):
    marker = text.split("[")[0].split(".")[-1].strip()
    return marker in ("Param", "Meta", "Option", "Constant", "Annotated")


def evaluate(cls, text):
    namespace = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
    of_class = (*getattr(cls, "__parameters__", ()), *getattr(cls, "__type_params__", ()))
    variables = {each.__name__: each for each in of_class}
    return eval(text, namespace, {**variables, cls.__name__: cls, **cls.__dict__})


def read(annotation):
    """An annotation as (type, kind, markers), or None when it declares no parameter. The markers
    are what Annotated adds: objects of MARKERS, by class; the outermost of each."""
    markers = {}
    kind = None
    while True:
        if isinstance(annotation, Hint):
            annotation, kind = annotation.type, annotation.kind
        elif hasattr(annotation, "__metadata__"):
            for extra in annotation.__metadata__:
                if isinstance(extra, MARKERS):
                    markers.setdefault(type(extra), extra)
                elif extra is Param or extra is Meta or extra is Constant:
                    kind = extra.__name__
            annotation = annotation.__origin__
        elif annotation is DataPath or annotation is OptionalDataPath:
            from pathlib import Path

            return Path if annotation is DataPath else Path | None, "Data", markers
        else:
            break
    if kind is None and not markers:
        return None
    return annotation, kind or "Param", markers


def given_in(cls, class_, name):
    """What a class sets a parameter to: a default, a field, or `missing`. A parameter that is in
    place of an inherited one keeps its default."""
    if name in cls.__dict__ or name not in class_.parameters:
        return cls.__dict__.get(name, missing)
    bases = (base for base in cls.__mro__ if is_config_class(base) and name in base.__dict__)
    return next((base.__dict__[name] for base in bases), missing)


def warn_override(cls, name):
    """A parameter that is in place of an inherited one by mistake changes it silently."""
    from logging import getLogger

    getLogger("xpm").warning(
        "%s.%s is in place of an inherited parameter; write field(overrides=True) if that is meant",
        cls.__qualname__,
        name,
    )


def choices_of(markers):
    choices = markers.get(Choices)
    return choices and choices.choices


def add_parameter(cls, class_, name, hint):
    annotation, kind, markers = hint
    where = f"{cls.__qualname__}.{name}"
    generator = markers.get(PathGenerator)
    given = given_in(cls, class_, name)
    flags = {"Param": 0, "Meta": META, "Constant": CONSTANT, "Data": DATA}[kind]
    more = field()
    if isinstance(given, field):
        more = given
    elif given is not missing:
        more = field(default=given)
        flags |= IGNORED_DEFAULT if kind == "Param" else 0
    if name in class_.parameters and not more.overrides:
        warn_override(cls, name)
    if more.ignore_default:
        flags |= IGNORED_DEFAULT
    default, factory = more.default, more.default_factory
    if isinstance(factory, PathGenerator):
        generator, factory = factory, None
    if factory is not None:
        flags |= NONE_IS_DEFAULT
    if factory is not None and not flags & META:
        default, factory = factory(), None
    if generator is not None and default is not missing:
        raise TypeError(f"{where}: a generated path has no default")
    file = function = shared = None
    if generator is not None:
        file, function = generator.path, None
        if callable(file):
            file, function = None, generator
        shared = generator.partial.name if generator.partial is not None else None
    try:
        class_.add(
            name,
            lower(cls, where, annotation),
            flags,
            default,
            factory,
            None if file is None else str(file),
            shared,
            function,
            names(more.groups),
            more.ignore_generated,
            choices_of(markers),
            more.renamed_from,
        )
    except (TypeError, ValueError) as error:
        if str(error).startswith(where):
            raise
        raise type(error)(f"{where}: {error}") from error


# ---- Types ------------------------------------------------------------------------------------


def lower(cls, where, annotation):
    """The Type of an annotation. TypeError when it is none."""
    if isinstance(annotation, str):
        return lower(cls, where, resolve(cls, where, annotation))
    if hasattr(annotation, "__forward_arg__"):
        return lower(cls, where, resolve(cls, where, annotation.__forward_arg__))
    if hasattr(annotation, "__metadata__"):
        for extra in annotation.__metadata__:
            if isinstance(extra, MARKERS):
                raise TypeError(
                    f"{where}: {extra!r} is for a whole parameter, and not for a part of its type: "
                    "write Annotated outermost"
                )
        return lower(cls, where, annotation.__origin__)
    text = SCALARS.get(annotation) if isinstance(annotation, type) else None
    if text is not None:
        return Type.scalar(text)
    origin = getattr(annotation, "__origin__", None)
    arguments = getattr(annotation, "__args__", ())
    if origin is None and type(annotation).__name__ in ("UnionType", "Union"):
        return lower_union(cls, where, arguments)
    if type(annotation).__name__ == "TypeVar":
        return lower_variable(cls, where, annotation)
    if is_typing(annotation, "Any"):
        return Type.scalar("any")
    if origin is not None:
        return lower_generic(cls, where, annotation, origin, arguments)
    if isinstance(annotation, type):
        return lower_class(where, annotation)
    raise unsupported(where, annotation)


def resolve(cls, where, text):
    try:
        return evaluate(cls, text)
    except Exception as error:
        raise TypeError(f"{where}: the type {text!r} cannot be evaluated ({error})") from error


def is_typing(annotation, name):
    typing = sys.modules.get("typing")
    return typing is not None and annotation is getattr(typing, name)


def lower_generic(cls, where, annotation, origin, arguments):
    if is_typing(origin, "Union") or type(annotation).__name__ == "Union":
        return lower_union(cls, where, arguments)
    if is_config_class(origin):
        return Type.config(declare(origin), *lower_arguments(cls, where, origin, arguments))
    if origin is tuple and hasattr(annotation, "__args__"):
        return lower_tuple(cls, where, arguments)
    if not arguments and origin in BARE:  # typing.List
        return BARE[origin](Type.scalar("any"))
    if origin is list and len(arguments) == 1:
        return Type.list(lower(cls, where, arguments[0]))
    if origin in (set, frozenset) and len(arguments) == 1:
        return Type.set(lower(cls, where, arguments[0]))
    if origin is dict and len(arguments) == 2:
        return Type.dict(lower(cls, where, arguments[0]), lower(cls, where, arguments[1]))
    raise unsupported(where, annotation)


def lower_arguments(cls, where, origin, arguments):
    """The variables of a generic class, and the types that they stand for in origin[arguments]. One
    that no parameter could have, a class that is no configuration for example, is not looked at."""
    variables = getattr(origin, "__parameters__", ())
    lowered = tuple(lower_variable(origin, where, variable) for variable in variables)
    return lowered, tuple(lower_or_any(cls, where, argument) for argument in arguments)


def lower_or_any(cls, where, annotation):
    try:
        return lower(cls, where, annotation)
    except TypeError:
        return Type.scalar("any")


def lower_variable(cls, where, variable):
    """The Type of a TypeVar: always the same one, since classes share variables."""
    lowered = _variables.get(variable)
    if lowered is None:
        bound = None
        if variable.__constraints__:
            bound = Type.union(*(lower_or_any(cls, where, c) for c in variable.__constraints__))
        elif variable.__bound__ is not None:
            bound = lower_or_any(cls, where, variable.__bound__)
        lowered = _variables[variable] = Type.variable(variable.__name__, bound)
    return lowered


def lower_tuple(cls, where, arguments):
    if len(arguments) == 2 and arguments[1] is ...:
        return Type.tuple_of(lower(cls, where, arguments[0]))
    return Type.tuple(*(lower(cls, where, argument) for argument in arguments if argument != ()))


def lower_union(cls, where, arguments):
    types = [lower(cls, where, argument) for argument in arguments if argument is not NoneType]
    union = types[0] if len(types) == 1 else Type.union(*types)
    return Type.optional(union) if NoneType in arguments else union


def lower_class(where, annotation):
    if issubclass(annotation, Base):
        return Type.config(declare(annotation), (), ())
    if annotation in BARE:
        return BARE[annotation](Type.scalar("any"))
    if any(base.__module__.split(".")[0] == "pathlib" for base in annotation.__mro__):
        return Type.scalar("path")
    enum = sys.modules.get("enum")
    if enum is not None and issubclass(annotation, enum.Enum):
        return Type.enum(annotation)
    raise unsupported(where, annotation)


def unsupported(where, annotation):
    return TypeError(
        f"{where}: {annotation!r} is not a type that a parameter can have. It may be int, float, "
        "bool, str, Path, an Enum, a Config, Any, or a list, tuple, set, dict, Optional or Union "
        "of these"
    )


NoneType = type(None)
