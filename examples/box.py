"""A box of jobs: each says what it needs of the machine, and as many run at once as fit.

Sample throws darts at a circle, on a core of its own and with memory for them. Estimate, which would
rather have a GPU, counts where those of all samples are.

    python examples/box.py WORKSPACE
"""

import os
import random
import sys

from experimaestro import (
    Annotated, DirectLauncher, Param, Path, Task, experiment, pathgenerator
)
from experimaestro.launcherfinder import find_launcher

DARTS, SAMPLES = 20_000, 12


class Sample(Task):
    seed: Param[int]
    darts: Annotated[Path, pathgenerator("darts.txt")]

    def execute(self):
        dice = random.Random(self.seed)
        self.darts.write_text("".join(f"{dice.random()} {dice.random()}\n" for _ in range(DARTS)))
        print(len(os.sched_getaffinity(0)))


class Estimate(Task):
    samples: Param[list[Sample]]
    pi: Annotated[Path, pathgenerator("pi.txt")]

    def execute(self):
        inside = 0
        for sample in self.samples:
            for line in sample.darts.open():
                x, y = map(float, line.split())
                inside += x * x + y * y < 1
        self.pi.write_text(str(4 * inside / (DARTS * len(self.samples))))


def main(workspace):
    box = DirectLauncher(requirement="cpu(cores=1, mem=64M)", pin=True, nice=5)
    box.setenv("OMP_NUM_THREADS", "1")
    with experiment(workspace, "box", launcher=box):
        samples = [Sample(seed=seed).submit() for seed in range(SAMPLES)]
        rather = find_launcher("cuda(mem=4G) & cpu(cores=1) | cpu(cores=1)")
        estimate = Estimate(samples=samples).submit(launcher=rather)
    cores = {sample.stdout().read_text().strip() for sample in samples}
    print(f"{SAMPLES} samples, each on {', '.join(cores)} core: pi is about "
          f"{float(estimate.pi.read_text()):.3f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "workspace")
