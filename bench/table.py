"""Rows of the table: samples of both sides, what they are worth, and how they are printed."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Cell:
    """One side of a row: samples, or the reason why there are none."""

    samples: list = field(default_factory=list)
    reason: str = ""

    @property
    def value(self):
        return median(self.samples) if self.samples and not self.reason else None


@dataclass
class Goal:
    ratio: float = None  # at least this many times the peer
    most: float = None  # at most this, in the row's unit

    def text(self, unit):
        if self.ratio is not None:
            return f"≥ {self.ratio:g}x"
        return "-" if self.most is None else f"≤ {show(self.most, unit, exact=True)}"

    def reached(self, ratio, ours):
        if ours is None or (self.ratio is not None and ratio is None):
            return None
        if self.ratio is not None:
            return ratio >= self.ratio
        return None if self.most is None else ours <= self.most


@dataclass
class Row:
    name: str  # what --only takes
    work: str
    unit: str  # "s", "us", "KiB" or "entries": less is better
    peer_name: str
    peer: Cell
    ours: Cell
    goal: Goal = field(default_factory=Goal)
    tasks: int = 0  # gives a rate, when not 0
    error: str = ""  # the two sides did not do the same work

    @property
    def ratio(self):
        peer, ours = self.peer.value, self.ours.value
        return None if peer is None or ours is None else peer / max(ours, 1e-9)

    @property
    def reached(self):
        return self.goal.reached(self.ratio, self.ours.value)

    def cells(self):
        reached = {True: "yes", False: "NO", None: "-"}[self.reached]
        return [
            self.work,
            f"{self.peer_name} {self.cell(self.peer)}",
            self.cell(self.ours),
            "-" if self.ratio is None else f"{self.ratio:.3g}x",
            self.goal.text(self.unit),
            "WRONG" if self.error else reached,
            "/".join(str(len(c.samples)) for c in (self.peer, self.ours)),
        ]

    def cell(self, cell):
        if cell.value is None:
            return cell.reason
        rate = f" ({self.tasks / cell.value:,.0f}/s)" if self.tasks else ""
        return show(cell.value, self.unit) + rate

    def json(self):
        return {
            "name": self.name,
            "work": self.work,
            "unit": self.unit,
            "peer": {"name": self.peer_name, **self.side(self.peer)},
            "ours": self.side(self.ours),
            "ratio": self.ratio,
            "goal": self.goal.text(self.unit),
            "reached": self.reached,
            "error": self.error,
        }

    @staticmethod
    def side(cell):
        return {"median": cell.value, "samples": cell.samples, "missing": cell.reason}


def show(value, unit, exact=False):
    if unit == "KiB":
        return f"{value / 1024:.1f} MiB"
    if unit == "us":
        return f"{value:,.0f} us"
    if unit == "s":
        if value >= 1:
            return f"{value:.2f} s"
        return f"{value * 1000:g} ms" if exact else f"{value * 1000:.1f} ms"
    return f"{value:g}"


HEADER = ["work", "peer's median", "ours median", "ratio (peer/ours)", "goal", "reached", "runs"]


def render(rows):
    lines = [HEADER] + [row.cells() for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADER))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        " | ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip()
        for line in lines
    )
