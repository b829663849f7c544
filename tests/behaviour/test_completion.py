"""What is made of the table of commands: completion, in real shells, and man pages."""

import os
import pty
import re
import subprocess

import pytest
from harness import BUILD, TIMEOUT, await_file, run


@pytest.fixture
def here(tmp_path, made):
    """A folder with a workspace and a file in it, for command lines that name them."""
    (tmp_path / "workspace").mkdir()
    for name in ("jobs", "experiments"):
        (tmp_path / "workspace" / name).symlink_to(made / name)
    (tmp_path / "plan.json").touch()
    return tmp_path


@pytest.fixture
def variables(here):
    return {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}", "HOME": str(here), "XPM_WORKDIR": "workspace"}


@pytest.fixture
def hash_of_a_job(made):
    return next(made.glob("jobs/seed.evaluate/*")).name


@pytest.fixture
def offered(command, here, variables):
    """The words that the last of a command line may be."""
    def offered(*words):
        result = command("complete", "--", *words, cwd=here, env=variables)
        assert (result.returncode, result.stderr) == (0, "")
        return [line.split("\t")[0] for line in result.stdout.splitlines()]

    return offered


# ---- What may come next ---------------------------------------------------------------------------


def test_commands_come_first_and_hidden_ones_do_not(offered):
    assert offered("e") == ["experiments", "explain"]
    assert offered("jobs", "") == ["list", "log", "path"]
    assert offered("a") == offered("manual") == offered("nothing", "") == []
    assert {"--help", "--version", "--debug"} <= set(offered("-"))


@pytest.mark.parametrize(
    "words, expected",
    [
        (["jobs", "log", "--"], ["--workdir", "--workspace", "--std", "--help"]),
        (["jobs", "list", "--c"], ["--count"]),
        (["version", ""], []),
        (["jobs", "log", "--std", ""], ["out", "err"]),
        (["jobs", "log", "--std=e"], ["--std=err"]),
        (["jobs", "log", "--std", "="], ["out", "err"]),
        (["jobs", "log", "--std", "=", "e"], ["err"]),
        (["completion", "f"], ["fish"]),
        (["jobs", "list", "--state", "done,e"], ["done,error"]),
        (["jobs", "list", "--state=r"], ["--state=ready", "--state=running"]),
        (["jobs", "list", "--filter", ""], []),
        (["--debug", "jobs", "list", "--workdir", ""], [":folder"]),
        (["parameters-difference", "a", ""], [":file"]),
        (["jobs", "list", "--experiment", ""], ["seed"]),
        (["jobs", "list", "--workdir", "nowhere", "--experiment", ""], []),
        (["jobs", "path", "--", "-"], []),
    ],
)
def test_what_a_word_may_be_depends_on_those_before(offered, words, expected):
    assert offered(*words) == expected


def test_jobs_are_offered_by_their_name_or_hash(offered, made, hash_of_a_job):
    names = sorted(f"{path.parent.name}/{path.name}" for path in made.glob("jobs/*/*"))
    assert sorted(offered("jobs", "path", "")) == names
    assert offered("jobs", "path", hash_of_a_job[:12]) == [hash_of_a_job]
    assert offered("explain", "--workdir=nowhere", "") == []
    assert set(offered("explain", "seed.modellearn/")) == {name for name in names if "modellearn" in name}


# ---- In the shells --------------------------------------------------------------------------------

BASH = """
source <(experimaestro completion bash)
dump() { printf '%s\\n' "$READLINE_LINE" >>lines; READLINE_LINE= READLINE_POINT=0; }
bind -x '"\\C-g": dump'
"""
ZSH = """
autoload -U compinit && compinit -u -D
source <(experimaestro completion zsh)
dump() { print -r -- "$BUFFER" >>lines; BUFFER= }
zle -N dump
bindkey -e
bindkey '^G' dump
"""
ZSH_INSTALLED = ZSH.replace("autoload", f"fpath=('{BUILD}/docs' $fpath)\nautoload").replace("\nsource <(experimaestro completion zsh)", "")


def test_workspaces_of_the_settings_are_offered_and_what_they_hold(offered, here, variables, made, hash_of_a_job):
    (here / "settings.yaml").write_text(f"workspaces:\n- {{id: mine, path: {made}}}\n- {{id: other, path: ~/o}}\n")
    variables.update(XPM_CONFIG_DIR=str(here), XPM_WORKDIR="/nowhere")
    assert offered("jobs", "list", "--workspace", "") == ["mine", "other"]
    assert offered("jobs", "path", "--workspace", "mine", f"seed.evaluate/{hash_of_a_job[:6]}") == [
        f"seed.evaluate/{hash_of_a_job}"]
    (here / "settings.yaml").write_text("workspaces: 3\n")
    assert offered("jobs", "list", "--workspace", "") == []


@pytest.fixture
def lines(hash_of_a_job):
    """What is typed before the key is pressed, and the line that it becomes."""
    return {
        "jobs pa": "jobs path",
        "jobs list --exp": "jobs list --experiment",
        "jobs log --std e": "jobs log --std err",
        "jobs list --state done,er": "jobs list --state done,error",
        "jobs list --state=er": "jobs list --state=error",
        "jobs list --experiment s": "jobs list --experiment seed",
        f"explain {hash_of_a_job[:12]}": f"explain {hash_of_a_job}",
        "jobs list --workdir wor": "jobs list --workdir workspace/",
        "jobs list --workdir=wor": "jobs list --workdir=workspace/",
        "run pla": "run plan.json",
    }


@pytest.mark.parametrize("script, start", [
    pytest.param(BASH, ["bash", "--rcfile", ".zshrc", "-i"], id="bash"), pytest.param(ZSH, ["zsh", "-i"], id="zsh"),
    pytest.param(ZSH_INSTALLED, ["zsh", "-i"], id="zsh-installed"),
])
def test_an_interactive_shell_completes_a_line(here, variables, lines, script, start):
    (here / ".zshrc").write_text(script)
    (here / "lines").touch()
    terminal, side = pty.openpty()
    process = subprocess.Popen(["setsid", "--ctty", *start], stdin=side, stdout=side, stderr=side, cwd=here,
                               env={**variables, "TERM": "xterm", "ZDOTDIR": str(here)})
    os.close(side)
    for number, typed in enumerate(lines, 1):
        os.write(terminal, f"experimaestro {typed}\t\a".encode())
        await_file(here / "lines", lambda text: text.count("\n") == number)
    os.write(terminal, b"exit\n")
    process.wait(TIMEOUT)
    os.close(terminal)
    completed = [line.strip() for line in (here / "lines").read_text().splitlines()]
    assert completed == [f"experimaestro {line}" for line in lines.values()]


def test_fish_completes_a_line(here, variables, lines):
    for typed, line in lines.items():
        result = run("fish", "--no-config", "-c", "experimaestro completion fish | source; complete -C $argv[1]",
                     f"experimaestro {typed}", cwd=here, env=variables)
        assert result.stderr == ""
        assert [word.split("\t")[0] for word in result.stdout.splitlines()] == [line.split()[-1]]


# ---- Man pages ------------------------------------------------------------------------------------


def read_page(name):
    page = run("mandoc", "-Tascii", BUILD / f"docs/{name}.1")
    assert (page.returncode, page.stderr) == (0, "")
    return re.sub(".\b", "", page.stdout)  # letters are made bold by printing them twice


def test_each_command_has_a_page_with_all_its_options(command):
    names = re.findall(r"^  ([a-z-]+(?: [a-z-]+(?= ))*) ", command("--help").stdout, re.MULTILINE)
    assert {"jobs list", "completion", "version"} <= set(names)
    for name in names:
        page = "experimaestro-" + name.replace(" ", "-")
        text = read_page(page)
        for option in re.findall(r"^ +(?:-\w, )?(--[\w-]+)", command(*name.split(), "--help").stdout, re.MULTILINE):
            assert text.count(option) >= 2, (name, option)  # in the synopsis, and what it does
        assert f"{page}(1)" in read_page("experimaestro")


def test_pages_are_without_fault():
    pages = sorted((BUILD / "docs").glob("*.1"))
    assert len(pages) > 10
    result = run("mandoc", "-Tlint", "-W", "warning", *pages)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_text_of_no_command_is_refused(command, tmp_path):
    (tmp_path / "jobs-lsit.mdoc").write_text(".Dd May 1, 2026\nText.\n")
    result = command("manual-page", tmp_path / "jobs-lsit.mdoc")
    assert result.returncode == 1 and "is the text of no command" in result.stderr
    (tmp_path / "jobs-list.mdoc").write_text("Text.\n")
    result = command("manual-page", tmp_path / "jobs-list.mdoc")
    assert result.returncode == 1 and "does not begin with" in result.stderr


def test_pages_and_scripts_are_installed_where_they_are_looked_for(tmp_path):
    result = run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", tmp_path, "--tags", "man,completion")
    assert result.returncode == 0, result.stderr
    installed = {"/".join(path.parts[-3:]) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"man/man1/experimaestro.1", "man/man1/experimaestro-jobs-list.1",
            "bash-completion/completions/experimaestro", "zsh/site-functions/_experimaestro",
            "fish/vendor_completions.d/experimaestro.fish"} <= installed
