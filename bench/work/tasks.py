"""The tasks that the works submit: in a module of their own, as both packages want them."""

from typing import List, Optional

from experimaestro import Config, Param, Task, field


class Model(Config):
    layers: Param[int]
    rate: Param[float]


class Learn(Task):
    model: Param[Model]
    sizes: Param[List[int]]
    name: Param[str]
    epochs: Param[int] = field(ignore_default=100)
    dropout: Param[float]
    shuffle: Param[bool]

    def execute(self):
        pass


class Chain(Config):
    value: Param[int]
    next: Param[Optional["Chain"]] = field(default=None)


class Group(Config):
    models: Param[List[Model]]


class Pair(Config):
    value: Param[int]
    left: Param[Optional["Pair"]] = field(default=None)
    right: Param[Optional["Pair"]] = field(default=None)


class Ring(Config):
    value: Param[int]
    next: Param[Optional["Ring"]] = field(default=None)


class Noop(Task):
    x: Param[int]

    def execute(self):
        pass


class Link(Task):
    x: Param[int]
    previous: Param[Optional[Task]] = field(default=None)

    def execute(self):
        pass
