"""Random programs give the same identifiers, and are refused alike, by the original and by ours.
They are the same ones at each run; XPM_EXAMPLES=5000 takes that many others.
"""

import itertools
import os
import re

from hypothesis import HealthCheck, given, note, settings
from random_programs import programs

EXAMPLES = int(os.environ.get("XPM_EXAMPLES", 0))
REFUSALS = {"ValueError", "TypeError", "AttributeError"}
# What ours does otherwise on purpose (docs/identifiers.md), by the messages of what it refuses,
OURS_REFUSES = [
    r"expected .*, got none",  # None for a field() without default, which is required all the same
    r"integer must fit in 64 bits",  # so does the original when it identifies, but in floats
]
# and of what it does not refuse.
OURS_TAKES = [
    r"generated values.*Here is the list of paths",  # what holds a task, given to a second one
    r"unsupported operand type\(s\) for /: 'PosixPath'",  # a task with a dict of other keys than texts
]
serials = itertools.count()


def differences(program, original, ours):
    """What the two do not agree on, as texts."""
    last = len(program["steps"])
    theirs, own = (side["refused"] or [last + 1, [], ""] for side in (original, ours))
    unnamed = {
        program["targets"][step - 1]
        for step in range(1, last + 1)
        if original["identifiers"].get(program["targets"][step - 1], "Unbuilt")[:1].isupper()
    }
    if any(re.search(message, own[2]) for message in OURS_REFUSES) or any(
        re.search(message, theirs[2]) for message in OURS_TAKES
    ):
        return
    if theirs[0] < own[0] and REFUSALS & set(theirs[1]):
        yield f"only the original refuses step {theirs[0]}: {theirs[1][0]}: {theirs[2]}"
    elif own[0] < theirs[0] and (own[0] == 0 or program["targets"][own[0] - 1] not in unnamed):
        yield f"only ours refuses step {own[0]}: {own[1][0]}: {own[2]}"
    if theirs[0] != own[0]:
        return
    for part in ("identifiers", "partials"):
        for name, expected in original[part].items():
            got = ours[part].get(name)
            if expected != got and not expected[0].isupper():
                yield f"{part} of {name}: {got}, and not {expected}"
            elif expected != got and expected in REFUSALS:
                yield f"{part} of {name}: {got}, where the original raises {expected}"


@settings(
    max_examples=EXAMPLES or 400,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(program=programs())
def test_random_programs_are_identified_alike(sides, program):
    program["module"] = f"random_{next(serials)}"
    original, ours = (side.build(program) for side in sides)
    found = list(differences(program, original, ours))
    if found:
        note(program["declarations"])
        note("\n".join(program["steps"]))
        note(f"refused: {original['refused']} by the original, {ours['refused']} by ours")
    assert not found
