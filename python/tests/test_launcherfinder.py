"""What a task needs, as texts and as objects; the files that say which launchers there are."""

import pickle

import pytest

from experimaestro import DirectLauncher
from experimaestro.connectors.local import LocalConnector
from experimaestro.launcherfinder import (
    AcceleratorSpecification,
    CPUSpecification,
    CudaSpecification,
    HostRequirement,
    HostSimpleRequirement,
    HostSpecification,
    LauncherNotFoundError,
    LauncherRegistry,
    MPSSpecification,
    RequirementUnion,
    find_launcher,
)
from experimaestro.launcherfinder.parser import parse
from experimaestro.launcherfinder.specs import cpu, cuda_gpu, duration, gpu, mps_gpu, resource

GIGA = 1024**3


# ---- Texts and objects ----------------------------------------------------------------------------


def test_a_text_is_read():
    needed = parse("duration=4 days & cuda(mem=4G)*2 & cpu(mem=400M, cores=4) & resource(x)*3")
    assert isinstance(needed, HostSimpleRequirement) and isinstance(needed, HostRequirement)
    assert needed.duration == 4 * 24 * 3600
    assert needed.cpu == CPUSpecification(memory=400 * 1024**2, cores=4)
    assert (needed.cpu.memory, needed.cpu.cores) == (400 * 1024**2, 4)
    assert needed.accelerators == needed.cuda_gpus == [CudaSpecification(4 * GIGA)] * 2
    assert needed.resources == {"x": 3}
    assert str(needed) == ("duration=4d & cuda(mem=4G) * 2 & cpu(mem=400M, cores=4) & "
                           "resource(x) * 3")
    assert parse(str(needed)) == needed and hash(parse(str(needed))) == hash(needed)


def test_alternatives_are_read():
    needed = parse("cuda(mem=24G) & gpu() | mps(mem=16G) | cpu(cores=8)")
    assert isinstance(needed, RequirementUnion) and len(needed) == 3
    first, second, third = needed
    assert needed.requirements == [first, second, third]
    assert first.accelerators == [CudaSpecification("24G"), AcceleratorSpecification()]
    assert first.cuda_gpus == [CudaSpecification("24G")]
    assert second.accelerators == [MPSSpecification("16G")] and second.cuda_gpus == []
    assert third.accelerators == [] and third.cpu.cores == 8 and third.duration == 0
    assert third.requirements == [third]


@pytest.mark.parametrize("text", ["", "cpu", "cpu(mem=4)", "disk(mem=4G)", "cpu(cores=2) &", "cuda(mem=4G"])
def test_a_text_that_is_none_is_refused_with_a_caret_under_what_is_wrong(text):
    for read in (parse, HostRequirement, find_launcher, cpu().__and__):
        with pytest.raises(ValueError, match=r"is expected|did you mean") as refused:
            read(text)
        assert str(refused.value).splitlines()[-1].strip() == "^"


@pytest.mark.parametrize("made, text", [
    (cpu(), "cpu()"),
    (cpu(mem="4G", cores=2), "cpu(mem=4G, cores=2)"),
    (cpu(mem=1536), "cpu(mem=1536B)"),
    (cuda_gpu(mem="14G") * 2, "cuda(mem=14G) * 2"),
    (2 * gpu(), "gpu() * 2"),
    (mps_gpu(mem=GIGA), "mps(mem=1G)"),
    (duration("4 days"), "duration=4d"),
    (duration(90), "duration=90s"),
    (resource("licence", 2), "resource(licence) * 2"),
    (cpu() & cuda_gpu(), "cuda()"),
    (cpu(cores=2) & cuda_gpu() & duration("2h"), "duration=2h & cuda() & cpu(cores=2)"),
    (cpu(mem="4G") & cpu(mem="2G", cores=3), "cpu(mem=4G, cores=3)"),
    (cuda_gpu() & cuda_gpu(mem="8G"), "cuda(mem=8G) & cuda()"),
    (cuda_gpu() | cpu(cores=8), "cuda() | cpu(cores=8)"),
    ((cuda_gpu() | gpu()) & (cpu(cores=1) | duration("1s")),
     "cuda() & cpu(cores=1) | duration=1s & cuda() | gpu() & cpu(cores=1) | duration=1s & gpu()"),
    (HostSimpleRequirement(), "cpu()"),
    (HostSimpleRequirement(cuda_gpu(), "cpu(cores=2)"), "cuda() & cpu(cores=2)"),
    (RequirementUnion(cuda_gpu(), "cpu(cores=2) | gpu()"), "cuda() | cpu(cores=2) | gpu()"),
])
def test_an_object_is_the_same_as_its_text(made, text):
    assert str(made) == text
    assert made == parse(text) or isinstance(made, RequirementUnion)
    assert [*map(str, made.requirements)] == text.split(" | ")
    assert pickle.loads(pickle.dumps(made)) == made
    assert str(made & "cpu(cores=9)") == str(made & cpu(cores=9)) == str(parse(text) & cpu(cores=9))
    assert str("gpu()" | made) == str(gpu() | made) == f"gpu() | {text}"
    assert repr(made) == f"<{type(made).__name__} {text}>"


def test_combining_changes_nothing_of_what_is_combined():
    a, b = cuda_gpu(mem="8G"), cpu(mem="4G", cores=2)
    both = a & b & "cuda()"
    assert a * 3 != a and a | b != a and both.multiply_duration(2) == both
    assert (str(a), str(b)) == ("cuda(mem=8G)", "cpu(mem=4G, cores=2)")
    assert len(a.accelerators) == 1 and len(both.accelerators) == 2


def test_what_cannot_be_combined_is_refused():
    with pytest.raises(TypeError):
        cpu() & 5
    with pytest.raises(TypeError):
        gpu() * 1.5
    with pytest.raises(ValueError, match="only accelerators and resources alone can"):
        cpu(cores=2) * 2
    with pytest.raises(ValueError, match="cannot be taken 0 times"):
        gpu() * 0
    with pytest.raises(ValueError, match="at most 1024 accelerators"):
        gpu() * 1025
    with pytest.raises(ValueError, match="has alternatives: make a RequirementUnion"):
        HostSimpleRequirement("cpu() | gpu()")
    with pytest.raises(ValueError, match="memory is -1"):
        cpu(mem=-1)
    with pytest.raises(TypeError, match="5 says nothing"):
        find_launcher(5)


def test_durations_are_multiplied():
    needed = parse("duration=40h & cpu(mem=700GiB) | duration=50h | cpu()")
    assert str(needed.multiply_duration(1.5)) == "duration=60h & cpu(mem=700G) | duration=75h | cpu()"
    assert needed.requirements[0].duration == 40 * 3600
    with pytest.raises(ValueError, match="a number above 0"):
        needed.multiply_duration(0)


# ---- Machines -------------------------------------------------------------------------------------


def test_a_machine_is_matched():
    host = HostSpecification(
        max_duration=100 * 3600,
        cpu=CPUSpecification(cores=32, memory=129 * GIGA),
        cuda=[CudaSpecification(memory=24 * GIGA) for _ in range(8)],
        priority=7,
    )
    match = parse("cuda(mem=32G) | cuda(mem=24G) * 4 & cpu(cores=32) | cpu()").match(host)
    assert match.score == 7
    assert str(match.requirement) == "cuda(mem=24G) * 4 & cpu(cores=32)"
    assert len(match.requirement.cuda_gpus) == 4
    for text in ("duration=101h", "cpu(cores=33)", "cpu(mem=130G)", "gpu() * 9", "mps()"):
        assert parse(text).match(host) is None
    assert host.cuda == host.accelerators == [CudaSpecification("24G")] * 8


def test_a_machine_of_which_little_is_said_has_no_gpu_and_enough_of_the_rest():
    host = HostSpecification(cuda=[])
    assert parse("duration=99d & cpu(mem=1T, cores=99)").match(host)
    assert parse("gpu()").match(host) is None


def test_a_machine_may_want_no_small_jobs():
    gpus = [CudaSpecification(80 * GIGA, model="A100", min_memory="40G")] * 2
    host = HostSpecification(accelerators=gpus, min_gpu=1, min_memory="1G")
    assert parse("cuda(mem=48G) & cpu(mem=1G)").match(host)
    for text in ("cuda(mem=48G)", "cuda(mem=8G) & cpu(mem=1G)", "cpu(mem=1G)"):
        assert parse(text).match(host) is None


def test_memory_of_mps_is_the_machine_s():
    host = HostSpecification(accelerators=[MPSSpecification()], cpu=CPUSpecification("16G", 8))
    assert parse("mps(mem=8G) & cpu(mem=8G)").match(host)
    assert parse("gpu(mem=8G) & cpu(mem=9G)").match(host) is None


def test_a_machine_has_resources():
    host = HostSpecification(resources={"licence": 2})
    assert parse("resource(licence) * 2").match(host)
    assert parse("resource(licence) * 3").match(host) is None


def test_a_machine_that_is_said_wrong_is_refused():
    with pytest.raises(ValueError, match="unit of memory"):
        CudaSpecification("24")
    with pytest.raises(TypeError):
        cpu().match(HostSpecification(resources={"licence": "two"}))
    with pytest.raises(TypeError):
        cpu().match(HostSpecification(max_duration="2h"))


# ---- The user's files -----------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XPM_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("XPM_WORKDIR", str(tmp_path / "work"))
    monkeypatch.setattr(LocalConnector, "_instance", None)
    monkeypatch.setattr(LauncherRegistry, "_instance", None)
    return tmp_path


def test_without_a_file_it_is_this_machine_which_is_told_what_is_needed(home):
    for spec in ("cuda(mem=99T) | cpu(cores=1)", parse("cuda(mem=99T) | cpu(cores=1)")):
        launcher = find_launcher(spec, tags={"any"})
        assert isinstance(launcher, DirectLauncher)
        assert str(launcher.requirement) == "cuda(mem=99T) | cpu(cores=1)"
    assert str(find_launcher(cpu(cores=1), "gpu()").requirement) == "cpu(cores=1) | gpu()"
    assert DirectLauncher().requirement is None


def test_without_a_file_this_machine_is_enough_and_what_it_lacks_is_told_once(home, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.warns(UserWarning) as told:
        launchers = [find_launcher("duration=2h & cuda(mem=4G) & cpu(cores=1)") for _ in range(2)]
    assert [str(launcher.requirement) for launcher in launchers] == ["duration=2h & cpu(cores=1)"] * 2
    (warning,) = told
    assert warning.filename == __file__
    assert str(warning.message) == (
        "this machine lacks some of duration=2h & cuda(mem=4G) & cpu(cores=1): 1 CUDA accelerator is "
        'asked for (4 GiB), and this machine has none, as CUDA_VISIBLE_DEVICES is "". Jobs start with '
        f"duration=2h & cpu(cores=1). Other machines are described in {home}/launchers.py")
    with pytest.warns(UserWarning, match="lacks some of cuda"):
        assert str(find_launcher("cuda() & cuda()").requirement) == "cpu()"


def test_tasks_for_a_larger_machine_run_on_this_one(program):
    program.write("plan.py", """
        import os
        from experimaestro import LauncherRegistry, RunMode, Task, experiment
        from experimaestro.launcherfinder import find_launcher

        class Tell(Task):
            def execute(self):
                print("told")

        if __name__ == "__main__":
            LauncherRegistry.set_config_dir(os.path.dirname(__file__))
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
            for mode in (RunMode.DRY_RUN, RunMode.NORMAL):
                with experiment("workspace", "found", run_mode=mode):
                    told = Tell.C().submit(
                        launcher=find_launcher("cuda(mem=4G) * 2 & cpu(mem=99T, cores=9999)"))
            print(told.stdout().read_text().strip())
    """)
    assert program.run("plan.py") == "told\n"
    assert program.errors.count("this machine lacks some of") == 1


LAUNCHERS = """
from __future__ import annotations

from dataclasses import dataclass

from experimaestro.connectors.local import LocalConnector
from experimaestro.launcherfinder import (
    CPUSpecification, CudaSpecification, HostRequirement, HostSpecification
)
from experimaestro.launchers.direct import DirectLauncher

asked = []

@dataclass
class Place:
    host: HostSpecification

SMALL = Place(HostSpecification(cuda=[]))
LARGE = Place(HostSpecification(cuda=[CudaSpecification("24G")] * 2, max_duration=3600))

def find_launcher(requirements: HostRequirement, tags: set[str] = set()):
    asked.append((str(requirements), sorted(tags)))
    for place in (SMALL, LARGE):
        if match := requirements.match(place.host):
            launcher = DirectLauncher(connector=LocalConnector.instance())
            launcher.asked = [*asked]
            launcher.gpus = len(match.requirement.cuda_gpus)
            return launcher
    return None
"""


def test_the_file_is_asked_for_one_alternative_after_the_other(home):
    (home / "launchers.py").write_text(LAUNCHERS)
    launcher = find_launcher("cuda(mem=32G) | cuda(mem=16G) * 2 | cpu()", tags=["b", "a"])
    assert launcher.gpus == 2
    assert launcher.asked == [("cuda(mem=32G)", ["a", "b"]), ("cuda(mem=16G) * 2", ["a", "b"])]
    assert find_launcher(cpu(cores=4), tags="one").asked[2:] == [("cpu(cores=4)", ["one"])]


def test_no_launcher_is_an_error_that_names_the_file_and_what_is_asked(home):
    (home / "launchers.py").write_text(LAUNCHERS)
    with pytest.raises(LauncherNotFoundError) as missing:
        find_launcher("cuda(mem=32G)", duration("2h") & gpu(), tags={"slurm"})
    assert str(missing.value) == (f"{home}/launchers.py has no launcher for\n  cuda(mem=32G)\n"
                                  "  duration=2h & gpu()\nwith the tags slurm")


def test_the_folder_may_be_another_and_a_file_that_changes_is_read_again(home, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    file = folder / "launchers.py"
    file.write_text("def find_launcher(requirements, tags=set()): return None")
    assert isinstance(find_launcher("cpu()"), DirectLauncher)
    LauncherRegistry.set_config_dir(folder)
    with pytest.raises(LauncherNotFoundError):
        find_launcher("cpu()")
    file.write_text(LAUNCHERS)
    assert find_launcher("cpu()").gpus == 0
    LauncherRegistry.set_config_dir(None)
    assert find_launcher("cpu()").requirement == cpu()


@pytest.mark.parametrize("text, error, message", [
    ("", ValueError, r"launchers.py has no function find_launcher\(requirements, tags\)"),
    ("def find_launcher(requirements, tags): return 'here'", TypeError,
     "launchers.py: find_launcher returned 'here': it must return a Launcher, or None"),
    ("def find_launcher(requirements, tags: return", SyntaxError, "launchers.py, line 1"),
    ("1 / 0", ZeroDivisionError, "division"),
])
def test_a_file_that_is_wrong_says_so(home, text, error, message):
    (home / "launchers.py").write_text(text)
    with pytest.raises(error, match=message):
        find_launcher("cpu()")
    with pytest.raises(error, match=message):  # it is not taken for one that was read
        find_launcher("cpu()")


def test_tokens_and_connectors_have_names(home):
    (home / "connectors.yaml").write_text(
        f"here: {{type: local, localpath: {home}/here}}\nplain: {{}}\n")
    (home / "tokens.yaml").write_text("one: 3\nother: {total: 2, connector: here}\n")
    registry = LauncherRegistry.instance()
    assert registry.getConnector("here").localpath == home / "here"
    assert registry.getConnector("local") is registry.getConnector("plain")
    assert registry.getConnector("local") is LocalConnector.instance()
    one, other = registry.getToken("one"), registry.getToken("other")
    assert (one.name, one.total, other.total) == ("one", 3, 2)
    assert home / "work" in one.path.parents
    assert home / "here" in other.path.parents


@pytest.mark.parametrize("tokens, message", [
    (None, r"tokens.yaml has no token 'a': it has none"),
    ("b: 3\nc: 2", r"tokens.yaml has no token 'a': it has b, c"),
    ("a: many", r"tokens.yaml: a: the total is 'many': it must be a whole number"),
    ("a: {connector: local}", r"tokens.yaml: a: the total is None"),
    ("a: {count: 3}", r"tokens.yaml: a.count means nothing: it may have total and connector"),
    ("a: {total: 3, connector: b}", r"connectors.yaml has no connector 'b': it has local"),
    ("[a]", r"tokens.yaml: expected a token's name"),
    ("a: [3\nb", r"tokens.yaml:2: did not find expected"),
])
def test_a_token_that_is_wrong_is_refused_with_its_file_and_place(home, tokens, message):
    if tokens is not None:
        (home / "tokens.yaml").write_text(tokens)
    with pytest.raises(ValueError, match=message):
        LauncherRegistry.instance().getToken("a")


@pytest.mark.parametrize("entry, message", [
    ("3", "connectors.yaml: a: expected what it is"),
    ("{type: rsh}", "connectors.yaml: a: the type is 'rsh': it must be local or ssh"),
    ("{type: ssh}", "connectors.yaml: a: .*host"),
    ("{type: ssh, host: -x}", 'connectors.yaml: a: .*"-x" is no host for ssh'),
    ("{type: ssh, host: b, port: 1}", "connectors.yaml: a.port means nothing"),
    ("{host: b}", "connectors.yaml: a.host means nothing"),
])
def test_a_connector_that_is_wrong_is_refused(home, entry, message):
    (home / "connectors.yaml").write_text(f"a: {entry}")
    with pytest.raises(ValueError, match=message):
        LauncherRegistry.instance().getConnector("a")


def test_a_connector_of_another_machine(home):
    from experimaestro.connectors.ssh import SshConnector

    (home / "connectors.yaml").write_text("far: {type: ssh, host: me@far, options: [-p, 2222]}")
    connector = LauncherRegistry.instance().getConnector("far")
    assert connector == SshConnector("me@far", options=("-p", "2222"))
    (home / "tokens.yaml").write_text("a: {total: 1, connector: far}")
    with pytest.raises(ValueError, match="tokens are of this machine, and the connector 'far'"):
        LauncherRegistry.instance().getToken("a")


def test_tasks_run_where_the_launcher_that_is_found_says(program):
    program.write("launchers.py", """
        from experimaestro import DirectLauncher

        def find_launcher(requirements, tags=set()):
            launcher = DirectLauncher()
            launcher.setenv("NEEDED", str(requirements))
            return launcher
    """)
    program.write("plan.py", """
        import os
        from experimaestro import LauncherRegistry, Task, experiment
        from experimaestro.launcherfinder import find_launcher

        class Tell(Task):
            def execute(self):
                print(os.environ["NEEDED"])

        if __name__ == "__main__":
            LauncherRegistry.set_config_dir(os.path.dirname(__file__))
            with experiment("workspace", "found"):
                told = Tell.C().submit(launcher=find_launcher("cpu(cores=1) | gpu()"))
            print(told.stdout().read_text(), end="")
    """)
    assert program.run("plan.py") == "cpu(cores=1)\n"
