#!/usr/bin/env python3
"""Who has not approved it is protected by something else, and is told."""

import contextlib
import errno
import json
import os
import signal
import stat
import unittest

import gate

NOBODY = 65534


class ApprovalTest(gate.GateTest):

    def start_unapproved(self, *arguments):
        return self.start_daemon(["--no-quarantine", *arguments],
                                 approved=False)

    def subsystem(self, daemon):
        return gate.mdatp(daemon, "health", "--field",
                          "real_time_protection_subsystem").out.strip()

    def extension(self, daemon):
        """What `health --details system_extensions` tells."""
        told = gate.mdatp(daemon, "health", "--details", "system_extensions",
                          "--output", "json")
        self.assertEqual(told.code, 0, told)
        return told.json()

    def state(self, daemon):
        return self.extension(daemon)["endpointSecurityExtensionState"]

    def approve(self, daemon, word="approve", **options):
        return gate.mdatp(daemon, "system-extension", word, **options)

    def kill_worker(self, daemon):
        os.kill(gate.until(daemon.worker, "there is a worker"), signal.SIGKILL)

    def opened(self, opener):
        return opener.open(self.path("evil"))["errno"]

    def test_without_approval_written_files_are_judged_and_nothing_is_held(self):
        gate.write_file(self.path("evil"), gate.eicar())
        daemon = self.start_unapproved()
        opener, = self.start_openers(1)
        self.assertEqual(self.subsystem(daemon), '"fanotify_notify_only"')
        self.assertEqual(self.opened(opener), 0)
        gate.write_file(self.path("written"), gate.eicar())
        gate.until(
            lambda: daemon.counters()["sink"]["detectionsOnClose"] == 1,
            "the written file is found")
        health = gate.health(daemon)
        self.assertFalse(health["healthy"])
        self.assertFalse(health["realTimeProtectionAvailable"])
        self.assertFalse(health["fullDiskAccessEnabled"])
        self.assertIn("full disk access has not been granted",
                      health["healthIssues"])
        told = self.extension(daemon)
        self.assertEqual(told["endpointSecurityExtensionState"],
                         "awaiting_approval")
        self.assertFalse(told["endpointSecurityExtensionReady"])
        self.assertGreater(told["approvalSecondsLeft"], 30)

    def test_an_approval_in_time_takes_effect_at_once(self):
        gate.write_file(self.path("evil"), gate.eicar())
        daemon = self.start_unapproved()
        opener, = self.start_openers(1)
        self.assertEqual(self.opened(opener), 0)
        done = self.approve(daemon)
        self.assertEqual(done.code, 0, done)
        self.assertIn("endpoint_security_extension_ready", done.out)
        self.assertEqual(self.subsystem(daemon), '"fanotify"')
        self.assertEqual(self.opened(opener), errno.EPERM)
        self.assertTrue(gate.health(daemon)["healthy"])
        # And is remembered.
        self.assertEqual(daemon.stop(), 0)
        again = self.start_unapproved()
        self.assertEqual(self.subsystem(again), '"fanotify"')
        self.assertEqual(self.opened(opener), errno.EPERM)

    def test_too_late_is_too_late_until_the_next_start(self):
        gate.write_file(self.path("evil"), gate.eicar())
        daemon = self.start_unapproved("--approval-timeout", "1")
        opener, = self.start_openers(1)
        gate.until(lambda: self.state(daemon) == "fallback", "it falls back")
        self.assertEqual(self.approve(daemon).code, 0)
        told = self.extension(daemon)
        self.assertEqual(told["endpointSecurityExtensionState"], "fallback")
        self.assertIn("next start", told["endpointSecurityExtensionReason"])
        self.assertEqual(self.subsystem(daemon), '"fanotify_notify_only"')
        self.assertEqual(self.opened(opener), 0)
        self.assertTrue(gate.health(daemon)["fullDiskAccessEnabled"])
        # A worker that is killed starts anew, minute and all.
        self.kill_worker(daemon)
        gate.until(lambda: self.subsystem(daemon) == '"fanotify"',
                   "the successor is approved")
        self.assertEqual(self.opened(opener), errno.EPERM)

    def test_a_kill_gives_another_minute(self):
        daemon = self.start_unapproved("--approval-timeout", "60")
        first = self.extension(daemon)["approvalSecondsLeft"]
        gate.until(lambda: self.extension(daemon)["approvalSecondsLeft"] <
                   first - 1, "time passes")
        self.kill_worker(daemon)
        gate.until(lambda: gate.health(daemon), "the successor answers")
        self.assertGreaterEqual(
            self.extension(daemon)["approvalSecondsLeft"], first - 1)

    def test_a_revocation_lets_go_and_waits_again(self):
        gate.write_file(self.path("evil"), gate.eicar())
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        self.assertEqual(self.opened(opener), errno.EPERM)
        self.assertEqual(self.approve(daemon, "revoke").code, 0)
        self.assertEqual(self.state(daemon), "awaiting_approval")
        self.assertEqual(self.subsystem(daemon), '"fanotify_notify_only"')
        self.assertEqual(self.opened(opener), 0)
        self.assertEqual(self.approve(daemon).code, 0)
        self.assertEqual(self.opened(opener), errno.EPERM)
        # Somebody took the file away: noticed without being told.
        os.unlink(os.path.join(daemon.state, "system-extension.json"))
        gate.until(lambda: self.state(daemon) == "awaiting_approval",
                   "it is noticed")
        self.assertEqual(self.opened(opener), 0)

    def test_an_approval_survives_the_death_of_the_worker_without_a_gap(self):
        gate.write_file(self.path("evil"), gate.eicar())
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        for _ in range(10):
            with contextlib.suppress(ProcessLookupError):  # It is just gone.
                self.kill_worker(daemon)
            self.assertEqual(self.opened(opener), errno.EPERM)

    def test_the_managed_configuration_has_the_last_word(self):
        config = os.path.join(self.base, "config.json")
        for approved, subsystem in ((True, '"fanotify"'),
                                    (False, '"fanotify_notify_only"')):
            with open(config, "w") as file:
                json.dump({"gatehouse": {"systemExtensionApproved": approved}},
                          file)
            daemon = self.start_unapproved("--config", config)
            self.assertEqual(self.subsystem(daemon), subsystem)
            told = self.approve(daemon)
            self.assertEqual(told.code, 4, told)
            status = self.approve(daemon, "status")
            self.assertIn("[managed]", status.out)
            self.assertEqual(daemon.stop(), 0)

    def test_only_root_approves_and_only_roots_file_counts(self):
        daemon = self.start_unapproved()
        os.chmod(self.base, 0o755)
        self.assertEqual(self.approve(daemon, user=NOBODY).code, 4)
        self.assertEqual(self.approve(daemon, "status", user=NOBODY).code, 0)
        self.assertEqual(self.state(daemon), "awaiting_approval")
        path = os.path.join(daemon.state, "system-extension.json")
        with open(path, "w") as file:
            file.write('{"approved":true}')
        os.chmod(path, stat.S_IRUSR | stat.S_IWUSR | stat.S_IWOTH)
        gate.until(lambda: "others than root" in
                   self.extension(daemon)["endpointSecurityExtensionReason"],
                   "it says why it does not count")
        self.assertEqual(self.state(daemon), "awaiting_approval")

    def test_without_the_right_no_approval_is_waited_for(self):
        daemon = self.start_daemon(["--no-quarantine"], prefix=[
            "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"])
        told = self.extension(daemon)
        self.assertEqual(told["endpointSecurityExtensionState"], "fallback")
        self.assertIn("CAP_SYS_ADMIN",
                      told["endpointSecurityExtensionReason"])
        gate.until(lambda: self.subsystem(daemon) == '"inotify"',
                   "something else protects")


if __name__ == "__main__":
    gate.main()
