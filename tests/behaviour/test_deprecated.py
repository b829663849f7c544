"""Types and parameters that were renamed, or deprecated: old results are linked to their new
identifiers, on real jobs, and nothing runs again."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from harness import BUILD, SOURCE, TIMEOUT, job_folders, run

ORIGINAL = SOURCE / "bench/.peers/original/bin/python"

BEFORE = """
from pathlib import Path
from typing import Annotated
from experimaestro import Config, Param, Task, pathgenerator

class Model(Config):
    g: Param[float]
    weights: Annotated[Path, pathgenerator("weights.txt")]

class Learn(Task):
    lr: Param[float]
    model: Param[Model]
    out: Annotated[Path, pathgenerator("out.txt")]

    def execute(self):
        self.out.write_text(str(self.lr))
        self.model.weights.parent.mkdir(parents=True, exist_ok=True)
        self.model.weights.write_text(str(self.lr))

class Use(Task):
    learn: Param[Learn]
    k: Param[int]

    def execute(self):
        print(self.learn.out.read_text(), self.learn.model.weights.read_text())
"""

# Every class but one has another name, in another module.
AFTER = """
from pathlib import Path
from experimaestro import Annotated, Config, Param, Task, field, pathgenerator, renamed_from

@renamed_from("before.Model")
class Net(Config):
    gamma: Param[float] = field(renamed_from="g")
    weights: Annotated[Path, pathgenerator("w.txt")]

@renamed_from("before.Learn")
class Train(Task):
    rate: Param[float] = field(renamed_from="lr")
    net: Param[Net] = field(renamed_from=["model"])
    out: Annotated[Path, pathgenerator("out.txt")]

    def execute(self):
        self.out.write_text(str(self.rate))
        self.net.weights.parent.mkdir(parents=True, exist_ok=True)
        self.net.weights.write_text(str(self.rate))

@renamed_from("before.Use")
class Use(Task):
    learn: Param[Train]
    k: Param[int]

    def execute(self):
        print(self.learn.out.read_text(), self.learn.net.weights.read_text())
"""

PLAN_BEFORE = """
import sys
from before import Learn, Model, Use
from experimaestro import experiment

with experiment(sys.argv[1], "e") as xp:
    for lr in (0.5, 0.25):
        learn = Learn.C(lr=lr, model=Model.C(g=2.0))
        learn.submit()
        Use.C(learn=learn, k=1).submit()
    xp.wait()
"""

PLAN_AFTER = """
import sys
from after import Net, Train, Use
from experimaestro import experiment

with experiment(sys.argv[1], "e") as xp:
    for rate in (0.5, 0.25):
        learn = Train.C(rate=rate, net=Net.C(gamma=2.0))
        learn.submit()
        for k in map(int, sys.argv[2]):
            Use.C(learn=learn, k=k).submit()
    xp.wait()
    print(xp.engine.counts()["started"])
"""


@pytest.fixture
def renamed(driver, workspace, command):
    """A workspace with four jobs, whose classes have other names now; what runs the command."""
    driver.write(BEFORE, "before.py")
    driver.run(driver.write(PLAN_BEFORE), workspace)
    return rename(driver, workspace, command)


def rename(driver, workspace, command):
    (driver.folder / "before.py").unlink()
    driver.write(AFTER, "after.py")

    def deprecated(verb, *options):
        done = command("deprecated", verb, workspace, *options, "--python", sys.executable,
                       "--import", "after", cwd=driver.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return deprecated


def started(driver, workspace, ks="1"):
    return int(driver.run(driver.write(PLAN_AFTER, "plan_after.py"), workspace, ks).stdout)


def tree(workspace):
    return sorted(
        (str(path.relative_to(workspace)), os.readlink(path) if path.is_symlink() else None)
        for path in workspace.glob("jobs/**/*")
    )


def test_without_links_everything_would_run_again(driver, workspace, renamed):
    assert started(driver, workspace) == 4


def test_list_tells_what_changed_and_changes_nothing(workspace, renamed):
    before = tree(workspace)
    told = renamed("list")
    for text in ("type before.learn is now after.train", "type before.model is now after.net",
                 "parameter lr of after.train is now rate", "-> after.use/",
                 "4 jobs: 4 have another identifier, 0 could not be identified"):
        assert text in told
    lines = [json.loads(line) for line in renamed("list", "--json").splitlines()]
    assert {line["state"] for line in lines} == {"to link"} and len(lines) == 4
    assert "4 would be linked, 0 left as they are; nothing was done" in renamed("fix")
    assert tree(workspace) == before and not (workspace / ".deprecated.jsonl").exists()


def test_after_fix_nothing_runs_again_and_new_jobs_find_the_old_ones(driver, workspace, renamed):
    assert "4 linked" in renamed("fix", "--perform")
    assert started(driver, workspace) == 0
    assert started(driver, workspace, "12") == 2  # they read what the old ones wrote
    outs = {path.read_text().strip() for path in workspace.glob("jobs/after.use/*/use.out")}
    assert outs == {"0.5 0.5", "0.25 0.25"}  # of out/model/weights.txt, now out/net/w.txt
    assert "0 linked" in renamed("fix", "--perform")
    assert len((workspace / ".deprecated.jsonl").read_text().splitlines()) == 4


def test_the_old_jobs_are_read_under_both_names(workspace, renamed, command):
    renamed("fix", "--perform")
    listed = command("jobs", "list", "--workdir", workspace).stdout
    assert listed.count("DONE") == 8 and "after.train/" in listed
    key = next(path for path in workspace.glob("jobs/after.use/*")).name
    assert "0." in command("jobs", "log", "--workdir", workspace, key).stdout


def test_a_link_whose_job_is_gone_stands_for_nothing(driver, workspace, renamed):
    renamed("fix", "--perform")
    shutil.rmtree(next(workspace.glob("jobs/before.learn/*")))
    assert started(driver, workspace) == 1
    assert len([*workspace.glob("jobs/after.train/*/out.txt")]) == 2


def test_list_can_fix_and_diff_tells_of_one(workspace, renamed, command, driver):
    folder = next(workspace.glob("jobs/before.use/*"))

    def diff(path):
        return command("deprecated", "diff", path, "--import", "after", cwd=driver.folder)

    told = diff(folder).stdout
    assert told.startswith(f"before.use/{folder.name}\n  -> after.use/") and "lr of" in told
    assert "4 linked" in renamed("list", "--fix")
    done = diff(workspace)
    assert done.returncode == 1 and "is no job: give its folder" in done.stderr


def test_what_is_linked_and_taken_back_is_told_as_json(renamed):
    def states(*words):
        return [json.loads(line)["state"] for line in renamed(*words, "--json").splitlines()]

    assert states("fix") == ["to link"] * 4
    assert states("fix", "--perform") == ["linked"] * 4
    assert states("list", "--fix") == ["linked already"] * 4
    assert states("fix", "--undo") == ["to remove"] * 4
    assert states("fix", "--undo", "--perform") == ["removed"] * 4
    assert states("list", "--fix") == ["linked"] * 4


def test_undo_takes_back_all_and_no_more(driver, workspace, renamed):
    before = tree(workspace)
    renamed("fix", "--perform")
    linked = tree(workspace)
    assert "4 would be removed; nothing was done" in renamed("fix", "--undo")
    assert tree(workspace) == linked
    assert "4 removed" in renamed("fix", "--undo", "--perform")
    assert tree(workspace) == before and not (workspace / ".deprecated.jsonl").exists()
    assert "0 removed" in renamed("fix", "--undo", "--perform")


def test_a_new_job_is_never_replaced(driver, workspace, renamed):
    assert started(driver, workspace) == 4
    before = tree(workspace)
    told = renamed("fix", "--perform")
    assert told.count("its place is taken by another job, which is kept") == 4
    assert "0 linked, 4 left as they are" in told
    assert tree(workspace) == before


def test_a_job_that_is_not_done_is_not_linked(driver, workspace, renamed):
    done = next(workspace.glob("jobs/before.learn/*/learn.done"))
    done.unlink()
    told = renamed("fix", "--perform")
    assert "not done: it runs again" in told and "3 linked, 1 left as they are" in told
    assert started(driver, workspace) == 1


def test_links_are_not_crossed(driver, workspace, renamed, tmp_path):
    folder = next(workspace.glob("jobs/before.learn/*"))
    shutil.move(folder, tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    (workspace / "jobs/after.use").symlink_to(tmp_path)
    kept = sorted(path.name for path in (tmp_path / "elsewhere").iterdir())
    told = renamed("list")
    assert "3 jobs: 3 have another identifier" in told
    done = run(BUILD / "experimaestro", "deprecated", "fix", workspace, "--perform", "--import",
               "after", cwd=driver.folder)
    assert done.returncode == 1 and "jobs/after.use is no folder of this workspace" in done.stderr
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == kept


def test_what_a_crash_left_is_finished_and_undone(workspace, renamed):
    """The journal is written first: links may lack, and its last line may be torn."""
    before = tree(workspace)
    renamed("fix", "--perform")
    journal = workspace / ".deprecated.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    last = json.loads(lines[-1])
    (workspace / last["link"]).unlink()
    journal.write_text("".join(lines) + lines[0][:40])
    assert "1 linked" in renamed("fix", "--perform")
    renamed("fix", "--undo", "--perform")
    assert tree(workspace) == before


def test_two_at_once_make_each_link_once(driver, workspace, renamed):
    command = [BUILD / "experimaestro", "deprecated", "fix", workspace, "--perform", "--import",
               "after"]
    both = [subprocess.Popen(command, cwd=driver.folder, stdout=subprocess.DEVNULL)
            for _ in range(2)]
    assert [each.wait(TIMEOUT) for each in both] == [0, 0]
    assert started(driver, workspace) == 0
    renamed("fix", "--undo", "--perform")
    assert started(driver, workspace) == 4


def test_what_is_not_declared_is_linked_on_demand_alone(driver, workspace, command):
    driver.write(BEFORE, "before.py")
    driver.run(driver.write(PLAN_BEFORE), workspace)
    driver.write(BEFORE.replace("    g: Param[float]", "    g: Param[float]\n    h: Param[int] = field(default=1)")
                 .replace("import Config", "import field, Config"), "before.py")

    def fix(*options):
        return command("deprecated", "fix", workspace, *options, cwd=driver.folder).stdout

    told = fix("--perform")
    assert "what changed is not declared" in told and "before.model has a new parameter, h" in told
    assert "0 linked, 4 left as they are" in told
    assert "4 linked" in fix("--perform", "--all")


def test_what_cannot_be_identified_is_told(driver, workspace, command):
    driver.write(BEFORE, "before.py")
    driver.run(driver.write(PLAN_BEFORE), workspace)
    (driver.folder / "before.py").unlink()
    done = command("deprecated", "list", workspace, cwd=driver.folder)
    assert "0 have another identifier, 4 could not be identified" in done.stdout
    assert "ModuleNotFoundError: No module named 'before'" in done.stderr
    done = command("deprecated", "list", workspace, "--python", "/nowhere/python")
    assert "/nowhere/python gave no answer" in done.stderr
    done = command("deprecated", "list", driver.folder)
    assert done.returncode == 1 and "is no workspace" in done.stderr


def test_classes_of_a_script(driver, workspace, command):
    script = driver.write(
        """
        import sys
        from experimaestro import Param, Task, experiment

        class Learn(Task):
            lr: Param[float]

            def execute(self):
                print(self.lr)

        if __name__ == "__main__":
            with experiment(sys.argv[1], "e") as xp:
                Learn.C(lr=0.5).submit()
                xp.wait()
                print(xp.engine.counts()["started"])
        """
    )
    assert driver.run(script, workspace).stdout == "1\n"
    text = script.read_text().replace("class Learn", '@renamed_from("Learn")\nclass Train')
    text = text.replace("lr: Param[float]", 'rate: Param[float] = field(renamed_from="lr")')
    text = text.replace("self.lr", "self.rate").replace("Learn.C(lr", "Train.C(rate")
    script.write_text(text.replace("import Param", "import Param, field, renamed_from"))
    assert "1 linked" in command("deprecated", "fix", workspace, "--perform").stdout
    assert driver.run(script, workspace).stdout == "0\n"


def test_folders_of_partial_identifiers_are_found(driver, workspace, command):
    text = """
        import sys
        from experimaestro import *
        epochs = param_group("epochs")

        class Learn(Task):
            checkpoints = partial(exclude_groups=[epochs])
            lr: Param[float]
            epochs: Param[int] = field(groups=[epochs])
            last: Annotated[Path, PathGenerator("last.txt", partial=checkpoints)]

            def execute(self):
                print(self.last.exists())
                self.last.write_text("x")

        if __name__ == "__main__":
            with experiment(sys.argv[1], "e") as xp:
                for n in sys.argv[2]:
                    job = Learn.C(lr=0.5, epochs=int(n)).submit().job
                    xp.wait()
                    print(job.stdout.read_text(), end="")
        """
    script = driver.write(text)
    assert driver.run(script, workspace, "12").stdout == "False\nTrue\n"
    text = text.replace("class Learn", '@renamed_from("Learn")\n        class Train')
    text = text.replace("lr: Param[float]", 'rate: Param[float] = field(renamed_from="lr")')
    driver.write(text.replace("Learn.C(lr", "Train.C(rate"))
    before = sorted(path.name for path in workspace.glob("partials/**/*"))
    assert "2 linked" in command("deprecated", "fix", workspace, "--perform").stdout
    assert driver.run(script, workspace, "3").stdout == "True\n"
    command("deprecated", "fix", workspace, "--undo", "--perform")
    assert sorted(path.name for path in workspace.glob("partials/**/*")) == before


def test_deprecated_classes(driver, workspace, command):
    driver.write(BEFORE, "before.py")
    driver.run(driver.write(PLAN_BEFORE), workspace)
    driver.write(AFTER.replace('@renamed_from("before.Learn")\n', ""), "after.py")
    driver.write(
        """
        from after import *
        from experimaestro import deprecate

        @deprecate(Net)
        class Model(Config):
            g: Param[float]
            weights: Annotated[Path, pathgenerator("weights.txt")]

            def __convert__(self):
                return Net.C(gamma=self.g)

        @deprecate(Train)
        class Learn(Task):
            lr: Param[float]
            model: Param[Model]
            out: Annotated[Path, pathgenerator("out.txt")]

            def __convert__(self):
                return Train.C(rate=self.lr, net=Net.C(gamma=self.model.g))

            def execute(self):
                raise NotImplementedError

        class OldUse(Use):
            learn: Param[Learn]
        """,
        "before.py",
    )
    done = command("deprecated", "fix", workspace, "--perform", cwd=driver.folder)
    assert "type before.learn is deprecated for after.train" in done.stdout
    assert "parameter" not in done.stdout.split("after.train/")[1].split("before.")[0]
    plan = driver.write(PLAN_AFTER.replace("sys.argv[2]", "''"), "plan_after.py")
    assert driver.run(plan, workspace).stdout == "0\n"
    plan = driver.write(PLAN_BEFORE.replace("        Use.C", "        0 and Use.C")
                        + '    print(xp.engine.counts()["started"])\n')
    assert driver.run(plan, workspace).stdout == "0\n"  # the old spelling too


def test_a_program_in_c(workspace, command, tmp_path):
    program = tmp_path / "program"
    shutil.copy(BUILD / "tests/past-before", program)
    assert "2 started" in run(program, "run", workspace).stdout
    shutil.copy(BUILD / "tests/past-after", program)
    told = command("deprecated", "fix", workspace, "--perform").stdout
    assert "parameter lr of past.train is now rate" in told and "2 linked" in told
    assert "0 started (nothing to do)" in run(program, "run", workspace).stdout
    assert len(job_folders(workspace, "past.train")) == 1
    assert "2 removed" in command("deprecated", "fix", workspace, "--undo", "--perform").stdout
    assert "2 started" in run(program, "run", workspace).stdout


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the original is not installed in bench/.peers")
def test_jobs_of_the_original(driver, workspace, command):
    driver.write(BEFORE, "before.py")
    done = subprocess.run([ORIGINAL, driver.write(PLAN_BEFORE), workspace], cwd=driver.folder,
                          capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    deprecated = rename(driver, workspace, command)
    assert "4 linked" in deprecated("fix", "--perform")
    assert started(driver, workspace) == 0
    # What the original looks for is there too.
    assert len([*workspace.glob("jobs/after.train/*/train.done")]) == 2


# ---- parameters-difference ------------------------------------------------------------------------


def test_the_parameters_that_differ(driver, workspace, command):
    driver.write(BEFORE, "before.py")
    driver.run(driver.write(PLAN_BEFORE), workspace)

    def difference(*files):
        done = command("parameters-difference", *files)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    uses = [folder / "params.json" for folder in job_folders(workspace, "before.use")]
    learns = [folder / "params.json" for folder in job_folders(workspace, "before.learn")]
    (line,) = difference(*uses)
    assert line in ("$.learn.lr: 0.5 != 0.25", "$.learn.lr: 0.25 != 0.5")
    assert difference(uses[0], uses[0]) == []
    assert difference(uses[0], learns[0]) == ["$: before.use != before.learn"]
    done = command("parameters-difference", uses[0])
    assert done.returncode == 2 and "missing argument" in done.stderr
    done = command("parameters-difference", uses[0], driver.folder / "before.py")
    assert done.returncode == 1 and "is not a parameters file" in done.stderr
