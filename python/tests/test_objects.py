"""What can be done with configurations: compare, compose, copy, make instances."""

import pickle

import pytest

from experimaestro import (
    Annotated,
    Config,
    Constant,
    DirectoryContext,
    EmptyContextError,
    LightweightTask,
    Meta,
    ObjectStore,
    Param,
    Path,
    Task,
    clone,
    copyconfig,
    field,
    initializer,
    pathgenerator,
    setmeta,
    tag,
)


class Inner(Config):
    x: Param[int] = field(default=1, ignore_default=True)
    notes: Meta[str] = ""


class Narrow(Inner):
    pass


class Outer(Config):
    inner: Param[Inner]


class Maybe(Config):
    inner: Param[Inner | None]
    other: Param[int | None]


class Many(Config):
    inners: Param[list[Inner]]
    by_name: Param[dict[str, Inner]] = field(default_factory=dict)
    either: Param[int | Inner] = 3


class Two(Config):
    left: Param[Inner]
    right: Param[Inner]


class Top(Config):
    outer: Param[Outer]


class Node(Config):
    value: Param[int]
    next: Param["Node | None"]


class Placed(Config):
    inner: Param[Inner | None]
    version: Constant[int] = 2
    file: Annotated[Path, pathgenerator("f.txt")]


class Holder(Config):
    placed: Param[Placed]


# ---- Equality ------------------------------------------------------------------------------------


def test_configurations_are_equal_by_class_and_values():
    assert Inner.C() == Inner.C(x=1)
    assert Inner.C() != Inner.C(x=2)
    assert Inner.C() != Narrow.C()
    assert Inner.C() != 1
    assert Many.C(inners=[Inner.C(x=3)]) == Many.C(inners=[Inner.C(x="3")])
    assert Many.C(inners=[Inner.C()]) != Many.C(inners=[Inner.C(), Inner.C()])
    assert Many.C(inners=[], by_name={"a": Inner.C()}) == Many.C(inners=[], by_name={"a": Inner()})
    assert Many.C(inners=[], by_name={"a": Inner.C()}) != Many.C(inners=[], by_name={"b": Inner()})


def test_what_was_appended_counts_in_equality():
    many = Many.C(inners=[])
    many.inners.append(Inner.C())
    assert many == Many.C(inners=[Inner.C()])


def test_a_meta_configuration_is_equal_to_one_that_is_not():
    assert setmeta(Inner.C(x=2), True) == Inner.C(x=2)
    assert Many.C(inners=[setmeta(Inner.C(x=2), True)]) != Many.C(inners=[])


def test_sealed_configurations_are_equal_by_identifier():
    one, other = Inner.C(x=2, notes="a").seal(), Inner.C(x=2, notes="b").seal()
    assert one == other and hash(one) == hash(other) and len({one, other}) == 1
    assert one != Inner.C(x=2, notes="b")
    assert one != Inner.C(x=3).seal()
    with pytest.raises(TypeError, match="unhashable.*not sealed"):
        hash(Inner.C())


def test_equality_of_cycles_ends():
    def ring(last):
        first = Node.C(value=0)
        second = Node.C(value=last, next=first)
        first.next = second
        return first

    assert ring(1) == ring(1)
    assert ring(1) != ring(2)


def test_equality_of_deep_graphs_needs_no_stack():
    def chain(end):
        node = Node.C(value=end)
        for i in range(20_000):
            node = Node.C(value=i, next=node)
        return node

    assert chain(0) == chain(0)
    assert chain(0) != chain(1)


# ---- Composition ---------------------------------------------------------------------------------


def test_composition_gives_the_outer_its_one_parameter_of_the_type():
    outer = Outer.C()
    assert (outer @ Narrow.C(x=2)) is outer
    assert outer.inner.x == 2
    assert (Maybe.C() @ Inner.C()).inner == Inner.C()
    assert (Top.C() @ (Outer.C() @ Inner.C(x=5))).outer.inner.x == 5
    assert (Outer.C(inner=Inner.C()) @ Inner.C(x=7)).inner.x == 7


@pytest.mark.parametrize(
    "outer, message",
    [
        (Two, "parameters left and right of .*two both take a .*inner"),
        (Many, "no parameter of .*many takes a .*inner"),
        (Top, "no parameter of .*top takes a .*inner"),
    ],
)
def test_composition_refuses_none_and_several(outer, message):
    with pytest.raises(ValueError, match=message):
        outer.C() @ Inner.C()


def test_composition_is_for_configurations():
    with pytest.raises(TypeError):
        Outer.C() @ 3
    outer = Outer.C(inner=Inner.C()).seal()
    with pytest.raises(AttributeError, match="read-only"):
        outer @ Inner.C()


# ---- Copies --------------------------------------------------------------------------------------


def test_copyconfig_shares_what_it_holds_and_takes_other_values():
    inner = Inner.C(x=4)
    placed = Placed.C(inner=inner).seal(DirectoryContext("/job"))
    copy = copyconfig(placed)
    assert copy.inner is inner and not copy.__xpm__.sealed
    with pytest.raises(KeyError):
        copy.file
    assert copyconfig(placed, inner=None).inner is None
    assert setmeta(inner.copy(), True).copy().__xpm__.meta is None
    with pytest.raises(ValueError, match="innr is not a parameter"):
        copyconfig(placed, innr=None)
    with pytest.raises(AttributeError, match="version is read-only"):
        copyconfig(placed, version=3)


def test_copies_have_no_tags():
    tagged = Inner.C(x=tag(3))
    assert tagged.tags() == {"x": 3}
    assert copyconfig(tagged).tags() == tagged.copy().tags() == {}


def test_clone_copies_in_depth():
    inners = {"a": [Inner.C(x=2)], "b": (Inner.C(), 1)}
    twins = clone(inners)
    assert twins == inners
    assert twins["a"][0] is not inners["a"][0] and isinstance(twins["b"], tuple)


# ---- Instances -----------------------------------------------------------------------------------


def test_an_instance_needs_a_place_for_what_is_generated():
    holder = Holder.C(placed=Placed.C())
    with pytest.raises(EmptyContextError, match="file of .*placed is generated in a directory"):
        holder.instance()
    assert issubclass(EmptyContextError, (AssertionError, ValueError))
    assert not holder.__xpm__.sealed
    instance = holder.instance(DirectoryContext("/job"))
    assert instance.placed.file == Path("/job/out/placed/f.txt")
    assert Placed.C().instance("/job").file == Path("/job/f.txt")


def test_instances_are_shared_through_a_store():
    inner = Inner.C()
    one, other, store = Outer.C(inner=inner), Outer.C(inner=inner), ObjectStore()
    assert one.instance(objects=store).inner is other.instance(objects=store).inner
    assert one.instance(objects=store) is one.instance(objects=store)
    assert store.retrieve(inner) is one.instance(objects=store).inner
    assert store.retrieve(Inner.C()) is None
    assert one.instance() is not one.instance()
    two = Two.C(left=inner, right=inner).instance()
    assert two.left is two.right


def test_an_instance_knows_its_configuration():
    outer = Outer.C(inner=Inner.C())
    instance = outer.instance()
    assert instance.xpmconfig is outer and instance.inner.xpmconfig is outer.inner
    assert outer.xpmconfig is outer
    with pytest.raises(AttributeError, match="does not know its configuration"):
        outer.instance(keep=False).xpmconfig
    twin = pickle.loads(pickle.dumps(instance))
    assert twin.inner.x == 1 and not hasattr(twin, "__config__")


class Ordered(Config):
    inner: Param["Ordered | None"]
    name: Param[str]
    log = []

    def __init__(self):
        self.log.append("init")
        assert not hasattr(self, "name")

    def __post_init__(self):
        self.log.append(f"post {self.name}")
        assert self.inner is None or self.inner.name == "a"


def test_what_is_held_is_made_before_the_fields_are_set():
    Ordered.log.clear()
    Ordered.C(inner=Ordered.C(name="a"), name="b").instance()
    assert Ordered.log == ["init", "init", "post a", "post b"]


def test_instances_of_deep_graphs_need_no_stack():
    node = Node.C(value=0)
    for i in range(1, 30_000):
        node = Node.C(value=i, next=node)
    instance, depth = node.instance(), 0
    while instance.next is not None:
        instance, depth = instance.next, depth + 1
    assert depth == 29_999


def test_an_instance_may_hold_itself():
    first = Node.C(value=0)
    first.next = Node.C(value=1, next=first)
    instance = first.instance()
    assert instance.next.next is instance


class Fragile(Config):
    inner: Param["Fragile | None"]
    name: Param[str]
    broken = set()

    def __post_init__(self):
        if self.name in self.broken:
            raise RuntimeError(f"{self.name} is broken")


def test_an_instance_that_could_not_be_completed_is_made_again():
    store = ObjectStore()
    fragile = Fragile.C(name="outer", inner=Fragile.C(name="inner"))
    Fragile.broken.add("outer")
    with pytest.raises(RuntimeError, match="outer is broken"):
        fragile.instance(objects=store)
    inner = store.retrieve(fragile.inner)
    assert store.retrieve(fragile) is None and inner.name == "inner"
    Fragile.broken.clear()
    assert fragile.instance(objects=store).inner is inner


class Load(LightweightTask):
    def execute(self):
        raise AssertionError("not executed by instance()")


class Job(Task):
    def execute(self):
        pass


def test_init_tasks_are_not_executed_by_instance():
    job = Job.C()
    job._add_init_task(Load.C())
    assert isinstance(job.instance(), Job)


class Weights(Config):
    size: Param[int]

    @initializer
    def initialize(self, value):
        """Fills."""
        self.calls = getattr(self, "calls", 0) + 1
        return [value] * self.size


def test_an_initializer_runs_once_for_each_object():
    one, other = Weights.C(size=2).instance(), Weights.C(size=1).instance()
    assert one.initialize(5) == [5, 5] and one.initialize(6) == [5, 5] and one.calls == 1
    assert other.initialize(7) == [7]
    assert Weights.initialize.__doc__ == "Fills."


# ---- Value classes -------------------------------------------------------------------------------


class Model(Config):
    size: Param[int]


class Deep(Model):
    pass


@Model.value_class()
class TorchModel(Model):
    def __post_init__(self):
        self.weights = [0] * self.size


def test_instances_are_of_the_value_class():
    assert Model.XPMValue is Model.C.XPMValue is TorchModel and Deep.XPMValue is Deep
    instance = Model.C(size=3).instance()
    assert type(instance) is TorchModel and instance.weights == [0, 0, 0]
    assert type(Deep.C(size=1).instance()) is Deep
    assert type(TorchModel.C(size=1).instance()) is TorchModel
    assert Outer.XPMValue is Outer
    assert pickle.loads(pickle.dumps(instance)).weights == [0, 0, 0]


def test_a_value_class_derives_from_the_class_and_the_values_of_its_bases():
    with pytest.raises(TypeError, match="must derive from it"):

        @Model.value_class()
        class Other:
            pass

    with pytest.raises(TypeError, match="must derive from TorchModel, the value class of Model"):

        @Deep.value_class()
        class TorchDeep(Deep):
            pass


# ---- Validation ----------------------------------------------------------------------------------


class Checked(Config):
    name: Param[str]
    parts: Param["list[Checked]"] = field(default_factory=list)
    pair: Param["tuple[int, Checked] | None"]
    log = []

    def __validate__(self):
        assert not self.__xpm__.sealed
        self.log.append(self.name)
        if self.name == "wrong":
            raise ValueError("this name is wrong")


def test_validation_goes_from_the_inside_out_once_for_each():
    Checked.log.clear()
    shared = Checked.C(name="shared")
    Checked.C(
        name="top", parts=[Checked.C(name="a", parts=[shared]), shared], pair=(1, Checked.C(name="p"))
    ).seal()
    assert Checked.log[-1] == "top" and sorted(Checked.log) == ["a", "p", "shared", "top"]
    assert Checked.log.index("shared") < Checked.log.index("a")


def test_what_is_refused_is_not_sealed():
    top = Checked.C(name="top", parts=[Checked.C(name="wrong")])
    with pytest.raises(ValueError, match="this name is wrong"):
        top.seal()
    assert not top.__xpm__.sealed
    top.parts[0].name = "right"
    top.seal()


# ---- What was generated elsewhere ----------------------------------------------------------------


class Held(Config):
    one: Param[Holder | None]
    many: Param[list[Holder]] = field(default_factory=list)
    named: Param[dict[str, Holder]] = field(default_factory=dict)
    free: Param[Holder | None] = field(ignore_generated=True, default=None)


@pytest.mark.parametrize(
    "values, path",
    [
        (lambda sealed: {"one": sealed}, r"\$\.one\.placed\.file"),
        (lambda sealed: {"many": [Holder.C(), sealed]}, r"\$\.many\[1\]\.placed\.file"),
        (lambda sealed: {"named": {"a": sealed}}, r"\$\.named\[\"a\"\]\.placed\.file"),
    ],
)
def test_what_was_generated_elsewhere_is_not_put_in_another(values, path):
    sealed = Holder.C(placed=Placed.C()).seal("/job")
    with pytest.raises(AttributeError, match=f"sealed elsewhere, where values were .*{path}"):
        Held.C(**values(sealed))
    assert Held.C(free=sealed).free is sealed
    assert Held.C(**values(sealed.copy()))


def test_what_holds_no_generated_value_may_be_sealed_before():
    sealed = Outer.C(inner=Inner.C()).seal()
    assert Top.C(outer=sealed).outer is sealed


# ---- Text ----------------------------------------------------------------------------------------


def test_a_configuration_says_what_it_holds_and_not_too_much():
    many = Many.C(inners=[Inner.C(x=n) for n in range(9)], by_name={"a": Inner.C()})
    text = str(many)
    assert "by_name={'a': Inner(notes='', x=1)}" in text
    assert "inners=[Inner(notes='', x=0), " in text and "... 9 in all]" in text
    assert str(Top.C(outer=Outer.C(inner=Inner.C()))) == "Top(outer=Outer(inner=Inner(notes='', x=1)))"
    node = Node.C(value=0)
    node.next = node
    assert "next=Node(...)" in str(node)
