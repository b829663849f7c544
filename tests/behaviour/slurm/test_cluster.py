"""That the clusters of these tests are there, and leave nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import lacks
from harness import TIMEOUT, wait_for_end

pytestmark = pytest.mark.skipif(lacks() is not None, reason=str(lacks()))


def test_a_job_runs(slurm):
    slurm.run("sbatch", "--wait", "--output=/dev/null", "--wrap=true")
    assert "COMPLETED" in slurm.queue()[-1]


def test_accounting_knows_of_it(slurm_accounting):
    done = slurm_accounting.run("sbatch", "--parsable", "--wait", "-o", "/dev/null", "--wrap=true")
    command = ["sacct", "-n", "-X", "-j", done.stdout.strip(), "-o", "jobid"]
    while not slurm_accounting.run(*command).stdout.strip():
        pass  # it lags by seconds


def test_there_are_two_nodes(slurm_nodes):
    lines = slurm_nodes.run("srun", "-N2", "sh", "-c", "echo $SLURMD_NODENAME").stdout.split()
    assert sorted(lines) == slurm_nodes.nodes


@pytest.mark.parametrize("daemon", ["slurmctld", "n1"])
def test_a_daemon_is_killed_and_comes_back(slurm, daemon):
    slurm.kill(daemon)
    slurm.start_controller()
    slurm.start_node("n1")
    slurm.run("sbatch", "--wait", "--output=/dev/null", "--wrap=true")


def test_it_ends_with_who_made_it(tmp_path):
    told = tmp_path / "told"
    os.mkfifo(told)
    script = f'echo "$$ $PPID $SLURM_CONF" >{told}; exec sleep infinity'
    command = [sys.executable, Path(__file__).with_name("cluster.py"), "sbatch", "--wait",
               "--output=/dev/null", f"--wrap={script}"]
    process = subprocess.Popen(command, start_new_session=True)
    job, step, settings = told.read_text().split()
    folder = Path(settings).parent
    daemons = [int(path.read_text()) for path in folder.glob("slurm*.pid")]
    assert len(daemons) == 2
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(TIMEOUT)
    for pid in (int(job), int(step), *daemons):
        wait_for_end(pid)
