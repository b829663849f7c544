"""Warm starts: an interpreter that has imported the module of a task, and from which the processes of its
jobs are forked. It is started with `-c CODE MODULE FILE`, and everything else as a job is: what it imports
must see what it would see in a job. The code executes what become() returns, then flush().
"""

import atexit
import gc
import os
import random  # now, to see whether what is imported seeds it or draws from it
import sys
import _thread
from importlib.machinery import EXTENSION_SUFFIXES

from . import _engine, run


def become():
    """What to execute as __main__, in the process of each job; does not return in the one that forks them."""
    module, file = sys.argv[1:]
    place = os.getcwd()  # an empty folder, of a name that nothing else has
    reason = load(place, module, file or None) or unfit(place)
    if reason:
        _engine.warm_refuse(reason)
        os._exit(0)
    files = sources()
    watch_ends()
    if not has_finalizers():
        gc.freeze()  # else each process looks through all that was imported, and copies it, to end
    script = _engine.warm_serve(files)
    if script is None:
        os._exit(0)
    return begin(script)


def flush():
    """What Python does at the end of a script, and not of the code of -c."""
    for stream in (sys.stderr, sys.stdout):
        try:
            stream.flush()
        except Exception:
            pass  # said when the process ends


def load(place, module, file):
    """Imports the module, as in a job whose script is in that folder. Why it cannot be, or None."""
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]  # the current folder, in the place of the script's
    sys.path_importer_cache.pop(place, None)
    run.add_python_path()
    present(os.path.join(place, os.path.basename(place) + ".py"))
    sys.modules["__main__"].main = run.main
    try:
        run.module_of(module, file)
    except BaseException as error:
        return f"{module} cannot be imported: {type(error).__name__}: {error}"
    return None


def present(script):
    """Makes this process that of a script. What knows the lists and the module already, knows it too."""
    main = vars(sys.modules["__main__"])
    sys.argv[:] = [script]
    sys.orig_argv[:] = [sys.orig_argv[0], script]
    main.pop("warm", None)
    main.update(__file__=script, __cached__=None,
                __loader__=type(__spec__.loader)("__main__", script))


def unfit(place):
    """Why a process that is forked from here would not be as a new one, or None."""
    if sys.gettrace() or sys.getprofile():
        return "it is traced"
    flush()
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        return "a stream was replaced"
    if "weakref" in sys.modules and sys.modules["weakref"].finalize._registry:
        return "something is to be done at the end for what was made (weakref.finalize)"
    if random.getstate() != untouched:
        return "random was seeded, or drawn from, when it was imported"
    numpy = sys.modules.get("numpy.random")
    if numpy and not is_untouched(numpy):
        return "numpy.random was seeded, or drawn from, when it was imported"
    present("")  # what is left of the folder's name is kept by somebody else
    set_original_folder(None)
    found = find(place, numpy)
    if isinstance(found, (str, bytes)):
        return f"something keeps the name of the folder or script where it was imported: {found!r}"
    if found is not None:
        return f"its jobs would share a generator of random numbers: {found!r}"
    return None


untouched = random.getstate()


def is_untouched(numpy):
    """Whether the generator of numpy is as it was made, of what the system gave."""
    bits = sys.modules["numpy.random.mtrand"]._rand._bit_generator
    seed = bits._seed_seq
    if seed is None:
        return False
    new = type(bits)(numpy.SeedSequence(seed.entropy)).state["state"]
    now = bits.state["state"]
    return new["pos"] == now["pos"] and bytes(new["key"]) == bytes(now["key"])


def find(place, numpy):
    """What no two processes may share: a text with the place's name, or a generator that is not the one
    which each process seeds anew; or None."""
    types, known = (random.Random,), (random._inst,)
    if numpy:
        own = sys.modules["numpy.random.mtrand"]._rand
        types += (numpy.Generator, numpy.RandomState, numpy.BitGenerator)
        known += (own, own._bit_generator)
    known += tuple(o for o in gc.get_objects() if type(o) is random.SystemRandom)  # without a state
    name = os.path.basename(place)
    if _engine.warm_find(name, types, known) is not None:
        gc.collect()
    return _engine.warm_find(name, types, known)


def has_finalizers():
    """Whether an object has a method __del__, which is called when it is found to be garbage."""
    types = {cls for kind in {type(o) for o in gc.get_objects()} for cls in kind.__mro__}
    return any(isinstance(vars(cls).get("__del__"), type(has_finalizers)) for cls in types)


class Plain:
    """A class as Python makes them: how an object of one ends is for the base to say."""


status = None  # of the job, once its task has ended
is_last = not atexit._ncallbacks()  # whether end() is called after all else: it is registered first
imported = None  # when nobody can see its end: its streams, its classes, and whether libraries may end by exit()
first = None  # of the objects that are the job's own: when gc does not list it, it hides others too


def watch_ends():
    """Looks whether anybody can see the end of what was imported."""
    global imported
    plain = Plain()
    objects = gc.get_objects()
    buffers = tuple(getattr(stream, "buffer", None) for stream in streams())
    known = (*streams(), *buffers, *(getattr(buffer, "raw", None) for buffer in buffers))
    tells = sys.flags.verbose or sys.flags.inspect or "PYTHONMALLOCSTATS" in os.environ
    if is_last and not tells and not is_seen(objects, plain, known, []):
        classes = _engine.warm_classes(list(set(map(type, objects))))
        calls = "LD_PRELOAD" in os.environ or os.path.exists("/etc/ld.so.preload")
        imported = tuple(map(id, streams())), classes, calls


def streams():
    return sys.stdin, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__


def is_seen(objects, plain, known, classes):
    """Whether anybody can see the end of one of these objects. The others are as for _engine.warm_seen."""
    modules = [found for found in objects if type(found) is type(sys)]
    return any(map(is_foreign, modules)) or _engine.warm_seen(objects, plain, known, classes) is not None


def is_foreign(module):
    """Whether a module is in C, and not of the library of Python: its objects may end in any way."""
    origin = getattr(vars(module).get("__spec__"), "origin", None)
    library = os.path.join(os.path.dirname(os.__file__), "lib-dynload", "")
    return isinstance(origin, str) and origin.endswith(tuple(EXTENSION_SUFFIXES)) \
        and module is not _engine and not origin.startswith(library)


def is_watched():
    """Whether somebody looks at what Python itself does at the end, or is still at work."""
    monitoring = getattr(sys, "monitoring", None)
    tools = monitoring and any(map(monitoring.get_tool, range(6)))
    return tools or sys.gettrace() or sys.getprofile() or gc.callbacks or gc.get_debug() or gc.garbage \
        or _thread._count()


def end():
    """What the process of a job calls last, when its threads have ended and all else that was to be called was:
    leaves it, and nothing is taken apart of which nobody sees the end, as that would take longer than all the
    rest. Returns when somebody may see it, or when a stream cannot be written: then Python ends as ever. What was
    imported is not even counted: each object that is touched is a page that is copied."""
    if status is None or imported is None:
        return
    kept, classes, calls = imported
    try:
        if tuple(map(id, streams())) != kept:
            return
        sys.stdout.flush()
        sys.stderr.flush()
        if not is_watched() and not is_seen(gc.get_objects(), first, streams(), classes):
            _engine.warm_leave(status, calls)
    except BaseException:
        pass  # Python flushes them again, and tells


atexit.register(end)


def set_original_folder(folder):
    """multiprocessing takes the folder where it is imported for that of the program."""
    process = sys.modules.get("multiprocessing.process")
    if process:
        process.ORIGINAL_DIR = folder


def sources():
    """The files of the modules that were imported, but for those that are installed."""
    library = os.path.dirname(os.__file__) + os.sep
    files = {vars(module).get("__file__") for module in list(sys.modules.values())
             if isinstance(module, type(sys))}
    return tuple(file for file in files if isinstance(file, str) and not file.startswith(library)
                 and "site-packages" not in file and "dist-packages" not in file)


def begin(script):
    """The code of a job's script, and the module that it is: here is the job's process."""
    global first
    first = Plain()
    present(script)
    set_original_folder(os.getcwd())
    threading = sys.modules.get("threading")
    if threading:
        threading.main_thread()._native_id = threading.get_native_id()
    if "numpy.random.mtrand" in sys.modules:
        sys.modules["numpy.random"].seed()  # as random was
    with open(script, "rb") as source:
        return compile(source.read(), script, "exec"), vars(sys.modules["__main__"])
