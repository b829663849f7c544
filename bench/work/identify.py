"""identify.py SHAPE N: builds N distinct configurations of a shape, and asks their identifiers."""

import hashlib
import json
import sys
from time import perf_counter

from tasks import Chain, Group, Learn, Model, Pair, Ring


def flat(i):
    """A task with a nested configuration, a list and scalars."""
    return Learn.C(
        model=Model.C(layers=i % 100, rate=1 / (1 + i)),
        sizes=[i, i + 1, 1024],
        name=f"learn-{i}",
        epochs=100 if i % 2 else i,
        dropout=0.1,
        shuffle=i % 3 == 0,
    )


def deep(i):
    """200 configurations, each in the next one."""
    chain = Chain.C(value=i)
    for value in range(199):
        chain = Chain.C(value=value, next=chain)
    return chain


def wide(i):
    """A list of 100 configurations."""
    return Group.C(models=[Model.C(layers=i, rate=0.5 + j) for j in range(100)])


def shared(i):
    """10 configurations, each of which holds the one below twice: 512 ways lead to the last."""
    pair = Pair.C(value=i)
    for value in range(9):
        pair = Pair.C(value=value, left=pair, right=pair)
    return pair


def cyclic(i):
    """10 configurations, each of which holds the next one, and the last the first."""
    first = ring = Ring.C(value=i)
    for value in range(9):
        ring = Ring.C(value=value, next=ring)
    first.next = ring
    return first


SHAPES = {build.__name__: build for build in (flat, deep, wide, shared, cyclic)}


def main():
    build, count = SHAPES[sys.argv[1]], int(sys.argv[2])
    # The classes are gathered at first use: that belongs to the import, not to the configurations.
    build(-1000).__xpm__.identifier.all.hex()

    start = perf_counter()
    configs = [build(i) for i in range(count)]
    built = perf_counter()
    identifiers = [config.__xpm__.identifier.all.hex() for config in configs]
    end = perf_counter()
    print(
        json.dumps(
            {
                "seconds": end - start,
                "build": built - start,
                "identify": end - built,
                "distinct": len(set(identifiers)),
                "checksum": hashlib.sha256("".join(identifiers).encode()).hexdigest(),
            }
        )
    )


if __name__ == "__main__":
    main()
