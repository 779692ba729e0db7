#!/usr/bin/env python3
"""What an open of a clean 4 KiB file costs: bare, with the least a permission
listener can do, and with Gatehouse. In turn, several times, in one run.

Run below tests/system/guard.py with GATEHOUSE_BIN set; see docs/benchmarks.md.
"""

import json
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests",
                                "system"))
import gate  # noqa: E402

FILES = 64
FILE_BYTES = 4096
ROUNDS = 100
REPEATS = int(os.environ.get("GATEHOUSE_BENCH_REPEATS", "7"))


def measure(directory):
    done = subprocess.run(
        [os.path.join(gate.BIN, "gatehouse_bench_open_latency"), directory,
         str(FILES), str(ROUNDS)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def bare(_, directory):
    return measure(directory)


def allow_at_once(_, directory):
    listener = subprocess.Popen(
        [os.path.join(gate.BIN, "gatehouse_bench_allow_listener"), directory],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        listener.stdout.readline()
        return measure(directory)
    finally:
        listener.stdin.close()
        listener.wait()


def gatehouse(base, directory):
    daemon = gate.Daemon(base, [directory]).start()
    try:
        return measure(directory)
    finally:
        daemon.stop()
        daemon.end()


def main():
    variants = [bare, allow_at_once, gatehouse]
    results = {variant.__name__: [] for variant in variants}
    with gate.temporary_directory() as base, \
            gate.tmpfs(os.path.join(base, "protected")) as directory:
        for index in range(FILES):
            gate.write_file(os.path.join(directory, str(index)),
                            os.urandom(FILE_BYTES))
        for _ in range(REPEATS):
            for variant in variants:
                results[variant.__name__].append(variant(base, directory))
    least = None
    print("%-14s %10s %10s %10s %10s %8s" %
          ("", "median us", "p99 us", "p99.9 us", "opens/s", "ratio"))
    for name, runs in results.items():
        median, p99, p999, rate = (
            statistics.median(run[key] for run in runs)
            for key in ("median_ns", "p99_ns", "p999_ns", "opens_per_s"))
        if name == "allow_at_once":
            least = median
        print("%-14s %10.1f %10.1f %10.1f %10d %8s" %
              (name, median / 1000, p99 / 1000, p999 / 1000, rate,
               "" if least is None else "%.2f" % (median / least)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
