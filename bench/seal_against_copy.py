#!/usr/bin/env python3
"""Sealing a file, side by side with `cp --sparse=auto` and `sha256sum` of it.

    python3 bench/seal_against_copy.py [DIRECTORY [ROUNDS]]

Exits with 1 if sealing is less than half as fast. Needs GATEHOUSE_BIN; see
docs/benchmarks.md.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

SEAL = os.path.join(os.environ["GATEHOUSE_BIN"], "gatehouse_bench_seal_file")
MIB = 1 << 20
GOAL = 0.5


def write_plain(path, size):
    with open(path, "wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))


def write_sparse(path, size, data):
    """`data` bytes, spread over `size`, in extents of 1 MiB."""
    with open(path, "wb") as file:
        for index in range(data // MIB):
            file.seek(index * (size // (data // MIB)))
            file.write(os.urandom(MIB))
        file.truncate(size)


def seconds(commands):
    started_at = time.perf_counter()
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started_at


def without(path):
    if os.path.exists(path):
        os.unlink(path)
    # What others wrote must not be flushed on our account.
    os.sync()
    return path


def compare(source, target, flushes, rounds):
    copy, seal = [], []
    for index in range(rounds + 1):
        without(target)
        commands = [["cp", "--sparse=auto", source, target],
                    ["sha256sum", source]]
        if flushes:
            commands.insert(1, ["sync", target])
        one = seconds(commands)
        without(target)
        other = seconds([[SEAL, source, target] + ["flush"] * flushes])
        if index > 0:  # The first one warms up.
            copy.append(one)
            seal.append(other)
    without(target)
    return statistics.median(copy), statistics.median(seal)


def main():
    where = sys.argv[1] if len(sys.argv) > 1 else None
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    slow = 0
    with tempfile.TemporaryDirectory(dir=where) as base:
        source = os.path.join(base, "source")
        for name, write in (
                ("16 MiB", lambda: write_plain(source, 16 * MIB)),
                ("64 MiB", lambda: write_plain(source, 64 * MIB)),
                ("512 MiB", lambda: write_plain(source, 512 * MIB)),
                ("1 GiB, 64 MiB of it data",
                 lambda: write_sparse(source, 1024 * MIB, 64 * MIB))):
            write()
            for flushes in (False, True):
                copy, seal = compare(source, os.path.join(base, "target"),
                                     flushes, rounds)
                print("%-24s %-14s cp and sha256sum %7.1f ms, sealing "
                      "%7.1f ms: %.2f as fast" %
                      (name, "with flush" if flushes else "without flush",
                       copy * 1e3, seal * 1e3, copy / seal), flush=True)
                slow += copy / seal < GOAL
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
