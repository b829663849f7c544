"""Tasks of a C program, against build tools that run as many."""

import json
import os
import shutil
import sys
from pathlib import Path
from time import perf_counter

from sides import Failed, HERE, run
from table import Cell, Goal, Row

BUILT = HERE.parent / "build" / "bench"
NOOP, SEAL, GRAPH = BUILT / "noop", BUILT / "seal", BUILT / "graph"
JOBS = "2"


class Tool:
    """A build tool that reads build.ninja. The command of a task is built into the shell that the
    tool starts, so that a task costs the tool one process."""

    def __init__(self, name, program, count, chain=False):
        self.name, self.program, self.count, self.chain = name, program, count, chain
        self.missing = "" if program else "missing: not on the PATH"

    def prepare(self, folder):
        folder.mkdir()
        with open(folder / "build.ninja", "w") as script:
            script.write("rule touch\n  command = : >$out\n")
            script.writelines(f"build task-{i}: touch{self.needs(i)}\n" for i in range(self.count))

    def needs(self, i):
        return f" task-{i - 1}" if self.chain and i > 0 else ""

    def command(self, folder):
        return [self.program, "-C", str(folder), "-j", JOBS]

    def done(self, folder):
        return sum(name.startswith("task-") for name in os.listdir(folder))


class Noop:
    """bench/noop.c."""

    name, missing = "ours", "" if NOOP.exists() else "not built"

    def __init__(self, count):
        self.count = count

    def prepare(self, folder):
        pass

    def command(self, folder):
        return [str(NOOP), "run", str(folder), "--jobs", JOBS]

    def done(self, folder):
        return sum(1 for _ in Path(folder).glob("jobs/*/*/*.done"))


def timed(program, folder, env):
    start = perf_counter()
    run(program.command(folder), env)
    seconds = perf_counter() - start
    done = program.done(folder)
    if done != program.count:
        raise Failed(f"failed: {done} of {program.count} tasks done")
    return seconds


def native(bench):
    count = bench.size(10_000)
    tools = [Tool("ninja", shutil.which("ninja"), count)]
    tools.append(Tool("samu", os.environ.get("SAMU") or shutil.which("samu"), count))
    programs = [*tools, Noop(count)]
    env = {**bench.env, "N": str(count)}
    first = {program.name: Cell(reason=program.missing) for program in programs}
    again = {program.name: Cell(reason=program.missing) for program in programs}

    # Everybody on as many cores as tasks run at once, as on the smallest machine.
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[: int(JOBS)])
    try:
        for i in range(bench.repeat):
            for program in programs:
                if first[program.name].reason:
                    continue
                print(f"bench: native {program.name} {i + 1}/{bench.repeat}", file=sys.stderr)
                folder = bench.workspace()
                try:
                    program.prepare(folder)
                    first[program.name].samples.append(timed(program, folder, env))
                    again[program.name].samples.append(timed(program, folder, env))
                except Failed as error:
                    first[program.name].reason = again[program.name].reason = str(error)
    finally:
        os.sched_setaffinity(0, cores)

    rows = []
    for tool in tools:
        work = f"native: {count:,} no-op tasks, {JOBS} at a time"
        goal = Goal(ratio=1) if tool.name == "ninja" else Goal()
        cells = first[tool.name], first["ours"]
        rows.append(Row("native", work, "s", tool.name, *cells, goal, count))
    for tool in tools:
        work = f"native: the same {count:,}, all done already"
        cells = again[tool.name], again["ours"]
        rows.append(Row("native", work, "s", tool.name, *cells, Goal(), count))
    return rows


def chain(bench):
    """Each task waits for the one before: what counts is the time from an end to the next start. In
    the second chain each holds the one before, so that its parameters name all those before it."""
    count = bench.size(500)
    tool = Tool("ninja", shutil.which("ninja"), count, chain=True)
    sides = [(tool, ""), (Noop(count), "order"), (Noop(count), "value")]
    cells = [Cell(reason=program.missing) for program, _ in sides]
    for i in range(bench.repeat):
        for (program, kind), cell in zip(sides, cells):
            if cell.reason:
                continue
            print(f"bench: native-chain {program.name} {kind} {i + 1}", file=sys.stderr)
            folder = bench.workspace()
            try:
                program.prepare(folder)
                env = {**bench.env, "N": str(count), "CHAIN": kind}
                cell.samples.append(timed(program, folder, env))
            except Failed as error:
                cell.reason = str(error)
    ninja, order, value = cells
    work = f"native: a chain of {count} no-op tasks"
    return [
        Row("native-chain", work, "s", "ninja", ninja, order, Goal(ratio=2 / 3), count),
        Row("native-chain", f"{work}, each a parameter of the next", "s", "ninja", ninja, value,
            Goal(), count),
    ]


def graph(bench):
    """Planning graphs in C, at three sizes of each shape: it is to be linear."""
    rows = []
    none = Cell(reason="recurses")
    for shape in ("chain", "out", "in", "grid"):
        for size in map(bench.size, (10_000, 100_000, 1_000_000)):
            cells = {key: Cell() for key in ("submit", "beside")}
            for i in range(min(bench.repeat, 3)):
                print(f"bench: graph {shape} {size} {i + 1}", file=sys.stderr)
                sample = json.loads(run([str(GRAPH), shape, str(size)], bench.env))
                for key, cell in cells.items():
                    cell.samples.append(sample[key])
            work = f"plan {size:,} jobs, {shape}"
            rows.append(Row("graph", work, "s", "original", none, cells["submit"], Goal(), size))
        most = Goal(most=1024)
        rows.append(
            Row("graph", f"bytes of each, {shape}", "bytes", "original", none, cells["beside"], most)
        )
    return rows


def seal(bench):
    """Sealing in C, at three sizes of each shape: it is to be linear. The original recurses."""
    rows = []
    none = Cell(reason="recurses")
    for shape in ("layers", "chain"):
        for size in map(bench.size, (10_000, 100_000, 1_000_000)):
            cells = {key: Cell() for key in ("seal", "bytes", "meanwhile")}
            for i in range(bench.repeat):
                print(f"bench: seal {shape} {size} {i + 1}/{bench.repeat}", file=sys.stderr)
                sample = json.loads(run([str(SEAL), shape, str(size)], bench.env))
                for key, cell in cells.items():
                    cell.samples.append(sample[key])
            work = f"seal {size:,} shared configurations, {shape}"
            rows.append(Row("seal", work, "s", "original", none, cells["seal"], Goal(), size))
        for key, what in (("bytes", "bytes of each"), ("meanwhile", "bytes more while it is sealed")):
            rows.append(Row("seal", f"{what}, {shape}", "bytes", "original", none, cells[key]))
    return rows
