"""Fixtures of the behaviour tests: a workspace, and real processes on it."""

import pytest
from harness import BUILD, Driver, run


@pytest.fixture
def driver(tmp_path):
    folder = tmp_path / "driver"
    folder.mkdir()
    return Driver(folder)


@pytest.fixture
def workspace(tmp_path):
    return tmp_path / "workspace"


@pytest.fixture
def command():
    """Runs `experimaestro ARGS...`."""
    return lambda *args, **more: run(BUILD / "experimaestro", *args, **more)


