"""Jobs that srun starts as several processes, which run them together."""

import pytest
from plans import HELD, Plan

# The two meet at a pipe in the job's folder, once rank 0 has said that the job runs.
RANKED = HELD + """
    import signal
    from experimaestro.taskglobals import Env

    class Ranked(Task):
        fails: Param[int]

        def execute(self):
            rank = int(os.environ["SLURM_PROCID"])
            assert Env.instance().slave == (rank > 0)
            print(f"rank {rank} of {os.environ['SLURM_NTASKS']}, {os.environ.get('RANK')}", flush=True)
            try:
                os.mkfifo("both")
            except FileExistsError:
                pass
            open("both", "w" if rank == 0 else "r").close()
            if rank == self.fails:
                raise ValueError("no luck")
            if self.fails >= 0:
                signal.pause()
"""


@pytest.fixture
def ranked(driver, workspace):
    plan = Plan(driver, workspace, RANKED)
    plan.submit = lambda fails, **more: plan.run(f"""
        launcher = SlurmLauncher(interval_max=1, ntasks=2)
        xp.set_launcher(launcher)
        task = Ranked(fails={fails})
        task.submit()
        xp.wait()
        print(task.job.state)
    """, check=False, **more)
    return plan


def test_the_ranks_of_a_job_execute_it_and_one_speaks_for_it(slurm, ranked):
    result = ranked.submit(-1, env={"RANK": "1", "PMI_RANK": "1"})
    assert result.stdout == "JobState.DONE\n", result.stderr
    folder = ranked.folder("ranked")
    assert sorted((folder / "ranked.out").read_text().splitlines()) == ["rank 0 of 2, None", "rank 1 of 2, None"]
    assert not {"ranked.lock", "ranked.pid", "ranked.failed"} & {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_fails_fails_the_job_and_ends_the_others(slurm, ranked, rank):
    assert ranked.submit(rank).stdout == "JobState.ERROR\n"
    assert "no luck" in (ranked.folder("ranked") / "ranked.err").read_text()
    failed = ranked.failed("ranked")
    assert failed["reason"] == "failed" and ("no luck" if rank == 0 else "one of its processes") in failed["message"]
