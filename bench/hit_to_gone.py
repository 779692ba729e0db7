#!/usr/bin/env python3
"""How long a malicious file stays after it was closed, until its name is gone.

Run below tests/system/guard.py with GATEHOUSE_BIN set; see docs/benchmarks.md.
"""

import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests",
                                "system"))
import gate  # noqa: E402

FILES = int(os.environ.get("GATEHOUSE_BENCH_FILES", "300"))
LOOK_SECONDS = 1e-4
# One hit at a time: the record of the last one is on the disk by then.
PAUSE_SECONDS = float(os.environ.get("GATEHOUSE_BENCH_PAUSE_MS", "50")) / 1e3
MARKER = b"a marker that no other file has"


def percentile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def hit(path, content):
    """Seconds from the close until the name is gone."""
    time.sleep(PAUSE_SECONDS)
    with open(path, "wb", buffering=0) as file:
        file.write(content)
        written_at = time.perf_counter()
    # Who spins takes a processor from those he measures.
    while os.path.lexists(path):
        time.sleep(LOOK_SECONDS)
    return time.perf_counter() - written_at


def main():
    with gate.temporary_directory() as base, \
            gate.tmpfs(os.path.join(base, "protected")) as directory:
        definitions = os.path.join(base, "definitions")
        os.mkdir(definitions)
        gate.write_file(os.path.join(definitions, "one.ndb"),
                        b"Test.Marker:0:*:" + MARKER.hex().encode())
        daemon = gate.Daemon(base, [directory],
                             arguments=["--definitions", definitions]).start()
        try:
            for size in (4 << 10, 1 << 20):
                content = os.urandom(size - len(MARKER)) + MARKER
                times = [hit(os.path.join(directory, "hit-%d" % index), content)
                         for index in range(FILES)]
                print("%8d bytes, %d hits: median %.2f ms, p99 %.2f ms, "
                      "slowest %.2f ms" %
                      (size, FILES, statistics.median(times) * 1e3,
                       percentile(times, 0.99) * 1e3, max(times) * 1e3))
            told = gate.health(daemon)
            print("isolated within the deadline: %d, late: %d" %
                  (told["threatsIsolatedWithinDeadline"],
                   told["threatsIsolatedLate"]))
        finally:
            daemon.stop()
            daemon.end()


if __name__ == "__main__":
    main()
