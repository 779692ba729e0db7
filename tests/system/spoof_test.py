#!/usr/bin/env python3
"""A user gives his malicious file the path of a system file, in a namespace of
his own: it is dealt with, the system file is not, and nothing blames it."""

import os
import shutil
import subprocess
import unittest

import gate

NOBODY = 65534
SYSTEM_TEXT = b"an innocent system file\n"


class SpoofTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        os.chmod(self.base, 0o755)
        os.chmod(self.fs, 0o755)
        self.system = self.path("system-file")
        gate.write_file(self.system, SYSTEM_TEXT)
        os.chmod(self.system, 0o644)
        self.home = self.path("home")
        os.mkdir(self.home)
        os.chown(self.home, NOBODY, NOBODY)
        self.evil = os.path.join(self.home, "evil")
        gate.write_file(self.evil, gate.eicar())
        os.chown(self.evil, NOBODY, NOBODY)

    def as_user(self, script):
        """Runs a script as nobody, who is root in namespaces of his own."""
        return subprocess.run(
            ["unshare", "-U", "-r", "-m", "sh", "-c", script, "sh", self.evil,
             self.system], user=NOBODY, group=NOBODY, extra_groups=[],
            capture_output=True, text=True, timeout=gate.PATIENCE_SECONDS)

    def check_system_file(self):
        with open(self.system, "rb") as file:
            self.assertEqual(file.read(), SYSTEM_TEXT)

    def test_the_path_of_another_file_is_no_disguise(self):
        control = self.as_user('mount --bind "$1" "$2" && cat "$2"')
        self.assertEqual(control.returncode, 0, control)
        self.assertEqual(len(control.stdout), 68)
        daemon = self.start_daemon()
        done = self.as_user('mount --bind "$1" "$2" && cat "$2"')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Operation not permitted", done.stderr)
        gate.until(lambda: len(gate.threats(daemon)) == 1, "it is recorded")
        gate.until(lambda: gate.threats(daemon)[0]["status"] != "blocked",
                   "it is dealt with")
        threat, = gate.threats(daemon)
        self.check_system_file()
        self.assertEqual(os.stat(self.system).st_uid, 0)
        self.assertNotEqual(threat["path"], self.system, threat)
        self.assertFalse(os.path.exists(self.evil), threat)
        self.assertEqual(threat["status"], "quarantined")
        self.assertEqual(threat["path"], self.evil)

    def test_nor_when_it_is_written_there(self):
        """The close of a file that was written under the disguise."""
        source = self.path("source")
        gate.write_file(source, gate.eicar())
        os.unlink(self.evil)
        gate.write_file(self.evil, b"")
        os.chown(self.evil, NOBODY, NOBODY)
        bait = os.path.join(self.base, "bait")
        shutil.move(source, bait)
        os.chmod(bait, 0o644)
        daemon = self.start_daemon()
        done = self.as_user(
            'mount --bind "$1" "$2" && cat %s > "$2"' % bait)
        self.assertEqual(done.returncode, 0, done)
        gate.until(lambda: not os.path.exists(self.evil), "it is quarantined")
        self.check_system_file()
        threat, = gate.until(lambda: gate.threats(daemon), "it is listed")
        self.assertEqual(threat["path"], self.evil)


if __name__ == "__main__":
    gate.main()
