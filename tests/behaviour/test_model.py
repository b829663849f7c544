"""The model of a job's start, end and adoption (tests/model/job.pml), checked by spin."""

import os
import re
import shutil
import subprocess

import pytest
from harness import SOURCE

pytestmark = pytest.mark.unsanitized

MODEL = SOURCE / "tests/model/job.pml"

# What each mutation of the model must be found to break: the invariant, in the model's words.
HELD, UNDONE, NOT_FAILED = r"lock_name==fd", r"done_name==0", r"!\(failed\)\|\|"
MUTATIONS = {
    "NO_RECHECK": HELD,
    "NO_SECOND_LOOK": UNDONE,
    "REMOVE_UNLOCKED": NOT_FAILED,
    "NO_HANDOVER": HELD,
    "MARK_UNLOCKED": UNDONE,
    "TRUST_PID": UNDONE,
    "BLIND_FAILURE": UNDONE,
}

SAFETY = ("-DSAFETY", "-DNOCLAIM", "-DCOLLAPSE")
FAIRNESS = ("-DNFAIR=3",)
DEADLINE = 600  # seconds: it computes, and the machine may have other work


@pytest.fixture
def check(tmp_path):
    """Checks the model under these definitions: what the checker says."""
    assert shutil.which("spin"), "spin is missing: scripts/setup test installs it"

    # A sanitizer's runtime, which tests of the library load first, has no part in this.
    env = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}

    def call(*words):
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, env=env)

    def check(definitions, compiled, *options):
        call("spin", "-a", *(f"-D{definition}" for definition in definitions), MODEL)
        call("cc", "-O2", "-w", *compiled, "-o", "pan", "pan.c")
        words = [tmp_path / "pan", "-m1000000", "-w24", *options]
        done = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE, env=env
        )
        assert done.returncode == 0, done
        return done.stdout

    return check


def errors(said):
    assert "Search not completed" not in said or "errors: 1" in said, said
    return int(re.search(r"errors: (\d+)", said)[1])


def test_no_step_of_the_protocol_breaks_an_invariant_whoever_is_killed(check):
    said = check(["CRASHES=2"], SAFETY)
    assert errors(said) == 0, said
    assert int(re.search(r"(\d+) states, stored", said)[1]) > 1_000_000  # it has looked at them


def test_the_job_is_done_in_the_end_when_no_more_is_killed(check):
    assert errors(check(["CRASHES=1"], FAIRNESS, "-a", "-f")) == 0


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_model_tells_a_protocol_that_lacks_a_step(check, mutation):
    said = check([mutation, "CRASHES=1"], SAFETY)
    assert errors(said) == 1, said
    assert re.search(r"assertion violated.*" + MUTATIONS[mutation], said), said


def test_the_model_tells_a_lock_that_a_program_of_the_task_keeps(check):
    assert errors(check(["NO_CLOEXEC", "CRASHES=1"], FAIRNESS, "-a", "-f")) == 1
