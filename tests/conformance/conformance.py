"""conformance.py FILE: recomputes the identifiers of a file of vectors through the public Python
package. Prints the names of the cases that differ, then `N cases, M differ`; fails if M > 0."""

import enum
import json
import os
import sys
import tempfile

from experimaestro import (
    Any,
    Config,
    Constant,
    InstanceConfig,
    LightweightTask,
    Meta,
    Param,
    Path,
    PathGenerator,
    RunMode,
    Task,
    experiment,
    field,
    param_group,
    partial,
    setmeta,
)

KINDS = {
    "config": Config,
    "instance": InstanceConfig,
    "lightweight": LightweightTask,
    "task": Task,
}
SCALARS = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "path": Path,
    "any": Any,
}


class Vectors:
    """The types of a file, as classes."""

    def __init__(self, content):
        self.enums = {e["name"]: make_enum(e) for e in content["enums"]}
        self.classes = {}
        for description in content["types"]:
            self.classes[description["name"]] = self.make_class(description)

    def type(self, text):
        """The Python type of "dict[str,list[config:leaf]]?"."""
        if text.endswith("?"):
            return self.type(text[:-1]) | None
        if text.endswith("]"):
            origin, inner = text[:-1].split("[", 1)
            items = tuple(self.type(part) for part in split(inner))
            return {"list": list, "set": set, "dict": dict}[origin][items]
        if "|" in text:
            first, second = text.split("|", 1)
            return self.type(first) | self.type(second)
        kind, _, name = text.partition(":")
        if kind == "config":
            return self.classes[name]
        return self.enums[name] if kind == "enum" else SCALARS[text]

    def make_class(self, description):
        namespace = {
            "__annotations__": {},
            "__module__": description.get("module", "vectors"),
            "__qualname__": description.get("qualname", description["name"]),
        }
        if "xpmid" in description:
            namespace["__xpmid__"] = description["xpmid"]
        for name, rule in description.get("partials", {}).items():
            namespace[name] = partial(
                exclude_groups=[param_group(g) for g in rule.get("exclude", ())],
                include_groups=[param_group(g) for g in rule.get("include", ())],
                exclude_all=rule.get("exclude_all", False),
                exclude_no_group=rule.get("exclude_no_group", False),
            )
        for parameter in description["args"]:
            self.add_parameter(namespace, parameter)
        if description["kind"] == "task":
            namespace["task_outputs"] = lambda self, dep: dep  # see Case.submit
        base = self.classes[description["base"]] if "base" in description else None
        return type(description["name"], (base or KINDS[description["kind"]],), namespace)

    def add_parameter(self, namespace, parameter):
        name = parameter["name"]
        kind = Param
        if parameter.get("constant"):
            kind = Constant
        elif parameter.get("meta"):
            kind = Meta
        hint = kind[self.type(parameter["type"])]
        more = {}
        if parameter.get("ignore_default"):
            more["ignore_default"] = True
        if "groups" in parameter:
            more["groups"] = [param_group(group) for group in parameter["groups"]]
        if "path_generator" in parameter:
            more["default_factory"] = PathGenerator(parameter["path_generator"])
        if "default" in parameter:
            more["default"] = self.value(parameter["default"], {})
        namespace["__annotations__"][name] = hint
        if parameter.get("bare"):
            namespace[name] = more["default"]
        elif more:
            namespace[name] = field(**more)

    def value(self, value, objects):
        """A value of the file in Python."""
        if not isinstance(value, dict):
            return value
        ((kind, content),) = value.items()
        if kind == "float":
            return float.fromhex(content)
        if kind == "path":
            return Path(content)
        if kind == "list":
            return [self.value(item, objects) for item in content]
        if kind == "set":
            return {self.value(item, objects) for item in content}
        if kind == "dict":
            return {
                self.value(key, objects): self.value(item, objects) for key, item in content
            }
        if kind == "enum":
            return self.enums[content[0]][content[1]]
        if kind == "ref":
            return objects[content]
        raise ValueError(f"unknown kind of value: {kind}")


def make_enum(description):
    made = enum.Enum(description["name"], description["members"])
    made.__module__ = description["module"]
    made.__qualname__ = description["qualname"]
    return made


def split(text):
    """Splits at the commas that are inside no bracket."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "[") - (c == "]")
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def references(value):
    """The labels that a value refers to."""
    if isinstance(value, dict):
        if "ref" in value:
            return {value["ref"]}
        return references([*value.values()])
    if isinstance(value, list):
        return set().union(*map(references, value))
    return set()


class Case:
    """The objects of a case, built in order."""

    def __init__(self, vectors, case):
        self.vectors = vectors
        self.objects = {}
        self.marks = {}  # label of a task -> what marks its outputs
        self.later = []  # (label, name, value) that wait for objects
        for description in case["objects"]:
            self.build(description)
        if self.later:
            raise ValueError(f"values refer to objects that do not exist: {self.later}")

    def build(self, description):
        values = {
            name: self.vectors.value(value, self.objects)
            for name, value in description["set"].items()
        }
        label = description["label"]
        made = self.vectors.classes[description["type"]].C(**values)
        self.objects[label] = made
        if "meta" in description:
            setmeta(made, description["meta"])
        if "output_of" in description:
            self.marks[description["output_of"]](made)
        for name, value in description.get("then_set", {}).items():
            self.later.append((label, name, value))
        self.set_later()
        if description.get("submitted") or "init_tasks" in description:
            inits = [self.objects[init] for init in description.get("init_tasks", ())]
            self.marks[label] = made.submit(init_tasks=inits)

    def set_later(self):
        waiting = []
        for label, name, value in self.later:
            if references(value) <= self.objects.keys():
                setattr(self.objects[label], name, self.vectors.value(value, self.objects))
            else:
                waiting.append((label, name, value))
        self.later = waiting


def differs(vectors, case):
    root = Case(vectors, case).objects[case["root"]]
    found = {"identifier": root.__xpm__.identifier.hex()}
    expected = {"identifier": case["identifier"], **case.get("partials", {})}
    for name in case.get("partials", {}):
        found[name] = root.__xpm__.partial_identifier(name).hex()
    return found != expected


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: conformance.py FILE")
    with open(sys.argv[1], encoding="utf-8") as file:
        content = json.load(file)
    vectors = Vectors(content)
    differing = 0
    # A dry run says on standard error what would run.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with tempfile.TemporaryDirectory() as folder:
        for case in content["cases"]:
            # Nothing is written, and a job is one task's: each case has a run of its own.
            with experiment(folder, "conformance", run_mode=RunMode.DRY_RUN):
                try:
                    wrong = "differs" if differs(vectors, case) else None
                except Exception as error:
                    wrong = f"{type(error).__name__}: {error}"
            if wrong:
                print(f"{case['name']}: {wrong}")
                differing += 1
    print(f"{len(content['cases'])} cases, {differing} differ")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
