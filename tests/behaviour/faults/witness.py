"""The tasks and the graph of programs/witness.c, in Python: `witness.py run WORKSPACE ...`."""

import argparse
import fcntl
import os
import sys
from pathlib import Path

from experimaestro import Config, Param, Task, experiment


class Step(Config):
    number: Param[int]


class Witness(Step, Task):
    parents: Param[list[Step]]

    def execute(self):
        folder = os.environ["WITNESS"]
        log = os.open(f"{folder}/{self.number}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        lock = os.open(f"{folder}/{self.number}.lock", os.O_WRONLY | os.O_CREAT)
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # why: see witness.c
        except OSError:
            os.write(log, f"twice {os.getpid()}\n".encode())
            raise
        os.write(log, f"start {os.getpid()}\n".encode())
        hold = Path(f"{folder}/{self.number}.hold")
        if hold.exists():
            hold.read_text()
        Path("data").write_bytes(b"x" * 8)
        os.write(log, f"end {os.getpid()}\n".encode())


def parents(job):
    if job < 10:
        return [job - 1] if job else []
    if job < 20:
        return [0]
    if job == 20:
        return range(10, 20)
    if job < 25:
        return [9, 20]
    if job < 29:
        return sorted({job - 4, 21 + (job - 24) % 4})
    return range(25, 29)


def launcher():
    """Slurm, whose commands are in the folder WITNESS_SLURM, when that is set."""
    if "WITNESS_SLURM" not in os.environ:
        return None
    from experimaestro.launchers.slurm import SlurmLauncher

    return SlurmLauncher(binpath=os.environ["WITNESS_SLURM"], interval_max=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("workspace")
    parser.add_argument("--experiment", default="witness")
    parser.add_argument("--jobs", type=int)
    arguments = parser.parse_args()
    place = launcher()
    with experiment(arguments.workspace, arguments.experiment, jobs=arguments.jobs, launcher=place):
        tasks = []
        for job in range(int(os.environ.get("WITNESS_JOBS", 30))):
            task = Witness.C(number=job, parents=[tasks[i] for i in parents(job)])
            task.submit()
            tasks.append(task)


if __name__ == "__main__":
    sys.exit(main())
