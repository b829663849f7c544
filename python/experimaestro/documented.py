"""What the source of a class says of its parameters, for people: read when it is asked for."""

import ast
import inspect
import textwrap

from .annotations import help
from .declare import annotations_of, evaluate


def described(cls):
    """The first line of the docstring of a class, and the text that follows: ("", "") for none."""
    title, _, rest = inspect.cleandoc(cls.__dict__.get("__doc__") or "").partition("\n")
    return title, rest.strip()


def helps(cls):
    """What is said of parameters, inherited ones too: a dict, by name. A text under the parameter
    comes over an entry of the docstring's section "Attributes:", and a help("...") over both."""
    found = {}
    for base in reversed(cls.__mro__):
        if "__annotations__" in base.__dict__:
            found.update(_attributes(base.__dict__.get("__doc__") or ""))
            found.update(_texts_under(base))
            found.update(_marked(base))
    return found


def _marked(cls):
    """The texts of the markers help("...") in the annotations of a class."""
    found = {}
    for name, annotation in annotations_of(cls).items():
        if isinstance(annotation, str):
            if "help(" not in annotation:
                continue
            annotation = evaluate(cls, annotation)
        for marker in _metadata(annotation):
            if isinstance(marker, help):
                found[name] = marker.text
    return found


def _metadata(annotation):
    """What is in Annotated[...], inside Param[...] and around it."""
    while annotation is not None:
        yield from getattr(annotation, "__metadata__", ())
        annotation = getattr(annotation, "__origin__", None) or getattr(annotation, "type", None)


def _attributes(docstring):
    """The entries `name: text` of a docstring's section Attributes; a line that is indented more
    goes on with the entry."""
    lines = inspect.cleandoc(docstring).splitlines()
    if "Attributes:" not in lines:
        return {}
    section = lines[lines.index("Attributes:") + 1 :]
    end = next((i for i, line in enumerate(section) if line and not line[0].isspace()), None)
    found, name = {}, None
    for line in textwrap.dedent("\n".join(section[:end])).splitlines():
        if line[:1].isspace() and name:
            found[name] += " " + line.strip()
        elif ":" in line:
            entry, _, text = line.partition(":")
            name = entry.partition("(")[0].strip()
            found[name] = text.strip()
    return found


def _texts_under(cls):
    """The texts that follow annotations in the source of a class; none when there is no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in zip(body, body[1:])
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
