"""What a submission returns and needs: outputs, dependencies, init tasks, preparations, actions."""

import io
import json
import sys
import threading
from typing import NamedTuple

import pytest

from experimaestro import (
    Action,
    CLIInteraction,
    Config,
    DependentMarker,
    Interaction,
    LightweightTask,
    Meta,
    Param,
    Prepare,
    RunMode,
    SubmitHook,
    Task,
    experiment,
)


class Model(Config):
    layers: Param[int] = 1


class Both(NamedTuple):
    model: Model
    rest: dict


class Publish(Action):
    model: Param[Model]

    def describe(self):
        return f"publishes {self.model.layers} layers"

    def execute(self, interaction):
        return interaction.choice("where", "Where to?", ["here", "there"])


class Learn(Task):
    number: Param[int] = 1
    answer: Meta[str] = "both"

    def task_outputs(self, dep):
        model = Model()
        answers = {
            "both": lambda: Both(dep(model), {"seen": [dep(Model(layers=2)), Model(layers=3)]}),
            "twice": lambda: (dep(model), dep(dep(model))),
            "self": lambda: dep(self),
            "other": lambda: dep(elsewhere),
            "task": lambda: dep(Learn()),
            "list": lambda: dep([model]),
            "marker": lambda: dep,
        }
        return answers[self.answer]()


elsewhere = Model(layers=9)


class Use(Task):
    model: Param[Model]
    number: Param[int] = 1


class Wins(Task):
    number: Param[int] = 1

    def task_outputs(self, dep):
        raise AssertionError("__submit__ is there")

    def __submit__(self, dep, add_action, **kw):
        model = dep(Model(layers=self.number))
        return model, add_action and add_action(Publish(model=model)), kw


class Load(LightweightTask):
    model: Param[Model]


class Breaks(SubmitHook):
    broken = True

    def spec(self):
        return 1

    def process(self, job, launcher):
        job.environ["HOOKED"] = "yes"
        if Breaks.broken:
            raise RuntimeError("not today")


@Breaks()
class Hooked(Config):
    pass


class UseHooked(Task):
    hooked: Param[Hooked]
    number: Param[int] = 1


@pytest.fixture
def dry(tmp_path, capfd):
    with experiment(tmp_path / "workspace", "dry", run_mode=RunMode.DRY_RUN) as xp:
        yield xp


# ---- Outputs -----------------------------------------------------------------------------------


def test_any_object_can_be_returned_and_holds_what_was_marked(dry):
    learn = Learn()
    both = learn.submit()
    assert isinstance(both, Both) and both.model.__xpm__.task is learn
    marked, free = both.rest["seen"]
    assert marked.__xpm__.task is learn and free.__xpm__.task is None


def test_marking_returns_the_configuration_every_time(dry):
    first, again = Learn(answer="twice").submit()
    assert first is again


def test_marking_the_task_itself_changes_nothing(dry):
    learn = Learn(answer="self")
    identifier = learn.__xpm__.identifier
    assert learn.submit() is learn and learn.__xpm__.identifier == identifier


@pytest.mark.parametrize(
    "answer, message",
    [
        ("other", "an output of .*learn already"),
        ("task", "cannot set a dependency on task"),
        ("list", "marks configurations"),
    ],
)
def test_what_cannot_be_an_output_is_refused(dry, answer, message):
    if answer == "other" and elsewhere.__xpm__.task is None:
        Learn(number=77).submit()[0].__xpm__.task.__xpm__.mark_output(elsewhere)
    with pytest.raises(AssertionError, match=message):
        Learn(number=3, answer=answer).submit()


def test_a_marker_can_be_used_later_and_knows_its_task(dry):
    learn = Learn(answer="marker")
    dep = learn.submit()
    model = Model()
    assert isinstance(dep, DependentMarker) and dep.task is learn
    assert dep(model) is model and model.__xpm__.task is learn
    assert learn.__xpm__.mark_output(model) is model


def test_submit_method_wins_and_is_given_add_action(dry):
    wins = Wins(number=4)
    model, action, more = wins.submit()
    assert model.layers == 4 and model.__xpm__.task is wins
    assert len(action) == 64 and more == {}


def test_there_is_no_add_action_outside_an_experiment(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert Wins().submit(run_mode=RunMode.DRY_RUN)[1] is None


def test_an_equal_task_shares_the_job_and_has_its_own_output(dry):
    first, second = Learn(), Learn()
    one, two = first.submit(), second.submit()
    assert first.job.identifier == second.job.identifier and dry.counts["submitted"] == 1
    assert one.model is not two.model
    assert two.model.__xpm__.task is second
    assert one.model.__xpm__.identifier == two.model.__xpm__.identifier


def test_a_task_is_submitted_once(dry):
    learn = Learn()
    learn.submit()
    with pytest.raises(ValueError, match="already submitted"):
        learn.submit()


# ---- Dependencies ------------------------------------------------------------------------------

PLAN = """
    from experimaestro import *

    class First(Task):
        number: Param[int]
        fails: Param[bool] = False

        def execute(self):
            if self.fails:
                raise RuntimeError("as it was told")

    class Model(Config):
        pass

    class Make(Task):
        number: Param[int]

        def execute(self):
            pass

        def task_outputs(self, dep):
            return dep(Model())

    class Load(LightweightTask):
        model: Param[Model]
        text: Param[str]

        def execute(self):
            print(self.text)

    class Then(Task):
        number: Param[int]

        def execute(self):
            print("then")
"""


def events_of(program, task):
    return [
        event
        for path in program.workspace.glob("experiments/*/*/events/*.jsonl")
        for event in map(json.loads, path.read_text().splitlines())
        if event.get("task_id") == task
    ]


def test_given_dependencies_are_waited_for_and_do_not_count(program):
    program.write("plan.py", PLAN + """
    if __name__ == "__main__":
        with experiment("workspace", "test", raise_on_failure=False) as xp:
            first = First(number=1, fails=True).submit()
            model = Make(number=1).submit()
            then = Then(number=1)
            same = Then(number=1)
            assert then.add_dependencies(first, model, first.__xpm__.dependency()) is then
            other = Then(number=2)
            assert other.copy_dependencies(then) is other
            assert then.__xpm__.identifier == same.__xpm__.identifier
            then.submit(), other.submit()
        for task in (then, other):
            print(task.job.state.name, task.job.failure_reason.name)
    """)
    assert program.run("plan.py").split() == ["ERROR", "DEPENDENCY"] * 2
    (depends,) = {tuple(sorted(e["depends_on"])) for e in events_of(program, "__main__.then")}
    assert len(depends) == 2


def test_what_is_no_task_s_cannot_be_waited_for(dry):
    learn = Learn(answer="self").submit()
    use = Use(model=Model())
    with pytest.raises(ValueError, match="neither a submitted task nor an output"):
        use.add_dependencies(Model())
    with pytest.raises(ValueError, match="no token.dependency"):
        use.add_dependencies("token")
    with pytest.raises(ValueError, match="only a task waits"):
        Model().add_dependencies(learn)
    use.submit()
    with pytest.raises(ValueError, match="cannot change"):
        use.add_dependencies(learn)


def test_init_tasks_run_in_order_and_bring_their_dependencies_and_tags(program):
    program.write("plan.py", PLAN + """
    if __name__ == "__main__":
        with experiment("workspace", "test") as xp:
            model = Make(number=tag(1)).submit()
            inits = [Load(model=model, text=text) for text in ("b", "a")]
            then = Then(number=1).submit(init_tasks=inits)
            swapped = Then(number=1).submit(init_tasks=inits[::-1])
        print(then.stdout().read_text().split(), swapped.stdout().read_text().split())
        print(then.tags(), then.job.identifier != swapped.job.identifier)
    """)
    printed = program.run("plan.py").splitlines()
    assert printed == ["['b', 'a', 'then'] ['a', 'b', 'then']", "{'number': 1} True"]
    assert all(len(e["depends_on"]) == 1 for e in events_of(program, "__main__.then"))


def test_only_lightweight_tasks_are_init_tasks(dry):
    with pytest.raises(ValueError, match="not a lightweight task"):
        Use(model=Model()).submit(init_tasks=[Model()])


# ---- Hooks -------------------------------------------------------------------------------------


def test_a_task_whose_hook_failed_can_be_submitted_again(dry, monkeypatch):
    use = UseHooked(hooked=Hooked())
    with pytest.raises(RuntimeError, match="not today"):
        use.submit()
    assert use.__xpm__.job is None and use.__xpm__.task is None
    monkeypatch.setattr(Breaks, "broken", False)
    assert use.submit() is use and use.job.environ["HOOKED"] == "yes"
    assert dry.counts["submitted"] == 1


def test_a_hook_on_what_another_submission_has_sealed_is_applied(dry, monkeypatch):
    monkeypatch.setattr(Breaks, "broken", False)
    hooked = Hooked()
    tasks = [UseHooked(hooked=hooked, number=number).submit() for number in (1, 2)]
    assert [task.job.environ["HOOKED"] for task in tasks] == ["yes", "yes"]


# ---- Preparations ------------------------------------------------------------------------------


class Corpus(Prepare):
    name: Param[str]

    def prepare(self):
        prepared.append((self.name, threading.current_thread() is threading.main_thread()))


class Read(Task):
    corpus: Param[list[Corpus]]
    number: Param[int] = 1

    def task_outputs(self, dep):
        return dep(self.corpus[0])


class ReadAgain(Task):
    corpus: Param[Corpus]


prepared = []


def test_a_preparation_alone_is_made_at_once_and_once_in_a_process(tmp_path):
    del prepared[:]
    with experiment(tmp_path / "workspace", "test", run_mode=RunMode.PREPARE) as xp:
        Read(corpus=[Corpus(name="alone"), Corpus(name="two"), Corpus(name="alone")]).submit()
        assert prepared == [("alone", True), ("two", True)]
        corpus = Read(corpus=[Corpus(name="two")], number=2).submit()
        ReadAgain(corpus=corpus).submit()
        assert len(prepared) == 2 and xp.counts["submitted"] == 3
    assert not (tmp_path / "workspace").exists()


def test_nothing_is_prepared_for_what_does_not_run(dry):
    del prepared[:]
    Read(corpus=[Corpus(name="dry")]).submit()
    assert prepared == []


PREPARING = """
    import os, sys, time
    from experimaestro import *

    class Corpus(Prepare):
        name: Param[str]

        def prepare(self):
            if self.name == "broken":
                raise OSError("no network")
            print("begin", self.name, flush=True)
            time.sleep(0.3)
            open(self.name + ".data", "x").close()

    class Read(Task):
        corpora: Param[list[Corpus]]
        number: Param[int] = 1
        folder: Meta[Path]

        def execute(self):
            for corpus in self.corpora:
                assert (self.folder / f"{corpus.name}.data").exists()

    def read(*names, **more):
        return Read(corpora=[Corpus(name=name) for name in names], folder=os.getcwd(), **more)
"""


def test_a_task_starts_when_all_that_it_holds_is_prepared(program):
    program.write("plan.py", PREPARING + """
    if __name__ == "__main__":
        for _ in range(2):
            with experiment("workspace", "test") as xp:
                read("a").submit(), read("a", "b").submit(), read("b", number=2).submit()
            print(xp.counts["done"], xp.counts["started"])
    """)
    printed = program.run("plan.py").splitlines()
    assert sorted(printed) == ["3 0", "3 3", "begin a", "begin b"]


def test_a_task_whose_preparation_fails_fails_and_can_be_tried_again(program):
    program.write("plan.py", PREPARING + """
    if __name__ == "__main__":
        with experiment("workspace", "test", raise_on_failure=False) as xp:
            tasks = [read("broken", "a"), read("c")]
            for task in tasks:
                task.submit()
            print([task.job.wait().name for task in tasks], xp.counts["started"])
            again = read("broken", "a").submit()
            again.job.wait()
        print(again.job.state.name)
    """)
    printed = program.run("plan.py")
    assert "['ERROR', 'DONE'] 1" in printed and printed.endswith("ERROR\n")
    assert "OSError: no network" in program.errors
    failed = json.loads(program.one("jobs/*/*/read.failed"))
    assert failed["message"] == "cannot prepare Corpus(name='broken'): OSError: no network"
    assert program.errors.count("Traceback") == 2


# ---- Actions -----------------------------------------------------------------------------------


def test_an_action_is_listed_with_the_run(program):
    program.write("plan.py", """
        from experimaestro import *

        class Model(Config):
            layers: Param[int]

        class Publish(Action):
            model: Param[Model]

            def describe(self):
                return f"publishes {self.model.layers} layers"

        class Learn(Task):
            layers: Param[int]

            def execute(self):
                pass

            def __submit__(self, dep, add_action):
                model = dep(Model(layers=self.layers))
                add_action(Publish(model=model))
                return model

        if __name__ == "__main__":
            with experiment("workspace", "test") as xp:
                Learn(layers=2).submit()
                model = Model(layers=3)
                print(xp.add_action(Publish(model=model)), xp.add_action(Publish(model=model)))
    """)
    first, second = program.run("plan.py").split()
    assert first == second
    actions = json.loads(program.one("experiments/test/2*/status.json"))["actions"]
    assert len(actions) == 2
    assert actions[first] == {
        "action_id": first,
        "description": "publishes 3 layers",
        "class": "__main__.Publish.XPMConfig",
    }
    objects = [json.loads(line) for line in
               program.one("experiments/test/2*/objects.jsonl").splitlines()]
    assert [o["type"] for o in objects].count("Publish") == 2
    assert {first} <= {o["identifier"] for o in objects}


def test_only_an_action_is_listed(dry):
    with pytest.raises(TypeError, match="an action is"):
        dry.add_action(Model())


def test_prefilled_answers_are_checked():
    ask = CLIInteraction({"where": "there", "sure": "yes", "no": False, "name": "x", "odd": "?"})
    assert Publish(model=Model()).execute(ask) == "there"
    assert ask.checkbox("sure", "Sure?") is True and ask.checkbox("no", "No?") is False
    assert ask.text("name", "Name") == "x"
    with pytest.raises(ValueError, match="'there' is not one of the choices 'a', 'b'"):
        ask.choice("where", "Where?", ["a", "b"])
    with pytest.raises(ValueError, match="neither yes nor no"):
        ask.checkbox("odd", "Odd?")


def test_what_is_not_prefilled_is_asked(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("9\nx\n2\na\nmaybe\ny\n\nhi\n\n"))
    ask = CLIInteraction()
    assert ask.choice("k", "Pick", ["a", "b"]) == "b"
    assert ask.choice("k", "Pick", ["a", "b"]) == "a"
    assert ask.checkbox("k", "Sure") is True
    assert ask.checkbox("k", "Sure", default=True) is True
    assert ask.text("k", "Name") == "hi"
    assert ask.text("k", "Name", default="me") == "me"
    assert "  2. b" in capsys.readouterr().out
    with pytest.raises(EOFError):
        ask.text("k", "Name")


def test_an_interaction_says_what_it_lacks():
    with pytest.raises(NotImplementedError, match="no method choice"):
        Interaction().choice("k", "l", ["a"])
