"""Generic classes: what type variables stand for."""

import sys
from typing import Any, Dict, Generic, List, Optional, TypeVar, Union

import pytest

from experimaestro import Config, Param, field

T = TypeVar("T")
U = TypeVar("U")
Bounded = TypeVar("Bounded", bound="A")
Either = TypeVar("Either", int, str)


class A(Config):
    x: Param[int] = 0


class A1(A):
    pass


class A2(A):
    pass


class B(Config):
    y: Param[int] = 0


class Box(Config, Generic[T]):
    x: Param[T]


class Pair(Config, Generic[T]):
    x: Param[T]
    y: Param[T]


class Holder(Config, Generic[T]):
    box: Param[Box[T]]
    v: Param[T]


class OfA(Config):
    box: Param[Box[A]]


class OfA1(Config):
    box: Param[Box[A1]]


class Ints(Box[int]):
    pass


class AsBox(Box[A]):
    z: Param[int] = 0


class Same(Box[U], Generic[U]):
    w: Param[U]


class Below(Same[A]):
    pass


class Loss(Config, Generic[T]):
    pass


class LossA(Loss[A]):
    pass


class LossB(Loss[B]):
    pass


class Learner(Config, Generic[T]):
    loss: Param[Loss[T]]
    model: Param[T]


@pytest.mark.parametrize("value", [1, "3", 2.5, [1, "a"], (1, 2), A(), True])
def test_a_variable_stands_for_any_type_and_coerces_nothing(value):
    made = Box(x=value)
    assert made.x == value and type(made.x) is type(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Pair(x=A(), y=A1()),
        lambda: Pair(x=A1(), y=A()),
        lambda: Pair(x=1, y=True),
        lambda: Holder(box=Box(x=A()), v=A1()),
        lambda: Holder(box=Box(x=A1()), v=A()),
        lambda: OfA(box=Box(x=A1())),
        lambda: OfA1(box=Box(x=A())),
        lambda: OfA(box=AsBox(x=A1())),
        lambda: Ints(x=1),
        lambda: AsBox(x=A1()),
        lambda: Same(x=A(), w=A1()),
        lambda: Below(x=A(), w=A1()),
        lambda: Learner(loss=LossA(), model=A1()),
        lambda: Learner(model=B(), loss=LossB()),
        lambda: Learner(loss=Loss(), model=1),
    ],
)
def test_the_most_general_of_compatible_types_wins(make):
    make().seal()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Pair(x=A1(), y=A2()), r"\$\.y: type variable T stands for .*a1 in parameter x"),
        (lambda: Pair(x=A(), y=B()), r"and for .*\.b in parameter y: one must be, or extend"),
        (lambda: Pair(x=1, y="a"), "stands for int in parameter x, and for str in parameter y"),
        (lambda: Pair(x=1, y=2.5), "stands for int in parameter x, and for float"),
        (lambda: Pair(x=1, y=A()), r"stands for int in parameter x, and for .*\.a in"),
        (lambda: Holder(box=Box(x=A()), v=B()), r"stands for .*\.a in parameter box"),
        (lambda: Holder(v=B(), box=Box(x=A())), r"\$\.box: type variable T"),
        (lambda: OfA(box=Box(x=B())), r"\$\.box: expected .*box\[.*\.a\], got .*box of .*\.b"),
        (lambda: OfA(box=Ints(x=1)), r"\$\.box: expected .*box\[.*\.a\], got .*ints of int"),
        (lambda: OfA1(box=AsBox(x=A())), r"expected .*box\[.*a1\], got .*asbox of .*\.a"),
        (lambda: Ints(x="a"), r'\$\.x: expected T: int, got str "a"'),
        (lambda: AsBox(x=B()), r"\$\.x: expected T: .*\.a, got .*\.b"),
        (lambda: Same(x=A(), w=B()), "type variable U"),
        (lambda: Below(x=A(), w=B()), r"\$\.w: expected U: .*\.a, got .*\.b"),
        (lambda: Learner(loss=LossA(), model=B()), r"stands for .*\.a in parameter loss"),
        (lambda: Learner(model=A(), loss=LossB()), r"stands for .*\.b in parameter loss"),
    ],
)
def test_incompatible_types_are_refused(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_what_a_variable_stands_for_changes_with_the_values():
    pair = Pair(x=A1(), y=A1())
    with pytest.raises(TypeError):
        pair.y = B()
    pair.x = pair.y = A()
    holder = Holder(v=A(), box=Box(x=A()))
    holder.box.x = B()
    with pytest.raises(TypeError, match=r"\$: type variable T"):
        holder.seal()
    holder.box.x = A1()
    holder.seal()


def test_identifiers_do_not_see_variables():
    def declare(type):
        class Kept(Config, Generic[T]):
            x: Param[type]

        return Kept

    assert declare(T)(x=1).__xpm__.identifier == declare(int)(x=1).__xpm__.identifier
    assert Box[int](x=1).__xpm__.identifier == Box(x=1).__xpm__.identifier
    assert Box[int].C(x=1).__xpm__.identifier == Box.C(x=1).__xpm__.identifier


def test_variables_inside_other_types():
    class Inside(Config, Generic[T]):
        items: Param[List[T]]
        table: Param[Dict[str, T]]
        maybe: Param[Optional[T]]
        either: Param[Union[T, int]]

    made = Inside(items=[A(), B()], table={"a": 1}, either="a")
    assert made.maybe is None and made.either == "a"
    made.maybe = A()

    class OfInts(Inside[int]):
        pass

    with pytest.raises(ValueError, match=r"\$\.items\[1\]: expected T: int"):
        OfInts(items=[1, "a"])
    with pytest.raises(ValueError, match=r"\$\.maybe: expected T: int"):
        OfInts(maybe="a")


def test_bounds_and_constraints():
    class WithBound(Config, Generic[Bounded]):
        x: Param[Bounded]

    class WithConstraints(Config, Generic[Either]):
        x: Param[Either]

    assert WithBound(x=A1()) and WithConstraints(x="a") and WithConstraints(x=1)
    assert WithConstraints(x="3").x == "3"
    for wrong in (B(), 1):
        with pytest.raises(TypeError, match=r"\$\.x: expected Bounded: .*\.a, got"):
            WithBound(x=wrong)
    with pytest.raises(TypeError, match=r"\$\.x: expected Either: int\|str, got float 2.5"):
        WithConstraints(x=2.5)


def test_an_argument_that_no_parameter_could_have_is_not_looked_at():
    class Plain:
        pass

    class Kept(Config):
        loss: Param[Loss[Plain]]
        any: Param[Loss[Any]]

    class LossPlain(Loss[Plain]):
        pass

    assert Kept(loss=LossPlain(), any=LossA()).loss
    assert Kept(loss=LossA())


def test_a_default_of_a_variable_and_one_that_is_narrowed():
    class Defaults(Config, Generic[T]):
        x: Param[T] = field(default=3)

    class Narrowed(Defaults[str]):
        x: Param[str] = field(default="a", overrides=True)

    assert Defaults().x == 3 and Defaults(x="a").x == "a" and Narrowed().x == "a"

    class Wrong(Defaults[str]):
        x: Param[int] = field(default=1, overrides=True)

    with pytest.raises(TypeError, match="cannot be in place of the inherited T: str"):
        Wrong()


class Node(Config, Generic[T]):
    value: Param[T]
    next: Param[Optional["Node[T]"]]


def test_a_class_may_hold_itself():
    chain = Node(value=1, next=Node(value=2, next=Node(value=True)))
    assert chain.instance().next.next.value is True
    with pytest.raises(TypeError, match="stands for str in parameter next, and for int"):
        Node(value=1, next=Node(value="a"))


def test_an_instance_is_of_the_generic_class():
    instance = Holder(box=AsBox(x=A1(x=3)), v=A()).instance()
    assert type(instance) is Holder and type(instance.box) is AsBox and instance.box.x.x == 3


def test_variables_in_texts():
    V = TypeVar("V")

    class Texts(Config, Generic[V]):
        x: "Param[V]"
        inner: "Param[Optional[Box[V]]]"

    assert Texts(x=1, inner=Box(x=2)).x == 1
    with pytest.raises(TypeError, match="type variable V stands for str in parameter inner"):
        Texts(x=1, inner=Box(x="a"))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax of Python 3.12")
def test_the_syntax_of_python_3_12():
    namespace = {"Config": Config, "Param": Param, "__name__": __name__}
    exec("class New[V](Config):\n    x: Param[V]\n    y: 'Param[V]'\n", namespace)
    New = namespace["New"]
    assert New(x=1, y=2).x == 1
    with pytest.raises(TypeError, match="type variable V"):
        New(x=1, y="a")
