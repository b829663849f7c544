"""The agent, by its streams: what it is told, what it says, and what is left when they end."""

import json
import os
import subprocess

import pytest
from harness import BUILD, TIMEOUT, job_folders


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
