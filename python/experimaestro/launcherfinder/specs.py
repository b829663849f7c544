"""What a task needs of the machine that runs it: a text, or the same made of objects.

    duration=4 days & cuda(mem=4G)*2 & cpu(mem=4G, cores=2) | cpu(cores=8)

`|` separates alternatives, the preferred one first; `&` joins what one of them needs.
"""

import re

_SIZE = r"\d+\s*[KMGTP](?:i?B)?"
_PART = rf"(?:mem\s*=\s*{_SIZE}|cores\s*=\s*\d+)"
_UNIT = r"(?:h|hours?|d|days?|m|mins?|minutes?|s|secs?|seconds?)"
_TERM = re.compile(
    rf"\s*(?:duration\s*=\s*\d+\s*{_UNIT}"
    rf"|cpu\s*\(\s*{_PART}(?:\s*,\s*{_PART})*\s*\)"
    rf"|(?:cuda|mps|gpu)\s*\(\s*(?:mem\s*=\s*{_SIZE})?\s*\)(?:\s*\*\s*\d+)?)\s*",
    re.IGNORECASE,
)


class HostRequirement:
    """What a task needs. text: the same in the language above. `a & b` needs both, `a | b` one of
    them, `a * n` n of it."""

    def __init__(self, text):
        self.text = text

    def __and__(self, other):
        if "|" in self.text + other.text:
            raise ValueError(f"{self.text!r} & {other.text!r}: give each alternative in full")
        return HostRequirement(f"{self.text} & {other.text}")

    def __or__(self, other):
        return HostRequirement(f"{self.text} | {other.text}")

    def __mul__(self, count):
        return HostRequirement(f"{self.text}*{count}")

    def __str__(self):
        return self.text

    def __repr__(self):
        return f"HostRequirement({self.text!r})"


def cpu(*, mem=None, cores=1):
    """Processor cores, and memory: a text with its unit, as "4G"."""
    return HostRequirement(f"cpu({f'mem={mem}, ' if mem else ''}cores={cores})")


def _accelerator(name, mem):
    return HostRequirement(f"{name}({f'mem={mem}' if mem else ''})")


def cuda_gpu(*, mem=None):
    """A GPU with CUDA, and its memory."""
    return _accelerator("cuda", mem)


def mps_gpu(*, mem=None):
    """A GPU of Apple, and its memory."""
    return _accelerator("mps", mem)


def gpu(*, mem=None):
    """A GPU of any kind, and its memory."""
    return _accelerator("gpu", mem)


def duration(text):
    """How long the task lasts at most: "4 days", "2h"."""
    return HostRequirement(f"duration={text}")


def check(spec):
    """TypeError when it is neither a text nor a HostRequirement, ValueError when the text is none
    of the language."""
    if not isinstance(spec, (str, HostRequirement)):
        raise TypeError(f"{spec!r} says nothing that a task needs: give a text, as "
                        "'duration=2h & cuda(mem=8G)', or a HostRequirement")
    for alternative in str(spec).split("|"):
        for term in alternative.split("&"):
            if _TERM.fullmatch(term) is None:
                raise ValueError(
                    f"{term.strip()!r} in {str(spec)!r} is not understood: a term is duration=2h, "
                    "cpu(mem=4G, cores=2) or cuda(mem=8G)*2, every size with its unit; & joins "
                    "terms, and | alternatives"
                )
