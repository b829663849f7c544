"""Annotations and the types that they stand for."""

import enum
from typing import Any, Dict, List, Optional, Set, Union

import pytest

from experimaestro import (
    Annotated,
    Config,
    Constant,
    Meta,
    Option,
    Param,
    Path,
    PathGenerator,
    field,
    pathgenerator,
)


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Size(str, enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Leaf(Config):
    x: Param[int]


class Scalars(Config):
    i: Param[int]
    f: Param[float]
    b: Param[bool]
    s: Param[str]
    p: Param[Path]
    e: Param[Color]


class Collections(Config):
    ints: Param[List[int]]
    strs: Param[Set[str]]
    table: Param[Dict[int, List[float]]]
    new: Param[dict[str, set[int]]]
    optional: Param[Optional[int]]
    pipe: Param[int | str | None]
    union: Param[Union[int, str]]
    anything: Param[Any]
    leaf: Param[Leaf]


@pytest.mark.parametrize(
    "name, given, kept",
    [
        ("i", "3", 3),
        ("i", 2.0, 2),
        ("i", True, 1),
        ("i", " 3 ", 3),
        ("i", "3.0", 3),
        ("i", "1_000", 1000),
        ("f", 2**70, 2.0**70),
        ("f", "1_000.5", 1000.5),
        ("f", "-INF", float("-inf")),
        ("f", 3, 3.0),
        ("f", "1e3", 1000.0),
        ("f", True, 1.0),
        ("b", "yes", True),
        ("b", 0, False),
        ("p", "/a/b", Path("/a/b")),
        ("p", Path("a"), Path("a")),
        ("s", "é\0", "é\0"),
        ("e", Color.GREEN, Color.GREEN),
    ],
)
def test_scalars_are_coerced(name, given, kept):
    value = getattr(Scalars(**{name: given}), name)
    assert value == kept and type(value) is type(kept)


@pytest.mark.parametrize(
    "name, given",
    [("i", 1.5), ("i", "1__0"), ("i", "0x10"), ("i", float("nan")), ("i", 2**63), ("i", str(2**63)),
     ("f", "0x10"), ("f", 10**400), ("b", " true"), ("i", "a"), ("i", []), ("f", "x"), ("b", 2), ("b", "maybe"), ("s", 1),
     ("s", Path("a")), ("p", 1), ("e", "RED"), ("e", 1), ("i", None), ("s", b"a"), ("i", 1j)],
)
def test_scalars_of_another_type_are_refused(name, given):
    with pytest.raises(ValueError, match=rf"\$\.{name}: "):
        Scalars(**{name: given})


@pytest.mark.parametrize(
    "name, given, kept",
    [
        ("ints", [1, "2", 3.0], [1, 2, 3]),
        ("strs", {"a", "b"}, {"a", "b"}),
        ("strs", frozenset("ab"), {"a", "b"}),
        ("table", {1: [1, 2]}, {1: [1.0, 2.0]}),
        ("new", {"a": {1}}, {"a": {1}}),
        ("optional", None, None),
        ("optional", "4", 4),
        ("pipe", None, None),
        ("pipe", "a", "a"),
        ("union", "3", 3),
        ("union", "a", "a"),
        ("anything", {"a": [1, None, 2.5]}, {"a": [1, None, 2.5]}),
    ],
)
def test_collections_are_checked_within(name, given, kept):
    assert getattr(Collections(**{name: given}), name) == kept


@pytest.mark.parametrize(
    "name, given",
    [("ints", (1,)), ("ints", {1}), ("ints", 1), ("strs", ["a"]), ("table", {"a": [1]}),
     ("table", [1]), ("union", 1.5), ("union", None), ("anything", object()), ("leaf", None)],
)
def test_collections_of_another_type_are_refused(name, given):
    with pytest.raises(ValueError, match=rf"\$\.{name}"):
        Collections(**{name: given})


def test_a_list_that_holds_itself_is_refused():
    ints = []
    ints.append(ints)
    with pytest.raises(RecursionError):
        Collections(anything=ints)


def test_subclasses_of_the_scalars_are_taken():
    class MyInt(int):
        pass

    class Index:
        def __index__(self):
            return 7

    assert Scalars(i=MyInt(3)).i == 3
    assert Scalars(i=Index()).i == 7


def test_an_enumeration_that_mixes_in_str_counts_as_its_text():
    def declare(type):
        class Sized(Config):
            size: Param[type]

        return Sized

    WithSize, WithStr = declare(Size), declare(str)
    small = WithSize(size=Size.SMALL)
    assert small.size is Size.SMALL and small.instance().size is Size.SMALL
    identifier = small.__xpm__.identifier
    assert identifier == WithStr(size="small").__xpm__.identifier
    assert WithStr(size=Size.SMALL).size == "small"
    for text in ("small", "medium"):
        with pytest.raises(ValueError, match=r"\$\.size: expected .*Size, got str"):
            WithSize(size=text)


def test_optional_parameters_are_not_required():
    class Optionals(Config):
        x: Param[Optional[int]]
        y: Param[int] = None
        z: Meta[Optional[str]] = field(default=None)

    optionals = Optionals()
    optionals.seal()
    assert (optionals.x, optionals.y, optionals.z) == (None, None, None)
    optionals = Optionals(y=None)
    optionals.y = 3
    assert optionals.y == 3


def test_hints_without_a_marker_are_ignored():
    class Marked(Config):
        plain: int
        documented: Annotated[int, "help"]
        counted: Annotated[Param[int], "help"]
        unknown: "Whatever[int]"  # noqa: F821
        optional: Option[int] = 3

    assert set(Marked().__xpm__.xpmtype.arguments) == {"counted", "optional"}


def test_annotations_may_be_texts_and_name_later_classes():
    class Early(Config):
        late: "Param[Late]"
        more: Param[list["Late"]] = []
        forward: Param[List["Late"]] = []

    late = Late(x=1)
    early = Early(late=late, more=[late], forward=[late])
    assert early.late is late and early.more == early.forward == [late]


class Late(Config):
    x: Param[int]


class Parent(Config):
    child: Param["Optional[Child]"]
    p: Param[int] = 0


class Child(Parent):
    c: Param[int] = 1


def test_a_class_may_name_one_that_extends_it():
    child = Child(child=Child(p=3))
    assert child.child.p == 3 and child.c == 1
    assert Parent(child=child).child is child


def test_an_annotation_that_cannot_be_evaluated_names_the_parameter():
    class Broken(Config):
        x: "Param[DoesNotExist]"  # noqa: F821

    with pytest.raises(TypeError, match=r"Broken\.x.*DoesNotExist"):
        Broken()


@pytest.mark.parametrize("hint", [tuple[int, bytes], bytes, object, list[bytes], 3, complex])
def test_an_unsupported_type_names_the_parameter(hint):
    class Unsupported(Config):
        __annotations__ = {"value": Param[hint]}

    for _ in range(2):
        with pytest.raises(TypeError, match=r"Unsupported\.value: .* is not a type"):
            Unsupported()


@pytest.mark.parametrize(
    "annotation, default",
    [(Param[int], "a"), (Param[list[int]], [1, "a"]), (Constant[int], ...), (Meta[bool], "x")],
)
def test_a_default_of_the_wrong_type_is_an_error_of_the_class(annotation, default):
    namespace = {"__annotations__": {"value": annotation}}
    if default is not ...:
        namespace["value"] = default
    made = type("Wrong", (Config,), namespace)
    with pytest.raises((TypeError, ValueError), match="value"):
        made()


def test_a_field_takes_one_default():
    with pytest.raises(TypeError):
        field(default=1, default_factory=int)
    with pytest.raises(TypeError):
        field(default=1, ignore_default=2)


def test_a_generated_path_has_no_default():
    class Both(Config):
        path: Annotated[Path, pathgenerator("a")] = Path("b")

    with pytest.raises(TypeError, match=r"Both\.path: a generated path has no default"):
        Both()


def test_the_spellings_of_a_generated_path():
    class Spelled(Config):
        old: Annotated[Path, pathgenerator("old")]
        new: Meta[Path] = field(default_factory=PathGenerator("new"))

    made = Spelled()
    made.seal("/folder")
    assert (made.old, made.new) == (Path("/folder/old"), Path("/folder/new"))


def test_an_inherited_parameter_keeps_a_compatible_type():
    class Base(Config):
        leaf: Param[Config]
        x: Param[int] = 1

    class Narrower(Base):
        leaf: Param[Leaf]
        x: Param[int] = field(default=2, overrides=True)

    class Other(Base):
        x: Param[str]

    assert Narrower(leaf=Leaf(x=1)).x == 2
    with pytest.raises(ValueError, match="expected"):
        Narrower(leaf=Narrower())
    with pytest.raises(TypeError, match="inherited"):
        Other()


def test_several_bases_give_their_parameters():
    class A(Config):
        a: Param[int] = 1

    class B(Config):
        b: Param[int] = 2

    class Both(A, B):
        c: Param[int] = 3

    made = Both(a=10)
    assert (made.a, made.b, made.c) == (10, 2, 3)


def test_abstract_classes_can_be_configured():
    from abc import ABC, abstractmethod

    class Abstract(Config, ABC):
        x: Param[int] = 1

        @abstractmethod
        def compute(self):
            ...

    class Concrete(Abstract):
        def compute(self):
            return self.x

    class Uses(Config):
        what: Param[Abstract]

    assert Uses(what=Concrete(x=2)).instance().what.compute() == 2
    assert isinstance(Concrete(), ABC)


def test_the_keys_of_a_dict_are_scalars():
    class Keyed(Config):
        table: Param[dict[Leaf, int]]

    with pytest.raises(TypeError, match="Keyed.table: .*leaf cannot be the type of a dict's keys"):
        Keyed(table={})
