"""Jobs of one kind that start cold, and then warm, to be compared."""

import textwrap
from pathlib import Path

# A driver that submits tasks, one after the other, until one is warm, or as many as it is given: nobody
# sleeps until a parent is ready. Prints the folder of the last.
ONE_BY_ONE = """
    import os, sys
    from pathlib import Path
    from experimaestro import *

    def is_warm():
        return "experimaestro.warm" in sys.modules

    def one_by_one(submit, times):
        with experiment(sys.argv[1], "warm", raise_on_failure=False):
            for x in range(times):
                job = submit(x).__xpm__.job
                job.wait()
                if (job.path / "warm").exists():
                    break
            print(os.getpid(), job.path, (job.path / "warm").exists())
"""


def plan(driver, task, header="", launcher=""):
    """A driver of tasks `T(x)`; the body of execute() is given, and the options of its launcher."""
    body = textwrap.indent(textwrap.dedent(task).strip("\n"), " " * 8)
    return driver.write(
        textwrap.dedent(ONE_BY_ONE)
        + textwrap.dedent(header)
        + "class T(Task):\n    x: Param[int]\n\n    def execute(self):\n"
        + "        if is_warm():\n            Path('warm').touch()\n"
        + (body or "        pass")
        + "\n\nif __name__ == '__main__':\n"
        + f"    launcher = DirectLauncher({launcher})\n"
        + "    one_by_one(lambda x: T(x=x).submit(launcher=launcher), int(sys.argv[2]))\n"
    )


def both(driver, script, tmp_path, env=None):
    """The folders of a cold job and of a warm one, and the processes of their drivers."""
    done = []
    for wish, times in (("0", 1), ("tell", 1000)):
        workspace = tmp_path / f"workspace-{wish[0]}"
        out = driver.run(script, workspace, times, env={"XPM_WARM": wish, **(env or {})})
        pid, folder, warm = out.stdout.split()
        assert (warm == "True") == (wish != "0"), out.stderr
        done.append((pid, Path(folder)))
    return done


def same(driver, script, tmp_path, name="said", env=None):
    """What a cold job and a warm one leave in a file, with what must differ made equal."""
    texts = []
    for pid, folder in both(driver, script, tmp_path, env):
        text = (folder / name).read_text()
        for word, stands in ((str(folder), "JOB"), (folder.name, "HASH"), (pid, "DRIVER"),
                             (str(folder.parents[2]), "WORKSPACE"), ('"tell"', '"0"'),
                             ("XPM_WARM=tell", "XPM_WARM=0")):
            text = text.replace(word, stands)
        texts.append(text)
    return texts
