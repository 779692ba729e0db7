#!/usr/bin/env python3
"""What health says is what is: each test makes a value change."""

import json
import os
import subprocess
import sys
import unittest

import gate


# fanotify_init(FAN_CLASS_CONTENT), and FAN_OPEN_PERM of a file system.
OTHER_LISTENER = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.prctl(15, b"listener")
group = libc.fanotify_init(0x4, os.O_RDONLY)
libc.fanotify_mark(group, 0x101, ctypes.c_uint64(0x10000), -100,
                   sys.argv[1].encode())
print("marked", flush=True)
sys.stdin.read()
"""


class HealthTest(gate.GateTest):

    def field(self, daemon, name):
        answer = gate.mdatp(daemon, "health", "--field", name)
        self.assertEqual(answer.code, 0, answer)
        return answer.out.rstrip("\n")

    def set_protection(self, daemon, value):
        done = gate.mdatp(daemon, "config", "real-time-protection", "--value",
                          value)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.out, "Configuration property updated\n")

    def test_a_protecting_daemon_is_healthy(self):
        daemon = self.start_daemon()
        told = gate.health(daemon)
        self.assertTrue(told["healthy"], told)
        self.assertEqual(told["healthIssues"], [])
        self.assertEqual(told["realTimeProtectionSubsystem"], "fanotify")
        self.assertEqual(told["definitionsStatus"]["$type"], "upToDate")
        self.assertGreater(gate.marks(daemon), 0)

    def test_names_another_program_that_holds_opens(self):
        daemon = self.start_daemon()
        self.assertEqual(gate.health(daemon)["conflictingApplications"], [])
        other = self.stack.enter_context(
            gate.tmpfs(os.path.join(self.base, "other")))
        # It marks a file system that nobody opens anything on.
        listener = subprocess.Popen(
            [sys.executable, "-c", OTHER_LISTENER, other],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.stack.callback(listener.communicate)
        self.stack.callback(listener.kill)
        self.assertEqual(listener.stdout.readline(), b"marked\n")
        told = gate.health(daemon)
        self.assertEqual(told["conflictingApplications"],
                         ["listener (%d)" % listener.pid])
        self.assertFalse(told["healthy"])
        self.assertIn("listener", self.field(daemon, "health_issues"))
        listener.kill()
        listener.wait()
        self.assertEqual(self.field(daemon, "conflicting_applications"), "[]")
        self.assertTrue(gate.health(daemon)["healthy"])

    def test_disabled_and_enabled_again_the_kernel_agrees(self):
        daemon = self.start_daemon()
        opener, = self.start_openers(1)
        self.set_protection(daemon, "disabled")
        self.assertEqual(gate.marks(daemon), 0)
        self.assertEqual(self.field(daemon, "real_time_protection_enabled"),
                         "false")
        self.assertEqual(self.field(daemon, "real_time_protection_available"),
                         "false")
        self.assertEqual(self.field(daemon, "real_time_protection_subsystem"),
                         "unavailable")
        self.assertEqual(self.field(daemon, "healthy"), "false")
        gate.write_file(self.path("evil"), gate.eicar())
        self.assertEqual(opener.open(self.path("evil"))["bytes"], 68)
        # Durable: for the next worker and the next daemon.
        os.kill(daemon.worker(), 9)
        gate.until(lambda: gate.health(daemon), "a successor answers")
        self.assertEqual(gate.marks(daemon), 0)
        self.assertEqual(daemon.stop(), 0)
        daemon = self.start_daemon()
        self.assertEqual(gate.marks(daemon), 0)
        self.assertEqual(opener.open(self.path("evil"))["bytes"], 68)
        self.set_protection(daemon, "enabled")
        self.assertGreater(gate.marks(daemon), 0)
        self.assertEqual(self.field(daemon, "real_time_protection_subsystem"),
                         '"fanotify"')
        self.assertEqual(self.field(daemon, "healthy"), "true")
        self.assertEqual(opener.open(self.path("evil"))["errno"], 1)

    def test_without_the_capability_it_runs_and_says_why(self):
        daemon = gate.Daemon(self.base, [self.fs], prefix=[
            "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"])
        self.stack.callback(daemon.end)
        daemon.start()
        told = gate.health(daemon)
        self.assertFalse(told["healthy"])
        self.assertFalse(told["realTimeProtectionAvailable"])
        self.assertIn("CAP_SYS_ADMIN", " ".join(told["healthIssues"]))
        self.assertEqual(gate.marks(daemon), 0)
        # Scans on demand work all the same.
        elsewhere = os.path.join(self.base, "elsewhere")
        os.mkdir(elsewhere)
        gate.write_file(os.path.join(elsewhere, "evil"), gate.eicar())
        scan = gate.mdatp(daemon, "scan", "custom", "--path", elsewhere)
        self.assertIn("1 threat(s) detected", scan.out)
        self.assertEqual(os.listdir(elsewhere), [])
        # And what fanotify cannot do, something else does: fallback_test.py.
        gate.until(lambda: self.field(daemon, "real_time_protection_subsystem")
                   == '"inotify"', "something else protects")

    def test_an_unmounted_file_system_shows(self):
        other = os.path.join(self.base, "other")
        with gate.tmpfs(other):
            daemon = self.start_daemon(protect=[self.fs, other])
            self.assertTrue(gate.health(daemon)["healthy"])
            subprocess.run(["umount", other], check=True)
            gate.until(lambda: not gate.health(daemon)["healthy"], "it shows")
            told = gate.health(daemon)
            self.assertIn(other, " ".join(told["healthIssues"]))
            self.assertTrue(told["realTimeProtectionAvailable"])
            subprocess.run(["mount", "-t", "tmpfs", "none", other], check=True)

    def test_the_managed_configuration_has_the_last_word(self):
        config = os.path.join(self.base, "managed.json")
        gate.write_file(config, json.dumps({
            "antivirusEngine": {"enforcementLevel": "real_time"},
            "gatehouse": {"releaseRing": "InsiderFast"}}).encode())
        daemon = self.start_daemon(["--config", config])
        self.assertEqual(self.field(daemon, "release_ring"), '"InsiderFast"')
        self.assertEqual(self.field(daemon, "real_time_protection_enabled"),
                         "true [managed]")
        done = gate.mdatp(daemon, "config", "real-time-protection", "--value",
                          "disabled")
        self.assertEqual(done.code, 4, done)
        self.assertIn("managed", done.err)
        self.assertGreater(gate.marks(daemon), 0)

    def test_definitions_show_in_their_version(self):
        definitions = os.path.join(self.base, "definitions")
        os.mkdir(definitions)
        path = os.path.join(definitions, "one.ndb")
        gate.write_file(path, b"Test.One:0:*:" + b"marker one".hex().encode())
        os.utime(path, (1600000000, 1600000000))
        daemon = self.start_daemon(["--definitions", definitions])
        old = gate.health(daemon)
        self.assertEqual(old["definitionsUpdated"], "1600000000000")
        self.assertEqual(old["definitionsStatus"]["$type"], "outOfDate")
        self.assertEqual(daemon.stop(), 0)
        gate.write_file(path, b"Test.One:0:*:" + b"marker two".hex().encode())
        daemon = self.start_daemon(["--definitions", definitions])
        new = gate.health(daemon)
        self.assertNotEqual(old["definitionsVersion"],
                            new["definitionsVersion"])
        self.assertEqual(new["definitionsStatus"]["$type"], "upToDate")
        self.assertLess(new["definitionsUpdatedMinutesAgo"], 5)

    def test_a_vault_that_others_can_enter_is_refused_and_shown(self):
        vault = os.path.join(self.base, "state", "vault")
        os.makedirs(vault)
        os.chmod(os.path.dirname(vault), 0o700)
        os.chmod(vault, 0o777)
        daemon = self.start_daemon()
        told = gate.health(daemon)
        self.assertFalse(told["healthy"])
        self.assertIn("quarantine is not available",
                      " ".join(told["healthIssues"]))
        opener, = self.start_openers(1)
        with open(self.path("evil"), "wb", buffering=0) as file:
            file.write(gate.eicar())
            self.assertEqual(opener.open(self.path("evil"))["errno"], 1)
        listed = gate.mdatp(daemon, "threat", "list")
        self.assertEqual(listed.code, 1, listed)
        self.assertIn("quarantine is not available", listed.err)


if __name__ == "__main__":
    gate.main()
