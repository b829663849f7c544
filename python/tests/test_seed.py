"""The statements of the task documentation, each shown on a program that runs as a user's does."""

import json

import pytest

HEAD = """
    from __future__ import annotations  # -> Adhoc names what does not exist
    import os
    from experimaestro import Config, Task, Param, Annotated, Path, pathgenerator, cache
    from experimaestro import SubmitHook, Job, Launcher, submit_hook_decorator
    from experimaestro import LightweightTask, Meta, experiment, field, tag

    def say(**values):
        import json
        with open("said.json", "w") as file:
            json.dump(values, file)

    class Model(Config):
        layers: Param[int]

    class ModelLearn(Task):
        epochs: Param[int] = 100
        model: Param[Model]
        parameters: Annotated[Path, pathgenerator("parameters.pth")]

        def execute(self):
            say(
                pid=os.getpid(), epochs=self.epochs, layers=self.model.layers,
                parameters=str(self.parameters), cwd=os.getcwd(), tags=self.__tags__,
                taskdir=str(self.__taskdir__), maintaskdir=str(self.__maintaskdir__),
                environ=dict(os.environ), is_instance=type(Model()) is Model,
            )
"""


@pytest.fixture
def seed(program):
    """Runs a program that starts with the classes above, in an experiment."""

    def run(classes, body):
        lines = [HEAD, classes, '    if __name__ == "__main__":']
        lines.append('        with experiment("workspace", "seed") as xp:')
        lines += ["            " + line for line in body.strip().splitlines()]
        program.write("main.py", "\n".join(lines))
        return program.run("main.py")

    program.seed = run
    return program


def said(program, type_name):
    return json.loads(program.one(f"jobs/{type_name}/*/said.json"))


def test_1_a_task_is_submitted_and_executed_in_its_own_process(seed):
    output = seed.seed("", "ModelLearn(model=Model(layers=3)).submit()\nprint(os.getpid())")
    result = said(seed, "__main__.modellearn")
    assert result["epochs"] == 100 and result["layers"] == 3
    assert result["pid"] != int(output)


def test_2_a_generated_path_is_in_the_task_directory_and_read_only(seed):
    output = seed.seed(
        "",
        """
learn = ModelLearn(model=Model(layers=3))
try:
    learn.parameters = "elsewhere"
except AttributeError as error:
    print(error)
before = learn.__xpm__.identifier
learn.submit()
assert before == learn.__xpm__.identifier
print(learn.parameters == learn.jobpath / "parameters.pth")
""",
    )
    assert "read-only" in output and output.endswith("True\n")
    result = said(seed, "__main__.modellearn")
    assert result["parameters"] == result["cwd"] + "/parameters.pth"


def test_3_4_5_6_the_variables_of_a_running_task(seed):
    seed.seed("", "ModelLearn(model=Model(layers=tag(3)), epochs=tag(10)).submit()")
    result = said(seed, "__main__.modellearn")
    (folder,) = seed.workspace.glob("jobs/*/*")
    assert result["cwd"] == result["taskdir"] == result["maintaskdir"] == str(folder)
    assert result["tags"] == {"epochs": 10, "layers": 3}
    assert result["is_instance"]


def test_4_tags_of_dependencies_and_init_tasks_are_included(seed):
    seed.seed(
        """
    class Load(LightweightTask):
        way: Param[str]

        def execute(self):
            print("loading", self.way)

    class Evaluate(Task):
        learned: Param[ModelLearn]

        def execute(self):
            say(tags=self.__tags__, layers=self.learned.model.layers)
""",
        """
learn = ModelLearn(model=Model(layers=2), epochs=tag(10)).submit()
Evaluate(learned=learn).submit(init_tasks=[Load(way=tag("fast"))])
""",
    )
    assert said(seed, "__main__.evaluate") == {"tags": {"epochs": 10, "way": "fast"}, "layers": 2}
    assert seed.one("jobs/__main__.evaluate/*/evaluate.out") == "loading fast\n"


def test_6_the_main_task_directory_is_that_of_the_partial_identifier(seed):
    seed.seed(
        """
    from experimaestro import param_group, partial

    iterations = param_group("iterations")

    class Long(Task):
        checkpoints = partial(exclude_groups=[iterations])
        epochs: Param[int] = field(groups=[iterations])

        def execute(self):
            say(main=str(self.__maintaskdir__), here=str(self.__taskdir__))
""",
        "Long(epochs=1).submit()\nLong(epochs=2).submit()",
    )
    results = [json.loads(p.read_text()) for p in seed.workspace.glob("jobs/*/*/said.json")]
    assert len({result["here"] for result in results}) == 2
    (main,) = {result["main"] for result in results}
    assert main.startswith(str(seed.workspace / "partials/__main__.long/checkpoints/"))


def test_7_the_default_task_outputs_written_out_changes_nothing(seed):
    output = seed.seed(
        """
    class MyTask(Task):
        __xpmid__ = "my.task"
        x: Param[int]

        def execute(self):
            pass

        # (by default)
        def task_outputs(self, dep) -> Task:
            return dep(self)

    class After(Task):
        before: Param[MyTask]

        def execute(self):
            pass
""",
        """
task = MyTask(x=1)
before = task.__xpm__.identifier
output = task.submit()
assert output is task and before == task.__xpm__.identifier
print(task.__xpm__.identifier.hex())
after = After(before=output).submit()
""",
    )
    written = output.strip()
    default = seed.folder / "default.py"
    default.write_text(
        "from experimaestro import Task, Param\n"
        "class MyTask(Task):\n"
        "    __xpmid__ = 'my.task'\n"
        "    x: Param[int]\n"
        "print(MyTask(x=1).__xpm__.identifier.hex())\n"
    )
    assert seed.run("default.py").strip() == written
    assert len(list(seed.workspace.glob("jobs/*/*/*.done"))) == 2


FOLD = """
    class Topics(Config):
        path: Param[Path]

    class Documents(Config):
        name: Param[str]

    class Dataset(Config):
        topics: Param[Topics]
        documents: Param[Documents]

    class RandomFold(Task):
        dataset: Param[Dataset]
        \"\"\"The source dataset\"\"\"

        topics: Annotated[Path, pathgenerator("topics.tsv")]
        \"\"\"Generated topics\"\"\"

        def execute(self):
            import time
            time.sleep(0.3)
            self.topics.write_text("sampled")

        def task_outputs(self, dep) -> Adhoc:
            assert self.topics.is_absolute()
            return dep(Dataset(
                topics=dep(Topics(path=self.topics)),
                documents=self.dataset.documents,
            ))

    class Use(Task):
        what: Param[Config]

        def execute(self):
            topics = getattr(self.what, "topics", self.what)
            say(text=topics.path.read_text())

    class UseDocuments(Task):
        documents: Param[Documents]

        def execute(self):
            say(name=self.documents.name)
"""


def test_8_10_outputs_depend_on_the_task_where_they_are_marked(seed):
    output = seed.seed(
        FOLD,
        """
from pathlib import Path
source = Dataset(topics=Topics(path=Path("/all")), documents=Documents(name="d"))
fold = RandomFold(dataset=source)
dataset = fold.submit()
whole = Use(what=dataset).submit()
topics = Use(what=dataset.topics).submit()
documents = UseDocuments(documents=dataset.documents).submit()
alone = UseDocuments(documents=Documents(name="d"))
assert documents.__xpm__.identifier == alone.__xpm__.identifier
assert dataset.__xpm__.task is fold and dataset.topics.__xpm__.task is fold
assert dataset.documents.__xpm__.task is None
assert whole.__xpm__.identifier != topics.__xpm__.identifier
documents.job.wait()
print(fold.job.state.name)
""",
    )
    assert output == "RUNNING\n", "the documents do not wait for the fold"
    texts = [path.read_text() for path in seed.workspace.glob("jobs/__main__.use/*/said.json")]
    assert [json.loads(text) for text in texts] == [{"text": "sampled"}] * 2


def test_9_a_class_call_and_C_make_equal_configurations(seed):
    seed.seed(
        "",
        "assert type(Model(layers=3)) is type(Model.C(layers=3)) is Model.XPMConfig\n"
        "assert Model(layers=3).__xpm__.identifier == Model.C(layers=3).__xpm__.identifier\n",
    )


HOOK = """
    class needs_java(SubmitHook):
        calls = []

        def __init__(self, version: int):
            self.version = version

        def spec(self):
            return self.version

        def process(self, job: Job, launcher: Launcher):
            assert isinstance(launcher, Launcher) and isinstance(job, Job)
            self.calls.append(self.version)
            job.environ["JAVA_HOME"] = "THE_JAVA_HOME"

    @needs_java(11)
    class IndexCollection(Config):
        x: Param[int] = 1

    @submit_hook_decorator(needs_java(11))
    class Other(Config):
        index: Param[IndexCollection]

    class Derived(IndexCollection):
        pass

    class Search(ModelLearn):
        indices: Param[list[Config]]
"""


def test_11_12_13_hooks_change_the_environment_once(seed):
    output = seed.seed(
        HOOK,
        """
first = IndexCollection()
Search(model=Model(layers=1), indices=[first, Other(index=first)]).submit()
Search(model=Model(layers=2), indices=[Derived()]).submit()
print(needs_java.calls)
""",
    )
    assert output == "[11]\n"
    results = [json.loads(p.read_text()) for p in seed.workspace.glob("jobs/*/*/said.json")]
    with_hook = next(r["environ"] for r in results if r["layers"] == 1)
    without = next(r["environ"] for r in results if r["layers"] == 2)
    assert with_hook["JAVA_HOME"] == "THE_JAVA_HOME"
    assert "JAVA_HOME" not in without and with_hook["PATH"] == without["PATH"] != ""


def test_14_a_cached_file_is_computed_by_one_of_two_tasks(seed):
    seed.seed(
        """
    class Terms(Config):
        size: Param[int]

        @cache("terms.npy")
        def load(self, path: Path):
            import time
            if path.is_file():
                return path.read_text()
            time.sleep(0.3)
            path.write_text(str(os.getpid()))
            return str(os.getpid())

    class UseTerms(Task):
        i: Param[int]
        terms: Param[Terms]

        def execute(self):
            say(mine=str(os.getpid()), computed_by=self.terms.load())
""",
        """
xp_terms = Terms(size=4)
for i in range(2):
    UseTerms(i=i, terms=Terms(size=4)).submit()
""",
    )
    results = [json.loads(p.read_text()) for p in seed.workspace.glob("jobs/*/*/said.json")]
    (process,) = {result["computed_by"] for result in results}
    assert process in {result["mine"] for result in results}
    (path,) = seed.workspace.glob("config/__main__.Terms/*/terms.npy")
    assert path.read_text() == process


def test_15_the_names_of_the_documentation_are_exported(program):
    program.write(
        "names.py",
        """
        from experimaestro import Config, Task, Param
        from experimaestro import Annotated, Path, pathgenerator, cache
        from experimaestro import SubmitHook, Job, Launcher, submit_hook_decorator
        from experimaestro import *
        experiment, cache, tag, field, Meta, PathGenerator, LightweightTask, RunMode
        """,
    )
    program.run("names.py")
