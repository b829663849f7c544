"""The agent, by its streams: what it is told, what it says, and what is left when they end."""

import json
import os
import subprocess

import pytest
from harness import BUILD, TIMEOUT, await_file, job_folders


class Agent:
    def __init__(self, workspace, **environment):
        self.workspace = workspace
        environment = {**os.environ, **environment}
        self.process = subprocess.Popen([BUILD / "experimaestro", "agent"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=environment)
        self.greeting = self.answer()

    def tell(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def open(self, **more):
        order = {"do": "open", "version": 1, "workspace": str(self.workspace), "probe": "probe-0"}
        self.tell(**{**order, **more})
        return self.answer()

    def job(self, do, token="first", **more):
        self.tell(do=do, token=token, type="demo.learn", name="learn", **{"hash": "3f", **more})

    def start(self, commands, **more):
        self.job("start", argv=["/bin/sh", "-c", commands], params="{}\n", **more)

    def leave(self):
        """Its exit status, and its errors."""
        _, err = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, err


@pytest.fixture
def agent(workspace):
    agent = Agent(workspace, XPM_RESOURCES="licence=1")
    yield agent
    agent.process.kill()
    agent.process.communicate()


def test_it_greets_and_leaves_when_its_orders_end(agent):
    assert agent.greeting["is"] == "agent" and agent.greeting["version"] == 1
    assert agent.leave() == (0, "")


def test_it_refuses_what_another_version_says(agent):
    answer = agent.open(version=2)
    assert answer["is"] == "refused" and "version 1, and was told 2" in answer["message"]


@pytest.mark.parametrize("line", ["no json", "{}", '{"do": "adopt", "token": "t"}'])
def test_it_leaves_at_an_order_that_is_none(agent, line):
    agent.process.stdin.write(line + "\n")
    agent.process.stdin.flush()
    status, err = agent.leave()
    assert status == 1 and err.startswith("experimaestro: ")


def test_it_is_not_for_people():
    ours, theirs = os.openpty()
    done = subprocess.run([BUILD / "experimaestro", "agent"], stdin=theirs, capture_output=True,
                          text=True, timeout=TIMEOUT)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 1 and "for experiments of other hosts" in done.stderr


def test_it_starts_a_job_and_says_how_its_process_ended(agent, workspace):
    answer = agent.open()
    assert answer["is"] == "open" and answer["slots"] >= 1 and not answer["same"]
    agent.start('echo "$A $B"; echo no luck >&2; exit 3', variables=["A=b", "B=c d"], script="# x\n")
    assert agent.answer() == {"is": "began", "token": "first", "message": None}
    ended = agent.answer()
    assert (ended["is"], ended["known"], ended["exit"]) == ("ended", True, 3)
    assert "state" not in ended
    (folder,) = job_folders(workspace)
    assert (folder / "learn.out").read_text() == "b c d\n"
    assert (folder / "learn.err").read_text() == "no luck\n"
    assert (folder / "learn.py").read_text() == "# x\n"
    assert json.loads((folder / ".experimaestro/start.json").read_text()) == {"token": "first"}
    assert agent.leave() == (0, "")


def test_jobs_wait_for_what_they_need_of_the_machine(agent, tmp_path):
    os.mkfifo(tmp_path / "end")
    wait = f"read x <{tmp_path}/end"
    assert agent.open(slots=3)["slots"] == 3
    agent.start(wait, token="a", hash="a", requires="resource(licence)")
    assert agent.answer()["token"] == "a"
    agent.start("true", token="b", hash="b", requires="resource(licence)")
    agent.start("true", token="c", hash="c", requires="resource(licence)")
    agent.start("exit 4", token="d", hash="d")
    began, ended = agent.answer(), agent.answer()
    assert (began["is"], began["token"], ended["exit"]) == ("began", "d", 4)
    agent.tell(do="cancel", token="b")
    cancelled = agent.answer()
    assert (cancelled["is"], cancelled["token"]) == ("failed", "b")
    (tmp_path / "end").write_text("x\n")
    assert [agent.answer()["token"] for _ in range(3)] == ["a", "c", "c"]
    agent.start("true", token="e", hash="e", requires="resource(licence) * 2")
    assert "licence" in agent.answer()["message"]
    assert agent.leave() == (0, "")


def test_no_more_jobs_at_once_than_there_are_slots(agent, tmp_path):
    os.mkfifo(tmp_path / "end")
    agent.open(slots=1)
    agent.start(f"read x <{tmp_path}/end", token="a", hash="a")
    agent.start("true", token="b", hash="b")
    assert agent.answer()["token"] == "a"
    (tmp_path / "end").write_text("x\n")
    told = [agent.answer() for _ in range(3)]
    assert [answer["token"] for answer in told] == ["a", "b", "b"]


@pytest.fixture
def other(workspace):
    """Another agent, as the next connection starts it."""
    agent = Agent(workspace)
    yield agent
    agent.process.kill()
    agent.process.communicate()


def waits_for_its_turn(agent, workspace, tmp_path, commands):
    """One that was told to an agent while its only slot was taken: its folder. `end` frees the slot."""
    folder = workspace / "jobs/demo.learn/3f"
    (folder / ".experimaestro").mkdir(parents=True)
    os.mkfifo(tmp_path / "end")
    agent.open(slots=1)
    agent.start(f"read x <{tmp_path}/end", token="a", hash="a")
    assert agent.answer()["is"] == "began"
    agent.start(commands)
    await_file(folder / ".experimaestro/start.json", lambda text: '"waits":true' in text)
    return folder


@pytest.mark.parametrize("what", ["begun anew", "cancelled"])
def test_an_agent_that_nobody_talks_to_any_more_begins_nothing_that_another_has(
        agent, other, workspace, tmp_path, what):
    mark = "echo x >>runs; exit 7"
    folder = waits_for_its_turn(agent, workspace, tmp_path, mark)
    other.open(slots=1)
    if what == "cancelled":
        os.mkfifo(tmp_path / "other")
        other.start(f"read x <{tmp_path}/other", token="b", hash="b")
        assert other.answer()["is"] == "began"
        other.start(mark)
        other.job("cancel")
        assert other.answer()["is"] == "failed"
        (tmp_path / "other").write_text("x\n")
        assert other.answer()["is"] == "ended"
    else:
        for token in ("first", "second"):
            other.start(mark, token=token)
            assert [other.answer()["is"] for _ in range(2)] == ["began", "ended"]
    (tmp_path / "end").write_text("x\n")
    assert agent.answer()["is"] == "ended"
    assert agent.answer() == {"is": "gone", "token": "first", "message": None}
    assert (folder / "runs").exists() == (what == "begun anew")
    assert what == "cancelled" or (folder / "runs").read_text() == "x\nx\n"


def test_a_start_that_waits_is_begun_by_whichever_agent_can(agent, other, workspace, tmp_path):
    folder = waits_for_its_turn(agent, workspace, tmp_path, "echo x >>runs; exit 7")
    other.open(slots=1)
    other.job("adopt")
    assert other.answer()["is"] == "gone"
    (tmp_path / "end").write_text("x\n")
    assert [agent.answer()["token"] for _ in range(3)] == ["a", "first", "first"]
    assert (folder / "runs").read_text() == "x\n"


def test_a_job_that_runs_is_watched_whatever_the_machine_has_by_now(agent, other, tmp_path):
    os.mkfifo(tmp_path / "end")
    needs = {"requires": "resource(licence)"}
    agent.open()
    agent.start(f"read x <{tmp_path}/end; mv learn.lock learn.done", **needs)
    assert agent.answer()["is"] == "began"
    other.open()
    other.job("adopt", **needs)
    other.start("true", token="second", hash="4f", **needs)
    assert "licence" in other.answer()["message"]
    (tmp_path / "end").write_text("x\n")
    ended = other.answer()
    assert (ended["is"], ended["token"], ended["state"]) == ("ended", "first", "done")


def test_a_job_that_is_cancelled_while_another_process_has_its_lock_is_not_begun_after(
        agent, workspace):
    folder = workspace / "jobs/demo.learn/3f"
    folder.mkdir(parents=True)
    holder = subprocess.Popen(["flock", folder / "learn.lock", "sh", "-c", "echo; read x"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    agent.open()
    agent.start("echo x >runs")
    agent.job("cancel")
    agent.job("adopt", token="last", hash="4f")
    assert agent.answer()["token"] == "last"  # what came before was heard
    holder.communicate(b"\n", timeout=TIMEOUT)
    answer = agent.answer()
    assert (answer["is"], answer["token"]) == ("failed", "first")
    assert "cancelled" in answer["message"] and not (folder / "runs").exists()


def test_a_start_that_is_told_twice_is_one(agent, workspace):
    """By the marker of its end, by its process, or because it is told to the same agent."""
    agent.open()
    mark = "echo x >>runs; printf '{\"code\": 7}' >learn.failed; exit 7"
    agent.start(mark)
    agent.start(mark)
    assert agent.answer()["is"] == "began"
    assert agent.answer()["code"] == 7
    agent.start(mark)
    ended = agent.answer()
    assert (ended["is"], ended["known"], ended["code"]) == ("ended", False, 7)
    (folder,) = job_folders(workspace)
    assert (folder / "runs").read_text() == "x\n"
    agent.start(mark, token="second")
    assert [agent.answer()["is"], agent.answer()["is"]] == ["began", "ended"]
    assert (folder / "runs").read_text() == "x\nx\n"
    assert agent.leave() == (0, "")


def test_a_job_that_another_process_runs_is_waited_for(agent, workspace):
    folder = workspace / "jobs/demo.learn/3f"
    folder.mkdir(parents=True)
    holder = subprocess.Popen(
        ["flock", folder / "learn.lock", "sh", "-c", "echo; read x; mv learn.lock learn.done"],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    agent.open()
    agent.start("echo x >runs")
    agent.job("cancel", token="other")
    holder.communicate(b"\n", timeout=TIMEOUT)
    ended = agent.answer()
    assert (ended["is"], ended["state"]) == ("ended", "done")
    assert not (folder / "runs").exists()
    assert agent.leave() == (0, "")


def test_of_a_job_that_was_not_begun_it_knows_nothing(agent):
    agent.open()
    agent.job("adopt")
    assert agent.answer() == {"is": "gone", "token": "first", "message": None}
    assert agent.leave() == (0, "")


def test_a_program_that_is_not_there_is_told(agent):
    agent.open()
    agent.job("start", argv=["/no/program"], params="{}\n")
    answer = agent.answer()
    assert answer["is"] == "failed" and "/no/program" in answer["message"]


def test_a_workspace_is_the_same_where_its_probe_is(agent, workspace):
    (workspace / ".experimaestro").mkdir(parents=True)
    (workspace / ".experimaestro/probe-1").touch()
    assert agent.open(probe="probe-1")["same"]
