"""The jobs of an experiment by state, from the index of a workspace whose files are written here."""

import hashlib
import json
import os
import sys
from time import perf_counter

from sides import Failed, HERE, run
from table import Cell, Goal, Row

COMMAND, COUNT = HERE.parent / "build" / "experimaestro", HERE.parent / "build" / "bench" / "count"
TYPE, NAME, EXPERIMENT, RUN = "bench.learn", "learn", "many", "20260101_000000"
FAILURES = 1000  # one job in so many has failed


def event(number, job, state, reason=None):
    return json.dumps({
        "timestamp": 1767222000 + number / 1000, "event_type": "ExperimentJobStateEvent",
        "job_id": job, "task_id": TYPE, "experiment_id": EXPERIMENT, "run_id": RUN,
        "scheduler_state": state, "failure_reason": reason,
        "tags": [{"key": "number", "value": number}], "depends_on": [],
    }, separators=(",", ":")) + "\n"


def write(workspace, count):
    """A run that has ended, as it would have left it, with its markers; the number that failed."""
    folder = workspace / "experiments" / EXPERIMENT / RUN
    (folder / "events").mkdir(parents=True)
    (folder.parent / "current").symlink_to(RUN)
    (folder / "status.json").write_text('{"version":1,"status":"failed","hostname":"bench"}')
    failed = 0
    with open(folder / "jobs.jsonl", "w") as jobs, open(folder / "events/event-0.jsonl", "w") as log:
        log.write('{"timestamp":1767222000.0,"event_type":"LogVersionEvent","version":1}\n')
        for i in range(count):
            job = hashlib.sha256(b"%d" % i).hexdigest()
            fails = i % FAILURES == 0
            failed += fails
            jobs.write('{"job_id":"%s","task_id":"%s","tags":{"number":%d},"timestamp":1767222000.0}\n'
                       % (job, TYPE, i))
            log.write(event(i, job, "ready") + event(i, job, "running"))
            log.write(event(i, job, *(("error", "FAILED") if fails else ("done",))))
            place = workspace / "jobs" / TYPE / job
            place.mkdir(parents=True)
            (place / (NAME + (".failed" if fails else ".done"))).write_text("1" if fails else "")
    return failed


def timed(command, env):
    start = perf_counter()
    out = run([str(word) for word in command], env)
    return perf_counter() - start, out


def index(bench):
    count = bench.size(100_000)
    works = {
        "first": f"index: {count:,} jobs read for the first time (jobs list --count)",
        "whole": f"index: their count by state, a process (jobs list --count)",
        "inside": "index: the same, in a process that runs (xpm_jobs_count)",
        "failed": "index: those that failed, a process (jobs list --state error)",
    }
    missing = "" if COUNT.exists() else "not built"
    cells = {key: Cell(reason=missing) for key in works}
    if not missing:
        try:
            measure(bench, count, cells)
        except Failed as error:
            for cell in cells.values():
                cell.reason = str(error)
    none = Cell(reason="not measured")
    return [
        Row("index", work, "s", "original", none, cells[key],
            Goal() if key == "first" else Goal(most=0.020), count)
        for key, work in works.items()
    ]


def measure(bench, count, cells):
    workspace = bench.workspace()
    print(f"bench: index: writing {count} jobs", file=sys.stderr)
    failed = write(workspace, count)
    env = {**bench.env, "XPM_INDEX_DIR": f"{workspace}-index"}
    listing = [COMMAND, "jobs", "list", "--workdir", workspace, "--experiment", EXPERIMENT]
    counting = [COUNT, workspace, EXPERIMENT]
    cells["first"].samples.append(timed([*listing, "--count"], env)[0])
    settle(workspace, env, listing)
    for _ in range(max(bench.repeat, 15)):
        seconds, out = timed([*listing, "--count"], env)
        if out.split() != ["DONE", str(count - failed), "ERROR", str(failed)]:
            raise Failed(f"failed: counted {out.split()}")
        cells["whole"].samples.append(seconds)
        seconds, out = timed([*listing, "--state", "error"], env)
        if out.count("\n") != failed:
            raise Failed("failed: another number of failures")
        cells["failed"].samples.append(seconds)
    for line in timed([*counting, "15"], env)[1].splitlines():
        cells["inside"].samples.append(json.loads(line)["seconds"])


def settle(workspace, env, listing):
    """The folder of jobs was changed long ago, as far as the index is concerned."""
    os.utime(workspace / "jobs" / TYPE, (1767222000, 1767222000))
    timed([*listing, "--count"], env)
