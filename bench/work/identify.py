"""identify.py N: builds N distinct tasks that hold a configuration, and asks their identifiers."""

import hashlib
import json
import sys
from time import perf_counter

from tasks import Learn, Model


def build(i):
    return Learn.C(
        model=Model.C(layers=i % 100, rate=1 / (1 + i)),
        sizes=[i, i + 1, 1024],
        name=f"learn-{i}",
        epochs=100 if i % 2 else i,
        dropout=0.1,
        shuffle=i % 3 == 0,
    )


def main():
    # The classes are gathered at first use: that belongs to the import, not to the configurations.
    build(-1000).__xpm__.identifier.all.hex()

    start = perf_counter()
    configs = [build(i) for i in range(int(sys.argv[1]))]
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
