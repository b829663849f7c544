"""What an experiment tells while it runs: tasks that have completed, states for listeners, outputs
that tasks announce; and that it looks at nothing while nothing happens."""

import json
import os
import select
import signal
import subprocess
import sys
import threading

import pytest

from experimaestro import Config, Param, ResumableTask, RunMode, Task, experiment
from experimaestro.scheduler import Listener



# ---- Tasks that have completed --------------------------------------------------------------------


class Step(Task):
    number: Param[int]

    def execute(self):
        if self.number < 0:
            raise RuntimeError("no luck")


def test_what_has_completed_is_told_once_and_may_be_followed_by_more(tmp_path):
    told = []

    def go_on(task):
        told.append((task.number, threading.current_thread().name))
        if task.number < 3:
            Step(number=task.number + 1).on_completed(go_on).submit()

    with experiment(tmp_path, "chain") as xp:
        Step(number=1).submit().on_completed(go_on)
    assert told == [(1, "xpm-notices"), (2, "xpm-notices"), (3, "xpm-notices")]
    assert xp.counts["done"] == 3


def test_what_was_done_before_is_told_too_and_what_failed_is_not(tmp_path):
    for _ in range(2):
        told = []
        with experiment(tmp_path, "again", raise_on_failure=False) as xp:
            step = Step(number=1).submit()
            step.on_completed(lambda: told.append("first"))
            Step(number=-1).submit().on_completed(lambda: told.append("failed"))
            step.job.wait()
            step.on_completed(lambda: told.append("late"))
        assert sorted(told) == ["first", "late"]
    assert xp.counts["started"] == 1  # the one that had failed


def test_an_equal_task_completes_with_the_first(tmp_path):
    told = []
    with experiment(tmp_path, "equal"):
        for name in ("one", "two"):
            step = Step(number=1)
            step.on_completed(lambda task, name=name: told.append((name, task)))
            step.submit()
    assert sorted(name for name, _ in told) == ["one", "two"]
    assert len({id(task) for _, task in told}) == 2


def test_a_callback_that_leaves_the_program_is_told_and_does_not_end_the_telling(tmp_path, capfd):
    told = []
    with experiment(tmp_path, "leaves"):
        Step(number=1).submit().on_completed(sys.exit)
        Step(number=2).submit().on_completed(lambda: told.append("second"))
    assert told == ["second"]
    assert "SystemExit" in capfd.readouterr().err


def test_a_task_that_cannot_be_generated_does_not_end_the_telling(tmp_path):
    with experiment(tmp_path, "none", run_mode=RunMode.GENERATE_ONLY) as xp:
        xp.addlistener(Listener())
        (tmp_path / "jobs").rmdir()
        (tmp_path / "jobs").touch()
        with pytest.raises(OSError):
            Step(number=1).submit()


def test_what_a_callback_raises_is_printed_and_changes_nothing(tmp_path, capfd):
    told = []

    def fail():
        raise RuntimeError("no luck in a callback")

    with experiment(tmp_path, "raises"):
        step = Step(number=1).submit()
        step.on_completed(fail).on_completed(lambda: told.append(1))
    assert told == [1]
    assert "no luck in a callback" in capfd.readouterr().err


def test_a_callback_may_wait_for_the_experiment(tmp_path):
    told = []
    with experiment(tmp_path, "inside") as xp:

        def wait():
            other = Step(number=2).submit()
            xp.wait()
            told.append(other.job.state.name)

        Step(number=1).submit().on_completed(wait)
    assert told == ["DONE"]


def test_nothing_more_can_be_asked_of_an_experiment_that_has_ended(tmp_path):
    with experiment(tmp_path, "ended"):
        step = Step(number=1).submit()
    with pytest.raises(RuntimeError, match="has ended"):
        step.on_completed(print)


def test_a_wait_for_the_experiment_waits_for_callbacks(tmp_path):
    told = []
    begun, go = threading.Event(), threading.Event()

    def slow():
        begun.set()
        go.wait()
        told.append("slow")

    with experiment(tmp_path, "slow") as xp:
        Step(number=1).submit().on_completed(slow)
        begun.wait()
        assert xp.engine.wait(0) == 1
        go.set()
        xp.wait()
        assert told == ["slow"]


# ---- Listeners -------------------------------------------------------------------------------------


def test_a_listener_is_told_of_every_change_in_order(tmp_path):
    told = []

    class Told(Listener):
        def on_job_submitted(self, job):
            told.append("submitted")

        def job_state(self, job):  # as older programs name it
            told.append(job.identifier)

    told_too = Told()
    with experiment(tmp_path, "told") as xp:
        xp.addlistener(told_too)
        step = Step(number=1).submit()
        xp.wait()
        xp.removelistener(told_too)
        Step(number=2).submit()
    assert told == ["submitted"] + [step.job.identifier] * 3  # ready, running, done


def test_a_listener_needs_only_the_methods_that_it_wants(tmp_path):
    told = []

    class Older:  # derives from nothing
        def job_state(self, job):
            told.append(job.identifier)

    with experiment(tmp_path, "older") as xp:
        xp.addlistener(Older())
        step = Step(number=1).submit()
    assert told == [step.job.identifier] * 3


def test_what_could_be_told_nothing_is_refused(tmp_path):
    with experiment(tmp_path, "nobody", run_mode="DRY_RUN") as xp:
        for nobody in (None, "step", Listener):
            with pytest.raises(TypeError, match="is no Listener|is a class"):
                xp.addlistener(nobody)
        with pytest.raises(TypeError, match="must be a function, and is None"):
            Step(number=1).on_completed(None)


def test_two_threads_submit(tmp_path):
    """The tasks of the one depend on those of the other."""
    count = 200
    with experiment(tmp_path, "threads", run_mode="DRY_RUN") as xp:

        def submit(first):
            for number in range(first, first + count):
                Step(number=number).submit()

        threads = [threading.Thread(target=submit, args=(first,)) for first in (0, count // 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert xp.counts["submitted"] == count + count // 2
        assert len(xp.jobs) == count + count // 2


# ---- Outputs that are announced --------------------------------------------------------------------

# A learner announces two checkpoints, and ends when the first was evaluated: what evaluates it does
# not wait for the learner. A task says that it runs by a line in a file.
LEARNING = """
    import os
    import sys
    from pathlib import Path
    from experimaestro import *


    class Checkpoint(Config):
        step: Param[int]
        path: Meta[Path]


    class Store(Config):
        folder: Annotated[Path, pathgenerator("checkpoints")]

        def checkpoint(self, dep, step, *, name):
            return dep(Checkpoint(step=step, path=self.folder / f"{name}-{step}"))


    class Learn(ResumableTask):
        store: Param[Store]
        seed: Param[int] = 0

        def whole(self, dep):
            return dep(Checkpoint(step=-1, path=self.store.folder))

        def execute(self):
            self.store.folder.mkdir(parents=True, exist_ok=True)
            for step in (1, 2):
                (self.store.folder / f"c-{step}").write_text(f"checkpoint {step}")
                self.register_task_output(self.store.checkpoint, step, name="c")
            self.register_task_output(self.whole)
            with open(os.environ["EVALUATED"]) as evaluated:  # a FIFO: waits for its writer
                print(evaluated.read())


    class Evaluate(Task):
        checkpoint: Param[Checkpoint]

        def execute(self):
            print(self.checkpoint.path.read_text())
            if self.checkpoint.step == 1:
                with open(os.environ["EVALUATED"], "w") as evaluated:
                    evaluated.write("evaluated 1")


    if __name__ == "__main__":
        made = []
        with experiment("workspace", "learning", jobs=3) as xp:
            learn = Learn(store=Store())

            def evaluate(checkpoint):
                made.append(checkpoint.step)
                if checkpoint.step > 0:
                    Evaluate(checkpoint=checkpoint).submit()

            learn.watch_output(learn.store.checkpoint, evaluate)
            learn.submit()
            xp.watch_output(learn, learn.whole, evaluate)
        print(sorted(made), xp.counts["done"], xp.counts["started"])
        print(learn.job.identifier)
"""


@pytest.fixture
def learning(program):
    os.mkfifo(program.folder / "evaluated")
    program.write("learning.py", LEARNING)
    program.environment = {**os.environ, "EVALUATED": str(program.folder / "evaluated")}
    return program


def test_outputs_are_used_while_their_task_goes_on_and_told_again_later(learning):
    first = learning.run("learning.py", env=learning.environment).split("\n")
    assert first[0] == "[-1, 1, 2] 3 3"
    assert learning.one("jobs/*.learn/*/learn.out") == "evaluated 1\n"
    again = learning.run("learning.py", env=learning.environment).split("\n")
    assert again[0] == "[-1, 1, 2] 3 0"
    lines = learning.one("jobs/*.learn/*/.experimaestro/task-outputs.jsonl").splitlines()
    assert [json.loads(line)["args"] for line in lines] == [[1], [2], []]
    key, kwargs = json.loads(lines[0])["key"], json.loads(lines[0])["kwargs"]
    assert kwargs == {"name": "c"}
    store, method = key.split("/")
    assert len(store) == 64 and method == "checkpoint"
    assert json.loads(lines[2])["key"] == f"{first[1]}/whole"


def test_the_task_of_an_announced_output_counts_and_is_recorded(learning):
    learning.run("learning.py", env=learning.environment)
    (log,) = (learning.workspace / "experiments").glob("learning/2*/events/event-0.jsonl")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (learner,) = (learning.workspace / "jobs").glob("*.learn/*")
    depends = {tuple(e["depends_on"]) for e in events if e.get("task_id", "").endswith("evaluate")}
    assert depends == {(learner.name,)}
    for params in (learning.workspace / "jobs").glob("*.evaluate/*/params.json"):
        objects = json.loads(params.read_text())["objects"]
        (task,) = [o["id"] for o in objects if o["type"] == "Learn"]
        assert [o["task"] for o in objects if o["type"] == "Checkpoint"] == [task]


def test_a_torn_line_and_noise_are_passed_over(learning):
    learning.run("learning.py", env=learning.environment)
    (path,) = (learning.workspace / "jobs").glob("*.learn/*/.experimaestro/task-outputs.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("noise\n[]\n{}\n" + lines[0] + lines[1] + lines[2][:-9])
    out = learning.run("learning.py", env=learning.environment)
    assert out.startswith("[1, 2] 3 0\n")


class Part(Config):
    value: Param[int]

    def output(self, dep):
        return dep(Part(value=1))


class Resumable(ResumableTask):
    part: Param[Part]

    def execute(self):
        pass


class Other(Task):
    part: Param[Part]


def test_what_the_task_does_not_hold_is_not_watched(tmp_path):
    part, other = Part(value=1), Part(value=2)
    with experiment(tmp_path, "other", run_mode="DRY_RUN"):
        task = Resumable(part=part).watch_output(Part(value=1).output, print)
        task.submit()  # equal is enough
        with pytest.raises(TypeError, match="that Resumable.* does not hold"):
            task.watch_output(other.output, print)
        with pytest.raises(TypeError, match="must be a function, and is None"):
            task.watch_output(part.output, None)


def test_only_methods_of_resumable_tasks_and_what_they_hold_are_watched():
    part = Part(value=1)
    with pytest.raises(TypeError, match="no ResumableTask"):
        Other(part=part).watch_output(part.output, print)
    for method in (print, Part.output, [].append):
        with pytest.raises(TypeError, match="no method of a configuration"):
            Resumable(part=part).watch_output(method, print)


def test_arguments_of_outputs_are_plain_json(program):
    program.write("plain.py", """
        from experimaestro import *


        class Wrong(ResumableTask):
            def output(self, dep, value):
                pass

            def execute(self):
                for value in ({"a": [1, object()]}, {"a": [1, {2}]}, {3: 4}):
                    try:
                        self.register_task_output(self.output, value)
                    except TypeError as error:
                        print(error)
                self.register_task_output(self.output, [1.5, None, True, ("a", {"b": 1})])
                try:
                    self.register_task_output(print, 1)
                except TypeError as error:
                    print(error)


        if __name__ == "__main__":
            told = []
            with experiment("workspace", "plain"):
                wrong = Wrong().submit()
                wrong.job.wait()
            with experiment("workspace", "plain"):
                wrong = Wrong().submit()
                wrong.watch_output(wrong.output, told.append)
            print(told)
    """)
    assert program.run("plain.py") == "[None]\n"
    lines = program.one("jobs/*/*/wrong.out").splitlines()
    assert "$[0]" in lines[0] and "object" in lines[0]
    assert lines[1].startswith("$[0].a[1]: ") and "plain JSON" in lines[1]
    assert "texts as keys" in lines[2]
    assert lines[3].startswith("<built-in function print> is not a method of a task")
    (line,) = program.one("jobs/*/*/.experimaestro/task-outputs.jsonl").splitlines()
    assert json.loads(line)["args"] == [[1.5, None, True, ["a", {"b": 1}]]]


# ---- Nothing happens ------------------------------------------------------------------------------

HELD = """
    import os
    import sys
    from experimaestro import *


    class Held(Task):
        def execute(self):
            with open(os.environ["HELD"]) as held:  # a FIFO: waits for its writer
                held.read()


    if __name__ == "__main__":
        with experiment("workspace", "held") as xp:
            held = Held().submit()
            held.on_completed(lambda: print("completed"))
            print("submitted", flush=True)
            held.job.wait() if "job" in sys.argv else xp.wait()
        print("ended")
"""


@pytest.fixture
def held(program):
    """Starts the program; its process, once the job runs."""
    os.mkfifo(program.folder / "fifo")
    program.write("held.py", HELD)
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "held.py", *arguments],
            cwd=program.folder,
            env={**os.environ, "HELD": str(program.folder / "fifo")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        process.writer = open(program.folder / "fifo", "w")  # when the job has opened it
        return process

    yield start
    for process in started:
        process.writer.close()
        process.kill()
        process.communicate()


def used(pid):
    """How often the threads of a process have run, and for how long, in clock ticks."""
    switches = ticks = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as file:
            switches += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
        with open(f"/proc/{pid}/task/{thread}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return switches, ticks


def test_an_idle_experiment_uses_no_cpu(held):
    process = held("experiment")
    assert process.stdout.readline() == "submitted\n"
    before = None
    while before != used(process.pid):  # what has begun comes to rest
        before = used(process.pid)
        select.select([process.stdout], [], [], 1)
    assert select.select([process.stdout], [], [], 5) == ([], [], [])
    assert used(process.pid) == before
    process.writer.close()
    out, errors = process.communicate(timeout=30)
    assert (out, process.returncode) == ("completed\nended\n", 0), errors


@pytest.mark.parametrize("argument", ["experiment", "job"])
def test_a_signal_ends_a_wait(held, argument):
    process = held(argument)
    assert process.stdout.readline() == "submitted\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors


def test_another_reader_of_signals_hears_of_them_too(tmp_path):
    reader, writer = os.pipe2(os.O_NONBLOCK)
    came = []
    before = signal.set_wakeup_fd(writer)
    handler = signal.signal(signal.SIGALRM, lambda *_: came.append(1))
    try:
        with experiment(tmp_path, "signals") as xp:
            signal.raise_signal(signal.SIGALRM)  # is handled at once
            assert os.read(reader, 10) == bytes([signal.SIGALRM])
            step = Step(number=1).submit()
            step.on_completed(lambda: os.kill(os.getpid(), signal.SIGALRM))
            xp.wait()
        assert signal.set_wakeup_fd(writer) == writer
        assert os.read(reader, 10) == bytes([signal.SIGALRM])
        assert len(came) == 2
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)


def test_a_thread_that_waits_is_woken_when_the_experiment_ends(tmp_path):
    """As by an exception in its block."""
    os.mkfifo(tmp_path / "fifo")
    states = []
    with pytest.raises(RuntimeError, match="leaves"):
        with experiment(tmp_path, "waits") as xp:
            job = Blocked(fifo=str(tmp_path / "fifo")).submit().job
            writer = open(tmp_path / "fifo", "w")
            thread = threading.Thread(target=lambda: states.append(job.wait()))
            thread.start()
            raise RuntimeError("leaves")
    thread.join()
    assert [state.name for state in states] == ["RUNNING"]
    writer.close()
    assert xp.counts["running"] == 1


class Blocked(Task):
    fifo: Param[str]

    def execute(self):
        with open(self.fifo) as fifo:
            fifo.read()


# ---- The experiment's lock ------------------------------------------------------------------------

SECOND = """
    import signal
    import sys
    from experimaestro import experiment

    if "raise" in sys.argv:  # a signal that comes just before it waits
        class experiment(experiment):
            def _waiting(self, holder):
                signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGUSR1, lambda *_: print("handled", flush=True))
    with experiment("workspace", "held"):
        print("entered")
"""


@pytest.fixture
def second(held, program):
    """Starts a run of the experiment that another holds."""
    program.write("second.py", SECOND)
    first = held()
    first.stdout.readline()
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "second.py", *arguments],
            cwd=program.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        process.first = first
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_run_that_waits_for_another_goes_on_after_signals_and_then_enters(second):
    process = second()
    assert "waiting for the run of process" in process.stderr.readline()
    for _ in range(3):
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.readline() == "handled\n"
    process.first.writer.close()
    out, errors = process.communicate(timeout=30)
    assert (out, process.returncode) == ("entered\n", 0), errors


def test_a_signal_ends_the_wait_for_another_run(second):
    process = second()
    assert "waiting for the run of process" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    process = second("raise")
    _, errors = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
