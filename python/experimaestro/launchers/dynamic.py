"""The launcher that is one of several."""

import random

from ..launcher import Launcher

__all__ = ["DynamicLauncher"]

_dice = random.Random()  # its own: what a program has seeded is left as it is


class DynamicLauncher(Launcher):
    """For each job, one of several launchers: the one with the highest priority, or any of those that
    have it.

        DynamicLauncher([
            SlurmLauncher(options=SlurmOptions(partition="fast"), priority=10),
            SlurmLauncher(options=SlurmOptions(partition="slow")),
        ])

    launchers: a list. sample: whether any of them is taken instead, by chance, those with a higher
        priority more often: as often as it is high; those with none, only when no other has one.

    Its own environment and listeners count for all jobs, under and before those of the launcher that
    is taken. ValueError when there is no launcher; TypeError when one is none.
    """

    def __init__(self, launchers, sample=False, *, connector=None):
        super().__init__(connector)
        self.launchers = list(launchers)
        self.sample = sample
        if not self.launchers:
            raise ValueError("launchers: a DynamicLauncher needs one at least")
        for launcher in self.launchers:
            if not isinstance(launcher, Launcher):
                raise TypeError(f"launchers: expected Launchers, got {launcher!r}")

    def update(self):
        """Called before each choice. A subclass may set the priorities of `launchers`, after what is
        free now, say."""

    def _chain(self):
        self.update()
        if self.sample:
            weights = [max(launcher.priority, 0) for launcher in self.launchers]
            chosen = _dice.choices(self.launchers, weights if any(weights) else None)[0]
        else:
            highest = max(launcher.priority for launcher in self.launchers)
            chosen = _dice.choice([one for one in self.launchers if one.priority == highest])
        return (self, *chosen._chain())
