"""mdatp against gatehouse_test_daemon, whose path is the second argument of
the test."""

import os
import subprocess
import sys

import mdatp

_test_daemon = os.path.abspath(sys.argv.pop(2))
os.environ["TZ"] = "UTC"


class Case(mdatp.Case):
    def setUp(self):
        super().setUp()
        self.run_directory = self.make_directory("run")

    def serve(self, behaviour="normal"):
        daemon = subprocess.Popen(
            [_test_daemon, self.run_directory, behaviour],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def stop():
            daemon.stdin.close()
            daemon.wait(timeout=mdatp.TIMEOUT_SECONDS)
            daemon.stdout.close()
        self.addCleanup(stop)
        self.assertEqual(daemon.stdout.readline(), b"ready\n")

    def run_mdatp(self, *arguments, **options):
        return mdatp.run("--run-dir", self.run_directory, *arguments, **options)

    def text(self, *arguments):
        finished = self.run_mdatp(*arguments)
        self.assertEqual((finished.code, finished.err), (0, ""), finished)
        return finished.out
