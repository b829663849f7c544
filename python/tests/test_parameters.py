"""Parameters beyond their types: choices, and what may be in place of an inherited one."""

import enum
import logging
from typing import Any, Dict, List, Optional, Set, Tuple, Union

import pytest

from experimaestro import Annotated, Choices, Config, Constant, Meta, Param, Path, field


class Color(enum.Enum):
    RED = 1
    GREEN = 2


# ---- Choices ----------------------------------------------------------------------------------


class Chosen(Config):
    outside: Annotated[Param[str], Choices(["a", "b"])] = "a"
    inside: Param[Annotated[str, Choices(["a", "b"])]] = "a"
    alone: Annotated[str, Choices(["a", "b"])] = "b"
    number: Annotated[int, Choices([1, "2"])] = 1
    color: Meta[Annotated[Color, Choices([Color.RED])]] = Color.RED
    maybe: Annotated[Optional[float], Choices([0.5, 1])]


@pytest.mark.parametrize(
    "name, given, kept",
    [
        ("outside", "b", "b"),
        ("inside", "b", "b"),
        ("alone", "a", "a"),
        ("number", "2", 2),
        ("color", Color.RED, Color.RED),
        ("maybe", None, None),
        ("maybe", 1, 1.0),
    ],
)
def test_a_choice_is_accepted(name, given, kept):
    assert getattr(Chosen(**{name: given}), name) == kept


@pytest.mark.parametrize(
    "name, given, message",
    [
        ("outside", "z", r'\$\.outside: str "z" is not one of the choices: str "a", str "b"'),
        ("inside", "z", r'\$\.inside: str "z" is not one of the choices'),
        ("alone", "z", r'\$\.alone: str "z" is not one of the choices'),
        ("number", 3, r"\$\.number: int 3 is not one of the choices: int 1, int 2"),
        ("color", Color.GREEN, r"\$\.color: .*GREEN is not one of the choices: .*RED"),
        ("maybe", 2, r"\$\.maybe: float 2.0 is not one of the choices"),
        ("alone", 3, r"\$\.alone: expected str, got int 3"),
    ],
)
def test_another_value_is_refused_by_a_message_with_the_choices(name, given, message):
    with pytest.raises(ValueError, match=message):
        Chosen(**{name: given})


def test_choices_change_no_identifier():
    def declare(type):
        class Same(Config):
            x: Param[type]

        return Same(x="a").__xpm__.identifier

    assert declare(str) == declare(Annotated[str, Choices(["a"])])


@pytest.mark.parametrize(
    "type, default, message",
    [
        (Annotated[str, Choices(["a"])], "z", r'Wrong\.x: .*str "z" is not one of the choices'),
        (Annotated[str, Choices([1])], "a", r"Wrong\.x: a choice of .*: expected str"),
        (Annotated[List[int], Choices([[1]])], [1], r"Wrong\.x: a choice of .*: a choice is a"),
    ],
)
def test_choices_that_fit_neither_type_nor_default_are_errors_of_the_class(type, default, message):
    class Wrong(Config):
        x: Param[type] = default

    with pytest.raises(ValueError, match=message):
        Wrong()


@pytest.mark.parametrize("type", [List, Optional])
def test_choices_are_for_a_whole_parameter(type):
    class Inside(Config):
        x: Param[type[Annotated[str, Choices(["a"])]]]

    with pytest.raises(TypeError, match=r"Inside\.x: Choices\(\['a'\]\) is for a whole parameter"):
        Inside()


# ---- Overriding -------------------------------------------------------------------------------


class A(Config):
    pass


class A1(A):
    pass


class B(Config):
    pass


def override(inherited, type, **more):
    class Above(Config):
        x: Param[inherited]

    class Below(Above):
        x: Param[type] = field(**more)

    return Below


@pytest.mark.parametrize(
    "inherited, type",
    [
        (int, int),
        (A, A1),
        (Config, A),
        (List[A], List[A1]),
        (List[int], List[str]),
        (Dict[str, int], Dict[str, float]),
        (Tuple[int, ...], Tuple[int, int]),
        (Optional[int], int),
        (int, Optional[int]),
        (Optional[A], A1),
        (Union[int, str], Union[str, float]),
    ],
)
def test_a_compatible_type_may_be_in_place_of_an_inherited_one(inherited, type):
    assert "x" in override(inherited, type)().__xpm__.xpmtype.arguments


@pytest.mark.parametrize(
    "inherited, type",
    [(int, float), (int, bool), (int, str), (A1, A), (A, B), (List[int], Set[int]), (Path, str),
     (Union[int, str], int), (int, Any)],
)
def test_another_type_is_refused_when_the_class_is_first_used(inherited, type):
    below = override(inherited, type, overrides=True)
    with pytest.raises(TypeError, match=r"Below\.x: .*cannot be in place of the inherited .*: give"):
        below()


def test_overriding_is_warned_about_unless_it_is_meant(caplog):
    with caplog.at_level(logging.WARNING):
        override(int, int, overrides=True)()
        assert not caplog.records
        override(int, int)()
    assert "Below.x is in place of an inherited parameter" in caplog.text
    assert "field(overrides=True)" in caplog.text


def test_the_kind_of_a_parameter_may_change():
    class Above(Config):
        x: Param[int]

    class Ignored(Above):
        x: Meta[int] = field(default=1, overrides=True)

    class Fixed(Above):
        x: Constant[int] = field(default=3, overrides=True)

    assert Ignored(x=1).__xpm__.identifier == Ignored(x=2).__xpm__.identifier
    assert Fixed().x == 3


def test_a_parameter_without_default_keeps_the_inherited_one():
    class Above(Config):
        x: Param[int] = 4
        y: Param[List[int]] = field(default=[1])

    class Below(Above):
        x: Param[int]
        y: Param[List[int]]

    below = Below()
    assert (below.x, below.y) == (4, [1])
    assert below.__xpm__.identifier == Below(x=4).__xpm__.identifier


def test_of_several_bases_the_first_wins():
    class First(Config):
        x: Param[int] = 1

    class Second(Config):
        x: Param[str] = "a"

    class FirstSecond(First, Second):
        pass

    class SecondFirst(Second, First):
        pass

    class Root(Config):
        y: Param[int] = 1

    class Left(Root):
        pass

    class Right(Root):
        y: Param[int] = field(default=2, overrides=True)

    class Both(Left, Right):
        pass

    assert FirstSecond().x == 1 and SecondFirst().x == "a"
    assert Both().y == 1
    with pytest.raises(ValueError):
        FirstSecond(x="a")
