"""The programs of README.md and docs/ run as they stand, and print what the page says.

A block of code whose first line is "```python run" or "```c run" is a whole program: it is put in
an empty folder and run there, a C one with the arguments `run workspace`. "```c build NAME" is a
program that the later ones of its page need: it is compiled as NAME in their folder. A block
"```output" right after a program is what it prints; "..." in it stands for any text. Of the pages on
launchers, the blocks that are no whole programs are run or compiled, too.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("XPM_SOURCE") or Path(__file__).parents[2])
BUILD = Path(os.environ.get("XPM_BUILD") or ROOT / "build")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(.+)\n((?:.*\n)*?)```$", re.MULTILINE)
OUTPUT = re.compile(r"\s*^```output\n((?:.*\n)*?)```$", re.MULTILINE)


def programs():
    for page in PAGES:
        text = page.read_text()
        built = []
        for block in BLOCK.finditer(text):
            language, *words = block[1].split()
            if words[:1] == ["build"]:
                built.append((words[1], block[2]))
            elif words == ["run"]:
                output = OUTPUT.match(text, block.end())
                line = text.count("\n", 0, block.start()) + 1
                yield pytest.param(language, block[2], output and output[1], tuple(built),
                                   id=f"{page.name}:{line}")


def compile_c(folder, name, source):
    (folder / f"{name}.c").write_text(source)
    command = [*shlex.split(os.environ.get("CC") or "cc"), "-Wall", "-Wextra", "-Werror",
               f"{name}.c", "-o", name, f"-I{ROOT}/include", f"-L{BUILD}", "-lexperimaestro",
               f"-Wl,-rpath,{BUILD}", "-lm"]
    subprocess.run(command, cwd=folder, check=True)


def matches(output, expected):
    pattern = ".*?".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, output, re.DOTALL) is not None


@pytest.mark.parametrize("language, source, expected, built", [*programs()])
def test_a_program_of_the_manual_runs_and_prints_what_the_page_says(
    tmp_path, language, source, expected, built
):
    for name, text in built:
        compile_c(tmp_path, name, text)
    if language == "c":
        compile_c(tmp_path, "program", source)
        command = ["./program", "run", "workspace"]
    else:
        (tmp_path / "program.py").write_text(source)
        command = [sys.executable, "program.py"]
    ended = subprocess.run(command, cwd=tmp_path, text=True, timeout=60, capture_output=True)
    assert ended.returncode == 0, ended.stderr
    if expected is not None:
        assert matches(ended.stdout, expected), f"printed:\n{ended.stdout}\n{ended.stderr}"


LAUNCHERS = ["launchers", "requirements", "slurm", "ssh"]


def fragments(page, language):
    text = (ROOT / f"docs/{page}.md").read_text()
    return [block[2] for block in BLOCK.finditer(text) if block[1] == language]


@pytest.mark.parametrize("page", [page for page in LAUNCHERS if fragments(page, "python")])
def test_a_fragment_of_a_page_on_launchers_is_executed_after_those_before(page, tmp_path):
    program = "\n".join(["from unittest.mock import Mock as Learn", *fragments(page, "python")])
    if page == "requirements":
        program += ("\nfrom experimaestro.launcherfinder.parser import parse"
                    "\nassert find_launcher(parse('cpu(cores=2)')).requirement == parse('cpu(cores=2)')")
    (tmp_path / "program.py").write_text(program)
    ended = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, text=True, timeout=60,
                           capture_output=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("page", [page for page in LAUNCHERS if fragments(page, "c")])
def test_a_fragment_in_c_of_a_page_on_launchers_is_compiled(page, tmp_path):
    for number, fragment in enumerate(fragments(page, "c")):
        compile_c(tmp_path, f"fragment{number}", f"""
            #include <experimaestro.h>
            int part(xpm_experiment *xp, xpm_config *task, xpm_requirement *requirement, xpm_error *err);
            int part(xpm_experiment *xp, xpm_config *task, xpm_requirement *requirement, xpm_error *err)
            {{
                (void)task, (void)requirement;
                {fragment}
                return 0;
            }}
            int main(void) {{ return 0; }}
        """)


def test_the_manual_has_programs_in_both_languages():
    languages = {program.values[0] for program in programs()}
    assert languages == {"python", "c"}


def test_every_page_that_the_readme_links_to_exists():
    text = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links and [link for link in links if not (ROOT / link).exists()] == []
