"""Errors, and whoever asks, are told where in the user's code a value was set."""

import inspect

import pytest

from experimaestro import Config, Param, copyconfig, field


class Part(Config):
    x: Param[int]


class Whole(Config):
    part: Param[Part]
    numbers: Param[list[int]] = field(default_factory=list)


def line(offset=0):
    """This file, and the line of the caller, or one that is `offset` lines before."""
    return f"{__file__}:{inspect.currentframe().f_back.f_lineno - offset}"


def test_the_place_of_a_value_is_where_it_was_set():
    part = Part.C(x=1)
    made = line(1)
    assert part.__xpm__.made_at == made
    assert part.__xpm__.provenance_of("x").location == made
    assert part.__xpm__.provenance_of("x").kind == "explicit"
    part.x = 2
    assert part.__xpm__.provenance_of("x").location == line(1)
    whole = Whole.C()
    info = whole.__xpm__.provenance_of("numbers")
    assert (info.location, info.kind) == (line(2), "default")
    assert "explicit" in repr(part.__xpm__.provenance_of("x"))
    with pytest.raises(ValueError, match="y is not a parameter"):
        part.__xpm__.provenance_of("y")


def test_a_copy_is_made_where_it_is_copied():
    part = Part.C(x=1)
    assert part.copy().__xpm__.made_at == line()
    copy = copyconfig(part, x=2)
    assert copy.__xpm__.made_at == line(1)
    assert copy.__xpm__.provenance_of("x").location == line(2)


def test_an_error_says_where_the_value_was_set():
    with pytest.raises(ValueError) as error:
        Part.C(x="a")
    assert str(error.value) == f'$.x: expected int, got str "a" (set at {line(1)})'
    part = Part.C(x=1)
    with pytest.raises(ValueError) as error:
        part.x = object()
    assert f"(set at {line(1)})" in str(error.value)


def test_what_was_appended_is_blamed_on_where_the_list_was_set():
    whole = Whole.C(part=Part.C(x=1), numbers=[])
    made = line(1)
    whole.numbers.append("a")
    with pytest.raises(ValueError) as error:
        whole.seal()
    assert str(error.value) == f'$.numbers[0]: expected int, got str "a" (set at {made})'


def test_a_missing_value_says_where_its_configuration_was_made():
    whole = Whole.C()
    whole.part = Part.C()
    made = line(1)
    with pytest.raises(ValueError) as error:
        whole.seal()
    message = f"value x is required but missing when building {__name__}.part at {made}: give"
    assert str(error.value).startswith(f"$.part.x: {message}")
