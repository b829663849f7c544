"""The types of parameters, and the classes of configurations as types."""

from .. import _finder

__all__ = ["Any", "Identifier", "ObjectType", "SubmitHook", "Type"]

__getattr__ = _finder(
    globals(),
    {
        "Any": "experimaestro",
        "Identifier": ".types",
        "ObjectType": ".types",
        "SubmitHook": ".hooks",
        "Type": ".types",
    },
)
