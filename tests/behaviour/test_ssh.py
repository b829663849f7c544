"""Jobs of another host, over ssh: a real sshd, a real connection, real jobs."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest
from harness import BUILD, TIMEOUT, await_file, job_folders, run, wait_for_end
from sshd import SSHD, Host, can_have_its_own_folders

pytestmark = [
    pytest.mark.skipif(SSHD is None, reason="sshd (openssh-server) is not installed"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]
needs_namespaces = pytest.mark.skipif(
    not can_have_its_own_folders(), reason="no mount namespace: a host of its own takes root")


@pytest.fixture
def sockets():
    """A folder for the sockets of shared connections, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="xpm-") as folder:
        yield folder


@pytest.fixture
def there(tmp_path, workspace):
    """A host with a file system of its own, as far as the workspace goes."""
    host = Host(tmp_path / "host", workspace)
    host.start()
    yield host
    host.stop()


@pytest.fixture
def beside(tmp_path):
    """A host that shares the workspace."""
    host = Host(tmp_path / "host")
    host.start()
    yield host
    host.stop()


class Remote:
    """The native program, whose tasks run on a host."""

    def __init__(self, workspace, pipes, sockets):
        self.workspace = workspace
        self.pipes = pipes
        self.sockets = sockets

    def start(self, host, *names, new=True, experiment="remote", **more):
        """Its process, once those that wait for pipes were made able to."""
        for name in names if new else ():
            self.pipes.make(name)
        environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": self.sockets,
            "REMOTE_HOST": "there",
            "REMOTE_OPTIONS": "\n".join(host.options),
            "REMOTE_COMMAND": str(BUILD / "experimaestro"),
            "REMOTE_NAMES": " ".join(names),
            "REMOTE_PIPES": str(self.pipes.folder),
            **{f"REMOTE_{name.upper()}": str(value) for name, value in more.items()},
        }
        return subprocess.Popen([BUILD / "tests/remote", "run", self.workspace,
                                 "--experiment", experiment],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                errors="surrogateescape", env=environment)

    def shared_connection(self, host):
        """The process of the connection that all go through."""
        path = f"ControlPath={self.sockets}/experimaestro/%C"
        answer = run("ssh", *host.options, "-o", path, "-O", "check", "there").stderr
        return int(answer.split("pid=")[1].split(")")[0])

    def runs(self, name):
        """How often it ran."""
        log = self.pipes.folder / f"{name}.log"
        return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def remote(workspace, pipes, sockets):
    return Remote(workspace, pipes, sockets)


def finish(process):
    """What it printed, and its exit status."""
    out, err = process.communicate(timeout=TIMEOUT)
    return out, err, process.returncode


def succeeds(process):
    out, err, status = finish(process)
    assert status == 0, err
    return out, err


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


def one(folder, task="remote.hold"):
    (job,) = job_folders(folder, task)
    return job


@needs_namespaces
def test_a_job_runs_there_and_is_done_here(remote, there, workspace, command):
    process = remote.start(there, "a", after="b")
    remote.pipes.pid("a")
    assert json.loads((one(workspace) / "hold.pid").read_text())["pid"] == "there"
    remote.pipes.end("a")
    out, _ = succeeds(process)
    assert "2 jobs: 2 done, 0 failed; 2 started" in out
    here, far = one(workspace), one(there.there)
    assert sorted(path.name for path in here.iterdir()) == [
        ".experimaestro", "hold.done", "params.json"]
    status = json.loads((here / ".experimaestro/status.json").read_text())
    assert status["state"] == "done" and status["path"] == str(here)
    log = command("jobs", "log", "--workdir", workspace, far.name)
    assert log.returncode == 1
    assert f"it ran on far, and what it wrote is there, in {here}" in log.stderr
    assert (far / "result").read_text() == "a of a host's word"
    read = one(there.there, "remote.after") / "result"
    assert read.read_text() == "a of a host's word of a host's word"


def test_a_workspace_that_both_share_is_seen_as_one(remote, beside, workspace):
    process = remote.start(beside, "a")
    remote.pipes.pid("a")
    assert json.loads((one(workspace) / "hold.pid").read_text())["type"] == "local"
    remote.pipes.end("a")
    succeeds(process)
    folder = one(workspace)
    assert (folder / "hold.done").exists() and not (folder / "hold.pid").exists()
    assert (folder / "result").read_text() == "a of a host's word"
    assert remote.runs("a") == 1


@pytest.mark.parametrize("name", ["with space", "quo'te\"s", "new\nline", "$HOME `id`; %h", "back\\slash",
                                  os.fsdecode(b"caf\xe9")])
def test_a_workspace_may_have_any_name(beside, pipes, sockets, tmp_path, name):
    remote = Remote(tmp_path / name, pipes, sockets)
    process = remote.start(beside, "a", after="b")
    remote.pipes.pid("a")
    remote.pipes.end("a")
    succeeds(process)
    assert (one(remote.workspace) / "result").read_text() == "a of a host's word"


def test_a_command_is_wrapped_by_a_program_of_the_host(remote, beside, workspace):
    process = remote.start(beside, "a", wrapper="env")
    remote.pipes.pid("a")
    remote.pipes.end("a")
    succeeds(process)
    assert (one(workspace) / "result").read_text() == "a of a host's word, wrapped"


@needs_namespaces
def test_a_failure_there_is_shown_here(remote, there, workspace):
    _, err, status = finish(remote.start(there, "bad", new=False))
    assert status == 1 and "told to fail" in err
    failed = json.loads((one(workspace) / "hold.failed").read_text())
    assert failed["code"] == 3 and failed["reason"] == "failed"
    assert json.loads((one(there.there) / "hold.failed").read_text()) == failed


@needs_namespaces
def test_what_kills_a_job_there_is_told_here(remote, there, workspace):
    process = remote.start(there, "a")
    os.kill(remote.pipes.pid("a"), signal.SIGKILL)
    _, _, status = finish(process)
    assert status == 1
    assert "killed by signal 9" in json.loads((one(workspace) / "hold.failed").read_text())["message"]
    again = remote.start(there, "a", new=False)
    remote.pipes.pid("a")
    remote.pipes.end("a")
    succeeds(again)
    assert remote.runs("a") == 2


@needs_namespaces
def test_a_job_there_is_cancelled(remote, there, workspace):
    process = remote.start(there, "a")
    pid = remote.pipes.pid("a")
    process.send_signal(signal.SIGINT)
    assert "Ctrl-C again" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert "cancelled 1 job" in process.stderr.readline()
    finish(process)
    wait_for_end(pid)
    assert json.loads((one(workspace) / "hold.failed").read_text())["reason"] == "cancelled"


@needs_namespaces
def test_no_more_jobs_at_once_than_it_has_slots(remote, there, workspace):
    process = remote.start(there, "a", "b", slots=1)
    remote.pipes.pid("a")
    remote.pipes.end("a")
    remote.pipes.pid("b")
    remote.pipes.end("b")
    succeeds(process)
    times = []
    for folder in job_folders(workspace):
        status = json.loads((folder / ".experimaestro/status.json").read_text())
        times += [(status["started_time"], status["ended_time"])]
    first, second = sorted(times)
    assert first[1] <= second[0]


# ---- In Python -----------------------------------------------------------------------------------

PLAN = """
    import os, sys
    from experimaestro import *
    from experimaestro.connectors.ssh import SshConnector

    class Show(Task):
        x: Param[int]
        seen: Annotated[Path, pathgenerator("seen")]

        def execute(self):
            self.seen.write_text(f"{self.x} {os.environ['WORD']} {os.environ['SSH_CONNECTION'][:9]}")
            if self.x < 0:
                raise ValueError("below 0")

    class Total(Task):
        parts: Param[list[Show]]
        total: Annotated[Path, pathgenerator("total")]

        def execute(self):
            self.total.write_text(" | ".join(part.seen.read_text() for part in self.parts))

    if __name__ == "__main__":
        workspace, command, python, *options = sys.argv[1:]
        far = DirectLauncher(SshConnector("there", command=command, python=python, options=options))
        far.setenv("WORD", "there")
        with experiment(workspace, "far") as xp:
            parts = [Show(x=x).submit(launcher=far) for x in (1, 2)]
            Total(parts=parts).submit(launcher=far)
            bad = Show(x=-1).submit(launcher=far)
            xp.wait()
            print(bad.__xpm__.job.state)
        raise SystemExit(sum(xp.counts[name] for name in ("done", "failed")) != 4)
"""


@needs_namespaces
def test_python_tasks_run_there(driver, there, workspace, sockets, tmp_path):
    # sshd passes none of its variables on, not what a sanitized library needs either.
    names = {"LD_PRELOAD", "PYTHONMALLOC", "PYTHONPATH", "ASAN_OPTIONS"} & os.environ.keys()
    command = shlex.join(["env", *(f"{name}={os.environ[name]}" for name in names), sys.executable])
    python = script(tmp_path / "python", f"#!/bin/sh\nexec {command} \"$@\"\n")
    plan = driver.write(PLAN)
    done = driver.run(plan, workspace, BUILD / "experimaestro", python, *there.options, check=False,
                      env={"XDG_RUNTIME_DIR": sockets})
    assert "below 0" in done.stderr
    total = one(there.there, "__main__.total") / "total"
    assert total.read_text() == "1 there 127.0.0.1 | 2 there 127.0.0.1"
    ends = [sorted(path.suffix for path in folder.glob("*.[df]*")) for folder in job_folders(workspace)]
    assert sorted(ends) == [[".done"], [".done"], [".done"], [".failed"]]
    (failed,) = workspace.glob("jobs/*/*/*.failed")
    assert "below 0" in failed.with_suffix(".err").read_text()
    params = json.loads((one(workspace, "__main__.total") / "params.json").read_text())
    assert params["objects"][-1]["program"] == str(python)


# ---- What breaks ---------------------------------------------------------------------------------


@needs_namespaces
@pytest.mark.parametrize("what", ["the server", "the shared connection"])
def test_a_job_outlives_its_connection(remote, there, what):
    process = remote.start(there, "a")
    remote.pipes.pid("a")
    if what == "the server":
        there.break_connections()
    else:
        os.kill(remote.shared_connection(there), signal.SIGKILL)
    assert "there cannot be reached" in process.stderr.readline()
    assert "there is reached again" in process.stderr.readline()
    remote.pipes.end("a")
    out, _ = succeeds(process)
    assert "1 started" in out and remote.runs("a") == 1


@needs_namespaces
def test_a_job_that_ends_while_its_host_is_out_of_reach_is_not_lost(remote, there, workspace):
    process = remote.start(there, "a", patience=1)
    pid = remote.pipes.pid("a")
    there.stop()
    assert "there cannot be reached" in process.stderr.readline()
    remote.pipes.end("a")
    wait_for_end(pid)
    assert not (one(workspace) / "hold.done").exists()
    there.start()
    succeeds(process)
    assert (one(workspace) / "hold.done").exists() and remote.runs("a") == 1


@needs_namespaces
def test_a_job_that_is_killed_while_its_host_is_out_of_reach_is_lost(remote, there, workspace):
    process = remote.start(there, "a")
    pid = remote.pipes.pid("a")
    there.stop()
    assert "there cannot be reached" in process.stderr.readline()
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    there.start()
    assert finish(process)[2] == 1
    assert json.loads((one(workspace) / "hold.failed").read_text())["reason"] == "lost"
    assert remote.runs("a") == 1


@needs_namespaces
def test_two_programs_that_want_the_same_job_share_its_run_and_a_connection(remote, there):
    first = remote.start(there, "a", experiment="one")
    remote.pipes.pid("a")
    second = remote.start(there, "a", new=False, experiment="two")
    events = remote.workspace / ".events/experiments/two-0.jsonl"
    await_file(events, lambda text: "running" in text.lower())
    remote.pipes.end("a")
    assert "1 started" in succeeds(first)[0] and "0 started" in succeeds(second)[0]
    assert remote.runs("a") == 1 and len(there.connections()) == 1


@needs_namespaces
@pytest.mark.parametrize("when", ["while it runs", "when it has ended"])
def test_a_killed_driver_is_followed_by_one_that_takes_the_job_over(remote, there, workspace, when):
    first = remote.start(there, "a")
    pid = remote.pipes.pid("a")
    first.kill()
    first.communicate(timeout=TIMEOUT)
    if when == "when it has ended":
        remote.pipes.end("a")
        wait_for_end(pid)
    second = remote.start(there, "a", new=False)
    if when == "while it runs":
        remote.pipes.end("a")
    out, _ = succeeds(second)
    assert "1 done, 0 failed; 0 started" in out and remote.runs("a") == 1
    assert (one(workspace) / "hold.done").exists()


@needs_namespaces
def test_a_job_that_was_never_begun_there_is_started(remote, there, workspace):
    """The driver was killed after it had written that the host has the job."""
    first = remote.start(there, "a")
    pid = remote.pipes.pid("a")
    first.kill()
    first.communicate(timeout=TIMEOUT)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    shutil.rmtree(one(there.there))
    second = remote.start(there, "a", new=False)
    remote.pipes.pid("a")
    remote.pipes.end("a")
    out, _ = succeeds(second)
    assert "1 started" in out and remote.runs("a") == 2


def test_a_job_is_cancelled_before_its_host_was_reached(remote, beside, workspace):
    beside.stop()
    process = remote.start(beside, "a")
    assert "there cannot be reached" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert "Ctrl-C again" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert "cancelled 1 job" in process.stderr.readline()
    finish(process)
    assert json.loads((one(workspace) / "hold.failed").read_text())["reason"] == "cancelled"
    assert remote.runs("a") == 0


def test_what_the_users_configuration_has_for_a_terminal_is_not_meant(remote, beside):
    with (beside.folder / "ssh_config").open("a") as config:
        config.write("RemoteCommand exec tmux\nRequestTTY yes\n")
    process = remote.start(beside, "a", patience=1)
    remote.pipes.pid("a")
    remote.pipes.end("a")
    succeeds(process)


# ---- What is wrong -------------------------------------------------------------------------------


def refused(process):
    """What is said of a job that could not be started."""
    _, err, status = finish(process)
    assert status == 1
    return err


def test_another_version_is_told_apart(remote, beside, tmp_path):
    other = script(tmp_path / "experimaestro", """#!/bin/sh
        echo '{"is": "agent", "version": 99, "release": "9.0"}'
        cat >/dev/null
    """)
    err = refused(remote.start(beside, "a", command=other))
    assert "there has experimaestro 9.0, whose agent speaks version 99" in err
    assert "install the same on both" in err


def test_a_command_that_is_not_there(remote, beside):
    err = refused(remote.start(beside, "a", command="~/no/it's not"))
    assert "the command ~/no/it's not cannot be run there" in err and "No such file" in err


def test_a_key_that_is_refused(remote, beside):
    beside.authorized.write_text("")
    err = refused(remote.start(beside, "a"))
    assert "ssh may not log in there" in err and "Permission denied" in err


def test_a_host_whose_key_is_not_known(remote, beside):
    (beside.folder / "known_hosts").write_text("")
    err = refused(remote.start(beside, "a"))
    assert "does not know the key of that host" in err


def test_a_host_that_is_out_of_reach(remote, beside):
    beside.stop()
    err = refused(remote.start(beside, "a", "b", patience=1))
    assert "there cannot be reached: " in err and "Connection refused" in err


def test_no_ssh(remote, beside):
    err = refused(remote.start(beside, "a", ssh="/no/ssh"))
    assert "need the program ssh" in err


@needs_namespaces
def test_a_workspace_that_cannot_be_written_there(remote, tmp_path, workspace):
    host = Host(tmp_path / "host", workspace, writable=False)
    host.start()
    err = refused(remote.start(host, "a"))
    host.stop()
    assert "there cannot have the workspace there" in err and "Read-only file system" in err


@needs_namespaces
def test_what_a_job_depends_on_must_be_there(remote, there):
    process = remote.start(there, "a")
    remote.pipes.pid("a")
    remote.pipes.end("a")
    succeeds(process)
    shutil.rmtree(one(there.there))
    err = refused(remote.start(there, "a", new=False, after="b"))
    assert "it depends on a job that is not done there" in err


def test_what_login_scripts_print_is_no_answer(remote, beside, workspace):
    key = (beside.folder / "user_key.pub").read_text()
    beside.authorized.write_text(
        r'command="echo Welcome; echo {}; eval \"$SSH_ORIGINAL_COMMAND\"" ' + key)
    process = remote.start(beside, "a")
    remote.pipes.pid("a")
    remote.pipes.end("a")
    succeeds(process)
    assert (one(workspace) / "hold.done").exists()
