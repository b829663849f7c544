"""Builds what it is told to, with whichever experimaestro its interpreter has, and says what became
of it. A line of standard input is a program (random_programs.py), a line of the output its result:

    {"refused": [step, [exception and its bases], message] or null,
     "identifiers": {"o1": 64 digits, or the name of an exception},
     "partials": {"o1.p1": the same}}

Both packages get the same lines, so what differs is theirs.
"""

import json
import logging
import os
import sys
import tempfile
import types
import warnings


def outcome(error):
    return [cls.__name__ for cls in type(error).__mro__[:-2]]


def digits(compute):
    try:
        return compute().all.hex()
    except Exception as error:
        return outcome(error)[0]


def partial_identifier(config, name):
    information = config.__xpm__
    get = getattr(information, "get_partial_identifier", None) or information.partial_identifier
    return get(getattr(type(config), name))


def declare(program):
    """The module that the program's classes are in, which both packages look up by name."""
    module = types.ModuleType(program["module"])
    module.__file__ = f"/{program['module']}.py"
    sys.modules[program["module"]] = module
    return module.__dict__


def build(program):
    names, refused = declare(program), None
    for number, step in enumerate([program["declarations"], *program["steps"]]):
        try:
            exec(compile(step, f"{program['module']}.py", "exec"), names)
        except Exception as error:
            refused = [number, outcome(error), str(error)]
            break
    return {
        "refused": refused,
        "identifiers": {
            name: digits(lambda: names[name].__xpm__.identifier)
            for name in program["objects"]
            if name in names
        },
        "partials": {
            f"{name}.{which}": digits(lambda: partial_identifier(names[name], which))
            for name, which in program["partials"]
            if name in names
        },
    }


def main():
    # Both packages print what they would run; the results have a stream of their own.
    results = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    sys.dont_write_bytecode = True

    from experimaestro import RunMode, experiment

    with tempfile.TemporaryDirectory() as workspace:
        with experiment(workspace, "property", run_mode=RunMode.DRY_RUN):
            for line in sys.stdin:
                print(json.dumps(build(json.loads(line))), file=results, flush=True)


if __name__ == "__main__":
    main()
