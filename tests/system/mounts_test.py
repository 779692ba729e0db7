#!/usr/bin/env python3
"""Protection follows what is mounted at and below the protected paths."""

import contextlib
import os
import signal
import subprocess
import time
import unittest

import fuse
import gate


@contextlib.contextmanager
def mounted(directory):
    """Another file system of the test's own."""
    os.makedirs(directory, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none",
                    directory], check=True)
    try:
        if os.stat(directory).st_dev == os.stat("/").st_dev:
            raise RuntimeError("refusing to mark the root file system")
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


class MountsTest(gate.GateTest):

    def marks_become(self, daemon, count):
        gate.until(lambda: gate.marks(daemon) == 2 * count,
                   "%d file systems are marked" % count)

    def healthy_becomes(self, daemon, healthy):
        gate.until(lambda: gate.health(daemon)["healthy"] == healthy,
                   "healthy is %s" % healthy)

    def assert_denied(self, opener, directory):
        """Where nothing but the open is judged: the content came unseen."""
        path = os.path.join(directory, "evil")
        self.assertEqual(opener.open(path)["errno"], 1, path)

    def test_what_is_mounted_below_after_the_start_is_protected(self):
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        slowest = 0.0
        for number in range(10):
            begin = time.monotonic()
            with mounted(self.path("below-%d" % number)) as below:
                self.marks_become(daemon, 2)
                slowest = max(slowest, time.monotonic() - begin)
                gate.write_file(os.path.join(below, "evil"), gate.eicar())
                self.assert_denied(opener, below)
                self.assertTrue(gate.health(daemon)["healthy"])
            self.marks_become(daemon, 1)
            self.healthy_becomes(daemon, True)
        print("protected after at most %.0f ms" % (slowest * 1000), flush=True)
        self.assertLess(slowest, gate.promised(0.1))

    def test_what_is_mounted_elsewhere_is_not(self):
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        with mounted(os.path.join(self.base, "elsewhere")) as elsewhere, \
                mounted(self.path("below")):
            self.marks_become(daemon, 2)
            gate.write_file(os.path.join(elsewhere, "evil"), gate.eicar())
            path = os.path.join(elsewhere, "evil")
            self.assertEqual(opener.open(path)["errno"], 0)

    def test_what_is_mounted_over_it_is_protected_too(self):
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        with mounted(self.fs):
            self.marks_become(daemon, 2)
            gate.write_file(self.path("evil"), gate.eicar())
            self.assert_denied(opener, self.fs)

    def test_an_unmounted_path_is_told_and_protected_when_it_is_back(self):
        place = os.path.join(self.base, "place")
        with mounted(place):
            daemon = self.start_daemon(["--no-quarantine"], protect=[place])
            self.marks_become(daemon, 1)
        self.healthy_becomes(daemon, False)
        told = gate.health(daemon)
        self.assertEqual(told["realTimeProtectionSubsystem"], "unavailable")
        self.assertIn("--protect '%s': not a mount point" % place,
                      "".join(told["healthIssues"]))
        with mounted(place):
            self.healthy_becomes(daemon, True)
            gate.write_file(os.path.join(place, "evil"), gate.eicar())
            opener, = self.start_openers(1)
            self.assert_denied(opener, place)

    def test_a_new_worker_knows_what_was_mounted_meanwhile(self):
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        worker = daemon.worker()
        os.kill(worker, signal.SIGSTOP)  # It does not see what comes.
        with mounted(self.path("below")) as below:
            os.kill(worker, signal.SIGKILL)
            self.marks_become(daemon, 2)
            gate.write_file(os.path.join(below, "evil"), gate.eicar())
            self.assert_denied(opener, below)

    def test_a_server_that_may_hang_is_told_as_left_out(self):
        """Nothing of it is remembered: it is told while it is there."""
        reason = fuse.reason_to_skip()
        if reason is not None:
            self.fail(reason)
        os.chmod(self.base, 0o755)
        watchdog = fuse.Watchdog(self.base, gate.PATIENCE_SECONDS)
        self.stack.callback(watchdog.end)
        daemon = self.start_daemon(["--no-quarantine"])

        def left_out():
            told = gate.mdatp(daemon, "health", "--details", "left_out",
                              "--output", "json")
            self.assertEqual(told.code, 0, told)
            return told.json()["leftOut"]
        self.assertEqual(left_out(), [])
        server = watchdog.mount("root", self.path("server"))
        server.hang()
        self.assertEqual(left_out(), ["'%s' (fuse): its server may hang" %
                                      server.directory])
        self.assertTrue(gate.health(daemon)["healthy"])
        self.assertNotIn("left_out", gate.mdatp(daemon, "health").out)
        watchdog.abort_all()
        subprocess.run(["umount", "--lazy", server.directory], check=True)
        self.assertEqual(left_out(), [])

    def test_what_is_gone_keeps_nobody_else_from_being_held(self):
        daemon = self.start_daemon(["--no-quarantine"], approved=False)
        with mounted(self.path("below")):
            gate.until(lambda: gate.marks(daemon) == 2, "both are observed")
        gate.until(lambda: gate.marks(daemon) == 1, "one is gone")
        gate.write_file(self.path("evil"), gate.eicar())
        self.assertEqual(gate.mdatp(daemon, "system-extension",
                                    "approve").code, 0)
        gate.until(lambda: gate.health(daemon)["healthy"], "it is healthy")
        opener, = self.start_openers(1)
        self.assert_denied(opener, self.fs)

    def test_while_it_is_disabled_nothing_is_marked(self):
        daemon = self.start_daemon(["--no-quarantine"])
        self.assertEqual(gate.mdatp(daemon, "config", "real-time-protection",
                                    "--value", "disabled").code, 0)
        with mounted(self.path("below")):
            self.assertEqual(gate.marks(daemon), 0)
            self.assertEqual(gate.mdatp(daemon, "config",
                                        "real-time-protection", "--value",
                                        "enabled").code, 0)
            self.marks_become(daemon, 2)


if __name__ == "__main__":
    gate.main()
