"""Warm starts: a job whose process was forked from one that had imported its module sees, does and leaves
what it does when it is a new program; and it is a new program whenever that could not be so."""

import json
import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest
from harness import BUILD, TIMEOUT, job_folders, wait_for_end


@pytest.fixture(autouse=True)
def no_wish(monkeypatch):
    """Each of these tests says itself what starts cold, also when all others are run cold."""
    monkeypatch.delenv("XPM_WARM", raising=False)


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


# How a task ends: what it does last, and the end that is recorded.
ENDS = {
    "well": "print('out'); print('err', file=sys.stderr)",
    "exit": "print('out'); sys.exit(3)",
    "exit with a text": "sys.exit('no luck')",
    "at once": "print('out', flush=True); os._exit(4)",
    "at once, well": "print('never written'); os._exit(0)",
    "error": "raise ValueError('no luck')",
    "finalizers": """
        class Noisy:
            def __del__(self):
                print("deleted", flush=True)
        global noisy, cycle
        noisy, cycle = Noisy(), [Noisy()]
        cycle.append(cycle)
    """,
    "a generator that is left": """
        def wait():
            try:
                yield
            finally:
                print("over")
        global waiting
        waiting = wait()
        next(waiting)
    """,
    "a weak reference": """
        import weakref
        class Thing:
            pass
        global thing, reference
        thing = Thing()
        reference = weakref.ref(thing, lambda _: print("gone"))
    """,
    "a weak reference to which a function in C is given": """
        import weakref
        class Thing:
            pass
        global thing, reference
        thing = Thing()
        reference = weakref.ref(thing, os.close)
    """,
    "a weak method": """
        import weakref
        class Thing:
            def method(self):
                pass
        global thing, reference
        thing = Thing()
        reference = weakref.WeakMethod(thing.method, lambda _: print("gone"))
    """,
    "a finalizer of an imported class": "Plain.__del__ = lambda self: print('deleted', flush=True)",
    "objects that are frozen": """
        import gc
        global left
        left = open("left", "w")
        left.write("text")
        gc.freeze()
    """,
    "another interpreter": """
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            import _interpreters as interpreters
        global other
        other = interpreters.create()
        interpreters.run_string(other, "import atexit, os; atexit.register(os.write, 1, b'other')")
    """,
    "a library that is loaded late": "import numpy; print(numpy.arange(3))",
    "a thread that is left": """
        import threading
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        print("out")
    """,
    "a stream that was replaced": """
        import io
        sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), write_through=False)
        print("out")
    """,
    "a stream that is replaced at the end": """
        import atexit
        class Silent:
            def flush(self):
                pass
        def replace():
            print("out")
            sys.stdout = sys.__stdout__ = Silent()
        atexit.register(replace)
        global kept
        kept = sys.stdout
    """,
    "a stream that was closed": "sys.stdout.close()",
    "a full disk": """
        print("lost")
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    """,
    "a file that is left open": "global left; left = open('left', 'w'); left.write('text')",
    "killed": "import signal; os.kill(os.getpid(), signal.SIGKILL)",
    "aborted": "os.abort()",
    "memory": "bytearray(1 << 50)",
    "buffers": """
        import ctypes
        libc = ctypes.CDLL(None)
        print("python")
        libc.printf(b"library\\n")
        os.write(1, b"raw\\n")
        print("error", file=sys.stderr)
        os.dup2(2, 1)
        print("to the other")
    """,
    "atexit": """
        import atexit, threading
        atexit.register(print, "at exit")
        threading.Thread(target=lambda: print("thread")).start()
        threading._register_atexit(print, "end of threads")
    """,
    "what is written before and at the end": """
        import atexit
        print("before")
        atexit.register(os.write, 1, b"at the end\\n")
    """,
    "an error at the end": """
        import atexit, traceback
        atexit.register(os.close, -1)
        atexit.register(traceback.print_stack)
    """,
    "a child that is left": """
        if os.fork() == 0:
            os._exit(0)
    """,
    "told to end": "import signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
    # Which a start takes part of; those that come before a warm one need not wait for it.
    "its time": ("""
        import time
        print(0 < self.remaining_time() <= 5)
        time.sleep(60 if is_warm() or os.environ["XPM_WARM"] == "0" else 0)
    """, "time_limit=5"),
    "its memory": ("bytearray(1 << 31)", "memory_limit=1 << 30"),
}


# What they import. A module that something keeps is emptied at the end, name by name.
IMPORTED = """
    sys.kept = sys.modules[__name__]

    class Plain:
        pass

    plain = Plain()
"""


# A sanitizer ends a process that asks for more memory than it can ever have.
@pytest.mark.parametrize("end", [pytest.param(end, marks=pytest.mark.unsanitized) if end == "memory" else end
                                 for end in ENDS])
def test_it_ends_the_same(driver, tmp_path, end):
    ends = []
    task, launcher = ENDS[end] if isinstance(ENDS[end], tuple) else (ENDS[end], "")
    script = plan(driver, task, IMPORTED, launcher)
    for pid, folder in both(driver, script, tmp_path, {"PYTHONUNBUFFERED": ""}):
        status = json.loads((folder / ".experimaestro/status.json").read_text())
        files = {path.name: path.read_text() for path in folder.iterdir()
                 if path.name == "left" or path.suffix in (".out", ".err", ".failed", ".done", ".lock", ".pid", ".py")}
        files.pop("t.py", None)
        text = json.dumps([files, {name: status[name] for name in ("state", "exit_code", "failure_reason")}])
        text = re.sub("0x[0-9a-f]+", "ADDRESS", text)
        ends.append(text.replace(str(folder), "JOB").replace(str(folder.parents[2]), "WORKSPACE"))
    assert ends[0] == ends[1]


# What a module makes whose end is seen.
FINALIZED = {
    "a method": """
        class Noisy:
            def __del__(self, say=say):
                say(b"deleted ")

        plain, cycle = Noisy(), [Noisy()]
        cycle.append(cycle)
    """,
    "a method, of what cannot be compared": """
        class Noisy:
            def __eq__(self, other):
                raise ValueError("not to be compared")

            def __del__(self, say=say):
                say(b"deleted ")

        noisy = Noisy()
    """,
    "a weak method": """
        import weakref

        class Thing:
            def method(self):
                pass

        thing = Thing()
        reference = weakref.WeakMethod(thing.method, lambda _, say=say: say(b"gone "))
    """,
    "a generator": """
        def wait(say=say):
            try:
                yield
            finally:
                say(b"over ")

        waiting = wait()
        next(waiting)
    """,
    "a weak reference": """
        import weakref

        class Thing:
            pass

        thing = Thing()
        reference = weakref.ref(thing, lambda _, say=say: say(b"gone "))
    """,
}


@pytest.mark.parametrize("what", FINALIZED)
def test_what_was_imported_is_finalized(driver, tmp_path, what):
    (driver.folder / "noisy.py").write_text(textwrap.dedent("""
        import os

        def say(words, open=os.open, write=os.write, how=os.O_WRONLY | os.O_CREAT | os.O_APPEND):
            write(open("said", how), words)
    """) + textwrap.dedent(FINALIZED[what]))
    header = "if __name__ != '__main__':\n    import noisy\n"
    cold, warm = same(driver, plan(driver, "", header), tmp_path)
    assert cold == warm != ""


# What a process has made by its end, and whether anybody may see that end.
LEFT = {
    "nothing": ("", False),
    "plain things": ("""
        import collections, dataclasses, datetime, enum, functools, json, re, threading, weakref
        class Thing:
            def __init__(self):
                self.values = [1, 2.0, "three", b"four", {5: (6,)}, {7}, None, collections.deque([8])]
                self.whole = functools.partial(Thing, self)
        @dataclasses.dataclass
        class Data:
            when: datetime.date = datetime.date(2000, 1, 1)
        kept = Thing(), Data(), enum.Enum("Colour", "red"), re.compile("a"), weakref.WeakSet([Thing])
        kept[0].itself = kept
        mapped = weakref.WeakKeyDictionary({kept[0]: 1}), weakref.WeakValueDictionary({1: kept[0]})
        collections.abc.Sized.register(Thing)
        local = threading.local()
        local.value = Thing()
    """, False),
    "a method": ("class Noisy:\n    def __del__(self): pass\nnoisy = Noisy()", True),
    "a file": ("file = open('/dev/null')", True),
    "a generator": ("def wait(): yield\nwaiting = wait(); next(waiting)", True),
    "a socket": ("import socket; end = socket.socket()", True),
    "a database": ("import sqlite3; base = [{1: sqlite3.connect(':memory:')}]", True),
    "a weak reference": ("class Thing: pass\nthing = Thing(); import weakref; ref = weakref.ref(thing, [].append)", True),
    "a library": ("import numpy", True),
    "what calls any library": ("import _ctypes", True),
    "an experiment": ("experiment('workspace', 'a').__enter__()", True),
    "a trace": ("sys.settrace(lambda *_: None)", True),
    "a callback of the collector": ("gc.callbacks.append(lambda *_: None)", True),
    "garbage": ("gc.garbage.append(1)", True),
}


def end_of(driver, lines, before="", **environment):
    """What a process writes that ends as a job does, after these lines; before: before anything is imported."""
    script = driver.write("\n".join([
        before, "import atexit, gc, sys, weakref", "from experimaestro import warm", "from experimaestro import *",
        "class Known: pass", "sys.kept = sys.modules[__name__]",
        "warm.watch_ends()", "gc.freeze()", "warm.first = warm.Plain()", "print('begun')",
        "atexit.register(print, 'at exit')", textwrap.dedent(lines),
        # What passes for a function of the library, of which nobody sees that it is called.
        "def remove(_, say=print): say('taken apart')", "remove.__module__ = 'weakref'",
        "known = Known()", "reference = weakref.ref(known, remove)",
        "warm.status = 5", "sys.exit(5)",
    ]))
    out = driver.run(script, check=False, env=environment)
    assert out.returncode == 5, out.stderr
    return out.stdout.splitlines()


@pytest.mark.parametrize("what", LEFT)
def test_what_nobody_sees_the_end_of_is_not_taken_apart(driver, what):
    """Else the end of a process takes longer than the rest of it."""
    lines, is_seen = LEFT[what]
    said = ["begun", "at exit"] + (["taken apart"] if is_seen else [])
    assert end_of(driver, lines) == said


def test_a_warm_job_is_not_taken_apart(driver, tmp_path):
    task = """
        import weakref
        class Known:
            pass
        def remove(_, say=print):
            say("taken apart")
        remove.__module__ = "weakref"
        global known, reference
        known = Known()
        reference = weakref.ref(known, remove)
    """
    outs = [(folder / "t.out").read_text() for _, folder in both(driver, plan(driver, task, IMPORTED), tmp_path)]
    assert outs == ["taken apart\n", ""]


@pytest.mark.parametrize("name", ["PYTHONMALLOCSTATS", "PYTHONVERBOSE"])
def test_python_tells_of_its_end(driver, name):
    assert "taken apart" in end_of(driver, "", **{name: "1"})


def test_what_was_to_be_called_last_still_is(driver):
    said = end_of(driver, "", "import atexit; atexit.register(print, 'last')")
    assert said == ["begun", "at exit", "last", "taken apart"]


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
