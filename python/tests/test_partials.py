"""Partial identifiers: which parameters count, and where the shared directory is."""

import pytest

from experimaestro import (
    Config,
    Meta,
    Param,
    Path,
    PathGenerator,
    RunMode,
    Task,
    experiment,
    field,
    param_group,
    partial,
)

a, b = param_group("a"), param_group("b")


class Learn(Task):
    __xpmid__ = "partials.learn"
    none: Param[int] = field(default=0)
    in_a: Param[int] = field(default=0, groups=[a])
    in_b: Param[int] = field(default=0, groups=[b])
    in_both: Param[int] = field(default=0, groups=[a, b])

    without_a = partial(exclude_groups=[a])
    nothing = partial(exclude_all=True)
    grouped = partial(exclude_no_group=True)
    only_b = partial(exclude_all=True, include_groups=[b])
    kept = partial(exclude_groups=[a], include_groups=[b])
    only_a = partial(exclude_no_group=True, exclude_groups=[b], include_groups=[a])
    everything = partial()


class Longer(Learn):
    __xpmid__ = "partials.longer"


class Write(Task):
    __xpmid__ = "partials.write"
    x: Param[int] = field(default=1, groups=[a])
    shared = partial(exclude_groups=[param_group("a")])  # groups are equal by name
    file: Meta[Path] = field(default_factory=PathGenerator("file", partial=shared))


class Holder(Task):
    x: Param[int]
    write: Param[Write]


def counts(name):
    """The parameters that count in a partial identifier."""
    base = Learn().__xpm__.get_partial_identifier(name)
    return {
        parameter
        for parameter in ("none", "in_a", "in_b", "in_both")
        if Learn(**{parameter: 1}).__xpm__.get_partial_identifier(name) != base
    }


@pytest.mark.parametrize(
    "name, counting",
    [
        ("without_a", {"none", "in_b"}),
        ("nothing", set()),
        ("grouped", {"in_a", "in_b", "in_both"}),
        ("only_b", {"in_b", "in_both"}),
        ("kept", {"none", "in_b", "in_both"}),
        ("only_a", {"in_a", "in_both"}),
        ("everything", {"none", "in_a", "in_b", "in_both"}),
    ],
)
def test_groups_are_included_first_then_excluded(name, counting):
    assert counts(name) == counting


def test_a_partial_identifier_is_that_of_the_original():
    identifier = Write().__xpm__.get_partial_identifier(Write.shared)
    assert identifier.hex() == Write(x=2).__xpm__.get_partial_identifier("shared").hex()
    assert identifier != Write(x=2).__xpm__.identifier
    full = Learn(in_a=3).__xpm__
    assert full.get_partial_identifier("everything") == full.identifier


def test_a_partial_is_named_after_its_attribute():
    assert Write.shared.name == "shared"
    with pytest.raises(KeyError, match="has no partial identifier absent"):
        Learn().__xpm__.get_partial_identifier("absent")


def test_the_directory_is_named_after_the_type_of_the_task(tmp_path, capfd):
    with experiment(tmp_path, "dry", run_mode=RunMode.DRY_RUN):
        write = Write(x=2).submit()
    identifier = write.__xpm__.get_partial_identifier("shared").hex()
    folder = tmp_path / "partials" / "partials.write" / "shared" / identifier
    assert write.file == folder / "file"
    assert not folder.exists()


def test_a_subclass_has_directories_of_its_own(tmp_path):
    with experiment(tmp_path, "generate", run_mode=RunMode.GENERATE_ONLY):
        learn, longer = Learn().submit(), Longer().submit()
    for task, kind in ((learn, "partials.learn"), (longer, "partials.longer")):
        link = task.jobpath / ".experimaestro/partials/without_a"
        assert link.resolve().parent == (tmp_path / "partials" / kind / "without_a").resolve()


def test_a_nested_configuration_uses_the_directory_of_its_own_type(tmp_path, capfd):
    with experiment(tmp_path, "generate", run_mode=RunMode.GENERATE_ONLY):
        write = Write(x=2).submit()
        holder = Holder(x=1, write=write).submit()
    assert holder.write.file == write.file
    assert not (holder.jobpath / ".experimaestro/partials").exists()


def test_more_partial_identifiers_than_a_process_can_lock_are_refused(tmp_path, capfd):
    namespace = {f"p{i}": partial(exclude_all=True) for i in range(33)}
    Crowd = type("Crowd", (Task,), {"__module__": __name__, "__xpmid__": "crowd", **namespace})
    with experiment(tmp_path, "dry", run_mode=RunMode.DRY_RUN):
        with pytest.raises(ValueError, match="33 partial identifiers, and 32 are the most"):
            Crowd().submit()


def test_a_configuration_that_is_no_task_may_have_partials():
    class Part(Config):
        x: Param[int] = field(default=1, groups=[a])
        shared = partial(exclude_groups=[a])

    first, second = (Part(x=x).__xpm__.get_partial_identifier("shared") for x in (1, 2))
    assert first == second
