#!/usr/bin/env python3
"""Programs that run from memory alone: nobody can hold their start, and they
are judged and ended while they run.

The kernel tells of them in its first pid namespace only: guard.py --same-pids.
What runs elsewhere on this machine is seen too, and none of it has our marker.
"""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import unittest

import gate

LIBC = ctypes.CDLL(None, use_errno=True)
SYS_PIDFD_GETFD = 438
# Not the same for two runs at a time.
MARKER = b"memory marker %d" % os.getpid()
# Copies the program into memory and becomes it; argv: name, file, arguments.
LAUNCHER = """
import os, sys
name, path, *arguments = sys.argv[1:]
fd = os.memfd_create(name)
with open(path, "rb") as file:
    os.write(fd, file.read())
os.execv("/proc/self/fd/%d" % fd, arguments)
"""


def runs_from(pid):
    with contextlib.suppress(OSError):
        return os.readlink("/proc/%d/exe" % pid)
    return ""


@contextlib.contextmanager
def process_connector(daemon):
    """The daemon's own socket."""
    pid = daemon.worker()
    process = os.pidfd_open(pid)
    try:
        for number in os.listdir("/proc/%d/fd" % pid):
            with contextlib.suppress(OSError):
                link = os.readlink("/proc/%d/fd/%s" % (pid, number))
                if not link.startswith("socket:"):
                    continue
                found = LIBC.syscall(SYS_PIDFD_GETFD, process, int(number), 0)
                with socket.socket(fileno=found) as candidate:
                    if candidate.family == socket.AF_NETLINK:
                        yield candidate
                        return
        raise AssertionError("the daemon has no process connector")
    finally:
        os.close(process)


class MemoryTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        definitions = os.path.join(self.base, "definitions")
        os.mkdir(definitions)
        gate.write_file(os.path.join(definitions, "one.ndb"),
                        b"Test.Marker:0:*:" + MARKER.hex().encode())
        self.arguments = ["--definitions", definitions]
        self.clean = "/bin/cat"
        self.evil = self.copy("/bin/cat", "evil", MARKER)

    def copy(self, program, name, tail):
        """A program with something behind its end, where nobody protects."""
        path = os.path.join(self.base, name)
        with open(program, "rb") as file:
            gate.write_file(path, file.read() + tail)
        os.chmod(path, 0o755)
        return path

    def run_from_memory(self, path, name="program", arguments=("cat",)):
        """Runs from memory when this returns; reads its input to the end."""
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, name, path, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.stack.callback(self.end, process)
        gate.until(lambda: process.poll() is not None or
                   runs_from(process.pid).startswith("/memfd:"),
                   "it runs from memory")
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdin.close()

    def dies(self, process):
        self.assertEqual(process.wait(timeout=gate.PATIENCE_SECONDS),
                         -signal.SIGKILL)

    def ends(self, process):
        """To its own end, with nobody's help."""
        process.stdin.close()
        self.assertEqual(process.wait(timeout=gate.PATIENCE_SECONDS), 0)

    def memory(self, daemon):
        return daemon.counters()["memoryPrograms"]

    def threat(self, daemon):
        found = gate.until(lambda: gate.threats(daemon), "a threat")
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_is_killed_and_recorded(self):
        daemon = self.start_daemon(self.arguments)
        features = gate.health(daemon)["kernelFeatures"]["value"]
        self.assertTrue(features["processConnector"])
        # Others may hold opens on this machine, which is an issue of theirs.
        self.assertNotIn("memory",
                         " ".join(gate.health(daemon)["healthIssues"]))
        self.dies(self.run_from_memory(self.evil, "evil\n\x1b[31m"))
        threat = self.threat(daemon)
        self.assertEqual(threat["name"], "Test.Marker")
        self.assertEqual(threat["status"], "blocked")
        self.assertIn("memfd:evil", threat["path"])
        shown = gate.mdatp(daemon, "threat", "get", "--id",
                           threat["tracking_id"])
        self.assertIn("/memfd:evil\\n\\x1b[31m (deleted)", shown.out)
        daemon.wait_for_log("threat found in a program in memory")
        counters = self.memory(daemon)
        print(counters, flush=True)
        self.assertEqual(counters["detections"], 1)
        self.assertEqual(counters["processesKilled"], 1)
        self.assertEqual(counters["processesLeft"], 0)
        self.assertEqual(daemon.stop(), 0)

    def test_what_it_forked_is_killed_too(self):
        evil = self.copy("/bin/sh", "shell", MARKER)
        daemon = self.start_daemon(self.arguments)
        script = "exec 3<&0; (read a <&3) & (read b <&3) & wait"
        self.dies(self.run_from_memory(evil, "shell", ["sh", "-c", script]))
        self.threat(daemon)
        left = [pid for pid in filter(str.isdigit, os.listdir("/proc"))
                if "memfd:shell" in runs_from(int(pid))]
        self.assertEqual(left, [])
        self.assertEqual(daemon.stop(), 0)

    def test_a_clean_one_runs_to_its_end(self):
        daemon = self.start_daemon(self.arguments)
        before = self.memory(daemon)["clean"]
        process = self.run_from_memory(self.clean)
        gate.until(lambda: self.memory(daemon)["clean"] > before,
                   "it was judged")
        self.ends(process)
        counters = self.memory(daemon)
        self.assertEqual(counters["detections"], 0)
        self.assertEqual(counters["processesKilled"], 0)
        self.assertEqual(gate.threats(daemon), [])
        self.assertEqual(daemon.stop(), 0)

    def test_what_ran_before_is_found(self):
        process = self.run_from_memory(self.evil)
        daemon = self.start_daemon(self.arguments)
        self.dies(process)
        self.assertEqual(self.threat(daemon)["status"], "blocked")
        self.assertEqual(daemon.stop(), 0)

    def test_what_the_kernel_lost_is_made_up_for_and_shown(self):
        """Nobody reads for a moment, and there is next to no room."""
        daemon = self.start_daemon(self.arguments)

        def losses():
            shown = gate.mdatp(daemon, "health", "--details", "event_losses")
            return int(re.search(r"processes_lost +: (\d+)", shown.out)[1])
        self.assertEqual(losses(), 0)
        with process_connector(daemon) as connector:
            connector.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        worker = daemon.stop_worker()
        for _ in range(64):
            subprocess.run(["true"], check=True)
        process = self.run_from_memory(self.evil)
        os.kill(worker, signal.SIGCONT)
        # The kernel says that it lost some with what it has next.
        gate.until(lambda: subprocess.run(["true"], check=True) and
                   process.poll() is not None, "it is found")
        self.dies(process)
        self.assertGreater(losses(), 0)
        counters = self.memory(daemon)
        print(counters, flush=True)
        self.assertGreater(counters["startsMissed"], 0)
        self.assertGreater(counters["looks"], 1)
        self.assertEqual(daemon.worker(), worker)
        self.assertEqual(daemon.stop(), 0)

    def test_no_exclusion_is_asked_with_its_name(self):
        daemon = self.start_daemon(self.arguments)
        for exclusion in (("extension", "add", "--name", ".txt"),
                          ("process", "add", "--name", "evil.txt"),
                          ("folder", "add", "--path", "/memfd:x/"),
                          ("file", "add", "--path",
                           "/memfd:x/evil.txt (deleted)")):
            done = gate.mdatp(daemon, "exclusion", *exclusion)
            self.assertEqual(done.code, 0, done)
        self.dies(self.run_from_memory(self.evil, "x/evil.txt"))
        self.threat(daemon)
        self.assertEqual(daemon.stop(), 0)

    def test_runs_while_protection_is_switched_off(self):
        daemon = self.start_daemon(self.arguments)

        def switch(value):
            done = gate.mdatp(daemon, "config", "real-time-protection",
                              "--value", value)
            self.assertEqual(done.code, 0, done)
        switch("disabled")
        before = self.memory(daemon)["startsHandedOn"]
        process = self.run_from_memory(self.evil)
        after = self.memory(daemon)
        self.assertEqual(after["startsHandedOn"], before)
        self.assertEqual(after["detections"], 0)
        self.assertIsNone(process.poll())
        switch("enabled")
        self.dies(process)
        self.threat(daemon)
        self.assertEqual(daemon.stop(), 0)

    def test_a_file_of_that_name_is_an_ordinary_file(self):
        """Held where it is protected; elsewhere nobody's business, even where
        its path is that of a program in memory to the letter."""
        # Without quarantine: it would be gone before it is started.
        daemon = self.start_daemon([*self.arguments, "--no-quarantine"])
        held = self.path("memfd:evil")
        with open(self.evil, "rb") as file:
            gate.write_file(held, file.read())
        os.chmod(held, 0o755)
        opener, = self.start_openers(1)
        self.assertEqual(opener.start(held)["errno"], 1)
        root = os.path.join(self.base, "root")
        os.mkdir(root)
        libraries = subprocess.run(["ldd", "/bin/cat"], check=True,
                                   capture_output=True, text=True).stdout
        script = 'mount -t tmpfs none "$0" && cd "$0" && mkdir old && ' \
            'cp "$1" "memfd:evil (deleted)" && shift && for f; do ' \
            'mkdir -p ".${f%/*}" && cp "$f" ".$f" || exit 9; done; ' \
            'pivot_root . old && exec "/memfd:evil (deleted)"'
        before = self.memory(daemon)
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             script, root, self.evil, *re.findall(r"/[^ ]+", libraries)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.stack.callback(self.end, process)
        gate.until(lambda: "memfd:evil" in runs_from(process.pid) or
                   process.poll() is not None, "it runs")
        self.assertEqual(runs_from(process.pid), "/memfd:evil (deleted)")
        gate.until(lambda: self.memory(daemon)["startsHandedOn"] >
                   before["startsHandedOn"], "its name was noticed")
        # Behind it, so that it has been looked at when this one is dead.
        self.dies(self.run_from_memory(self.evil))
        self.ends(process)
        gate.until(lambda: self.memory(daemon)["processesKilled"] != 0,
                   "it has been counted")
        self.assertEqual(self.memory(daemon)["processesKilled"], 1)
        self.assertEqual(daemon.stop(), 0)


class StuckMemoryTest(MemoryTest):
    """With scans that can be made to stick and crash."""

    PROGRAM = "wdavdaemon_with_probe"

    def setUp(self):
        super().setUp()
        self.fifo = os.path.join(self.base, "release")
        os.mkfifo(self.fifo)

    def sticky(self, name, program, marker=b""):
        return self.copy(program, name, marker + b"\nGATEHOUSE-TEST-STICK " +
                         self.fifo.encode() + b"\n")

    def release(self):
        self.stack.callback(os.close, os.open(self.fifo, os.O_RDWR))

    def test_a_killed_worker_leaves_it_to_its_successor(self):
        evil = self.sticky("evil-sticky", "/bin/cat", MARKER)
        clean = self.sticky("clean-sticky", "/bin/cat")
        daemon = self.start_daemon(self.arguments)
        processes = [self.run_from_memory(evil), self.run_from_memory(clean)]
        gate.until(lambda: daemon.counters()["backgroundWorkers"]["stuck"] == 2,
                   "both are being scanned")
        # It runs meanwhile: nothing of ours could leave it stopped for ever.
        for process in processes:
            self.assertNotEqual(gate.state_of(process.pid, process.pid), "T")
        worker = daemon.worker()
        os.kill(worker, signal.SIGKILL)
        gate.until(lambda: daemon.worker() not in (0, worker), "a successor")
        self.release()
        self.dies(processes[0])
        self.assertEqual(self.threat(daemon)["status"], "blocked")
        gate.until(lambda: self.memory(daemon)["clean"] >= 1,
                   "the other was judged")
        self.ends(processes[1])
        self.assertEqual(daemon.stop(), 0)

    def test_what_crashes_the_scanner_twice_is_not_scanned_again(self):
        crash = self.copy("/bin/cat", "crash", b"\nGATEHOUSE-TEST-CRASH\n")
        daemon = self.start_daemon(self.arguments)
        process = self.run_from_memory(crash)
        gate.until(lambda: self.memory(daemon)["notScanned"]["scan_crashed"],
                   "it is given up, and counted")
        self.assertEqual(
            daemon.counters()["supervisor"]["workerDeathsOwnFault"], 2)
        self.ends(process)
        self.assertEqual(daemon.stop(), 0)


def load_tests(loader, _tests, _pattern):
    """Those of the first class once, with the daemon that ships."""
    suite = loader.loadTestsFromTestCase(MemoryTest)
    suite.addTests(StuckMemoryTest(name) for name in vars(StuckMemoryTest)
                   if name.startswith("test_"))
    return suite


if __name__ == "__main__":
    gate.main()
