"""What is asked of Slurm: its options, as the engine is told them."""

import pytest

from experimaestro import DirectLauncher
from experimaestro.launchers.slurm import SlurmLauncher, SlurmOptions


@pytest.mark.parametrize("time, text", [
    ("90", "90"), ("1:30", "1:30"), ("1:00:00", "1:00:00"), ("2-12", "2-12"), ("1-1:1", "1-1:1"),
    ("1-00:00:01", "1-00:00:01"), ("infinite", "infinite"), (120, "2:00"), (0.5, "0:01"), (3661, "61:01"),
])
def test_times_are_those_of_sbatch(time, text):
    assert f"time={text}" in SlurmOptions(time=time).words()


@pytest.mark.parametrize("time", ["", "1h", "1:2:3:4", "-5", 0, -1, "1-"])
def test_a_wrong_time_is_refused(time):
    with pytest.raises(ValueError, match=r"time is .*: it must be a number of"):
        SlurmLauncher(time=time)


def test_options_are_long_options_of_sbatch():
    options = SlurmOptions(partition="gpu", gpus_per_node=2, time="1:00", exclusive=True, hold=False,
                           licenses=["a:1", "b"], qos=None)
    assert set(options.words()) == {
        "nodes=1", "partition=gpu", "gpus-per-node=2", "time=1:00", "exclusive", "licenses=a:1,b"
    }
    assert SlurmOptions(nodes=None).words() == ()
    with pytest.raises(ValueError, match="'a-b' is no option of sbatch"):
        SlurmOptions(**{"a-b": 1})


def test_merging_makes_another():
    one = SlurmOptions(partition="a", reservation="r")
    two = one.merge(partition=None, mem="4G", reservation="s")
    assert (one.partition, one.mem, one.more) == ("a", None, {"reservation": "r"})
    assert (two.partition, two.mem, two.more) == (None, "4G", {"reservation": "s"})
    assert one == SlurmOptions(partition="a", reservation="r") != two


def test_a_launcher_is_configured_from_another():
    class Mine(SlurmLauncher):
        pass

    one = Mine(options=SlurmOptions(nodes=2, time="1:00:00"), partition="a", priority=3)
    one.setenv("A", "1")
    two = one.config(gpu_per_node=1, time="2:00:00")  # as older programs have it
    two.setenv("A", "2")
    assert isinstance(two, Mine) and (two.priority, two.options.nodes, two.options.partition) == (3, 2, "a")
    assert (one.options.gpus_per_node, two.options.gpus_per_node) == (None, 1)
    assert (one.options.time, two.options.time) == ("1:00:00", "2:00:00")
    assert (one.environ, two.environ) == ({"A": "1"}, {"A": "2"})


@pytest.mark.parametrize("make", [SlurmLauncher, DirectLauncher])
def test_limits_are_above_0(make):
    with pytest.raises(ValueError, match="memory_limit is 0: it must be a number of bytes"):
        make(memory_limit=0)
    with pytest.raises(ValueError, match="time_limit is '1:00': it must be a number of seconds"):
        make(time_limit="1:00")
