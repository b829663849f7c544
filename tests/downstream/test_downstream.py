"""Packages of configurations that others published, with this package in place of the original:
they are imported, and the configurations that they define are built, identified and saved."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import experimaestro

HERE = Path(__file__).parent
SOURCE = Path(os.environ.get("XPM_SOURCE", HERE.parents[1]))
SCRIPT = HERE / "configurations.py"
REQUIREMENTS = HERE / "requirements.txt"
FOLDER = SOURCE / "build"  # the environments are those of every build
ORIGINAL = SOURCE / "bench/.peers/original"
TIMEOUT = 300  # seconds

pytestmark = pytest.mark.xdist_group("downstream")  # each environment is made once

# Package -> how many classes of configurations it has at least: a package that lost some was not
# imported.
PACKAGES = {"datamaestro": 10, "datamaestro_text": 50}
if "SerializationLWTask" in experimaestro.__all__:  # which xpm-torch derives from
    PACKAGES["xpm_torch"] = 60


def packages_of(python):
    line = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([python, "-c", line], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def make(folder):
    """An environment with the packages, and without the original."""
    python = folder / "bin/python"
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    commands = [
        [sys.executable, "-m", "venv", "--clear", folder],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
         "-r", REQUIREMENTS],
    ]
    for command in commands:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT
        )
        if done.returncode != 0:
            pytest.skip(f"the packages cannot be installed: {done.stderr.strip()[-500:]}")
    place = Path(experimaestro.__path__[0]).parent
    (packages_of(python) / "experimaestro-build.pth").write_text(f"{place}\n")


@pytest.fixture(scope="session")
def python():
    """The interpreter of an environment with the packages, made once for each list of them."""
    folder = FOLDER / "downstream"
    mark = folder / "made-of"
    content = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if not mark.exists() or mark.read_text() != content:
        make(folder)
        mark.write_text(content)
    return folder / "bin/python"


@pytest.fixture(scope="session")
def original(python):
    """The interpreter of an environment with the packages and the original."""
    found = ORIGINAL / "bin/python"
    if not found.exists():
        pytest.skip("the original is not installed: make original")
    folder = FOLDER / "downstream-original"
    subprocess.run([found, "-m", "venv", "--clear", "--without-pip", folder], check=True)
    places = [packages_of(python), packages_of(found)]
    (packages_of(folder / "bin/python") / "places.pth").write_text(
        "".join(f"{place}\n" for place in places)
    )
    return folder / "bin/python"


def run(python, *arguments, given=None):
    done = subprocess.run(
        [python, SCRIPT, *arguments],
        input=None if given is None else json.dumps(given),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session", params=PACKAGES)
def built(python, request):
    return request.param, run(python, "build", request.param)


def test_the_configurations_of_a_package_are_built_and_identified(built):
    package, descriptions = built
    assert len(descriptions) >= PACKAGES[package]
    failed = [given for given in descriptions if "identifier" not in given]
    # What is abstract has no configurations, and so there may be no value to give; all else has.
    known = ("abstract class", "no example of")
    assert [given for given in failed if not any(why in given["error"] for why in known)] == []
    assert len(failed) < len(descriptions) / 4


def test_their_identifiers_are_those_of_the_original(built, original):
    _, descriptions = built
    theirs = run(original, "rebuild", given=descriptions)
    differing = [
        (ours["class"], ours, other)
        for ours, other in zip(descriptions, theirs, strict=True)
        if ours.get("identifier") != other.get("identifier")
    ]
    assert differing == []


@pytest.mark.skipif("save" not in experimaestro.__all__, reason="nothing is saved yet")
def test_they_are_saved_and_loaded(built, python, tmp_path):
    _, descriptions = built
    concrete = [given for given in descriptions if "identifier" in given]
    assert run(python, "save", str(tmp_path), given=concrete) == concrete
