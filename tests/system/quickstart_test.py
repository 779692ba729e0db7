#!/usr/bin/env python3
"""tools/quickstart shows what it says, notices when it does not happen, and
leaves nothing behind."""

import os
import pathlib
import signal
import subprocess
import unittest

import gate

QUICKSTART = pathlib.Path(__file__).parents[2] / "tools" / "quickstart"
# A daemon that may not have permission events.
POWERLESS = """#!/bin/sh
exec setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
    "%s/wdavdaemon" "$@"
"""


def processes_that_name(text):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                if text.encode() in file.read():
                    found.append(pid)
        except OSError:
            pass  # It is gone.
    return found


class QuickstartTest(unittest.TestCase):

    def setUp(self):
        self.base = self.enterContext(gate.temporary_directory())
        self.temporary = os.path.join(self.base, "temporary")
        os.mkdir(self.temporary)

    def start(self, *arguments, programs=gate.BIN):
        return subprocess.Popen(
            [QUICKSTART, "--bin", programs, *arguments],
            env=dict(os.environ, TMPDIR=self.temporary),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def ended(self, process):
        """Its output, once nothing of it is left."""
        out, _ = process.communicate(timeout=gate.PATIENCE_SECONDS)
        print(out, flush=True)
        self.assertEqual(os.listdir(self.temporary), [])
        gate.until(lambda: not processes_that_name(self.temporary),
                   "every process is gone")
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            self.assertNotIn(self.temporary, file.read())
        return out

    def test_each_step_happens(self):
        process = self.start("--within", str(gate.PATIENCE_SECONDS))
        out = self.ended(process)
        self.assertEqual(process.returncode, 0)
        for line in ("gone and listed", "Operation not permitted",
                     'real_time_protection_subsystem              : "fanotify"',
                     "\t1 threat(s) detected", "byte for byte the same"):
            self.assertIn(line, out)

    def test_without_quarantine_it_fails(self):
        """The negative control of the test above."""
        process = self.start("--no-quarantine")
        out = self.ended(process)
        self.assertEqual(process.returncode, 1)
        self.assertIn("FAILED: not gone and listed", out)

    def test_without_permission_events_it_says_so(self):
        programs = os.path.join(self.base, "programs")
        os.mkdir(programs)
        os.symlink(os.path.join(gate.BIN, "mdatp"),
                   os.path.join(programs, "mdatp"))
        gate.write_file(os.path.join(programs, "wdavdaemon"),
                        (POWERLESS % gate.BIN).encode())
        os.chmod(os.path.join(programs, "wdavdaemon"), 0o755)
        process = self.start(programs=programs)
        out = self.ended(process)
        self.assertEqual(process.returncode, 1)
        self.assertIn("FAILED: no fanotify permission events", out)

    def test_ended_half_way_it_leaves_nothing(self):
        process = self.start()
        self.assertIn("approving", process.stdout.readline())
        self.assertIn("1. a download", process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        self.ended(process)
        self.assertEqual(process.returncode, 1)


if __name__ == "__main__":
    gate.main()
