#!/usr/bin/env python3
"""A file system whose server never answers holds up whoever uses it, and
nobody else: neither other opens nor the end of the daemon.

A wait for a FUSE server that has seen the request ends with no signal. So the
watchdog of fuse.py aborts the connections, and each test asserts that nothing
is left in state D.
"""

import array
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

import fuse
import gate

EPERM = 1
# Marks file systems and allows what it reads, as the least a listener can do.
LISTENER = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
group = libc.fanotify_init(0x4 | 0x1, os.O_RDONLY | os.O_CLOEXEC)
for path in sys.argv[1:]:
    if libc.fanotify_mark(group, 0x1 | 0x100, ctypes.c_uint64(0x10000), -100,
                          path.encode()) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
print("ready", flush=True)
while True:
    try:
        event = os.read(group, 24)
    except OSError:
        continue
    fd = struct.unpack("=IBBHQii", event)[5]
    os.write(group, struct.pack("=iI", fd, 1))
    os.close(fd)
"""


class FuseTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        os.chmod(self.base, 0o755)
        gate.write_file(self.path("clean"), b"harmless")
        gate.write_file(self.path("evil"), gate.eicar())
        self.watchdog = fuse.Watchdog(self.base, gate.PATIENCE_SECONDS)
        self.stack.callback(self.watchdog.end)

    def start_opener(self, **as_user):
        opener = gate.Opener(**as_user)
        self.stack.callback(opener.end)
        return opener

    def hold(self, mount, **as_user):
        """Openers that wait for the server, and whom it has seen."""
        openers = []
        for word in ("open", "read"):
            opener = self.start_opener(**as_user)
            opener.ask("open", mount.path("hang-" + word))
            mount.wait_for(word)
            openers.append(opener)
        return openers

    def assert_others_go_on(self):
        opener, = self.start_openers(1)
        slowest = 0
        for _ in range(50):
            clean = opener.open(self.path("clean"))
            evil = opener.open(self.path("evil"))
            self.assertEqual((clean["errno"], evil["errno"]), (0, EPERM))
            slowest = max(slowest, clean["wait_ms"], evil["wait_ms"])
        return slowest

    def assert_only_our_file_system_is_marked(self, daemon, mounts):
        """By the kernel's own list of marks."""
        marked = gate.marked_devices(daemon)
        self.assertIn(fuse.device_of(self.fs), marked)
        for mount in mounts:
            self.assertNotIn(mount.device, marked)
        self.assertEqual(gate.marks(daemon), 2)

    def assert_stops(self, daemon):
        begin = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        seconds = time.monotonic() - begin
        print("stopped after %.0f ms" % (seconds * 1000), flush=True)
        self.assertLess(seconds, gate.promised(1.0))

    def assert_nothing_is_left(self, openers):
        """The openers are ended by the abort, not by a signal."""
        self.watchdog.abort_all()
        for opener in openers:
            opener.answer()
        gate.until(lambda: not fuse.left_waiting(),
                   "nothing is left in state D: %s" % fuse.left_waiting())

    def check(self, how, **as_user):
        """One mount below before the start, one after it, and one elsewhere;
        first some files hang, then everything."""
        mounts = [self.watchdog.mount(how, self.path("before"))]
        held = self.hold(mounts[0], **as_user)
        daemon = self.start_daemon(["--no-quarantine"])
        for directory in (self.path("after"),
                          os.path.join(self.base, "elsewhere")):
            mounts.append(self.watchdog.mount(how, directory))
            held += self.hold(mounts[-1], **as_user)
        for mount in mounts:
            mount.hang()
        # A change that makes it look at every mount once more.
        with gate.tmpfs(self.path("nudge")):
            gate.until(lambda: gate.marks(daemon) == 4, "it is marked")
        gate.until(lambda: gate.marks(daemon) == 2, "it is not any more")
        slowest = self.assert_others_go_on()
        print("%s: slowest open elsewhere %d ms" % (how, slowest), flush=True)
        self.assert_only_our_file_system_is_marked(daemon, mounts)
        self.assertTrue(gate.health(daemon)["healthy"])
        self.assertEqual(daemon.counters()["eventSource"]["allowedDeadline"],
                         0)
        self.assert_stops(daemon)
        self.assert_nothing_is_left(held)

    def test_one_that_a_user_has_mounted(self):
        self.check("user", user=fuse.NOBODY, group=fuse.NOBODY,
                   extra_groups=[])

    def test_one_that_everybody_may_use(self):
        self.check("root")

    def test_a_scan_of_what_is_on_it_asks_nothing_of_the_server(self):
        mount = self.watchdog.mount("root", os.path.join(self.base, "other"))
        file = os.open(mount.path("clean"), os.O_PATH)
        self.addCleanup(os.close, file)
        mount.hang()
        daemon = self.start_daemon(["--no-quarantine"])
        result = self.scan(daemon, file)
        self.assertEqual((result["verdict"], result["reason"]),
                         ("not_scanned", "remote_file_system"))
        self.assert_stops(daemon)

    def scan(self, daemon, descriptor):
        """The result for one file that a client passes; see docs/ipc.md."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(gate.PATIENCE_SECONDS)
            client.connect(os.path.join(daemon.run, "mdatp.sock"))
            client.sendall(frame({"command": "scan_begin", "path": "x",
                                  "quarantine": False}, 0))
            client.recv(65536)
            client.sendmsg([frame({"command": "scan_files", "count": 1}, 1)],
                           [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                             array.array("i", [descriptor]))])
            result, = json.loads(client.recv(65536)[8:])["results"]
            return result

    def test_a_worker_that_no_signal_ends_is_left_behind(self):
        """It waits for a server that root has sent it to. Its successor takes
        over; the daemon ends."""
        mount = self.watchdog.mount("root", os.path.join(self.base, "other"))
        daemon = self.start_daemon()
        gate.write_file(self.path("caught"), gate.eicar())
        caught = gate.until(
            lambda: [threat for threat in gate.threats(daemon)
                     if threat["path"] == self.path("caught")],
            "it is listed")[0]
        self.assertEqual(daemon.stop(), 0)
        daemon.end()
        daemon = self.start_daemon(["--no-quarantine"])
        mount.hang()
        client = subprocess.Popen(
            [os.path.join(gate.BIN, "mdatp"), "--run-dir", daemon.run,
             "threat", "quarantine", "restore", "threat-id", "--id",
             caught["tracking_id"], "--destination-path", mount.directory],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        gate.until(lambda: waits_for_server(daemon.worker()),
                   "the worker waits for the server")
        worker = daemon.worker()
        os.kill(worker, signal.SIGKILL)
        slowest = self.assert_others_go_on()
        print("slowest open %d ms" % slowest, flush=True)
        self.assertNotEqual(daemon.worker(), worker)
        self.assertEqual(
            daemon.counters()["supervisor"]["workersAbandoned"], 1)
        self.assert_stops(daemon)
        self.assert_nothing_is_left([])

    def test_a_listener_that_marks_it_is_held_up(self):
        """The negative control: what happens to whoever marks it."""
        mount = self.watchdog.mount("root", self.path("below"))
        listener = subprocess.Popen(
            [sys.executable, "-c", LISTENER, self.fs, mount.directory],
            stdout=subprocess.PIPE)
        self.addCleanup(listener.stdout.close)
        self.addCleanup(listener.wait)
        self.addCleanup(listener.kill)
        self.assertEqual(listener.stdout.readline(), b"ready\n")
        other, held = self.start_opener(), self.start_opener()
        self.assertEqual(other.open(self.path("clean"))["errno"], 0)
        held.ask("open", mount.path("hang-open"))
        mount.wait_for("open")  # By the listener, for its event.
        other.ask("open", self.path("clean"))
        gate.until(lambda: gate.state_of(other.process.pid, str(
            other.process.pid)) == "D", "the other one waits")
        listener.kill()
        self.assert_nothing_is_left([held, other])
        listener.wait()


def frame(body, descriptors):
    data = json.dumps(body).encode()
    return struct.pack("<2sBBI", b"GH", 1, descriptors, len(data)) + data


def waits_for_server(pid):
    return any(gate.wait_of(pid, thread) == "request_wait_answer"
               for thread in os.listdir("/proc/%d/task" % pid))


if __name__ == "__main__":
    if fuse.reason_to_skip() is not None:
        print("skipped:", fuse.reason_to_skip())
        sys.exit(77)
    gate.main()
