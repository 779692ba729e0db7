#!/usr/bin/env python3
"""The worker may be killed at any moment: nobody gets EICAR, nobody is refused
a clean file, nobody hangs, nothing leaks."""

import collections
import os
import signal
import subprocess
import sys
import time

import gate

KILLS = int(os.environ.get("GATEHOUSE_TEST_KILLS", "200"))
# With files that come and go each costs more: a suite has time for fewer.
STORM_KILLS = int(os.environ.get("GATEHOUSE_TEST_KILLS", "60"))
CONTROL_KILLS_MAX = 500
READY_EVERY_SECONDS = 0.5
READY = " ready worker="
# The history keeps 10,000 threats: 8 openers, so many a second, for minutes.
EVIL_EVERY_MS = 200
OPENERS = 8
CLEAN_FILES = 50
EVIL_FILES = 10


class KillTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        self.clean = self.write_clean_files(CLEAN_FILES)
        for index in range(EVIL_FILES):
            gate.write_file(self.path("evil-%d" % index), gate.eicar())
        self.random = gate.seeded_random()
        self.killed = set()

    def is_new(self, worker):
        """1 for a worker that was not killed before, else 0."""
        if worker == 0 or worker in self.killed:
            return 0
        self.killed.add(worker)
        return 1

    def storm(self, daemon, kill_once):
        """Kills KILLS workers under load; returns what the openers saw."""
        openers = self.start_openers(OPENERS)
        for opener in openers:
            opener.ask("loop", self.clean, CLEAN_FILES, self.path("evil-"),
                       EVIL_FILES)
        self.kill_workers(daemon, kill_once, KILLS)
        return self.totals(openers, KILLS)[0]

    def kill_workers(self, daemon, kill_once, count):
        """Workers that die before they are ready are fine, but when none has
        been for two seconds policy answers: a machine that is too slow for the
        storm waits for one now and then."""
        kills, waits = 0, 0
        ready_at = time.monotonic()
        with open(daemon.log_path, errors="replace") as log:
            while kills < count:
                gate.pause(self.random.uniform(0.0, 0.05))
                if time.monotonic() - ready_at > READY_EVERY_SECONDS:
                    # What is new since: the log of a long storm is large.
                    if READY not in log.read():
                        waits += 1
                        gate.until(lambda: READY in log.read(),
                                   "a worker is ready")
                    ready_at = time.monotonic()
                kills += kill_once(daemon)
        if waits:
            print("waited %d times for a worker" % waits, flush=True)

    def totals(self, openers, kills):
        """What all saw, and how often each has written its files."""
        for opener in openers:
            opener.ask("stop")
        totals = collections.Counter()
        slowest, written = 0, []
        for opener in openers:
            answer = opener.answer()
            written.append(answer.pop("written", None))
            slowest = max(slowest, answer.pop("slowest_ms"))
            totals.update(answer)
        print("%d kills, longest wait %d ms: %s" %
              (kills, slowest, dict(totals)), flush=True)
        return totals, written

    def check(self, daemon, totals, descriptors, kills=KILLS):
        self.assertEqual(totals["evil_opened"], 0)
        self.assertEqual(totals["clean_refused"], 0)
        self.assertEqual(totals["other_errors"], 0)
        self.assertGreater(totals["evil_denied"], 0)
        self.assertGreater(totals["clean_opened"], 0)
        counters = daemon.settled_counters()
        print(counters["supervisor"], counters["eventSource"], flush=True)
        self.assertGreaterEqual(counters["supervisor"]["workerDeaths"], kills)
        self.assertEqual(counters["eventSource"]["allowedNoWorker"], 0)
        self.assertEqual(counters["eventSource"]["strikes"], 0)
        self.assertEqual(counters["auth"]["ticketsDropped"], 0)
        gate.until(lambda: not daemon.descriptors() - descriptors,
                   "no descriptor has leaked")

    def killall(self, daemon):
        """The literal command that users of this product know."""
        victim = daemon.worker()
        done = subprocess.run(["killall", "-9", "wdavdaemon"],
                              stderr=subprocess.DEVNULL)
        return self.is_new(victim) if done.returncode == 0 else 0

    def kill(self, daemon):
        worker = daemon.worker()
        if worker == 0:
            return 0
        try:
            os.kill(worker, signal.SIGKILL)
        except ProcessLookupError:  # The last kill has only now ended it.
            return 0
        return self.is_new(worker)

    def kill_either_way(self, daemon):
        return self.random.choice((self.kill, self.killall))(daemon)

    def check_storm(self, kill_once):
        daemon = self.start_daemon(["--no-quarantine"])
        daemon.counters()
        descriptors = daemon.descriptors()
        self.check(daemon, self.storm(daemon, kill_once), descriptors)
        self.assertEqual(daemon.stop(), 0)

    def test_killall_by_name_at_random_moments(self):
        self.check_storm(self.killall)

    def test_kills_at_random_moments_by_pid(self):
        self.check_storm(self.kill)

    def test_kills_while_files_are_quarantined_and_written_again(self):
        for index in range(EVIL_FILES):
            os.unlink(self.path("evil-%d" % index))
        daemon = self.start_daemon()
        daemon.counters()
        descriptors = daemon.descriptors()
        openers = self.start_openers(OPENERS)
        prefixes = [self.path("evil-%d-" % index) for index in range(OPENERS)]
        for opener, prefix in zip(openers, prefixes):
            opener.ask("storm", self.clean, CLEAN_FILES, prefix, EVIL_FILES,
                       EVIL_EVERY_MS)
        self.kill_workers(daemon, self.kill_either_way, STORM_KILLS)
        totals, counts = self.totals(openers, STORM_KILLS)
        gate.until(lambda: daemon.settled_counters()["quarantine"]["pending"]
                   == 0, "every hit has been dealt with")
        self.check(daemon, totals, descriptors, STORM_KILLS)
        written = collections.Counter()
        for prefix, files in zip(prefixes, counts):
            for index, count in enumerate(files):
                written["%s%d" % (prefix, index)] = count
        self.check_list(daemon, +written)
        self.assertEqual(daemon.stop(), 0)

    def check_list(self, daemon, written):
        """Each file that was written is in the list, as often as it was."""
        # The last worker may have died just now, events unread.
        gate.until(lambda: not any(os.path.exists(path) for path in written),
                   "none is in place")
        gate.until(lambda: daemon.settled_counters()["quarantine"]["pending"]
                   == 0, "every hit has been dealt with")
        listed = collections.Counter()
        for threat in gate.threats(daemon):
            self.assertEqual(threat["status"], "quarantined", threat)
            listed[threat["path"]] += 1
        print("%d written, %d in quarantine" %
              (written.total(), listed.total()), flush=True)
        self.assertEqual(listed, written)

    def test_the_storm_notices_a_daemon_that_lets_go(self):
        """The negative control: without its supervisor the group closes."""
        opener, = self.start_openers(1)
        opened = 0
        for _ in range(50):  # The opener is slow at times; once is enough.
            if opened:
                break
            daemon = self.start_daemon(["--no-quarantine"])
            opener.ask("loop", self.clean, CLEAN_FILES, self.path("evil-"),
                       EVIL_FILES)
            gate.pause(self.random.uniform(0.0, 0.03))
            daemon.process.kill()
            daemon.process.wait()
            gate.until(lambda: opener_reads(self.path("evil-0")),
                       "the kernel allows")
            opener.ask("stop")
            opened += opener.answer()["evil_opened"]
        self.assertGreater(opened, 0)

    def test_the_storm_notices_an_answer_for_the_dead(self):
        """The other control: a build that allows whoever waits for a worker
        that has died. See allow_for_dead_worker.cc."""
        self.PROGRAM = "wdavdaemon_allowing"
        daemon = self.start_daemon(["--no-quarantine"])
        openers = self.start_openers(OPENERS)
        for opener in openers:
            opener.ask("loop", self.clean, CLEAN_FILES, self.path("evil-"),
                       EVIL_FILES)
        kills = 0
        while kills < CONTROL_KILLS_MAX and not \
                daemon.counters()["eventSource"]["allowedNoWorker"]:
            self.kill_workers(daemon, self.kill, 20)
            kills += 20
        totals, _ = self.totals(openers, kills)
        self.assertGreater(totals["evil_opened"], 0)
        with self.assertRaises(AssertionError):
            self.check(daemon, totals, daemon.descriptors(), kills)

    def test_a_successor_may_read_what_it_protects(self):
        """Its own opens must not wait for an answer that only it can give."""
        definitions = self.path("definitions")
        os.mkdir(definitions)
        gate.write_file(os.path.join(definitions, "one.ndb"),
                        b"Test.One:0:*:" + b"marker one".hex().encode())
        config = self.path("config.json")
        gate.write_file(config, b"{}")
        daemon = self.start_daemon(["--definitions", definitions,
                                    "--config", config, "--no-quarantine"])
        opener, = self.start_openers(1)
        for _ in range(10):
            os.kill(daemon.worker(), signal.SIGKILL)
            self.assertEqual(opener.open(self.path("evil-0"))["errno"], 1)
        counters = daemon.counters()
        self.assertGreater(counters["eventSource"]["allowedOwnProcess"], 0)
        self.assertEqual(counters["eventSource"]["allowedNoWorker"], 0)

    def test_a_stopped_worker_is_replaced(self):
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        daemon.stop_worker()
        self.assertEqual(opener.open(self.path("evil-0"))["errno"], 1)
        self.assertEqual(
            daemon.counters()["supervisor"]["workersUnresponsive"], 1)

    def test_a_worker_whose_reader_hangs_is_replaced(self):
        """The rest of it is well, and asks for nothing."""
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        worker = daemon.worker()
        reader = next(tid for tid in os.listdir("/proc/%d/task" % worker)
                      if name_of(worker, tid) == "gh-es-reader")
        tracer = subprocess.Popen([sys.executable, "-c", TRACER, reader],
                                  stdout=subprocess.PIPE)
        self.stack.callback(tracer.communicate)
        self.assertEqual(tracer.stdout.readline(), b"stopped\n")
        self.assertEqual(opener.open(self.path("evil-0"))["errno"], 1)
        self.assertNotEqual(daemon.worker(), worker)
        self.assertEqual(
            daemon.counters()["supervisor"]["workersUnresponsive"], 1)

    def test_whoever_all_wait_for_goes_first(self):
        """And whoever does what others ask for does not."""
        daemon = self.start_daemon(["--no-quarantine"])
        self.assertEqual(nice_of(daemon.pid, daemon.pid), -10)
        worker = daemon.worker()
        nices = {name_of(worker, tid): nice_of(worker, tid)
                 for tid in os.listdir("/proc/%d/task" % worker)}
        for name in ("gh-worker", "gh-es-reader", "gh-ledger",
                     "gh-es-deadline"):
            self.assertEqual(nices[name], -10, name)
        for name in ("gh-scan", "gh-background", "gh-isolate", "gh-ipc",
                     "gh-log"):
            self.assertEqual(nices[name], 0, name)

    def test_a_broken_lease_kills_nobody(self):
        """The kernel sends SIGIO to who has a lease when a writer comes."""
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        worker = daemon.worker()
        for pid in (worker, daemon.pid):
            os.kill(pid, signal.SIGIO)
        self.assertEqual(opener.open(self.path("evil-0"))["errno"], 1)
        self.assertEqual(daemon.worker(), worker)
        self.assertEqual(daemon.counters()["supervisor"]["workerDeaths"], 0)

    def test_when_the_supervisor_dies_openers_are_released_and_it_is_told(self):
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        self.assertEqual(opener.open(self.path("evil-0"))["errno"], 1)
        daemon.process.kill()
        daemon.process.wait()
        # The worker goes with it, and with both the group: fail open.
        gate.until(lambda: opener.open(self.path("evil-0"))["errno"] == 0,
                   "the kernel allows")
        again = self.start_daemon(["--no-quarantine"])
        self.assertTrue(again.counters()["previousRunUnclean"])
        self.assertEqual(again.stop(), 0)
        third = self.start_daemon(["--no-quarantine"])
        self.assertFalse(third.counters()["previousRunUnclean"])


# Stops one thread of a process, as only a tracer can, and reaps it: it belongs
# to its tracer until then.
TRACER = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.ptrace.argtypes = [ctypes.c_long] * 4
tid = int(sys.argv[1])
PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000
if libc.ptrace(PTRACE_SEIZE, tid, 0, 0) != 0:
    sys.exit("cannot trace")
libc.ptrace(PTRACE_INTERRUPT, tid, 0, 0)
os.waitpid(tid, WALL)
print("stopped", flush=True)
while os.WIFSTOPPED(os.waitpid(tid, WALL)[1]):
    pass
"""


def name_of(pid, tid):
    with open("/proc/%d/task/%s/comm" % (pid, tid)) as file:
        return file.read().rstrip("\n")


def nice_of(pid, tid):
    with open("/proc/%d/task/%s/stat" % (pid, tid)) as file:
        return int(file.read().rpartition(")")[2].split()[16])


def opener_reads(path):
    try:
        with open(path, "rb") as file:
            return len(file.read()) == 68
    except PermissionError:
        return False


if __name__ == "__main__":
    gate.main()
