"""What Slurm starts for Python tasks, without Slurm: an element of a batch."""

import os

PLAN = """
    import os, sys
    from pathlib import Path
    from experimaestro import Param, RunMode, Task, experiment

    SEEN = os.environ.get("ARRAY_MINE", "nothing")  # when this module is executed

    class Say(Task):
        n: Param[int]

        def execute(self):
            print("out", self.n)
            print("err", self.n, file=sys.stderr)
            rank = os.environ.get("RANK", "none")
            Path("said").write_text(f"{SEEN} {rank} {os.path.basename(os.getcwd())}")
            assert str(Path(sys.path[0])) != os.environ["ARRAY_START"]

    if __name__ == "__main__":
        with experiment("workspace", "array", run_mode=RunMode.GENERATE_ONLY):
            for n in range(2):
                Say.C(n=n).submit()
"""


def test_an_element_has_the_streams_and_the_environment_of_its_job(program):
    program.write("plan.py", PLAN)
    program.run("plan.py")
    folders = sorted(program.workspace.glob("jobs/*/*"))
    texts = ["experimaestro.array=1", "token=t", ""]
    for folder in folders:
        texts += [f"directory={folder}", "set=ARRAY_MINE=its\nown", ""]
    listed = program.folder / "t.array"
    listed.write_text("".join(text + "\0" for text in texts))
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_JOB_ID": "7", "RANK": "3"}
    environment["ARRAY_START"] = str(program.folder)
    said = program.run("-m", "experimaestro.run", "--array", listed, env=environment)
    assert said == ""
    assert (folders[1] / "said").read_text() == f"its\nown none {folders[1].name}"
    assert (folders[1] / "say.out").read_text().startswith("out ")
    assert (folders[1] / "say.err").read_text().startswith("err ")
    assert (folders[1] / "say.done").exists()
    assert not (folders[0] / "say.out").exists()


def test_a_list_that_is_none_is_an_error(program):
    program.write("t.array", "nonsense")
    program.run("-m", "experimaestro.run", "--array", "t.array", status=1)
    assert "it is no list of jobs" in program.errors
