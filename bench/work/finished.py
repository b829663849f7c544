"""finished.py WORKSPACE N: a workspace in which N of the tasks that do nothing are done, without
running them: the folder of each has the marker of success, and nothing else."""

import json
import os
import sys

from experimaestro import RunMode, experiment
from tasks import Noop

workspace, count = sys.argv[1], int(sys.argv[2])
with experiment(workspace, "bench", run_mode=RunMode.PREPARE):
    for i in range(count):
        folder = Noop.C(x=i).submit().jobpath
        os.makedirs(folder)
        (folder / "noop.done").touch()
print(json.dumps({"jobs": count}))
