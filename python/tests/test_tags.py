"""Tags: what varies, for people."""

import logging
import pickle

import pytest

from experimaestro import (
    Config,
    LightweightTask,
    Param,
    Path,
    RunMode,
    TagDict,
    Task,
    experiment,
    stop_tags,
    tag,
    tags,
    tagspath,
)


class Model(Config):
    layers: Param[int]


class Pair(Config):
    first: Param[Model]
    second: Param[Model]


class Many(Config):
    models: Param[list[Model]]
    sizes: Param[list[int]] = []


class Chain(Config):
    before: Param["Chain | None"]


class Learn(Task):
    model: Param[Model]
    epochs: Param[int] = 1


class After(Task):
    learn: Param[Learn]


class Load(LightweightTask):
    speed: Param[int]


@pytest.fixture
def dry(tmp_path, capfd):
    with experiment(tmp_path / "workspace", "dry", run_mode=RunMode.DRY_RUN) as xp:
        yield xp


def test_tag_names_the_parameter_and_keeps_the_value_as_it_was_given():
    model = Model(layers=tag("3"))
    assert model.layers == 3
    assert model.tags() == {"layers": "3"}


def test_assigning_a_tagged_value_tags_too():
    model = Model(layers=1)
    model.layers = tag(2)
    assert (model.layers, model.tags()) == (2, {"layers": 2})


def test_the_method_tag_returns_the_configuration():
    model = Model(layers=1)
    assert model.tag("size", "small") is model
    assert tags(model) == {"size": "small"}


def test_tags_are_a_sorted_immutable_hashable_mapping():
    found = Model(layers=1).tag("b", 2).tag("a", 1).tags()
    assert type(found) is TagDict and isinstance(found, dict)
    assert list(found.items()) == [("a", 1), ("b", 2)]
    assert {found: "x"}[TagDict(b=2, a=1)] == "x"
    for change in (
        lambda: found.update(a=2),
        lambda: found.__setitem__("a", 2),
        lambda: found.__delitem__("a"),
        found.clear,
        found.popitem,
        lambda: found.pop("a"),
        lambda: found.setdefault("c", 1),
        lambda: found.__ior__({"c": 1}),
    ):
        with pytest.raises(TypeError, match="cannot be changed"):
            change()
    assert found == {"a": 1, "b": 2}
    assert pickle.loads(pickle.dumps(found)) == found


def test_tags_go_through_tasks_and_init_tasks(dry):
    learn = Learn(model=Model(layers=tag(2)), epochs=tag(3))
    learn.submit(init_tasks=[Load(speed=tag(9))])
    after = After(learn=learn).tag("after", True)
    assert after.tags() == {"after": True, "epochs": 3, "layers": 2, "speed": 9}


def test_what_holds_wins_over_what_it_holds_and_the_last_over_the_first():
    assert Pair(first=Model(layers=tag(1)), second=Model(layers=tag(2))).tags() == {"layers": 2}
    held = Pair(first=Model(layers=tag(1)), second=Model(layers=tag(2))).tag("layers", 7)
    assert held.tags() == {"layers": 7}


def here():
    import sys

    return sys._getframe(1).f_lineno


def test_a_conflict_is_told_with_both_places(caplog):
    first, line = Model(layers=tag(1)), here()
    pair = Pair(first=first, second=Model(layers=2).tag("layers", "two"))
    with caplog.at_level(logging.WARNING):
        assert pair.tags() == {"layers": "two"}
    (record,) = caplog.records
    assert record.name == "xpm" and record.levelno == logging.WARNING
    assert f"int 1 (set at {__file__}:{line})" in record.getMessage()
    assert f'str "two" (set at {__file__}:{line + 1})' in record.getMessage()


def test_equal_values_are_no_conflict(caplog):
    pair = Pair(first=Model(layers=tag(1)), second=Model(layers=tag(1)))
    assert pair.tags() == {"layers": 1} and not caplog.records


def test_a_conflict_is_told_once_when_a_task_is_submitted(dry, caplog):
    learn = Learn(model=Model(layers=1).tag("epochs", 5), epochs=tag(3)).submit()
    assert len(caplog.records) == 1
    assert learn.tags() == {"epochs": 3}
    After(learn=learn).submit()
    assert len(caplog.records) == 1


def test_stopped_tags_go_no_further_than_the_parameter():
    model = Model(layers=tag(1))
    other = Model(layers=tag(2))
    assert Pair(first=stop_tags(model), second=other).tags() == {"layers": 2}
    assert Pair(first=model, second=stop_tags(model)).tags() == {"layers": 1}
    assert Many(models=stop_tags([model, other])).tags() == {}
    assert model.tags() == {"layers": 1}


def test_stopping_lasts_until_the_parameter_is_set_again():
    pair = Pair(first=stop_tags(Model(layers=tag(1))), second=Model(layers=2))
    assert pair.tags() == {}
    pair.first = pair.first
    assert pair.tags() == {"layers": 1}


def test_stop_tags_and_tag_nest():
    assert Model(layers=stop_tags(tag(1))).tags() == {"layers": 1}
    assert Model(layers=tag(stop_tags(1))).tags() == {"layers": 1}
    assert Model(layers=tag(tag(1))).tags() == {"layers": 1}
    assert Model(layers=stop_tags(1)).layers == 1


def test_stopped_tags_are_not_the_job_s(tmp_path, capfd):
    with experiment(tmp_path, "dry", run_mode=RunMode.GENERATE_ONLY):
        learn = Learn(model=stop_tags(Model(layers=tag(1))), epochs=tag(2)).submit()
    assert '"tags":{"epochs":2}' in (learn.jobpath / "params.json").read_text()


def test_only_the_whole_value_of_a_parameter_can_be_tagged():
    with pytest.raises(ValueError, match=r"^\$\.sizes\[1\]: .*\.tag\(name, value\)"):
        Many(models=[], sizes=[1, tag(2)])
    with pytest.raises(ValueError, match="no name"):
        try:
            tag(value=1)
        except TypeError as error:
            raise ValueError(str(error)) from None


def test_a_collection_is_a_tag_too(tmp_path, capfd):
    learn = Learn(model=Model(layers=1)).tag("d", {"a": (1, {2})}).tag("l", [1, None])
    assert learn.tags() == {"d": {"a": (1, {2})}, "l": [1, None]}
    assert hash(learn.tags()) == hash(TagDict(l=[1, None], d={"a": (1, {2})}))
    assert tagspath(Many(models=[], sizes=tag([1, 2]))) == "sizes=[1, 2]"
    with experiment(tmp_path, "dry", run_mode=RunMode.GENERATE_ONLY):
        learn.submit()
    assert '"tags":{"d":{"a":[1,[2]]},"l":[1,null]}' in (learn.jobpath / "params.json").read_text()


def test_the_keys_of_a_tag_are_texts_in_files(tmp_path, capfd):
    learn = Learn(model=Model(layers=1)).tag("d", {1: 0, True: 2, "a": 3, Path("/p"): 4})
    with experiment(tmp_path, "dry", run_mode=RunMode.GENERATE_ONLY):
        learn.submit()
    assert '"tags":{"d":{"1":2,"a":3,"/p":4}}' in (learn.jobpath / "params.json").read_text()


class TellTags(Task):
    model: Param[Model]

    def execute(self):
        print(dict(self.__tags__))


def test_a_task_is_given_tags_that_are_collections(tmp_path):
    with experiment(tmp_path, "run"):
        tell = TellTags(model=Model(layers=1)).tag("d", {"type": [1, {"a": None}]}).submit()
    assert tell.stdout().read_text() == "{'d': {'type': [1, {'a': None}]}}\n"


def test_a_configuration_as_a_tag_is_its_text():
    pair = Pair(first=tag(Model(layers=1)), second=Model(layers=2))
    assert pair.tags() == {"first": str(Model(layers=1))}
    assert pair.first.layers == 1
    assert Model(layers=1).tag("m", [pair.first]).tags() == {"m": str([pair.first])}


def test_what_no_parameter_can_hold_is_no_tag():
    with pytest.raises(ValueError, match="the value of the tag"):
        Model(layers=1).tag("x", object())


def test_tagspath_is_sorted_and_has_no_slash_of_a_text():
    model = Model(layers=1).tag("size", "a/b").tag("rate", 0.5).tag("data", Path("/x/y"))
    assert tagspath(model) == "data=/x/y_rate=0.5_size=a-b"
    assert tagspath(Model(layers=1)) == ""


def test_tags_do_not_change_the_identifier_and_a_copy_has_none():
    model = Model(layers=tag(1))
    assert model.__xpm__.identifier == Model(layers=1).__xpm__.identifier
    assert model.copy().tags() == {}


def test_a_tag_in_a_cycle_and_in_a_shared_object_is_met_once(caplog):
    chain = Chain(before=None)
    chain.before = Chain(before=chain)
    chain.tag("where", "cycle")
    assert chain.tags() == {"where": "cycle"}
    assert chain.before.tags() == {"where": "cycle"} and not caplog.records


def test_tags_of_configurations_that_nest_deep():
    chain = Chain(before=None).tag("deep", 1)
    for _ in range(50_000):
        chain = Chain(before=chain)
    assert chain.tags() == {"deep": 1}
