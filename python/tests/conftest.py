"""Helpers of the package's tests: programs that are run as users run them."""

import os
import subprocess
import sys
import textwrap

import pytest


@pytest.fixture(scope="session", autouse=True)
def indexes(tmp_path_factory):
    """Where the indexes of workspaces are: not where those of the user are."""
    os.environ["XPM_INDEX_DIR"] = str(tmp_path_factory.mktemp("indexes"))


@pytest.fixture(scope="session", autouse=True)
def config(tmp_path_factory):
    """The folder of the user's files: empty, and not that of who runs the tests."""
    os.environ["XPM_CONFIG_DIR"] = str(tmp_path_factory.mktemp("config"))


class Program:
    """A folder with a user's files."""

    def __init__(self, folder):
        self.folder = folder
        self.workspace = folder / "workspace"

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def run(self, *arguments, status=0, **options):
        """Runs Python there; its standard output."""
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            **options,
        )
        assert done.returncode == status, done.stdout + done.stderr
        self.errors = done.stderr
        return done.stdout

    def one(self, pattern):
        """The text of the only file of the workspace that the pattern matches."""
        (path,) = self.workspace.glob(pattern)
        return path.read_text()


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)
