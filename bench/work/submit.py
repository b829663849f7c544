"""submit.py WORKSPACE N [noop | chain] [NORMAL | DRY_RUN]: an experiment of N tasks, timed from
before the experiment is opened until it is closed."""

import json
import sys
from time import perf_counter

from experimaestro import RunMode, experiment
from tasks import Link, Noop


def peak():
    """Peak resident memory in KiB. Not getrusage: its peak is kept across exec, and would count
    the process that started this one."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    raise RuntimeError("no VmHWM in /proc/self/status")


def main():
    workspace, count = sys.argv[1], int(sys.argv[2])
    shape = sys.argv[3] if len(sys.argv) > 3 else "noop"
    mode = RunMode[sys.argv[4]] if len(sys.argv) > 4 else RunMode.NORMAL

    start = perf_counter()
    with experiment(workspace, "bench", run_mode=mode):
        previous = None
        for i in range(count):
            if shape == "chain":
                task = Link.C(x=i) if previous is None else Link.C(x=i, previous=previous)
                previous = task.submit()
            else:
                Noop.C(x=i).submit()
    end = perf_counter()
    print(json.dumps({"seconds": end - start, "peak_kib": peak()}))


if __name__ == "__main__":
    main()
