#!/usr/bin/env python3
"""In the strict profile a program that users could have put there does not
start unless it was judged; everything else goes on as by default."""

import errno
import json
import os
import signal
import unittest

import gate

NOBODY = 65534


class StrictTest(gate.GateTest):

    PROGRAM = "wdavdaemon_with_probe"

    def setUp(self):
        super().setUp()
        self.fifo = os.path.join(self.base, "release")
        os.mkfifo(self.fifo)
        # A system's directory; the file system itself is like /tmp.
        os.mkdir(self.path("system"), 0o755)
        os.mkdir(self.path("others"), 0o755)
        os.chown(self.path("others"), NOBODY, NOBODY)

    def definitions(self):
        path = os.path.join(self.base, "definitions")
        os.mkdir(path)
        gate.write_file(os.path.join(path, "one.ndb"),
                        b"Test.One:0:*:" + b"marker one".hex().encode())
        return path

    def sticky(self, name, owner=0, mode=0o755):
        """A program whose scan sticks. It is none that the kernel could run,
        so that a start that is allowed ends with ENOEXEC."""
        path = self.path(name)
        gate.write_file(path, b"GATEHOUSE-TEST-STICK %s\nmarker %s\n" %
                        (self.fifo.encode(), os.path.basename(name).encode()))
        os.chown(path, owner, owner)
        os.chmod(path, mode)
        return path

    def start_with(self, policy, *arguments):
        config = os.path.join(self.base, "config.json")
        with open(config, "w") as file:
            json.dump({"gatehouse": {"missPolicy": policy}}, file)
        return self.start_daemon(["--config", config, *arguments])

    def starts(self, cases):
        """Starts them all at once, for each sticks until its time is up;
        expects for each the errno that is given with it."""
        openers = self.start_openers(len(cases))
        for opener, (path, _) in zip(openers, cases):
            opener.ask("start", path)
        waits = [opener.answer() for opener in openers]
        self.assertEqual([(path, wait["errno"])
                          for (path, _), wait in zip(cases, waits)], cases)
        return max(wait["wait_ms"] for wait in waits)

    def release(self):
        keep_open = os.open(self.fifo, os.O_RDWR)
        self.addCleanup(os.close, keep_open)

    def lying_opener(self):
        """One for whom the system's directory is that of somebody else."""
        opener, = self.start_openers(1, prefix=[
            "unshare", "--mount", "sh", "-c",
            'mount --bind "$0" "$1" && exec "$2"', self.path("others"),
            self.path("system")])
        return opener

    def test_strict_refuses_what_users_could_have_put_there(self):
        cases = [
            (self.sticky("system/program"), errno.ENOEXEC),
            (self.sticky("system/user's", NOBODY), errno.EPERM),
            (self.sticky("system/group's", mode=0o775), errno.EPERM),
            (self.sticky("in-tmp"), errno.EPERM),
            (self.sticky("others/program"), errno.EPERM),
        ]
        hidden = self.sticky("others/hidden", NOBODY)
        opened = self.sticky("others/data", NOBODY)
        liar = self.lying_opener()
        daemon = self.start_with("strict", "--no-quarantine")
        reader, = self.start_openers(1)
        reader.ask("open", opened)
        liar.ask("start", self.path("system/hidden"))
        wait_ms = self.starts(cases)
        print("longest wait", wait_ms, "ms", flush=True)
        self.assertEqual(reader.answer()["errno"], 0)
        self.assertEqual(liar.answer()["errno"], errno.EPERM, hidden)
        counters = daemon.counters()
        self.assertEqual(counters["auth"]["deniedNotScanned"]["deadline"], 5)
        # The system's program, its open, and the open of the data.
        self.assertGreaterEqual(
            counters["auth"]["allowedNotScanned"]["deadline"], 2)
        self.assertEqual(counters["eventSource"]["deniedDeadline"], 0)
        self.assertEqual(
            gate.mdatp(daemon, "health", "--field", "miss_policy").out,
            '"strict" [managed]\n')
        # What was refused is looked at all the same.
        self.release()
        gate.until(lambda: daemon.counters()["rescans"]["finished"] >= 7,
                   "all are judged in the end")
        self.assertEqual(daemon.stop(), 0)

    def test_by_default_they_start_and_a_late_verdict_still_isolates(self):
        daemon = self.start_with("default", "--definitions",
                                 self.definitions())
        program = self.sticky("others/one", NOBODY)
        self.starts([(program, errno.ENOEXEC)])
        counters = daemon.counters()
        self.assertEqual(counters["auth"]["deniedNotScanned"]["deadline"], 0)
        self.assertGreaterEqual(
            counters["auth"]["allowedNotScanned"]["deadline"], 1)
        self.assertTrue(os.path.exists(program))
        self.release()
        gate.until(lambda: not os.path.exists(program), "it is isolated")
        gate.until(lambda: [threat["path"] for threat in gate.threats(daemon)]
                   == [program], "it is listed")
        counters = daemon.settled_counters()
        self.assertGreaterEqual(counters["auth"]["lateVerdicts"], 1)
        # By the scan that was late, or, as it had given up, by the next one.
        self.assertGreaterEqual(counters["auth"]["lateInfected"] +
                                counters["sink"]["detectionsOnRescan"], 1)
        self.assertEqual(daemon.stop(), 0)

    def test_strict_holds_where_no_worker_can_be_started(self):
        program, users = self.path("system/run"), self.path("others/run")
        for path, owner in ((program, 0), (users, NOBODY)):
            gate.write_file(path, b"#!/bin/true\n")
            os.chmod(path, 0o755)
            os.chown(path, owner, owner)
        daemon = self.start_with("strict")
        config = os.path.join(self.base, "config.json")
        opener, = self.start_openers(1)
        self.assertEqual(opener.start(users)["errno"], 0)
        # Without its configuration no successor can start.
        os.rename(config, config + "-hidden")
        os.kill(daemon.worker(), signal.SIGKILL)
        self.assertEqual(opener.start(users)["errno"], errno.EPERM)
        self.assertEqual(opener.start(program)["errno"], 0)
        self.assertEqual(opener.open(users)["errno"], 0)
        os.rename(config + "-hidden", config)
        # Judged again by the next worker, it starts.
        gate.until(lambda: opener.start(users)["errno"] == 0,
                   "a worker judges it")
        source = daemon.settled_counters()["eventSource"]
        self.assertGreaterEqual(source["deniedNoWorker"], 1)
        self.assertGreaterEqual(source["allowedNoWorker"], 2)
        self.assertEqual(daemon.stop(), 0)

    def test_a_miss_policy_that_does_not_exist_is_refused(self):
        config = os.path.join(self.base, "config.json")
        gate.write_file(config, b'{"gatehouse":{"missPolicy":"closed"}}')
        daemon = gate.Daemon(self.base, [self.fs],
                             arguments=["--config", config])
        self.stack.callback(daemon.end)
        self.assertEqual(daemon.process.wait(timeout=gate.PATIENCE_SECONDS), 1)
        self.assertIn("missPolicy: must be default or strict", daemon.log())


if __name__ == "__main__":
    gate.main()
