"""How a warm job ends: as a cold one, though its process is only taken apart where somebody sees that."""

import json
import re
import textwrap

import pytest
from starts import both, plan, same

pytestmark = pytest.mark.usefixtures("no_wish")  # each says itself what starts cold


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
