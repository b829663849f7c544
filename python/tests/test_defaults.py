"""Defaults: as they are read, and values that stand for them. The identifiers are the original's."""

import hashlib
import math
import struct

import pytest

from experimaestro import Config, ConfigTypeError, Meta, Param, Path, field


def digest(config, value=b""):
    """The identifier of a configuration whose only parameter is `x`, from the bytes of its value."""
    name = config.__xpm__.typename.encode()
    parameter = b"\3x\5" + value if value else b""
    return hashlib.sha256(b"\0" + name + parameter).digest()


def identifier(config):
    return config.__xpm__.identifier.all


class Bare(Config):
    x: Param[int] = 5


class Kept(Config):
    x: Param[int] = field(default=5)


class Made(Config):
    x: Param[int] = field(default_factory=lambda: 5)


class Required(Config):
    x: Param[int]


@pytest.mark.parametrize("cls", [Bare, Kept])
def test_none_in_place_of_a_default_counts(cls):
    config = cls.C(x=None)
    assert config.x is None
    assert identifier(config) == digest(config, b"\6")
    assert config.instance().x is None
    assert identifier(config) == digest(config, b"\6")


def test_none_stands_for_a_default_that_is_made():
    config = Made.C(x=3)
    config.x = None
    assert config.x == 5
    assert identifier(config) == digest(config, b"\1" + struct.pack(">q", 5))
    assert config.instance().x == 5


def test_a_factory_may_make_none_of_an_optional():
    class Nothing(Config):
        x: Meta[int | None] = field(default_factory=lambda: None)
        y: Meta[int] = field(default_factory=lambda: None)

    assert Nothing.C(y=1).seal().x is None
    with pytest.raises(ConfigTypeError, match=r"\$\.y: expected int, got none"):
        Nothing.C().seal()


def test_none_is_no_value_for_what_has_no_default():
    with pytest.raises(ConfigTypeError, match=r"\$\.x: expected int, got none"):
        Required.C(x=None)


def test_a_default_is_read_as_its_type():
    class Typed(Config):
        real: Param[float] = 1
        path: Param[Path] = "a"

    config = Typed.C()
    assert (type(config.real), config.path) == (float, Path("a"))


def test_a_default_that_is_not_a_number_counts():
    class Real(Config):
        x: Param[float] = math.nan

    class Reals(Config):
        x: Param[list[float]] = [math.nan]

    config = Real.C()
    assert identifier(config) == digest(config, b"\2" + struct.pack(">d", math.nan))
    config = Reals.C()
    assert identifier(config) == digest(config)
    assert math.isnan(config.x[0]) and identifier(config) == digest(config)


def test_an_integer_for_a_float_may_be_large():
    class Real(Config):
        x: Param[float]

    config = Real.C(x=2**70)
    assert config.x == 2.0**70
    assert identifier(config) == digest(config, b"\2" + struct.pack(">d", 2.0**70))
    with pytest.raises(ValueError, match=r"\$\.x: .*too large"):
        Real.C(x=2**5000)


class Base(Config):
    x: Param[int] = 1


class Holder(Base):  # which names its base, and so declares it before it is complete
    base: Param[Base]
    x: Param[int] = field(ignore_default=2, overrides=True)


class Descendant(Holder):
    pass


def test_a_default_that_was_replaced_is_inherited():
    base = Base.C()
    assert Descendant.C(base=base).x == 2
    made, given = Descendant.C(base=base), Descendant.C(base=base, x=2)
    assert identifier(made) == identifier(given) != identifier(Descendant.C(base=base, x=1))


def test_of_two_bases_the_first_one_counts():
    class Other(Config):
        x: Param[str] = "other"
        y: Param[int] = 3

    class Both(Base, Other):
        pass

    class Below(Both):
        pass

    assert (Below.C().x, Below.C().y) == (1, 3)
    assert Below.C(x=4).x == 4
