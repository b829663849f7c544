"""Names of classes, identifiers, partial identifiers."""

import hashlib
import struct

import pytest

from experimaestro import (
    Config,
    Constant,
    InstanceConfig,
    Meta,
    Param,
    Path,
    field,
    param_group,
    partial,
    setmeta,
)


class Model(Config):
    __xpmid__ = "Test.Model"
    layers: Param[int]


class Named(Config):
    x: Param[int] = 1


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def parameter(name, value):
    return b"\3" + name + b"\5" + value


def integer(value):
    return b"\1" + struct.pack(">q", value)


def test_an_identifier_is_the_digest_of_the_documented_bytes():
    stream = [b"\0", b"test.model", parameter(b"layers", integer(3))]
    identifier = Model(layers=3).__xpm__.identifier
    assert identifier.all == sha(*stream)
    assert identifier.hex() == identifier.all.hex()

    class Outer(Config):
        __xpmid__ = "test.outer"
        model: Param[Model]
        more: Param[list[int]]

    more = b"\7" + struct.pack(">d", 1) + integer(4)
    model = b"\0" + identifier.all
    stream = [b"\0test.outer", parameter(b"model", model), parameter(b"more", more)]
    assert Outer(model=Model(layers=3), more=[4]).__xpm__.identifier.all == sha(*stream)


def test_names_are_in_lower_case():
    assert Model(layers=1).__xpm__.typename == "test.model"
    assert Named().__xpm__.typename == f"{__name__}.named"


def test_a_text_names_one_class_and_a_method_its_descendants_too():
    class Parent(Config):
        __xpmid__ = "test.parent"

    class Child(Parent):
        pass

    class ByMethod(Config):
        @classmethod
        def __xpmid__(cls):
            return "by." + cls.__name__

    class Descendant(ByMethod):
        pass

    names = [c.C().__xpm__.typename for c in (Parent, Child, ByMethod, Descendant)]
    assert names[0] == "test.parent" and names[1].endswith("child")
    assert names[2:] == ["by.bymethod", "by.descendant"]


def test_a_name_that_is_taken_is_an_error_that_names_both():
    class First(Config):
        __xpmid__ = "test.taken"

    class Second(Config):
        __xpmid__ = "test.taken"

    First()
    for _ in range(2):
        with pytest.raises(ValueError, match="taken.*First.*Second"):
            Second()


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "../up"])
def test_a_name_that_cannot_be_a_folder_is_an_error(name):
    made = type("Bad", (Config,), {"__xpmid__": name})
    with pytest.raises(ValueError):
        made()


def test_a_class_that_is_defined_again_replaces_the_first():
    def define(default):
        class Again(Config):
            x: Param[int] = default

        return Again

    first, second = define(1), define(2)
    assert (first().x, second().x, first().x) == (1, 2, 1)


def test_what_counts():
    class Counting(Config):
        __xpmid__ = "test.counting"
        bare: Param[int] = 1
        kept: Param[int] = field(default=1)
        ignored: Param[int] = field(default=1, ignore_default=True)
        old: Param[int] = field(ignore_default=1)
        meta: Meta[int] = 1
        path: Param[Path] = Path("a")
        constant: Constant[int] = 1

    base = Counting().__xpm__.identifier
    for same in ({"bare": 1}, {"ignored": 1}, {"old": 1}, {"meta": 2}, {"path": "b"}, {"kept": 1}):
        assert Counting(**same).__xpm__.identifier == base
    for name in ("bare", "kept", "ignored", "old"):
        assert Counting(**{name: 2}).__xpm__.identifier != base
    stream = [parameter(b"constant", integer(1)), parameter(b"kept", integer(1))]
    assert base.all == sha(b"\0test.counting", *stream)


def test_changes_before_sealing_change_the_identifier():
    class Lists(Config):
        models: Param[list[Model]]

    lists = Lists(models=[Model(layers=1)])
    seen = {lists.__xpm__.identifier}
    lists.models.append(Model(layers=2))
    seen.add(lists.__xpm__.identifier)
    lists.models[0].layers = 3
    seen.add(lists.__xpm__.identifier)
    assert len(seen) == 3
    lists.seal()
    assert lists.__xpm__.identifier in seen


def test_meta_configurations_do_not_count():
    class Outer(Config):
        models: Param[list[Model]] = []
        one: Param[Model] = field(default=None)
        hidden: Meta[Model] = field(default=None)

    base = Outer().__xpm__.identifier
    meta = setmeta(Model(layers=1), True)
    assert Outer(models=[meta], one=meta).__xpm__.identifier == base
    assert Outer(hidden=Model(layers=1)).__xpm__.identifier == base
    assert Outer(hidden=setmeta(Model(layers=1), False)).__xpm__.identifier != base
    assert setmeta(meta, None).__xpm__.meta is None
    assert Outer(one=meta).__xpm__.identifier != base


def test_distinct_instances_are_told_apart():
    class Shared(InstanceConfig):
        x: Param[int] = 1

    class Pair(Config):
        a: Param[Shared]
        b: Param[Shared]

    one = Shared()
    assert Pair(a=one, b=one).__xpm__.identifier != Pair(a=Shared(), b=Shared()).__xpm__.identifier


iterations = param_group("iterations")


class Grouped(Config):
    steps: Param[int] = field(groups=[iterations])
    width: Param[int]
    checkpoints = partial(exclude_groups=[iterations])


class GroupedChild(Grouped):
    more: Param[int] = 1


def test_a_partial_identifier_leaves_groups_out():
    def both(steps, width, cls=Grouped):
        info = cls.C(steps=steps, width=width).__xpm__
        return info.identifier, info.partial_identifier("checkpoints")

    assert both(1, 1)[0] != both(2, 1)[0] and both(1, 1)[1] == both(2, 1)[1] != both(1, 2)[1]
    assert both(1, 1, GroupedChild)[1] == both(2, 1, GroupedChild)[1]
    info = Grouped.C(steps=1, width=1).__xpm__
    assert info.partial_identifier(Grouped.checkpoints) == both(1, 1)[1]
    with pytest.raises(KeyError, match="no partial identifier nothing"):
        info.partial_identifier("nothing")


def test_groups_are_equal_by_name():
    assert param_group("a") == param_group("a") != param_group("b")
    assert len({param_group("a"), param_group("a")}) == 1


def test_a_path_in_a_list_cannot_be_identified():
    class Paths(Config):
        paths: Param[list[Path]]

    with pytest.raises(ValueError, match="path inside a list"):
        Paths(paths=["a"]).__xpm__.identifier
