#!/usr/bin/env python3
"""Clients get what is theirs and no more, and none of them stops the daemon."""

import array
import json
import os
import shutil
import socket
import stat
import struct
import subprocess
import unittest

import gate

NOBODY = 65534
HALF_OPEN_CLIENTS = 1000
FRAME_BYTES_MAX = 65536


def frame(text, length=None):
    data = text.encode()
    return b"GH\x01\x00" + struct.pack("<I", len(data) if length is None
                                       else length) + data


class ClientsTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        os.chmod(self.base, 0o755)
        os.chmod(self.fs, 0o1777)
        # Whoever may not enter the build folder needs a copy.
        self.program = os.path.join(self.base, "mdatp")
        shutil.copy(os.path.join(gate.BIN, "mdatp"), self.program)
        os.chmod(self.program, 0o755)

    def nobody(self, daemon, *arguments):
        return gate.mdatp(daemon, *arguments, user=NOBODY,
                          program=self.program)

    def connect(self, daemon):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stack.callback(client.close)
        client.connect(os.path.join(daemon.run, "mdatp.sock"))
        client.settimeout(gate.PATIENCE_SECONDS)
        return client

    def answer_of(self, client):
        """All that the daemon says until it closes."""
        said = b""
        while True:
            try:
                part = client.recv(65536)
            except ConnectionResetError:
                return said
            if not part:
                return said
            said += part

    # --- Rights -------------------------------------------------------------

    def test_a_scan_reveals_nothing_of_what_the_caller_cannot_see(self):
        secret = os.path.join(self.base, "secret")
        os.mkdir(secret, 0o700)
        gate.write_file(os.path.join(secret, "evil"), gate.eicar())
        daemon = self.start_daemon()
        there = self.nobody(daemon, "scan", "custom", "--path",
                            os.path.join(secret, "evil"))
        not_there = self.nobody(daemon, "scan", "custom", "--path",
                                os.path.join(secret, "none"))
        self.assertEqual(there.code, not_there.code)
        self.assertNotEqual(there.code, 0)
        self.assertEqual(there.out, not_there.out)
        self.assertEqual(there.err.replace("evil", "none"), not_there.err)
        self.assertTrue(os.path.exists(os.path.join(secret, "evil")))
        self.assertEqual(gate.threats(daemon), [])

    def test_a_descriptor_gives_no_right_to_read(self):
        """O_PATH can be had without it: the daemon asks the kernel again."""
        secret = os.path.join(self.base, "secret")
        gate.write_file(secret, gate.eicar())
        os.chmod(secret, 0o600)
        daemon = self.start_daemon()
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os._exit(self.scan_descriptor(daemon, secret))
        _, status = os.waitpid(child, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 13)  # EACCES
        self.assertTrue(os.path.exists(secret))
        self.assertEqual(gate.threats(daemon), [])
        # The control: for root the same file is a threat.
        self.assertEqual(self.scan_descriptor(daemon, secret), 200)
        self.assertFalse(os.path.exists(secret))

    def scan_descriptor(self, daemon, path):
        """Error number of the scan, or 200 for a threat."""
        client = self.connect(daemon)
        client.sendall(frame(json.dumps({"command": "scan_begin", "path": "x",
                                         "quarantine": True})))
        client.recv(65536)
        body = json.dumps({"command": "scan_files", "count": 1}).encode()
        fd = os.open(path, os.O_PATH)
        client.sendmsg([b"GH\x01\x01" + struct.pack("<I", len(body)) + body],
                       [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                         array.array("i", [fd]))])
        os.close(fd)
        said = client.recv(65536)
        result, = json.loads(said[8:])["results"]
        return 200 if result["verdict"] == "infected" else \
            result["error_number"]

    def test_threats_are_shown_to_their_owner_and_to_root(self):
        daemon = self.start_daemon()
        gate.write_file(self.path("of-root"), gate.eicar())
        subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             "sh", "-c", "cat > %s" % self.path("of-nobody")],
            input=gate.eicar() + b" ", check=True)
        gate.until(lambda: len(gate.threats(daemon)) == 2, "both are listed")
        own, = gate.threats(daemon, user=NOBODY, program=self.program)
        self.assertEqual(own["path"], self.path("of-nobody"))
        other, = [threat for threat in gate.threats(daemon)
                  if threat["path"] == self.path("of-root")]
        hidden = self.nobody(daemon, "threat", "get", "--id",
                             other["tracking_id"])
        self.assertEqual(hidden.code, 5, hidden)
        self.assertEqual(
            self.nobody(daemon, "threat", "get", "--id",
                        own["tracking_id"]).code, 0)
        for arguments in (
                ("threat", "quarantine", "restore", "threat-id", "--id",
                 own["tracking_id"]),
                ("threat", "quarantine", "remove", "--id",
                 own["tracking_id"]),
                ("config", "real-time-protection", "--value", "disabled")):
            refused = self.nobody(daemon, *arguments)
            self.assertEqual(refused.code, 4, refused)
        self.assertTrue(gate.health(daemon)["healthy"])
        self.assertEqual(self.nobody(daemon, "health").code, 0)

    def test_a_scan_moves_only_what_its_caller_owns(self):
        daemon = self.start_daemon(protect=[])
        tree = os.path.join(self.base, "tree")
        os.mkdir(tree)
        os.chmod(tree, 0o777)
        for name, owner in (("of-root", 0), ("of-nobody", NOBODY)):
            gate.write_file(os.path.join(tree, name), gate.eicar())
            os.chown(os.path.join(tree, name), owner, owner)
        scan = self.nobody(daemon, "scan", "custom", "--path", tree)
        self.assertIn("2 threat(s) detected", scan.out)
        self.assertEqual(os.listdir(tree), ["of-root"])
        status = {os.path.basename(threat["path"]): threat["status"]
                  for threat in gate.threats(daemon)}
        self.assertEqual(status, {"of-root": "detected",
                                  "of-nobody": "quarantined"})
        left = gate.mdatp(daemon, "scan", "custom", "--path", tree,
                          "--no-quarantine")
        self.assertIn("1 threat(s) detected", left.out)
        self.assertEqual(os.listdir(tree), ["of-root"])

    def test_what_a_scan_meets_does_not_hold_it_up(self):
        tree = os.path.join(self.base, "tree")
        os.mkdir(tree)
        os.mkfifo(os.path.join(tree, "fifo"))
        os.mknod(os.path.join(tree, "device"), stat.S_IFCHR | 0o666,
                 os.makedev(1, 5))
        os.symlink("/etc", os.path.join(tree, "link"))
        gate.write_file(os.path.join(tree, "clean\n\x1b[31m"), b"clean")
        daemon = self.start_daemon(protect=[])
        scan = gate.mdatp(daemon, "scan", "custom", "--path", tree)
        self.assertEqual(scan.code, 0, scan)
        self.assertIn("1 file(s) scanned", scan.out)
        self.assertNotIn("\x1b", scan.out + scan.err)

    def test_long_names_of_threats_fit_into_an_answer(self):
        definitions = os.path.join(self.base, "definitions")
        tree = os.path.join(self.base, "tree")
        os.mkdir(definitions)
        os.mkdir(tree)
        marker = b"a marker that no other file has"
        name = b"Test." + b"N" * 2000
        gate.write_file(os.path.join(definitions, "one.ndb"),
                        name + b":0:*:" + marker.hex().encode() + b"\n")
        for number in range(64):
            gate.write_file(os.path.join(tree, str(number)), marker)
        daemon = self.start_daemon(["--definitions", definitions], protect=[])
        scan = gate.mdatp(daemon, "scan", "custom", "--path", tree)
        self.assertEqual(scan.code, 0, scan)
        self.assertEqual(scan.out.count(": Test.NNNN"), 64, scan.out)
        self.assertEqual(len(gate.threats(daemon)), 64)

    # --- Hostility ----------------------------------------------------------

    def test_garbage_is_refused_and_the_daemon_goes_on(self):
        daemon = self.start_daemon()
        descriptors = daemon.descriptors()
        for sent in (b"\0" * 100, os.urandom(4096), b"GET / HTTP/1.0\r\n\r\n",
                     frame("{"), frame("[]"), frame("{}"), frame("null"),
                     frame('{"command":7}'), frame('{"command":"x"}'),
                     frame('{"command":"scan_files","count":1}'),
                     frame("[" * 60000), frame("", FRAME_BYTES_MAX + 1),
                     frame('{"command":"' + "x" * FRAME_BYTES_MAX + '"}'),
                     b"GH\x02\x00\x02\0\0\0{}", b"GH\x01\xff\x02\0\0\0{}",
                     b"GH\x01\x01\x02\0\0\0{}"):
            client = self.connect(daemon)
            try:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass  # It had seen enough.
            said = self.answer_of(client)
            if said:
                self.assertEqual(json.loads(said[8:])["$type"], "error", sent)
        told = gate.health(daemon)
        self.assertTrue(told["healthy"], told)
        # At its start the daemon has some that it closes soon.
        gate.until(lambda: not daemon.descriptors() - descriptors,
                   "no descriptor is left behind")
        self.assertGreater(daemon.counters()["server"]["malformed"], 10)
        self.assertEqual(daemon.counters()["supervisor"]["workersStarted"], 1)

    def test_half_open_clients_of_the_same_user_stop_nobody(self):
        daemon = self.start_daemon()
        for number in range(HALF_OPEN_CLIENTS):
            client = self.connect(daemon)
            if number % 2:
                try:
                    client.send(b"GH\x01")
                except (BrokenPipeError, ConnectionResetError):
                    pass  # Refused already.
        gate.until(lambda: gate.health(daemon).get("healthy"),
                   "health is answered")
        listed = gate.until(
            lambda: gate.mdatp(daemon, "threat", "list").code == 0 or None,
            "threats are listed")
        self.assertTrue(listed)
        opener, = self.start_openers(1)
        gate.write_file(self.path("clean"), b"clean")
        self.assertEqual(opener.open(self.path("clean"))["bytes"], 5)
        self.assertGreater(daemon.counters()["server"]["refused"] +
                           daemon.counters()["server"]["evicted"], 0)

    def test_a_second_daemon_is_told_of_the_first(self):
        daemon = self.start_daemon(protect=[])
        other = subprocess.run(
            [os.path.join(gate.BIN, "wdavdaemon"), "--state-dir",
             os.path.join(self.base, "other"), "--run-dir", daemon.run],
            stdin=subprocess.DEVNULL, capture_output=True,
            timeout=gate.PATIENCE_SECONDS)
        self.assertEqual(other.returncode, 1)
        self.assertIn(b"mdatp.sock", other.stderr)
        self.assertNotEqual(gate.health(daemon), {})


if __name__ == "__main__":
    gate.main()
