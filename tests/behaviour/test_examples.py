"""The examples in C run, print what they are about, and have nothing to do the second time."""

import shutil
import sys

import pytest
from harness import BUILD, SOURCE, run

PRINTED = {
    "box": "12 samples, each on 1 core: pi is about 3.14\n",
    "checkpoints": "from epoch 0 to 10\nfrom epoch 10 to 25\n",
    "stages": "55, tagged 1\n110, tagged 2\n",
    "values": "small: 1 layers, tanh, no dropout\nlarge: 2 layers, relu, with dropout\n"
    "2 metrics, on 0.1 of the data\n",
}


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_is_about(name, workspace):
    first = run(BUILD / "examples" / name, "run", workspace)
    again = run(BUILD / "examples" / name, "run", workspace)
    assert first.returncode == 0 and again.returncode == 0, first.stderr
    assert first.stdout.startswith(PRINTED[name])
    assert again.stdout.startswith(PRINTED[name])
    assert "0 started (nothing to do)" in again.stdout


def test_the_box_in_python_runs_once(workspace):
    for _ in range(2):
        done = run(sys.executable, SOURCE / "examples/box.py", workspace)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "12 samples, each on 1 core: pi is about 3.141\n"
    runs = workspace.glob("jobs/__main__.sample/*/sample.out")
    assert len([*runs]) == 12 and not [*workspace.glob("jobs/*/*/*.failed")]


def test_each_example_is_run_by_a_test():
    names = {path.stem for path in (SOURCE / "examples").glob("*.c")}
    assert names == {"seed", *PRINTED}
    assert {path.stem for path in (SOURCE / "examples").glob("*.py")} == {"box", "digits"}


PROGRAM = """
#include <experimaestro.h>
#include <cstdio>

int main()
{
    xpm_error err = {};
    xpm_declaration declaration = {};
    declaration.name = declaration.qualname = "plus.model";
    declaration.module = "";
    declaration.origin = "here";
    declaration.language = "c";
    xpm_class *model = xpm_class_declare(&declaration, &err);
    xpm_parameter gamma = {};
    gamma.name = "gamma";
    gamma.type = xpm_type_parse("list[float]", &err);
    if (model == nullptr || xpm_class_add(model, &gamma, &err) < 0)
        return 1;
    xpm_config *config = xpm_config_ref(xpm_config_new(model));
    xpm_value values = xpm_list_new();
    xpm_list_append(&values, xpm_float(0.5));
    if (xpm_config_set(config, "gamma", values, &err) < 0 ||
        xpm_config_seal(config, nullptr, &err) < 0)
        return 1;
    std::printf("%g\\n", xpm_list_at(xpm_config_get(config, "gamma"), 0)->as.real);
    xpm_config_unref(config);
    xpm_reset();
    return 0;
}
"""


@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler")
@pytest.mark.parametrize("standard", ["c++17", "c++20"])
def test_a_program_in_cxx_uses_the_functions(tmp_path, standard):
    (tmp_path / "plus.cc").write_text(PROGRAM)
    compiled = run("c++", f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                   f"-I{SOURCE}/include", tmp_path / "plus.cc", "-o", tmp_path / "plus",
                   f"-L{BUILD}", "-lexperimaestro", f"-Wl,-rpath,{BUILD}")
    assert compiled.returncode == 0, compiled.stderr
    assert run(tmp_path / "plus").stdout == "0.5\n"


WRONG = {
    "XPM_INT(m)": "double m;",
    "XPM_FLOAT(m)": "float m;",
    "XPM_STR(m)": "char m[8];",
    "XPM_INTS(m)": "xpm_floats m;",
    "XPM_STRS(m)": "xpm_ints m;",
    'XPM_ARRAY(m, "set[int]")': "int64_t m;",
    'XPM_ARRAY(m, "list[str]")': "struct { int count; const char *const *items; } m;",
    'XPM_ENUM(m, "t.Color")': "int64_t m;",
    'XPM_OBJECT(m, "t.other")': "int64_t m;",
    'XPM_OBJECTS(m, "t.other")': "xpm_ints *m;",
    'XPM_NAMED(m, "t.other")': "xpm_objects m;",
    'XPM_VALUE(m, "any")': "xpm_value m;",
    'XPM_FILE(m, "f")': "int64_t m;",
}
RIGHT = {
    "XPM_INT(m)": "const int64_t *m;",
    "XPM_FLOAT(m, XPM_DEFAULT(0.5))": "double m;",
    'XPM_ENUM(m, "t.Color")': "enum { A, B } m;",
    'XPM_OBJECT(m, "t.other")': "struct later *m;",
    'XPM_ARRAY(m, "list[str]")': "xpm_texts m;",
    'XPM_VALUE(m, "any")': "const xpm_value *m;",
}


def compile_member(folder, compiler, macro, member):
    source = folder / "program.c"
    source.write_text(f"#include <experimaestro.h>\ntypedef struct {{ {member} }} t;\n"
                      f'XPM_CONFIG(t, "t.t", {macro});\n')
    return run(compiler, "-std=gnu17", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
               f"-I{SOURCE}/include", "-c", source, "-o", folder / "program.o")


@pytest.mark.unsanitized
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_member_of_another_type_does_not_compile(tmp_path, compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    for macro, member in WRONG.items():
        assert compile_member(tmp_path, compiler, macro, member).returncode != 0, (macro, member)
    for macro, member in RIGHT.items():
        compiled = compile_member(tmp_path, compiler, macro, member)
        assert compiled.returncode == 0, compiled.stderr
