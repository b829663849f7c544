"""Tokens, as Python sees them: making them, asking for some, and what is refused."""

import os
import subprocess
import sys

import pytest
from experimaestro import Config, Param, RunMode, Task, experiment
from experimaestro.connectors.local import LocalConnector
from experimaestro.tokens import CounterToken, ProcessCounterToken


class Model(Config):
    pass


class Learn(Task):
    seed: Param[int]

    def execute(self):
        pass


@pytest.fixture
def xp(tmp_path):
    with experiment(tmp_path / "workspace", "tokens", run_mode=RunMode.DRY_RUN) as xp:
        yield xp


@pytest.fixture
def connector(tmp_path):
    return LocalConnector(tmp_path / "machine")


def test_the_first_token_of_a_name_counts_in_a_process(connector):
    token = connector.createtoken("cpu", 3)
    assert connector.createtoken("cpu", 5) == token
    assert (token.name, token.total) == ("cpu", 3)
    assert token.path == connector.localpath / "tokens" / "cpu.counter"
    assert (token.path / "informations.json").read_text() == '{"total":3}'
    assert hash(token) == hash(connector.createtoken("cpu", 3))
    assert token != connector.createtoken("gpu", 3)
    assert isinstance(token, CounterToken)
    assert ProcessCounterToken is CounterToken


def test_the_total_that_another_process_gives_replaces_it(connector):
    token = connector.createtoken("cpu", 3)
    program = (
        "from pathlib import Path; import sys\n"
        "from experimaestro.connectors.local import LocalConnector\n"
        "print(LocalConnector(Path(sys.argv[1])).createtoken('cpu', 1).total)"
    )
    command = [sys.executable, "-c", program, str(connector.localpath)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "1\n"
    assert token.total == 1
    assert repr(token) == "<CounterToken cpu: 1>"


def test_a_dry_run_writes_no_token(xp):
    token = xp.token("cpu", 3)
    task = token(3, Learn(seed=1))
    assert task.submit() is task
    assert not os.path.exists(xp.workspace.path)


def test_asking_for_tokens_does_not_change_the_identifier(xp):
    plain, asking = Learn(seed=1), Learn(seed=1)
    token = xp.token("cpu", 3)
    assert token(2, asking) is asking
    assert asking.add_dependencies(token.dependency(1)) is asking
    assert asking.__xpm__.identifier == plain.__xpm__.identifier


@pytest.mark.parametrize("name", ["", "a/b", ".hidden"])
def test_a_token_s_name_is_one_component_of_a_path(xp, connector, name):
    for make in (xp.token, connector.createtoken):
        with pytest.raises(ValueError, match=f"one component of a path.*\"{name}\""):
            make(name, 1)


def test_a_total_is_not_below_0(xp):
    with pytest.raises(ValueError, match="token cpu: its total is -1"):
        xp.token("cpu", -1)


def test_more_than_the_total_is_refused_when_the_task_is_submitted(xp):
    task = xp.token("cpu", 3)(4, Learn(seed=1))
    with pytest.raises(ValueError, match="token cpu: 4 asked for by .*learn, and its total is 3"):
        task.submit()
    twice = xp.token("cpu", 3)(2, xp.token("cpu", 3)(2, Learn(seed=2)))
    with pytest.raises(ValueError, match="token cpu: 4 asked for"):
        twice.submit()


def test_less_than_1_is_refused(xp):
    for count in (0, -2):
        with pytest.raises(ValueError, match=f"token cpu: {count} asked for, and at least 1"):
            xp.token("cpu", 3)(count, Learn(seed=1))


def test_only_tasks_that_were_not_submitted_take_tokens(xp):
    token = xp.token("cpu", 3)
    with pytest.raises(ValueError, match="only a task takes tokens"):
        Model().add_dependencies(token.dependency(1))
    with pytest.raises(ValueError, match="cannot change"):
        token(1, Learn(seed=1).submit())
    with pytest.raises(ValueError, match="no token.dependency"):
        Learn(seed=2).add_dependencies(token)


def test_dependencies_are_copied_with_tokens(xp):
    token = xp.token("cpu", 1)
    first = token(1, Learn(seed=1))
    second = Learn(seed=2).copy_dependencies(first)
    with pytest.raises(ValueError, match="token cpu: 2 asked for"):
        token(1, second).submit()


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        LocalConnector(tmp_path / "file").createtoken("cpu", 1)


def test_counts_are_whole_numbers_and_come_first(xp):
    token = xp.token("whole", 2)
    with pytest.raises(TypeError, match="token whole: a task takes a whole number of it, and not '1'"):
        token.dependency("1")
    with pytest.raises(TypeError, match="token whole: a task takes a whole number of it, and not Learn"):
        token(Learn(seed=1), 1)
    with pytest.raises(TypeError, match="token other: its total is a whole number, and not '2'"):
        xp.token("other", "2")
