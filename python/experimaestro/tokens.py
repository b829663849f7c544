"""Tokens: what exists in a limited number, and is shared by the jobs of all processes."""

from . import _engine


class TokenDependency:
    """So many of a token, for task.add_dependencies. token: a CounterToken; count: how many."""

    __slots__ = ("token", "count")

    def __init__(self, token, count):
        self.token = token
        self.count = count

    def __repr__(self):
        return f"<{self.count} of token {self.token.name}>"


class CounterToken(_engine.Token):
    """A token of which there are `total`, made by experiment.token or by createtoken of a connector.

    A task that asks for some starts when as many are free, and holds them until it ends; who asks
    first is served first. `token(2, task)` makes a task ask for two, and returns it.

    name: its name. total: how many there are, as its folder says now. path: that folder, a Path.
    """

    @property
    def path(self):
        """The folder by which all processes know it: a Path."""
        from pathlib import Path

        return Path(self._folder)

    def dependency(self, count):
        """So many of it, for task.add_dependencies. ValueError, then, when `count` is below 1.
        TypeError when it is no whole number."""
        if not isinstance(count, int):
            raise TypeError(f"token {self.name}: a task takes a whole number of it, and not {count!r}")
        return TokenDependency(self, count)

    def __call__(self, count, task):
        """Makes the task ask for so many of it, and returns the task. ValueError when `count` is
        below 1, or the task was submitted already."""
        dependency = self.dependency(count)
        return task.add_dependencies(dependency)

    def __repr__(self):
        return f"<CounterToken {self.name}: {self.total}>"


CounterTokenDependency = TokenDependency
Token = CounterToken
ProcessCounterToken = CounterToken  # what one process shares, all do
