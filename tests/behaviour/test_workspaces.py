"""The settings of the user, for the command and for a program in C."""

import json
import os

import pytest
from harness import BUILD, job_folders, run


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of the user's files, with settings of two workspaces here and one elsewhere."""
    folder = tmp_path / "config" / "experimaestro"
    folder.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XPM_CONFIG_DIR", "XPM_WORKDIR"):
        monkeypatch.delenv(name, raising=False)
    (folder / "settings.yaml").write_text("""\
env: {PLAN_ALL: yes, PLAN_OWN: all}
workspaces:
  - {id: far, path: ~/far, ssh: {host: there}, triggers: ["*"]}
  - {id: one, path: ~/one}
  - id: two
    path: ${env:HOME}/two
    triggers: ["seed-*"]
    max_retries: 2
    history: {max_done: 1}
    env: {PLAN_OWN: 010}
""")
    return tmp_path


def plan(*words, status=0):
    result = run(BUILD / "tests/plan", "run", *words)
    assert result.returncode == status, result.stderr
    return result


def printed(workspace):
    folders = job_folders(workspace)
    assert len(folders) == 3
    return {(folder / "learn.out").read_text() for folder in folders}


def test_a_program_runs_in_the_workspace_of_the_settings_with_its_environment(home):
    assert f"results in {home}/one/experiments/plan/" in plan().stdout
    assert printed(home / "one") == {"True all\n"}
    plan("--experiment", "seed-1")
    assert printed(home / "two") == {"True 8\n"}
    assert "0 started" in plan("--workspace", "two").stdout


def test_a_folder_that_is_given_comes_before_triggers_and_after_an_id(home):
    plan(home / "other", "--experiment", "seed-1")
    assert printed(home / "other") == {"True all\n"}
    plan(home / "two", "--experiment", "other")
    assert printed(home / "two") == {"True 8\n"}
    plan(home / "third", "--workspace", "two")
    assert printed(home / "third") == {"True 8\n"}


def test_only_as_many_runs_are_kept_as_the_settings_say(home):
    for _ in range(2):
        plan("--workspace", "two")
    runs = [run for run in (home / "two/experiments/plan").iterdir() if run.name[0].isdigit()]
    assert len(runs) == 1


def test_a_workspace_that_cannot_be_is_told(home):
    assert "no workspace has the id three: the settings have far, one, two" in \
        plan("--workspace", "three", status=1).stderr
    assert "the workspace far is of another host" in plan("--workspace", "far", status=1).stderr
    (home / "config/experimaestro/settings.yaml").write_text("env:\n  A: 1\nworkspace: []\n")
    assert f'{home}/config/experimaestro/settings.yaml:3: unknown key "workspace", did you mean ' \
        '"workspaces"?' in plan(status=1).stderr
    (home / "config/experimaestro/settings.yaml").unlink()
    result = plan(status=2)
    assert f"no workspace: name a folder, or list workspaces in {home}/config" in result.stderr
    assert "usage: " in result.stderr


def test_commands_take_a_workspace_of_the_settings(command, home):
    plan("--workspace", "two")
    listed = command("jobs", "list", "--workdir", home / "two").stdout
    assert len(listed.splitlines()) == 3
    assert command("jobs", "list", "--workspace", "two").stdout == listed
    assert command("jobs", "list", "--workspace", "one", "--workdir", home / "two").stdout == listed
    name = listed.split()[1]
    assert command("jobs", "path", name, "--workspace=two").stdout.startswith(f"{home}/two/jobs/")
    for words in (["explain", name], ["experiments", "list"], ["jobs", "log", name], ["doctor"]):
        assert command(*words, "--workspace", "two").returncode == 0, words
    result = command("jobs", "list", "--workspace", "tow")
    assert (result.returncode, result.stdout) == (1, "")
    assert "no workspace has the id tow: the settings have far, one, two" in result.stderr
    assert "of another host" in command("jobs", "list", "--workspace", "far").stderr


def test_the_workspaces_are_listed(command, home):
    assert command("workspaces", "list").stdout == (
        f"far ~/far (of another host)\none {home}/one\ntwo {home}/two\n")
    assert command("workspaces", "list", "--verbose").stdout.endswith(
        f"two {home}/two\n    experiments seed-*\n    PLAN_OWN=8\n    max_retries 2\n"
        "    history of 1 done\n")
    lines = command("workspaces", "list", "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["far", "one", "two"]
    assert json.loads(lines[2]) == {
        "id": "two", "path": f"{home}/two", "remote": False, "triggers": ["seed-*"],
        "env": {"PLAN_OWN": "8"},
    }
    (home / "config/experimaestro/settings.yaml").write_text("env: [\n")
    result = command("workspaces", "list")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"experimaestro: {home}/config/experimaestro/settings.yaml:1: ")


def test_without_settings_there_are_no_workspaces(command, home):
    os.unlink(home / "config/experimaestro/settings.yaml")
    result = command("workspaces", "list")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
