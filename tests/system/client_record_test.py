#!/usr/bin/env python3
"""`mdatp diagnostic record`: a client has a session recorded, whoever ends it
and whatever dies meanwhile."""

import array
import json
import os
import shutil
import signal
import socket
import struct
import subprocess

import gate

NOBODY = 65534
RECORD = ("diagnostic", "record")
DETAILS = ("health", "--details", "event_recording", "--output", "json")


class ClientRecordTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        self.trace = os.path.join(self.base, "session.trace")

    def details(self, daemon):
        return gate.mdatp(daemon, *DETAILS).json()

    def is_recording(self, daemon):
        return self.details(daemon)["recordingActive"]

    def start_recording(self, daemon, path=None):
        """A client that records, as soon as it does."""
        client = subprocess.Popen(
            [os.path.join(gate.BIN, "mdatp"), "--run-dir", daemon.run, *RECORD,
             "start", "--path", path or self.trace, "--output", "json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.stack.callback(client.wait)
        self.stack.callback(client.kill)
        self.assertIn(b"Recording to", client.stderr.readline())
        self.assertTrue(self.is_recording(daemon))
        return client

    def finished(self, client):
        return gate.Finished(client, RECORD)

    def open_files(self, openers, evil_denied=5):
        for opener in openers:
            opener.ask("round", self.clean, 20, self.path("evil-0"),
                       evil_denied)
        for opener in openers:
            self.assertEqual(opener.answer()["evil_denied"], evil_denied)

    def start_protected(self, arguments=()):
        self.clean = self.write_clean_files(20)
        gate.write_file(self.path("evil-0"), gate.eicar())
        return self.start_daemon(["--no-quarantine", *arguments])

    def replay(self, trace, *arguments):
        done = subprocess.run(
            [os.path.join(gate.BIN, "gatehouse-replay"), trace, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        print(done.stdout, flush=True)
        self.assertEqual(done.returncode, 0)
        return done.stdout

    # --- What is recorded ---------------------------------------------------

    def test_a_replay_answers_as_it_was_recorded(self):
        daemon = self.start_protected()
        openers = self.start_openers(4)
        self.open_files(openers)  # Before it: not in the trace.
        client = self.start_recording(daemon)
        self.open_files(openers)
        daemon.settled_counters()
        client.send_signal(signal.SIGINT)
        recorded = self.finished(client)
        self.assertEqual(recorded.code, 0, recorded)
        report = recorded.json()
        self.assertEqual((report["path"], report["reason"], report["lost"]),
                         (self.trace, "stopped", 0))
        self.assertEqual(report["bytes"], os.stat(self.trace).st_size)
        # Each opener opens 20 clean files, and one that is not 5 times.
        self.assertGreaterEqual(report["answers"], 4 * 25)
        details = self.details(daemon)
        self.assertFalse(details["recordingActive"])
        self.assertEqual(details["recordingEvents"], report["events"])
        self.open_files(openers)  # After it.
        self.assertEqual(os.stat(self.trace).st_size, report["bytes"])

        again = os.path.join(self.base, "again.trace")
        answers = [os.path.join(self.base, name) for name in "ab"]
        text = self.replay(self.trace, "--mode", "virtual", "--record", again,
                           "--answers", answers[0])
        self.assertIn(" %d answers, " % report["answers"], text)
        self.assertIn("1 sessions (1 ended)", text)
        self.assertRegex(text, r"(?m)^denied +20$")
        self.replay(again, "--mode", "virtual", "--answers", answers[1])
        with open(answers[0]) as first, open(answers[1]) as second:
            self.assertEqual(first.read(), second.read())

    def test_another_client_ends_it_and_both_are_told(self):
        daemon = self.start_protected()
        opener, = self.start_openers(1)
        client = self.start_recording(daemon)
        self.open_files([opener])
        stopped = gate.mdatp(daemon, *RECORD, "stop", "--output", "json")
        self.assertEqual(stopped.code, 0, stopped)
        recorded = self.finished(client)
        self.assertEqual(recorded.code, 0, recorded)
        self.assertEqual(stopped.json()["reason"], "ended_by_another")
        self.assertEqual(dict(stopped.json(), path=self.trace),
                         recorded.json())
        self.replay(self.trace)
        self.assertEqual(gate.mdatp(daemon, *RECORD, "stop").code, 1)

    def test_it_ends_when_the_time_is_over(self):
        daemon = self.start_protected()
        recorded = gate.mdatp(daemon, *RECORD, "start", "--path", self.trace,
                              "--duration", "1")
        self.assertEqual(recorded.code, 0, recorded)
        self.assertIn("Ended: as asked\n", recorded.out)
        self.assertIn("1 sessions (1 ended)", self.replay(self.trace))

    # --- Who may, and how many ----------------------------------------------

    def test_only_root_may(self):
        os.chmod(self.base, 0o777)
        program = shutil.copy(os.path.join(gate.BIN, "mdatp"), self.base)
        os.chmod(program, 0o755)
        daemon = self.start_protected()
        refused = gate.mdatp(daemon, *RECORD, "start", "--path", self.trace,
                             user=NOBODY, program=program)
        self.assertEqual((refused.code, refused.out), (4, ""), refused)
        self.assertFalse(os.path.exists(self.trace))
        self.assertFalse(self.is_recording(daemon))
        client = self.start_recording(daemon)
        refused = gate.mdatp(daemon, *RECORD, "stop", user=NOBODY,
                             program=program)
        self.assertEqual(refused.code, 4, refused)
        self.assertTrue(self.is_recording(daemon))
        client.send_signal(signal.SIGINT)
        self.assertEqual(self.finished(client).code, 0)

    def test_there_is_one_at_a_time(self):
        daemon = self.start_protected()
        client = self.start_recording(daemon)
        other = os.path.join(self.base, "other.trace")
        refused = gate.mdatp(daemon, *RECORD, "start", "--path", other)
        self.assertEqual((refused.code, refused.out), (1, ""), refused)
        self.assertIn("another recording is going on", refused.err)
        self.assertFalse(os.path.exists(other))
        client.send_signal(signal.SIGINT)
        self.assertEqual(self.finished(client).code, 0)
        again = self.start_recording(daemon, other)
        again.send_signal(signal.SIGTERM)
        self.assertEqual(self.finished(again).code, 0)

    def test_a_daemon_that_records_by_itself_is_left_alone(self):
        own = os.path.join(self.base, "own.trace")
        daemon = self.start_protected(["--record", own])
        self.assertTrue(self.is_recording(daemon))
        refused = gate.mdatp(daemon, *RECORD, "start", "--path", self.trace)
        self.assertEqual(refused.code, 1, refused)
        self.assertIn("--record", refused.err)
        self.assertEqual(gate.mdatp(daemon, *RECORD, "stop").code, 1)
        self.assertTrue(self.is_recording(daemon))
        self.assertEqual(daemon.stop(), 0)
        self.assertIn("1 sessions (1 ended)", self.replay(own))

    # --- What dies meanwhile ------------------------------------------------

    def test_a_client_that_is_killed_ends_it(self):
        daemon = self.start_protected()
        opener, = self.start_openers(1)
        before = daemon.descriptors()
        client = self.start_recording(daemon)
        self.open_files([opener])
        client.kill()
        self.finished(client)
        daemon.wait_for_log('reason="client_gone"')
        self.assertFalse(self.is_recording(daemon))
        # Before, the connection of whoever asked last may still have been there.
        gate.until(lambda: not daemon.descriptors() - before,
                   "its descriptors are closed")
        self.assertIn("1 sessions (1 ended)", self.replay(self.trace))

    def test_a_worker_that_is_killed_ends_it(self):
        daemon = self.start_protected()
        opener, = self.start_openers(1)
        before = daemon.descriptors()
        client = self.start_recording(daemon)
        size = os.stat(self.trace).st_size
        self.open_files([opener])
        gate.until(lambda: os.stat(self.trace).st_size > size,
                   "a block is written")
        os.kill(daemon.worker(), signal.SIGKILL)
        recorded = self.finished(client)
        self.assertEqual(recorded.code, 1, recorded)
        self.assertIn("the daemon is gone", recorded.err)
        self.assertEqual(recorded.json()["code"], 1)
        self.assertIn("1 sessions (0 ended)", self.replay(self.trace))
        gate.until(lambda: gate.health(daemon), "a successor answers")
        self.assertFalse(self.is_recording(daemon))
        gate.until(lambda: not daemon.descriptors() - before,
                   "its descriptors are closed")
        # The successor records as well.
        other = os.path.join(self.base, "other.trace")
        client = self.start_recording(daemon, other)
        self.open_files([opener])
        client.send_signal(signal.SIGINT)
        self.assertEqual(self.finished(client).code, 0)
        self.replay(other)

    def test_a_daemon_that_stops_writes_the_end(self):
        daemon = self.start_protected()
        client = self.start_recording(daemon)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.finished(client).code, 1)
        self.assertIn("1 sessions (1 ended)", self.replay(self.trace))

    def test_a_full_disk_ends_it_and_nobody_waits(self):
        small = os.path.join(self.base, "small")
        os.mkdir(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", small],
                       check=True)
        self.stack.callback(subprocess.run, ["umount", "--lazy", small],
                            check=True)
        daemon = self.start_protected()
        opener, = self.start_openers(1)
        trace = os.path.join(small, "session.trace")
        client = self.start_recording(daemon, trace)
        size = os.stat(trace).st_size
        self.open_files([opener])
        gate.until(lambda: os.stat(trace).st_size > size,
                   "a block is written")

        def ended():
            self.open_files([opener])
            return not self.is_recording(daemon)
        gate.until(ended, "the disk is full")
        recorded = self.finished(client)
        self.assertEqual(recorded.code, 1, recorded)
        self.assertEqual(recorded.json()["reason"], "write_failed")
        self.assertIn("No space left", recorded.json()["detail"])
        self.assertIn("1 sessions (0 ended)", self.replay(trace))
        counters = daemon.settled_counters()["eventSource"]
        self.assertEqual(counters["recordingsFailed"], 1)
        self.assertEqual(counters["allowedDeadline"], 0)

    # --- What a client may pass ---------------------------------------------

    def answer_to(self, daemon, fds):
        """What the daemon says to a request with these descriptors."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stack.callback(client.close)
        client.connect(os.path.join(daemon.run, "mdatp.sock"))
        client.settimeout(gate.PATIENCE_SECONDS)
        body = json.dumps({"command": "record_begin"}).encode()
        header = b"GH\x01" + bytes([len(fds)]) + struct.pack("<I", len(body))
        client.sendmsg([header + body],
                       [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                         array.array("i", fds))] if fds else [])
        said = json.loads(client.recv(65536)[8:])
        client.close()
        return said.get("code", said["$type"])

    def test_only_an_empty_file_that_may_be_written_is_taken(self):
        daemon = self.start_protected()
        fifo = os.path.join(self.base, "fifo")
        os.mkfifo(fifo)
        gate.write_file(self.trace, b"")
        used = os.path.join(self.base, "used")
        gate.write_file(used, b"mine")
        taken = []
        for path, flags in ((fifo, os.O_RDWR), (self.trace, os.O_RDONLY),
                            (self.trace, os.O_PATH), (used, os.O_RDWR),
                            ("/dev/null", os.O_WRONLY),
                            (self.base, os.O_RDONLY),
                            (self.trace, os.O_WRONLY)):
            fd = os.open(path, flags)
            taken.append(self.answer_to(daemon, [fd]))
            os.close(fd)
        self.assertEqual(taken, ["invalid_request"] * 6 + ["recording"])
        self.assertEqual(self.answer_to(daemon, []), "invalid_request")
        with open(used, "rb") as file:
            self.assertEqual(file.read(), b"mine")
        daemon.wait_for_log('reason="client_gone"')
        self.assertFalse(self.is_recording(daemon))


if __name__ == "__main__":
    gate.main()
