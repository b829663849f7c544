#!/usr/bin/env python3
"""Compares this project with its peers, side by side in one run, and prints one table.

The works are those of README.md, beside this file. Exits with 1 when the two packages disagree on
an identifier or a job, or when what is built here fails; a goal that is not reached does not."""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import index_works
import machine
import native_works
import python_works
import sides
import slurm_works
import table

# What measures what: a measurement that no wanted name comes from is not made.
MEASUREMENTS = [
    (["import"], python_works.starting),
    (list(python_works.SHAPES), python_works.identify),
    (["dry", "memory"], python_works.dry),
    (["run", "files"], python_works.running),
    (["rerun"], python_works.running_again),
    (["many"], python_works.many),
    (["warm"], python_works.warm),
    (["cold"], python_works.cold),
    (["chain"], python_works.chain),
    (["native"], native_works.native),
    (["native-chain"], native_works.chain),
    (["seal"], native_works.seal),
    (["graph"], native_works.graph),
    (["index"], index_works.index),
    (["slurm"], slurm_works.slurm),
]
NAMES = [name for names, _ in MEASUREMENTS for name in names]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", action="append", metavar="NAME", default=os.environ.get("ONLY", "").split(),
        help=f"this work alone, may be repeated: {', '.join(NAMES)}",
    )
    parser.add_argument("--json", metavar="FILE", help="write every sample there")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="runs (default: 5)")
    parser.add_argument("--small", action="store_true", help="a tenth of each work: a trial")
    parser.add_argument("--list", action="store_true", help="print the names of the works")
    options = parser.parse_args()
    for name in options.only:
        if name not in NAMES:
            parser.error(f"no work is named {name!r}; take one of: {', '.join(NAMES)}")
    if options.repeat < 1:
        parser.error("--repeat takes a number from 1")
    options.only = options.only or NAMES
    return options


def version(command):
    try:
        return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.CalledProcessError):
        return "missing"


def main():
    options = arguments()
    if options.list:
        print("\n".join(NAMES))
        return 0

    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        env = sides.stage(scratch)
        if set(options.only) <= {"native", "native-chain", "seal", "graph", "index"}:
            names = ("original", "ours")
            pair = [sides.Side(name, None, scratch, env, "not asked") for name in names]
        else:
            pair = [sides.original(scratch, env), sides.ours(scratch, env)]
        python = version([str(sides.base_python()), "--version"])
        described = machine.describe(scratch, python)
        described["original"] = pair[0].missing or f"experimaestro {pair[0].version}"
        described["ours"] = pair[1].missing or pair[1].version
        described["ninja"] = version(["ninja", "--version"])
        described["samu"] = version([os.environ.get("SAMU") or "samu", "--version"])

        bench = python_works.Bench(pair, scratch, options.repeat, options.small, options.only)
        for names, measure in MEASUREMENTS:
            if set(names) & set(options.only):
                rows += [row for row in measure(bench) if row.name in options.only]

    print("\n".join(f"{key}: {value}" for key, value in described.items()), end="\n\n")
    print(table.render(rows))
    print("\nMedians; runs: how many of the peer's and of ours, in turn.", end="")
    print(" A tenth of each work: a trial, no result." if options.small else "")
    for row in rows:
        if row.error:
            print(f"WRONG: {row.work}: {row.error}")
    if "files" in options.only:
        for name, entries in bench.entries.items():
            print(f"\nWhat a job adds to a workspace, {name}:")
            print("\n".join(f"  {n:g}  {entry}" for entry, n in entries.items()))

    if options.json:
        with open(options.json, "w") as file:
            json.dump(
                {
                    "machine": described,
                    "small": options.small,
                    "rows": [row.json() for row in rows],
                    "entries": bench.entries,
                },
                file,
                indent=1,
            )
    failed = any(row.error or row.ours.reason.startswith("failed") for row in rows)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
