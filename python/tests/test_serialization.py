"""Saving configurations and loading them."""

import json
import sys
from enum import Enum
from pathlib import Path
from typing import Optional

import pytest

from experimaestro import (
    Config,
    DataPath,
    LightweightTask,
    OptionalDataPath,
    Param,
    PathSerializationLWTask,
    SerializationContext,
    SerializedPath,
    deserialize,
    from_state_dict,
    from_task_dir,
    load,
    load_configs,
    load_xp_info,
    save,
    serialize,
    setmeta,
    state_dict,
)


class Color(Enum):
    RED = "r"


class Leaf(Config):
    n: Param[int]


class Everything(Config):
    leaf: Param[Leaf]
    leaves: Param[list[Leaf]]
    color: Param[Color]
    names: Param[dict[str, int]]
    numbers: Param[dict[int, Leaf]]
    pair: Param[tuple[int, str]]
    ids: Param[set[int]]
    absent: Param[Optional[str]]
    path: Param[Path]


class WithData(Config):
    file: DataPath
    more: OptionalDataPath
    n: Param[int] = 0


class Holder(Config):
    items: Param[list[WithData]]


class Saver(Config):
    n: Param[int]
    state: OptionalDataPath

    def __xpm_serialize__(self, context):
        saved = super().__xpm_serialize__(context)
        source = Path(__file__)
        saved["state"] = context.serialize([*context.var_path, "own.py"], source, self)
        return saved


class Note(LightweightTask):
    leaf: Param[Leaf]
    done = []

    def execute(self):
        self.done.append(self.leaf)


def everything():
    leaf = Leaf.C(n=1)
    return Everything.C(
        leaf=leaf,
        leaves=[leaf, Leaf.C(n=2)],
        color=Color.RED,
        names={"type": 1, "a": 2},
        numbers={3: leaf},
        pair=(1, "x"),
        ids={1, 2},
        path="/a/b",
    )


def test_a_value_of_every_kind_is_kept(tmp_path):
    config = everything()
    save([config, {"x": config.leaf, 1: None}, (config.leaf, 2.0), "é"], tmp_path / "new")
    loaded, table, pair, text = load(tmp_path / "new")
    assert loaded.names == {"type": 1, "a": 2} and loaded.pair == (1, "x")
    assert loaded.ids == {1, 2} and loaded.color is Color.RED and loaded.absent is None
    assert loaded.leaf is loaded.leaves[0] is loaded.numbers[3] is table["x"] is pair[0]
    assert table[1] is None and pair == [table["x"], 2.0] and text == "é"
    assert loaded.path == Path("/a/b") and loaded.__xpm__.sealed
    assert loaded.__xpm__.identifier == config.__xpm__.identifier
    assert not config.__xpm__.sealed


def test_instances_are_shared(tmp_path):
    save([everything(), "x"], tmp_path)
    instance, _ = load(tmp_path, as_instance=True)
    assert type(instance) is Everything and instance.leaf is instance.leaves[0]


def test_data_is_copied_under_the_path_of_its_parameter(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one").write_text("1")
    (tmp_path / "file").write_text("2")
    config = Holder.C(
        items=[WithData.C(file=tmp_path / "folder"), WithData.C(file=tmp_path / "file", n=2)]
    )
    save(config, tmp_path / "saved")
    (tmp_path / "saved").rename(tmp_path / "moved")
    loaded = load(tmp_path / "moved")
    assert loaded.items[0].file == tmp_path / "moved" / "items" / "0" / "file"
    assert (loaded.items[0].file / "one").read_text() == "1"
    assert loaded.items[1].file.read_text() == "2" and loaded.items[1].more is None
    assert loaded.items[1].file.samefile(tmp_path / "file")


def test_data_does_not_count_in_the_identifier(tmp_path):
    one, other = WithData.C(file="/a"), WithData.C(file="/b", more="/c")
    assert one.__xpm__.identifier == other.__xpm__.identifier


def test_a_configuration_says_what_is_saved_of_it(tmp_path):
    save({"k": Saver.C(n=1)}, tmp_path)
    assert load(tmp_path)["k"].state == tmp_path / "k" / "own.py"
    context = SerializationContext(save_directory=tmp_path / "other")
    assert context.serialize(["a", 0], __file__, None).path == Path("a/0")
    with pytest.raises(ValueError, match="two files would be saved as a/0"):
        context.serialize(["a", 0], __file__, None)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        save(WithData.C(file=tmp_path / "absent"), tmp_path / "third")
    assert not (tmp_path / "third" / "experimaestro.json").exists()


def test_init_tasks_are_executed_on_the_instances(tmp_path):
    leaf = Leaf.C(n=1)
    serialize(leaf, tmp_path, init_tasks=[Note.C(leaf=leaf)])
    loaded, (note,) = deserialize(tmp_path)
    assert note.leaf is loaded
    Note.done.clear()
    instance = deserialize(tmp_path, as_instance=True)
    assert Note.done == [instance] and type(instance) is Leaf
    save(leaf, tmp_path / "other")
    with pytest.raises(ValueError, match="saved by save"):
        deserialize(tmp_path / "other")


def test_a_state_is_loaded_from_where_its_data_is(tmp_path):
    (tmp_path / "file").write_text("1")
    config = WithData.C(file=tmp_path / "file")
    state = state_dict(SerializationContext(save_directory=tmp_path / "saved"), config)
    assert from_state_dict(state, tmp_path / "saved").file.read_text() == "1"
    with pytest.raises(ValueError, match="no folder was given"):
        from_state_dict(state)
    found = from_state_dict(state, lambda path: tmp_path / "elsewhere" / path)
    assert found.file == tmp_path / "elsewhere" / "file"
    assert from_state_dict(state_dict(SerializationContext(), config)).file == tmp_path / "file"


def test_meta_is_kept():
    never, always = setmeta(Leaf.C(n=1), True), setmeta(Leaf.C(n=2), False)
    loaded = from_state_dict(state_dict(SerializationContext(), [never, always, Leaf.C(n=3)]))
    assert [config.__xpm__.meta for config in loaded] == [True, False, None]


def test_the_stored_identifier_is_kept_unless_it_is_discarded():
    config = Leaf.C(n=1)
    state = state_dict(SerializationContext(), config)
    state["objects"][0]["identifier"] = "ab" * 32
    assert from_state_dict(state).__xpm__.identifier.hex() == "ab" * 32
    assert from_state_dict(state, discard_id=True).__xpm__.identifier == config.__xpm__.identifier


def test_bad_files_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing was saved there"):
        load(tmp_path)
    document = tmp_path / "experimaestro.json"
    document.write_text('{"objects": [')
    with pytest.raises(ValueError, match="experimaestro.json is not .* it is truncated. Save"):
        load(tmp_path)
    document.write_text('{"version": 99, "objects": [], "data": 1}')
    with pytest.raises(RuntimeError, match="upgrade it"):
        load(tmp_path)
    document.write_text(
        json.dumps(
            {
                "objects": [{"id": 1, "module": "no.such", "type": "X", "identifier": "ab" * 32}],
                "data": {"type": "python", "value": 1},
            }
        )
    )
    with pytest.raises(ImportError, match="no.such.X, the class of a saved configuration"):
        load(tmp_path)
    with pytest.raises(ValueError, match="value n is required but missing"):
        save(Leaf.C(), tmp_path)
    with pytest.raises(FileNotFoundError, match="no job's folder"):
        from_task_dir(tmp_path)
    with pytest.raises(FileNotFoundError, match="no run's folder"):
        load_xp_info(tmp_path)


def test_what_the_original_wrote_is_loaded(tmp_path):
    identifier = "ab" * 32
    leaf = {"id": 140389931006224, "module": __name__, "type": "Leaf", "typename": "x.Leaf",
            "identifier": identifier, "fields": {"n": 1}}  # fmt: skip
    state = {"objects": [leaf], "data": {"a": {"type": "python", "value": leaf["id"]}}}
    (tmp_path / "definition.json").write_text(json.dumps(state))
    assert load(tmp_path)["a"].__xpm__.identifier.hex() == identifier
    run = tmp_path / "run"
    run.mkdir()
    (run / "configs.json").write_text(json.dumps(state))
    assert load_xp_info(run).jobs["a"].n == 1
    with pytest.deprecated_call():
        assert load_configs(run)["a"].n == 1


def test_a_path_that_is_serialized_is_told_from_a_folder(tmp_path):
    assert SerializedPath(tmp_path).is_folder and not SerializedPath("absent").is_folder
    assert issubclass(PathSerializationLWTask, LightweightTask)


EXPERIMENT = """
    from pathlib import Path
    from experimaestro import *

    class Leaf(Config):
        n: Param[int]

    class Learn(Task):
        leaf: Param[Leaf]
        out: Meta[Path] = field(default_factory=PathGenerator("out.txt"))

        def task_outputs(self, dep):
            return dep(Leaf.C(n=self.leaf.n + 1))

        def execute(self):
            self.out.write_text(str(self.leaf.n))

    if __name__ == "__main__":
        with experiment("workspace", "one") as xp:
            task = Learn.C(leaf=Leaf.C(n=1))
            output = task.submit()
            xp.wait()
            xp.save([output])
            run = xp.workdir
        with experiment("workspace", "two") as xp:
            (loaded,) = xp.load("one")
            print(loaded.n, loaded.__xpm__.task.leaf.n)
            print(loaded.__xpm__.identifier == output.__xpm__.identifier)
            again = Learn.C(leaf=loaded).submit()
            xp.wait()
            try:
                xp.load("one", "other")
            except FileNotFoundError as error:
                print(error)
        (part,) = load(run / "data" / "default", partial_loading=True)
        print(part.__xpm__.task.typename, part.__xpm__.task.identifier == task.job.identifier)
        from_dir = from_task_dir(task.jobpath)
        print(from_dir.out == task.out, from_dir.__xpm__.identifier == task.__xpm__.identifier)
        info = load_xp_info(run)
        print([config.leaf.n for config in info.jobs.values()])
"""


def test_experiments_save_and_load(program):
    lines = program.run(program.write("plan.py", EXPERIMENT)).splitlines()
    assert lines[0] == "2 1" and lines[1] == "True"
    assert "no run of experiment one" in lines[2]
    assert lines[3] == "__main__.Learn True"
    assert lines[4] == "True True" and lines[5] == "[1]"


ORIGINAL = Path(__file__).parents[2] / "bench" / ".peers" / "original" / "bin" / "python"

THEIRS = """
    import json, sys
    from experimaestro import Config, DataPath, Param, load, save
    from pathlib import Path

    class Leaf(Config):
        __xpmid__ = "their.leaf"
        n: Param[int]

    class Holder(Config):
        __xpmid__ = "their.holder"
        leaf: Param[Leaf]
        file: DataPath
        names: Param[dict[str, int]]

    def make(file):
        return Holder.C(leaf=Leaf.C(n=3), file=file, names={"a": 1})
"""


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the original is not installed")
@pytest.mark.parametrize("writer", ["ours", "theirs"])
def test_each_loads_what_the_other_saved(program, tmp_path, writer):
    import subprocess

    program.write("pack/__init__.py", "")
    program.write("pack/mod.py", THEIRS)
    (tmp_path / "file").write_text("1")
    (tmp_path / "saved").mkdir()
    write = "from pack.mod import *; h = make(Path('file')); save([h, h.leaf], Path('saved'));"
    read = (
        "from pack.mod import *; h, l = load(Path('saved')); print(h.leaf is l, l.n, h.names, "
        "h.file.read_text(), end=' ');"
    )
    show = "print(h.__xpm__.identifier.all.hex())"
    ours, theirs = sys.executable, str(ORIGINAL)
    outputs = [
        subprocess.run(
            [python, "-c", code + show], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        for python, code in zip(
            (ours, theirs) if writer == "ours" else (theirs, ours), (write, read), strict=True
        )
    ]
    assert outputs[1] == "True 3 {'a': 1} 1 " + outputs[0]
