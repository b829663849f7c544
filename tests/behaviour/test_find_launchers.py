"""find-launchers: which launcher a requirement gets, with and without a file launchers.py."""

import json
import os
import sys

import pytest

FILE = """
import os
from experimaestro import DirectLauncher
from experimaestro.launcherfinder import CudaSpecification, HostSpecification

class Named(DirectLauncher):
    def __repr__(self):
        return "<the large one>"

def find_launcher(requirements, tags=set()):
    if requirements.match(HostSpecification(cuda=[CudaSpecification("24G")])):
        return Named() if requirements.cuda_gpus or "large" in tags else DirectLauncher()
"""


@pytest.fixture
def find(command, tmp_path):
    def find(spec, *options, **variables):
        environment = {**os.environ, "HOME": str(tmp_path), **variables}
        for name in ("XPM_CONFIG_DIR", "XDG_CONFIG_HOME"):
            environment.setdefault(name, "")
        return command("find-launchers", spec, "--python", sys.executable, *options, env=environment)

    return find


def test_without_a_file_it_is_this_machine(find):
    done = find("cuda(mem=32G)*2|cpu(cores=1)", CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "cuda(mem=32G) * 2\n  -> this machine, with less: 2 CUDA accelerators are asked for (32 GiB, "
        '32 GiB), and this machine has none, as CUDA_VISIBLE_DEVICES is ""\n'
        "cpu(cores=1)\n  -> this machine\n")


def test_a_file_is_asked_for_each_alternative(find, tmp_path):
    (tmp_path / "launchers.py").write_text(FILE)
    done = find("cuda(mem=32G) | cuda(mem=16G) | cpu()", "--config", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("cuda(mem=32G)\n  -> no launcher\n"
                           "cuda(mem=16G)\n  -> <the large one>\n"
                           "cpu()\n  -> DirectLauncher\n")
    done = find("cpu()", "--config", tmp_path, "--tags", "large,other")
    assert done.stdout == "cpu()\n  -> <the large one>\n"


def test_as_json_each_alternative_is_an_object(find, tmp_path):
    def told(*words):
        return [json.loads(line) for line in find(*words, "--json", CUDA_VISIBLE_DEVICES="").stdout.splitlines()]

    small, large = told("cpu(cores=1) | cuda(mem=32G)")
    assert small == {"requirement": "cpu(cores=1)", "launcher": "this machine", "lacks": None}
    assert large["launcher"] == "this machine" and "1 CUDA accelerator is asked for" in large["lacks"]
    (tmp_path / "launchers.py").write_text(FILE)
    assert told("cuda(mem=32G) | cpu()", "--config", tmp_path) == [
        {"requirement": "cuda(mem=32G)", "launcher": None, "lacks": None},
        {"requirement": "cpu()", "launcher": "DirectLauncher", "lacks": None}]


def test_loggers_of_the_file_write_what_the_command_line_says(command, tmp_path):
    (tmp_path / "launchers.py").write_text("import logging\nlogging.getLogger('mine').info('here I am')\n" + FILE)

    def told(*words):
        return command(*words, "find-launchers", "cpu()", "--config", tmp_path, "--python", sys.executable).stderr

    assert told() == told("--logging", "other=INFO") == ""
    assert "here I am" in told("--logging", "other=ERROR,mine=INFO")
    assert "here I am" in told("--debug")
    assert "did you mean INFO?" in told("--logging", "mine=INF")


@pytest.mark.parametrize("variable, place", [
    ("XPM_CONFIG_DIR", ""), ("XDG_CONFIG_HOME", "experimaestro"), ("HOME", ".config/experimaestro"),
])
def test_the_file_is_found_where_the_environment_says(find, tmp_path, monkeypatch, variable, place):
    monkeypatch.delenv("XPM_CONFIG_DIR")
    folder = tmp_path / "there" / place
    folder.mkdir(parents=True)
    (folder / "launchers.py").write_text(FILE)
    done = find("cpu()", **{variable: str(tmp_path / "there")})
    assert done.stdout == "cpu()\n  -> DirectLauncher\n", done.stderr


def test_when_no_alternative_gets_a_launcher_it_fails(find, tmp_path):
    (tmp_path / "launchers.py").write_text(FILE)
    done = find("cuda(mem=32G) | gpu() * 2", "--config", tmp_path)
    assert done.returncode == 1
    assert done.stdout == "cuda(mem=32G)\n  -> no launcher\ngpu() * 2\n  -> no launcher\n"
    assert done.stderr == f"experimaestro: {tmp_path}/launchers.py has no launcher for any of these\n"


def test_a_requirement_that_is_none_is_told_with_a_caret(find, tmp_path):
    (tmp_path / "launchers.py").write_text("not asked")
    done = find("cpu(cores=2) & cudda(mem=4G)", "--config", tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == (
        'experimaestro: "cudda" is not one of duration, cpu, cuda, gpu, mps and resource; did you mean '
        "cuda? in the requirement:\n"
        "  cpu(cores=2) & cudda(mem=4G)\n"
        "                 ^\n")


def test_an_interpreter_that_is_not_there_is_told(find, tmp_path):
    (tmp_path / "launchers.py").write_text(FILE)
    done = find("cpu()", "--config", tmp_path, "--python", tmp_path / "none")
    assert done.returncode == 1
    assert f"cannot start {tmp_path}/none: No such file" in done.stderr
