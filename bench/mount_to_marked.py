#!/usr/bin/env python3
"""How long what is mounted below a protected path is not protected yet.

Run below tests/system/guard.py with GATEHOUSE_BIN set; see docs/benchmarks.md.
"""

import ctypes
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests",
                                "system"))
import gate  # noqa: E402

MOUNTS = int(os.environ.get("GATEHOUSE_BENCH_MOUNTS", "100"))
PROMISE_SECONDS = 0.1
LIBC = ctypes.CDLL(None, use_errno=True)


def mount(directory):
    """mount(2) itself: no program is started for it."""
    if LIBC.mount(b"none", directory.encode(), b"tmpfs", 0, b"size=1m") != 0:
        raise OSError(ctypes.get_errno(), "mount")
    if os.stat(directory).st_dev == os.stat("/").st_dev:
        raise RuntimeError("refusing to mark the root file system")


def until_denied(directory):
    """Seconds from the return of mount(2) until EICAR cannot be opened."""
    mount(directory)
    mounted_at = time.perf_counter()
    path = os.path.join(directory, "evil")
    gate.write_file(path, gate.eicar())
    while time.perf_counter() - mounted_at < gate.PATIENCE_SECONDS:
        try:
            os.close(os.open(path, os.O_RDONLY))
        except PermissionError:
            return time.perf_counter() - mounted_at
    raise AssertionError("'%s' is not protected" % directory)


def measure(name, directory):
    times = []
    for index in range(MOUNTS):
        times.append(until_denied(os.path.join(directory,
                                               "%s-%d" % (name, index))))
    ordered = sorted(times)
    late = sum(seconds > PROMISE_SECONDS for seconds in times)
    print("%-10s %d mounts: median %.2f ms, p99 %.2f ms, slowest %.2f ms; "
          "later than %d ms: %d" %
          (name, MOUNTS, statistics.median(times) * 1e3,
           ordered[int(len(ordered) * 0.99) - 1] * 1e3, ordered[-1] * 1e3,
           PROMISE_SECONDS * 1e3, late), flush=True)
    return late


def main():
    late = 0
    for name, hogs in (("quiet", 0), ("two-hogs", 2), ("eight-hogs", 8)):
        with gate.temporary_directory() as base, \
                gate.tmpfs(os.path.join(base, "protected")) as directory:
            for index in range(MOUNTS):
                os.mkdir(os.path.join(directory, "%s-%d" % (name, index)))
            daemon = gate.Daemon(base, [directory],
                                 arguments=["--no-quarantine"]).start()
            busy = [subprocess.Popen([sys.executable, "-c",
                                      "while True: pass"])
                    for _ in range(hogs)]
            try:
                late += measure(name, directory)
            finally:
                for one in busy:
                    one.kill()
                    one.wait()
                daemon.stop()
                daemon.end()
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
