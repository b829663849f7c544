"""Run in an environment that has packages of configurations, and the package or the original.

configurations.py build PACKAGE...: makes a configuration of each class that the packages define,
    and prints a JSON array: {"class", "module", "parameters", "identifier"} or {..., "error"}.
configurations.py rebuild < ARRAY: makes them from that, and prints the same.
configurations.py save FOLDER < ARRAY: the same, saves each in the folder, and loads it.
"""

import importlib
import json
import logging
import pkgutil
import sys
import warnings
from pathlib import Path

from experimaestro import Config, DirectoryContext, Task
from experimaestro.experiments import mock_modules

# What xpm-torch imports and computes with, but for which its configurations can be made.
mock_modules(["torch", "lightning", "pytorch_lightning", "torchdata", "safetensors", "tensorboard",
              "huggingface_hub", "xpm_mlboard", "matplotlib"])


def modules_of(package):
    """The modules of a package that can be imported here, and why others cannot."""
    root = importlib.import_module(package)
    yield package, None
    for found in pkgutil.walk_packages(root.__path__, package + ".", onerror=lambda name: None):
        if ".test" in found.name or found.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(found.name)
            yield found.name, None
        except Exception as error:
            yield found.name, f"{type(error).__name__}: {error}"


def classes_of(packages):
    """The classes of configurations of packages, each once, in order of name."""
    found = {}
    for package in packages:
        for name, error in modules_of(package):
            if error:
                print(f"{name}: {error}", file=sys.stderr)
                continue
            for value in vars(sys.modules[name]).values():
                if isinstance(value, type) and issubclass(value, Config):
                    if value.__module__.split(".")[0] == package:
                        found[f"{value.__module__}.{value.__qualname__}"] = value
    return [found[name] for name in sorted(found)]


# ---- Values, as JSON ------------------------------------------------------------------------------


def example(type_, classes, depth=0):
    """A value of a type, as JSON: a text, a number, a list, {"set": [...]}, or
    {"module", "class", "parameters"}."""
    text = str(type_)
    plain = {"int": 3, "float": 0.25, "bool": True, "str": "text", "path": __file__, "any": 7}
    if text in plain:
        return plain[text]
    if text.startswith("list["):
        return [] if text[5:-1] not in plain else [plain[text[5:-1]]] * 2
    if text.startswith("set["):
        return {"set": [] if text[4:-1] not in plain else [plain[text[4:-1]]]}
    if text.startswith("dict["):
        return {}
    cls = type_.config_class()
    if cls is None or depth > 4:
        raise ValueError(f"no example of {text}")
    concrete = [other for other in classes if issubclass(other, cls) and not issubclass(other, Task)]
    for candidate in concrete or [cls]:
        try:
            description = described(candidate, classes, depth + 1)
            made(description)
            return description
        except (ValueError, TypeError):  # TypeError for one that is abstract
            continue
    raise ValueError(f"no example of {text}")


def described(cls, classes, depth=0):
    """A configuration of a class, as JSON: what it requires has a value."""
    parameters = {
        name: example(argument.type, classes, depth)
        for name, argument in cls.__getxpmtype__().arguments.items()
        if argument.required
    }
    return {"module": cls.__module__, "class": cls.__qualname__, "parameters": parameters}


def made(value):
    """The value of its JSON."""
    if isinstance(value, list):
        return [made(item) for item in value]
    if isinstance(value, dict) and "set" in value:
        return {made(item) for item in value["set"]}
    if not isinstance(value, dict) or "class" not in value:
        return value
    found = importlib.import_module(value["module"])
    for name in value["class"].split("."):
        found = getattr(found, name)
    return found.C(**{name: made(item) for name, item in value["parameters"].items()})


def identified(description):
    description = {key: description[key] for key in ("module", "class", "parameters")}
    try:
        config = made(description)
        return {**description, "identifier": config.__xpm__.identifier.all.hex()}
    except Exception as error:
        return {**description, "error": f"{type(error).__name__}: {error}"}


def build(packages):
    classes = classes_of(packages)
    for cls in classes:
        try:
            yield identified(described(cls, classes))
        except Exception as error:
            # Without values for its parameters there is nothing to make, in either package.
            name = {"module": cls.__module__, "class": cls.__qualname__, "parameters": None}
            yield {**name, "error": f"{type(error).__name__}: {error}"}


def save(descriptions, folder):
    from experimaestro import load
    from experimaestro import save as save_in

    for number, description in enumerate(descriptions):
        place = Path(folder, str(number))
        place.mkdir(parents=True)
        config = made(description)
        try:
            config.__xpm__.seal(DirectoryContext(place))
        except (ImportError, AssertionError):  # a __validate__ of the package's: the values are
            # made up, and a library that it needs may not be installed here
            yield description
            continue
        save_in(config, place)
        loaded = load(place)
        yield {**description, "identifier": loaded.__xpm__.identifier.all.hex()}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    verb, *arguments = sys.argv[1:]
    if verb == "build":
        result = build(arguments)
    else:
        given = json.load(sys.stdin)
        result = save(given, *arguments) if verb == "save" else map(identified, given)
    json.dump(list(result), sys.stdout, indent=1)
