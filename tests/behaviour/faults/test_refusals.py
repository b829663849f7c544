"""Each call by which a driver or a job changes the workspace is refused in turn: the disk is full,
read-only or broken, a write does only half. The driver goes on, or ends with a message that names a
file; nothing is torn; a run without faults finishes the graph, and no task that was done runs again.
"""

import errno
import json
import re

import pytest
from faults import Faults, Graph, check_finished

JOBS = 2
CHANGES = "create|write|close|mkdir|symlink|rename"
REFUSALS = {
    # What happens: what is done to which calls, as inject.c reads it.
    "the disk is full from then on": f"{errno.ENOSPC}+:{CHANGES}",
    "there is no room once": f"{errno.ENOSPC}:{CHANGES}",
    "the workspace is read-only from then on": (
        f"{errno.EROFS}+:create|open|mkdir|symlink|rename|unlink|truncate"
    ),
    "a rename fails": f"{errno.EIO}:rename",
    "writes do half": "short:write",
}
DRIVER = {
    **REFUSALS,
    "locking fails": f"{errno.ENOLCK}:flock",
    "no process can be started": f"{errno.EAGAIN}:spawn",
    "no process can be watched": f"{errno.EMFILE}:watch",
}
JOB = {**REFUSALS, "removing fails": f"{errno.EIO}+:unlink"}


def check_told(graph, refused, what, unmarked, where):
    """A run that failed says why and names a file, or a job does that could be marked failed."""
    if refused.returncode == 0:
        return
    if not re.search(r"[1-9]\d* failed;", refused.stdout):
        named = re.search(r"\b(status\.json|lock)\b", refused.stderr)
        assert named or str(graph.workspace) in refused.stderr, where
        return
    markers = [json.loads(p.read_text()) for p in graph.workspace.glob("jobs/*/*/*.failed")]
    if "+" not in what and (markers or unmarked):
        told = [marker["message"] for marker in markers]
        told += [path.read_text() for path in graph.workspace.glob("jobs/*/*/*.err")]
        told += re.findall(rf"warning: .*{re.escape(str(graph.workspace))}/jobs/.*", refused.stderr)
        assert any(told), f"no job says why it failed: {where}"


def sweep(folder, who, what, unmarked=False):
    """Refuses the first call, then the second, until a run has no such call. Gives how many."""
    for number in range(1, 1000):
        graph = Graph(folder / str(number), JOBS)
        faults = Faults(graph.folder, graph.workspace, f"{who}:{number}:{what}")
        refused = graph.run("--jobs", 1, faults=faults)
        ((_, fired, pid, call),) = faults.read()
        where = f"{call}, number {number}: {refused.stdout}{refused.stderr}"
        assert refused.returncode in (0, 1), where
        if not fired:
            assert refused.returncode == 0, where
            return number - 1
        check_told(graph, refused, what, unmarked, where)
        done = {job: graph.log(job) for job in graph.done()}
        again = graph.run()
        assert again.returncode == 0, f"after {where}the next run fails: {again.stderr}"
        for job, said in done.items():
            assert graph.log(job) == said, f"after {where}task {job} ran again"
        check_finished(graph, {pid} if "unlink" in what else ())
    raise AssertionError("this does not end")


def in_turn(refusals):
    return [pytest.param(what, id=name) for name, what in refusals.items()]


@pytest.mark.parametrize("what", in_turn(DRIVER))
def test_a_driver_whose_call_is_refused_loses_nothing(tmp_path, what):
    assert sweep(tmp_path, "driver", what) > 0


@pytest.mark.parametrize("what", in_turn(JOB))
def test_a_job_whose_call_is_refused_loses_nothing(tmp_path, what):
    assert sweep(tmp_path, "1", what) > 0


@pytest.mark.parametrize("what", [f"{errno.ENOSPC}:mkdir|create", f"{errno.ENOLCK}:flock"])
def test_a_job_that_can_be_neither_started_nor_marked_says_why(tmp_path, what):
    sweep(tmp_path, "driver", what, unmarked=True)
