#!/usr/bin/env python3
"""Many who open one unchanged file wait for one scan, each no longer than its
own deadline allows, and lose nothing when the worker dies."""

import os
import signal
import unittest

import gate

EPERM = 1
OPENERS = 8
MARKER = b"in flight marker 51c0"


class InFlightTest(gate.GateTest):

    PROGRAM = "wdavdaemon_with_probe"

    def setUp(self):
        super().setUp()
        self.fifo = os.path.join(self.base, "release")
        os.mkfifo(self.fifo)
        definitions = os.path.join(self.base, "definitions")
        os.mkdir(definitions)
        gate.write_file(os.path.join(definitions, "one.ndb"),
                        b"Test.Marker:0:*:" + MARKER.hex().encode())
        self.arguments = ["--no-quarantine", "--definitions", definitions]

    def release(self):
        """Lets every stuck scan go on, those to come too."""
        keep_open = os.open(self.fifo, os.O_RDWR)
        self.addCleanup(os.close, keep_open)

    def write_sticky(self, rest=b"harmless"):
        """A file whose scan sticks, and that changed long enough ago."""
        path = self.path("sticky")
        gate.write_file(path, b"GATEHOUSE-TEST-STICK " + self.fifo.encode() +
                        b"\n" + rest)
        self.let_settle(path)
        return path

    def let_settle(self, path):
        begin = os.stat(path).st_ctime_ns
        gate.write_file(os.path.join(self.base, "clock"), b"")

        def is_older():
            os.utime(os.path.join(self.base, "clock"))
            now = os.stat(os.path.join(self.base, "clock")).st_ctime_ns
            return now - begin > 40_000_000
        gate.until(is_older, "the file is old enough")

    def hold(self, rest=b"harmless"):
        """A daemon, and openers of one file: one leads, the others follow."""
        path = self.write_sticky(rest)
        daemon = self.start_daemon(self.arguments)
        openers = self.start_openers(OPENERS)
        for opener in openers:
            opener.ask("open", path)
        gate.until(lambda: daemon.counters()["scansInFlight"]["followers"] ==
                   OPENERS - 1, "all but one follow")
        return daemon, openers, path

    def expect(self, daemon, openers, error, shared):
        self.assertEqual([opener.answer()["errno"] for opener in openers],
                         [error] * OPENERS)
        counters = daemon.settled_counters()
        self.assertEqual(counters["scansInFlight"]["shared"], shared)
        self.assertEqual(counters["scansInFlight"]["alone"],
                         OPENERS - 1 - shared)
        self.assertEqual(counters["auth"]["ticketsDropped"], 0)
        return counters

    def test_one_scan_is_enough(self):
        daemon, openers, _ = self.hold()
        self.release()
        counters = self.expect(daemon, openers, 0, OPENERS - 1)
        self.assertEqual(counters["realtimeWorkers"]["scansStarted"], 1)
        self.assertEqual(counters["auth"]["allowedClean"], OPENERS)
        self.assertEqual(daemon.stop(), 0)

    def test_what_the_leader_finds_is_denied_to_all(self):
        daemon, openers, _ = self.hold(MARKER)
        self.release()
        counters = self.expect(daemon, openers, EPERM, OPENERS - 1)
        self.assertEqual(counters["realtimeWorkers"]["scansStarted"], 1)

    def test_a_file_that_changes_meanwhile_is_scanned_for_each(self):
        daemon, openers, path = self.hold(b"x" * 100)
        os.truncate(path, os.stat(path).st_size - 1)
        self.release()
        counters = self.expect(daemon, openers, 0, 0)
        self.assertEqual(counters["realtimeWorkers"]["scansStarted"], OPENERS)

    def test_a_stuck_leader_delays_nobody_beyond_its_own_deadline(self):
        daemon, openers, _ = self.hold()
        waits = [opener.answer() for opener in openers]
        self.assertEqual([wait["errno"] for wait in waits], [0] * OPENERS)
        print("longest wait %d ms" % max(wait["wait_ms"] for wait in waits),
              flush=True)
        gate.until(lambda: daemon.counters()["auth"]["allowedNotScanned"]
                   ["deadline"] == OPENERS, "the policy has answered for all")
        counters = daemon.counters()
        self.assertEqual(counters["eventSource"]["allowedDeadline"], 0)
        self.release()
        gate.until(lambda: daemon.counters()["rescans"]["finished"] == OPENERS,
                   "all have been looked at")

    def test_a_successor_judges_leader_and_followers(self):
        daemon, openers, _ = self.hold(MARKER)
        worker = daemon.worker()
        self.release_for_successor(worker)
        self.assertEqual([opener.answer()["errno"] for opener in openers],
                         [EPERM] * OPENERS)
        counters = daemon.settled_counters()
        self.assertEqual(counters["eventSource"]["adopted"], OPENERS)
        self.assertEqual(counters["eventSource"]["strikes"], 0)

    def release_for_successor(self, worker):
        """The first worker dies stuck; scans of the next one go on."""
        os.kill(worker, signal.SIGKILL)
        self.release()

    def test_a_crash_strikes_the_leader_alone(self):
        path = self.path("crash")
        gate.write_file(path, b"GATEHOUSE-TEST-CRASH")
        self.let_settle(path)
        daemon = self.start_daemon(self.arguments)
        openers = self.start_openers(OPENERS)
        for opener in openers:
            opener.ask("open", path)
        self.assertEqual([opener.answer()["errno"] for opener in openers],
                         [0] * OPENERS)
        counters = daemon.settled_counters()
        self.assertEqual(counters["supervisor"]["workerDeathsOwnFault"], 2)
        self.assertEqual(counters["auth"]["allowedNotScanned"]["scan_crashed"],
                         OPENERS)


if __name__ == "__main__":
    gate.main()
