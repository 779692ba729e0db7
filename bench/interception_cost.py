#!/usr/bin/env python3
"""What it costs to hold an open: bare, with the least a permission listener can
do, with Gatehouse, and with Debian's clamonacc and clamd. In turn, several
times, in one run; with opener and listener on the same processor and on two.

Run below tests/system/guard.py with GATEHOUSE_BIN set; see docs/benchmarks.md.
"""

import collections
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests",
                                "system"))
import clamonacc  # noqa: E402
import gate  # noqa: E402

REPEATS = int(os.environ.get("GATEHOUSE_BENCH_REPEATS", "5"))
LITERALS = 10000
CLAM = "clamonacc"
PLACES = {"same core": (0, 0), "two cores": (0, 1)}  # Opener, listener.
OPENERS = (1, 2, 16)
# Cold: each file is opened once, the first time since the listener's start.
# It was written before, so that the page cache is warm and no verdict known.
# Everything is of a user. What is in "ignored" is immutable as well: only such
# files the kernel is told to ignore.
Row = collections.namedtuple("Row", "name folder files clam_files warm rounds")
ROWS = (
    Row("4 KiB cold", "4k", 2000, 200, 0, 1),
    Row("64 KiB cold", "64k", 400, 100, 0, 1),
    Row("1 MiB cold", "1m", 60, 10, 0, 1),
    Row("warm", "warm", 64, 64, 2, 50),
    Row("ignored", "ignored", 64, 64, 2, 50),
)
CLAM_ROUNDS_MAX = 5
RATE_FILES, RATE_CLAM_FILES = 6400, 320  # For all openers together.
FOLDERS = {"4k": (2000, 4096), "64k": (400, 65536), "1m": (60, 1 << 20),
           "warm": (64, 4096), "ignored": (64, 4096),
           "rate": (RATE_FILES, 4096), "literals": (60, 1 << 20)}
GOALS = (  # Row, place, limit over (b) in us.
    ("warm", "same core", 3), ("warm", "two cores", 3),
    ("4 KiB cold", "same core", 12), ("4 KiB cold", "two cores", 35),
    ("64 KiB cold", "same core", 60), ("64 KiB cold", "two cores", 60),
    ("1 MiB, 10,000 literals", "same core", 2000),
    ("1 MiB, 10,000 literals", "two cores", 2000),
)


class Opener:

    def __init__(self, cpu, folder, first, count, warm_up, rounds):
        self.process = subprocess.Popen(
            [os.path.join(gate.BIN, "gatehouse_bench_pinned_opener")] +
            [str(word) for word in (cpu, folder, first, count, warm_up,
                                    rounds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def go(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def result(self):
        out, _ = self.process.communicate(timeout=300)
        return json.loads(out)


def write_files(root):
    generator = random.Random(1)
    for name, (count, size) in FOLDERS.items():
        folder = os.path.join(root, name)
        os.mkdir(folder)
        for index in range(count):
            gate.write_file(os.path.join(folder, str(index)),
                            generator.randbytes(size))
            os.chmod(os.path.join(folder, str(index)), 0o666)
        os.chmod(folder, 0o777)
    subprocess.run(["chattr", "-R", "+i", os.path.join(root, "ignored")],
                   check=True)


def literals():
    """Lines of an .ndb file; 16 bytes each, found nowhere here."""
    generator = random.Random(2)
    return b"".join(b"Bench.%d:0:*:%s\n" %
                    (index, generator.randbytes(16).hex().encode())
                    for index in range(LITERALS))


# --- Who listens ------------------------------------------------------------

def pinned(cpu):
    return [] if cpu is None else ["taskset", "--cpu-list", str(cpu)]


@contextlib.contextmanager
def bare(_base, _root, _cpu, _literals):
    yield


@contextlib.contextmanager
def allow_at_once(_base, root, cpu, _literals):
    listener = subprocess.Popen(
        [*pinned(cpu),
         os.path.join(gate.BIN, "gatehouse_bench_allow_listener"), root],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    listener.stdout.readline()
    try:
        yield
    finally:
        listener.stdin.close()
        listener.wait()


@contextlib.contextmanager
def gatehouse(base, root, cpu, lines):
    definitions = os.path.join(base, "definitions")
    os.makedirs(definitions, exist_ok=True)
    gate.write_file(os.path.join(definitions, "bench.ndb"), lines)
    daemon = gate.Daemon(base, [root], prefix=pinned(cpu), arguments=(
        ["--definitions", definitions] if lines else [])).start()
    try:
        yield
        source = daemon.counters()["eventSource"]
        if source["denied"] or source["allowedDeadline"]:
            raise RuntimeError("not what is measured: %s" % source)
    finally:
        daemon.stop()
        daemon.end()


@contextlib.contextmanager
def clam(base, root, cpu, lines):
    scanner = clamonacc.Clamonacc(base, root, lines, pinned(cpu))
    try:
        yield
    finally:
        scanner.end()


LISTENERS = {"bare": bare, "allow at once": allow_at_once,
             "Gatehouse": gatehouse, CLAM: clam}


# --- What is measured -------------------------------------------------------

def latencies(root, listener, cpu):
    for row in ROWS:
        is_clam = listener == CLAM
        opener = Opener(cpu, os.path.join(root, row.folder), 0,
                        row.clam_files if is_clam else row.files, row.warm,
                        min(row.rounds, CLAM_ROUNDS_MAX) if is_clam
                        else row.rounds)
        opener.go()
        yield row.name, opener.result()


def opens_per_second(root, listener, count, warm):
    """Of `count` openers at once, each with files of its own."""
    files = RATE_CLAM_FILES if listener == CLAM else RATE_FILES
    each = files // count
    rounds = 1 if not warm or listener == CLAM else 10
    openers = [Opener(-1, os.path.join(root, "rate"), index * each, each,
                      1 if warm else 0, rounds) for index in range(count)]
    for opener in openers:
        opener.go()
    results = [opener.result() for opener in openers]
    seconds = (max(result["end_ns"] for result in results) -
               min(result["begin_ns"] for result in results)) / 1e9
    return sum(result["opens"] for result in results) / seconds


class Results:

    def __init__(self):
        self.times = collections.defaultdict(list)
        self.rates = collections.defaultdict(list)

    def add_time(self, place, row, listener, result):
        self.times[place, row, listener].append(
            (result["p50_ns"] / 1000, result["p99_ns"] / 1000))

    def time(self, place, row, listener):
        """Medians of p50 and p99 in us; None where it was not measured."""
        runs = self.times.get((place, row, listener))
        return runs and [statistics.median(column) for column in zip(*runs)]

    def rate(self, *key):
        return statistics.median(self.rates[key])


def one_round(base, root, names, results):
    lines = literals()
    for place, (opener_cpu, listener_cpu) in PLACES.items():
        for name in names:
            with LISTENERS[name](base, root, listener_cpu, b""):
                for row, result in latencies(root, name, opener_cpu):
                    results.add_time(place, row, name, result)
        for name in names:
            with LISTENERS[name](base, root, listener_cpu, lines):
                count = 10 if name == CLAM else FOLDERS["literals"][0]
                opener = Opener(opener_cpu, os.path.join(root, "literals"), 0,
                                count, 0, 1)
                opener.go()
                results.add_time(place, "1 MiB, 10,000 literals", name,
                                 opener.result())
    for count in OPENERS:
        for name in names:
            with LISTENERS[name](base, root, None, b""):
                for warm in (False, True):  # In this order.
                    results.rates[count, warm, name].append(
                        opens_per_second(root, name, count, warm))


# --- What is told -----------------------------------------------------------

def print_times(results, names):
    rows = [row.name for row in ROWS] + ["1 MiB, 10,000 literals"]
    for place in PLACES:
        print("\n%s: p50 / p99 in us" % place)
        print("| open | " + " | ".join(names) + " |")
        print("|---" * (len(names) + 1) + "|")
        for row in rows:
            cells = ["%.1f / %.1f" % tuple(results.time(place, row, name))
                     for name in names]
            print("| %s | %s |" % (row, " | ".join(cells)))


def print_rates(results, names):
    print("\nopens/s, 4 KiB, nobody pinned")
    print("| openers | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for warm in (False, True):
        for count in OPENERS:
            cells = ["{:,.0f}".format(results.rate(count, warm, name))
                     for name in names]
            print("| %d, %s | %s |" % (count, "warm" if warm else "cold",
                                       " | ".join(cells)))


def print_goals(results, names):
    print("\ngoals")

    def told(what, value, limit, is_met, more=""):
        print("%-52s %10.1f %s %.1f: %s%s" %
              (what, value, "of at most" if limit >= 0 else "of at least",
               abs(limit), "met" if is_met else "MISSED", more))
    for row, place, limit in GOALS:
        over = results.time(place, row, "Gatehouse")[0] - \
            results.time(place, row, "allow at once")[0]
        # Machines differ, and this one from day to day.
        told("%s, %s, us over the least" % (row, place), over, limit,
             over <= limit, " (%.1f bare opens)" %
             (over / results.time(place, row, "bare")[0]))
    for place in PLACES:
        ratio = results.time(place, "ignored", "Gatehouse")[0] / \
            results.time(place, "ignored", "bare")[0]
        told("ignored, %s, times bare" % place, ratio, 1.3, ratio <= 1.3)
    if CLAM not in names:
        return
    for warm, least in ((False, 10), (True, 20)):
        for count in OPENERS:
            ratio = results.rate(count, warm, "Gatehouse") / \
                results.rate(count, warm, CLAM)
            told("opens/s, %d openers, %s, times clamonacc" %
                 (count, "warm" if warm else "cold"), ratio, -least,
                 ratio >= least)


def main():
    names = [name for name in LISTENERS
             if name != CLAM or clamonacc.is_installed()]
    if CLAM not in names:
        print("without clamonacc: apt-get install clamav-daemon clamdscan")
    results = Results()
    with gate.temporary_directory() as base, \
            gate.file_system("ext4", base) as root:
        # Not tmpfs, where files of users are not remembered: docs/caching.md.
        os.chmod(base, 0o755)
        os.chmod(root, 0o755)
        write_files(root)
        for number in range(REPEATS):
            one_round(base, root, names, results)
            print("round %d of %d" % (number + 1, REPEATS), file=sys.stderr,
                  flush=True)
    print_times(results, names)
    print_rates(results, names)
    print_goals(results, names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
