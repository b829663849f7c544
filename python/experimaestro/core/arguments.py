"""What a class's annotations are made of, and its parameters as they are seen from outside."""

from .. import _finder

__all__ = ["Argument", "Choices", "Constant", "DataPath", "Meta", "Option", "OptionalDataPath",
           "Param", "field", "help"]

__getattr__ = _finder(
    globals(),
    {
        **dict.fromkeys(__all__, "experimaestro"),
        "Argument": ".types",
    },
)
