"""The user's settings, and YAML as the engine reads it."""

import json
import math
import os
import sys
from pathlib import Path

import pytest

from experimaestro import _engine, experiment
from experimaestro.settings import (
    Settings,
    WorkspaceSettings,
    find_workspace,
    get_settings,
    get_workspace,
    read_yaml,
)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XPM_CONFIG_DIR", str(tmp_path))
    file = tmp_path / "settings.yaml"
    file.write_text(
        "env: {A: 1}\n"
        "history: {max_done: 4}\n"
        "workspaces:\n"
        "  - {id: far, path: ~/far, ssh: {host: there}}\n"
        "  - {id: one, path: /one, env: {B: 2, C: '${env:XPM_CONFIG_DIR}'}}\n"
        "  - {id: two, path: ~/two, triggers: 'digits-*', dirty_git: warn, history: {max_failed: 0}}\n"
    )
    return file


def test_a_workspace_is_found_in_the_settings(settings, tmp_path):
    assert get_settings().env == {"A": "1"}
    assert find_workspace().id == "one"
    assert find_workspace().env == {"B": "2", "C": str(tmp_path)}
    assert find_workspace(experiment_id="digits-3").path == Path.home() / "two"
    assert find_workspace(workspace="two").more == {
        "dirty_git": "warn",
        "history": {"max_done": 4, "max_failed": 0},
    }
    assert find_workspace(workdir="/one").id == "one"
    assert find_workspace(workdir="/other").path == Path("/other")
    assert find_workspace(workdir=Path("/other")).more == {"history": {"max_done": 4}}
    assert find_workspace(workspace="two", workdir="/other").path == Path("/other")
    with pytest.raises(ValueError, match="no workspace has the id three: the settings have far, one"):
        find_workspace(workspace="three")
    assert get_workspace("far") is None
    assert get_workspace("far", include_remote=True).path == Path("~/far")
    assert get_workspace("two").triggers == ["digits-*"]


def test_settings_that_are_none_name_their_file_and_line(settings):
    settings.write_text("workspaces:\n  - 5\n")
    with pytest.raises(ValueError, match=f"^{settings}:2: "):
        find_workspace()
    settings.write_text("wrkspaces: []\n")
    with pytest.raises(ValueError, match='unknown key "wrkspaces", did you mean "workspaces"'):
        get_settings()
    settings.unlink()
    with pytest.raises(ValueError, match="no workspace: name a folder"):
        find_workspace()
    assert get_settings(settings).workspaces == []


def test_another_file_may_be_read(settings, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("workspaces: [{id: there, path: /there}]")
    assert [found.id for found in get_settings(other).workspaces] == ["there"]
    assert [found.id for found in get_settings().workspaces] == ["far", "one", "two"]


def test_in_the_tests_of_a_program_the_users_file_is_not_read(settings, monkeypatch):
    monkeypatch.setattr(sys, "_called_from_test", True, raising=False)
    assert get_settings().workspaces == []
    assert find_workspace(workdir="/one").id == ""
    with pytest.raises(ValueError, match="no workspace"):
        find_workspace()
    assert len(get_settings(settings).workspaces) == 3


def test_settings_may_be_made_by_a_program():
    made = Settings(workspaces=[{"id": "a", "path": "/a", "env": {"N": 1}, "own": 2}], env={"M": 0.5})
    assert made.env == {"M": "0.5"}
    assert made.workspaces[0].env == {"N": "1"}
    assert made.workspaces[0].more == {"own": 2}


def test_an_experiment_runs_in_a_workspace_of_the_settings(tmp_path):
    with experiment(WorkspaceSettings("here", tmp_path), "steps") as xp:
        assert xp.workspace.path == tmp_path


PROGRAM = """
    import sys
    from experimaestro import Param, Task, experiment
    from experimaestro.settings import find_workspace

    class Show(Task):
        names: Param[list[str]]

        def execute(self):
            import os
            print([os.environ.get(name) for name in self.names])

    if __name__ == "__main__":
        place = find_workspace(experiment_id="digits-1") if sys.argv[1] == "found" else sys.argv[1]
        with experiment(place, "digits-1") as xp:
            Show(names=sys.argv[2:]).submit()
        print(xp.workspace.path)
"""


@pytest.mark.parametrize("way", ["found", "folder", "elsewhere"])
def test_the_environment_of_the_settings_reaches_a_job(program, way):
    folder = program.folder / "two"
    program.write("plan.py", PROGRAM)
    program.write(
        "config/settings.yaml",
        f"""
        env: {{XPM_A: yes, XPM_B: all}}
        workspaces:
          - {{id: one, path: {program.folder}/one}}
          - {{id: two, path: {folder}, triggers: ["digits-*"], env: {{XPM_B: own, XPM_C: 010}}}}
        """,
    )
    place = {"found": "found", "folder": folder, "elsewhere": program.folder / "three"}[way]
    env = {**os.environ, "XPM_CONFIG_DIR": str(program.folder / "config")}
    out = program.run("plan.py", place, "XPM_A", "XPM_B", "XPM_C", env=env)
    expected = program.folder / "three" if way == "elsewhere" else folder
    assert out == f"{expected}\n"
    (written,) = expected.glob("jobs/*/*/show.out")
    own = ["all", None] if way == "elsewhere" else ["own", "8"]
    assert written.read_text() == f"{['True', *own]}\n"


def test_a_search_path_of_the_settings_comes_after_that_of_the_program(program):
    program.write("plan.py", PROGRAM)
    program.write("config/settings.yaml", "env: {PYTHONPATH: /more}\n")
    env = {**os.environ, "XPM_CONFIG_DIR": str(program.folder / "config")}
    program.run("plan.py", program.workspace, "PYTHONPATH", env=env)
    written = program.one("jobs/*/*/show.out")
    assert written.startswith(f"['{program.folder}:") and written.endswith(":/more']\n")


# ---- YAML ----------------------------------------------------------------------------------------

TEXTS = """
    yes Yes YES yEs no No NO on On ON off OFF true True TRUE false n y Y ~ null Null NULL nUll
    0 -0 +0 1 -1 +12 010 -010 08 09 0_ 0_7 0o7 0x1F 0xff -0xA 0xg 0b101 0b2 0b1_0 1_000 1_ _1 1__2
    1:30 -1:30 +1:30 1:3 1:60 0:30 190:20:30 01:30 1:30.5 -1:30.5 00:30. 1:2:3.25 1_0:30
    1. 1.5 -1.5 +1.5 .5 -.5 +.5 ._5 1e5 1.0e5 1.0e+5 1.5E-3 1.e+2 1.5e+ 1.5e+x 1_0.2_5 1.2.3 . .. ...x
    .inf .Inf .INF -.inf +.inf .iNF .nan .NaN .NAN .Nan -.nan 1.0e+400 1.7976931348623157e+308 5.0e-324
    9223372036854775807 -9223372036854775808 a abc a:b 1a - -- --- <x a#b 0.1_ 1,5 1/2 +-1 e5 0x 0b inf nan
    12345678901234567. 1234567890123456.5 0.0001 0.00001 123456789.123
    """.split()


def same(ours, theirs):
    if isinstance(theirs, float) and math.isnan(theirs):
        return isinstance(ours, float) and math.isnan(ours)
    return type(ours) is type(theirs) and ours == theirs and str(ours) == str(theirs)


@pytest.fixture
def check(tmp_path):
    """Compares what a text holds with what PyYAML makes of it, which it returns."""
    yaml = pytest.importorskip("yaml")
    file = tmp_path / "file.yaml"

    def check(text):
        theirs = yaml.safe_load(text)
        file.write_text(text)
        ours = read_yaml(file)
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            assert same(ours[key], value), (text, ours[key], value)
        return theirs

    return check


@pytest.mark.parametrize("scalar", [scalar for scalar in TEXTS if scalar not in ("-", "---", "...x")])
def test_a_scalar_means_what_it_means_to_pyyaml(check, tmp_path, scalar):
    theirs = check(f"a: {scalar}\n")["a"]
    if theirs is not None:
        file = tmp_path / "settings.yaml"
        file.write_text(f"env:\n  A: {scalar}\n")
        assert get_settings(file).env["A"] == str(theirs)


def test_any_plain_scalar_means_what_it_means_to_pyyaml(check):
    hypothesis = pytest.importorskip("hypothesis")
    yaml = pytest.importorskip("yaml")
    from hypothesis import strategies

    pieces = strategies.sampled_from(
        "0 1 5 7 8 9 00 12 59 60 . : _ - + e E e+ e-5 x b 0x 0b .inf .nan .NaN yes No on NULL ~ a".split()
    )

    @hypothesis.settings(max_examples=2000, deadline=None,
                         suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
    @hypothesis.given(strategies.lists(pieces, min_size=1, max_size=7).map("".join))
    def compare(scalar):
        text = f"a: {scalar}\n"
        try:
            value = yaml.safe_load(text)["a"]
        except (ValueError, TypeError, KeyError, yaml.YAMLError):
            return  # no scalar, or one that PyYAML itself breaks on
        if isinstance(value, int) and abs(value) >= 2**63:
            return
        if isinstance(value, (str, int, float, type(None))):
            check(text)

    compare()


def test_what_pyyaml_writes_is_read_as_it_was(tmp_path):
    hypothesis = pytest.importorskip("hypothesis")
    yaml = pytest.importorskip("yaml")
    from hypothesis import strategies

    texts = strategies.text(strategies.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    numbers = strategies.integers(-(2**63), 2**63 - 1) | strategies.floats(allow_nan=False)
    values = strategies.recursive(
        texts | numbers | strategies.booleans() | strategies.none(),
        lambda inner: strategies.lists(inner) | strategies.dictionaries(texts, inner),
    )
    file = tmp_path / "file.yaml"

    @hypothesis.settings(max_examples=200, deadline=None)
    @hypothesis.given(values, strategies.booleans())
    def compare(value, flow):
        text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
        file.write_bytes(text.encode())
        assert read_yaml(file) == yaml.safe_load(text)

    compare()


def test_documents_hold_what_they_hold_for_pyyaml(tmp_path):
    yaml = pytest.importorskip("yaml")
    text = """\
base: &base {x: 1, y: [a, 'b c', "d\\te\\u00e9"]}
other: {<<: *base, y: 2}
more:
  <<: [*base, {z: 3}]
  list: &l [1, *base]
  again: *l
folded: >-
  one
  two

  three
literal: |+
  a
   b

plain: several words
  on two lines # and a comment
? long
: value
empty: {}
none: []
"""
    file = tmp_path / "file.yaml"
    file.write_text(text)
    assert read_yaml(file) == yaml.safe_load(text)


def test_a_file_that_is_not_there_or_no_yaml_is_an_error(tmp_path):
    with pytest.raises(OSError, match="none.yaml"):
        read_yaml(tmp_path / "none.yaml")
    file = tmp_path / "wrong.yaml"
    file.write_text("a: [1\n")
    with pytest.raises(ValueError, match=f"^{file}:1: "):
        read_yaml(file)
    assert json.loads(_engine.settings(str(Path("/dev/null")))) == {}
