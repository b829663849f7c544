"""Classes of configurations, seen from outside: what tools and documentation ask of them."""

from . import _engine
from .declare import CONSTANT, IGNORED_DEFAULT, META, complete, is_config_class

Type = _engine.Type  # of a parameter


class Identifier:
    """The name that identifies a class. name: the same, a text."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return isinstance(other, Identifier) and other.name == self.name

    def __hash__(self):
        return hash(self.name)

    def __str__(self):
        return self.name

    def __repr__(self):
        return f"Identifier({self.name!r})"


class Argument:
    """A parameter of a class.

    name: its name. type: its Type, of which str() gives the text.
    default: its default, or None; required: whether it must be given.
    ignored: whether it never counts in the identifier (Meta, and a path).
    constant: whether it cannot be set. generator: whether it is a generated path.
    ignore_default_in_identifier: whether it does not count when it equals its default.
    groups: the names of its groups.
    """

    def __init__(self, objecttype, name, parameter):
        self.objecttype = objecttype
        self.name = name
        self.type, flags, self.groups = objecttype.xpmclass.describe(name)
        self.default = parameter.default
        self.generator = parameter.generated
        self.constant = bool(flags & CONSTANT)
        self.ignored = bool(flags & META) or str(self.type).rstrip("?") == "path"
        self.ignore_default_in_identifier = bool(flags & IGNORED_DEFAULT)
        self._factory = getattr(parameter, "factory", None)

    @property
    def required(self):
        optional = str(self.type).endswith("?")
        given = self.default is not None or self.generator or self._factory is not None
        return not (optional or given)

    @property
    def help(self):
        """What its class says of it: the text under it, or in the class's docstring."""
        from .documented import helps

        return helps(self.objecttype.value_type).get(self.name)

    def __repr__(self):
        return f"<parameter {self.name}: {self.type}>"


class ObjectType:
    """A class of configurations: what cls.__getxpmtype__() gives.

    identifier: its Identifier. arguments: its parameters, a dict from name to Argument, inherited
    ones first. value_type: the class itself. config_type: the class of its configurations.
    title, description: the first line of its docstring, and the text that follows.
    """

    def __init__(self, xpmclass):
        self.xpmclass = xpmclass
        self.identifier = Identifier(xpmclass.name)
        self.value_type = xpmclass.cls
        self._arguments = None

    @property
    def config_type(self):
        return self.xpmclass.config_class

    @property
    def arguments(self):
        if self._arguments is None:
            parameters = self.xpmclass.parameters.items()
            self._arguments = {name: Argument(self, name, given) for name, given in parameters}
        return self._arguments

    @property
    def title(self):
        """The name of the class, for one without a docstring."""
        return self._text()[0] or self.value_type.__qualname__

    @property
    def description(self):
        return self._text()[1]

    def _text(self):
        from .documented import described

        return described(self.value_type)

    def parents(self):
        """The ObjectTypes of the classes of configurations that it derives from directly."""
        for base in self.value_type.__bases__:
            if is_config_class(base):
                yield object_type(base)

    def name(self):
        """Module and name of the class."""
        return f"{self.value_type.__module__}.{self.value_type.__qualname__}"

    def __repr__(self):
        return f"Type({self.identifier})"


def object_type(cls):
    """The ObjectType of a class: always the same for it. As for complete."""
    xpmclass = complete(cls)
    found = xpmclass.cls.__dict__.get("__xpm_object_type__")
    if found is None or found.xpmclass is not xpmclass:
        found = xpmclass.cls.__xpm_object_type__ = ObjectType(xpmclass)
    return found
