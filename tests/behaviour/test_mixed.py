"""Native and Python tasks in one experiment, through types declared on both sides."""

import subprocess

from harness import BUILD, job_folders

MIXED = BUILD / "tests" / "mixed"

TASKS = f"""
    from enum import Enum
    from experimaestro import (Annotated, Choices, Config, Param, Path, PathGenerator, Task, field,
                               param_group, partial, pathgenerator)

    class Numbers(Config):
        __xpmid__ = "mixed.numbers"
        count: Param[int]
        path: Param[Path]

    class NativeWrite(Task):
        __xpmid__ = "mixed.nativewrite"
        __program__ = "{MIXED}"
        count: Param[int]
        path: Annotated[Path, pathgenerator("numbers.txt")]

        def task_outputs(self, dep):
            return dep(Numbers(count=self.count, path=self.path))

    class NativeSum(Task):
        __xpmid__ = "mixed.nativesum"
        __program__ = "{MIXED}"
        numbers: Param[Numbers]
        scale: Param[float] = 1.0
        sum: Annotated[Path, pathgenerator("sum.txt")]

    class NativeShow(Task):
        __xpmid__ = "mixed.nativeshow"
        __program__ = "{MIXED}"
        pair: Param[tuple[int, str]]
        row: Param[tuple[float, ...]]
        names: Param[set[str]]
        mode: Annotated[str, Choices(["fast", "slow"])]
        seen: Annotated[Path, pathgenerator("seen.txt")]

    class Loss(Enum):
        SQUARE = "square"
        ABSOLUTE = "absolute"

    TALK = param_group("talk")

    class Kinds(Task):
        __xpmid__ = "mixed.kinds"
        __program__ = "{MIXED}"
        quiet = partial(exclude_groups=[TALK])
        loss: Param[Loss]
        other: Param[Loss | None]
        seed: Param[int | None]
        sizes: Param[list[int]] = field(ignore_default=[1, 2])
        rates: Param[list[float]]
        names: Param[list[str]]
        distinct: Param[set[int]]
        sources: Param[dict[str, Numbers]]
        scores: Param[dict[str, float]]
        pair: Param[tuple[int, str]]
        losses: Param[dict[Loss, int]]
        verbose: Param[bool] = field(default=False, groups=[TALK])
        kept: Param[Path] = field(default_factory=PathGenerator("kept.txt", partial=quiet))
        out: Param[Path] = field(default_factory=PathGenerator("out.txt"))

    def kinds(numbers, verbose=True):
        return Kinds(loss=Loss.ABSOLUTE, sizes=[3, 4], rates=[0.5, 1.0], names=["a", "b"],
                     distinct={{2, 1, 2}}, sources={{"one": numbers}}, scores={{"a": 0.25}},
                     pair=(1, "x"), losses={{Loss.SQUARE: 7}}, verbose=verbose)

    class PythonWrite(Task):
        count: Param[int]
        path: Annotated[Path, pathgenerator("numbers.txt")]

        def execute(self):
            self.path.write_text("".join(f"{{i + 1}}\\n" for i in range(self.count)))

        def task_outputs(self, dep):
            return dep(Numbers(count=self.count, path=self.path))

    class PythonSum(Task):
        numbers: Param[Numbers]
        sum: Annotated[Path, pathgenerator("sum.txt")]

        def execute(self):
            total = sum(map(int, self.numbers.path.read_text().split()))
            self.sum.write_text(str(total))
"""


def test_both_sides_compute_equal_identifiers(driver):
    driver.write(TASKS, "tasks.py")
    script = driver.write(
        """
        from pathlib import Path
        from tasks import *
        numbers = Numbers(count=3, path=Path("/data"))
        for name, config in [("numbers", numbers), ("write", NativeWrite(count=3)),
                             ("kinds", kinds(numbers)),
                             ("defaults", Kinds(loss=Loss.SQUARE, other=Loss.SQUARE, seed=0,
                                                sizes=[1, 2])),
                             ("sum", NativeSum(numbers=numbers, scale=0.5)),
                             ("show", NativeShow(pair=(3, "x"), row=(1, 0.5), mode="slow",
                                                 names={"a", "b"}))]:
            print(name, config.__xpm__.identifier.all.hex())
        for verbose in (True, False):
            talking = kinds(numbers, verbose)
            print("partial", talking.__xpm__.get_partial_identifier(Kinds.quiet).all.hex())
        """
    )
    native = subprocess.run([MIXED, "identifiers"], capture_output=True, text=True, check=True)
    assert driver.run(script).stdout == native.stdout
    assert len(set(native.stdout.split())) == 8 + 6  # the partial ones are equal


def test_tuples_sets_and_choices_go_to_a_native_task(driver, workspace):
    driver.write(TASKS, "tasks.py")
    script = driver.write(
        """
        import sys
        from experimaestro import experiment
        from tasks import *
        with experiment(sys.argv[1], "mixed"):
            show = NativeShow(pair=(3, "x"), row=(1, 0.5), mode="slow", names={"a", "b"}).submit()
        print(show.seen.read_text())
        """
    )
    assert driver.run(script, workspace).stdout == "3 x slow, 1 0.5, 2\n"


def test_each_side_takes_the_output_of_the_other(driver, workspace):
    driver.write(TASKS, "tasks.py")
    script = driver.write(
        """
        import sys
        from experimaestro import experiment
        from tasks import *
        with experiment(sys.argv[1], "mixed"):
            native = NativeWrite(count=4).submit()
            python = PythonWrite(count=5).submit()
            sums = [PythonSum(numbers=native).submit(), NativeSum(numbers=python).submit(),
                    NativeSum(numbers=native, scale=0.5).submit(), PythonSum(numbers=python).submit()]
        print([s.sum.read_text() for s in sums])
        """
    )
    assert driver.run(script, workspace).stdout == "['10', '15', '5', '15']\n"
    assert len(job_folders(workspace)) == 6


def test_a_native_task_is_run_alone_by_its_program(driver, workspace, command):
    driver.write(TASKS, "tasks.py")
    script = driver.write(
        """
        import sys
        from experimaestro import experiment
        from tasks import *
        with experiment(sys.argv[1], "mixed"):
            print(NativeWrite(count=2).submit().path)
        """
    )
    path = driver.run(script, workspace).stdout.strip()
    (folder,) = job_folders(workspace)
    (folder / "numbers.txt").unlink()
    result = command("run", folder / "params.json", cwd="/")
    assert result.returncode == 0, result.stderr
    assert open(path).read() == "1\n2\n"


def test_a_native_task_gets_values_of_every_kind(driver, workspace):
    driver.write(TASKS, "tasks.py")
    script = driver.write(
        """
        import sys
        from experimaestro import experiment
        from tasks import *
        with experiment(sys.argv[1], "mixed"):
            task = kinds(Numbers(count=3, path=Path("/data"))).submit()
        print(task.out.read_text())
        """
    )
    assert driver.run(script, workspace).stdout == "1 0 no seed 3 4 0.5 b 2 one=3 0.25 x 7\n"
