"""Tuples, sets and dicts, members of enumerations, and numbers of other libraries."""

import collections
import enum
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple, Union

import pytest

from experimaestro import Config, Meta, Param, field, sealed_set, tag


class Size(str, enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Leaf(Config):
    x: Param[int]


class Tuples(Config):
    pair: Param[tuple[int, str]]
    row: Param[Tuple[float, ...]]
    none: Param[Tuple[()]]
    nested: Param[tuple[List[int], Optional[Leaf]]]
    leaves: Param[tuple[Leaf, ...]]
    bare: Param[tuple]
    anything: Param[Any]
    either: Param[Union[list[int], tuple[int, ...]]]


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "name, given, kept",
    [
        ("pair", ("3", "a"), (3, "a")),
        ("pair", [3, "a"], (3, "a")),
        ("pair", Point(3, "a"), (3, "a")),
        ("row", (1, "2"), (1.0, 2.0)),
        ("row", (), ()),
        ("none", (), ()),
        ("nested", ([1, "2"], None), ([1, 2], None)),
        ("bare", (1, "a", [2]), (1, "a", [2])),
        ("anything", (1, (2,)), (1, (2,))),
        ("either", (1,), (1,)),
        ("either", [1], [1]),
    ],
)
def test_tuples_are_kept_as_tuples(name, given, kept):
    made = Tuples(**{name: given})
    value = getattr(made, name)
    assert value == kept and type(value) is type(kept)
    again = getattr(made.copy(), name)
    assert again == kept and type(again) is type(kept)


@pytest.mark.parametrize(
    "name, given, message",
    [
        ("pair", (1,), r"\$\.pair: expected tuple\[int,str\], got tuple of 1"),
        ("pair", (1, 2), r"\$\.pair\[1\]: expected str, got int 2"),
        ("pair", {1, "a"}, r"\$\.pair: expected tuple\[int,str\], got set of 2"),
        ("row", (1, "x"), r"\$\.row\[1\]: expected float"),
        ("none", (1,), r"\$\.none: expected tuple\[\]"),
        ("nested", ([1.5], None), r"\$\.nested\[0\]\[0\]: expected int"),
        ("leaves", (1,), r"\$\.leaves\[0\]: expected .*leaf"),
        ("anything", (object(),), r"\$\.anything\[0\]: not a value"),
    ],
)
def test_tuples_of_another_type_are_refused(name, given, message):
    with pytest.raises(ValueError, match=message):
        Tuples(**{name: given})


def test_a_tuple_is_identified_as_a_list_of_the_same_items():
    def declare(type):
        class Row(Config):
            row: Param[type]

        return Row

    WithTuple, WithList = declare(tuple[int, ...]), declare(list[int])
    tuple_ = WithTuple(row=(1, 2)).__xpm__.identifier
    assert tuple_ == WithList(row=[1, 2]).__xpm__.identifier
    assert tuple_ != WithTuple(row=(2, 1)).__xpm__.identifier


def test_configurations_in_a_tuple_are_of_the_whole():
    leaf = Leaf(x=tag(1))
    made = Tuples(
        pair=(1, "a"),
        row=(),
        none=(),
        nested=([], leaf),
        leaves=(leaf, Leaf(x=2)),
        bare=(),
        anything=(leaf,),
        either=[1],
    )
    assert made.tags() == {"x": 1}
    before = made.__xpm__.identifier
    leaf.x = 5
    assert made.__xpm__.identifier != before
    twin = made.copy()
    assert twin.leaves[0] is twin.nested[1] is twin.anything[0] is not leaf
    made.seal()
    with pytest.raises(AttributeError):
        leaf.x = 6
    instance = made.instance()
    assert type(instance.leaves) is tuple and instance.leaves[0].x == 5
    assert instance.leaves[0] is instance.nested[1] is instance.anything[0]


def test_what_is_in_a_tuple_may_change_until_it_is_sealed():
    made = Tuples(nested=([1], None))
    before = made.__xpm__.identifier
    made.nested[0].append("2")
    assert made.__xpm__.identifier != before
    made.nested[0].append("x")
    with pytest.raises(ValueError, match=r"\$\.nested\[0\]\[2\]: expected int"):
        made.__xpm__.identifier


def test_a_tuple_that_leads_back_is_described_and_a_cycle():
    first = Tuples(pair=(1, "a"))
    first.anything = (Tuples(anything=(first,)),)
    assert repr(first) == "Tuples(anything=(Tuples(anything=(...))), pair=(1, 'a'))"
    first.__xpm__.identifier


def test_defaults_are_of_their_parameters_type():
    class Defaults(Config):
        pair: Param[tuple[int, str]] = ("3", "a")
        lists: Param[tuple[List[int], int]] = ([1], 2)
        path: Meta[Path] = "a/b"
        real: Param[float] = 3
        set_: Param[Set[int]] = frozenset(["1"])
        made: Param[tuple[int, ...]] = field(default_factory=lambda: [1, 2])

    first, second = Defaults(), Defaults()
    assert first.pair == (3, "a") and first.made == (1, 2) and first.set_ == {1}
    assert first.path == Path("a/b") and type(first.real) is float
    first.lists[0].append(5)
    assert second.lists == ([1], 2) and first.lists == ([1, 5], 2)
    assert Defaults().__xpm__.identifier == Defaults(pair=(3, "a")).__xpm__.identifier


# ---- Sets and dicts ---------------------------------------------------------------------------


class Sets(Config):
    ints: Param[Set[int]] = field(default=set())
    tuples: Param[set[tuple[int, str]]] = field(default=set())
    frozen: Param[frozenset[str]] = field(default=frozenset())
    table: Param[Dict[int, str]] = field(default={})


@pytest.mark.parametrize(
    "name, given, kept",
    [
        ("ints", {1, "1", 2.0}, {1, 2}),
        ("tuples", {(1, "a"), ("1", "a"), (2, "a")}, {(1, "a"), (2, "a")}),
        ("frozen", frozenset("ab"), {"a", "b"}),
        ("frozen", {"a"}, {"a"}),
        ("table", {"1": "a", 1: "b"}, {1: "b"}),
    ],
)
def test_what_becomes_equal_counts_once(name, given, kept):
    made, plain = Sets(**{name: given}), Sets(**{name: kept})
    assert getattr(made, name) == kept
    assert made.__xpm__.identifier == plain.__xpm__.identifier


class Holder(Config):
    leaves: Param[Set[Leaf]]
    pairs: Param[set[tuple[str, Leaf]]] = field(default=set())


@pytest.mark.parametrize(
    "make",
    [
        lambda *leaves: sealed_set(*leaves),
        lambda *leaves: sealed_set(list(leaves)),
        lambda *leaves: sealed_set(leaf for leaf in leaves),
        lambda *leaves: sealed_set(set(sealed_set(*leaves))),
    ],
)
def test_a_sealed_set_has_its_configurations_sealed(make):
    one, two = Leaf(x=1), Leaf(x=2)
    made = make(one, two)
    assert made == {one, two} and type(made) is set
    assert one.__xpm__.sealed and two.__xpm__.sealed
    assert len(make(Leaf(x=1), Leaf(x=1))) == 1
    with pytest.raises(AttributeError):
        one.x = 3


def test_a_sealed_set_of_other_values_is_a_set():
    assert sealed_set() == set() and sealed_set([]) == set() and sealed_set(1, "a") == {1, "a"}
    with pytest.raises(ValueError, match="x is required but missing"):
        sealed_set(Leaf())


def test_sets_of_configurations_are_sealed_tagged_copied_and_made_instances():
    one, two = Leaf(x=tag(1)), Leaf(x=2)
    holder = Holder(leaves=sealed_set(one, two), pairs={("a", one)})
    other = Holder(leaves=sealed_set([Leaf(x=2), Leaf(x=1)]), pairs={("a", one)})
    assert holder.__xpm__.identifier == other.__xpm__.identifier
    assert holder.tags() == {"x": 1}
    copy = holder.copy()
    assert copy.leaves == holder.leaves and copy.leaves is not holder.leaves
    assert copy.__xpm__.identifier == holder.__xpm__.identifier
    copy.leaves.clear()
    assert copy.__xpm__.identifier != holder.__xpm__.identifier
    holder.seal()
    instance = holder.instance()
    assert sorted(leaf.x for leaf in instance.leaves) == [1, 2]
    assert {type(leaf) for leaf in instance.leaves} == {Leaf}
    ((name, leaf),) = instance.pairs
    assert name == "a" and leaf in instance.leaves


@pytest.mark.parametrize("bare", [list, List, dict, Dict, set, Set, frozenset, Tuple])
def test_a_collection_without_items_takes_any(bare):
    class Bare(Config):
        __annotations__ = {"x": Param[bare]}

    name = getattr(bare, "_name", None) or bare.__name__
    value = {"list": [1, "a"], "tuple": (1, "a"), "dict": {1: "a"}}.get(name.lower(), {1, "a"})
    assert Bare(x=value).x == value
    with pytest.raises(ValueError, match=r"\$\.x: expected"):
        Bare(x=3)


# ---- Enumerations -----------------------------------------------------------------------------


def test_members_that_are_texts_or_ints_count_as_these_and_stay_members():
    def declare(text, number):
        class Enums(Config):
            sizes: Param[List[text]]
            table: Param[Dict[text, number]]
            either: Param[Union[number, str]]

        return Enums

    Enums, Plain = declare(Size, Level), declare(str, int)
    values = {"sizes": [Size.SMALL], "table": {Size.LARGE: Level.HIGH}, "either": Level.LOW}
    plain = {"sizes": ["small"], "table": {"large": 2}, "either": 1}
    enums = Enums(**values)
    assert enums.__xpm__.identifier == Plain(**plain).__xpm__.identifier
    assert Plain(**values).sizes == ["small"] and type(Plain(**values).either) is int
    instance = enums.instance()
    assert instance.sizes[0] is Size.SMALL and instance.either is Level.LOW
    assert instance.table == {Size.LARGE: Level.HIGH}
    assert type(next(iter(instance.table))) is Size
    with pytest.raises(ValueError, match=r"\$\.sizes\[0\]: expected .*Size.*; give a member"):
        Enums(sizes=["small"])


def test_a_member_that_does_not_fit_in_64_bits_is_refused():
    class Huge(enum.IntEnum):
        MEMBER = 2**70

    class Large(Config):
        x: Param[Huge]

    with pytest.raises(ValueError, match=r"Large\.x: .*MEMBER.* does not fit in 64 bits"):
        Large(x=Huge.MEMBER)


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Mode(enum.IntFlag):
    READ = 1
    WRITE = 2


class Flags(Config):
    access: Param[Access] = Access.READ
    mode: Param[Mode] = Mode.READ
    all: Param[Set[Access]] = set()


@pytest.mark.parametrize(
    "name, value",
    [
        ("access", Access.READ | Access.WRITE),
        ("access", Access(0)),
        ("mode", Mode.READ | Mode.WRITE),
        ("mode", Mode(0)),
        ("all", {Access.READ, Access.READ | Access.WRITE, Access(0)}),
    ],
)
def test_flags_may_be_combined(name, value):
    made = Flags(**{name: value})
    assert getattr(made, name) == value
    assert made.__xpm__.identifier != Flags().__xpm__.identifier
    assert made.__xpm__.identifier == Flags(**{name: value}).__xpm__.identifier
    instance = getattr(made.instance(), name)
    assert instance == value and type(instance) is type(value)


def test_combined_flags_are_named_in_identifiers_and_numbers_are_numbers():
    import hashlib

    flags = Flags(access=Access.READ | Access.WRITE, mode=Mode.READ | Mode.WRITE)
    enum_ = f"\x0a{__name__}.Access:READ|WRITE".encode()
    stream = b"\0" + flags.__xpm__.typename.encode() + b"\x03access\x05" + enum_
    stream += b"\x03mode\x05\x01" + (3).to_bytes(8, "big")
    assert flags.__xpm__.identifier.all == hashlib.sha256(stream).digest()
    for wrong in ({"access": 3}, {"mode": 3}, {"access": Mode.READ | Mode.WRITE}):
        with pytest.raises(ValueError, match="give a member of it"):
            Flags(**wrong)


# ---- Numbers of numpy -------------------------------------------------------------------------


class Numbers(Config):
    i: Param[int] = field(default=0)
    f: Param[float] = field(default=0)
    b: Param[bool] = field(default=False)
    s: Param[str] = field(default="")
    ints: Param[List[int]] = field(default=[])
    table: Param[Dict[str, float]] = field(default={})
    pair: Param[tuple[int, float]] = field(default=(0, 0))
    either: Param[Union[int, str]] = field(default=0)
    anything: Param[Any] = field(default=0)


def numpy_values(np):
    return [
        ("i", np.int64(3), 3),
        ("i", np.uint8(3), 3),
        ("i", np.float32(3), 3),
        ("f", np.float32(0.1), float(np.float32(0.1))),
        ("f", np.float64(0.1), 0.1),
        ("f", np.float16(0.5), 0.5),
        ("f", np.int32(2), 2.0),
        ("b", np.bool_(True), True),
        ("b", np.int64(0), False),
        ("s", np.str_("é"), "é"),
        ("ints", [np.int64(1), np.int8(2)], [1, 2]),
        ("table", {np.str_("a"): np.float32(0.5)}, {"a": 0.5}),
        ("pair", (np.int64(1), np.float32(0.5)), (1, 0.5)),
        ("either", np.int16(7), 7),
        ("anything", np.float32(0.5), 0.5),
        ("anything", np.bool_(True), True),
    ]


@pytest.mark.parametrize("index", range(16))
def test_numpy_scalars_are_taken_as_plain_numbers(index):
    name, given, plain = numpy_values(pytest.importorskip("numpy"))[index]
    made = Numbers(**{name: given})
    assert getattr(made, name) == plain and type(getattr(made, name)) is type(plain)
    assert made.__xpm__.identifier == Numbers(**{name: plain}).__xpm__.identifier


def test_a_numpy_scalar_can_be_a_tag():
    np = pytest.importorskip("numpy")
    made = Numbers(f=tag(np.float32(0.5))).tag("n", np.int64(3))
    assert made.tags() == {"f": 0.5, "n": 3}
    assert [type(value) for value in made.tags().values()] == [float, int]


def test_arrays_and_what_is_no_number_are_refused():
    np = pytest.importorskip("numpy")
    for array in (np.array([1, 2]), np.array(3)):
        with pytest.raises(ValueError, match=r"\$\.i: an array is not a value.*tolist\(\)"):
            Numbers(i=array)
    for other in (np.complex64(1), np.datetime64(1, "s"), np.bytes_(b"1")):
        with pytest.raises(ValueError, match=r"\$\.i: not a value"):
            Numbers(i=other)
    with pytest.raises(ValueError, match="64 bits"):
        Numbers(i=np.uint64(2**64 - 1))


def test_numbers_by_protocol():
    from decimal import Decimal
    from fractions import Fraction

    class Number:
        def __float__(self):
            return 2.0

    assert Numbers(i=Decimal(3)).i == 3 and Numbers(i=Number()).i == 2
    assert Numbers(f=Fraction(1, 2)).f == 0.5
    with pytest.raises(ValueError, match="expected int, got float 3.5"):
        Numbers(i=Decimal("3.5"))
