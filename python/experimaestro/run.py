"""What runs inside a task's process.

The script in a job's directory calls main(__file__). `python -m experimaestro.run PARAMS` executes
the task of a params.json in this process, without lock, without markers, in the current directory.
`python -m experimaestro.run --array LIST` is what Slurm starts: it runs one job of a batch.
"""

import _signal  # importing signal takes longer than all that is done with it here
import os
import sys

from . import _engine

# Of the task that runs: set while it does.
task = None
directory = main_directory = workspace = None


def main(script, variables=None):
    """Runs the job in whose directory the script is, or another file; does not return. variables: those that the
    experiment gave to the job, a dict of bytes. A shell that starts the script has them not; a launcher has set
    them, and over them what tells of the job's share of the machine."""
    if "XPM_JOB_LOCK" not in os.environ:
        os.environb.update(variables or {})
    folder = os.path.dirname(os.path.abspath(script))
    # Python has put the script's folder first: a module of the task's name would be found in it.
    if sys.path and os.path.abspath(sys.path[0]) == folder:
        del sys.path[0]
    add_python_path()
    params = os.path.join(folder, "params.json")
    status = _engine.run(params, resolve, execute)
    warm = sys.modules.get("experimaestro.warm")
    if warm is not None:
        warm.status = status
    sys.exit(status)


def element(array):
    """Runs the job of a batch of Slurm (WORKSPACE/.experimaestro/slurm/TOKEN.array) that this process
    was started for; does not return."""
    here = os.getcwd()
    params, environment = _engine.enter_array(array)
    for name in os.environb.keys() - environment.keys():
        del os.environb[name]
    os.environb.update(environment)
    if sys.path and sys.path[0] == here:  # which -m has put there
        del sys.path[0]
    main(params)


def add_python_path():
    for place in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if place and place not in sys.path:
            sys.path.append(place)


def module_of(module, file=None):
    """The module of a name. A script is run, once, under the name _main_, so that what it does under
    `if __name__ == "__main__"` is not done."""
    if module in ("__main__", "_main_"):
        return script(file)
    found = sys.modules.get(module)
    if found is not None:
        return found
    from importlib import import_module

    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if file is None or error.name != module:
            raise
        return script(file)  # a module that was beside the script that made it


def find(module, qualname, file=None):
    """The class or enumeration of a name."""
    found = module_of(module, file)
    for name in qualname.split("."):
        if name == "<locals>":
            raise ImportError(
                f"{module}.{qualname} is defined inside a function: move it to the top of {module}"
            )
        found = getattr(found, name)
    return found


def script(file):
    module = sys.modules.get("_main_")
    if module is not None and file in (None, module.__file__):
        return module
    main = sys.modules["__main__"]
    if file is None or os.path.abspath(getattr(main, "__file__", None) or "") == file:
        return main
    with open(file, "rb") as source:
        code = compile(source.read(), file, "exec")
    module = sys.modules["_main_"] = type(sys)("_main_")
    module.__file__ = file
    try:
        exec(code, vars(module))
    except BaseException:
        del sys.modules["_main_"]
        raise
    return module


def resolve(name, module, qualname, file):
    """The Class of an object in params.json."""
    from .declare import complete

    try:
        cls = find(module, qualname, file)
    except (ImportError, AttributeError, FileNotFoundError):
        cls = renamed(f"{module}.{qualname}")
        if cls is None:
            raise
    return complete(cls)


def renamed(name):
    """The class that @renamed_from says had this name, if a module that was imported has one."""
    deprecated = sys.modules.get("experimaestro.deprecated")
    return deprecated and deprecated.renamed.get(name.lower())


def execute(config, job_directory, job_workspace, tags, shared):
    """Executes a task: makes the instances, then executes the init tasks and the task."""
    from .config import ResumableTask

    global task, directory, main_directory, workspace
    directory, workspace = job_directory, job_workspace
    main_directory = shared or directory
    if shared:
        os.makedirs(shared, exist_ok=True)
    for name in ("XPM_JOB_LOCK", "XPM_JOB_START"):
        os.environ.pop(name, None)  # the engine has read it, and no child needs it
    catch_signals()
    _engine.set_running(True)
    task, init_tasks = config._instances(isinstance(config, ResumableTask))
    task.__tags__ = tags
    for init in init_tasks:
        init.execute()
    task.execute()


def catch_signals():
    """From now on, being told to end raises TaskCancelled; forked children are told as any process."""
    from . import ending

    if _signal.getsignal(_signal.SIGTERM) == _signal.SIG_DFL:
        for number in (_signal.SIGTERM, _signal.SIGINT):
            _signal.signal(number, ending.cancelled)
        _engine.on_cancel()


def register_output(method, args, kwargs):
    """See Task.register_task_output."""
    owner = getattr(method, "__self__", None)
    identifier = getattr(owner, "__dict__", {}).get("__xpmidentifier__")
    if identifier is None:
        raise TypeError(f"{method!r} is not a method of a task that runs, nor of what it was given: "
                        "what it makes could not be made in the process of the experiment")
    _engine.register_output(identifier, method.__name__, list(args), kwargs)


def alone(params):
    """Executes the task of a params.json here."""
    import json

    from .logs import configure

    configure()
    config = _engine.load(params, resolve)
    with open(params) as file:
        content = json.load(file)
    place = os.path.dirname(os.path.abspath(params))
    execute(config, place, content.get("workspace"), content.get("tags") or {}, None)


if __name__ == "__main__":
    # This module is __main__ here, and the rest of the package looks for experimaestro.run.
    from experimaestro.run import alone as run_alone, element as run_element

    if len(sys.argv) == 3 and sys.argv[1] == "--array":
        run_element(sys.argv[2])
    if len(sys.argv) != 2:
        sys.exit("usage: python -m experimaestro.run PARAMS\n"
                 "       python -m experimaestro.run --array LIST")
    run_alone(sys.argv[1])
