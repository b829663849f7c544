"""What is of the past: deprecated classes and parameters, and those that were renamed."""

import copy
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from experimaestro import (
    Any,
    Config,
    InstanceConfig,
    LightweightTask,
    Param,
    Task,
    deprecate,
    field,
    renamed_from,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class New(Config):
    a: Param[int]


@deprecate
class Same(New):
    pass


@deprecate
class More(New):
    b: Param[int] = field(default=3, ignore_default=True)


class Values(Config):
    values: Param[list[int]]


@deprecate(Values)
class Value(Config):
    value: Param[int]

    def __convert__(self):
        return Values.C(values=[self.value])


@deprecate(Values, replace=True)
class Replaced(Config):
    value: Param[int]

    def __convert__(self):
        return Values.C(values=[self.value])


@deprecate(Value)
class Twice(Config):
    half: Param[int]

    def __convert__(self):
        return Value.C(value=2 * self.half)


@deprecate
class Legacy(New):
    def __convert__(self):
        return New.C(a=self.a + 1)


@deprecate(New)
class Unconverted(Config):
    a: Param[int]


class Box(Config):
    content: Param[Any]


class Typed(Config):
    one: Param[Values] = field(default=None)
    new: Param[New] = field(default=None)


class Counted(InstanceConfig):
    n: Param[int]


@deprecate(Counted)
class OldCounted(InstanceConfig):
    m: Param[int]

    def __convert__(self):
        return Counted.C(n=self.m)


class Init(LightweightTask):
    n: Param[int]


@deprecate(Init)
class OldInit(LightweightTask):
    m: Param[int]

    def __convert__(self):
        return Init.C(n=self.m)


class Learn(Task):
    losses: Param[list[New]] = field(default_factory=list)
    rate: Param[float] = field(default=0.5, renamed_from=["lr", "speed"])

    @deprecate
    def loss(self, value):
        """Use losses."""
        self.losses.append(value)


def digest(config):
    return config.__xpm__.identifier.hex()


def equal(old, new):
    assert digest(old) == digest(new)


# ---- Deprecated classes ---------------------------------------------------------------------------


def test_it_has_the_name_of_its_parent_and_its_own_parameters():
    equal(Same.C(a=1), New.C(a=1))
    equal(More.C(a=1), New.C(a=1))
    assert digest(More.C(a=1, b=4)) != digest(New.C(a=1))
    equal(Unconverted.C(a=1), New.C(a=1))
    assert Same.C(a=1).__xpm__.typename == New.C(a=1).__xpm__.typename


def test_it_is_identified_as_what_it_converts_to():
    equal(Value.C(value=1), Values.C(values=[1]))
    equal(Twice.C(half=2), Values.C(values=[4]))
    equal(Legacy.C(a=1), New.C(a=2))


@pytest.mark.parametrize("hold", [lambda x: x, lambda x: [x], lambda x: {"k": [x, x]}])
def test_so_it_is_wherever_it_is_held(hold):
    equal(Box.C(content=hold(Value.C(value=1))), Box.C(content=hold(Values.C(values=[1]))))


def test_a_value_that_changes_changes_what_it_converts_to():
    old = Value.C(value=1)
    box = Box.C(content=old)
    digest(box)
    old.value = 2
    equal(box, Box.C(content=Values.C(values=[2])))


def test_sealing_keeps_the_identifier():
    old = Box.C(content=[Value.C(value=1)])
    before = digest(old)
    old.seal()
    assert digest(old) == before


def test_conversions_are_made_once_when_it_is_sealed():
    class Counting(Value):
        pass

    calls = []

    def convert(self):
        calls.append(self)
        return Values.C(values=[self.value])

    Counting.__convert__ = convert
    old = deprecate(Values)(Counting).C(value=1).seal()
    for _ in range(3):
        equal(old, Values.C(values=[1]))
        digest(Box.C(content=old))
    assert len(calls) == 1


def test_distinct_objects_are_told_apart_as_before():
    def pair(make):
        return Box.C(content=[make(1), make(1)])

    old, new = OldCounted.C(m=1), Counted.C(n=1)
    equal(pair(lambda n: OldCounted.C(m=n)), pair(lambda n: Counted.C(n=n)))
    equal(pair(lambda n: old), pair(lambda n: new))
    assert digest(pair(lambda n: old)) != digest(pair(lambda n: Counted.C(n=n)))


def test_a_subclass_is_taken_for_its_parent_and_another_is_not():
    equal(Typed.C(new=Same.C(a=1)), Typed.C(new=New.C(a=1)))
    with pytest.raises(TypeError, match="one.*expected.*test_deprecation.values, got .*value"):
        Typed.C(one=Value.C(value=1))
    equal(Typed.C(one=Replaced.C(value=1)), Typed.C(one=Values.C(values=[1])))


def test_copies_are_deprecated_too():
    old = Value.C(value=1)
    assert type(copy.copy(old)) is Value.C
    equal(copy.deepcopy(Box.C(content=[old])), Box.C(content=[Values.C(values=[1])]))


def test_instances_are_of_the_deprecated_class_and_can_be_pickled():
    instance = pickle.loads(pickle.dumps(Value.C(value=3).instance()))
    assert type(instance) is Value and instance.value == 3


def test_an_error_of_the_conversion_is_seen():
    @deprecate(New)
    class Wrong(Config):
        n: Param[int]

        def __convert__(self):
            return 3 if self.n == 0 else New.C(a=1 / 0)

    with pytest.raises(TypeError, match="__convert__ of .* gave 3: it must give a configuration"):
        digest(Wrong.C(n=0))
    with pytest.raises(ZeroDivisionError):
        digest(Box.C(content=Wrong.C(n=1)))


def test_making_one_warns_once_a_place():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for n in range(3):
            Value.C(value=n), Replaced.C(value=n)
        New.C(a=1)
    texts = {str(w.message) for w in caught}
    assert len(caught) == 2 and all(w.filename == __file__ for w in caught)
    assert all("is deprecated" in text for text in texts)


# ---- Replaced classes -----------------------------------------------------------------------------


def test_a_replaced_class_makes_what_it_converts_to():
    made = Replaced.C(value=1)
    assert type(made) is Values.C and made.values == [1]
    assert type(made._deprecated_from) is Replaced.C and made._deprecated_from.value == 1
    assert type(Replaced(value=1)) is Values.C
    made.values = [2]
    equal(made, Values.C(values=[2]))


def test_a_parameter_of_the_past_is_discarded_with_a_warning():
    made, plain = Replaced.C(value=1), Values.C(values=[1])
    with pytest.warns(UserWarning, match="value is a parameter of the deprecated Replaced"):
        made.value = 5
    equal(made, plain)
    assert not hasattr(made, "value")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain.value = 5  # an ordinary attribute
        made.other = 6
    assert plain.value == 5 and made.other == 6


# ---- What cannot be -------------------------------------------------------------------------------


def test_what_replaces_it_must_be_told():
    with pytest.raises(TypeError, match="write @deprecate.TheNewClass."):

        @deprecate
        class Alone(Config):
            pass

    with pytest.raises(TypeError, match="must derive from one class of yours"):

        @deprecate
        class Both(New, Values):
            pass


def test_the_class_to_convert_to_may_derive_from_another():
    class Derived(New):
        b: Param[int]

    @deprecate(Derived)
    class Old(Config):
        c: Param[int]

        def __convert__(self):
            return Derived.C(a=self.c, b=self.c)

    equal(Old.C(c=1), Derived.C(a=1, b=1))


def test_a_replaced_class_must_convert():
    with pytest.raises(TypeError, match="needs a method __convert__"):

        @deprecate(New, replace=True)
        class Old(Config):
            pass


def test_it_is_too_late_when_the_class_is_used():
    class Used(New):
        pass

    Used.C(a=1)
    with pytest.raises(TypeError, match="comes before .*Used is used"):
        deprecate(New)(Used)


# ---- Parameters -----------------------------------------------------------------------------------


def test_a_deprecated_parameter_calls_its_setter():
    new = Learn.C(losses=[New.C(a=1)])
    with pytest.warns(DeprecationWarning, match="Learn.loss is deprecated") as caught:
        equal(Learn.C(loss=New.C(a=1)), new)
    assert caught[0].filename == __file__
    old = Learn.C()
    old.loss = New.C(a=1)
    equal(old, new)
    with pytest.raises(AttributeError, match="it is set, and not read"):
        old.loss


def test_a_renamed_parameter_is_set_by_its_old_names_with_a_warning():
    new = Learn.C(rate=0.25)
    for name in ("lr", "speed"):
        with pytest.warns(DeprecationWarning, match=f"{name} of .* is now called rate") as caught:
            equal(Learn.C(**{name: 0.25}), new)
        assert caught[0].filename == __file__
    old = Learn.C()
    with pytest.warns(DeprecationWarning) as caught:
        old.lr = 0.25
        assert old.speed == 0.25
    assert [w.filename for w in caught] == [__file__, __file__]
    equal(old, new)
    with pytest.raises(ValueError, match="rate: expected float"):
        Learn.C(lr="fast")


def test_a_parameter_is_not_given_by_two_names():
    for given in ({"lr": 1, "rate": 2}, {"rate": 2, "lr": 1}):
        with pytest.raises(ValueError, match=r"\$.lr: it is now called rate, which is given too"):
            Learn.C(**given)


def test_a_subclass_has_the_old_names_too():
    class Sub(Learn):
        pass

    assert Sub.C(lr=0.25).rate == 0.25
    with pytest.raises(ValueError, match="pace is not a parameter"):
        Sub.C(pace=1)


def test_the_identifier_is_that_of_the_new_name():
    def declare(**more):
        class Fit(Config):
            rate: Param[float] = field(**more)

        return Fit

    equal(declare(renamed_from="lr").C(lr=1), declare().C(rate=1))


# ---- Renamed classes ------------------------------------------------------------------------------


def test_renamed_from_takes_classes_of_configurations():
    with pytest.raises(TypeError, match="takes a class of configurations"):
        renamed_from("old")(int)


def test_old_files_load_under_the_names_of_today(program):
    program.write(
        "old.py",
        """
        from experimaestro import Config, Param, Task, experiment

        class Model(Config):
            g: Param[float]

        class Learn(Task):
            lr: Param[float]
            model: Param[Model]

            def execute(self):
                pass

        if __name__ == "__main__":
            import old

            with experiment("workspace", "e"):
                old.Learn.C(lr=0.5, model=old.Model.C(g=2)).submit()
        """,
    )
    program.run("old.py")
    program.write("old.py", "")
    program.write(
        "new.py",
        """
        import glob
        from experimaestro import Config, Param, Task, field, renamed_from
        from experimaestro.run import resolve
        from experimaestro import _engine

        @renamed_from("old.Model")
        class Net(Config):
            gamma: Param[float] = field(renamed_from="g")

        @renamed_from("older.Learn", "old.Learn")
        class Train(Task):
            rate: Param[float] = field(renamed_from=["lr"])
            model: Param[Net]

            def execute(self):
                print(type(self).__name__, self.rate, type(self.model).__name__, self.model.gamma)

        if __name__ == "__main__":
            import new
            task = _engine.load(*glob.glob("workspace/jobs/*/*/params.json"), resolve)
            task._instances()[0].execute()
        """,
    )
    assert program.run("new.py") == "Train 0.5 Net 2.0\n"


# ---- The original, where it is installed ----------------------------------------------------------

ORIGINAL = Path(__file__).resolve().parents[2] / "bench/.peers/original/bin/python"
DIGESTS = """
from experimaestro import Config, InstanceConfig, LightweightTask, Param, deprecate, field
try:
    from experimaestro import Any
except ImportError:
    from typing import Any

class Mixin:
    pass

class New(Config):
    a: Param[int]

@deprecate
class Same(New):
    pass

@deprecate
class More(New):
    b: Param[int] = field(default=3, ignore_default=True)

class Values(Config):
    values: Param[list[int]]

@deprecate(Values)
class Value(Config):
    value: Param[int]
    def __convert__(self):
        return Values.C(values=[self.value])

@deprecate(Value)
class Twice(Config):
    half: Param[int]
    def __convert__(self):
        return Value.C(value=2 * self.half)

@deprecate(Values, replace=True)
class Replaced(Config):
    value: Param[int]
    def __convert__(self):
        return Values.C(values=[self.value])

@deprecate
class Legacy(New):
    def __convert__(self):
        return New.C(a=self.a + 1)

class Box(Config):
    content: Param[list[Any]]

class Counted(InstanceConfig, Mixin):
    n: Param[int]

@deprecate(Counted)
class OldCounted(InstanceConfig):
    m: Param[int]
    def __convert__(self):
        return Counted.C(n=self.m)

class Learn(Config):
    losses: Param[list[New]] = field(default=[], ignore_default=True)
    @deprecate
    def loss(self, value):
        self.losses.append(value)

one = OldCounted.C(m=1)
for config in [
    New.C(a=1), Same.C(a=1), More.C(a=1), More.C(a=1, b=2), Values.C(values=[4]), Value.C(value=4),
    Twice.C(half=2), Replaced.C(value=4), Legacy.C(a=1), Box.C(content=[Value.C(value=4)]),
    Box.C(content=[Values.C(values=[4])]), Box.C(content=[one, one]),
    Box.C(content=[one, OldCounted.C(m=1)]), Box.C(content=[Counted.C(n=1), OldCounted.C(m=1)]),
    Learn.C(loss=New.C(a=1)),
]:
    print(config.__xpm__.identifier.all.hex())
"""


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the original is not installed in bench/.peers")
def test_identifiers_are_those_of_the_original(tmp_path):
    script = tmp_path / "past.py"
    script.write_text(DIGESTS)

    def digests(python):
        done = subprocess.run([python, script], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    ours = digests(sys.executable)
    assert len(ours) == 15 and ours == digests(ORIGINAL)
