#!/usr/bin/env python3
"""Whoever opens what cannot be judged in time hurts himself alone."""

import fcntl
import os
import subprocess

import gate

EPERM = 1
ENDLESS_BYTES = 1 << 40
NOBODY = 65534
CREATIONS = 20000
CLEAN_OPENS = 10000
CREATE_FILES = """
import os, sys
for i in range(int(sys.argv[2])):
    fd = os.open("%s/%d" % (sys.argv[1], i), os.O_CREAT | os.O_WRONLY)
    os.write(fd, b"x")
    os.close(fd)
"""


class FloodTest(gate.GateTest):

    def write_endless_files(self, count):
        for index in range(count):
            with open(self.path("endless-%d" % index), "wb") as file:
                file.truncate(ENDLESS_BYTES)
            os.chown(file.name, NOBODY, NOBODY)

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
        # All of one user's: he cannot open the circuit breaker for everybody.
        self.assertLessEqual(daemon.counters()["auth"]["talliedMisses"], 5)
        self.assertEqual(gate.health(daemon)["realTimeProtectionSubsystem"],
                         "fanotify")
        self.assertEqual(prober.open(self.path("evil"))["errno"], EPERM)

    def test_a_burst_of_creations_hides_nothing(self):
        """By somebody without any right; the queue of opens loses nothing."""
        gate.write_file(self.path("evil"), gate.eicar())
        folder = self.path("anybody")
        os.mkdir(folder)
        os.chmod(self.base, 0o755)
        os.chown(folder, NOBODY, NOBODY)
        daemon = self.start_daemon(["--no-quarantine"])
        creator = subprocess.Popen(
            ["python3", "-c", CREATE_FILES, folder, str(CREATIONS)],
            user=NOBODY, group=NOBODY, extra_groups=[])
        opener, = self.start_openers(1)
        while creator.poll() is None:
            self.assertEqual(opener.open(self.path("evil"))["errno"], EPERM)
        self.assertEqual(creator.returncode, 0)
        self.assertEqual(len(os.listdir(folder)), CREATIONS)
        self.assertEqual(opener.open(self.path("evil"))["errno"], EPERM)
        counters = daemon.settled_counters()
        self.assertEqual(counters["eventSource"]["queueOverflows"], 0)
        self.assertEqual(counters["eventSource"]["allowedDeadline"], 0)
        self.assertGreaterEqual(counters["eventSource"]["notifyEvents"],
                                CREATIONS)

    def test_with_few_descriptors_nobody_is_refused(self):
        """Out of descriptors, the kernel would deny: we never get there."""
        clean = self.write_clean_files(50)
        gate.write_file(self.path("evil-0"), gate.eicar())
        daemon = self.start_daemon(["--no-quarantine"],
                                   prefix=["prlimit", "--nofile=256"])
        openers = self.start_openers(20)
        for opener in openers:
            opener.ask("loop", clean, 50, self.path("evil-"), 1)
        gate.until(
            lambda: daemon.counters()["eventSource"]["allowed"] >= CLEAN_OPENS,
            "enough was opened")
        for opener in openers:
            opener.ask("stop")
        totals = {}
        for opener in openers:
            for key, value in opener.answer().items():
                totals[key] = totals.get(key, 0) + value
        self.assertGreaterEqual(totals["clean_opened"], CLEAN_OPENS)
        self.assertEqual(totals["clean_refused"], 0)
        self.assertEqual(totals["other_errors"], 0)
        self.assertEqual(totals["evil_opened"], 0)
        self.assertEqual(
            daemon.settled_counters()["eventSource"]["readErrors"], 0)

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
