"""Real disks: one that fills up, one that turns read-only, folders that are removed or moved under
what runs. These need to mount, so they are skipped where that is refused."""

import contextlib
import shutil

import pytest
from faults import Graph, check_files, check_finished
from harness import await_file, run


@contextlib.contextmanager
def mounted(*args):
    result = run("mount", *args)
    if result.returncode != 0:
        pytest.skip(f"cannot mount: {result.stderr.strip()}")
    try:
        yield
    finally:
        run("umount", "--lazy", args[-1])


@pytest.fixture
def small_disk(tmp_path):
    """A graph whose workspace is on a disk of 1 MiB; what grows it."""
    graph = Graph(tmp_path, 12)
    graph.workspace.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=1m", "none", graph.workspace):
        yield graph, lambda: run("mount", "-o", "remount,size=64m", graph.workspace)


def test_a_disk_that_fills_up_while_jobs_write_loses_no_job_that_was_done(small_disk):
    graph, grow = small_disk
    full = graph.run("--jobs", 2, WITNESS_BYTES="200000")
    assert full.returncode == 1, full.stdout
    done = graph.done()
    assert 1 <= len(done) < graph.jobs
    assert "No space left on device" in full.stderr and str(graph.workspace) in full.stderr
    check_files(graph.workspace)
    assert grow().returncode == 0
    again = graph.run(WITNESS_BYTES="200000")
    assert again.returncode == 0, again.stderr
    check_finished(graph)
    for job in done:
        assert [word for word, _ in graph.log(job)] == ["start", "end"]


def test_a_disk_with_no_room_at_all_is_an_error_that_names_the_workspace(small_disk):
    graph, grow = small_disk
    (graph.workspace / "filler").write_bytes(b"")
    with pytest.raises(OSError), open(graph.workspace / "filler", "wb", buffering=0) as filler:
        while filler.write(b"x" * 4096):
            pass
    full = graph.run()
    assert full.returncode == 1
    assert "No space left on device" in full.stderr and str(graph.workspace) in full.stderr
    assert grow().returncode == 0
    assert graph.run().returncode == 0
    check_finished(graph)


def test_a_workspace_that_turns_read_only_under_a_run_ends_it_and_the_next_goes_on(tmp_path):
    graph = Graph(tmp_path, 12)
    graph.make_hold(10)
    driver = graph.start("--jobs", 1)
    jobs = graph.workspace / "jobs"
    # What is open for writing keeps a whole disk from turning; folders found from now on do turn.
    with contextlib.ExitStack() as stack:
        with graph.held(10):
            stack.enter_context(mounted("--bind", jobs, jobs))
            assert run("mount", "-o", "remount,bind,ro", jobs).returncode == 0
            done = {job: graph.log(job) for job in graph.done()}
        result = graph.finish(driver)
        assert result.returncode == 1 and f"{len(done)} done, " in result.stdout
        assert "Read-only file system" in (graph.folders()[10] / "witness.err").read_text()
    assert 0 in done
    assert graph.run().returncode == 0
    check_finished(graph)
    assert all(graph.log(job) == said for job, said in done.items())


def test_a_read_only_workspace_is_an_error_that_names_it(tmp_path):
    graph = Graph(tmp_path, 2)
    graph.run()
    with mounted("--bind", graph.workspace, graph.workspace):
        assert run("mount", "-o", "remount,bind,ro", graph.workspace).returncode == 0
        result = graph.run()
    assert result.returncode == 1
    assert "Read-only file system" in result.stderr and str(graph.workspace) in result.stderr
    check_finished(graph)


def test_a_folder_deleted_under_its_job_fails_that_job_alone(tmp_path):
    graph = Graph(tmp_path, 12)
    graph.make_hold(10)
    driver = graph.start("--jobs", 3)
    with graph.held(10):
        shutil.rmtree(graph.folders()[10])
    result = graph.finish(driver)
    assert result.returncode == 1 and "11 done, 1 failed" in result.stdout
    assert graph.done() == set(range(12)) - {10}
    assert graph.run().returncode == 0
    check_finished(graph)
    assert all(len(graph.log(job)) == 2 for job in range(12) if job != 10)


def test_a_workspace_deleted_under_a_run_ends_it(tmp_path):
    graph = Graph(tmp_path, 3)
    graph.make_hold(0)
    driver = graph.start()
    with graph.held(0):
        # What a thread of the driver is writing would come back under the removal.
        run = (graph.workspace / "experiments/witness/current").resolve()
        await_file(run / "environment.json", lambda text: True)
        shutil.rmtree(graph.workspace)
    result = graph.finish(driver)
    assert result.returncode == 1 and str(graph.workspace) in result.stderr
    assert graph.run().returncode == 0
    check_finished(graph)


def test_a_workspace_moved_away_under_a_run_loses_nothing(tmp_path):
    graph = Graph(tmp_path, 12)
    graph.make_hold(10)
    driver = graph.start("--jobs", 1)
    away = tmp_path / "away"
    with graph.held(10):
        graph.workspace.rename(away)
    result = graph.finish(driver)
    assert result.returncode in (0, 1)
    if graph.workspace.exists():
        shutil.rmtree(graph.workspace)
    away.rename(graph.workspace)
    done = {job: graph.log(job) for job in graph.done()}
    assert 0 in done
    assert graph.run().returncode == 0
    check_finished(graph)
    assert all(graph.log(job) == said for job, said in done.items())
