"""What the tests of Slurm submit, and how they look at what became of it."""

import json
import textwrap

from harness import HOLD

TASKS = """
    import json, os, subprocess, time
    from experimaestro import *
    from experimaestro.launchers.slurm import SlurmLauncher, SlurmOptions

    class Show(Task):
        '''Says where it runs.'''
        x: Param[int] = 0
        after: Param[list[Config]] = []

        def execute(self):
            seen = {name: value for name, value in os.environ.items() if name.startswith(("SLURM", "XPMT"))}
            job = os.environ.get("SLURM_JOB_ID")
            if job:
                line = subprocess.run(["scontrol", "-o", "show", "job", job], stdout=subprocess.PIPE, text=True)
                seen |= {"job": line.stdout}
            print(json.dumps({**seen, "cwd": os.getcwd(), "left": self.remaining_time()}))

    class Fails(Task):
        x: Param[int] = 0

        def execute(self):
            print("to the end", flush=True)
            raise ValueError("no luck")

    class Exits(Task):
        code: Param[int]

        def execute(self):
            os._exit(self.code)

    class Killed(Task):
        x: Param[int] = 0

        def execute(self):
            os.kill(os.getpid(), 9)

    @Retry(on=["timeout"], times=2, more_time=400)
    class Slow(Task):
        '''Takes longer than its first limit.'''

        def execute(self):
            if os.path.exists("tried"):
                Show.execute(self)
                return
            open("tried", "w").close()
            time.sleep(60)

    class Swells(Task):
        x: Param[int] = 0
        once: Param[bool] = False

        def execute(self):
            if self.once and os.path.exists("tried"):
                return
            open("tried", "w").close()
            big = bytearray(400 << 20)
            big[::4096] = b"x" * len(big[::4096])
            time.sleep(60)
"""

HELD = HOLD + """
    from experimaestro.launchers.slurm import SlurmLauncher, SlurmOptions
"""

RUN = """
import sys
from tasks import *

if __name__ == "__main__":
    with experiment(sys.argv[1], {experiment!r}, raise_on_failure=False) as xp:
        launcher = SlurmLauncher(interval_max=1)
        xp.set_launcher(launcher)
{lines}
"""


class Plan:
    """Programs that submit to Slurm, unless they say otherwise."""

    def __init__(self, driver, workspace, tasks=TASKS, experiment="slurm"):
        self.driver, self.workspace, self.experiment = driver, workspace, experiment
        driver.write(tasks, "tasks.py")

    def _script(self, lines):
        lines = textwrap.indent(textwrap.dedent(lines), " " * 8)
        name = "plan.py" if self.experiment == "slurm" else f"{self.experiment}.py"
        return self.driver.write(RUN.format(lines=lines, experiment=self.experiment), name)

    def start(self, lines, **more):
        return self.driver.start(self._script(lines), self.workspace, **more)

    def run(self, lines, **more):
        """The finished process of a program that has these lines in the block of its experiment."""
        return self.driver.run(self._script(lines), self.workspace, **more)

    def folder(self, task):
        """The folder of the only job of a task."""
        (folder,) = self.workspace.glob(f"jobs/tasks.{task}/*")
        return folder

    def shown(self, task="show"):
        """What its jobs have said, in the order of their folders."""
        return [json.loads(path.read_text()) for path in sorted(self.workspace.glob(f"jobs/*/*/{task}.out"))]

    def failed(self, task):
        """What the marker of failure says."""
        return json.loads((self.folder(task) / f"{task}.failed").read_text())
