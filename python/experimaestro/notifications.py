"""How far a task is: for those who watch it."""

import sys

from . import _engine, run

__all__ = ["progress", "tqdm"]


def progress(value, level=0, desc=None, console=False):
    """Says how far the running task is: `value` goes from 0 to 1.

    level: which loop it is in, 0 for the outer one; what was said of loops inside it is forgotten.
    desc: of what. console: whether the task's own error stream gets a line too.

    Calling it often costs little: what watchers see is brought up to date when the value has
    changed by more than 0.01. RuntimeError outside a running task.
    """
    if run.task is None:
        raise RuntimeError("progress says how far a running task is, and none runs in this process")
    _engine.progress(level, value, desc)
    if console:
        print(f"{desc or 'progress'}: {value:.0%}", file=sys.stderr)


def _told(bar):
    """Tells how far the loop of a bar is, if a task runs and the end of the loop is known."""
    if run.task is not None and bar.total:
        desc = (bar.desc or "").removesuffix(": ") or None
        _engine.progress(abs(getattr(bar, "pos", 0)), bar.n / bar.total, desc)


class _Loop:
    """What tqdm is when it is not installed: a loop that shows nothing, and tells how far it is."""

    depth = 0  # of loops that are being run through

    def __init__(self, iterable=None, desc=None, total=None, initial=0, **more):
        self.pos = _Loop.depth
        self.iterable = iterable
        self.desc = desc
        self.total = len(iterable) if total is None and hasattr(iterable, "__len__") else total
        self.n = initial

    def __iter__(self):
        self.pos = _Loop.depth
        _Loop.depth += 1
        try:
            for item in self.iterable:
                yield item
                self.update()
        finally:
            _Loop.depth -= 1

    def __len__(self):
        return self.total or 0

    def update(self, n=1):
        self.n += n
        _told(self)

    def set_description(self, desc=None, refresh=True):
        self.desc = desc

    def set_postfix(self, *args, **more):
        pass

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def _make_tqdm():
    try:
        from tqdm.auto import tqdm as base
    except ImportError:
        return _Loop

    class tqdm(base):
        """tqdm.auto.tqdm, which also tells those who watch the task how far its loop is. Outside a
        task it is that alone."""

        def update(self, n=1):
            shown = super().update(n)
            _told(self)
            return shown

        def close(self):
            if not self.disable:
                _told(self)
            super().close()

    tqdm.__module__ = __name__
    tqdm.__qualname__ = "tqdm"
    return tqdm


def __getattr__(name):
    # Importing the library takes longer than starting most tasks.
    if name != "tqdm":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = _make_tqdm()
    return found
