#!/usr/bin/env python3
"""When too many get no verdict in time, nobody is held any more, until it has
been calm for a while."""

import errno
import os
import signal
import unittest

import gate

MISSES_MAX = 20


class BreakerTest(gate.GateTest):

    PROGRAM = "wdavdaemon_with_probe"

    def setUp(self):
        super().setUp()
        self.fifo = os.path.join(self.base, "release")
        os.mkfifo(self.fifo)
        gate.write_file(self.path("evil"), gate.eicar())

    def open_sticky_files(self, first, count):
        """Opens so many files at once whose scans stick, and waits until the
        policy has let them in."""
        for index in range(first, first + count):
            gate.write_file(self.path("sticky-%d" % index),
                            b"GATEHOUSE-TEST-STICK " + self.fifo.encode() +
                            b"\n%d\n" % index)
        openers = self.start_openers(count)
        for index, opener in enumerate(openers, first):
            opener.ask("open", self.path("sticky-%d" % index))
        for opener in openers:
            self.assertEqual(opener.answer()["errno"], 0)

    def release(self):
        keep_open = os.open(self.fifo, os.O_RDWR)
        self.addCleanup(os.close, keep_open)

    def subsystem(self, daemon):
        return gate.mdatp(daemon, "health", "--field",
                          "real_time_protection_subsystem").out.strip()

    def is_open(self, daemon):
        return self.subsystem(daemon) == '"fanotify_notify_only"'

    def start_with_calm(self, seconds):
        return self.start_daemon(["--no-quarantine", "--breaker-calm",
                                  str(seconds)])

    def test_it_opens_is_shown_survives_the_worker_and_closes(self):
        # Files exist before the daemon: their scans shall stick at the open.
        daemon = self.start_with_calm(5)
        opener, = self.start_openers(1)
        self.open_sticky_files(0, MISSES_MAX - 1)
        # One fewer than it takes: still held.
        gate.until(lambda: daemon.counters()["auth"]["allowedNotScanned"]
                   ["deadline"] >= MISSES_MAX - 1, "the misses are counted")
        self.assertEqual(self.subsystem(daemon), '"fanotify"')
        self.assertEqual(opener.open(self.path("evil"))["errno"], errno.EPERM)
        self.open_sticky_files(MISSES_MAX, 1)
        gate.until(lambda: self.is_open(daemon), "it opens")
        self.assertEqual(gate.marks(daemon), 1)
        told = gate.health(daemon)
        self.assertFalse(told["healthy"])
        self.assertFalse(told["realTimeProtectionAvailable"])
        issue, = [text for text in told["healthIssues"]
                  if "circuit breaker open since" in text]
        self.assertRegex(issue, r"^opens and program starts are not held: too "
                         r"many of them got no verdict in time; circuit "
                         r"breaker open since 20\d\d-.* UTC, closes after "
                         r"[1-5] s of calm$")
        # Nobody is held, and what is written is judged.
        self.assertEqual(opener.open(self.path("evil"))["errno"], 0)
        found = daemon.counters()["sink"]["detectionsOnClose"]
        self.release()
        gate.write_file(self.path("written"), gate.eicar())
        gate.until(lambda: daemon.counters()["sink"]["detectionsOnClose"] >
                   found, "the written file is found")
        # A worker that dies does not close it.
        os.kill(daemon.worker(), signal.SIGKILL)
        gate.until(lambda: gate.health(daemon), "a successor answers")
        self.assertTrue(self.is_open(daemon))
        self.assertEqual(opener.open(self.path("evil"))["errno"], 0)
        gate.until(lambda: not self.is_open(daemon), "it closes")
        self.assertEqual(opener.open(self.path("evil"))["errno"], errno.EPERM)
        self.assertTrue(gate.health(daemon)["healthy"])
        self.assertEqual(daemon.counters()["circuitBreaker"]["openings"], 1)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    gate.main()
