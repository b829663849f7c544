"""Fixtures of the behaviour tests: a workspace, and real processes on it."""

import os

import pytest
from harness import BUILD, Driver, Pipes, run


@pytest.fixture(scope="session", autouse=True)
def indexes(tmp_path_factory):
    """Where the indexes of workspaces are: not where those of the user are."""
    folder = tmp_path_factory.mktemp("indexes")
    os.environ["XPM_INDEX_DIR"] = str(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def config(tmp_path_factory):
    """The folder of the user's files: empty, and not that of who runs the tests."""
    os.environ["XPM_CONFIG_DIR"] = str(tmp_path_factory.mktemp("config"))


@pytest.fixture
def driver(tmp_path):
    folder = tmp_path / "driver"
    folder.mkdir()
    driver = Driver(folder)
    yield driver
    driver.close()


@pytest.fixture
def workspace(tmp_path):
    return tmp_path / "workspace"


@pytest.fixture
def pipes(tmp_path):
    folder = tmp_path / "pipes"
    folder.mkdir()
    return Pipes(folder)


@pytest.fixture
def command():
    """Runs `experimaestro ARGS...`."""
    return lambda *args, **more: run(BUILD / "experimaestro", *args, **more)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A workspace that the example in C made, to be read."""
    folder = tmp_path_factory.mktemp("made") / "workspace"
    result = run(BUILD / "examples/seed", "run", folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def no_wish(monkeypatch):
    """Each of these tests says itself what starts cold, also when all others are run cold."""
    monkeypatch.delenv("XPM_WARM", raising=False)
