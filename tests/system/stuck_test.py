#!/usr/bin/env python3
"""A scan that does not come back, or that kills its process, holds up nobody
else, and whoever waits for it gets an answer."""

import os
import unittest

import gate

EPERM = 1
CRASH = b"GATEHOUSE-TEST-CRASH"


class StuckTest(gate.GateTest):

    PROGRAM = "wdavdaemon_with_probe"

    def setUp(self):
        super().setUp()
        self.fifo = os.path.join(self.base, "release")
        os.mkfifo(self.fifo)
        gate.write_file(self.path("evil"), gate.eicar())
        gate.write_file(self.path("clean"), b"harmless")

    def write_sticky_files(self, count):
        for index in range(count):
            gate.write_file(self.path("sticky-%d" % index),
                            b"GATEHOUSE-TEST-STICK " + self.fifo.encode() +
                            b"\n%d\n" % index)

    def release(self):
        """Lets every stuck scan go on, those to come too."""
        keep_open = os.open(self.fifo, os.O_RDWR)
        self.addCleanup(os.close, keep_open)

    def stuck(self, count, evil_in_time):
        self.write_sticky_files(count)
        daemon = self.start_daemon(["--no-quarantine"])
        sticky = self.start_openers(count)
        for index, opener in enumerate(sticky):
            opener.ask("open", self.path("sticky-%d" % index))
        gate.until(
            lambda: daemon.counters()["auth"]["ticketsIssued"] == count,
            "all are held")
        if evil_in_time:
            prober, = self.start_openers(1)
            self.assertEqual(prober.open(self.path("evil"))["errno"], EPERM)
            self.assertEqual(prober.open(self.path("clean"))["errno"], 0)
        waits = [opener.answer() for opener in sticky]
        self.assertEqual([wait["errno"] for wait in waits], [0] * count)
        # Answered by policy before the deadline of 3 s, and counted.
        gate.until(lambda: daemon.counters()["auth"]["allowedNotScanned"]
                   ["deadline"] == count, "the policy answers are counted")
        counters = daemon.counters()
        print(count, "stuck, longest wait",
              max(wait["wait_ms"] for wait in waits), "ms,",
              counters["realtimeWorkers"], flush=True)
        self.assertEqual(counters["eventSource"]["allowedDeadline"], 0)
        self.release()
        gate.until(
            lambda: daemon.counters()["rescans"]["finished"] == count,
            "the rescans have been made")
        daemon.settled_counters()
        gate.until(
            lambda: daemon.counters()["realtimeWorkers"]["live"] == 5,
            "replacements leave when the stuck come back")
        self.assertEqual(daemon.stop(), 0)
        return counters

    def test_1_stuck_scan(self):
        self.stuck(1, evil_in_time=True)

    def test_2_stuck_scans(self):
        self.stuck(2, evil_in_time=True)

    def test_8_stuck_scans(self):
        counters = self.stuck(8, evil_in_time=True)
        self.assertGreaterEqual(counters["realtimeWorkers"]["replaced"], 4)

    def test_40_stuck_scans(self):
        counters = self.stuck(40, evil_in_time=False)
        self.assertEqual(counters["realtimeWorkers"]["live"], 32)
        self.assertGreater(counters["realtimeWorkers"]["limitHits"], 0)

    def test_a_stuck_scan_of_a_closed_file_holds_up_no_open(self):
        daemon = self.start_daemon(["--no-quarantine"])
        self.write_sticky_files(8)
        gate.until(
            lambda: daemon.counters()["backgroundWorkers"]["stuck"] == 6,
            "the background workers are stuck")
        opener, = self.start_openers(1)
        self.assertEqual(opener.open(self.path("evil"))["errno"], EPERM)
        self.assertEqual(opener.open(self.path("clean"))["errno"], 0)
        self.release()
        self.assertEqual(daemon.stop(), 0)

    def test_what_crashes_the_scanner_twice_is_answered_by_policy(self):
        gate.write_file(self.path("crash"), CRASH)
        gate.write_file(self.path("copy"), CRASH)
        daemon = self.start_daemon(["--no-quarantine"])
        victim, prober = self.start_openers(2)
        victim.ask("open", self.path("crash"))
        # Meanwhile the others get their answers.
        for _ in range(50):
            self.assertEqual(prober.open(self.path("evil"))["errno"], EPERM)
            self.assertEqual(prober.open(self.path("clean"))["errno"], 0)
        self.assertEqual(victim.answer()["errno"], 0)
        counters = daemon.settled_counters()
        print(counters["supervisor"], flush=True)
        self.assertEqual(counters["supervisor"]["workerDeathsOwnFault"], 2)
        self.assertEqual(counters["eventSource"]["strikes"], 2)
        self.assertEqual(counters["auth"]["allowedNotScanned"]["scan_crashed"],
                         1)
        self.assertEqual(counters["crashedContents"], 1)
        # The same content is known now, under this name and any other.
        self.assertEqual(prober.open(self.path("crash"))["errno"], 0)
        self.assertEqual(prober.open(self.path("copy"))["errno"], 0)
        counters = daemon.settled_counters()
        self.assertEqual(counters["supervisor"]["workerDeaths"], 2)
        self.assertEqual(counters["auth"]["allowedNotScanned"]["scan_crashed"],
                         3)
        self.assertEqual(daemon.stop(), 0)

    def test_a_closed_file_that_crashes_the_scanner_is_given_up(self):
        daemon = self.start_daemon(["--no-quarantine"])
        gate.write_file(self.path("crash"), CRASH)
        gate.until(lambda: daemon.counters()["crashedContents"] == 1,
                   "its content is remembered")
        self.assertEqual(
            daemon.counters()["supervisor"]["workerDeathsOwnFault"], 2)
        opener, = self.start_openers(1)
        self.assertEqual(opener.open(self.path("evil"))["errno"], EPERM)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    gate.main()
