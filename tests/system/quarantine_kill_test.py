#!/usr/bin/env python3
"""The worker may be killed while it isolates: no file is lost, none exists
twice, none is opened, and no client hangs."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import unittest

import gate

KILLS = int(os.environ.get("GATEHOUSE_TEST_KILLS", "50"))
WRITERS = 4
RESTORES = 100
BACK_WITHIN_SECONDS = gate.promised(1.0)
EXIT_CODES = {0, 3}  # An answer, or "the daemon has gone".


class Asker(threading.Thread):
    """Asks for the list of threats again and again."""

    def __init__(self, daemon):
        super().__init__()
        self.daemon_under_test = daemon
        self.answers = []
        self.stop = threading.Event()

    def run(self):
        while not self.stop.is_set():
            self.answers.append(
                gate.mdatp(self.daemon_under_test, "threat", "list"))


class QuarantineKillTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        self.random = gate.seeded_random()
        self.out = os.path.join(self.base, "out")
        os.mkdir(self.out)

    def start_writers(self):
        script = os.path.join(os.path.dirname(__file__), "evil_writer.py")
        return [subprocess.Popen(
            [sys.executable, "-B", script, self.fs, "w%d" % index],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for index in range(WRITERS)]

    def finish(self, writers):
        """What all of them wrote, and what they saw."""
        written, seen = {}, {}
        for writer in writers:
            out, _ = writer.communicate(b"stop\n",
                                        timeout=gate.PATIENCE_SECONDS)
            told = json.loads(out)
            written.update(told["written"])
            for key, value in told["seen"].items():
                seen[key] = seen.get(key, 0) + value
        return written, seen

    def kill_again_and_again(self, daemon):
        """Returns the longest time until the daemon answered again."""
        slowest = 0.0
        for _ in range(KILLS):
            gate.pause(self.random.uniform(0.0, 0.1))
            subprocess.run(["killall", "-9", "wdavdaemon"],
                           stderr=subprocess.DEVNULL)
            begin = time.monotonic()
            gate.until(lambda: gate.health(daemon).get("healthy"),
                       "the daemon answers again")
            slowest = max(slowest, time.monotonic() - begin)
        return slowest

    def assert_each_exists_once(self, daemon, written):
        """In its place or in the vault with its record; never both."""
        in_place = {path for path in written if os.path.exists(path)}
        quarantined = [threat for threat in gate.threats(daemon)
                       if threat["status"] == "quarantined"]
        paths = [threat["path"] for threat in quarantined]
        self.assertEqual(len(paths), len(set(paths)))
        self.assertEqual(set(paths) & in_place, set())
        self.assertEqual(set(paths) | in_place, set(written))
        others = {threat["status"] for threat in gate.threats(daemon)} - \
            {"quarantined"}
        self.assertEqual(others, set())
        vault = os.path.join(daemon.state, "vault")
        self.assertEqual(os.listdir(os.path.join(vault, "stage")), [])
        self.assertEqual({name[:-2] for name in
                          os.listdir(os.path.join(vault, "data"))},
                         {threat["tracking_id"] for threat in quarantined})
        self.assertEqual([name for name in os.listdir(self.fs)
                          if name.startswith(".gatehouse")], [])
        for threat in quarantined:
            content = bytes.fromhex(written[threat["path"]])
            self.assertEqual(threat["sha256"],
                             hashlib.sha256(content).hexdigest())
        for threat in self.random.sample(quarantined,
                                         min(RESTORES, len(quarantined))):
            self.assertEqual(gate.restored(daemon, threat, self.out).hex(),
                             written[threat["path"]])
        return len(in_place), len(quarantined)

    def test_killall_while_files_are_isolated(self):
        daemon = self.start_daemon()
        writers = self.start_writers()
        asker = Asker(daemon)
        asker.start()
        slowest = self.kill_again_and_again(daemon)
        asker.stop.set()
        written, seen = self.finish(writers)
        asker.join()
        gate.until(lambda: daemon.settled_counters()["quarantine"]["pending"]
                   == 0, "every hit has been dealt with")
        codes = [answer.code for answer in asker.answers]
        print("%d kills, %d EICAR files, %s, back after at most %.0f ms, "
              "%d lists asked for, %d cut off" %
              (KILLS, len(written), seen, slowest * 1000, len(codes),
               codes.count(3)), flush=True)
        self.assertEqual(seen["evil_opened"], 0)
        self.assertEqual(seen["clean_denied"] + seen["clean_errors"] +
                         seen["clean_gone"] + seen["clean_wrong"], 0)
        self.assertEqual(set(codes) - EXIT_CODES, set())
        self.assertLess(slowest, BACK_WITHIN_SECONDS)
        in_place, quarantined = self.assert_each_exists_once(daemon, written)
        print("%d in place, %d in quarantine" % (in_place, quarantined),
              daemon.counters()["quarantine"], flush=True)
        self.assertGreater(quarantined, 0)
        self.assertEqual(daemon.stop(), 0)

    def test_a_cold_start_finishes_what_was_left(self):
        """Everything is killed, the supervisor too, while files are being
        isolated; the next daemon puts it in order before it protects."""
        for _ in range(5):
            daemon = self.start_daemon()
            writers = self.start_writers()
            gate.pause(self.random.uniform(0.05, 0.3))
            os.killpg(daemon.pid, 9)
            daemon.process.wait()
            written, _ = self.finish(writers)
            again = self.start_daemon()
            stage = os.path.join(again.state, "vault", "stage")
            self.assertEqual(os.listdir(stage), [])
            # What was not isolated, or written while nobody looked.
            in_place = {path for path in written if os.path.exists(path)}
            listed = [threat["path"] for threat in gate.threats(again)]
            self.assertEqual(len(listed), len(set(listed)))
            self.assertEqual(set(listed) & in_place, set())
            self.assertEqual(set(listed) | in_place, set(written))
            self.assertEqual([name for name in os.listdir(self.fs)
                              if name.startswith(".gatehouse")], [])
            self.assertEqual(again.stop(), 0)
            for name in os.listdir(self.fs):
                os.unlink(self.path(name))
            subprocess.run(["rm", "-rf", again.state], check=True)


if __name__ == "__main__":
    gate.main()
