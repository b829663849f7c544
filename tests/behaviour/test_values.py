"""Values of every type go to the process of a task, and are equal there."""

import json

import pytest
from harness import job_folders, run

TASKS = """
    import enum
    from pathlib import Path
    from typing import Any, Generic, Optional, TypeVar, Union

    from experimaestro import *

    T = TypeVar("T")

    class Color(enum.Enum):
        RED = 1
        GREEN = 2

    class Size(str, enum.Enum):
        SMALL = "small"
        LARGE = "large"

    class Level(enum.IntEnum):
        LOW = 1

    class Access(enum.Flag):
        READ = 1
        WRITE = 2

    class Mode(enum.IntFlag):
        READ = 1
        WRITE = 2

    class Leaf(Config):
        x: Param[int]

    class Box(Config, Generic[T]):
        content: Param[T]

    class LeafBox(Box[Leaf]):
        pass

    class Show(Task):
        pair: Param[tuple[int, str]]
        row: Param[tuple[float, ...]]
        leaves: Param[tuple[Leaf, list[Leaf]]]
        ints: Param[set[int]]
        pairs: Param[set[tuple[int, str]]]
        sealed: Param[set[Leaf]]
        frozen: Param[frozenset[str]]
        table: Param[dict[Size, tuple[Level, ...]]]
        color: Param[Color]
        access: Param[list[Access]]
        mode: Param[Mode]
        sizes: Param[list[Size]]
        either: Param[Union[int, tuple[int, int]]]
        box: Param[Box[Leaf]]
        bare: Param[Box]
        anything: Param[Any]
        number: Param[int]
        real: Param[float]
        truth: Param[bool]
        choice: Annotated[str, Choices(["a", "b"])]
        maybe: Param[Optional[tuple[int, ...]]]
        out: Meta[Path] = field(default_factory=PathGenerator("seen.txt"))

        def execute(self):
            seen = {name: describe(getattr(self, name)) for name in NAMES}
            same = self.leaves[0] is self.leaves[1][0] is self.box.content
            seen["shared"] = str(same and self.leaves[0] in self.sealed)
            self.out.write_text("\\n".join(f"{k}: {v}" for k, v in sorted(seen.items())))

    NAMES = [name for name in Show.__annotations__ if name != "out"]

    def describe(value):
        '''A text that is equal for a configuration and the instance made of it.'''
        if isinstance(value, Leaf):
            return f"Leaf({value.x})"
        if isinstance(value, Box):
            return f"{type(value).__name__.split('.')[0]}({describe(value.content)})"
        if isinstance(value, (list, tuple)):
            return f"{type(value).__name__}({', '.join(map(describe, value))})"
        if isinstance(value, set):
            return f"set({', '.join(sorted(map(describe, value)))})"
        if isinstance(value, dict):
            return str({describe(k): describe(v) for k, v in value.items()})
        return f"{type(value).__name__} {value!r}"
"""

PLAN = """
    import sys
    from tasks import *

    def number(kind, value):
        if "numpy" not in sys.argv:
            return value
        import numpy
        return getattr(numpy, kind)(value)

    def main(workspace):
        leaf, other = Leaf(x=number("int64", 1)), Leaf(x=2)
        with experiment(workspace, "types") as xp:
            sealed = sealed_set(leaf, other)
            task = Show(
                pair=(number("int32", 3), "a"), row=(1, number("float32", 0.5)),
                leaves=(leaf, [leaf, other]), ints={1, "2"}, pairs={(1, "a"), (2, "b")},
                sealed=sealed, frozen=frozenset("ab"),
                table={Size.LARGE: (Level.LOW,)}, color=Color.GREEN, sizes=[Size.SMALL],
                access=[Access.READ | Access.WRITE, Access.READ, Access(0)],
                mode=Mode.READ | Mode.WRITE,
                either=(1, 2), box=LeafBox(content=leaf), bare=Box(content=(1, "x")),
                anything=(1, {2}, ["y"]), number=number("uint8", 7),
                real=number("float16", 0.5), truth=number("bool_", True), choice="b")
            task.tag("n", number("int64", 4))
            task.submit()
        print("\\n".join(f"{name}: {describe(getattr(task, name))}" for name in sorted(NAMES)))
        print(task.job.path, task.tags())

    main(sys.argv[1])
"""


@pytest.fixture
def planned(driver):
    driver.write(TASKS, "tasks.py")
    return driver.write(PLAN)


def test_values_of_every_type_read_back_equal_in_the_task(driver, planned, workspace):
    *expected, last = driver.run(planned, workspace).stdout.splitlines()
    (folder,) = job_folders(workspace)
    seen = (folder / "seen.txt").read_text().splitlines()
    assert sorted([*expected, "shared: True"]) == seen
    assert last == f"{folder} {{'n': 4}}"
    fields = json.loads((folder / "params.json").read_text())["objects"][-1]["fields"]
    assert fields["pair"] == {"type": "tuple", "items": [3, "a"]}
    assert fields["sizes"] == ["small"] and fields["maybe"] is None


def test_numbers_of_numpy_are_the_same_job(driver, planned, workspace):
    pytest.importorskip("numpy")
    plain = driver.run(planned, workspace)
    assert driver.run(planned, workspace, "numpy").stdout == plain.stdout
    assert len(job_folders(workspace)) == 1


def test_a_list_that_becomes_a_tuple_is_the_same_job(driver, workspace):
    driver.write(TASKS, "tasks.py")
    driver.write(
        """
        import sys
        from tasks import *

        class Row(Task):
            __xpmid__ = "types.row"
            row: Param[KIND]
            def execute(self):
                print(type(self.row).__name__)

        if __name__ == "__main__":
            with experiment(sys.argv[1], "row"):
                Row(row=KIND((1, 2))).submit()
        """,
        "row.py",
    )
    script = driver.folder / "row.py"
    source = script.read_text()
    script.write_text(source.replace("KIND", "list"))
    driver.run(script, workspace)
    script.write_text(source.replace("KIND", "tuple"))
    driver.run(script, workspace)
    assert len(job_folders(workspace)) == 1


def test_numbers_have_a_point_in_any_locale(driver, workspace, tmp_path):
    made = run("localedef", "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8")
    if not (tmp_path / "de_DE.UTF-8").is_dir():
        pytest.skip(f"no locale can be made: {made.stderr}")
    script = driver.write("""
        import locale, sys
        from experimaestro import *

        class Half(Task):
            x: Param[float]

            def execute(self):
                print(self.x, self.remaining_time())

        if __name__ == "__main__":
            if len(sys.argv) > 2:
                locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
            with experiment(sys.argv[1], "half") as xp:
                Half(x="0.5").submit(launcher=DirectLauncher(time_limit=1e9))
    """)
    driver.run(script, workspace, "german", env={"LOCPATH": str(tmp_path)})
    (folder,) = job_folders(workspace)
    assert (folder / "half.out").read_text().startswith("0.5 9999")
    json.loads((folder / ".experimaestro/status.json").read_text())
    driver.run(script, workspace)
    assert job_folders(workspace) == [folder]
