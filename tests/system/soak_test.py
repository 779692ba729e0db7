#!/usr/bin/env python3
"""Ordinary work for seconds, or for minutes: what the daemon holds at the end it
held soon after the start."""

import os
import subprocess
import sys
import time

import gate

# docs/long-runs.md has the run of 10 minutes.
SECONDS = int(os.environ.get("GATEHOUSE_TEST_SOAK_SECONDS", "6"))
WARM_UP = 0.3  # Of the time: caches, pools and rings fill.
OPENERS = 4
CLEAN_FILES = 200
EVIL_FILES = 10
EVIL_EVERY_MS = 1000  # The history keeps 10,000 threats.
# Pages that come and go with what is in work just when it is looked.
MEMORY_BYTES_MORE = 8 << 20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Writes, renames and removes clean files over and over, until input ends.
WRITER = """
import os, select, sys
number = 0
while not select.select([sys.stdin], [], [], 0.005)[0]:
    path = "%s/written-%d" % (sys.argv[1], number % 100)
    with open(path + ".new", "wb") as file:
        file.write(b"harmless %d " % number * (1 + number % 997))
    os.rename(path + ".new", path)
    if number % 3 == 0:
        os.unlink(path)
    number += 1
print(number)
"""


class SoakTest(gate.GateTest):

    def test_descriptors_and_memory_stay_what_they_were(self):
        clean = self.write_clean_files(CLEAN_FILES)
        daemon = self.start_daemon()
        worker = daemon.worker()
        openers = self.start_openers(OPENERS)
        for index, opener in enumerate(openers):
            opener.ask("storm", clean, CLEAN_FILES,
                       self.path("evil-%d-" % index), EVIL_FILES,
                       EVIL_EVERY_MS)
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, self.fs], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.addCleanup(writer.stdout.close)
        self.addCleanup(writer.wait)
        self.addCleanup(writer.kill)
        descriptors, memory = self.watch(daemon, worker)
        for opener in openers:
            opener.ask("stop")
        totals = [opener.answer() for opener in openers]
        files_written, _ = writer.communicate(b"\n")
        for name in ("clean_refused", "evil_opened", "other_errors"):
            self.assertEqual(sum(total[name] for total in totals), 0, name)
        written = sum(sum(total["written"]) for total in totals)
        opens = sum(total["clean_opened"] + total["evil_denied"]
                    for total in totals)
        print("%d opens, %d files written, %d malicious" %
              (opens, int(files_written), written), flush=True)
        gate.until(lambda: daemon.settled_counters()["quarantine"]["pending"]
                   == 0, "every hit has been dealt with")
        self.assertEqual(len(gate.threats(daemon)), written)
        self.assertEqual(daemon.worker(), worker)
        gate.until(lambda: not daemon.descriptors() - descriptors,
                   "no descriptor more than after the warm-up")
        self.check_memory(daemon, memory)
        self.assertEqual(daemon.stop(), 0)

    def watch(self, daemon, worker):
        """Asks for this and that until the time is over. Returns the open
        descriptors before the load, and the memory over time."""
        daemon.settled_counters()
        descriptors = daemon.descriptors()
        memory = []
        begin = time.monotonic()
        while time.monotonic() - begin < SECONDS:
            memory.append((time.monotonic() - begin, resident_bytes(worker)))
            self.assertTrue(gate.health(daemon)["healthy"])
            gate.mdatp(daemon, "threat", "list")
            daemon.counters()
            gate.pause(0.2)
        return descriptors, memory

    def check_memory(self, daemon, memory):
        """The most of the last third against the most up to the warm-up's
        end."""
        before = max(size for when, size in memory
                     if when <= max(SECONDS * WARM_UP, memory[0][0]))
        after = max(size for when, size in memory
                    if when >= memory[-1][0] * 2 / 3)
        print("memory of the worker: %.1f MiB, at the end %.1f MiB" %
              (before / 2**20, after / 2**20), flush=True)
        tenths = [max((size for when, size in memory
                       if part <= when / memory[-1][0] * 10 <= part + 1),
                      default=0) for part in range(10)]
        print("the most of each tenth: " +
              " ".join("%.1f" % (size / 2**20) for size in tenths), flush=True)
        if is_sanitized():  # It keeps what was freed.
            print("not asserted: a sanitizer keeps what was freed", flush=True)
            return
        self.assertLess(after, before + MEMORY_BYTES_MORE)
        self.assertGreater(daemon.settled_counters()["eventSource"]
                           ["authEvents"], 0)


def resident_bytes(pid):
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[1]) * PAGE_BYTES


def is_sanitized():
    with open(os.path.join(gate.BIN, "wdavdaemon"), "rb") as file:
        program = file.read()
    return b"__asan_init" in program or b"__tsan_init" in program


if __name__ == "__main__":
    gate.main()
