"""Whatever is killed at whatever step, nothing is lost and nothing runs twice: 60 runs of kills.py,
which says what exactly is guaranteed. XPM_FAULTS_SEED gives another seed; `make soak` runs 1000."""

import os
import time

import kills

SEED = int(os.environ.get("XPM_FAULTS_SEED", 1))


def test_what_is_killed_at_any_step_is_finished_once_by_the_next_run(tmp_path):
    start = time.monotonic()
    total = kills.soak(tmp_path, 60, SEED)
    print(kills.summary(total, SEED, time.monotonic() - start))
    assert total["runs"] == 60
    assert total["driver"] >= 20 and total["job"] >= 10, "the faults did not fire"
    assert len([key for key in total if key.startswith("at ")]) >= 6, "the steps are not spread"
