"""Warm starts: a job whose process was forked from one that had imported its module sees, does and leaves
what it does when it is a new program; and it is a new program whenever that could not be so."""

import json
import os
import subprocess
import textwrap
from pathlib import Path

import pytest
from harness import BUILD, TIMEOUT, job_folders, wait_for_end
from starts import ONE_BY_ONE, plan, same

pytestmark = pytest.mark.usefixtures("no_wish")  # each says itself what starts cold


# What a program can see of itself and of its surroundings.
OBSERVE = """
    import gc, json, locale, os, resource, signal, sys, threading
    import multiprocessing.process
    from experimaestro import *

    def status():
        kept = ("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "Threads", "Umask", "NoNewPrivs", "Seccomp",
                "Cpus_allowed", "Mems_allowed", "CapEff", "CapBnd", "Uid", "Gid", "Groups", "THP_enabled",
                "CoreDumping", "TracerPid", "NStgid", "Name")
        with open("/proc/self/status") as file:
            lines = dict(line.rstrip("\\n").split(":\\t", 1) for line in file if ":\\t" in line)
        return {name: lines.get(name) for name in kept if name != "NStgid"}

    def files():
        import fcntl
        found = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                target = os.readlink(f"/proc/self/fd/{name}")
                found[name] = [target, fcntl.fcntl(int(name), fcntl.F_GETFL),
                               fcntl.fcntl(int(name), fcntl.F_GETFD)]
            except OSError:
                pass  # the folder itself
        return found

    def stream(s):
        raw = getattr(s.buffer, "raw", s.buffer)
        return [s.name, s.mode, s.encoding, s.errors, s.line_buffering, s.write_through, s.isatty(), s.newlines,
                str(s.buffer), raw.mode, raw.closefd, raw._blksize]

    def text(path):
        with open(path, errors="replace") as file:
            return file.read()

    def observe():
        main = sys.modules["__main__"]
        return {
            "ppid": str(os.getppid()), "pid is tid": os.getpid() == threading.get_native_id(),
            "native_id": threading.main_thread().native_id == os.getpid(),
            "main thread": threading.current_thread() is threading.main_thread(),
            "leader": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
            "cwd": os.getcwd(), "original": multiprocessing.process.ORIGINAL_DIR,
            "argv": sys.argv, "orig_argv": sys.orig_argv, "cmdline": text("/proc/self/cmdline"),
            "comm": text("/proc/self/comm"), "exe": os.readlink("/proc/self/exe"),
            "main": {name: str(value).split(" at ")[0] for name, value in vars(main).items()},
            "order of main": sorted(vars(main)), "main is": type(main).__name__,
            "environ": list(os.environ.items()), "first environ": text("/proc/self/environ"),
            "status": status(), "files": files(),
            "streams": [stream(s) for s in (sys.stdin, sys.stdout, sys.stderr)],
            "same streams": [sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__],
            "handlers": {str(n): str(signal.getsignal(n)).split(" at ")[0] for n in signal.valid_signals()},
            "timers": [signal.getitimer(n) for n in (0, 1, 2)],
            "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource)
                       if name.startswith("RLIMIT_")},
            "priority": [os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0),
                         sorted(os.sched_getaffinity(0))],
            "oom": text("/proc/self/oom_score_adj"), "cgroup": text("/proc/self/cgroup"),
            "who": [os.getuid(), os.geteuid(), os.getgid(), os.getgroups()],
            "locale": [locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(False)],
            "flags": list(sys.flags), "options": [sys.warnoptions, sys._xoptions],
            "path": sys.path, "hooks": [str(h).split(" at ")[0] for h in sys.meta_path],
            "executable": [sys.executable, sys.prefix, sys.exec_prefix],
            "recursion": sys.getrecursionlimit(), "interval": sys.getswitchinterval(),
            "gc": [gc.isenabled(), gc.get_threshold()],
            "threads": [t.name for t in threading.enumerate()],
            "bytecode": [sys.dont_write_bytecode, sys.pycache_prefix],
        }
"""
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_it_sees_the_same(driver, tmp_path, unbuffered):
    script = plan(driver, "Path('said').write_text(json.dumps(observe(), indent=1))", OBSERVE)
    texts = same(driver, script, tmp_path, env={"PYTHONUNBUFFERED": unbuffered})
    cold, warm = map(json.loads, texts)
    assert cold["ppid"] == "DRIVER"
    for name in cold:
        assert warm[name] == cold[name], name


# What a task does, with the start of what it writes into `said`.
DOES = {
    "subprocess": """
        import subprocess
        done = subprocess.run(["sh", "-c", "cat; echo $PPID; ls -l /proc/self/fd | wc -l; umask"],
                              input=b"asked ", capture_output=True, check=True)
        said(done.stdout.decode().replace(str(os.getpid()), "PID"))
    """,
    "threads": """
        import threading
        box = []
        threads = [threading.Thread(target=box.append, args=(n,)) for n in range(4)]
        [t.start() for t in threads], [t.join() for t in threads]
        lock = threading.RLock()
        with lock, lock:
            said(sorted(box), threading.active_count())
    """,
    "fork": """
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(write, str(os.getppid()).encode())
            os._exit(3)
        said(int(os.read(read, 99)) == os.getpid(), os.waitpid(child, 0)[1])
    """,
    "a child that comes to the end": """
        child = os.fork()
        if child:
            said(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """,
    "multiprocessing, fork": """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            said(pool.map(abs, [-1, -2]))
    """,
    "multiprocessing, spawn": """
        import multiprocessing
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            said(pool.map(abs, [-1, -2]))
    """,
    "multiprocessing, forkserver": """
        import multiprocessing
        with multiprocessing.get_context("forkserver").Pool(1) as pool:
            said(pool.map(abs, [-1, -2]))
    """,
    "raise": """
        import ctypes, signal
        got = []
        signal.signal(signal.SIGUSR1, lambda *_: got.append(1))
        signal.raise_signal(signal.SIGUSR1)
        ctypes.CDLL(None)["raise"](signal.SIGUSR1)
        said(got)
    """,
    "the stack": """
        import traceback
        said([f.name for f in traceback.extract_stack()][-3:])
    """,
    "threads of linear algebra": """
        import numpy
        square = numpy.arange(250000.0).reshape(500, 500) % 7
        said(numpy.linalg.norm(square @ square), len(os.listdir("/proc/self/task")))
    """,
    "asyncio": """
        import asyncio
        async def main():
            child = await asyncio.create_subprocess_exec("true")
            return await child.wait(), await asyncio.to_thread(abs, -3)
        said(asyncio.run(main()))
    """,
}


@pytest.mark.parametrize("does", DOES)
def test_it_does_the_same(driver, tmp_path, does):
    header = """
        def said(*words):
            Path("said").write_text(" ".join(map(str, words)))

        if __name__ != "__main__":
            import numpy
    """
    cold, warm = same(driver, plan(driver, DOES[does], header), tmp_path)
    assert warm == cold != ""


# What a module may do when it is imported that makes it unfit, and what is said of it.
UNFIT = {
    "a thread": ("import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
                 "threads"),
    "a word": ("print('hello')", "printed"),
    "a word of C": ("import ctypes; ctypes.CDLL(None).puts(b'hello')", "printed"),
    "an open file": ("kept = open(__file__)", "left open"),
    "a pipe": ("import os; ends = os.pipe()", "left open"),
    "a child": ("import subprocess; child = subprocess.Popen(['sleep', '60'])", "child processes"),
    "a timer": ("import signal; signal.setitimer(signal.ITIMER_REAL, 1000)", "timer"),
    "its folder": ("import os; here = os.getcwd()", "keeps the name"),
    "its folder as a path": ("from pathlib import Path; here = [{'a': (Path.cwd(),)}]", "keeps the name"),
    "its script": ("import sys; script = sys.argv[0]", "keeps the name"),
    "a file in its folder": ("open('left', 'w').close()", "files were made"),
    "shared memory": ("import mmap; shared = mmap.mmap(-1, 4096)", "shared with other"),
    "a lock of processes": ("import multiprocessing; lock = multiprocessing.Lock()", "would share"),
    "a seed": ("import random; random.seed(1)", "random was seeded"),
    "a generator": ("import random; mine = random.Random()", "generator of random"),
    "numpy's seed": ("import numpy; numpy.random.seed(1)", "numpy.random was seeded"),
    "numpy's generator": ("import numpy; mine = numpy.random.default_rng()", "generator of random"),
    "an error": ("raise ValueError('no luck')", "cannot be imported: ValueError: no luck"),
    "an exit": ("import sys; sys.exit(3)", "cannot be imported: SystemExit: 3"),
    "its end": ("import os; os._exit(3)", "ended when it was loaded"),
    "a stream": ("import io, sys; sys.stdout = io.StringIO()", "stream was replaced"),
    "a folder of its own": ("import tempfile; own = tempfile.TemporaryDirectory()", "weakref.finalize"),
    "a tracer": ("import sys; sys.settrace(lambda *_: None)", "traced"),
}


@pytest.mark.parametrize("what", UNFIT)
def test_what_cannot_be_equal_starts_cold(driver, tmp_path, what):
    code, reason = UNFIT[what]
    (driver.folder / "unfit.py").write_text(code + "\n")
    header = "if __name__ != '__main__':\n    import unfit\n"
    process = driver.start(
        plan(driver, "", header), tmp_path / "workspace", 1000, env={"XPM_WARM": "tell"}
    )
    told = next((line for line in process.stderr if "start cold" in line), "nothing was told")
    process.terminate()
    process.communicate(timeout=TIMEOUT)
    assert reason in told
    assert list(tmp_path.glob("workspace/jobs/*/*/params.json"))
    assert not list(tmp_path.glob("workspace/jobs/*/*/warm"))


def test_a_launcher_may_start_all_cold(driver, tmp_path):
    script = plan(driver, "", launcher="warm=False")
    assert driver.run(script, tmp_path / "workspace", 15).stdout.split()[2] == "False"


def test_a_refusal_is_told_only_to_who_asks(driver, tmp_path):
    script = plan(driver, "", "if __name__ != '__main__':\n    print('hello')\n")
    assert driver.run(script, tmp_path / "workspace", 20, env={"XPM_WARM": ""}).stderr == ""


# ---- Native -----------------------------------------------------------------------------------------


def look(workspace, wish, jobs, **environment):
    """Runs the native program, whose jobs say what they see; their folders, those of warm ones, and the rest."""
    driver = subprocess.Popen(
        [BUILD / "tests" / "warm", "run", workspace, "--jobs", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "XPM_WARM": wish, "N": str(jobs), "END": "well", **environment},
    )
    out, err = driver.communicate(timeout=TIMEOUT)
    folders = job_folders(workspace)
    assert len(folders) == jobs, err
    return folders, [folder for folder in folders if (folder / "warm").exists()], driver, err


def seen(folder, driver):
    """What a job has left, with what must differ made equal."""
    status = json.loads((folder / ".experimaestro/status.json").read_text())
    texts = [(folder / name).read_text() if (folder / name).exists() else None
             for name in ("said", "look.out", "look.err", "look.failed", "look.done", "look.pid")]
    texts += [status[name] for name in ("state", "exit_code", "failure_reason")]
    text = json.dumps(texts)
    for word, stands in ((str(folder), "JOB"), (folder.name, "HASH"), (f'"{driver.pid} ', '"DRIVER '),
                         (str(folder.parents[2]), "WORKSPACE"), ("XPM_WARM=tell", "XPM_WARM=0")):
        text = text.replace(word, stands)
    return text


@pytest.mark.parametrize("end", ["well", "code", "exit", "raise"])
def test_a_native_job_sees_and_does_the_same(tmp_path, end):
    cold, warm, driver, _ = look(tmp_path / "cold", "0", 200, END=end)
    assert not warm
    expected = seen(cold[0], driver)
    assert '["DRIVER 1 1 1 JOB' in expected
    _, warm, driver, err = look(tmp_path / "warm", "tell", 200, END=end)
    assert len(warm) > 10, err
    assert {seen(folder, driver) for folder in warm} == {expected}


@pytest.mark.parametrize(
    "how, reason",
    [("thread", "threads"), ("file", "left open: /dev/zero"), ("word", "printed"), ("folder", "files were made")],
)
def test_a_native_program_that_cannot_be_forked_starts_cold(tmp_path, how, reason):
    _, warm, _, err = look(tmp_path / "workspace", "tell", 100, UNFIT=how)
    assert not warm and reason in err


@pytest.mark.parametrize("call, is_warm", [("close_range", True), ("clone3", False)])
def test_on_an_older_kernel_no_job_fails(tmp_path, call, is_warm):
    folders, warm, driver, err = look(tmp_path / "workspace", "tell", 200, LACKS=call)
    assert driver.returncode == 0, err
    assert all((folder / "look.done").exists() for folder in folders)
    assert (len(warm) > 10) == is_warm, err
    assert is_warm or "Function not implemented" in err


# ---- Faults -----------------------------------------------------------------------------------------

# Of a driver that does something while its experiment is open: its parents of warm jobs, and how to
# wait until a job is warm.
FAULTY = """
    import signal
    import helper

    class Ran(Task):
        x: Param[int]

        def execute(self):
            Path("value").write_text(str(helper.value()))
            with open("ran", "a") as file:
                file.write(f"{is_warm()}\\n")

    class Hold(Task):
        pipes: Meta[Path]

        def execute(self):
            Path("was").write_text(str(is_warm()))
            with open(self.pipes / "a.started", "w") as started:
                started.write(str(os.getpid()))
            with open(self.pipes / "a.end") as end:
                end.read()

    def parents():
        found = []
        for thread in os.listdir("/proc/self/task"):
            try:
                with open(f"/proc/self/task/{thread}/children") as file:
                    children = file.read().split()
            except FileNotFoundError:
                continue  # a thread that has ended meanwhile
            for pid in children:
                with open(f"/proc/{pid}/cmdline") as command:
                    if "warm.become" in command.read():
                        found.append(int(pid))
        return found

    numbers = iter(range(10**6))
    submitted = []

    def submit():
        submitted.append(Ran(x=next(numbers)).submit().__xpm__.job)
        return submitted[-1]

    def ran(job):
        return (job.path / "ran").read_text().split()

    def value(job):
        return (job.path / "value").read_text()

    def until_warm():
        for _ in range(1000):
            submit().wait()
            if ran(submitted[-1]) == ["True"]:
                return submitted[-1]
        raise AssertionError("no job was warm")
"""


def faulty(driver, body, helper="def value():\n    return 1\n"):
    (driver.folder / "helper.py").write_text(helper)
    return driver.write(
        textwrap.dedent(ONE_BY_ONE)
        + textwrap.dedent(FAULTY)
        + "\nif __name__ == '__main__':\n    with experiment(sys.argv[1], 'warm', jobs=2) as xp:\n"
        + textwrap.indent(textwrap.dedent(body), " " * 8)
        + "\n    print(xp.counts['started'] - len(submitted), {len(ran(job)) for job in submitted})\n"
    )


def run_faulty(driver, tmp_path, body, **helper):
    """Each job was started once, and ran once."""
    out = driver.run(faulty(driver, body, **helper), tmp_path / "workspace")
    assert out.stdout == "0 {1}\n", out.stderr


def test_a_parent_that_is_killed_loses_no_job_and_starts_none_twice(driver, tmp_path):
    run_faulty(driver, tmp_path, """
        for kind in range(12):
            others = set(parents())
            os.environ["KIND"] = str(kind)  # each with a parent of its own
            until_warm()
            # While no job runs: one that begins has its command line still.
            (pid,) = set(parents()) - others
            batch = [submit() for _ in range(12)]
            if kind > 0:
                batch[kind - 1].wait()  # a moment that is another each time
            os.kill(pid, signal.SIGKILL)
            for job in batch:
                assert job.wait().name == "DONE"
    """)


def test_another_takes_the_place_of_a_parent_that_was_killed_until_it_is_too_often(driver, tmp_path):
    run_faulty(driver, tmp_path, """
        seen = set()
        for _ in range(3):
            until_warm()
            (pid,) = parents()
            os.kill(pid, signal.SIGKILL)
            seen.add(pid)
        assert len(seen) == 3
        for _ in range(10):
            submit().wait()
            assert ran(submitted[-1]) == ["False"]
        assert not parents()
    """)


def test_a_parent_that_is_stopped_does_not_hold_its_jobs_for_ever(driver, tmp_path):
    run_faulty(driver, tmp_path, """
        until_warm()
        os.kill(*parents(), signal.SIGSTOP)
        assert submit().wait().name == "DONE"
        assert ran(submitted[-1]) == ["False"]
    """)


def test_random_numbers_differ_between_jobs(driver, tmp_path):
    helper = (
        "import random, numpy.random\n"
        "def value():\n    return f'{random.random()} {numpy.random.random()} {random.randbytes(4)}'\n"
    )
    run_faulty(driver, tmp_path, """
        jobs = [until_warm(), *(submit() for _ in range(20))]
        values = [value(job).split() for job in jobs if job.wait()]
        for column in zip(*values):
            assert len(set(column)) == len(jobs)
        assert [ran(job) for job in jobs] == [["True"]] * len(jobs)
    """, helper=helper)


def test_what_was_changed_is_loaded_anew(driver, tmp_path):
    run_faulty(driver, tmp_path, """
        assert value(until_warm()) == "1"
        (Path(__file__).parent / "helper.py").write_text("def value(): return 12345")
        job = submit()
        job.wait()
        assert value(job) == "12345" and ran(job) == ["False"]
        assert value(until_warm()) == "12345"
    """)


def children(pid):
    return [int(child) for thread in Path(f"/proc/{pid}/task").iterdir()
            for child in (thread / "children").read_text().split()]


def test_a_job_outlives_its_driver_and_the_parent_does_not(driver, tmp_path, pipes):
    pipes.make("a")
    script = faulty(driver, f"""
        until_warm()
        Hold(pipes={str(pipes.folder)!r}).submit().__xpm__.job.wait()
    """)
    process = driver.start(script, tmp_path / "workspace")
    pid = pipes.pid("a")
    (parent,) = [child for child in children(process.pid)
                 if "warm.become" in Path(f"/proc/{child}/cmdline").read_text()]
    process.kill()
    process.communicate(timeout=TIMEOUT)
    wait_for_end(parent)
    os.kill(pid, 0)
    pipes.end("a")
    wait_for_end(pid)
    (folder,) = job_folders(tmp_path / "workspace", "__main__.hold")
    assert (folder / "hold.done").exists() and (folder / "was").read_text() == "True"


def test_a_warm_job_is_cancelled(driver, tmp_path, pipes):
    pipes.make("a")
    script = faulty(driver, f"""
        until_warm()
        job = Hold(pipes={str(pipes.folder)!r}).submit().__xpm__.job
        open({str(pipes.folder / "a.started")!r}).read()
        job.cancel()
        assert job.wait().name == "ERROR" and job.failure_reason.name == "CANCELLED"
        assert (job.path / "was").read_text() == "True"
        print("cancelled")
    """)
    out = driver.run(script, tmp_path / "workspace", check=False)
    assert out.stdout == "cancelled\n" and "FailedExperiment" in out.stderr, out.stderr
