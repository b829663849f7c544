"""What users write in their classes: Param[int], field(...), pathgenerator(...).

Nothing here looks at types: experimaestro.declare does, when the class is first used.
"""

missing = ...  # no default


class Hint:
    """What Param[T] gives: the type T, and what kind of parameter it is."""

    __slots__ = ("type", "kind", "__weakref__")

    def __init__(self, type, kind):
        self.type = type
        self.kind = kind

    def __call__(self):  # typing takes only what can be called for a type
        raise TypeError(f"{self!r} is an annotation")

    def __or__(self, other):
        raise TypeError(f"write {self.kind}[T | None], and not {self.kind}[T] | None")

    def __repr__(self):
        return f"{self.kind}[{getattr(self.type, '__name__', self.type)}]"


class Param:
    """`x: Param[int]` declares a parameter, which counts in the identifier."""

    def __class_getitem__(cls, type):
        return Hint(type, "Param")


class Meta:
    """`x: Meta[int]` declares a parameter that does not count in the identifier."""

    def __class_getitem__(cls, type):
        return Hint(type, "Meta")


Option = Meta


class Constant:
    """`version: Constant[str] = "v1"` declares a value that cannot be set, and always counts."""

    def __class_getitem__(cls, type):
        return Hint(type, "Constant")


class DataPath:
    """`x: DataPath` declares a Path whose file or folder is copied when the configuration is
    saved."""


class OptionalDataPath:
    """`x: OptionalDataPath`: the same, or None."""


class Choices:
    """`loss: Annotated[str, Choices(["square", "absolute"])]` declares a parameter that may have
    these values alone."""

    __slots__ = ("choices",)

    def __init__(self, choices):
        self.choices = tuple(choices)

    def __repr__(self):
        return f"Choices({list(self.choices)!r})"


class field:
    """The default of a parameter, and more about it.

    default: the value when none is given; counts in the identifier (but see ignore_default).
    default_factory: called without argument to make the default, or a PathGenerator.
    ignore_default: the parameter does not count when it equals its default.
    ignore_generated: takes configurations of which paths were generated elsewhere.
    overrides: says that it is meant to be in place of an inherited parameter.
    groups: of param_group, which partial identifiers leave out.
    renamed_from: the name that the parameter had before, or a list of them: still accepted in
        C(...), with a DeprecationWarning, and read in the results of old jobs.

    TypeError when there is a default and a default_factory.
    """

    __slots__ = (
        "default",
        "default_factory",
        "ignore_default",
        "ignore_generated",
        "overrides",
        "groups",
        "renamed_from",
    )

    def __init__(
        self,
        *,
        default=missing,
        default_factory=None,
        ignore_default=False,
        ignore_generated=False,
        overrides=False,
        groups=(),
        renamed_from=(),
    ):
        # The old spelling: field(ignore_default=23).
        if ignore_default is not False and ignore_default is not True:
            if default is not missing:
                raise TypeError("field takes a default once: default=..., ignore_default=True")
            default, ignore_default = ignore_default, True
        if default is not missing and default_factory is not None:
            raise TypeError("field takes a default or a default_factory, and not both")
        self.default = default
        self.default_factory = default_factory
        self.ignore_default = ignore_default
        self.ignore_generated = ignore_generated
        self.overrides = overrides
        self.groups = tuple(groups)
        self.renamed_from = (renamed_from,) if isinstance(renamed_from, str) else (*renamed_from,)


class PathGenerator:
    """The path of a file or folder in the task's directory, made when the task is submitted.

    path: its name, or a function that gives it: of no argument, or of (context, config), where
        context.path is the folder.
    partial: a partial identifier: the path is in the folder that tasks share for which it is equal.
    """

    __slots__ = ("path", "partial")

    def __init__(self, path, partial=None):
        self.path = path
        self.partial = partial

    def __call__(self, directory, relative, config):
        """The path, for a function. Called by the engine."""
        from pathlib import Path

        code = getattr(self.path, "__code__", None)
        folder = Path(directory, relative)
        if code is not None and code.co_argcount == 0:
            name = self.path()
        else:
            name = self.path(GenerationContext(folder), config)
        return str(folder / name)


class GenerationContext:
    """Where a path is being generated. path: the folder."""

    def __init__(self, path):
        self.path = path

    def currentpath(self):
        """The folder."""
        return self.path


def pathgenerator(path):
    """`p: Annotated[Path, pathgenerator("model.pth")]` declares a path in the task's directory."""
    return PathGenerator(path)


class help:
    """`x: Annotated[Param[int], help("How many.")]` says what the parameter is for, to people."""

    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text


class param_group:
    """A named group of parameters. Groups of one name are equal."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return isinstance(other, param_group) and other.name == self.name

    def __hash__(self):
        return hash((param_group, self.name))

    def __repr__(self):
        return f"param_group({self.name!r})"


class partial:
    """A partial identifier, which leaves out groups of parameters; an attribute of a class.

        iterations = param_group("iterations")

        class Learn(Task):
            checkpoints = partial(exclude_groups=[iterations])
            epochs: Param[int] = field(groups=[iterations])

    exclude_groups, include_groups: groups that are left out, or kept whatever the rest says.
    exclude_all: leaves out every parameter. exclude_no_group: those without a group.
    """

    __slots__ = ("name", "exclude_groups", "include_groups", "exclude_all", "exclude_no_group")

    def __init__(
        self,
        *,
        exclude_groups=(),
        include_groups=(),
        exclude_all=False,
        exclude_no_group=False,
    ):
        self.name = None
        self.exclude_groups = tuple(exclude_groups)
        self.include_groups = tuple(include_groups)
        self.exclude_all = exclude_all
        self.exclude_no_group = exclude_no_group

    def __set_name__(self, owner, name):
        if self.name is None:
            self.name = name


def __getattr__(name):
    # Older programs look here for functions too.
    if name not in ("cache", "documentation", "initializer", "stop_tags", "tag", "tags", "tagspath"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import experimaestro

    return getattr(experimaestro, name)
