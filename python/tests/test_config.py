"""Configurations: made, set, read, copied, freed."""

import copy
import gc
import pickle
import sys
import weakref

import pytest

from experimaestro import (
    Annotated,
    Config,
    ConfigTypeError,
    Constant,
    Meta,
    Param,
    Path,
    PathGenerator,
    Task,
    field,
    pathgenerator,
    setmeta,
    tag,
    tags,
    tagspath,
)


class Model(Config):
    layers: Param[int]
    rate: Param[float] = 0.5


class Holder(Config):
    model: Param[Model]
    models: Param[list[Model]] = field(default_factory=list)
    by_name: Param[dict[str, Model]] = {}
    ints: Param[list[int]] = [1, 2]


class Learn(Task):
    epochs: Param[int] = 100
    model: Param[Model]
    version: Constant[str] = "v1"
    threads: Meta[int] = 4
    parameters: Annotated[Path, pathgenerator("parameters.pth")]


def test_a_configuration_is_one_of_its_class():
    model = Model.C(layers=3)
    assert isinstance(model, Model) and isinstance(model, Model.XPMConfig)
    assert Model.C is Model.XPMConfig is model.C
    assert not isinstance(model, Learn)


def test_a_class_has_its_own_class_of_configurations():
    class Child(Model):
        extra: Param[int] = 0

    assert Child.C is not Model.C
    assert Child.C(layers=1).extra == 0
    assert isinstance(Child.C(layers=1), Model)


def test_values_are_read_and_set():
    model = Model(layers=3)
    model.layers = 4
    assert (model.layers, model.rate) == (4, 0.5)


def test_defaults_in_the_class_do_not_hide_parameters():
    assert Model.rate == 0.5
    assert Model.C(layers=1, rate=0.25).rate == 0.25


def test_other_attributes_are_ordinary():
    model = Model(layers=3)
    model.note = "hello"
    assert model.note == "hello"
    with pytest.raises(AttributeError):
        model.nothing


def test_an_unset_parameter_is_a_KeyError():
    with pytest.raises(KeyError, match="layers of .* is required"):
        Model().layers


def test_lists_are_copied_when_assigned():
    given = [1, 2, 3]
    holder = Holder(ints=given)
    assert holder.ints == given and holder.ints is not given
    given.append(4)
    assert holder.ints == [1, 2, 3]
    holder.ints.append(5)
    assert holder.ints == [1, 2, 3, 5]


def test_defaults_are_cloned_for_each_object():
    first, second = Holder(), Holder()
    first.ints.append(3)
    first.models.append(Model(layers=1))
    assert (first.ints, second.ints, Holder().ints) == ([1, 2, 3], [1, 2], [1, 2])
    assert second.models == []


def test_a_default_configuration_is_cloned_for_each_object():
    class Outer(Config):
        inner: Param[Model] = field(default_factory=lambda: Model(layers=7))

    first, second = Outer(), Outer()
    assert first.inner is first.inner is not second.inner
    first.inner.layers = 8
    assert second.inner.layers == 7
    assert first.__xpm__.identifier != second.__xpm__.identifier


def test_a_factory_of_a_meta_is_called_for_each_object_when_sealed():
    calls = []

    class Timed(Config):
        at: Meta[int] = field(default_factory=lambda: calls.append(1) or len(calls))

    timed = Timed()
    timed.__xpm__.identifier
    assert not calls
    timed.seal()
    assert timed.at == timed.at == 1


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Model(layers="a"), r'\$\.layers: expected int, got str "a"'),
        (lambda: Model(layers=None), r"\$\.layers: expected int, got none"),
        (lambda: Holder(ints=[1, "a"]), r"\$\.ints\[1\]: expected int"),
        (lambda: Holder(ints=(1, 2)), r"\$\.ints"),
        (lambda: Holder(models=[Model(layers=1), 3]), r"\$\.models\[1\]: expected .*model"),
        (lambda: Holder(by_name={"a": Model(layers=1), "b": 3}), r'\$\.by_name\["b"\]'),
        (lambda: Holder(by_name={"a": object()}), r"\$\.by_name\['a'\]: not a value"),
        (lambda: Holder(model=Learn()), "expected .*model, got .*learn"),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error_with_its_path(make, message):
    with pytest.raises(ConfigTypeError, match=message) as caught:
        make()
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, TypeError)


def test_an_instance_is_no_configuration():
    instance = Model(layers=1).instance()
    for wrong in ({"model": instance}, {"models": [instance]}):
        with pytest.raises(AttributeError, match=r"an instance, and no configuration; make one by"):
            Holder(**wrong)


def test_what_is_appended_is_checked_when_it_is_used():
    holder = Holder(model=Model(layers=1))
    holder.ints.append("a")
    with pytest.raises(ValueError, match=r"\$\.ints\[2\]: expected int"):
        holder.__xpm__.identifier
    holder.ints.pop()
    holder.__xpm__.identifier


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**30, 1e30])
def test_an_integer_outside_64_bits_is_an_error_that_names_the_parameter(value):
    with pytest.raises(ValueError, match=r"\$\.layers: .*64 bits"):
        Model(layers=value)
    with pytest.raises(ValueError, match=r"\$\.ints\[0\]: .*64 bits"):
        Holder(ints=[value])


def test_an_unknown_parameter_is_an_error_that_knows_the_nearest():
    with pytest.raises(ValueError, match="layerz is not a parameter .*is it layers"):
        Model(layerz=3)


def test_parameters_are_given_by_name():
    with pytest.raises(TypeError, match="by name"):
        Model(3)


@pytest.mark.parametrize("name", ["version", "parameters"])
def test_constants_and_generated_values_are_read_only(name):
    learn = Learn()
    with pytest.raises(AttributeError, match="read-only"):
        setattr(learn, name, "x")
    with pytest.raises(AttributeError, match="read-only"):
        Learn(**{name: "x"})


def test_a_sealed_configuration_is_read_only():
    model = Model(layers=1)
    model.seal()
    with pytest.raises(AttributeError, match="read-only"):
        model.layers = 2
    with pytest.raises(AttributeError, match="read-only"):
        setmeta(model, True)
    assert model.layers == 1 and model.__xpm__.sealed


def test_a_parameter_cannot_be_deleted():
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del Model(layers=1).layers


def test_sealing_refuses_a_missing_value_and_seals_nothing():
    holder = Holder(model=Model())
    with pytest.raises(ValueError, match=r"\$\.model\.layers: .*required but missing"):
        holder.seal()
    assert not holder.__xpm__.sealed and not holder.model.__xpm__.sealed
    holder.model.layers = 3
    holder.seal()
    assert holder.model.__xpm__.sealed


def test_validate_is_called_before_sealing_children_first():
    calls = []

    class Inner(Config):
        x: Param[int]

        def __validate__(self):
            calls.append(self.x)
            if self.x < 0:
                raise ValueError("x is negative")

    class Outer(Config):
        inners: Param[list[Inner]]

        def __validate__(self):
            calls.append("outer")

    Outer(inners=[Inner(x=1), Inner(x=2)]).seal()
    assert calls == [1, 2, "outer"]
    bad = Outer(inners=[Inner(x=-1)])
    with pytest.raises(ValueError, match="x is negative"):
        bad.seal()
    assert not bad.__xpm__.sealed


def test_generated_paths_are_in_the_directory_of_their_place(tmp_path):
    class Part(Config):
        file: Annotated[Path, pathgenerator("part.bin")]
        other: Meta[Path] = field(default_factory=PathGenerator(lambda: "other.bin"))
        named: Meta[Path] = field(default_factory=PathGenerator(lambda c, o: c.path.name + o.name))
        name: Param[str] = "n"

    class Whole(Config):
        parts: Param[list[Part]]
        part: Param[Part]

    whole = Whole(parts=[Part(), Part()], part=Part())
    with pytest.raises(KeyError, match="generated when its task is submitted"):
        whole.part.file
    whole.seal(tmp_path)
    assert whole.part.file == tmp_path / "out/part/part.bin"
    assert whole.parts[1].file == tmp_path / "out/parts/1/part.bin"
    assert whole.part.other == tmp_path / "out/part/other.bin"
    assert whole.part.named == tmp_path / "out/part/partn"
    with pytest.raises(AttributeError, match=r"\$\.part: .*sealed elsewhere"):
        Whole(part=whole.part)


def test_a_path_generator_that_fails_passes_its_exception_on(tmp_path):
    def fail():
        raise LookupError("no path today")

    class Failing(Config):
        file: Meta[Path] = field(default_factory=PathGenerator(fail))

    with pytest.raises(LookupError, match="no path today"):
        Failing().seal(tmp_path)


def test_a_copy_is_deep_and_shares_inside_what_was_shared():
    model = Model(layers=1)
    holder = Holder(model=model, models=[model], by_name={"a": model})
    twin = holder.copy()
    assert twin.model is not model and twin.models[0] is twin.model is twin.by_name["a"]
    assert twin.__xpm__.identifier == holder.__xpm__.identifier
    twin.model.layers = 2
    assert model.layers == 1


def test_a_copy_of_a_sealed_configuration_can_be_changed(tmp_path):
    learn = Learn(model=Model(layers=1))
    learn.seal(tmp_path)
    twin = learn.copy()
    twin.epochs = 3
    assert (twin.model.layers, twin.epochs, learn.epochs) == (1, 3, 100)


def test_an_instance_is_a_plain_object():
    events = []

    class Made(Config):
        x: Param[int]
        model: Param[Model]
        other: Param[Model]

        def __init__(self):
            events.append("init")
            self.y = 1

        def __post_init__(self):
            events.append(("post_init", self.x, self.model.layers))

    shared = Model(layers=5)
    instance = Made.C(x=3, model=shared, other=shared).instance()
    assert type(instance) is Made and type(instance.model) is Model
    assert instance.model is instance.other
    assert events == ["init", ("post_init", 3, 5)]
    instance.x = "anything"
    assert instance.y == 1


def test_instances_are_pickled_and_copied_as_plain_objects():
    instance = Holder(model=Model(layers=5)).instance()
    for twin in (pickle.loads(pickle.dumps(instance)), copy.deepcopy(instance)):
        assert type(twin) is Holder and type(twin.model) is Model
        assert (twin.model.layers, twin.ints) == (5, [1, 2])


def test_configurations_are_copied_and_not_pickled():
    model = Model(layers=5)
    for twin in (copy.copy(model), copy.deepcopy(model)):
        assert twin is not model and twin.__xpm__.identifier == model.__xpm__.identifier
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(model)


class Node(Config):
    value: Param[int]
    next: Param["Node | None"]
    all: Param[list["Node"]] = []


def cycle():
    first = Node(value=1)
    second = Node(value=2, next=first)
    first.next = second
    first.all.append(second)
    return first


def test_cycles_can_be_built_identified_copied_and_printed():
    first = cycle()
    assert first.next.next is first
    assert first.__xpm__.identifier != first.next.__xpm__.identifier
    assert first.__xpm__.identifier == cycle().__xpm__.identifier
    twin = first.copy()
    assert twin.next.next is twin and twin.next is not first.next
    assert "..." in repr(first)
    instance = first.instance()
    assert instance.next.next is instance


def test_configurations_are_freed_even_in_cycles():
    alone = Model(layers=1)
    references = [weakref.ref(alone), weakref.ref(cycle())]
    holder = Holder(model=alone, models=[alone])
    holder.__xpm__.identifier
    references.append(weakref.ref(holder))
    del alone, holder
    gc.collect()
    assert [reference() for reference in references] == [None] * 3


def test_references_are_counted_exactly():
    value, model = "some text " * 10, Model(layers=1)
    before = sys.getrefcount(value), sys.getrefcount(model), sys.getrefcount(Model)

    class Texts(Config):
        text: Param[str]
        model: Param[Model]

    for _ in range(10):
        texts = Texts(text=value, model=model)
        texts.__xpm__.identifier
        texts.copy().tags()
        with pytest.raises(ValueError):
            texts.text = 3
        repr(texts)
    del texts
    gc.collect()
    assert (sys.getrefcount(value), sys.getrefcount(model)) == before[:2]


def test_configurations_may_nest_deep():
    node = Node(value=0)
    for i in range(50_000):
        node = Node(value=i, next=node)
    unsealed = node.__xpm__.identifier
    node.seal()
    assert node.__xpm__.identifier == unsealed
    assert node.next.__xpm__.identifier != unsealed


def test_a_cycle_that_is_too_long_is_refused():
    first = node = Node(value=0)
    for i in range(20_000):
        node = Node(value=i, next=node)
    first.next = node
    with pytest.raises(ValueError, match="in a cycle of more than"):
        node.__xpm__.identifier


def test_tags_are_gathered_in_order_of_name():
    holder = Holder(model=Model(layers=tag(3), rate=tag(0.25)), ints=[]).tag("a", "x/y")
    assert tags(holder) == holder.tags() == {"a": "x/y", "layers": 3, "rate": 0.25}
    assert list(holder.tags()) == ["a", "layers", "rate"]
    assert tagspath(holder) == "a=x-y_layers=3_rate=0.25"
    assert holder.model.layers == 3
    holder.model.layers = tag("4")
    assert holder.tags()["layers"] == "4" and holder.model.layers == 4


def test_tags_do_not_count_in_the_identifier():
    assert Model(layers=tag(3)).__xpm__.identifier == Model(layers=3).__xpm__.identifier


def test_the_text_of_a_configuration_is_short():
    assert repr(Model(layers=3)) == "Model(layers=3, rate=0.5)"
    assert repr(Model()) == "Model(rate=0.5)"
