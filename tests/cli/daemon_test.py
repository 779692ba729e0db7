#!/usr/bin/env python3
"""mdatp against a daemon with canned answers: text, JSON, exit codes.

    daemon_test.py MDATP TEST_DAEMON
"""

import contextlib
import json
import os
import socket
import struct
import subprocess
import threading
import unittest

import daemon_case
import mdatp

IS_ROOT = os.geteuid() == 0
VIRUS = "11111111-2222-3333-4444-555555555555"
SCAN = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
NAME = "Virus:DOS/EICAR_Test_File"
DETECTED = "1672350517000"


class Case(daemon_case.Case):
    def listen(self):
        """A server of the test's own, for what the real one never does."""
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.settimeout(mdatp.TIMEOUT_SECONDS)
        listener.bind(os.path.join(self.run_directory, "mdatp.sock"))
        listener.listen()
        return listener

    @contextlib.contextmanager
    def playing(self, *answers):
        """Serves one client, request by request, with these bytes, and goes."""
        listener = self.listen()

        def play():
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(mdatp.TIMEOUT_SECONDS)
                for answer in answers:
                    connection.recv(1 << 16)
                    connection.sendall(answer)
        server = threading.Thread(target=play)
        server.start()
        with self.subTest(answers=answers):
            yield
        server.join()
        listener.close()
        os.unlink(os.path.join(self.run_directory, "mdatp.sock"))


def frame(message):
    payload = message if isinstance(message, bytes) \
        else json.dumps(message).encode()
    return b"GH\x01\0" + struct.pack("<I", len(payload)) + payload


def results(*entries):
    return frame({"$type": "scanned", "results": entries})


THREAT = {"$type": "threat", "id": VIRUS, "name": NAME, "type": "virus",
          "path": "/data/eicar.com", "owner_uid": 0, "file_bytes": 68,
          "sha256": "", "scan_id": "", "isolated_in_time": None,
          "history": [{"time": DETECTED, "status": "detected", "detail": ""}]}
READY = frame({"$type": "scan_ready", "scan_id": SCAN})
SCANNED = results({"index": 0, "verdict": "infected", "threat_name": NAME})


class Health(Case):
    def test_the_layout(self):
        self.serve()
        lines = [
            ("healthy", "true"),
            ("health_issues", '["a","b"]'),
            ("app_version", '"0.2.0"'),
            ("org_id", "unavailable"),
            ("behavior_monitoring", '"disabled"'),
            ("real_time_protection_enabled", "true [managed]"),
            ("definitions_updated", "Dec 29, 2022 at 09:48:37 PM"),
            ("definitions_updated_minutes_ago", "20"),
            ("definitions_status", '"up_to_date"'),
            ("zebra_count", "3"),
            ("answer_times", '{"p99":7}'),
        ]
        self.assertEqual(self.text("health"), "".join(
            f"{name:44}: {value}\n" for name, value in lines))

    def test_one_field_is_its_value(self):
        self.serve()
        for field, text in (
                ("app_version", '"0.2.0"'), ("healthy", "true"),
                ("org_id", "unavailable"), ("appVersion", '"0.2.0"'),
                ("real_time_protection_enabled", "true [managed]"),
                ("definitions_updated", "Dec 29, 2022 at 09:48:37 PM"),
                ("proxy", '"None"')):
            self.assertEqual(self.text("health", "--field", field), text + "\n")

    def test_an_unknown_field_is_5_and_named(self):
        self.serve()
        finished = self.run_mdatp("health", "--field", "no_such")
        self.assertEqual(finished.code, 5)
        self.assertIn("'no_such'", finished.err)
        self.assertEqual(finished.out, "")

    def test_json_is_one_sorted_line(self):
        self.serve()
        out = self.text("health", "--output", "json")
        self.assertEqual(out.count("\n"), 1)
        self.assertTrue(out.startswith('{"$type":"getHealthAllResult"'), out)
        health = json.loads(out)
        self.assertEqual(list(health), sorted(health))
        self.assertEqual(health["realTimeProtectionEnabled"],
                         {"displayValue": True, "isManaged": True,
                          "value": True})
        self.assertEqual(health["definitionsUpdated"], DETECTED)

    def test_the_daemons_text_cannot_change_the_terminal(self):
        self.serve("hostile")
        for arguments in (("health",), ("health", "--output", "json"),
                          ("threat", "list"),
                          ("threat", "list", "--output", "json")):
            out = self.text(*arguments)
            self.assertNotIn("\x1b", out)
            self.assertNotIn("\u202e", out)
            self.assertNotIn("\nName: clean", out)


class Config(Case):
    def test_real_time_protection(self):
        self.serve()
        for value in ("enabled", "disabled"):
            self.assertEqual(self.text("config", "real-time-protection",
                                       "--value", value),
                             "Configuration property updated\n")
        finished = self.run_mdatp("config", "real-time-protection", "--value",
                                  "maybe")
        self.assertEqual(finished.code, 2)


class Definitions(Case):
    STATUS = ("definitions", "status")

    def test_of_a_failed_update_is_told_when_it_is_tried_again(self):
        self.serve("definitions_failed")
        self.assertIn("Not used: no scanner to be had\n"
                      "Next try: Dec 29, 2022 at 09:49:37 PM\n",
                      self.text(*self.STATUS))
        status = json.loads(self.text(*self.STATUS, "--output", "json"))
        self.assertEqual(status["failReason"], "no scanner to be had")
        self.assertEqual(int(status["nextTry"]), int(DETECTED) + 60_000)

    def test_without_one_nothing_is_told(self):
        self.serve()
        out = self.text(*self.STATUS)
        self.assertIn("Folder: /var/lib/clamav\n", out)
        self.assertNotIn("Not used", out)
        self.assertNotIn("Next try", out)
        self.assertNotIn("nextTry",
                         self.text(*self.STATUS, "--output", "json"))


class Scan(Case):
    def setUp(self):
        super().setUp()
        self.tree = self.make_directory("tree")

    def scan(self, *arguments, path=None):
        return self.run_mdatp("scan", "custom", "--path", path or self.tree,
                              *arguments)

    def test_every_kind_of_finding(self):
        self.serve()
        threat = self.write("tree/a/eicar", b"X")
        large = self.write("tree/large", b"L")
        self.write("tree/clean", b"c")
        os.mkfifo(self.path("tree", "fifo"))
        os.symlink("clean", self.path("tree", "link"))
        finished = self.scan()
        self.assertEqual((finished.code, finished.err), (0, ""))
        self.assertEqual(
            sorted(finished.out.splitlines()),
            sorted([f"{threat}: {NAME} FOUND, quarantined",
                    f"{large}: size_limit NOT SCANNED",
                    f"{self.tree}/fifo: not_regular_file NOT SCANNED",
                    "Scan has finished", "\t2 file(s) scanned",
                    "\t1 threat(s) detected", "\t2 file(s) not scanned"]))
        self.assertIn(f"{NAME} FOUND, detected\n",
                      self.scan("--no-quarantine").out)
        self.assertEqual(self.scan("--fail-on-threat").code, 10)
        self.assertRegex(self.scan("--statistics").err, r"\AStatistics: ")

    def test_json(self):
        self.serve()
        threat = self.write("tree/eicar", b"X")
        scan = self.scan("--output", "json").json()
        self.assertEqual(scan["scan_id"], SCAN)
        self.assertEqual(scan["filesScanned"], 1)
        self.assertEqual(scan["threats"], [
            {"path": threat, "name": NAME, "type": "virus",
             "status": "quarantined", "tracking_id": VIRUS}])
        self.assertNotIn("definitions", scan)

    def test_many_files_are_several_batches(self):
        self.serve()
        for number in range(200):
            self.write(f"tree/{number % 7}/{number}", b"X")
        finished = self.scan()
        self.assertEqual(finished.out.count(" FOUND, quarantined\n"), 200)
        self.assertIn("\t200 file(s) scanned\n", finished.out)

    def test_a_deep_tree_needs_few_descriptors(self):
        self.serve()
        start = os.getcwd()
        self.addCleanup(os.chdir, start)
        os.chdir(self.tree)
        for _ in range(1500):
            os.mkdir("directory")
            os.chdir("directory")
        with open("eicar", "wb") as file:
            file.write(b"X")
        os.chdir(start)
        finished = subprocess.run(
            ["bash", "-c", 'ulimit -n 120; "$@"', "bash", mdatp.program(),
             "--run-dir", self.run_directory, "scan", "custom", "--path",
             self.tree], capture_output=True, check=False,
            timeout=mdatp.TIMEOUT_SECONDS)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertIn(b"\t1 threat(s) detected\n", finished.stdout)
        subprocess.run(["rm", "-rf", self.tree], check=True)

    def test_the_path_itself(self):
        self.serve()
        threat = self.write("tree/eicar", b"X")
        os.symlink(threat, self.path("link"))
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        for path in (threat, self.path("link")):
            self.assertIn(f"{path}: {NAME} FOUND", self.scan(path=path).out)
        self.assertIn("not_regular_file NOT SCANNED", self.scan(path=fifo).out)
        self.assertEqual(self.scan(path=self.path("none")).code, 5)

    def test_options_of_an_offline_scan_need_it(self):
        finished = self.scan("--threads", "2")
        self.assertEqual(finished.code, 2)
        self.assertIn("--offline", finished.err)


class Failures(Case):
    EVERYTHING = (("health",), ("threat", "list"), ("scan", "custom", "--path",
                                                    "/dev/null"),
                  ("config", "real-time-protection", "--value", "enabled"),
                  ("threat", "quarantine", "remove", "--id", VIRUS),
                  ("threat", "quarantine", "add", "--id", VIRUS),
                  ("threat", "quarantine", "remove-all"),
                  ("threat", "restore", "--id", VIRUS),
                  ("threat", "restore", "threat-path", "--path", "/x"),
                  ("threat", "allowed", "add", "--name", "A"),
                  ("threat", "allowed", "list"),
                  ("threat", "policy", "set", "--type", "archive_bomb",
                   "--action", "off"),
                  ("threat", "policy", "list"))

    def codes(self, expected):
        for arguments in self.EVERYTHING:
            finished = self.run_mdatp(*arguments, "--output", "json")
            self.assertEqual(finished.code, expected, (arguments, finished))
            self.assertEqual(finished.json()["code"], expected)
            self.assertRegex(finished.err, r"\AError: [^\n\x1b]+\n\Z")

    def test_nobody_there_is_3(self):
        self.codes(3)
        self.run_directory = self.path("none")
        self.codes(3)

    def test_a_stale_socket_is_3(self):
        self.listen().close()
        self.codes(3)

    def test_a_closed_connection_is_3(self):
        self.serve("deaf")
        self.codes(3)

    def test_what_the_daemon_refuses(self):
        self.serve("denying")
        self.codes(4)

    def test_what_the_daemon_does_not_know(self):
        self.serve("missing")
        self.codes(5)

    def test_nonsense_is_1(self):
        self.serve("babbling")
        self.codes(1)

    def test_busy_is_tried_again_and_then_1(self):
        self.serve("busy")
        finished = self.run_mdatp("health")
        self.assertEqual(finished.code, 1)
        self.assertIn("come again", finished.err)

    def fails(self, code, *arguments):
        """Whatever was printed before, the end is an error that says why."""
        finished = self.run_mdatp(*arguments)
        self.assertEqual(finished.code, code, finished)
        self.assertRegex(finished.err, r"\AError: [^\n\x1b]+\n\Z")
        return finished

    def test_bytes_that_are_no_frame_are_1(self):
        for answer in (b"HTTP/1.1 200 OK\r\n\r\n", b"GH\x02\0\0\0\0\0",
                       b"GH\x01\0\x01\0\x01\0", b"GH\x01\x01\x02\0\0\0{}",
                       frame(b"[]"), frame(b"{\"\xff\""), frame(b"")):
            with self.playing(answer):
                self.fails(1, "health")

    def test_the_end_in_the_middle_of_a_frame_is_3(self):
        with self.playing(b"GH\x01\0\x10\0\0\0{"):
            self.fails(3, "health")

    def test_the_end_in_the_middle_of_a_list_is_3(self):
        with self.playing(frame(THREAT)):
            finished = self.fails(3, "threat", "list")
        # Half a list would look like a whole one.
        self.assertEqual(finished.out, "")

    def test_a_list_that_makes_no_sense_is_1(self):
        for wrong in ({"$type": "threat"}, {"$type": "scan"}, {}, {"$type": 7},
                      {"$type": "health"}, dict(THREAT, id="../x"),
                      dict(THREAT, history=[])):
            with self.playing(frame(THREAT) + frame(wrong) +
                              frame({"$type": "end", "count": 2})):
                self.assertEqual(self.fails(1, "threat", "list").out, "")

    def test_an_error_in_the_middle_of_a_list_is_the_error(self):
        with self.playing(frame(THREAT) + frame(
                {"$type": "error", "code": "not_permitted",
                 "message": "no more"})):
            self.assertIn("no more", self.fails(4, "threat", "list").err)

    def scan(self):
        return ("scan", "custom", "--path", self.write("file", b"X"))

    def test_the_end_in_the_middle_of_a_scan_is_3(self):
        for answers in ((), (READY,), (READY, SCANNED), (READY, b"GH\x01\0")):
            with self.playing(*answers):
                finished = self.fails(3, *self.scan())
                self.assertIn("use --offline", finished.err)
                self.assertNotIn("Scan has finished", finished.out)

    def test_what_was_found_before_the_end_is_told(self):
        with self.playing(READY, SCANNED):
            self.assertIn(f"{NAME} FOUND", self.fails(3, *self.scan()).out)

    def test_what_a_hash_allows_is_told_before_the_end_too(self):
        allowed = {"index": 0, "verdict": "clean", "threat_name": NAME,
                   "allowed_by": "Known.Good"}
        with self.playing(READY, results(allowed)):
            self.assertIn(f"{NAME} ALLOWED by Known.Good",
                          self.fails(3, *self.scan()).out)

    def test_a_scan_whose_answers_make_no_sense_is_1(self):
        infected = {"index": 0, "verdict": "infected", "threat_name": NAME}
        for answers in (
                (frame({"$type": "scan_ready"}),),
                (frame({"$type": "scan_ready", "scan_id": "x"}),),
                (frame({"$type": "scanned", "results": []}),),
                (READY, frame({"$type": "scanned"})),
                (READY, frame({"$type": "scanned", "results": {}})),
                (READY, frame({"$type": "scan_result", "results": []})),
                (READY, results(7)),
                (READY, results({"index": 0})),
                (READY, results({"index": 0, "verdict": "clean"})),
                (READY, results({"verdict": "infected"})),
                (READY, results(dict(infected, index=1))),
                (READY, results(dict(infected, index=-1))),
                (READY, results(infected, infected)),
                (READY, SCANNED, SCANNED)):
            with self.playing(*answers):
                finished = self.fails(1, *self.scan())
                self.assertNotIn("Scan has finished", finished.out)

    def test_the_environment_names_the_folder(self):
        self.serve()
        os.environ["MDATP_RUN_DIR"] = self.run_directory
        self.addCleanup(os.environ.pop, "MDATP_RUN_DIR")
        self.assertEqual(mdatp.run("health", "--field", "healthy").out,
                         "true\n")

    @unittest.skipUnless(IS_ROOT, "another user's server needs root")
    def test_a_server_of_another_user_is_not_believed(self):
        # Bound by us, but listened on by nobody: that is what counts.
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(os.path.join(self.run_directory, "mdatp.sock"))
        child = os.fork()
        if child == 0:
            os.setresuid(mdatp.NOBODY, mdatp.NOBODY, mdatp.NOBODY)
            listener.listen()
            os._exit(0)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.codes(4)


if __name__ == "__main__":
    mdatp.main()
