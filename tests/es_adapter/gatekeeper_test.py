#!/usr/bin/env python3
"""The example of the docs, built with Blocks, over real fanotify.

    guard.py SECONDS gatekeeper_test.py GATEKEEPER
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop()


class GatekeeperTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gatehouse-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        subprocess.run(["mount", "-t", "tmpfs", "none", self.folder],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder])
        self.assertNotEqual(os.stat(self.folder).st_dev, os.stat("/").st_dev)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_program(self, *command):
        return subprocess.run(command, capture_output=True).returncode

    def test_it_denies_what_it_says(self):
        for name in ("open.txt", "open.blocked"):
            with open(self.path(name), "w") as file:
                file.write("text")
        for name in ("run", "run.blocked"):
            shutil.copy("/bin/true", self.path(name))
        gatekeeper = subprocess.Popen([PROGRAM, self.folder], text=True,
                                      stdout=subprocess.PIPE)
        self.addCleanup(gatekeeper.stdout.close)
        self.assertEqual(gatekeeper.stdout.readline(), "watching\n")
        self.assertEqual(self.run_program("cat", self.path("open.txt")), 0)
        self.assertEqual(self.run_program("cat", self.path("open.blocked")), 1)
        self.assertEqual(self.run_program("sh", "-c", self.path("run")), 0)
        self.assertEqual(
            self.run_program("sh", "-c", self.path("run.blocked")), 126)
        gatekeeper.send_signal(signal.SIGTERM)
        said, _ = gatekeeper.communicate(timeout=30)
        self.assertEqual(gatekeeper.returncode, 0)
        self.assertIn("allowed open %s by " % self.path("open.txt"), said)
        self.assertIn("denied open %s by " % self.path("open.blocked"), said)
        self.assertIn("allowed exec %s by " % self.path("run"), said)
        self.assertIn("denied exec %s by " % self.path("run.blocked"), said)
        # Without it, nothing is denied: it was the example that did it.
        self.assertEqual(self.run_program("cat", self.path("open.blocked")), 0)

    def test_it_says_what_it_cannot_watch(self):
        self.assertEqual(self.run_program(PROGRAM, self.path("missing")), 1)
        self.assertEqual(self.run_program(PROGRAM), 2)


if __name__ == "__main__":
    unittest.main()
