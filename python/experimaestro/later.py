"""What is named here but not there yet: it can be imported, and fails when it is used."""


def missing(what, instead):
    """The exception for a use of it: `what` is its name, `instead` what to do for now."""
    return NotImplementedError(f"{what} is not there yet: {instead}")


def later(what, instead):
    """A class to stand in for it, which cannot be made or called."""

    def refuse(cls, *args, **kwargs):
        raise missing(what, instead)

    name = what.rpartition(".")[2]
    doc = f"Not there yet: {instead}."
    return type(name, (), {"__new__": refuse, "__doc__": doc, "__module__": "experimaestro.later"})
