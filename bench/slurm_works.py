"""Tasks given to Slurm, against a call of sbatch for each."""

import os
import shutil
import subprocess
import sys
from time import perf_counter

from native_works import NOOP
from sides import Failed, run
from table import Cell, Goal, Row

NAME = "bench-noop"


def missing():
    if shutil.which("sbatch") is None:
        return "missing: no sbatch on the PATH"
    if subprocess.run(["scontrol", "ping"], capture_output=True, timeout=60).returncode != 0:
        return "missing: Slurm does not answer"
    return "" if NOOP.exists() else "not built"


def queued():
    command = ["squeue", "--noheader", "--array", f"--name={NAME}", "--format=%i"]
    return len(run(command, None).split())


def timed(count, submit):
    """Seconds until Slurm has all jobs, which are held there, and cancelled then."""
    start = perf_counter()
    submit()
    seconds = perf_counter() - start
    found = queued()
    run(["scancel", f"--name={NAME}"], None)
    if found != count:
        raise Failed(f"failed: Slurm has {found} of {count} jobs")
    return seconds


def slurm(bench):
    count = bench.size(1_000)
    each = ["sbatch", "--hold", f"--job-name={NAME}", "--output=/dev/null", "--wrap", "true"]

    def one_by_one():
        for _ in range(count):
            run(each, None)

    def ours():
        # That of the cluster, which need not be the machine's.
        where = {name: os.environ[name] for name in ("SLURM_CONF",) if name in os.environ}
        env = {**bench.env, **where, "N": str(count), "SLURM": "1"}
        run([str(NOOP), "run", str(bench.workspace())], env)

    peer, own = Cell(reason=missing()), Cell(reason=missing())
    for i in range(min(bench.repeat, 2)):
        for cell, submit in ((peer, one_by_one), (own, ours)):
            if cell.reason:
                continue
            print(f"bench: slurm {i + 1}", file=sys.stderr)
            try:
                cell.samples.append(timed(count, submit))
            except Failed as error:
                cell.reason = str(error)
    work = f"slurm: {count:,} tasks in the queue"
    return [Row("slurm", work, "s", "sbatch", peer, own, Goal(ratio=10), count)]
