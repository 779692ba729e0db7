#!/usr/bin/env python3
"""kill -9 of the daemon, again and again, while 200 files a second are written
and one in 20 is malicious: nothing is lost, and list and vault agree.

GATEHOUSE_TEST_DAEMON_KILLS is the number of kills; one in 50 takes the
supervisor along, and the next start is a cold one.
"""

import hashlib
import os
import subprocess
import sys
import threading
import time
import unittest

import evil_writer
import gate

KILLS = int(os.environ.get("GATEHOUSE_TEST_DAEMON_KILLS", "40"))
COLD_EVERY = 50
# What was closed just before a cold start may not have been isolated.
UNFINISHED_SECONDS = 2.0
FILES_PER_SECOND = 200
EVIL_EVERY = 20
CLEAN_FILES = 500  # Written again and again.
RESTORES_MAX = int(os.environ.get("GATEHOUSE_TEST_RESTORES", "60"))


class Load(threading.Thread):
    """Writes files at its pace, whatever the daemon does."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.evil = {}   # Content by path.
        self.closed = {}  # When, by path.
        self.clean = {}
        self.late = 0
        self.next = 0
        self.errors = []
        self.stop = threading.Event()

    def run(self):
        begin = time.monotonic()
        while not self.stop.is_set():
            due = begin + self.next / FILES_PER_SECOND
            if self.stop.wait(max(0.0, due - time.monotonic())):
                return
            self.late += time.monotonic() - due > 1.0
            try:
                self.write(self.next)
            except OSError as error:
                self.errors.append("%d: %s" % (self.next, error))
            self.next += 1

    def write_last(self):
        """One more malicious file, after the thread has ended; its path."""
        number = self.next + -self.next % EVIL_EVERY
        self.write(number)
        return os.path.join(self.folder, "evil-%d" % number)

    def write(self, number):
        if number % EVIL_EVERY == 0:
            path = os.path.join(self.folder, "evil-%d" % number)
            content = (evil_writer.HEAD + evil_writer.TAIL +
                       evil_writer.end_of("load", number))
            with open(path, "xb", buffering=0) as file:
                file.write(content)
            self.evil[path] = content
            self.closed[path] = time.monotonic()
            return
        path = os.path.join(self.folder, "clean-%d" % (number % CLEAN_FILES))
        content = b"harmless %d\n" % number * (1 + number % 300)
        with open(path, "wb") as file:
            file.write(content)
        self.clean[path] = content


class QuarantineLoadTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        self.random = gate.seeded_random()
        self.out = os.path.join(self.base, "out")
        os.mkdir(self.out)
        self.unprotected = []  # From when to when.

    def kill(self, daemon, number):
        """Returns the daemon that is there afterwards."""
        gate.pause(self.random.uniform(0.0, 0.2))
        if number % COLD_EVERY == COLD_EVERY // 2:
            begin = time.monotonic()
            os.killpg(daemon.pid, 9)
            daemon.end()
            daemon = self.start_daemon()
            self.unprotected.append((begin, time.monotonic()))
            return daemon
        before = daemon.worker()
        subprocess.run(["killall", "-9", self.PROGRAM],
                       stderr=subprocess.DEVNULL)
        gate.until(lambda: daemon.worker() not in (0, before),
                   "another worker")
        return daemon

    def settle(self, daemon, last):
        """Waits until every event so far has been dealt with. The kernel's
        queue keeps the order: when the last file is listed, no event of an
        earlier one is still in it, where no counter could see it."""
        gate.until(lambda: gate.health(daemon).get("healthy"),
                   "the daemon answers")
        gate.until(lambda: last in {threat["path"]
                                    for threat in gate.threats(daemon)},
                   "the last file is listed")
        gate.until(lambda: daemon.settled_counters()["quarantine"]["pending"]
                   == 0, "every hit has been dealt with")

    def was_unprotected(self, when):
        return any(begin - UNFINISHED_SECONDS <= when <= end
                   for begin, end in self.unprotected)

    def assert_complete(self, daemon, evil):
        """Each is in its place, or in the list, once, with its object."""
        listed = gate.threats(daemon)
        self.assertEqual({threat["status"] for threat in listed},
                         {"quarantined"})
        paths = [threat["path"] for threat in listed]
        self.assertEqual(len(paths), len(set(paths)), "listed twice")
        in_place = {path for path in evil if os.path.exists(path)}
        self.assertEqual(in_place & set(paths), set(), "in both places")
        self.assertEqual(in_place | set(paths), set(evil), "lost, or invented")
        vault = os.path.join(daemon.state, "vault")
        self.assertEqual(os.listdir(os.path.join(vault, "stage")), [])
        objects = {name[:-2] for name in
                   os.listdir(os.path.join(vault, "data"))}
        records = {threat["tracking_id"] for threat in listed}
        self.assertEqual(objects - records, set(), "orphan objects")
        self.assertEqual(records - objects, set(), "orphan records")
        for threat in listed:
            self.assertEqual(threat["sha256"],
                             hashlib.sha256(evil[threat["path"]]).hexdigest())
        for path in in_place:
            self.assertEqual(read(path), evil[path])
        for threat in self.random.sample(listed, min(RESTORES_MAX,
                                                     len(listed))):
            self.assertEqual(gate.restored(daemon, threat, self.out),
                             evil[threat["path"]])
        return len(in_place), len(listed)

    def test_nothing_is_lost_whenever_the_daemon_is_killed(self):
        daemon = self.start_daemon()
        load = Load(self.fs)
        load.start()
        begin = time.monotonic()
        try:
            for number in range(KILLS):
                daemon = self.kill(daemon, number)
        finally:
            load.stop.set()
            load.join()
        seconds = time.monotonic() - begin
        self.settle(daemon, load.write_last())
        # So that this test may read what is left in its place.
        off = gate.mdatp(daemon, "config", "real-time-protection", "--value",
                         "disabled")
        self.assertEqual(off.code, 0, off)
        in_place, quarantined = self.assert_complete(daemon, load.evil)
        missed = [path for path in load.evil if os.path.exists(path)
                  and not self.was_unprotected(load.closed[path])]
        self.assertEqual(missed, [], "nobody looked at them")
        for path, content in load.clean.items():
            self.assertEqual(read(path), content)
        unknown = [name for name in os.listdir(self.fs)
                   if self.path(name) not in load.evil
                   and self.path(name) not in load.clean]
        self.assertEqual(unknown, [])
        self.assertEqual(load.errors, [])
        written = len(load.evil) * EVIL_EVERY
        print("%d kills in %.0f s, %d files, %.0f/s, %d late; %d malicious: "
              "%d in quarantine and listed, %d in place, 0 lost, 0 orphans" %
              (KILLS, seconds, written, written / seconds, load.late,
               len(load.evil), quarantined, in_place), flush=True)
        self.assertGreater(quarantined, 0)
        self.assertEqual(daemon.stop(), 0)


def read(path):
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    gate.main()
