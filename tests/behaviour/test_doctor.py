"""The doctor: each damage is made by hand in a small real workspace, found, told, and repaired."""

import fcntl
import json
import os
import select
import shutil
import signal
import stat
import subprocess
import time

import pytest
from harness import BUILD, TIMEOUT, run

SEED = BUILD / "examples/seed"
BROKEN_FS = BUILD / "tests/libbroken_fs.so"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "workspace"
    assert run(SEED, "run", folder).returncode == 0
    return folder


@pytest.fixture
def workspace(made, tmp_path):
    """A copy of a finished workspace of seven jobs, with the times of its files."""
    folder = tmp_path / "workspace"
    shutil.copytree(made, folder, symlinks=True)
    return folder


@pytest.fixture
def doctor(command, workspace):
    """Runs the doctor: its exit status, and what it finds, without what is no finding."""

    def call(*options, notes=False, **more):
        result = command("doctor", "--workdir", workspace, "--json", *options, **more)
        assert result.stderr == "" and result.returncode in (0, 1)
        told = [json.loads(line) for line in result.stdout.splitlines()]
        return result.returncode, [finding for finding in told if finding["note"] == notes]

    return call


def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def listing(workspace):
    """Everything that is there, with its times and contents; the workspace's own time apart, in which
    the doctor has had a folder of its own."""

    def describe(path):
        info = path.lstat()
        content = None
        if stat.S_ISREG(info.st_mode):
            content = path.read_bytes()
        elif stat.S_ISLNK(info.st_mode):
            content = os.readlink(path)
        return info.st_ino, info.st_mode, info.st_mtime_ns, info.st_size, content

    return {path: describe(path) for path in sorted(workspace.rglob("*"))}


def the_job(workspace):
    """The one that nothing depends on."""
    (folder, *_) = sorted(workspace.glob("jobs/seed.evaluate/*"))
    return folder


def the_run(workspace):
    return (workspace / "experiments/seed/current").resolve()


def edit(path, **values):
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, **values}))


# ---- Damages: each returns the kinds that are to be found ----------------------------------------


def two_ends(workspace):
    (the_job(workspace) / "evaluate.failed").write_text('{"code":1,"reason":"failed","message":null}')
    return ["two-ends"]


def broken_failure(workspace):
    job = the_job(workspace)
    (job / "evaluate.done").unlink()
    (job / "evaluate.failed").write_text('{"code":1,"reas')
    return ["failed-unreadable", "status-wrong"]


def lost(workspace):
    job = the_job(workspace)
    (job / "evaluate.done").unlink()
    (job / "evaluate.pid").write_text(json.dumps({"type": "local", "pid": dead_pid(), "start": 1}))
    edit(job / ".experimaestro/status.json", state="running")
    return ["lost"]


def lost_by_its_status(workspace):
    job = the_job(workspace)
    (job / "evaluate.done").unlink()
    edit(job / ".experimaestro/status.json", state="running")
    return ["lost"]


def without_marker(workspace):
    (the_job(workspace) / "evaluate.done").unlink()
    return ["unmarked"]


def without_marker_of_failure(workspace):
    wrong_status(workspace)
    return without_marker(workspace)


def torn_status(workspace):
    status = the_job(workspace) / ".experimaestro/status.json"
    status.write_text(status.read_text()[:40])
    return ["status-unreadable"]


def wrong_status(workspace):
    edit(the_job(workspace) / ".experimaestro/status.json", state="error", failure_reason="FAILED")
    return ["status-wrong"]


def left_pid(workspace):
    (the_job(workspace) / "evaluate.pid").write_text(json.dumps({"type": "local", "pid": dead_pid()}))
    return ["pid-left"]


def torn_pid(workspace):
    (the_job(workspace) / "evaluate.pid").write_text('{"type"')
    return ["pid-left"]


def left_lock(workspace):
    (the_job(workspace) / "evaluate.lock").touch()
    return ["lock-left"]


def left_temporaries(workspace):
    job = the_job(workspace)
    (job / f"params.json.{dead_pid()}-0.tmp").write_text("{")
    (job / f".experimaestro/status.json.{dead_pid()}-3.tmp").write_text("")
    (job / "evaluate.failed.tmp").write_text("{")
    return ["temporary"]


def left_temporary_of_a_run(workspace):
    (the_run(workspace) / f"status.json.{dead_pid()}-0.tmp").write_text("{")
    return ["temporary"]


def crashed(workspace):
    run = the_run(workspace)
    (run / "events/event-0.jsonl").rename(workspace / ".events/experiments/seed-0.jsonl")
    (run / "events").rmdir()
    edit(run / "status.json", status="running", ended_at=None, job_states={})
    return ["log-left", "run-crashed"]


def crashed_while_it_wrote(workspace):
    kinds = crashed(workspace)
    with open(workspace / ".events/experiments/seed-0.jsonl", "a") as log:
        log.write('{"timestamp": 17954')
    return sorted([*kinds, "line-torn"])


def broken_run(workspace):
    (the_run(workspace) / "status.json").write_text('{"version":')
    return ["run-unreadable"]


def dangling_current(workspace):
    link = workspace / "experiments/seed/current"
    link.unlink()
    link.symlink_to("20001231_235959")
    return ["current-dangling"]


def torn_list(workspace):
    with open(the_run(workspace) / "jobs.jsonl", "a") as log:
        log.write('{"job_id": "torn')
    return ["line-torn"]


def list_without_its_last_newline(workspace):
    log = the_run(workspace) / "jobs.jsonl"
    log.write_text(log.read_text().rstrip("\n"))
    return ["line-torn"]


def torn_removal(workspace):
    rest = workspace / "jobs/seed.evaluate" / f".{'e' * 64}.removed"
    (rest / ".experimaestro").mkdir(parents=True)
    (rest / "params.json").write_text("{}")
    return ["removed-left"]


def left_token(workspace):
    job = the_job(workspace)
    folder = workspace / "tokens/gpu.counter/jobs"
    folder.mkdir(parents=True)
    holder = folder / f"seed.evaluate@{job.name}.json"
    holder.write_text("{}")
    os.utime(holder, (0, 0))  # a process that 2.x starts lets the lock go: it is given 30 seconds
    return ["token-left"]


def dangling_link(workspace):
    link = workspace / "jobs/seed.renamed" / ("a" * 64)
    link.parent.mkdir()
    link.symlink_to("../seed.gone/" + "b" * 64)
    line = {"link": str(link.relative_to(workspace)), "target": os.readlink(link), "files": []}
    (workspace / ".deprecated.jsonl").write_text(json.dumps(line) + "\n")
    return ["link-dangling"]


# With how many jobs a new run starts after the repair: those without proof of their success.
REPAIRED = [
    (two_ends, 0),
    (broken_failure, 1),
    (lost, 1),
    (lost_by_its_status, 1),
    (without_marker, 1),
    (without_marker_of_failure, 1),
    (torn_status, 0),
    (wrong_status, 0),
    (left_pid, 0),
    (torn_pid, 0),
    (left_lock, 0),
    (left_temporaries, 0),
    (left_temporary_of_a_run, 0),
    (crashed, 0),
    (crashed_while_it_wrote, 0),
    (broken_run, 0),
    (dangling_current, 0),
    (torn_list, 0),
    (list_without_its_last_newline, 0),
    (torn_removal, 0),
    (left_token, 0),
    (dangling_link, 0),
]


def test_a_finished_workspace_is_healthy(doctor, workspace, command):
    before = listing(workspace)
    assert doctor() == doctor("--fix") == (0, [])
    assert listing(workspace) == before
    result = command("doctor", "--workdir", workspace)
    assert result.returncode == 0 and "7 jobs, 1 runs: healthy" in result.stdout


@pytest.mark.parametrize("damage, started", REPAIRED, ids=lambda value: getattr(value, "__name__", None))
def test_a_damage_is_found_then_repaired(doctor, workspace, damage, started):
    kinds = damage(workspace)
    before = listing(workspace)

    status, found = doctor()
    assert status == 1 and sorted(finding["kind"] for finding in found) == kinds
    assert all(finding["fix"] and finding["outcome"] is None for finding in found)
    assert all((workspace / finding["path"]).exists() or kinds[0].endswith("dangling") for finding in found)
    assert listing(workspace) == before  # nothing was done

    status, repaired = doctor("--fix")
    assert status == 0 and {finding["outcome"] for finding in repaired} == {"repaired"}
    assert [finding["what"] for finding in repaired] == [finding["what"] for finding in found]
    assert doctor() == (0, [])

    result = run(SEED, "run", workspace)
    assert f"7 jobs: 7 done, 0 failed; {started} started" in result.stdout, result.stderr
    assert doctor() == (0, [])


def test_all_damages_at_once_are_repaired_at_once(doctor, workspace):
    jobs = (workspace / "jobs/seed.modellearn").iterdir()
    for job in jobs:
        (job / "modellearn.failed").write_text("noise")
        (job / "modellearn.lock").touch()
        (job / "modellearn.pid").write_text("noise")
        (job / ".experimaestro/status.json").write_text("noise")
    crashed(workspace)
    left_token(workspace)
    status, found = doctor("--fix")
    assert status == 0 and len(found) == 3 * 4 + 2 + 1
    assert doctor() == (0, [])


# ---- What the repairs leave ----------------------------------------------------------------------


def test_a_job_that_was_lost_is_marked_so(doctor, workspace, command):
    lost(workspace)
    doctor("--fix")
    job = the_job(workspace)
    assert json.loads((job / "evaluate.failed").read_text())["reason"] == "lost"
    status = json.loads((job / ".experimaestro/status.json").read_text())
    assert (status["state"], status["failure_reason"], status["job_id"]) == ("error", "LOST", job.name)
    assert not (job / "evaluate.pid").exists()
    assert "(LOST)" in command("jobs", "list", "--workdir", workspace).stdout


def test_a_status_that_is_written_anew_tells_the_times(doctor, workspace):
    status = the_job(workspace) / ".experimaestro/status.json"
    before = json.loads(status.read_text())
    edit(status, state="running", ended_time=None, exit_code=None, host="afar", retry_count=2)
    doctor("--fix")
    after = json.loads(status.read_text())
    assert after["state"] == "done" and after["path"] == before["path"]
    assert after["started_time"] == before["started_time"]
    assert after["ended_time"][:17] == before["ended_time"][:17] and after["exit_code"] == 0
    assert (after["host"], after["retry_count"]) == ("afar", 2)  # what the markers do not say is kept


def test_a_status_that_cannot_be_read_is_made_from_the_markers(doctor, workspace):
    torn_status(workspace)
    doctor("--fix")
    job = the_job(workspace)
    status = json.loads((job / ".experimaestro/status.json").read_text())
    assert (status["state"], status["job_id"], status["task_id"]) == ("done", job.name, "seed.evaluate")
    assert status["path"] == str(job) and status["failure_reason"] is None


def test_a_crashed_run_has_failed_when_it_was_heard_of_last(doctor, workspace):
    crashed(workspace)
    lines = (workspace / ".events/experiments/seed-0.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])["timestamp"]
    doctor("--fix")
    run = the_run(workspace)
    status = json.loads((run / "status.json").read_text())
    assert status["status"] == "failed" and status["run_id"] == run.name
    ended = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(last))
    assert status["ended_at"].startswith(ended)
    assert (run / "events/event-0.jsonl").read_text().splitlines() == lines
    assert not list((workspace / ".events/experiments").iterdir())


def test_only_the_torn_line_is_cut_off(doctor, workspace):
    log = the_run(workspace) / "jobs.jsonl"
    whole = log.read_text()
    torn_list(workspace)
    doctor("--fix")
    assert log.read_text() == whole
    list_without_its_last_newline(workspace)
    doctor("--fix")
    assert log.read_text() == whole


# ---- What has no remedy --------------------------------------------------------------------------


def without_parameters(workspace):
    (the_job(workspace) / "params.json").unlink()
    return "params-missing"


def torn_parameters(workspace):
    params = the_job(workspace) / "params.json"
    params.write_text(params.read_text()[:-20])
    return "params-unreadable"


def other_identifier(workspace):
    job = the_job(workspace)
    job.rename(job.with_name("c" * 64))
    (workspace / "jobs/seed.evaluate" / job.name).symlink_to("c" * 64)
    return "identifier"


def noise_in_a_log(workspace):
    log = the_run(workspace) / "events/event-0.jsonl"
    first, *rest = log.read_text().splitlines(keepends=True)
    log.write_text(first + "\x00noise\n" + "".join(rest))
    return "lines-unreadable"


@pytest.mark.parametrize(
    "damage", [without_parameters, torn_parameters, other_identifier, noise_in_a_log]
)
def test_what_cannot_be_repaired_is_told_and_left(doctor, workspace, damage):
    kind = damage(workspace)
    before = listing(workspace)
    for options in ((), ("--fix",)):
        status, found = doctor(*options)
        assert status == 1 and [finding["kind"] for finding in found] == [kind]
        assert found[0]["fix"] is None and found[0]["outcome"] is None
    after = listing(workspace)
    assert {path: after[path][4] for path in after} == {path: before[path][4] for path in before}


# ---- What is good to know ------------------------------------------------------------------------


def test_a_job_that_no_run_lists_is_noted_with_its_size_and_left(doctor, workspace):
    job = workspace / "jobs/old.task" / ("d" * 64)
    job.mkdir(parents=True)
    (job / "data").write_bytes(b"x" * 1000)
    for options in ((), ("--fix",)):
        status, (note,) = doctor(*options, notes=True)
        assert (status, note["kind"], note["path"]) == (0, "orphan", f"jobs/old.task/{job.name}")
        assert "1000 bytes" in note["what"]
    assert (job / "data").exists()


def test_a_job_that_an_experiment_of_version_1_lists_is_nobodys_orphan(doctor, workspace):
    job = workspace / "jobs/old.task" / ("d" * 64)
    job.mkdir(parents=True)
    links = workspace / "xp/old/jobs/old.task"
    links.mkdir(parents=True)
    (links / job.name).symlink_to(job)
    assert doctor(notes=True) == (0, [])


def test_a_renamed_job_is_listed_by_either_name(doctor, workspace):
    job = the_job(workspace)
    link = workspace / "jobs/seed.renamed" / ("a" * 64)
    link.parent.mkdir()
    link.symlink_to(f"../seed.evaluate/{job.name}")
    (job / "renamed.done").symlink_to("evaluate.done")
    assert doctor(notes=True) == (0, [])


def test_results_that_were_removed_are_noted(doctor, workspace):
    job = the_job(workspace)
    shutil.rmtree(job)
    status, (note,) = doctor(notes=True)
    assert (status, note["kind"]) == (0, "gone") and job.name in note["what"]


# ---- What lives is left alone --------------------------------------------------------------------


def test_a_job_whose_lock_is_held_is_left_alone(doctor, workspace):
    lost(workspace)
    left_temporaries(workspace)
    with open(the_job(workspace) / "evaluate.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = listing(workspace)
        assert doctor("--fix") == (0, [])
        assert listing(workspace) == before
    assert doctor()[0] == 1


def test_a_job_that_ends_is_left_to_its_process(doctor, workspace):
    left_pid(workspace)
    with open(the_job(workspace) / "evaluate.done") as marker:  # the lock, renamed
        fcntl.flock(marker, fcntl.LOCK_EX)
        assert doctor("--fix") == (0, [])
    assert doctor()[0] == 1


def test_a_run_that_goes_on_is_left_alone(doctor, workspace):
    crashed_while_it_wrote(workspace)
    dangling_current(workspace)
    with open(workspace / "experiments/seed/lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = listing(workspace)
        assert doctor("--fix") == (0, [])
        assert listing(workspace) == before
    assert doctor()[0] == 1


def test_a_temporary_of_a_process_that_lives_is_left_alone(doctor, workspace):
    (the_job(workspace) / f"params.json.{os.getpid()}-0.tmp").write_text("{")
    (the_job(workspace) / f"mine.{dead_pid()}-0.tmp").write_text("the task's own")
    assert doctor("--fix") == (0, [])


def test_a_token_that_somebody_looks_at_is_left_and_said_to_be(doctor, workspace, command):
    left_token(workspace)
    with open(workspace / "tokens/gpu.counter/ipc.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, (finding,) = doctor("--fix")
        assert (status, finding["outcome"]) == (1, "left") and "ipc.lock" in finding["why"]
        result = command("doctor", "--fix", "--workdir", workspace)
        assert "left as it was: cannot lock" in result.stdout
    assert doctor("--fix")[0] == 0


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_token_of_a_job_that_runs_is_left_alone(doctor, workspace, tmp_path, elsewhere):
    left_token(workspace)
    job = the_job(workspace)
    if elsewhere:  # of another workspace, which shares the token
        job = shutil.copytree(job, tmp_path / "other" / "seed.evaluate" / "hash")
        (token,) = workspace.glob("tokens/*/jobs/*")
        token.write_text(json.dumps({"job_uri": str(job), "lock": "evaluate.lock"}))
    with open(job / "evaluate.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert doctor("--fix") == (0, [])
    assert "token-left" in [finding["kind"] for finding in doctor()[1]]


def test_a_token_of_a_process_of_2x_is_left_while_it_starts_and_lives(doctor, workspace):
    left_token(workspace)
    (token,) = workspace.glob("tokens/*/jobs/*")
    token.write_text("{}")  # just now
    assert doctor("--fix") == (0, [])
    token.write_text(json.dumps({"process": {"type": "local", "pid": os.getpid()}}))
    os.utime(token, (0, 0))
    assert doctor("--fix") == (0, [])
    token.write_text(json.dumps({"process": {"type": "local", "pid": dead_pid()}}))
    assert [finding["kind"] for finding in doctor("--fix")[1]] == ["token-left"]
    assert not token.exists()


TASK = """
    import sys
    from experimaestro import *

    class Hold(Task):
        pipes: Meta[Path]

        def execute(self):
            import os
            (self.pipes / "started").write_text(str(os.getpid()))
            (self.pipes / "end").read_text()

    if __name__ == "__main__":
        with experiment(sys.argv[1], "held") as xp:
            Hold(pipes=sys.argv[2]).submit()
        print(xp.counts["started"])
"""


def test_a_real_crash_is_found_and_repaired_and_life_is_left_alone(doctor, driver, workspace, tmp_path):
    pipes = tmp_path / "pipes"
    pipes.mkdir()
    os.mkfifo(pipes / "started")
    os.mkfifo(pipes / "end")
    script = driver.write(TASK)
    process = driver.start(script, workspace, pipes)
    job = os.pidfd_open(int((pipes / "started").read_text()))
    assert doctor() == doctor("--fix") == (0, [])  # it runs
    process.kill()
    process.communicate(timeout=TIMEOUT)
    assert [finding["kind"] for finding in doctor()[1]] == ["run-crashed", "log-left"]
    signal.pidfd_send_signal(job, signal.SIGKILL)
    assert select.select([job], [], [], TIMEOUT)[0]
    os.close(job)
    assert [finding["kind"] for finding in doctor()[1]] == ["lost", "run-crashed", "log-left"]
    assert doctor("--fix")[0] == 0 and doctor() == (0, [])

    process = driver.start(script, workspace, pipes)
    (pipes / "started").read_text()
    (pipes / "end").write_text("")
    out, err = process.communicate(timeout=TIMEOUT)
    assert out == "1\n", err
    assert doctor() == (0, [])


# ---- The file system -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken, kind, said",
    [
        ("no-locks", "locks", "flock(2) does not work here (No locks available)"),
        ("locks-for-all", "locks", "two processes get the same lock"),
        ("rename", "rename", "seen missing or torn"),
        ("append", "append", "torn or lost"),
        ("links", "links", "Operation not permitted"),
        ("inotify", "inotify", "raise fs.inotify.max_user_instances"),
        ("clock", "clock", "7.0 seconds ahead of this machine's"),
        ("space", "space", "0 MiB are free"),
        ("inodes", "space", "3 more files can be made"),
        ("read-only", "writable", "Read-only file system"),
    ],
)
def test_what_a_file_system_cannot_do_is_found(doctor, workspace, broken, kind, said):
    preloaded = ":".join(filter(None, [os.environ.get("LD_PRELOAD"), str(BROKEN_FS)]))
    env = {**os.environ, "LD_PRELOAD": preloaded, "BROKEN": broken}
    before = listing(workspace)
    status, found = doctor(env=env)
    assert status == 1 and kind in {finding["kind"] for finding in found}, found
    assert any(said in finding["what"] for finding in found), found
    assert listing(workspace) == before


def test_what_a_network_file_system_means_is_noted(doctor, workspace):
    preloaded = ":".join(filter(None, [os.environ.get("LD_PRELOAD"), str(BROKEN_FS)]))
    env = {**os.environ, "LD_PRELOAD": preloaded, "BROKEN": "network"}
    status, notes = doctor(env=env, notes=True)
    assert status == 0 and "NFS: a network file system: changes made on other hosts" in notes[0]["what"]


def test_a_doctor_that_is_killed_leaves_nothing(workspace):
    process = subprocess.Popen([BUILD / "experimaestro", "doctor", "--workdir", workspace], stdout=-3)
    while not (scratch := list(workspace.glob(".doctor-*"))) and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + TIMEOUT
    while any(folder.exists() for folder in scratch):
        assert time.monotonic() < deadline


# ---- What is printed -----------------------------------------------------------------------------


def test_it_tells_what_it_would_do_and_what_it_does(command, workspace):
    two_ends(workspace)
    job = the_job(workspace)
    path = f"jobs/seed.evaluate/{job.name}/evaluate.failed"
    told = command("doctor", "--workdir", workspace).stdout.splitlines()
    assert told[-3:] == [
        f"two-ends: {path}: the job is marked done, and failed as well",
        "    --fix would: remove this marker: a job that is done stays done",
        "7 jobs, 1 runs: 1 findings, of which --fix would repair 1",
    ]
    told = command("doctor", "--fix", "--workdir", workspace).stdout.splitlines()
    assert told[-3:] == [
        "    fix: remove this marker: a job that is done stays done",
        "    done",
        "7 jobs, 1 runs: 1 findings, 1 repaired, 0 remain",
    ]


def test_a_kind_of_which_there_are_many_is_counted(command, workspace):
    for number in range(50):
        (workspace / "jobs/old.task" / f"{number:064}").mkdir(parents=True)
    told = command("doctor", "--workdir", workspace).stdout.splitlines()
    assert sum(line.startswith("note: orphan: ") for line in told) == 20
    assert "orphan: and 30 more" in told and told[-1].endswith("healthy; 50 notes")


def test_a_wrong_command_line_and_no_workspace_are_errors(command, tmp_path):
    result = command("doctor", "--fixx")
    assert result.returncode == 2 and "did you mean --fix?" in result.stderr
    result = command("doctor", "--workdir", tmp_path)
    assert result.returncode == 1 and "is no workspace" in result.stderr
