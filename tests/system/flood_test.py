#!/usr/bin/env python3
"""Whoever opens what cannot be judged in time hurts himself alone."""

import fcntl
import os

import gate

EPERM = 1
ENDLESS_BYTES = 1 << 40


class FloodTest(gate.GateTest):

    def write_endless_files(self, count):
        for index in range(count):
            with open(self.path("endless-%d" % index), "wb") as file:
                file.truncate(ENDLESS_BYTES)

    def test_endless_files_let_nobody_else_through(self):
        self.write_endless_files(24)
        gate.write_file(self.path("evil"), gate.eicar())
        gate.write_file(self.path("clean"), b"harmless")
        daemon = self.start_daemon(["--no-quarantine"])
        flood = self.start_openers(24)
        prober, = self.start_openers(1)
        for index, opener in enumerate(flood):
            opener.ask("open", self.path("endless-%d" % index))
        for _ in range(5):
            self.assertEqual(prober.open(self.path("evil"))["errno"], EPERM)
            self.assertEqual(prober.open(self.path("clean"))["errno"], 0)
        for opener in flood:
            answer = opener.answer()
            self.assertEqual(answer["errno"], 0)
            self.assertLess(answer["wait_ms"], gate.promised(3.0) * 1000)
        gate.until(lambda: policy_answers(daemon) == 24,
                   "policy answers are counted")
        # Nobody waits: the workers are free again, the rest is for rescans.
        gate.until(lambda: daemon.counters()["realtimeWorkers"]["stuck"] == 0,
                   "no worker is held by what nobody waits for")
        self.assertEqual(daemon.counters()["rescans"]["queued"], 24)
        self.assertEqual(prober.open(self.path("evil"))["errno"], EPERM)

    def test_a_file_under_a_write_lease_holds_up_nobody(self):
        """The kernel itself refuses such an open: the lease would have to be
        broken before our reader had its descriptor. Known and counted."""
        gate.write_file(self.path("leased"), b"harmless")
        gate.write_file(self.path("evil"), gate.eicar())
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        with open(self.path("leased"), "rb+") as holder:
            daemon.settled_counters()  # Only we have it open now.
            fcntl.fcntl(holder.fileno(), fcntl.F_SETLEASE, fcntl.F_WRLCK)
            self.assertEqual(opener.open(self.path("leased"))["errno"], EPERM)
            self.assertEqual(opener.open(self.path("evil"))["errno"], EPERM)
            fcntl.fcntl(holder.fileno(), fcntl.F_SETLEASE, fcntl.F_UNLCK)
        self.assertEqual(opener.open(self.path("leased"))["errno"], 0)
        self.assertEqual(daemon.counters()["eventSource"]["readErrors"], 1)

    def test_a_file_cut_short_while_it_is_scanned_harms_nothing(self):
        path = self.path("shrinking")
        gate.write_file(path, b"x" * (64 << 20))
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        opener.ask("open", path)
        for size in range(60, 0, -4):
            os.truncate(path, size << 20)
        self.assertEqual(opener.answer()["errno"], 0)
        counters = daemon.settled_counters()
        self.assertEqual(counters["supervisor"]["workerDeaths"], 0)


def policy_answers(daemon):
    """The scan gives up when the ledger answers: either may come first."""
    reasons = daemon.counters()["auth"]["allowedNotScanned"]
    return reasons["deadline"] + reasons["time_limit"]


if __name__ == "__main__":
    gate.main()
