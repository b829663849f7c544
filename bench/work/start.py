"""The import that an experiment's script opens with."""

from experimaestro import (  # noqa: F401
    Config,
    Meta,
    Param,
    PathGenerator,
    RunMode,
    Task,
    experiment,
    field,
    tag,
)
