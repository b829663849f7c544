"""Each file of a workspace is cut, and filled with noise, at each of its bytes. Readers never crash,
a job that is done stays done, and a run makes good what it needs."""

import json
import random
import shutil
import subprocess

import pytest
from faults import Graph, check_finished, view

LOST = "f" * 64  # the hash of a job that was killed, made of one that failed


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A graph of which one job is done, one has failed, one was not reached and one is lost."""
    graph = Graph(tmp_path_factory.mktemp("torn"), 3)
    (graph.witness / "1.fail").touch()
    assert graph.run().returncode == 1
    folders = graph.folders()
    done, failed = folders[0], folders[1]
    dead = subprocess.Popen(["true"])
    dead.wait()
    lost = failed.with_name(LOST)
    shutil.copytree(failed, lost)
    (lost / "witness.failed").unlink()
    (lost / "witness.pid").write_text(json.dumps({"type": "local", "pid": dead.pid, "start": 1}))
    status = lost / ".experimaestro/status.json"
    status.write_text(status.read_text().replace('"state":"error"', '"state":"running"'))
    graph.places = {"done": done, "failed": failed, "lost": lost}
    return graph


def states(graph):
    """What a reader is told, by the name of each job's folder in jobs/."""
    return {
        f"{job['task_id']}/{job['job_id']}": (job["state"], job["failure_reason"])
        for job in view(graph.workspace)
    }


def key(folder):
    return f"{folder.parent.name}/{folder.name}"


def spoilt(data):
    """The bytes, cut and filled in every way: the end gone, noise to the end, zeros to the end (as
    after a power failure), one byte another."""
    noise = random.Random(1)
    for at in range(len(data)):
        rest = len(data) - at
        yield data[:at]
        yield data[:at] + noise.randbytes(rest)
        yield data[:at] + bytes(rest)
        yield data[:at] + noise.randbytes(1) + data[at + 1 :]


@pytest.fixture
def spoil(ended):
    """Spoils a file in every way in turn, and puts it back at the end."""
    kept = {}

    def each(path):
        kept[path] = path.read_bytes()
        for data in spoilt(kept[path]):
            path.write_bytes(data)
            yield data

    yield each
    for path, data in kept.items():
        path.write_bytes(data)


@pytest.mark.parametrize("file", ["params.json", ".experimaestro/status.json", "witness.out"])
@pytest.mark.parametrize("which", ["done", "failed"])
def test_a_marker_stands_whatever_else_is_torn(ended, spoil, which, file):
    before = states(ended)
    for data in spoil(ended.places[which] / file):
        assert states(ended) == before, data


def test_a_torn_marker_of_failure_is_a_failure(ended, spoil):
    path = ended.places["failed"] / "witness.failed"
    before = states(ended)
    own = key(path.parent)
    del before[own]
    for data in spoil(path):
        now = states(ended)
        assert now.pop(own)[0] == "error", data
        assert now == before


@pytest.mark.parametrize("file", ["witness.pid", ".experimaestro/status.json"])
def test_a_lost_job_with_a_torn_file_is_never_done_nor_running(ended, spoil, file):
    before = states(ended)
    own = key(ended.places["lost"])
    assert before.pop(own) == ("error", "lost")
    for data in spoil(ended.places["lost"] / file):
        now = states(ended)
        assert now.pop(own) in {("error", "lost"), ("unscheduled", None)}, data
        assert now == before


@pytest.mark.parametrize("file", ["jobs.jsonl", "events/event-0.jsonl", "status.json", "objects.jsonl"])
def test_a_run_with_a_torn_file_changes_no_job(ended, spoil, file):
    before = states(ended)
    path = (ended.workspace / "experiments/witness/current").resolve() / file
    for data in spoil(path):
        now = states(ended)
        for place in ended.places.values():  # of the job that was not reached, the run alone knows
            assert now[key(place)] == before[key(place)], data


def test_a_line_that_is_torn_hides_no_other(ended):
    path = (ended.workspace / "experiments/witness/current").resolve() / "jobs.jsonl"
    whole = path.read_bytes()
    first, rest = whole.split(b"\n", 1)
    try:
        for fill in (b"\0", b"\xff", b"{", b'"'):
            path.write_bytes(fill * len(first) + b"\n" + rest)
            assert len(view(ended.workspace, "witness")) == 2, f"{fill!r} hides more than its line"
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("damage", ["empty", "half", "noise", "zeros"])
@pytest.mark.parametrize(
    "file",
    ["params.json", ".experimaestro/status.json", "witness.failed", "witness.pid", "jobs.jsonl",
     "events/event-0.jsonl", "status.json", "lock"],
)
def test_a_run_makes_good_what_is_torn_and_what_was_done_stays(tmp_path, file, damage):
    graph = Graph(tmp_path, 3)
    (graph.witness / "1.fail").touch()
    graph.run()
    run = (graph.workspace / "experiments/witness/current").resolve()
    folders = graph.folders()
    places = [folders[0], folders[1], run, run.parent]
    if file == "witness.pid":
        (folders[1] / file).write_text('{"type":"local","pid":1,"start":1}')
    spoilt_files = [place / file for place in places if (place / file).exists()]
    assert spoilt_files
    for path in spoilt_files:
        data = path.read_bytes()
        path.write_bytes({
            "empty": b"",
            "half": data[: len(data) // 2],
            "noise": random.Random(1).randbytes(len(data)),
            "zeros": bytes(len(data)),
        }[damage])
    (graph.witness / "1.fail").unlink()
    again = graph.run()
    assert again.returncode == 0 and "3 done, 0 failed; 2 started" in again.stdout, again.stderr
    assert [word for word, _ in graph.log(0)] == ["start", "end"]
    if file == "params.json":
        assert json.loads((folders[1] / file).read_text())["version"] == 3
