"""Launchers: what they say of themselves, and what jobs get from them."""

import asyncio
import os
import random
import sys
import threading

import pytest

from experimaestro import DirectLauncher, Launcher
from experimaestro.connectors.local import LocalConnector
from experimaestro.connectors.ssh import SshConnector
from experimaestro.launchers import DynamicLauncher

TASKS = """
import os, sys
from experimaestro import *
from experimaestro.launchers import DynamicLauncher

class Show(Task):
    x: Param[int] = 1

    def execute(self):
        print(os.environ.get("A"), os.environ.get("B"), os.nice(0), len(os.sched_getaffinity(0)))
"""


@pytest.fixture
def shown(program):
    """The outputs of the Show tasks that a plan submits, in order of x."""

    def run(plan, **more):
        head, _, block = plan.rpartition("---\n")
        body = "".join(f"        {line}\n" for line in block.strip().splitlines())
        text = f"""{TASKS}
{head}
if __name__ == "__main__":
    tasks = []
    with experiment("workspace", "launched") as xp:
{body}
    for task in tasks:
        print(task.stdout().read_text().strip())
"""
        program.write("plan.py", text)
        return program.run("plan.py", **more).splitlines()

    return run


# ---- What launchers say of themselves ------------------------------------------------------------


def test_the_launcher_of_a_path_is_of_its_machine():
    here = Launcher.get("/data/workspace")
    assert isinstance(here, DirectLauncher) and here.connector is None
    far = Launcher.get("ssh://me@host:2222/data")
    assert isinstance(far, DirectLauncher)
    assert far.connector == SshConnector("me@host", options=["-p", "2222"])
    assert Launcher.get("ssh://host/data").connector == SshConnector("host")
    for wrong in ("ssh:host/data", "ssh:///data", "ssh://-oProxyCommand=x/data"):
        with pytest.raises(ValueError, match="ssh"):
            Launcher.get(wrong)


def test_a_connector_is_checked_when_it_is_made():
    for wrong in ({"host": ""}, {"host": "-x"}, {"host": "a b"}, {"slots": -1}, {"patience": -1}):
        with pytest.raises(ValueError):
            SshConnector(**{"host": "far", **wrong})


def test_the_highest_priority_is_chosen():
    low, high = DirectLauncher(), DirectLauncher(priority=2)
    dynamic = DynamicLauncher([low, high])
    assert {dynamic._chain()[-1] for _ in range(20)} == {high}


def test_one_of_equals_is_chosen_by_chance():
    launchers = [DirectLauncher(priority=1) for _ in range(3)]
    dynamic = DynamicLauncher([*launchers, DirectLauncher()])
    assert {dynamic._chain()[-1] for _ in range(500)} == set(launchers)


def test_a_choice_takes_nothing_from_what_the_program_has_seeded():
    random.seed(1)
    state = random.getstate()
    DynamicLauncher([DirectLauncher(), DirectLauncher()])._chain()
    DynamicLauncher([DirectLauncher(), DirectLauncher()], sample=True)._chain()
    assert random.getstate() == state


def test_a_sample_takes_the_higher_ones_more_often():
    never, seldom, often = (DirectLauncher(priority=priority) for priority in (0, 1, 50))
    dynamic = DynamicLauncher([never, seldom, often], sample=True)
    chosen = [dynamic._chain()[-1] for _ in range(2000)]
    assert 0 < chosen.count(seldom) < chosen.count(often)
    assert never not in chosen
    often.priority = seldom.priority = 0
    assert never in [dynamic._chain()[-1] for _ in range(500)]


def test_update_is_called_before_each_choice():
    class Alternating(DynamicLauncher):
        def update(self):
            first, second = self.launchers
            first.priority, second.priority = 1 - first.priority, first.priority

    first, second = DirectLauncher(), DirectLauncher()
    dynamic = Alternating([first, second])
    assert [dynamic._chain()[-1] for _ in range(4)] == [first, second, first, second]


@pytest.mark.parametrize("launchers, error", [([], ValueError), (["slurm"], TypeError)])
def test_a_dynamic_launcher_needs_launchers(launchers, error):
    with pytest.raises(error, match="launchers: "):
        DynamicLauncher(launchers)


# ---- What jobs get ---------------------------------------------------------------------------------


def test_the_launcher_of_the_experiment_counts_unless_submit_says_otherwise(shown):
    assert shown("""
one, two = DirectLauncher(), DirectLauncher()
one.setenv("A", "one")
two.setenv("A", "two")
xp.set_launcher(one)
tasks.append(Show(x=1).submit())
tasks.append(Show(x=2).submit(launcher=two))
set_launcher(two)
tasks.append(Show(x=3).submit())
set_launcher(None)
tasks.append(Show(x=4).submit())
assert [task.job.launcher is two for task in tasks] == [False, True, True, False]
""", env={**os.environ, "A": "inherited"})[-4:] == [
        f"{a} None {os.nice(0)} {len(os.sched_getaffinity(0))}" for a in ("one", "two", "two", "inherited")
    ]


def test_a_subclass_has_an_environment_and_listens(shown):
    lines = shown("""
class Mine(DirectLauncher):
    environ = {"A": "class"}

    def onSubmit(self, job):
        super().onSubmit(job)
        job.environ["B"] = job.environ["A"] + str(job.priority)

---
launcher = Mine(priority=7)
launcher.addListener(lambda job: print("heard", job.name))
tasks.append(Show().submit(launcher=launcher))
""")
    assert lines[0] == "heard show"
    assert lines[1].startswith("class class7 ")


def test_hooks_see_the_launcher_that_was_chosen(shown):
    lines = shown("""
class Hook(SubmitHook):
    def spec(self):
        return 0

    def process(self, job, launcher):
        assert {**job.environ}["B"] == "dynamic"
        job.environ["A"] = type(launcher).__name__ + str(launcher is job.launcher)
        job.priority += 1

Show = Hook()(Show)
---
launcher = DynamicLauncher([DirectLauncher(priority=3)])
launcher.setenv("A", "overridden")
launcher.setenv("B", "dynamic")
tasks.append(Show().submit(launcher=launcher))
assert tasks[0].job.priority == 4 and launcher.launchers[0].priority == 3
""")
    assert lines[0].startswith("DirectLauncherTrue dynamic ")


def test_a_wrapper_is_put_before_the_command(shown, tmp_path):
    wrapper = tmp_path / "wrapper"
    wrapper.write_text('#!/bin/sh\nA="$1" B="$2"\nexport A B\nshift 2\nexec "$@"\n')
    wrapper.chmod(0o755)
    lines = shown(f"""
class Wrapped(DirectLauncher):
    def command(self, job):
        return [{str(wrapper)!r}, "of", job.name]

---
tasks.append(Show(x=1).submit(launcher=DirectLauncher(wrapper=[{str(wrapper)!r}, "a b", "$HOME"])))
tasks.append(Show(x=2).submit(launcher=Wrapped()))
""")
    assert [line.split(str(os.nice(0)))[0] for line in lines] == ["a b $HOME ", "of show "]


def test_nice_is_added(shown):
    lines = shown("""
tasks.append(Show(x=1).submit(launcher=DirectLauncher(nice=3)))
tasks.append(Show(x=2).submit(launcher=DirectLauncher(nice=3, warm=False)))
""")
    assert [int(line.split()[2]) for line in lines] == [min(os.nice(0) + 3, 19)] * 2


def test_what_is_required_is_had(shown):
    lines = shown("""
from experimaestro.launcherfinder.specs import cpu
---
tasks.append(Show(x=1).submit(launcher=DirectLauncher(requirement="cpu(cores=1)", pin=True)))
tasks.append(Show(x=2).submit(launcher=DirectLauncher(requirement=cpu(cores=1), pin=True)))
""")
    assert [line.split()[3] for line in lines] == ["1", "1"]


@pytest.mark.parametrize("variable", ["launcher.setenv", "xp.setenv"])
def test_the_accelerator_that_a_job_has_is_named_whatever_its_environment_says(shown, tmp_path, variable):
    tool = tmp_path / "tools" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 0, GPU-one, 16384\n")
    tool.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}"}
    environment.pop("CUDA_VISIBLE_DEVICES", None)
    lines = shown(f"""
class Cuda(Task):
    def execute(self):
        print(os.environ["CUDA_VISIBLE_DEVICES"])
---
launcher = DirectLauncher(requirement="cuda(mem=1G)")
{variable}("CUDA_VISIBLE_DEVICES", "0,1,2")
tasks.append(Cuda().submit(launcher=launcher))
""", env=environment)
    assert lines == ["GPU-one"]


@pytest.mark.parametrize("text, error", [
    ("DirectLauncher(requirement='cpu(cores=100000)')", "100000"),
    ("DirectLauncher(requirement='cpus')", "cpus"),
    ("DirectLauncher(nice=20)", "ValueError: nice is 20: it must be from 0 to 19"),
    ("DirectLauncher(priority=1 << 40)", "ValueError: the priority is 1099511627776: it must be"),
    ("DirectLauncher(wrapper=['no-such-program'])", "no-such-program"),
    ("DirectLauncher(wrapper='numactl -N0')",
     "TypeError: wrapper: expected a list of words, such as ['numactl', '-N0'], got 'numactl -N0'"),
    ("DirectLauncher('gpu1')",
     "TypeError: connector: expected a Connector, such as SshConnector('gpu1'), got 'gpu1'"),
    ("DirectLauncher(nice='low')", "TypeError: nice is 'low': it must be a whole number"),
    ("DirectLauncher(priority=1.5)", "TypeError: priority is 1.5: it must be a whole number"),
    ("DirectLauncher(requirement=['cpu()'])", "TypeError: ['cpu()'] says nothing that a task needs"),
])
def test_what_cannot_be_is_said(program, text, error):
    program.write("plan.py", f"""{TASKS}
if __name__ == "__main__":
    with experiment("workspace", "launched"):
        Show().submit(launcher={text})
""")
    program.run("plan.py", status=1)
    assert error in program.errors


def test_jobs_of_a_higher_priority_start_first(program):
    program.write("plan.py", """
from experimaestro import *

class Log(Task):
    x: Param[int]
    file: Meta[Path]

    def execute(self):
        with open(self.file, "a") as file:
            file.write(f"{self.x} ")

class First(Log):
    pass

if __name__ == "__main__":
    with experiment("workspace", "order", jobs=1) as xp:
        first = First(x=0, file=Path("log").absolute()).submit()
        for x, priority in ((1, -1), (2, 5), (3, 0), (4, 5)):
            task = Log(x=x, file=Path("log").absolute())
            task.add_dependencies(first)
            task.submit(launcher=DirectLauncher(priority=priority))
    print(Path("log").read_text())
""")
    assert program.run("plan.py").split() == ["0", "2", "4", "3", "1"]


# ---- The connector of this machine ------------------------------------------------------------------


def test_a_lock_is_held_by_one(tmp_path):
    connector, path = LocalConnector(tmp_path), tmp_path / "lock"
    other = connector.lock(path, 0)
    with connector.lock(path):
        with pytest.raises(TimeoutError, match="lock was locked by another for 0 seconds"):
            other.acquire()
        with pytest.raises(TimeoutError):
            connector.lock(path, 0.1).acquire()
    with other, pytest.raises(RuntimeError, match="is locked already"):
        other.acquire()
    assert path.stat().st_mode & 0o111 == 0


def test_a_lock_is_waited_for(tmp_path):
    connector, path = LocalConnector(tmp_path), tmp_path / "lock"
    said = []

    def wait(max_delay):
        with connector.lock(path, max_delay):
            said.append("second")

    for max_delay in (-1, 60):
        with connector.lock(path):
            thread = threading.Thread(target=wait, args=(max_delay,))
            thread.start()
            said.append("first")
        thread.join()
    assert said == ["first", "second"] * 2


def test_coroutines_run_while_one_waits_for_a_lock(tmp_path):
    connector, path = LocalConnector(tmp_path), tmp_path / "lock"
    said = []

    async def wait():
        async with connector.async_lock(path):
            said.append("second")

    async def both():
        async with connector.async_lock(path):
            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            said.append("first")
        await task

    asyncio.run(both())
    assert said == ["first", "second"]


def test_a_program_is_started(tmp_path):
    builder = DirectLauncher().processbuilder()
    (tmp_path / "in").write_text("b\na\n")
    builder.command = [sys.executable, "-c", "import os, sys\n"
                       "print(os.environ['A'], os.getcwd(), os.getsid(0) == os.getpid(), sys.stdin.read())\n"
                       "print('wrong', file=sys.stderr)"]
    builder.environ["A"] = "a"
    builder.workingDirectory = tmp_path
    builder.stdin, builder.stdout, builder.stderr = (tmp_path / name for name in ("in", "out", "err"))
    assert builder.start().wait() == 0
    assert (tmp_path / "out").read_text() == f"a {tmp_path} True b\na\n\n"
    assert (tmp_path / "err").read_text() == "wrong\n"
    builder.command = []
    with pytest.raises(ValueError, match="command: "):
        builder.start()
