"""Kills a driver, a job, the parent of warm jobs, or two of them at a random step of a graph of 30
jobs, lets new drivers finish it, and looks at what the tasks have witnessed. A step is one of the calls
by which a process changes the workspace, or is asked for a job (inject.c). What is guaranteed, and checked:

- No task ever runs in two processes at a time.
- A job with the marker of success is never started again.
- A task runs to its end in exactly one process whose end is recorded. The one process more that may
  have come to the task's end is one that was itself killed between that and its marker: nobody can
  know that it ended, so it runs again. Such windows are counted in the summary.
- No file is torn; a new run finishes the graph without help.

    kills.py [--runs N] [--seed N] [--only N] [--keep FOLDER]
"""

import argparse
import collections
import concurrent.futures
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults import Faults, Graph, check_finished  # noqa: E402

PYTHON_EVERY = 10  # one run in so many is of Python tasks, which take longer
# The runtime of a sanitizer, preloaded, bears no other library in an interpreter that has none.
LANGUAGES = ["c"] if "LD_PRELOAD" in os.environ else ["c", "python"]


def calibrate(folder):
    """How many calls a driver, and a job, makes in an undisturbed run, by language."""
    calls = {}
    for language in LANGUAGES:
        graph = Graph(folder / f"calibrate-{language}", language=language)
        faults = Faults(graph.folder, graph.workspace, "driver:0:kill", "1:0:kill")
        result = graph.run(faults=faults)
        assert result.returncode == 0, result.stderr
        calls[language] = [seen for seen, *_ in faults.read()]
        assert min(calls[language]) > 10, "the calls are not counted: is inject.so loaded?"
        check_witness(graph, set(), {})
    return calls


class Plan:
    """What is done to a run: all of it follows from the seed and the run's number."""

    def __init__(self, seed, number, calls):
        choice = random.Random(f"{seed}/{number}")
        self.language = LANGUAGES[-1] if number % PYTHON_EVERY == PYTHON_EVERY - 1 else "c"
        self.who = choice.choice(["driver", "job", "both", "parent", "parent and driver"])
        self.what = choice.choice(["kill", "tear"])
        self.slots = choice.choice([1, 2, 4])
        self.drivers = choice.choice([1, 1, 2])  # that finish the graph, at once
        driver, job = calls[self.language]
        self.faults = []
        if self.who in ("driver", "both", "parent and driver"):
            self.faults.append(f"driver:{choice.randint(1, driver)}:{self.what}")
        if self.who in ("job", "both"):
            self.faults.append(f"{choice.randint(1, 30)}:{choice.randint(1, job)}:{self.what}")
        if self.who.startswith("parent"):
            self.faults.append(f"parent:{choice.randint(1, 40)}:kill")

    def __str__(self):
        return f"{self.language}, {' and '.join(self.faults)}, {self.slots} at once, {self.drivers}"


def check_witness(graph, killed, marked):
    """The three guarantees. `marked`: what was witnessed of each job when its marker was first seen.
    Returns how many processes were killed between the task's end and the marker."""
    windows = 0
    for job in range(graph.jobs):
        said = graph.log(job)
        assert "twice" not in dict(said), f"task {job} ran twice at a time: {said}"
        running = None
        for word, pid in said:
            if word == "start":
                assert running is None or running in killed, f"task {job} overlaps: {said}"
            else:
                assert running == pid, f"task {job} ends what it had not started: {said}"
            running = pid if word == "start" else None
        assert marked.get(job, said) == said, f"task {job} was done and ran again: {said}"
        ends = [pid for word, pid in said if word == "end"]
        lived = [pid for pid in ends if pid not in killed]
        if not lived:  # the job is done: killed after its marker, while it tidied up
            lived = ends[-1:]
        assert len(lived) == 1, f"task {job} has {len(lived)} ends that count: {said}"
        windows += len(ends) - len(lived)
    return windows


def finish_graph(graph, plan, fired, marked):
    """New drivers until one ends well: a job may be killed while the first of them waits for it."""
    for attempt in range(1, 4):
        for job in graph.done() - set(marked):
            marked[job] = graph.log(job)
        processes = [graph.start("--experiment", f"again{i}") for i in range(plan.drivers)]
        results = [graph.finish(process) for process in processes]
        if all(result.returncode == 0 for result in results):
            return attempt
        assert fired(), "".join(result.stderr for result in results)
    raise AssertionError("the graph is not finished by three drivers: " + results[0].stderr)


def one_run(folder, seed, number, calls):
    """Returns the summary's counts; AssertionError says what does not hold."""
    plan = Plan(seed, number, calls)
    counts = collections.Counter(runs=1)
    graph = Graph(folder, language=plan.language)
    faults = Faults(folder, graph.workspace, *plan.faults)
    marked = {}
    try:
        first = graph.run("--jobs", plan.slots, faults=faults)
        assert first.returncode in (-9, 0, 1), first.stderr
        drivers = finish_graph(graph, plan, lambda: any(f for _, f, *_ in faults.read()), marked)
        fired = [(pid, call) for _, times, pid, call in faults.read() if times]
        killed = {pid for pid, _ in fired}
        counts["windows"] = check_witness(graph, killed, marked)
        check_finished(graph, killed)
    except AssertionError as error:
        raise AssertionError(f"run {number} of seed {seed} ({plan}): {error}") from error
    for text, (_, times, _, call) in zip(plan.faults, faults.read()):
        if times:
            who = text.partition(":")[0]
            counts[who if who in ("driver", "parent") else "job"] += 1
            counts["at " + call] += 1
    counts["kills"] = len(fired)
    counts["drivers again"] = drivers * plan.drivers
    counts["processes again"] = sum(
        [word for word, _ in graph.log(job)].count("start") - 1 for job in range(graph.jobs)
    )
    return counts


def soak(folder, runs, seed, only=None, keep=False):
    """The counts of all runs; stops at the first that fails, with its folder left."""
    total = collections.Counter()
    calls = calibrate(folder)

    def one(number):
        place = folder / str(number)
        counts = one_run(place, seed, number, calls)
        if not keep:
            shutil.rmtree(place)
        return counts

    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        jobs = [pool.submit(one, n) for n in (range(runs) if only is None else [only])]
        try:
            for job in concurrent.futures.as_completed(jobs):
                total += job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return total


def summary(total, seed, seconds):
    steps = ", ".join(f"{n} {k[3:]}" for k, n in sorted(total.items()) if k.startswith("at "))
    return (
        f"{total['runs']} runs (seed {seed}), {total['kills']} kills: {total['driver']} of drivers,"
        f" {total['job']} of jobs, {total['parent']} of parents; before {steps}; {total['windows']} between end and marker;"
        f" {total['drivers again']} drivers and {total['processes again']} tasks started again;"
        f" {seconds:.0f} s"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", type=int, help="this run alone")
    parser.add_argument("--keep", type=Path, help="a folder, where the workspaces stay")
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.randrange(10**6)
    print(f"seed {seed}", flush=True)
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        place = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        total = soak(place, args.runs, seed, args.only, args.keep is not None)
    print(summary(total, seed, time.monotonic() - start))


if __name__ == "__main__":
    main()
