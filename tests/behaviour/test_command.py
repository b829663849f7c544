"""The command, on a workspace that the example in C made."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import pytest
from harness import BUILD, TIMEOUT


def test_version(command):
    assert command("version").stdout == "experimaestro 0.1.0\n"


def test_help_lists_every_command_and_exits_with_0(command):
    result = command("--help")
    assert result.returncode == 0
    for name in ("version", "jobs list", "jobs path JOB", "jobs log JOB", "experiments list", "run PARAMS"):
        assert name in result.stdout


def test_each_command_has_help(command):
    for words in (["version"], ["jobs", "list"], ["jobs", "log"], ["run"], ["experiments", "list"]):
        result = command(*words, "--help")
        assert result.returncode == 0 and result.stdout.startswith("usage: experimaestro " + " ".join(words))


@pytest.mark.parametrize(
    "words, said",
    [
        (["jbos", "list"], "did you mean jobs list?"),
        (["jobs", "lits"], "did you mean jobs list?"),
        (["jbos", "lits"], "did you mean jobs list?"),
        (["experimnts"], "did you mean experiments?"),
        (["aegnt"], "unknown command aegnt\n"),
        (["list"], "unknown command list\n"),
        (["jobs", "list", "--workdri", "x"], "did you mean --workdir?"),
        (["jobs", "list", "--workdri=x"], "unknown option --workdri; did you mean --workdir?"),
        (["jobs", "list", "-x"], "unknown option -x"),
        (["--quite", "jobs", "list"], "did you mean --quiet?"),
        (["jobs", "list", "--count=3"], "no value is taken by --count=3"),
        (["jobs", "log", "--std", "eer", "x"], "--std takes out|err, not eer; did you mean err?"),
        (["jobs", "log", "--std=eer", "x"], "experimaestro: --std takes out|err, not eer; did you mean err?"),
        (["completion", "bsh"], "completion takes bash|zsh|fish, not bsh; did you mean bash?"),
        (["parameters-difference", "a.json"], "missing argument B"),
        (["parameters-difference", "a", "b", "c"], "unexpected argument c"),
        (["jobs", "list", "--workdir"], "a value is missing after --workdir"),
        (["jobs", "path"], "missing argument JOB"),
        (["version", "extra"], "unexpected argument extra"),
        ([], "usage: experimaestro"),
        (["jobs"], "usage: experimaestro jobs"),
    ],
)
def test_a_wrong_command_line_says_what_is_near_and_exits_with_2(command, words, said):
    result = command(*words)
    assert result.returncode == 2
    assert said in result.stderr and result.stdout == ""


@pytest.mark.parametrize("words", [["jobs", "--help"], ["jobs", "-h"], ["--help"], ["jobs", "path", "-h"]])
def test_help_goes_to_the_standard_output(command, words):
    result = command(*words)
    assert (result.returncode, result.stderr) == (0, "") and result.stdout.startswith("usage: ")
    for hidden in ("agent", "complete", "manual-page"):
        assert f"\n  {hidden} " not in result.stdout


def test_options_have_letters_and_end_at_two_dashes(command, made):
    whole = command("jobs", "list", "--count", "--workdir", made).stdout
    assert command("jobs", "list", "-c", f"--workdir={made}").stdout == whole
    assert command("jobs", "path", "--workdir", made, "--", "--count").stderr.startswith(
        "experimaestro: no job is named --count")
    assert "unexpected argument --count" in command("jobs", "list", "--", "--count").stderr


def test_options_of_all_commands_come_before_or_after_its_name(command, tmp_path):
    plain = command("jobs", "list", "--workdir", tmp_path)
    told = command("--traceback", "jobs", "list", "--workdir", tmp_path)
    assert told.returncode == plain.returncode == 1
    assert told.stderr.startswith(plain.stderr) and told.stderr.endswith(f": {tmp_path}\n")
    assert command("jobs", "list", "--debug", "--workdir", tmp_path).stderr == told.stderr
    assert command("--quiet", "jobs", "path").stderr == "experimaestro: missing argument JOB\n"


def test_jobs_list_shows_state_name_and_tags(command, made):
    lines = command("jobs", "list", "--workdir", made).stdout.splitlines()
    assert len(lines) == 7
    assert all(line.startswith("DONE ") for line in lines)
    assert sum("seed.modellearn/" in line and "rate=0." in line for line in lines) == 3


def test_jobs_list_as_json_and_of_one_experiment(command, made):
    out = command("jobs", "list", "--json", "--experiment", "seed", "--workdir", made).stdout
    jobs = [json.loads(line) for line in out.splitlines()]
    assert len(jobs) == 7
    assert {job["state"] for job in jobs} == {"done"}
    assert sorted(job["tags"]["rate"] for job in jobs if job["tags"])[::2] == [0.001, 0.01, 0.1]
    assert all(job["started_time"] <= job["ended_time"] for job in jobs)


@pytest.mark.parametrize("which", [[], ["--experiment", "seed"]])
def test_jobs_list_shows_those_in_some_states_or_counts_them(command, made, which):
    def listed(*words):
        result = command("jobs", "list", "--workdir", made, *which, *words)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    assert listed("--state", "done") == listed("--state", "error,DONE") == listed()
    assert listed("--state", "done", "--json") == listed("--json")
    assert listed("--state", "error,running") == ""
    assert listed("--count") == "DONE        7\n"
    assert listed("--count", "--state", "error,done") == "DONE        7\nERROR       0\n"
    assert json.loads(listed("--count", "--state=done", "--json")) == {"done": 7}
    assert json.loads(listed("--count", "--json"))["waiting"] == 0


@pytest.mark.parametrize(
    "state, said",
    [
        ("dnoe", 'no state is named "dnoe"; did you mean done?'),
        ("done,", 'no state is named "". They are: unscheduled, transient, waiting'),
        ("done,failed", 'no state is named "failed"'),
    ],
)
def test_a_state_that_does_not_exist_is_a_wrong_command_line(command, made, state, said):
    result = command("jobs", "list", "--workdir", made, "--state", state)
    assert result.returncode == 2 and result.stdout == ""
    assert said in result.stderr


def test_what_is_wrong_with_the_index_of_a_workspace_is_nobodys_business(command, made, indexes):
    words = ["jobs", "list", "--workdir", made, "--experiment", "seed", "--count"]
    expected = command(*words).stdout
    for path in indexes.iterdir():
        path.write_text("noise " * 10000)
    for _ in range(2):
        result = command(*words)
        assert (result.returncode, result.stdout, result.stderr) == (0, expected, "")


def test_the_workspace_may_come_from_the_environment_or_the_current_folder(command, made):
    listed = command("jobs", "list", "--workdir", made).stdout
    assert command("jobs", "list", env={"XPM_WORKDIR": str(made)}).stdout == listed
    assert command("jobs", "list", cwd=made, env={}).stdout == listed


def test_jobs_path_and_log_take_the_start_of_a_name(command, made):
    path = command("jobs", "path", "seed.randomfold", "--workdir", made).stdout.strip()
    assert (made / "jobs").samefile(path.rsplit("/", 2)[0])
    folder = next(made.glob("jobs/seed.modellearn/*"))
    log = command("jobs", "log", folder.name[:10], "--workdir", made).stdout
    assert log == (folder / "modellearn.out").read_text() and "learnt in" in log
    assert command("jobs", "log", folder.name, "--std", "err", "--workdir", made).stdout == ""


@pytest.mark.parametrize(
    "words, said",
    [
        (["jobs", "path", "nothing"], "no job is named nothing"),
        (["jobs", "path", "seed."], "more than one job is named seed."),
        (["jobs", "list", "--experiment", "other"], "no experiment other has run"),
        (["jobs", "list", "--experiment", "sead"], "did you mean seed?"),
        (["jobs", "list", "--experiment", "sead", "--count"], "did you mean seed?"),
    ],
)
def test_a_wrong_name_is_an_error(command, made, words, said):
    result = command(*words, "--workdir", made)
    assert result.returncode == 1 and said in result.stderr


def test_a_folder_that_is_no_workspace_is_an_error(command, tmp_path):
    result = command("jobs", "list", "--workdir", tmp_path)
    assert result.returncode == 1 and "is no workspace" in result.stderr
    result = command("jobs", "list", "--workdir", tmp_path / "nowhere")
    assert result.returncode == 1 and "nowhere" in result.stderr


def test_experiments_list(command, made):
    line = command("experiments", "list", "--workdir", made).stdout
    assert line.startswith("seed [") and "done (7/7 jobs)" in line
    described = json.loads(command("experiments", "list", "--json", "--workdir", made).stdout)
    assert described["experiment_id"] == "seed" and described["jobs"] == described["done"] == 7


def test_run_executes_a_native_task_without_record(command, made):
    folder = next(made.glob("jobs/seed.evaluate/*"))
    score = (folder / "score.txt").read_text()
    before = (folder / ".experimaestro/status.json").stat().st_mtime_ns
    (folder / "score.txt").unlink()
    assert command("run", folder / "params.json").returncode == 0
    assert (folder / "score.txt").read_text() == score
    assert (folder / ".experimaestro/status.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "content, said",
    [
        ('{"workspace": "/w", "version": 3, "objects": [{"id"', "is truncated"),
        ('{"workspace": "/w", "version": 4, "objects": [{"id": 1}]}', "is of version 4"),
        ("[]", "is no JSON object"),
        ("", "is empty"),
    ],
)
def test_run_refuses_parameters_that_it_cannot_read(command, tmp_path, content, said):
    (tmp_path / "params.json").write_text(content)
    result = command("run", tmp_path / "params.json")
    assert result.returncode == 1
    assert said in result.stderr and str(tmp_path) in result.stderr


def test_jobs_are_filtered_by_an_expression(command, made):
    def listed(*args):
        return command("jobs", "list", "--workdir", made, *args)

    whole = listed().stdout.splitlines()
    learn = listed("--filter", "@name ~ 'seed\\.modellearn'").stdout.splitlines()
    assert learn == [line for line in whole if " seed.modellearn/" in line] and len(learn) == 3
    one = listed("--filter", "@state = 'DONE' and not (@name != seed.modellearn or rate != 0.1)")
    assert one.stdout.count("\n") == 1 and "rate=0.1" in one.stdout
    assert listed("--filter", "@name != seed.modellearn", "--count").stdout.split() == ["DONE", "4"]
    wrong = listed("--filter", "@state = done and")
    assert wrong.returncode == 2
    assert wrong.stderr.endswith("\n  @state = done and\n                   ^\n")


# ---- Where the output goes ------------------------------------------------------------------------


@pytest.mark.parametrize("restored", [True, False])
def test_a_reader_that_has_gone_ends_it_quietly(made, restored):
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen([BUILD / "experimaestro", "jobs", "list", "--workdir", made], stdout=writer,
                               stderr=subprocess.PIPE, restore_signals=restored)
    os.close(writer)
    assert process.communicate(timeout=TIMEOUT)[1] == b""
    assert process.returncode == -signal.SIGPIPE


def test_output_that_cannot_be_written_is_a_failure(made):
    with open("/dev/full", "w") as full:
        result = subprocess.run([BUILD / "experimaestro", "jobs", "list", "--workdir", made], stdout=full,
                                stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert result.returncode == 1
    assert result.stderr == "experimaestro: the output could not be written: No space left on device\n"


@pytest.fixture
def shown(made):
    """What a command prints on a terminal of so many columns."""
    def shown(columns, *words, **variables):
        terminal, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
        environment |= {"TERM": "xterm", "XPM_WORKDIR": str(made), **variables}
        process = subprocess.Popen([BUILD / "experimaestro", *words], stdout=side, env=environment)
        os.close(side)
        out = b""
        try:
            while piece := os.read(terminal, 4096):
                out += piece
        except OSError:  # EIO: nobody has the other side any more
            pass
        os.close(terminal)
        assert process.wait(TIMEOUT) == 0
        return out.decode().replace("\r\n", "\n")

    return shown


def plain(text):
    return re.sub("\033\\[[0-9]*m", "", text)


@pytest.mark.parametrize("words", [["jobs", "list"], ["experiments", "list"], ["--help"], ["jobs", "list", "--help"]])
def test_what_a_terminal_shows_fits_it(shown, words):
    for columns in (60, 200):
        lines = plain(shown(columns, *words)).splitlines()
        assert lines and max(map(len, lines)) <= columns
    assert max(map(len, plain(shown(200, *words, COLUMNS="60")).splitlines())) <= 60


def test_a_terminal_shows_states_in_colours(shown, command, made):
    jobs = shown(200, "jobs", "list")
    assert jobs.count("\033[32mDONE\033[0m") == 7
    uncut = command("jobs", "list", "--workdir", made, env={**os.environ, "COLUMNS": "20"}).stdout
    assert "\033" not in uncut and "…" not in uncut
    assert [line.split() for line in plain(jobs).splitlines()] == [line.split() for line in uncut.splitlines()]
    heads, row = shown(200, "experiments", "list").splitlines()
    assert plain(heads).split() == ["experiment", "host", "run", "state", "done"]
    assert "\033[32mdone\033[0m" in row and heads.startswith("\033[1mexperiment\033[0m")
    assert plain(row).split() == command("experiments", "list", "--workdir", made).stdout.split()
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert shown(200, "jobs", "list", **variables) == plain(jobs)
    assert shown(60, "jobs", "list", "--json") == command("jobs", "list", "--json", "--workdir", made).stdout


def test_what_is_cut_still_names_a_job(shown, command, made):
    row = plain(shown(60, "jobs", "list")).splitlines()[0].split()
    assert row[1].endswith("…")
    assert command("jobs", "path", row[1][:-1], "--workdir", made).returncode == 0
