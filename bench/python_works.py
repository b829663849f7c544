"""The works that a Python user waits for, on the original and on ours."""

import os
import re
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter

from sides import Failed, Side
from table import Cell, Goal, Row


class Bench:
    """Both sides, the sizes, and the finished workspaces that works share."""

    def __init__(self, sides, scratch, repeat, small, wanted):
        self.original, self.ours = self.sides = sides
        self.env = self.ours.env
        self.scratch, self.repeat, self.small = Path(scratch), repeat, small
        self.wanted = wanted  # names of works
        self.finished = {}  # side's name -> workspace whose tasks are all done
        self.entries = {}  # side's name -> {pattern: how many a job}
        self.serial = 0

    def size(self, full):
        return max(full // 10, 2) if self.small else full

    def workspace(self):
        self.serial += 1
        return self.scratch / f"workspace-{self.serial}"

    def alternate(self, name, runs, sample):
        """Calls sample(side) in turn on both sides; returns a cell for each. A sample is a dict;
        a side that fails once is not asked again."""
        cells = [Cell(reason=side.missing) for side in self.sides]
        for i in range(runs):
            for side, cell in zip(self.sides, cells):
                if cell.reason:
                    continue
                print(f"bench: {name} {side.name} {i + 1}/{runs}", file=sys.stderr)
                try:
                    cell.samples.append(sample(side))
                except Failed as error:
                    cell.reason = str(error)
        return cells

    def row(self, name, work, unit, cells, key, goal=None, tasks=0, error=""):
        peer, own = (Cell([s[key] for s in c.samples], c.reason) for c in cells)
        return Row(name, work, unit, "original", peer, own, goal or Goal(), tasks, error)


def wall(side, script):
    start = perf_counter()
    side.command(str(side.scratch / "work" / script))
    return perf_counter() - start


def starting(bench):
    def sample(side):
        bare = wall(side, "bare.py")
        return {"seconds": wall(side, "start.py") - bare}

    bench.alternate("import (warm-up)", 1, sample)
    cells = bench.alternate("import", max(bench.repeat, 3 if bench.small else 15), sample)
    work = "import, above the bare interpreter"
    return [bench.row("import", work, "s", cells, "seconds", Goal(most=0.025))]


# Shape of work/identify.py: how many, what they are, at least how many times as fast as the original.
SHAPES = {
    "flat": (10_000, "flat tasks", 60),
    "deep": (50, "chains of 200 configurations", 30),
    "wide": (100, "lists of 100 configurations", 30),
    "shared": (50, "towers of 10 shared configurations", 30),
    "cyclic": (1_000, "cycles of 10 configurations", 30),
}


def identify(bench):
    return [identify_shape(bench, shape) for shape in SHAPES if shape in bench.wanted]


def identify_shape(bench, shape):
    full, what, ratio = SHAPES[shape]
    count = bench.size(full)
    cells = bench.alternate(
        shape, bench.repeat, lambda side: side.work("identify.py", shape, count)
    )
    samples = [sample for cell in cells for sample in cell.samples]
    error = ""
    if len({sample["checksum"] for sample in samples}) > 1:
        error = "the identifiers of the two packages differ"
    elif any(sample["distinct"] != count for sample in samples):
        error = "the identifiers are not distinct"
    work = f"build and identify {count:,} {what}"
    return bench.row(shape, work, "s", cells, "seconds", Goal(ratio=ratio), count, error)


def dry(bench):
    count = bench.size(5_000)

    def sample(side):
        return side.work("submit.py", bench.workspace(), count, "noop", "DRY_RUN", quiet=True)

    cells = bench.alternate("dry", bench.repeat, sample)
    work = f"dry run of {count:,} tasks"
    return [
        bench.row("dry", work, "s", cells, "seconds", tasks=count),
        bench.row("memory", f"memory of the driver, {work}", "KiB", cells, "peak_kib"),
    ]


def jobs(workspace):
    """The folders of the jobs, TYPE/HASH."""
    return {str(path.relative_to(workspace)) for path in workspace.glob("jobs/*/*")}


def markers(workspace):
    return {str(path): path.stat().st_mtime_ns for path in workspace.glob("jobs/*/*/*.done")}


def execute(bench, side, count, shape="noop"):
    """Runs tasks in a new workspace, and makes sure that they did run."""
    workspace = bench.workspace()
    result = side.work("submit.py", workspace, count, shape)
    done = len(markers(workspace))
    if done != count:
        raise Failed(f"failed: {done} of {count} tasks done")
    return workspace, {**result, "jobs": jobs(workspace)}


def differing(cells):
    """Both packages must name the same jobs."""
    names = [sample["jobs"] for cell in cells for sample in cell.samples]
    return "the two packages name jobs differently" if any(n != names[0] for n in names) else ""


def pattern(path):
    """An entry's name without what varies: identifiers, dates, counters."""
    text = re.sub(r"[0-9a-f]{64}", "HASH", str(path))
    text = re.sub(r"\d{8}_\d{6}(\.\d+)?", "RUN", text)
    text = re.sub(r"^\.scheduler/[^/]+", ".scheduler/RUN", text)
    return re.sub(r"[0-9a-f]{8}-HASH", "XXXXXXXX-HASH", text)


def entries(workspace):
    """Every file, link and folder below the workspace, by pattern."""
    found = Counter()
    for folder, folders, files in os.walk(workspace):
        for name in folders + files:
            path = Path(folder, name)
            kind = "@" if path.is_symlink() else "/" if path.is_dir() else ""
            found[pattern(path.relative_to(workspace)) + kind] += 1
    return found


def running(bench):
    count = bench.size(100)
    census = {}

    def sample(side):
        workspace, result = execute(bench, side, count)
        bench.finished[side.name] = workspace
        census[side.name] = entries(workspace)
        return result

    cells = bench.alternate("run", min(bench.repeat, 3), sample)
    rows = [
        bench.row("run", f"run {count} no-op tasks", "s", cells, "seconds", None, count,
                  differing(cells))
    ]

    # What a job adds to a workspace: the difference with a run of one job.
    def files(side):
        if side.name not in census:
            raise Failed("failed, as the run did")
        one = entries(execute(bench, side, 1)[0])
        grown = {name: (n - one[name]) / (count - 1) for name, n in census[side.name].items()}
        bench.entries[side.name] = {name: n for name, n in sorted(grown.items()) if n}
        return {"entries": round(sum(grown.values()), 2)}

    cells = bench.alternate("files", 1, files)
    rows.append(
        bench.row("files", "files and folders a job", "entries", cells, "entries", Goal(most=8))
    )
    return rows


def running_again(bench):
    count = bench.size(100)

    def sample(side):
        if side.name not in bench.finished:
            bench.finished[side.name] = execute(bench, side, count)[0]
        workspace = bench.finished[side.name]
        before = markers(workspace)
        result = side.work("submit.py", workspace, count)
        if markers(workspace) != before:
            raise Failed("failed: tasks were run again")
        return result

    cells = bench.alternate("rerun", bench.repeat, sample)
    work = f"run the same {count} finished tasks again"
    return [bench.row("rerun", work, "s", cells, "seconds", Goal(ratio=50), count)]


def many(bench):
    """Finished tasks submitted again, a job: of the original as many as it bears, of ours as many as
    people have. One marks them as done, by ours, since both name them alike."""
    counts = {"original": bench.size(500), "ours": bench.size(100_000)}
    ready = {}

    def sample(side):
        count = counts[side.name]
        if side.name not in ready:
            ready[side.name] = bench.workspace()
            bench.ours.work("finished.py", ready[side.name], count)
        before = len(markers(ready[side.name]))
        result = side.work("submit.py", ready[side.name], count)
        if len(markers(ready[side.name])) != before:
            raise Failed("failed: tasks were run again")
        return {"seconds": result["seconds"] / count * 1e6}

    cells = bench.alternate("many", min(bench.repeat, 5), sample)
    work = f"submit finished tasks again, {counts['original']} and {counts['ours']:,}: each"
    return [bench.row("many", work, "us", cells, "seconds", Goal(ratio=100))]


def each(bench, name, work, shape, counts, goal, ours=None):
    """Microseconds a task: of the original as many as it bears, of ours as many as show its pace."""
    counts = dict(zip(("original", "ours"), map(bench.size, counts)))

    def sample(side):
        which = ours if ours is not None and side is bench.ours else side
        result = execute(bench, which, counts[side.name], shape)[1]
        return {"seconds": result["seconds"] / counts[side.name] * 1e6}

    cells = bench.alternate(name, min(bench.repeat, 3), sample)
    work = f"{work}, {counts['original']} and {counts['ours']:,}: each"
    return [bench.row(name, work, "us", cells, "seconds", Goal(ratio=goal))]


def warm(bench):
    return each(bench, "warm", "run no-op tasks", "noop", (50, 1_000), 100)


def cold(bench):
    side = bench.ours
    ours = Side(side.name, side.python, side.scratch, {**side.env, "XPM_WARM": "0"}, side.missing)
    return each(bench, "cold", "run no-op tasks, each a new program", "noop", (50, 200), 5, ours)


def chain(bench):
    return each(bench, "chain", "run a chain of tasks", "chain", (20, 100), 60)
