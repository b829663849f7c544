"""What is said of parameters, for people, wherever it is written."""

from experimaestro import Annotated, Config, Meta, Param, help


class Base(Config):
    """A base.

    More about it.

    Attributes:
        rate: how fast,
            and how long
        size (int): overridden below
        seed: overridden by its marker
    """

    rate: Param[float]
    size: Param[int]
    """How large."""
    seed: Annotated[Meta[int], help("Where chance starts.")]
    plain: Param[int] = 3


class Derived(Base):
    rate: Param[Annotated[float, help("Faster.")]]
    late: "Annotated[Param[int], help('How late.')]"


def test_help_is_read_from_docstrings_texts_and_markers():
    arguments = Base.__getxpmtype__().arguments
    assert {name: argument.help for name, argument in arguments.items()} == {
        "rate": "how fast, and how long",
        "size": "How large.",
        "seed": "Where chance starts.",
        "plain": None,
    }


def test_help_is_inherited_and_replaced():
    arguments = Derived.__getxpmtype__().arguments
    assert arguments["rate"].help == "Faster."
    assert arguments["late"].help == "How late."
    assert arguments["size"].help == "How large."


def test_a_class_has_a_title_and_a_description():
    xpmtype = Base.__getxpmtype__()
    assert xpmtype.title == "A base."
    assert xpmtype.description.startswith("More about it.")
