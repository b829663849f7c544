"""Random programs that declare configurations and build some: what users write, as text. A program
is a dict that JSON can hold:

    module        its name, which the identifiers depend on
    declarations  the source of its enumerations and classes
    steps         statements that make and change configurations, in order
    targets       the name of the object that each step makes or changes
    objects       the names of all of them
    partials      pairs of an object and one of its partial identifiers

Everything in it is drawn by hypothesis, which makes a smaller program of one that fails.
"""

from dataclasses import dataclass, field
from typing import Callable

from hypothesis import strategies as st

PRELUDE = """\
from enum import Enum
from typing import Dict, List, Optional, Set, Union

from experimaestro import (
    Annotated, Any, Config, Constant, InstanceConfig, LightweightTask, Meta, Param, Path, PathGenerator,
    Task, field, param_group, partial, pathgenerator, setmeta,
)


class Plain(Enum):
    ONE = 1
    TWO = "two"


class Word(str, Enum):
    A = "a"
    B = "b"


class Number(int, Enum):
    ONE = 1
    TWO = 2


red = param_group("red")
blue = param_group("blue")
"""

# Of each scalar: texts of values that it takes as they are,
SCALARS = {
    "int": ["0", "1", "-1", "7", "2**63 - 1", "-2**63"],
    "float": ["0.5", "0.0", "-0.0", "1.0", "1e308", "5e-324", 'float("nan")', 'float("inf")',
              '-float("inf")'],
    "bool": ["True", "False"],
    "str": ['""', '"a"', '"é"', '"\\U0001f600\\x00b"', '"two words"', '"3"'],
    "Path": ['Path("c")', 'Path("/d/e")'],
    "Plain": ["Plain.ONE", "Plain.TWO"],
    "Word": ["Word.A", "Word.B"],
    "Number": ["Number.ONE", "Number.TWO"],
    "Any": ["1", "1.5", '"x"', "[1, 'a']", "{'k': 2}", "True", "Plain.ONE", "Word.B"],
}
# and of those that it coerces.
COERCED = {
    "int": ["True", '"3"', '" 12 "', "2.0", "-0.0", "Number.TWO", "1e15"],
    "float": ["3", "True", '"2.5"', '"1e3"', '"nan"', "2**70", "Number.ONE", '" 1 "'],
    "bool": ["1", "0", '"yes"', '"off"', '"TRUE"', "1.0", "0.0"],
    "str": ["Word.A"],
    "Path": ['"a/b"'],
}

# Values that most types refuse, and some coerce.
ODD = ["None", "1.5", '"x"', '"3"', '"1.5"', '"yes"', "2", "2.0", "-1", "True", "[]", "[1]", "{}",
       '{"a": 1}', "{1}", "(1, 2)", "Plain.ONE", "Word.A", "Number.ONE", 'Path("a")', 'float("nan")',
       'float("inf")', '""', 'b"a"', "1j", "object()", "int", "1e30"]


@dataclass
class Type:
    text: str
    value: Callable  # value(builder): the text of a value of it


@dataclass
class Parameter:
    name: str
    type: Type
    required: bool
    settable: bool = True
    default: str = None


@dataclass
class Class:
    name: str
    kind: str  # its base in the package
    bases: list
    parameters: list = field(default_factory=list)
    partials: list = field(default_factory=list)
    output: "Class" = None  # what a task makes

    def is_a(self, other):
        return self is other or any(base.is_a(other) for base in self.bases)


class Builder:
    """A program that is being drawn."""

    def __init__(self, draw):
        self.draw = draw
        self.classes, self.source = [], [PRELUDE]
        self.steps, self.targets, self.objects = [], [], {}  # name -> class
        self.exact = False  # no value is to be coerced

    # ---- Drawing

    def pick(self, *choices):
        return self.draw(st.sampled_from(choices))

    def number(self, least, most):
        return self.draw(st.integers(least, most))

    def chance(self, percent):
        return self.draw(st.integers(0, 99)) >= 100 - percent

    # ---- Types

    def scalar(self, name):
        def value(b):
            coerced = [] if b.exact else COERCED.get(name, [])
            return b.pick(*SCALARS[name], *coerced)

        return Type(name, value)

    def type(self, depth=0):
        kinds = ["int", "float", "bool", "str", "Path", "Plain", "Word", "Number", "Any"]
        if depth < 2:
            kinds += ["list", "list", "dict", "set", "optional", "union"]
        if self.configs():
            kinds += ["config"] * 6
        kind = self.pick(*kinds)
        return getattr(self, f"type_{kind}")(depth) if kind.islower() and kind in (
            "list", "dict", "set", "optional", "union", "config"
        ) else self.scalar(kind)

    def plain(self, depth):
        """A type that the original takes in an Optional or a Union: no other one, and not Any."""
        type = self.type(depth)
        return type if type.text[:3] not in ("Opt", "Uni", "Any") else self.scalar("int")

    def configs(self):
        """The classes of which a configuration may be a value."""
        return [c for c in self.classes if c.kind in ("Config", "InstanceConfig", "Task")]

    def type_list(self, depth):
        item = self.type(depth + 1)
        origin = self.pick("List", "list")

        def value(b):
            return "[" + ", ".join(item.value(b) for _ in range(b.number(0, 3))) + "]"

        return Type(f"{origin}[{item.text}]", value)

    def type_set(self, depth):
        item = self.scalar(self.pick("int", "float", "str", "bool", "Plain"))
        origin = self.pick("Set", "set")

        def value(b):
            items = [item.value(b) for _ in range(b.number(0, 3))]
            return "{" + ", ".join(items) + "}" if items else "set()"

        return Type(f"{origin}[{item.text}]", value)

    def type_dict(self, depth):
        key = self.scalar(self.pick("str", "str", "str", "str", "int", "bool"))
        item = self.type(depth + 1)
        origin = self.pick("Dict", "dict")

        def value(b):
            pairs = [f"{key.value(b)}: {item.value(b)}" for _ in range(b.number(0, 3))]
            return "{" + ", ".join(pairs) + "}"

        return Type(f"{origin}[{key.text}, {item.text}]", value)

    def type_optional(self, depth):
        item = self.plain(depth + 1)
        text = f"Optional[{item.text}]"
        return Type(text, lambda b: "None" if b.chance(30) else item.value(b))

    def type_union(self, depth):
        # In one order everywhere: typing takes unions of one process for the same whatever theirs.
        items = sorted((self.plain(depth + 1) for _ in range(2)), key=lambda item: item.text)
        text = f"Union[{', '.join(item.text for item in items)}]"
        return Type(text, lambda b: b.pick(*items).value(b))

    def type_config(self, depth):
        cls = self.pick(*self.configs())
        return Type(cls.name, lambda b: b.config(cls))

    # ---- Classes

    def parameter(self, cls, index):
        if any(base.parameters for base in cls.bases) and self.chance(20):
            return self.override(cls)
        type, name = self.type(), f"p{len(self.classes)}_{index}"
        return self.declare(name, type, self.pick(
            "bare", "none", "none", "none", "default", "ignored", "both", "factory", "meta",
            "meta_default", "meta_factory", "constant", "option", "ignore_generated",
        ))

    def override(self, cls):
        base = self.pick(*[base for base in cls.bases if base.parameters])
        old = self.pick(*base.parameters)
        if not old.settable:
            return None
        return self.declare(old.name, old.type, self.pick("bare", "none", "default"), "overrides=True")

    def declare(self, name, type, kind, *more):
        default = None
        if kind not in ("none", "meta", "ignore_generated"):
            default = self.default(type)
            if default is None or (kind == "ignored" and default in ("True", "False")):
                default, kind = None, "none"
        groups = self.pick((), (), (), ("red",), ("blue",), ("red", "blue"))
        more = [*more, *([f"groups=[{', '.join(groups)}]"] if groups else [])]
        hint = {"meta": "Meta", "constant": "Constant"}.get(kind.split("_")[0], "Param")
        text = f"    {name}: {hint}[{type.text}]"
        arguments = {
            "default": [f"default={default}"],
            "ignored": [f"ignore_default={default}"],
            "both": [f"default={default}", "ignore_default=True"],
            "factory": [f"default_factory=lambda: {default}"],
            "meta_default": [f"default={default}"],
            "meta_factory": [f"default_factory=lambda: {default}"],
            "ignore_generated": ["ignore_generated=True"],
        }.get(kind, []) + more
        if kind in ("bare", "constant", "option"):
            text += f" = {default}"
        elif arguments:
            text += f" = field({', '.join(arguments)})"
        self.source.append(text)
        required = default is None and not type.text.startswith("Optional")
        return Parameter(name, type, required, kind != "constant", default)

    def default(self, type):
        """The text of a default. Objects do not exist yet, sets are no defaults for the original, and
        whether it takes two lists of a NaN for equal depends on whether that is one object."""
        objects, steps, self.objects = self.objects, self.steps, {}
        self.steps, self.exact = [], True
        value = type.value(self)
        self.exact = False
        made, self.objects, self.steps = self.steps, objects, steps
        refused = "{" in value and ":" not in value or "set()" in value or "nan" in value
        return None if made or refused else value

    def declare_class(self):
        name = f"C{len(self.classes)}"
        kind = self.pick("Config", "Config", "Config", "Config", "InstanceConfig", "Task",
                         "LightweightTask")
        bases = []
        same = [c for c in self.classes if c.kind == kind and c.output is None]
        if same and self.chance(30):
            bases = [self.pick(*same)]
            others = [c for c in same if not c.is_a(bases[0]) and not bases[0].is_a(c)]
            if others and self.chance(40):
                bases.append(self.pick(*others))
        cls = Class(name, kind, bases)
        self.source.append(f"\n\nclass {name}({', '.join(b.name for b in bases) or kind}):")
        body = len(self.source)
        if self.chance(15):
            self.source.append(f'    __xpmid__ = f"{{__name__}}.Given.{name}"')
        for base in bases:
            known = {p.name for p in cls.parameters}
            cls.parameters += [p for p in base.parameters if p.name not in known]
            cls.partials += base.partials
        for index in range(self.number(0, 4)):
            parameter = self.parameter(cls, index)
            if parameter is not None:
                names = [p.name for p in cls.parameters]
                if parameter.name in names:
                    cls.parameters[names.index(parameter.name)] = parameter
                else:
                    cls.parameters.append(parameter)
        if kind in ("Config", "InstanceConfig") and self.chance(30):
            self.source.append(f'    link{name}: Param[Optional["{name}"]] = None')
            self.source.append(f'    many{name}: Param[List["{name}"]] = []')
            cls.link = f"link{name}"
            cls.many = f"many{name}"
        if self.chance(20):
            rule = self.pick("exclude_groups=[red]", "exclude_groups=[red, blue]", "exclude_all=True",
                             "exclude_all=True, include_groups=[blue]", "exclude_no_group=True",
                             "exclude_no_group=True, include_groups=[red]")
            self.source.append(f"    some{name} = partial({rule})")
            cls.partials = cls.partials + [f"some{name}"]
        if kind == "Task":
            self.task(cls)
        if len(self.source) == body:
            self.source.append("    pass")
        self.classes.append(cls)

    def task(self, cls):
        if self.chance(50):
            self.source.append(f'    made{cls.name}: Meta[Path] = field(default_factory=PathGenerator("f"))')
        self.source.append("\n    def execute(self):\n        pass")
        values = [c for c in self.classes if c.kind == "Config" and not any(p.required for p in c.parameters)]
        if values and self.chance(40):
            cls.output = self.pick(*values)
            self.source.append(
                f"\n    def task_outputs(self, dep):\n        return dep({cls.output.name}.C())"
            )

    # ---- Objects

    def config(self, cls):
        """The name of a configuration of a class, new or not."""
        fitting = [name for name, its in self.objects.items() if its.is_a(cls)]
        if fitting and (len(self.objects) > 12 or self.chance(50)):
            return self.pick(*fitting)
        return self.make(self.pick(*[c for c in self.classes if c.is_a(cls)]))

    def value(self, type):
        odd = ODD[1:] if type.text == "Any" else ODD  # which may be None, but not for the original
        return self.pick(*odd) if self.chance(2) else type.value(self)

    def make(self, cls):
        arguments = []
        for parameter in cls.parameters:
            if not parameter.settable or not (parameter.required or self.chance(50)):
                continue
            same = parameter.default is not None and self.chance(30)
            value = parameter.default if same else self.value(parameter.type)
            arguments.append(f"{parameter.name}={value}")
        text = f"{cls.name}.C({', '.join(arguments)})"
        if cls.kind == "Task":
            inits = [n for n, its in self.objects.items() if its.kind == "LightweightTask"]
            chosen = [self.pick(*inits) for _ in range(self.number(0, 2))] if inits else []
            text += f".submit(init_tasks=[{', '.join(chosen)}])" if chosen else ".submit()"
        name = f"o{len(self.objects)}"
        self.step(name, f"{name} = {text}")
        self.objects[name] = cls.output or cls
        return name

    def step(self, target, text):
        self.steps.append(text)
        self.targets.append(target)

    def change(self):
        """One more statement about objects that exist."""
        name = self.pick(*self.objects)
        cls = self.objects[name]
        kind = self.pick("meta", "assign", "assign", "link", "link", "many")
        if kind == "meta":
            self.step(name, f"setmeta({name}, {self.pick('True', 'True', 'False', 'None')})")
        elif kind == "assign":
            settable = [p for p in cls.parameters if p.settable]
            if settable:
                parameter = self.pick(*settable)
                value = self.value(parameter.type)
                self.step(name, f"{name}.{parameter.name} = {value}")
        else:
            linked = getattr(cls, kind, None)
            if linked is None:
                return
            fitting = [n for n, its in self.objects.items() if its.is_a(cls)]
            others = [self.pick(*fitting) for _ in range(self.number(1, 3))]
            value = others[0] if kind == "link" else f"[{', '.join(others)}]"
            self.step(name, f"{name}.{linked} = {value}")

    def program(self):
        for _ in range(self.number(1, 5)):
            self.declare_class()
        for _ in range(self.number(1, 4)):
            self.make(self.pick(*self.classes))
        for _ in range(self.number(0, 5)):
            self.change()
        if self.chance(50):
            self.make(self.classes[-1])
        return {
            "declarations": "\n".join(self.source) + "\n",
            "steps": self.steps,
            "targets": self.targets,
            "objects": list(self.objects),
            "partials": [[n, p] for n, c in self.objects.items() for p in c.partials],
        }


@st.composite
def programs(draw):
    return Builder(draw).program()
