"""Clusters of Slurm for tests: each is started when a test first asks for it, and ends with the tests."""

import signal

import pytest
from cluster import Cluster, lacks
from plans import HELD, Plan


HANG = 240  # seconds
CLUSTERS = {"_plain", "_accounting", "_two_nodes"}


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks by a hook of this name
def pytest_collection_modifyitems(items):
    """There is one of each cluster for each group of tests, however many processes run them. A test on one
    is tried twice before it fails: when Slurm does what it was told is not ours to say."""
    for item in items:
        for name in CLUSTERS.intersection(item.fixturenames):
            item.add_marker(pytest.mark.xdist_group(name))
            item.add_marker(pytest.mark.flaky(reruns=1))


def _cluster(tmp_path_factory, name, **options):
    reason = lacks(options.get("accounting", False))
    if reason:
        pytest.skip(reason)
    with Cluster(tmp_path_factory.mktemp(name), **options) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def _plain(tmp_path_factory):
    yield from _cluster(tmp_path_factory, "plain")


@pytest.fixture(scope="session")
def _accounting(tmp_path_factory):
    yield from _cluster(tmp_path_factory, "accounting", accounting=True)


@pytest.fixture(scope="session")
def _two_nodes(tmp_path_factory):
    yield from _cluster(tmp_path_factory, "two", nodes=2, cpus=2, settings="MaxArraySize=4\n")


@pytest.fixture(scope="session")
def _urgent(tmp_path_factory):
    settings = """\
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
PartitionName=urgent Nodes=ALL PriorityTier=100
"""
    yield from _cluster(tmp_path_factory, "urgent", cpus=1, settings=settings)


def _for_one_test(cluster, monkeypatch):
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    yield cluster
    cluster.empty()


@pytest.fixture
def slurm(_plain, monkeypatch):
    """A cluster of one node, without accounting; this process's environment leads to it."""
    yield from _for_one_test(_plain, monkeypatch)


@pytest.fixture
def slurm_accounting(_accounting, monkeypatch):
    """The same, with accounting, which also ends jobs that exceed their memory."""
    yield from _for_one_test(_accounting, monkeypatch)


@pytest.fixture
def slurm_nodes(_two_nodes, monkeypatch):
    """A cluster of two nodes, of two processors each, where an array has four elements at most."""
    yield from _for_one_test(_two_nodes, monkeypatch)


@pytest.fixture
def slurm_urgent(_urgent, monkeypatch):
    """A cluster of one processor, where jobs of the partition "urgent" end others to have their place."""
    yield from _for_one_test(_urgent, monkeypatch)


@pytest.fixture(autouse=True)
def no_hang():
    """A test that waits for ever for a job has failed."""

    def fail(*_):
        pytest.fail(f"not over after {HANG} seconds")

    signal.signal(signal.SIGALRM, fail)
    signal.alarm(HANG)
    yield
    signal.alarm(0)


@pytest.fixture
def plan(driver, workspace):
    return Plan(driver, workspace)


@pytest.fixture
def held(driver, workspace):
    """A Plan of tasks that say that they run, and end when they are told to, by `pipes`."""
    return Plan(driver, workspace, HELD)
