#!/usr/bin/env python3
"""Definitions are replaced while the daemon runs: nobody waits for it, what is
no good is not used, and what was in use stays in use."""

import errno
import os
import signal
import subprocess
import time

import gate

FIRST = b"a marker of the first set"
SECOND = b"a marker of the second one"
NOBODY = 65534


def line(name, marker):
    return "%s:0:*:%s\n" % (name, marker.hex())


class DefinitionsTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        self.definitions = os.path.join(self.base, "definitions")
        os.mkdir(self.definitions)
        self.write("a.ndb", line("Test.First", FIRST))
        gate.write_file(self.path("clean"), b"clean")
        gate.write_file(self.path("first"), b"1 " + FIRST)
        gate.write_file(self.path("second"), b"2 " + SECOND)

    def write(self, name, text):
        gate.write_file(os.path.join(self.definitions, name), text.encode())

    def start(self, *arguments, **options):
        return self.start_daemon(["--definitions", self.definitions,
                                  "--no-quarantine", *arguments], **options)

    def update(self, daemon, **options):
        return gate.mdatp(daemon, "definitions", "update", **options)

    def assertDenied(self, opener, *names):
        for name in ("first", "second", "clean"):
            self.assertEqual(opener.open(self.path(name))["errno"],
                             errno.EPERM if name in names else 0, name)

    def details(self, daemon):
        return gate.mdatp(daemon, "health", "--details", "definitions",
                          "--output", "json").json()

    def status(self, daemon):
        return gate.mdatp(daemon, "definitions", "status", "--output",
                          "json").json()

    def test_a_new_set_is_used_at_once_and_nobody_waits(self):
        daemon = self.start()
        worker = daemon.worker()
        opener, busy = self.start_openers(2)
        self.assertDenied(opener, "first")
        version = gate.health(daemon)["definitionsVersion"]
        self.assertIn("up to date: " + version, self.update(daemon).out)
        self.write("a.ndb", line("Test.Second", SECOND))
        self.write("b.ndb", "malformed\n")
        process = subprocess.Popen(
            [os.path.join(gate.BIN, "mdatp"), "--run-dir", daemon.run,
             "definitions", "update"], stdout=subprocess.PIPE)
        opens = 0
        while process.poll() is None:
            self.assertEqual(busy.open(self.path("clean"))["errno"], 0)
            opens += 1
        with process.stdout:
            self.assertIn(b"Definitions updated", process.stdout.read())
        self.assertGreater(opens, 0)
        self.assertDenied(opener, "second")
        self.assertEqual(daemon.worker(), worker)
        health = gate.health(daemon)
        self.assertNotEqual(health["definitionsVersion"], version)
        self.assertTrue(health["healthy"], health["healthIssues"])
        details = self.details(daemon)
        self.assertEqual((details["definitionsLoaded"],
                          details["definitionsMalformed"],
                          details["definitionsUpdates"]), (1, 1, 1))
        status = gate.mdatp(daemon, "definitions", "status")
        self.assertIn("a.ndb: 1 line(s), 1 loaded", status.out)
        self.assertIn("b.ndb:1: expected", status.err, status)

    def test_what_finds_the_system_itself_is_not_used(self):
        daemon = self.start()
        opener, = self.start_openers(1)
        self.write("b.ndb", line("Test.Second", SECOND) +
                   "Every.Program:6:0:7f454c46\n")
        refused = self.update(daemon)
        self.assertEqual(refused.code, 1, refused)
        self.assertIn("Every.Program", refused.err)
        self.assertDenied(opener, "first")
        issue, = gate.health(daemon)["healthIssues"]
        self.assertIn("Every.Program", issue)
        self.assertEqual(self.details(daemon)["definitionsUpdateFailures"], 1)
        # It is tried again within the first minute.
        status = gate.mdatp(daemon, "definitions", "status")
        self.assertIn("\nNext try: ", status.out)
        due = int(self.status(daemon)["nextTry"]) / 1000 - time.time()
        self.assertTrue(-1 < due <= 60, due)
        self.write("b.ndb", line("Test.Second", SECOND))
        self.assertEqual(self.update(daemon).code, 0)
        self.assertTrue(gate.health(daemon)["healthy"])
        self.assertNotIn("nextTry", self.status(daemon))
        self.assertDenied(opener, "first", "second")

    def test_a_change_is_seen_without_a_word(self):
        daemon = self.start("--definitions-interval", "1")
        opener, = self.start_openers(1)
        self.write("b.ndb", line("Test.Second", SECOND))
        gate.until(lambda: opener.open(self.path("second"))["errno"] != 0,
                   "the change is seen")
        self.assertDenied(opener, "first", "second")

    def test_a_successor_uses_what_was_in_use(self):
        daemon = self.start()
        opener, = self.start_openers(1)
        # Not yet looked at: it is not what was in use.
        self.write("b.ndb", line("Test.Second", SECOND))
        again = "compiling definitions once more"
        for is_kept in (True, False):
            if not is_kept:
                folder = os.path.join(daemon.state, "definitions")
                for name in os.listdir(folder):
                    if name.endswith(".set"):
                        os.unlink(os.path.join(folder, name))
            worker = daemon.worker()
            os.kill(worker, signal.SIGKILL)
            gate.until(lambda: daemon.worker() not in (0, worker) and
                       gate.health(daemon), "there is a successor")
            self.assertDenied(opener, *(["first"] if is_kept
                                        else ["first", "second"]))
            self.assertEqual(again in daemon.log(), not is_kept)

    def test_a_daemon_without_usable_definitions_starts_with_the_last_good(self):
        self.start().stop()
        self.write("a.ndb", "Every.Program:6:0:7f454c46\n")
        daemon = self.start()
        opener, = self.start_openers(1)
        self.assertDenied(opener, "first")
        issue, = gate.health(daemon)["healthIssues"]
        self.assertIn("Every.Program", issue)
        # Without one it does not start, and says why.
        with self.assertRaisesRegex(AssertionError, "Every.Program"):
            self.start(state=os.path.join(self.base, "other"))

    def test_users_may_look_and_not_update(self):
        os.chmod(self.base, 0o755)
        daemon = self.start()
        self.assertEqual(self.update(daemon, user=NOBODY).code, 4)
        status = gate.mdatp(daemon, "definitions", "status", user=NOBODY)
        self.assertEqual(status.code, 0, status)
        self.assertIn("Body signatures: 1", status.out)

    def test_what_freshclam_fills_is_the_default(self):
        # In this namespace only.
        subprocess.run(["mount", "-t", "tmpfs", "none", "/var/lib"], check=True)
        self.stack.callback(subprocess.run, ["umount", "--lazy", "/var/lib"],
                            check=True)
        os.mkdir("/var/lib/clamav")
        gate.write_file("/var/lib/clamav/main.cvd", b"a container")
        daemon = self.start_daemon(["--no-quarantine"])
        status = gate.mdatp(daemon, "definitions", "status")
        self.assertIn("Folder: /var/lib/clamav", status.out)
        self.assertIn("not supported yet", status.out)
        self.assertTrue(gate.health(daemon)["healthy"])
        gate.write_file("/var/lib/clamav/own.ndb",
                        line("Test.First", FIRST).encode() + b"malformed\n")
        self.assertEqual(self.update(daemon).code, 0)
        opener, = self.start_openers(1)
        self.assertDenied(opener, "first")
        # As for scans and explanations without the daemon.
        daemon.stop()
        for command in (["scan", "custom", "--offline"],
                        ["diagnostic", "explain"]):
            told = gate.mdatp(daemon, *command, "--cache-dir", "none",
                              "--path", self.path("first"))
            self.assertIn("Test.First", told.out, told)
            self.assertIn("own.ndb:2: ", told.err, told)
            none = gate.mdatp(daemon, *command, "--definitions", "none",
                              "--path", self.path("first"))
            self.assertNotIn("Test.First", none.out + none.err, none)
        scan = gate.mdatp(daemon, "scan", "custom", "--offline", "--path",
                          self.path("first"), "--output", "json").json()
        self.assertEqual(scan["definitions"]["directory"], "/var/lib/clamav")


if __name__ == "__main__":
    gate.main()
