"""Whatever is killed at whatever step, nothing is lost and nothing runs twice: 60 runs of kills.py,
which says what exactly is guaranteed. XPM_FAULTS_SEED gives another seed; `make soak` runs 1000."""

import json
import os
import signal
import time

import kills
import pytest
from faults import Faults, Graph

SEED = int(os.environ.get("XPM_FAULTS_SEED", 1))


@pytest.mark.unsanitized
def test_what_is_killed_at_any_step_is_finished_once_by_the_next_run(tmp_path):
    start = time.monotonic()
    total = kills.soak(tmp_path, 60, SEED)
    print(kills.summary(total, SEED, time.monotonic() - start))
    assert total["runs"] == 60
    assert total["driver"] >= 20 and total["job"] >= 10, "the faults did not fire"
    assert len([key for key in total if key.startswith("at ")]) >= 6, "the steps are not spread"


def test_a_job_that_is_told_twice_to_end_has_its_marker(tmp_path):
    graph = Graph(tmp_path, jobs=1)
    graph.make_hold(0)
    # The first change by rename is its .pid, the second its marker, which is being written.
    faults = Faults(tmp_path, graph.workspace, "1:2:tell:rename")
    driver = graph.start(faults=faults)
    with graph.held(0):
        os.kill(dict(graph.log(0))["start"], signal.SIGTERM)
        graph.finish(driver)
    assert next(faults.read())[1] == 1, "it was told once"
    (failed,) = graph.workspace.glob("jobs/*/*/*.failed")
    assert json.loads(failed.read_text())["reason"] == "cancelled"
    assert not list(failed.parent.glob("*.tmp"))
