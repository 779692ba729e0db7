#!/usr/bin/env python3
"""Where fanotify cannot be used the next best thing protects, and health says
what it is: inotify, then a scan from time to time."""

import errno
import os
import signal
import unittest

import fuse
import gate

# fanotify refuses whoever lacks it.
WITHOUT_SYS_ADMIN = ["setpriv", "--bounding-set=-sys_admin",
                     "--inh-caps=-sys_admin"]
# A user namespace has a limit of its own, below that of the kernel.
WITH_THREE_WATCHES = [
    "unshare", "--user", "--map-root-user", "sh", "-c",
    'echo 3 > /proc/sys/user/max_inotify_watches && exec "$0" "$@"']
CRASH = b"GATEHOUSE-TEST-CRASH"


class FallbackTest(gate.GateTest):

    PROGRAM = "wdavdaemon_with_probe"

    def subsystem(self, daemon):
        return gate.mdatp(daemon, "health", "--field",
                          "real_time_protection_subsystem").out.strip()

    def start_as(self, subsystem, *arguments, prefix=tuple(WITHOUT_SYS_ADMIN)):
        daemon = self.start_daemon(list(arguments), prefix=prefix)
        gate.until(lambda: self.subsystem(daemon) == '"%s"' % subsystem,
                   "it is " + subsystem)
        self.assertEqual(gate.marks(daemon), 0)
        return daemon

    def isolated(self, daemon, *paths):
        for path in paths:
            gate.until(lambda: not os.path.exists(path), path + " is gone")
        gate.until(lambda: {threat["path"] for threat in gate.threats(daemon)
                            if threat["status"] == "quarantined"} >= set(paths),
                   "all are listed")

    def write_evil(self, name):
        path = self.path(name)
        gate.write_file(path, gate.eicar())
        return path

    def issue(self, daemon, word):
        issue, = [text for text in gate.health(daemon)["healthIssues"]
                  if word in text]
        return issue

    def test_inotify_finds_what_is_there_and_what_comes(self):
        os.makedirs(self.path("deep/er"))
        old = [self.write_evil("old"), self.write_evil("deep/er/old")]
        daemon = self.start_as("inotify")
        self.isolated(daemon, *old)
        self.isolated(daemon, self.write_evil("new"),
                      self.write_evil("deep/er/new"))
        # Directories that come, are moved, and what is in them at once.
        os.makedirs(self.path("made/below"))
        self.isolated(daemon, self.write_evil("made/below/evil"))
        os.rename(self.path("made"), self.path("moved"))
        self.isolated(daemon, self.write_evil("moved/below/evil"))
        health = gate.health(daemon)
        self.assertFalse(health["realTimeProtectionAvailable"])
        self.assertIn("CAP_SYS_ADMIN", " ".join(health["healthIssues"]))
        self.assertNotIn("no active event provider", health["healthIssues"])
        self.assertRegex(self.issue(daemon, "by inotify"),
                         r"^opens are not held: files are judged after they "
                         r"were written, by inotify: \d directories$")
        # A successor goes on.
        os.kill(daemon.worker(), signal.SIGKILL)
        gate.until(lambda: self.subsystem(daemon) == '"inotify"', "it is back")
        self.isolated(daemon, self.write_evil("moved/below/after"))
        # Clean files stay.
        gate.write_file(self.path("clean"), b"harmless")
        self.isolated(daemon, self.write_evil("last"))
        self.assertTrue(os.path.exists(self.path("clean")))
        self.assertEqual(daemon.stop(), 0)

    def test_what_is_mounted_later_is_watched(self):
        os.mkdir(self.path("mounted"))
        daemon = self.start_as("inotify")
        with gate.tmpfs(self.path("mounted")):
            path = self.path("mounted/evil")
            gate.write_file(path, gate.eicar())
            self.isolated(daemon, path)

    @unittest.skipIf(fuse.reason_to_skip(), fuse.reason_to_skip())
    def test_a_server_that_hangs_below_is_left_alone(self):
        watchdog = fuse.Watchdog(self.base, gate.PATIENCE_SECONDS)
        self.stack.callback(watchdog.end)
        mount = watchdog.mount("root", self.path("server"))
        mount.hang()
        daemon = self.start_as("inotify")
        self.isolated(daemon, self.write_evil("evil"))
        self.assertEqual(daemon.stop(), 0)
        daemon = self.start_as("periodic_scan", "--scan-interval", "1",
                               "--inotify-watches-max", "0")
        self.isolated(daemon, self.write_evil("evil"))
        self.assertEqual(daemon.stop(), 0)

    def test_disabled_it_watches_nothing(self):
        daemon = self.start_as("inotify")
        for value, subsystem in (("disabled", "unavailable"),
                                 ("enabled", '"inotify"')):
            done = gate.mdatp(daemon, "config", "real-time-protection",
                              "--value", value)
            self.assertEqual(done.code, 0, done)
            gate.until(lambda: self.subsystem(daemon) == subsystem, subsystem)

    def test_without_watches_it_scans_from_time_to_time(self):
        for index in range(4):
            os.mkdir(self.path("directory-%d" % index))
        old = self.write_evil("directory-0/old")
        daemon = self.start_as("periodic_scan", "--scan-interval", "1",
                               prefix=WITH_THREE_WATCHES)
        self.isolated(daemon, old)
        self.isolated(daemon, self.write_evil("directory-3/new"))
        self.assertRegex(self.issue(daemon, "from time to time"),
                         r"max_user_watches is reached\); every 1 s, last 20")

    def test_a_tree_that_grows_too_large_is_scanned_for_good(self):
        daemon = self.start_as("inotify", "--scan-interval", "1",
                               "--inotify-watches-max", "3")
        # The third is where quarantine captures what it isolates, meanwhile.
        os.mkdir(self.path("one"))
        self.isolated(daemon, self.write_evil("one/evil"))
        self.assertEqual(self.subsystem(daemon), '"inotify"')
        os.mkdir(self.path("two"))
        os.mkdir(self.path("two/three"))
        gate.until(lambda: self.subsystem(daemon) == '"periodic_scan"',
                   "it scans")
        self.isolated(daemon, self.write_evil("two/three/evil"))
        # Sticky: a smaller tree changes nothing.
        os.rmdir(self.path("two/three"))
        os.rmdir(self.path("two"))
        walks = daemon.counters()["fallback"]["walks"]
        gate.until(lambda: daemon.counters()["fallback"]["walks"] > walks,
                   "it goes on scanning")
        self.assertEqual(self.subsystem(daemon), '"periodic_scan"')
        self.assertEqual(daemon.stop(), 0)

    def features(self, daemon):
        told = gate.mdatp(daemon, "health", "--details", "kernel_features",
                          "--output", "json")
        self.assertEqual(told.code, 0, told)
        return told.json()

    def test_the_kernel_was_asked_what_it_can_do(self):
        daemon = self.start_daemon()
        features = self.features(daemon)
        self.assertEqual(features["fanotify"], "available")
        # guard.py has made sure of these.
        self.assertTrue(features["fanotifyPermissionEvents"])
        self.assertTrue(features["fanotifyExecPermissionEvents"])
        text = gate.mdatp(daemon, "health", "--details", "kernel_features").out
        self.assertRegex(text, r"(?m)^fanotify_mount_events +: (true|false)$")
        self.assertEqual(
            gate.mdatp(daemon, "health", "--details", "help").out,
            "system_extensions\nkernel_features\nevent_recording\n"
            "event_losses\nleft_out\nantivirus\ndefinitions\n")
        self.assertNotIn("kernel_features", gate.mdatp(daemon, "health").out)
        self.assertEqual(daemon.log().count("kernel features"), 1)
        self.assertEqual(daemon.stop(), 0)
        daemon = self.start_as("inotify")
        features = self.features(daemon)
        self.assertIn("Operation not permitted", features["fanotify"])
        self.assertFalse(features["fanotifyPermissionEvents"])

    def test_a_kernel_that_cannot_hold_observes(self):
        daemon = self.start_daemon(["--pretend-no-permission-events"])
        self.assertEqual(self.subsystem(daemon), '"fanotify_notify_only"')
        self.assertIn("the kernel cannot hold opens",
                      " ".join(gate.health(daemon)["healthIssues"]))
        self.assertFalse(self.features(daemon)["fanotifyPermissionEvents"])
        self.isolated(daemon, self.write_evil("evil"))

    def test_who_is_not_held_is_judged_after_his_start(self):
        old = self.write_evil("old")
        os.chmod(old, 0o755)
        clean = self.path("clean")
        gate.write_file(clean, b"#!/bin/true\n")
        os.chmod(clean, 0o755)
        daemon = self.start_daemon(["--pretend-no-permission-events"])
        opener, = self.start_openers(1)
        self.assertEqual(opener.start(clean)["errno"], 0)
        # No program, as the kernel sees it; but it was not refused.
        self.assertEqual(opener.start(old)["errno"], errno.ENOEXEC)
        self.isolated(daemon, old)
        self.assertTrue(os.path.exists(clean))
        counters = daemon.settled_counters()
        self.assertGreaterEqual(counters["adapter"]["startMessages"], 2)

    def test_a_kernel_without_program_starts_holds_them_as_opens(self):
        path = self.write_evil("evil")
        os.chmod(path, 0o755)
        daemon = self.start_daemon(["--pretend-no-exec-events",
                                    "--no-quarantine"])
        opener, = self.start_openers(1)
        self.assertEqual(opener.start(path)["errno"], errno.EPERM)
        self.assertEqual(daemon.settled_counters()["adapter"]["execMessages"],
                         0)
        self.issue(daemon, "the kernel cannot hold program starts")
        self.assertEqual(self.subsystem(daemon), '"fanotify"')

    def test_what_crashes_the_scanner_is_given_up(self):
        daemon = self.start_as("inotify")
        gate.write_file(self.path("crash"), CRASH)
        gate.until(lambda: daemon.counters()["crashedContents"] == 1,
                   "its content is remembered")
        counters = daemon.counters()
        self.assertEqual(counters["supervisor"]["workerDeathsOwnFault"], 2)
        self.assertEqual(counters["fallback"]["strikes"], 2)
        self.isolated(daemon, self.write_evil("evil"))


if __name__ == "__main__":
    gate.main()
